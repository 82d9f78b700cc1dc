"""The first page: four numbers, what was left unfinished, and how this machine stands."""

import shutil
from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from core.clock import CHINA, from_iso
from core.errors import InputError
from core.people import mask_name
from sync.status import is_enrolled
from village_agent.drafts import Draft
from village_agent.line_state import home_counts, line_state
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.screens.cases import CasesScreen
from village_agent.tui.screens.drafts import DraftsScreen
from village_agent.tui.screens.results import results
from village_agent.tui.waiting import not_joined
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import painted, size
from village_agent.widths import wrap

REFRESH_S = 3.0
SERVICES = {
    "results": "count.results",
    "appointments": "count.due",
    "consultations": "count.to_tell",
}
"""The app's action and the words of what it counts, below the four numbers of the cases."""


class HomeScreen(DeskScreen):
    """Digits or arrows open what a number counts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("f1", "app.help", "key.help"),
        key("f2", "app.new", "key.new"),
        key("f3", "app.search", "key.search"),
        key("f4", "app.drafts", "key.drafts"),
        key("f5", "app.contact", "key.contact"),
        key("f6", "app.outbox", "key.outbox"),
        key("ctrl+p", "app.commands", "key.commands"),
        key("ctrl+q", "app.quit", "key.quit"),
        key("d", "abandon", "key.abandon", shown=False),
        key("1", "open(0)", "", shown=False),
        key("2", "open(1)", "", shown=False),
        key("3", "open(2)", "", shown=False),
        key("4", "open(3)", "", shown=False),
        key("5", "app.results", "", shown=False),
        key("6", "app.appointments", "", shown=False),
        key("7", "app.consultations", "", shown=False),
        key("escape", "stay", "", shown=False),
    ]

    TITLE_KEY = "app"

    def __init__(self) -> None:
        super().__init__()
        self._unfinished: Draft | None = None

    def body(self) -> Iterator[Widget]:
        yield Vertical(WindowList(), Static(id="facts", markup=False), id="body")

    def on_mount(self) -> None:
        self.query_one("#facts").styles.height = "auto"
        self.set_interval(REFRESH_S, self._look)
        self._look()
        self.query_one(WindowList).focus()

    def on_screen_resume(self) -> None:
        self._look()

    def action_stay(self) -> None:
        """Esc has nowhere further back to go."""

    def action_open(self, number: int) -> None:
        self._open(str(number))

    def action_abandon(self) -> None:
        draft = self._unfinished
        if draft is not None and self.write(lambda tx: self.desk.intake.drafts.abandon(tx, draft.id)):
            self.desk_app.abandoned = draft.id
            self._show()
            self.tell(self.words("abandoned_one"))

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self._open(event.row.id)

    def _open(self, which: str) -> None:
        if which == "resume" and self._unfinished is not None:
            self.desk_app.resume(self._unfinished)
        elif which == "0":
            self.app.push_screen(DraftsScreen())
        elif which in SERVICES:
            self.app.call_later(self.app.run_action, f"app.{which}")
        else:
            kind = {"1": "waiting", "2": "elsewhere", "3": "mine"}.get(which)
            if kind is not None:
                self.app.push_screen(CasesScreen(kind))

    def _look(self) -> None:
        if self.is_stale():
            self._show()

    def _show(self) -> None:
        village, intake = self.desk.village, self.desk.intake
        with village.installation.db.reading() as tx:
            counts = home_counts(tx, village, intake.drafts)
            found = intake.drafts.listing(tx, limit=1)
            services = (
                results(village).count(tx),
                intake.appointments.due(tx),
                intake.consultations.to_tell(tx),
            )
            state = line_state(tx, village)
            self.desk_app.take_publications(tx)
        self._unfinished = found[0] if found else None
        numbers = (counts.drafts, counts.waiting, counts.in_transit, counts.back)
        names = ("count.drafts", "count.waiting", "count.in_transit", "count.back")
        rows = [
            Row(str(place), f"{place + 1}  {number:>5}  {self.words(name)}")
            for place, (number, name) in enumerate(zip(numbers, names, strict=True))
        ]
        rows += [
            Row(action, f"{place}  {number:>5}  {self.words(name)}")
            for place, (action, name), number in zip((5, 6, 7), SERVICES.items(), services, strict=True)
        ]
        if self._unfinished is not None:
            width = max(40, self.app.size.width - 6)
            lines = wrap(self._resume_words(self._unfinished), width)
            rows = [*(Row("resume", line) for line in lines), Row("", ""), *rows]
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most])
        lines = [self._fact_words()]
        if state.error is not None and not state.online:
            lines.append(state.error["en" if self.lang == "en" else "zh"])
        if not self.desk.is_practice and not is_enrolled(village.installation):
            lines.append(self.words(not_joined(village.installation.node)))
        elif not village.office.shelf.version:
            lines.append(self.words("no_catalogue"))
        self.query_one("#facts", Static).update(painted("\n".join(lines)))
        self.show_frame()

    def _resume_words(self, draft: Draft) -> str:
        saved = from_iso(draft.saved_at).astimezone(CHINA)
        try:
            item = self.desk.intake.catalogue().item(draft.sheet.item).title(self.lang)
        except InputError:
            item = ""
        who = mask_name(str(draft.sheet.applicant.get("name", ""))) or "-"
        return self.words("resume", who=who, item=item, time=f"{saved:%m-%d %H:%M}")

    def _fact_words(self) -> str:
        village = self.desk.village
        return self.words(
            "facts",
            free=size(shutil.disk_usage(village.installation.folder).free),
            catalogue=village.office.shelf.version,
            year=village.office.shelf.calendar.known_until.year,
            name=self.desk.actor.name,
        )
