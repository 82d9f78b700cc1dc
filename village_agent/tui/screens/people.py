"""People who have a case on this device: one is chosen, and what is known of them fills the applicant's page."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from core.case import Case
from core.identifiers import CaseId
from core.people import mask_id, mask_phone
from village_agent.outlook import clock_words
from village_agent.people_seen import known_people
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.search_line import SearchLine
from village_agent.tui.window_list import Row, WindowList
from village_agent.widths import fit, shorten

BEFORE_PLACE_CELLS = 60


class PeopleScreen(DeskScreen):
    """The list narrows with every key; ``take`` gets the latest case of who was chosen."""

    TITLE_KEY = "people"
    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "choose", "key.choose")]

    def __init__(self, take: Callable[[Case], None], text: str = "") -> None:
        super().__init__()
        self._take, self._text = take, text

    def body(self) -> Iterator[Widget]:
        yield Vertical(SearchLine(self.words("search_hint"), self._text), WindowList(), id="body")

    def on_mount(self) -> None:
        self._show()
        self.query_one(SearchLine).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._text = event.value
        self._show()

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        with self.desk.village.installation.db.reading() as tx:
            case = self.desk.village.office.casebook.get(tx, CaseId(event.row.id))
        self.app.pop_screen()
        self._take(case)

    def _show(self) -> None:
        book = self.desk.village.office.casebook
        with self.desk.village.installation.db.reading() as tx:
            cases = [book.get(tx, id_) for id_ in known_people(tx, self._text)]
        rows = [Row(case.id, self._line(case)) for case in cases]
        if not rows:
            rows = [Row("", self.words("nothing" if self._text else "nobody_known"))]
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most], cursor=0)

    def _line(self, case: Case) -> str:
        who, divisions = case.applicant, self.desk.intake.divisions
        place = divisions.full_name(who.village_code) if who.village_code in divisions else ""
        return (
            f"{fit(shorten(who.name, 12), 12)} {fit(mask_id(who.id_no), 18)} {fit(mask_phone(who.mobile), 11)}"
            f" {clock_words(case.submitted_at)} {shorten(place, self.app.size.width - BEFORE_PLACE_CELLS)}"
        )
