"""Find the item by code, pinyin initials or name; Enter begins an application."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from core.application import Sheet
from core.errors import InputError
from core.identifiers import Tier
from core.items import Item
from core.labels import label
from village_agent.drafts import Draft
from village_agent.session import Session
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.search_line import SearchLine
from village_agent.tui.window_list import Row, WindowList
from village_agent.widths import fit, shorten

NAME_CELLS = {"zh": 32, "en": 46}
BEFORE_NAME_CELLS = 18
"""Edges, mark, the number, and between name and department."""


def usual_applicant(desk: Session) -> dict[str, str]:
    """Most applicants live where they apply, and want the result brought here."""
    return {
        "id_type": "身份证",
        "village_code": desk.village.installation.node.place.division,
        "delivery": "村级代办点送达",
    }


class FindItemScreen(DeskScreen):
    """The list narrows with every key; arrows move in it while the pen stays in the search line.

    ``person``: what is known of the applicant already.
    """

    TITLE_KEY = "new"
    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "choose", "key.choose")]

    def __init__(self, person: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._person = dict(person or {})

    def body(self) -> Iterator[Widget]:
        search = SearchLine(self.words("find_hint"))
        yield Vertical(search, WindowList(), Static(id="item-facts", markup=False), id="body")

    def on_mount(self) -> None:
        self.query_one("#item-facts").styles.height = 3
        self._search("")
        self.query_one(SearchLine).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def on_window_list_moved(self, event: WindowList.Moved) -> None:
        place = self.query_one("#item-facts", Static)
        place.update(self._facts(event.row.id) if event.row and event.row.id else "")

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        made: list[Draft] = []
        drafts = self.desk.intake.drafts

        def start(tx: sa.Connection) -> None:
            sheet = Sheet(event.row.id, usual_applicant(self.desk) | self._person)
            made.append(drafts.start(tx, self.desk.actor.officer, sheet))

        if self.write(start):
            from village_agent.tui.wizard import resume_screen

            self.desk_app.saved_at = made[0].saved_at
            self.app.switch_screen(resume_screen(made[0]))

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def _search(self, text: str) -> None:
        try:
            found = self.desk.intake.catalogue().search(text, Tier.VILLAGE)
        except InputError as error:
            self.tell_error(error)
            found = ()
        rows = [Row(item.code, f"{item.code[6:]}  {self._item_words(item)}") for item in found]
        if not rows:
            rows = [Row("", self.words("nothing"))]
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most], cursor=0)

    def _item_words(self, item: Item) -> str:
        cells = NAME_CELLS[self.lang]
        name = fit(shorten(item.title(self.lang), cells), cells)
        # Which office of a department is not what an item is found by.
        department = item.department.name.partition("(")[0]
        return f"{name} {shorten(department, self.app.size.width - BEFORE_NAME_CELLS - cells)}"

    def _facts(self, code: str) -> str:
        item = self.desk.intake.catalogue().item(code)
        kind = label("case_type.immediate" if item.is_immediate else "case_type.promised", self.lang)
        mark = "、" if self.lang == "zh" else ", "
        names = mark.join(material.name for material in item.materials)
        days = f"{label('limit.promised', self.lang)} {item.promised_days} {label('unit.working_day', self.lang)}"
        fee = label("payment.free", self.lang) if item.is_free else mark.join(f.name for f in item.fees)
        width = max(40, self.app.size.width - 4)
        first = f"{kind}  {days}  {fee}"
        return f"{shorten(first, width)}\n{shorten(names, width)}"
