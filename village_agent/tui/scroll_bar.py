"""Scroll bars by signs: they tell without colour where one is, and no console draws them in another width."""

from typing import Any, ClassVar

from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

THUMB, TRACK = "#", "|"


class PlainBars(ScrollBarRender):
    """The library's part-filled blocks are of unsure width."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8

    @classmethod
    def render_bar(cls, *args: Any, **kwargs: Any) -> Segments:
        drawn = super().render_bar(*args, **kwargs)
        return Segments([_signed(segment) for segment in drawn.segments], new_lines=drawn.new_lines)


def _signed(segment: Segment) -> Segment:
    style = segment.style or Style()
    sign = THUMB if style.reverse else TRACK
    return Segment(segment.text.replace(" ", sign), style, segment.control)
