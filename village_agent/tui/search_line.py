"""The line above a list that narrows it: the pen stays in it while arrows, page keys and Enter work in the list."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from village_agent.tui.typed_ahead import TypedAhead, TypedLine
from village_agent.tui.window_list import WindowList

SEARCH_CHARS_MAX = 64


class SearchLine(TypedLine, TypedAhead, Input):
    """Its page gets ``Input.Changed`` and shows what is found in its one :class:`WindowList`."""

    ENTER_LEAVES = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    def __init__(self, hint: str, text: str = "") -> None:
        super().__init__(
            text, placeholder=hint, max_length=SEARCH_CHARS_MAX, compact=True, select_on_focus=False
        )

    @property
    def _list(self) -> WindowList:
        return self.screen.query_one(WindowList)

    def action_move(self, by: int) -> None:
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        self._list.action_page(by)

    def action_choose(self) -> None:
        self._list.action_choose()
