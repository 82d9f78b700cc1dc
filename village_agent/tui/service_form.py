"""A short form beside applications: kept at every key, judged field by field, done by one key."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from core.forms import check_field
from core.items import FieldType, FormField
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.fields import Field
from village_agent.tui.next_step import NextStep
from village_agent.tui.words import painted, say


def question(key_: str, words: str, type_: FieldType = FieldType.STR, **more: Any) -> FormField:
    """A question in both languages; it has to be answered unless ``required=False`` is given."""
    return FormField(key_, say(words, "zh"), type_, more.pop("required", True), say(words, "en"), **more)


class ServiceForm(DeskScreen):
    """``pad`` is the key under which the half-written form is kept; F9 or the last line ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("f9", "finish", "key.record"),
        key("escape", "leave", "key.leave"),
        key("down", "app.focus_next", "", shown=False),
        key("up", "app.focus_previous", "", shown=False),
    ]

    def __init__(self, pad: str) -> None:
        super().__init__()
        self.pad = f"form.{pad}"
        self.answers: dict[str, Any] = {}

    def asked(self) -> tuple[FormField, ...]:
        """The questions."""
        raise NotImplementedError

    def usual(self) -> Mapping[str, Any]:
        """What stands in the fields of a form that was not begun."""
        return {}

    def about(self) -> str:
        """What stands above the questions."""
        return ""

    def option_words(self, option: str) -> str:
        """How an option of a choice reads."""
        return option

    def judge(self, asked: FormField, value: Any) -> str:
        """What is wrong with a finished field, in words; empty if nothing is."""
        return self.desk_app.check_words(asked, value)

    def problems(self) -> dict[str, str]:
        """Everything that stands in the way, by the field's key."""
        found = {asked.key: self.judge(asked, self.answers.get(asked.key)) for asked in self.asked()}
        return {key_: words for key_, words in found.items() if words}

    def record(self, tx: sa.Connection) -> object:
        """What F9 does, in one transaction with forgetting the form."""
        raise NotImplementedError

    def recorded(self) -> None:
        """It is done."""
        self.app.pop_screen()

    def leave_saying(self, words: str) -> None:
        """Back to the page before, which says so."""
        self.app.pop_screen()
        if isinstance(self.app.screen, DeskScreen):
            self.app.screen.tell(words)

    def body(self) -> Iterator[Widget]:
        with self.desk.village.installation.db.reading() as tx:
            self.answers = dict(self.usual()) | self.desk.intake.notepad.read(tx, self.pad)
        divisions = self.desk.intake.divisions
        fields = [
            Field(asked, self.answers.get(asked.key), self.lang, divisions, self.option_words)
            for asked in self.asked()
        ]
        about = Static(painted(self.about()), id="about")
        yield VerticalScroll(about, *fields, NextStep(self.words("record_it")), id="body", can_focus=False)

    def on_mount(self) -> None:
        about = self.query_one("#about", Static)
        about.styles.height = "auto"
        about.display = bool(self.about())
        empty = (field for field in self.query(Field) if field.value is None)
        next(empty, self.query(Field).first()).editor.focus()

    def field_edited(self, field: Field, value: Any) -> None:
        self.answers = {**self.answers, field.asked.key: value}
        answers, notepad = dict(self.answers), self.desk.intake.notepad

        def keep(tx: sa.Connection) -> None:
            self.desk_app.saved_at = notepad.keep(tx, self.pad, answers)

        if self.write(keep):
            self.show_saved()
        field.show_problem("")

    def on_field_finished(self, event: Field.Finished) -> None:
        field = event.field
        if field.is_mounted and field.value is not None:
            field.show_problem(self.judge(field.asked, field.value))

    def on_next_step_pressed(self) -> None:
        self.action_finish()

    def action_finish(self) -> None:
        found = self.problems()
        for field in self.query(Field):
            field.show_problem(found.get(field.asked.key, ""))
        first = next((field for field in self.query(Field) if field.asked.key in found), None)
        if first is not None:
            first.editor.focus()
            return

        def do(tx: sa.Connection) -> None:
            self.record(tx)
            self.desk.intake.notepad.forget(tx, self.pad)

        if self.write(do):
            self.desk_app.saved_at = ""
            self.recorded()

    def normal(self, key_: str) -> str:
        """The answer in its normal form; empty if there is none. Raises ``InputError``."""
        asked = next(one for one in self.asked() if one.key == key_)
        value = self.answers.get(key_)
        return "" if value is None else str(check_field(asked, value, self.desk.village.office.shelf.today))

    def typed(self, key_: str) -> str:
        """The answer as text; empty if there is none."""
        value = self.answers.get(key_)
        return "" if value is None else str(value)
