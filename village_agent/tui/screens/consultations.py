"""Questions of citizens: written down here, sent up with the next contact, the answer shown when it is back."""

from collections.abc import Iterator
from typing import ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from core.clock import from_iso, local
from core.identifiers import Tier
from core.items import FieldType, FormField
from core.people import mask_name
from village_agent.consultations import Consultation, waited_days
from village_agent.outlook import clock_words
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.listing import ListingScreen
from village_agent.tui.service_form import ServiceForm, question
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import painted
from village_agent.widths import fit, shorten, wrap

STATE_CELLS = {"zh": 16, "en": 23}
BEFORE_WORDS_CELLS = 28


class ConsultationsScreen(ListingScreen):
    """Answers to be told first."""

    TITLE_KEY = "consultations"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("n", "ask", "key.new"),
        key("enter", "choose", "key.open"),
        key("f5", "app.contact", "key.contact"),
    ]

    def action_ask(self) -> None:
        self.app.push_screen(ConsultationForm())

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self.app.push_screen(ConsultationScreen(event.row.id))

    def count(self, tx: sa.Connection) -> int:
        return self.desk.intake.consultations.count(tx)

    def rows(self, tx: sa.Connection, offset: int, limit: int) -> list[Row]:
        found = self.desk.intake.consultations.listing(tx, offset, limit)
        return [Row(one.id, self._line(one)) for one in found]

    def _line(self, one: Consultation) -> str:
        if one.told_at is not None:
            state = self.words("consultation.told")
        elif one.answered_at is not None:
            state = self.words("consultation.answered")
        else:
            state = self.words("consultation.waiting", count=waited_days(one, self.desk.world))
        when = clock_words(from_iso(one.asked_at))
        cells = STATE_CELLS[self.lang]
        words = one.words.replace("\n", " ")
        room = self.app.size.width - BEFORE_WORDS_CELLS - cells
        return f"{when} {fit(mask_name(one.person), 7)} {fit(state, cells)} {shorten(words, room)}"


class ConsultationScreen(DeskScreen):
    """One question with its answer; T notes that the citizen knows it."""

    TITLE_KEY = "consultation"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("t", "told", "key.told"),
        key("f5", "app.contact", "key.contact"),
    ]

    def __init__(self, id_: str) -> None:
        super().__init__()
        self.id_ = id_

    def body(self) -> Iterator[Widget]:
        yield VerticalScroll(Static(id="consultation-text", markup=False), id="body")

    def on_mount(self) -> None:
        self.query_one("#consultation-text", Static).styles.height = "auto"
        self._show()
        self.query_one("#body").focus()

    def on_screen_resume(self) -> None:
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "told" or not self.is_mounted:
            return True
        one = self._consultation()
        return one.answered_at is not None and one.told_at is None

    def action_told(self) -> None:
        if self.write(lambda tx: self.desk.intake.consultations.told(tx, self.desk.actor, self.id_)):
            self._show()
            self.show_frame()

    def _consultation(self) -> Consultation:
        with self.desk.village.installation.db.reading() as tx:
            return self.desk.intake.consultations.get(tx, self.id_)

    def _show(self) -> None:
        one = self._consultation()
        words = self.words(
            "consultation_text",
            name=one.person,
            number=one.phone,
            time=local(from_iso(one.asked_at))[:16],
            who=one.department,
            field=one.words,
        )
        if one.answered_at is None:
            words += "\n" + self.words("consultation_no_answer")
        else:
            at = local(from_iso(one.answered_at))[:16]
            words += "\n" + self.words("consultation_answer", time=at, who=one.answered_by, field=one.answer)
        width = max(40, self.app.size.width - 4)
        self.query_one("#consultation-text", Static).update(painted("\n".join(wrap(words, width))))


class ConsultationForm(ServiceForm):
    """A new question, for one department of those that decide what villages take in."""

    TITLE_KEY = "consultation_new"

    def __init__(self) -> None:
        super().__init__("consultation")

    def departments(self) -> tuple[str, ...]:
        """By name; the catalogue's own words."""
        items = self.desk.intake.catalogue().search("", Tier.VILLAGE)
        return tuple(sorted({item.department.name for item in items}))

    def asked(self) -> tuple[FormField, ...]:
        return (
            question("person", "field.person"),
            question("phone", "field.phone", FieldType.PHONE, required=False),
            question("department", "field.department", FieldType.CHOICE, options=self.departments()),
            question("words", "field.question", FieldType.TEXT),
        )

    def about(self) -> str:
        return self.words("consultation_about")

    def record(self, tx: sa.Connection) -> object:
        return self.desk.intake.consultations.ask(
            tx,
            self.desk.actor,
            person=self.typed("person"),
            phone=self.typed("phone"),
            department=self.typed("department"),
            words=self.typed("words"),
        )

    def recorded(self) -> None:
        self.leave_saying(self.words("consultation_recorded"))
