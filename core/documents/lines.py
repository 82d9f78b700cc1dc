"""Where a line of Chinese may end: not before a closing mark, not after an opening one, not within a number or word."""

import re
from collections.abc import Callable, Iterator

_UNITS = re.compile(r"[!-~]+| +|.", re.DOTALL)
NO_START = frozenset("，。；：！？、）》〉」』】〕”’％…—·,.;:!?)]}%°℃号")
"""Marks that may not begin a line (GB/T 15834-2011, 5.1.1), and 号 which belongs to its number."""
NO_END = frozenset("（《〈「『【〔“‘([{￥")


def wrap_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """``text`` in lines no wider than ``width`` by ``measure``; at least one, empty for empty text.

    What is too wide for a line by itself is broken where the line ends.
    """
    lines, line = [], ""
    for piece in _pieces(text):
        for part in _parts(piece, width, measure):
            if line and measure(line + part.rstrip(" ")) > width:
                lines.append(line.rstrip(" "))
                line = part.lstrip(" ")
            else:
                line += part
    return [*lines, line.rstrip(" ")]


def _pieces(text: str) -> Iterator[str]:
    """What stays on one line."""
    held = ""
    for unit in _UNITS.findall(text):
        if held and unit[0] not in NO_START and held[-1] not in NO_END:
            yield held
            held = unit
        else:
            held += unit
    if held:
        yield held


def _parts(piece: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    while measure(piece) > width and len(piece) > 1:
        fits = max(1, next((n for n in range(len(piece), 0, -1) if measure(piece[:n]) <= width), 1))
        yield piece[:fits]
        piece = piece[fits:]
    yield piece
