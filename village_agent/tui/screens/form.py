"""The applicant's page and the item's form: the same fields, judged by different rules."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from core.application import Part
from core.case import Case
from core.errors import InputError
from core.identifiers import display_case_id
from core.items import FieldType, FormField
from core.people import IdType, birth_date, check_id, sex
from village_agent.drafts import sheet_of
from village_agent.tui.base import key
from village_agent.tui.fields import DIVISIONS_SHOWN, DivisionInput, Field, fields_of
from village_agent.tui.next_step import NextStep
from village_agent.tui.screens.people import PeopleScreen
from village_agent.tui.wizard import WizardScreen


class FormScreen(WizardScreen):
    """The questions of the item."""

    PAGE = Part.FORM
    BINDINGS: ClassVar[list[BindingType]] = [
        key("down", "app.focus_next", "", shown=False),
        key("up", "app.focus_previous", "", shown=False),
    ]

    def asked(self) -> tuple[FormField, ...]:
        fields: tuple[FormField, ...] = self.item.form_fields
        return fields

    def values(self) -> Mapping[str, Any]:
        return self.draft.sheet.form

    def body(self) -> Iterator[Widget]:
        fields = fields_of(self.asked(), self.values(), self.lang, self.desk.intake.divisions)
        yield VerticalScroll(*fields, NextStep(self.words("next")), id="body", can_focus=False)

    def on_mount(self) -> None:
        self.show_asked_for()
        fields = list(self.query(Field))
        chosen = next((field for field in fields if field.asked.key == self.focus_key), None)
        target = chosen or (fields[0] if fields else None)
        if target is not None:
            target.editor.focus()
        else:
            self.query_one(NextStep).focus()

    def show_asked_for(self) -> None:
        """Of a returned case, say what was asked for at the field in question."""
        case = self.returned_case()
        if case is None:
            return
        self.tell(self.asked_for(case))
        for field in self.query(Field):
            if case.supplement is not None and field.asked.key in case.supplement.fields:
                field.show_problem(f"{self.words('supplement_of')}{case.supplement.note}")

    def field_edited(self, field: Field, value: Any) -> None:
        self.save(Part(self.PAGE), field.asked.key, value)
        field.show_problem("")
        self.while_typing(field)

    def on_field_finished(self, event: Field.Finished) -> None:
        self.end_go()
        if event.field.is_mounted:
            event.field.show_problem(self.judge(event.field.asked, event.field.value))
            self.look_up(event.field)

    def judge(self, asked: FormField, value: Any) -> str:
        """What is wrong with a finished field; an empty one is only told of when submitting."""
        return "" if value is None else self.desk_app.check_words(asked, value)

    def while_typing(self, field: Field) -> None:
        """Show the places that fit what is typed so far."""
        if isinstance(field.editor, DivisionInput):
            names = [name for _, name in field.editor.matches()[:DIVISIONS_SHOWN]]
            field.show_hint("、".join(names) if self.lang == "zh" else ", ".join(names))

    def look_up(self, field: Field) -> None:
        """What a finished field lets us tell."""
        if isinstance(field.editor, DivisionInput) and field.editor.code in self.desk.intake.divisions:
            code = field.editor.code
            field.show(code)
            field.show_hint(code)

    def show_undone(self, key_: str) -> None:
        for field in self.query(Field):
            if field.asked.key == key_:
                field.show(self.values().get(key_))
                field.editor.focus()

    def on_next_step_pressed(self) -> None:
        self.action_next()


class ApplicantScreen(FormScreen):
    """Who applies: the number is checked as it is finished, earlier cases of the person are shown."""

    PAGE = Part.APPLICANT
    BINDINGS: ClassVar[list[BindingType]] = [key("ctrl+r", "reuse", "key.reuse", first=True)]

    def asked(self) -> tuple[FormField, ...]:
        return self.desk.intake.catalogue().common_fields

    def values(self) -> Mapping[str, Any]:
        return self.draft.sheet.applicant

    def on_mount(self) -> None:
        if self.item.applicant_in_person:
            self.tell(self.words("in_person"))

    def action_reuse(self) -> None:
        """Fill in what is known of a person from the latest case; what was typed so far finds it."""
        self.end_go()
        name = next((field.value for field in self.query(Field) if field.asked.key == "name"), None)
        self.app.push_screen(PeopleScreen(self._reuse, str(name or "")))

    def _reuse(self, case: Case) -> None:
        known = sheet_of(case).applicant
        for field in self.query(Field):
            value = known.get(field.asked.key) or None
            # How the result is wanted belongs to the case, not to the person.
            if value is not None and field.asked.key != "delivery":
                field.show(value)
                self.save(Part.APPLICANT, field.asked.key, value)
                field.show_problem(self.judge(field.asked, value))
        self.end_go()
        for field in self.query(Field):
            self.look_up(field)
        self.tell(self.words("reused", name=case.applicant.name))

    def judge(self, asked: FormField, value: Any) -> str:
        if value is None or asked.key != "id_no":
            return super().judge(asked, value)
        try:
            check_id(self._id_type(), str(value), self.desk.village.office.shelf.today)
        except InputError as error:
            return error.text(self.lang)
        return ""

    def look_up(self, field: Field) -> None:
        super().look_up(field)
        if field.asked.type is not FieldType.ID_NO or field.value is None:
            return
        kind = self._id_type() if field.asked.key == "id_no" else IdType.CITIZEN
        try:
            number = check_id(kind, str(field.value), self.desk.village.office.shelf.today)
        except InputError:
            field.show_hint("")
            return
        words = []
        if kind == IdType.CITIZEN:
            who = self.words(f"sex.{sex(number)}")
            words.append(self.words("person", birth=birth_date(number).isoformat(), sex=who))
        if field.asked.key == "id_no":
            words += self._earlier(number)
        field.show_hint("\n".join(words))

    def _earlier(self, number: str) -> list[str]:
        with self.desk.village.installation.db.reading() as tx:
            seen = self.desk.intake.earlier(tx, number, self.draft.sheet.item)
        if not seen:
            return []
        catalogue = self.desk.intake.catalogue()
        names = [
            catalogue.item(one.case.item).title(self.lang) if one.case.item in catalogue else one.case.item
            for one in seen[:3]
        ]
        mark = "、" if self.lang == "zh" else ", "
        words = [self.words("earlier", count=len(seen), list=mark.join(names))]
        alike = [display_case_id(one.case.id) for one in seen if one.duplicate]
        if alike:
            words.append("! " + self.words("duplicate", number=mark.join(alike[:2])))
        return words

    def _id_type(self) -> str:
        for field in self.query(Field):
            if field.asked.key == "id_type":
                return str(field.value or IdType.CITIZEN)
        return IdType.CITIZEN
