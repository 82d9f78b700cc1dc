"""A list as a window over its source: only the rows on the screen are read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from village_agent.widths import fit, safe

MARK, NO_MARK = "> ", "  "
BLOCK_ROWS = 12
"""Read at once: few enough that a key never waits for rows that are not on the screen."""
BLOCKS_KEPT = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``id`` tells the screen what it is; an empty one cannot be chosen."""

    id: str
    text: str


Fetch = Callable[[int, int], Sequence[Row]]
"""Rows from an offset on, at most so many."""


class WindowList(ScrollView, can_focus=True):
    """Arrows, page keys, Home and End move; Enter chooses. The chosen line is marked by a sign, not by colour alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Chosen(Message):
        """Enter was pressed on a row."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Moved(Message):
        """Another row is marked."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self.count = 0
        self._fetch: Fetch = lambda offset, limit: ()
        self._blocks: dict[int, Sequence[Row]] = {}

    def show(self, count: int, fetch: Fetch, *, cursor: int | None = None) -> None:
        """Look at another source, or at the same one anew."""
        self.count, self._fetch, self._blocks = count, fetch, {}
        wanted = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(wanted, count - 1))
        self.virtual_size = Size(self.size.width, count)
        self._follow()
        self.refresh()
        self.post_message(self.Moved(self.current))

    @property
    def current(self) -> Row | None:
        """The marked row."""
        return self._row(self.cursor) if self.count else None

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self.count)
        self._follow()

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        width = self.size.width
        row = self._row(number) if number < self.count else None
        if row is None:
            return Strip.blank(width, self.rich_style)
        marked = number == self.cursor
        text = fit((MARK if marked else NO_MARK) + safe(row.text), width)
        style = self.rich_style + Style(reverse=marked and self.has_focus, bold=marked)
        return Strip([Segment(text, style)], width)

    def action_move(self, by: int) -> None:
        self._go(self.cursor + by, by)

    def action_page(self, by: int) -> None:
        self._go(self.cursor + by * max(1, self.size.height - 1), by)

    def action_edge(self, end: int) -> None:
        self._go(self.count - 1 if end else 0, -1 if end else 1)

    def action_choose(self) -> None:
        row = self.current
        if row is not None and row.id:
            self.post_message(self.Chosen(row))

    def on_click(self, event: object) -> None:
        y = getattr(event, "y", -1) + self.scroll_offset.y
        if 0 <= y < self.count:
            self._go(y, 1)
            self.action_choose()

    def _go(self, number: int, by: int) -> None:
        wanted = max(0, min(number, self.count - 1))
        # A heading cannot be chosen: step over it, back if there is nothing beyond.
        while 0 < wanted < self.count - 1 and not self._row(wanted).id:
            wanted += 1 if by > 0 else -1
        if wanted != self.cursor and self.count:
            self.cursor = wanted
            self._follow()
            self.refresh()
            self.post_message(self.Moved(self.current))

    def _follow(self) -> None:
        height = max(1, self.size.height)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def _row(self, number: int) -> Row:
        block, place = divmod(number, BLOCK_ROWS)
        if block not in self._blocks:
            while len(self._blocks) >= max(BLOCKS_KEPT, self.size.height // BLOCK_ROWS + 3):
                del self._blocks[next(iter(self._blocks))]
            self._blocks[block] = self._fetch(block * BLOCK_ROWS, BLOCK_ROWS)
        rows = self._blocks[block]
        return rows[place] if place < len(rows) else Row("", "")
