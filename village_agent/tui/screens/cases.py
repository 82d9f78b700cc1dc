"""Lists of cases: what waits to be sent, what is with others, what is back here, and search on this device."""

from collections.abc import Iterator
from typing import ClassVar

import sqlalchemy as sa
from rich.cells import cell_len
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from core.identifiers import CaseId
from core.people import mask_name
from village_agent.case_list import CaseList
from village_agent.outlook import Outlook, clock_words, outlook
from village_agent.tui.base import key
from village_agent.tui.listing import ListingScreen
from village_agent.tui.search_line import SearchLine
from village_agent.tui.waiting import waiting_words
from village_agent.tui.window_list import Row, WindowList
from village_agent.widths import fit, shorten

REFRESH_S = 2.0
STATE_CELLS = {"zh": 10, "en": 19}
ITEM_CELLS_MIN, ITEM_CELLS_MAX = 10, 60
MARGIN_CELLS = 5
"""Edges of the page, the mark, and a space."""
_TITLES = {
    "waiting": "outbox",
    "all": "cases",
    "elsewhere": "count.in_transit",
    "mine": "count.back",
    "search": "search",
}


class CasesScreen(ListingScreen):
    """``kind`` is waiting, elsewhere, mine, all or search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.open"),
        key("f5", "app.contact", "key.contact"),
    ]

    def __init__(self, kind: str = "all") -> None:
        super().__init__()
        self.kind = kind
        self._text = ""

    def title_words(self) -> str:
        return self.words(_TITLES[self.kind])

    def body(self) -> Iterator[Widget]:
        parts: list[Widget] = [WindowList()]
        if self.kind == "search":
            parts.insert(0, SearchLine(self.words("search_hint")))
        yield Vertical(*parts, id="body")

    def on_mount(self) -> None:
        self.set_interval(REFRESH_S, self._refresh)

    def first_focus(self) -> Widget:
        return self.query_one(SearchLine) if self.kind == "search" else super().first_focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._text = event.value
        self.show_rows()

    def show_line(self) -> None:
        """The bottom line; above a list of what waits, why it does and what can be done."""
        super().show_line()
        state = self.desk_app.line
        if self.kind == "waiting" and state is not None:
            self.tell(waiting_words(self.desk, state, self.lang) if state.waiting else "")

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        from village_agent.tui.screens.case import CaseScreen

        self.app.push_screen(CaseScreen(CaseId(event.row.id)))

    def _refresh(self) -> None:
        if self.kind != "search" and self.is_stale():
            self.show_rows()

    def _source(self) -> CaseList:
        village = self.desk.village
        if self.kind == "search":
            return CaseList(village, text=self._text)
        return CaseList(
            village,
            waiting=self.kind == "waiting",
            mine=self.kind == "mine",
            elsewhere=self.kind == "elsewhere",
        )

    def count(self, tx: sa.Connection) -> int:
        return self._source().count(tx)

    def rows(self, tx: sa.Connection, offset: int, limit: int) -> list[Row]:
        village = self.desk.village
        views = [outlook(tx, village, case) for case in self._source().window(tx, offset, limit)]
        return [Row(view.case.id, self._line(view)) for view in views]

    def _line(self, view: Outlook) -> str:
        """``11-24 09:12 王×× 临时救助申请  已提交  待上传  材料传输中 2/7``: the item has the room that is left."""
        item = view.item.title(self.lang) if view.item else view.case.item
        before = [clock_words(view.case.steps[-1].at), fit(mask_name(view.case.applicant.name), 7)]
        state = self.words(f"state.{view.case.state}")
        behind = [fit(state, STATE_CELLS[self.lang]), self.words(f"short.{view.stage}")]
        if view.materials_in_transit:
            behind.append(f"{self.words('unit.scan')} {view.parts_sent}/{view.parts}")
        elif view.days_left is not None:
            behind.append(f"{self.words('limit.left')} {view.days_left}")
        room = self.app.size.width - MARGIN_CELLS - cell_len(" ".join([*before, "", *behind]))
        cells = max(ITEM_CELLS_MIN, min(room, ITEM_CELLS_MAX))
        return " ".join([*before, fit(shorten(item, cells), cells), *behind])
