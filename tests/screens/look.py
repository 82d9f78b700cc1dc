"""What a person sees of a page, kept for judging: its text, its colours, and what has no room."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.color import Color, ColorSystem, ColorType
from rich.style import Style
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from tests.unit.village_screens import ambiguous, painted
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import Field
from village_agent.tui.next_step import NextStep
from village_agent.tui.setup import Answer
from village_agent.tui.window_list import MARK, WindowList
from village_agent.widths import cells, clean

PALETTES = {
    "linux console": (
        "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
        "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
    ),
    "xterm": (
        "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
        "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
    ),
    "windows console": (
        "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc "
        "767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2"
    ),
}
"""The sixteen colours as consoles draw them, red, green and blue."""
CONTRAST_MIN = 4.5
"""WCAG 2.2, 1.4.3, between text and what is behind it."""


@dataclass(frozen=True)
class Look:
    """One page as it was painted. ``pairs`` are the sixteen-colour pairs of what is not blank, with a piece of it."""

    name: str
    screen: str
    text: str
    wrong: tuple[str, ...]
    focus: tuple[tuple[int, int], ...]
    pairs: dict[tuple[int, int], str]


def look_at(app: DeskApp, name: str) -> Look:
    """The page that is painted now."""
    text = painted(app)
    wrong = [
        *(f"{glyph!r} is of unsure width" for glyph in ambiguous(text)),
        *(f"{line!r} is too long" for line in text.splitlines() if cell_len(line) > app.size.width),
        *cut_off(app),
        *unmarked(app, text),
    ]
    places = tuple((one.region.y, one.region.x) for one in app.screen.focus_chain if one.display)
    return Look(name, type(app.screen).__name__, text, tuple(wrong), places, dict(_pairs(app)))


def cut_off(app: DeskApp) -> Iterator[str]:
    """What of the page that is painted has no room, in words."""
    page = app.screen.region
    for widget in app.screen.walk_children(Widget):
        if not widget.display or (not widget.is_on_screen and not _can_scroll(widget)):
            continue
        if isinstance(widget, Static):
            size = widget.content_size
            needed = widget.get_content_height(app.size, app.size, size.width) if size.width else 0
            if needed > size.height:
                yield f"{widget!r} needs {needed} rows and has {size.height}: {widget.content}"
        elif isinstance(widget, Input) and cell_len(widget.placeholder) > widget.content_size.width:
            yield f"{widget!r} has no room for {widget.placeholder!r}"
        elif isinstance(widget, WindowList):
            rows = [widget._row(number) for number in range(min(widget.count, widget.size.height))]
            for row in rows:
                if cells(MARK + clean(row.text)) > widget.size.width:
                    yield f"a row is cut: {row.text!r}"
        if not _can_scroll(widget) and not page.contains_region(widget.region):
            yield f"{widget!r} lies beyond the page"


def _can_scroll(widget: Widget) -> bool:
    """Whether keys bring it into sight: it lies in something that scrolls and takes the focus, or holds who does."""
    for above in widget.ancestors:
        if isinstance(above, VerticalScroll):
            return above.can_focus or any(inner.focusable for inner in above.walk_children(Widget))
    return False


def unmarked(app: DeskApp, text: str) -> Iterator[str]:
    """Where the keys go, if the characters alone do not tell it."""
    focused, lines = app.focused, text.splitlines()
    if focused is None:
        return
    above = list(focused.ancestors_with_self)
    labelled = next((one for one in above if isinstance(one, Field | Answer)), None)
    alone = len([one for one in app.screen.focus_chain if isinstance(one, Input)]) == 1
    if labelled is not None:
        row = labelled.region.y
    elif isinstance(focused, WindowList):
        row = focused.region.y + focused.cursor - focused.scroll_offset.y
    elif isinstance(focused, NextStep):
        row = focused.region.y
    elif isinstance(focused, Input) and focused.id == "path":
        row = focused.region.y - 1
    else:
        # A page of text, or the one line to type in: there is nothing else to be mistaken for it.
        if not (isinstance(focused, VerticalScroll) or (isinstance(focused, Input) and alone)):
            yield f"{focused!r} has the keys, and nothing tells"
        return
    if not lines[row].lstrip(" |").startswith(">"):
        yield f"no sign tells that the keys go to {lines[row]!r}"


def _pairs(app: DeskApp) -> Iterator[tuple[tuple[int, int], str]]:
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if segment.text.strip():
                yield sixteen(segment.style or Style()), segment.text.strip()


def sixteen(style: Style) -> tuple[int, int]:
    """Ink and paper as a terminal of sixteen colours gets them; its own are taken for white on black."""
    ink, paper = (_number(style.color, 7), _number(style.bgcolor, 0))
    return (paper, ink) if style.reverse else (ink, paper)


def _number(color: Color | None, own: int) -> int:
    if color is None or color.type is ColorType.DEFAULT:
        return own
    number = color.downgrade(ColorSystem.STANDARD).number
    assert number is not None
    return number


def contrast(palette: str, ink: int, paper: int) -> float:
    """From 1 (the same) to 21, as WCAG 2.2 counts it."""
    light, dark = sorted((_luminance(palette, ink), _luminance(palette, paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(palette: str, number: int) -> float:
    digits = PALETTES[palette].split()[number]
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
