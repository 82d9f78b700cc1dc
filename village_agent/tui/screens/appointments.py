"""Appointments and visits: who comes when, whom to visit; booked, moved, done or dropped by a key."""

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from textual.binding import BindingType

from core.application import Sheet
from core.errors import InputError
from core.identifiers import Tier
from core.items import FieldType, FormField, Item
from village_agent.appointments import Appointment, Kind, Standing, check_time
from village_agent.tui.base import key
from village_agent.tui.fields import Field
from village_agent.tui.listing import ListingScreen
from village_agent.tui.screens.find_item import usual_applicant
from village_agent.tui.service_form import ServiceForm, question
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import say
from village_agent.widths import fit, shorten

DAY = question("day", "field.day", FieldType.DATE)
TIME = question("time", "field.time", required=False)
ASKED = (
    question("kind", "field.kind", FieldType.CHOICE, options=tuple(Kind)),
    DAY,
    TIME,
    question("person", "field.person"),
    question("phone", "field.phone", FieldType.PHONE, required=False),
    question("item", "field.item_code", required=False),
    question("words", "field.words", FieldType.TEXT, required=False),
)


class AppointmentsScreen(ListingScreen):
    """Booked ones by day, what was missed first; below them what is closed."""

    TITLE_KEY = "appointments"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("n", "book", "key.new"),
        key("x", "finish", "key.done"),
        key("m", "move", "key.move"),
        key("d", "drop", "key.drop"),
        key("enter", "choose", "key.apply_for"),
    ]

    def action_book(self) -> None:
        self.app.push_screen(AppointmentForm())

    def action_finish(self) -> None:
        self._change(self.desk.intake.appointments.finish)

    def action_drop(self) -> None:
        self._change(self.desk.intake.appointments.drop)

    def action_move(self) -> None:
        id_ = self.marked
        if id_:
            self.app.push_screen(MoveForm(id_))

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        """Take in an application of the person: the item if it is known, else its search."""
        from village_agent.tui.screens.find_item import FindItemScreen
        from village_agent.tui.wizard import resume_screen

        with self.desk.village.installation.db.reading() as tx:
            one = self.desk.intake.appointments.get(tx, event.row.id)
        person = {"name": one.person, "mobile": one.phone} if one.phone else {"name": one.person}
        if not one.item:
            self.app.push_screen(FindItemScreen(person))
            return
        sheet = Sheet(one.item, usual_applicant(self.desk) | person)
        made: list[Any] = []
        start = self.desk.intake.drafts.start
        if self.write(lambda tx: made.append(start(tx, self.desk.actor.officer, sheet))):
            self.app.push_screen(resume_screen(made[0]))

    def _change(self, do: Any) -> None:
        id_ = self.marked
        if id_ and self.write(lambda tx: do(tx, id_)):
            self.tell("")
            self.show_rows()

    def count(self, tx: sa.Connection) -> int:
        return self.desk.intake.appointments.count(tx)

    def rows(self, tx: sa.Connection, offset: int, limit: int) -> list[Row]:
        found = self.desk.intake.appointments.listing(tx, offset, limit)
        return [Row(one.id, self._line(one)) for one in found]

    def _line(self, one: Appointment) -> str:
        today = self.desk.intake.appointments.today.isoformat()
        state = self.words(f"standing.{one.state}")
        if one.state is Standing.BOOKED and one.day <= today:
            state = self.words("today" if one.day == today else "overdue")
        catalogue = self.desk.intake.catalogue() if self.desk.village.office.shelf.version else None
        item = catalogue.item(one.item).title(self.lang) if catalogue and one.item in catalogue else ""
        moved = self.words("moved_times", count=one.moved) if one.moved else ""
        kind_cells = 8 if self.lang == "zh" else 10
        words = " ".join(filter(None, (moved, item, one.words.replace("\n", " "))))
        parts = [
            fit(state, 7),
            f"{one.day} {one.time:5}",
            fit(self.words(f"kind.{one.kind}"), kind_cells),
            fit(shorten(one.person, 10), 10),
            fit(one.phone, 11),
            shorten(words, max(16, self.app.size.width - 55 - kind_cells)),
        ]
        return " ".join(parts)


class AppointmentForm(ServiceForm):
    """A new one."""

    TITLE_KEY = "appointment_new"

    def __init__(self) -> None:
        super().__init__("appointment")

    def asked(self) -> tuple[FormField, ...]:
        return ASKED

    def usual(self) -> Mapping[str, Any]:
        return {"kind": str(Kind.WINDOW), "day": self.desk.intake.appointments.today.isoformat()}

    def option_words(self, option: str) -> str:
        return self.words(f"kind.{option}")

    def judge(self, asked: FormField, value: Any) -> str:
        found = super().judge(asked, value)
        if found or value is None:
            return found
        try:
            if asked.key == "time":
                check_time(str(value))
            elif asked.key == "item":
                self._item(str(value))
        except InputError as error:
            return error.text(self.lang)
        return ""

    def on_field_finished(self, event: Field.Finished) -> None:
        field = event.field
        if field.is_mounted and field.asked.key == "item" and field.value is not None:
            words = "" if self.judge(field.asked, field.value) else self._item(field.value).title(self.lang)
            field.show_hint(words)

    def record(self, tx: sa.Connection) -> object:
        item = self.typed("item")
        return self.desk.intake.appointments.book(
            tx,
            self.desk.actor,
            kind=self.typed("kind"),
            day=self.normal("day"),
            time=self.typed("time"),
            person=self.typed("person"),
            phone=self.typed("phone"),
            item=self._item(item).code if item else "",
            words=self.typed("words"),
        )

    def recorded(self) -> None:
        self.leave_saying(self.words("appointment_recorded"))

    def _item(self, text: str) -> Item:
        """The first that is found. Raises ``InputError`` (``appointment.item``)."""
        found = self.desk.intake.catalogue().search(text, Tier.VILLAGE)
        if not found:
            raise InputError("appointment.item", zh=say("item_unclear", "zh"), en=say("item_unclear", "en"))
        return found[0]


class MoveForm(ServiceForm):
    """Another day."""

    TITLE_KEY = "appointment_move"

    def __init__(self, id_: str) -> None:
        super().__init__(f"move.{id_}")
        self.id_ = id_

    def asked(self) -> tuple[FormField, ...]:
        return (DAY, TIME)

    def record(self, tx: sa.Connection) -> object:
        move = self.desk.intake.appointments.move
        return move(tx, self.id_, self.normal("day"), self.typed("time"))
