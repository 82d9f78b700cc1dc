"""A picture of the workflow as SVG, drawn by hand-set places and straight arrows; the same table, the same bytes."""

from html import escape

from core.messages import MessageType
from core.states import COUNTING, OPEN, State
from core.workflow_names import message_name, state_name

Point = tuple[float, float]

WIDTH, HEIGHT = 1560, 590
BOX_W, BOX_H = 126, 50
STEP_PX = 12

PLACES: dict[State, Point] = {
    State.DRAFT: (90, 260),
    State.SUBMITTED: (310, 260),
    State.SUPPLEMENT_REQUESTED: (310, 110),
    State.RETURNED: (310, 410),
    State.REFUSED: (90, 410),
    State.SUSPENDED: (820, 80),
    State.VERIFYING: (820, 220),
    State.ACCEPTED: (535, 350),
    State.HANDLING: (725, 350),
    State.REVIEW: (915, 350),
    State.DECISION: (1105, 350),
    State.GRANTED: (1310, 220),
    State.DENIED: (1310, 350),
    State.DELIVERED: (1480, 285),
    State.WITHDRAWN: (700, 550),
    State.VOID: (940, 550),
}
"""Centre of each state's box."""

FRAMES: dict[str, tuple[float, float, float, float]] = {
    "OPEN_CASES": (196, 40, 1200, 490),
    "COUNTING": (455, 180, 1185, 470),
}
"""Left, top, right, bottom."""

_FRAME_WORDS = {
    "OPEN_CASES": "办理中 open：任一状态均可撤回或作废",
    "COUNTING": "计时 the clock runs：任一状态均可启动特别程序，结束后回到原状态",
}
_FRAME_GATES: dict[tuple[str, str], tuple[Point, Point]] = {
    ("OPEN_CASES", "WITHDRAWN"): ((700, 490), (700, 525)),
    ("OPEN_CASES", "VOID"): ((940, 490), (940, 525)),
    ("COUNTING", "SUSPENDED"): ((790, 180), (790, 105)),
    ("SUSPENDED", "COUNTING"): ((850, 105), (850, 180)),
}
_ARC_DEPTH: dict[tuple[State, State], float] = {(State.DECISION, State.HANDLING): 90}
"""Arrows that must go round a box between, and how far below it."""

_STYLE = (
    "text{font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif;text-anchor:middle;fill:#1b2733}"
    ".zh{font-size:16px;font-weight:600}.en{font-size:11px;fill:#51616f}.step{font-size:12px;fill:#0b4a8f}"
    ".step,.frame{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
    ".frame{font-size:12px;fill:#51616f;text-anchor:start}"
    "rect.box{fill:#f4f8fc;stroke:#35608c;stroke-width:1.5}rect.end{fill:#eceff2;stroke:#6b7884}"
    "rect.group{fill:none;stroke:#9aabbb;stroke-dasharray:6 4}"
    "path{fill:none;stroke:#35608c;stroke-width:1.4;marker-end:url(#tip)}"
)


def svg(edges: list[tuple[State, State, MessageType]], framed: list[tuple[str, str, MessageType]]) -> str:
    """The picture of these arrows, as SVG text."""
    steps: dict[tuple[State, State], list[str]] = {}
    for start, end, kind in edges:
        steps.setdefault((start, end), []).append(message_name(kind))
    both_ways = {pair for pair in steps if (pair[1], pair[0]) in steps and pair[0] is not pair[1]}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>办件流程 · The workflow</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0L10 5L0 10z" style="fill:#35608c;stroke:none;marker-end:none"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *(_frame(name) for name in FRAMES),
        *(_arrow(pair, "、".join(names), pair in both_ways) for pair, names in steps.items()),
        *(_gate(start, end, message_name(kind)) for start, end, kind in framed),
        *(_box(state) for state in State),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _frame(name: str) -> str:
    left, top, right, bottom = FRAMES[name]
    return (
        f'<rect class="group" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="10"/>'
        f'<text class="frame" x="{left + 12:g}" y="{bottom - 8:g}">{escape(_FRAME_WORDS[name])}</text>'
    )


def _box(state: State) -> str:
    x, y = PLACES[state]
    kind = "box" if state in OPEN | COUNTING else "box end"
    return (
        f'<rect class="{kind}" x="{x - BOX_W / 2:g}" y="{y - BOX_H / 2:g}" width="{BOX_W}" height="{BOX_H}" rx="8"/>'
        f'<text class="zh" x="{x:g}" y="{y:g}">{escape(state_name(state))}</text>'
        f'<text class="en" x="{x:g}" y="{y + 17:g}">{escape(state_name(state, "en"))}</text>'
    )


def _arrow(pair: tuple[State, State], words: str, has_reverse: bool) -> str:
    start, end = pair
    if start is end:
        return _loop(PLACES[start], words)
    if pair in _ARC_DEPTH:
        return _arc(PLACES[start], PLACES[end], _ARC_DEPTH[pair], words)
    return _straight(PLACES[start], PLACES[end], words, 13 if has_reverse else 0)


def _straight(start: Point, end: Point, words: str, aside: float) -> str:
    """From border to border; ``aside`` pixels to the right of the way, so that there and back stay apart."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    shift = (-dy / length * aside, dx / length * aside)
    reach = _reach(dx, dy)
    first = (start[0] + dx * reach + shift[0], start[1] + dy * reach + shift[1])
    last = (end[0] - dx * reach + shift[0], end[1] - dy * reach + shift[1])
    # Beside a steep arrow that has a partner the words stand clear of both lines.
    room = 8 + len(words) * STEP_PX / 2 - aside if aside and not dx else 0
    clear = (room if shift[0] > 0 else -room) + shift[0]
    middle = ((first[0] + last[0]) / 2 + clear, (first[1] + last[1]) / 2 + 4 + shift[1] * 0.9)
    return _path(f"M{_p(first)}L{_p(last)}", middle, words)


def _reach(dx: float, dy: float) -> float:
    """The share of the way from centre to centre that lies inside a box."""
    across = BOX_W / 2 / abs(dx) if dx else 1.0
    along = BOX_H / 2 / abs(dy) if dy else 1.0
    return min(across, along)


def _loop(place: Point, words: str) -> str:
    x, y = place[0], place[1] - BOX_H / 2
    return _path(f"M{_p((x + 12, y))}c22 -42 56 -34 38 0", (x + 74, y - 16), words)


def _arc(start: Point, end: Point, depth: float, words: str) -> str:
    bottom = start[1] + BOX_H / 2
    middle = ((start[0] + end[0]) / 2, bottom + depth)
    path = f"M{_p((start[0], bottom))}Q{_p(middle)} {_p((end[0], end[1] + BOX_H / 2))}"
    return _path(path, (middle[0], bottom + depth / 2 + 4), words)


def _gate(start: str, end: str, words: str) -> str:
    first, last = _FRAME_GATES[(start, end)]
    left = first[0] < PLACES[State.SUSPENDED][0]
    middle = (first[0] + (-44 if left else 44), (first[1] + last[1]) / 2 + 4)
    return _path(f"M{_p(first)}L{_p(last)}", middle, words)


def _path(path: str, middle: Point, words: str) -> str:
    return (
        f'<path d="{path}"/><text class="step" x="{middle[0]:.1f}" y="{middle[1]:.1f}">{escape(words)}</text>'
    )


def _p(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
