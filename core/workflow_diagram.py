"""Draws the workflow's table: ``python -m core.workflow_diagram docs`` writes workflow.md and workflow.svg.

Steps that every open case allows (withdraw, void) and every counting one (suspend) are drawn once, from the frame
around those states.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from core.errors import Lang
from core.messages import MessageType
from core.states import COUNTING, OPEN, State
from core.workflow import SIDE_ROLES, TRANSITIONS
from core.workflow_names import desk_name, duty_name, message_name, next_name, role_names, state_name
from core.workflow_svg import svg
from core.workflow_terms import By, Transition

Edge = tuple[State, State, MessageType]

_HEAD = {
    "zh": "| 状态 | 环节 | 在哪一级 | 谁办 | 办后状态 | 办后在谁手上 | 须换人 |",
    "en": "| state | step | at which desk | by whom | then | then held by | must not have been the officer |",
}
_SIDE_HEAD = {"zh": "| 环节 | 谁办 |", "en": "| step | by whom |"}
_TITLE = {"zh": "## 办件流程表", "en": "## The table"}
_SIDE_TITLE = {
    "zh": "不改变状态、先后无关的补充（任一方均可，分叉只由市级核定）：",
    "en": "Beside the chain, in any state and any order (by every party; only the city settles a fork):",
}


def edges() -> list[Edge]:
    """Every arrow of the table: from, to, step; a resumption leads to every state that counts."""
    return [
        (state, target, kind)
        for state, row in TRANSITIONS.items()
        for kind, step in row.items()
        for target in step.next
    ]


def shared_steps(states: Iterable[State]) -> dict[MessageType, State]:
    """The steps that all of ``states`` have alike, each with the one state it leads to."""
    rows = [TRANSITIONS[state] for state in states]
    return {
        kind: step.next[0]
        for kind, step in rows[0].items()
        if len(step.next) == 1 and all(row.get(kind) == step for row in rows)
    }


def plain_edges() -> list[Edge]:
    """The arrows that no frame stands for."""
    of_open, of_counting = shared_steps(OPEN), shared_steps(COUNTING)
    return [
        (start, end, kind)
        for start, end, kind in edges()
        if not (start in OPEN and kind in of_open)
        and not (start in COUNTING and kind in of_counting)
        and TRANSITIONS[start][kind].by is not By.SUSPENSION
    ]


def framed_edges() -> list[tuple[str, str, MessageType]]:
    """The arrows from and to the frames ``OPEN_CASES`` and ``COUNTING``."""
    of_open = shared_steps(OPEN)
    suspend = {kind: end for kind, end in shared_steps(COUNTING).items() if kind not in of_open}
    resumed = [
        (state.value, "COUNTING", kind)
        for state, row in TRANSITIONS.items()
        for kind, step in row.items()
        if step.by is By.SUSPENSION
    ]
    return [
        *(("OPEN_CASES", end.value, kind) for kind, end in of_open.items()),
        *(("COUNTING", end.value, kind) for kind, end in suspend.items()),
        *resumed,
    ]


def markdown() -> str:
    """The page: the picture for people, the same for mermaid, the table in both languages."""
    parts = [
        "# 办件流程 · The workflow",
        "由 `core/workflow.py` 的 `TRANSITIONS` 生成（`python -m core.workflow_diagram docs`），请勿手改。",
        "Generated from `TRANSITIONS` in `core/workflow.py`; do not edit.",
        "![办件流程图](workflow.svg)",
        _mermaid(),
        *(_table(lang) for lang in ("zh", "en")),
    ]
    return "\n\n".join(parts) + "\n"


def _mermaid() -> str:
    inner = [f"        {state}: {_both(state)}" for state in State if state in COUNTING]
    outer = [f"    {state}: {_both(state)}" for state in State if state in OPEN - COUNTING]
    others = [f"  {state}: {_both(state)}" for state in State if state not in OPEN]
    arrows = [(start.value, end.value, kind) for start, end, kind in plain_edges()] + framed_edges()
    lines = [
        "stateDiagram-v2",
        "  state OPEN_CASES {",
        *outer,
        "    state COUNTING {",
        *inner,
        "    }",
        "  }",
        *others,
        *(f"  {start} --> {end}: {message_name(kind)}" for start, end, kind in arrows),
    ]
    return "\n".join(["```mermaid", *lines, "```"])


def _both(state: State) -> str:
    return f"{state_name(state)} {state_name(state, 'en')}"


def _table(lang: Lang) -> str:
    head, side_head = _HEAD[lang], _SIDE_HEAD[lang]
    lines = [_TITLE[lang], "", head, _rule(head)]
    lines += [
        _row(state, kind, step, lang) for state, row in TRANSITIONS.items() for kind, step in row.items()
    ]
    lines += ["", _SIDE_TITLE[lang], "", side_head, _rule(side_head)]
    lines += [
        f"| {message_name(kind, lang)} | {role_names(roles, lang)} |" for kind, roles in SIDE_ROLES.items()
    ]
    return "\n".join(lines)


def _rule(head: str) -> str:
    return "|---" * (head.count("|") - 1) + "|"


def _row(state: State, kind: MessageType, step: Transition, lang: Lang) -> str:
    cells = (
        state_name(state, lang),
        f"{message_name(kind, lang)} `{kind}`",
        desk_name(step.desk, lang),
        role_names(step.roles, lang),
        " / ".join(state_name(target, lang) for target in step.next),
        next_name(step.holder, lang),
        " / ".join(duty_name(duty, lang) for duty in step.apart_from),
    )
    return "| " + " | ".join(cells) + " |"


def documents() -> dict[str, str]:
    """File name -> text of both documents."""
    return {"workflow.md": markdown(), "workflow.svg": svg(plain_edges(), framed_edges())}


def main(arguments: list[str]) -> int:
    """Writes both documents into the folder that is named."""
    (folder,) = arguments
    for name, text in documents().items():
        Path(folder, name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
