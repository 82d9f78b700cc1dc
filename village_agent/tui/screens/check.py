"""Check your answers: what has to be mended first, then everything that will be submitted; Enter goes to it."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.widget import Widget

from core.application import Part
from core.case import Case
from core.identifiers import display_case_id
from core.items import FieldType, FormField
from core.people import normalise_id
from village_agent.tui.base import key
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.wizard import WizardScreen
from village_agent.widths import fit, shorten, wrap

LABEL_CELLS = 30
PROBLEM = "!"


class CheckScreen(WizardScreen):
    """F9 submits; nothing is submitted while there is something to mend."""

    PAGE = "check"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f9", "submit", "key.submit"),
        key("enter", "go_there", "key.open", shown=False),
    ]

    def body(self) -> Iterator[Widget]:
        yield WindowList(id="body")

    def on_mount(self) -> None:
        self._show()
        self.query_one(WindowList).focus()

    def _show(self) -> None:
        width = max(40, self.app.size.width - 6)
        problems = self.desk.intake.check(self.draft.sheet)
        rows: list[Row] = []
        if problems:
            rows.append(Row("", self.words("problems", count=len(problems))))
            for number, problem in enumerate(problems, 1):
                lines = wrap(f"{PROBLEM} {number}. {problem.text(self.lang)}", width)
                rows += [Row(f"{problem.part}.{problem.key.partition('[')[0]}", line) for line in lines]
            rows.append(Row("", ""))
        else:
            rows.append(Row("", self.words("ready")))
        rows += [Row("", line) for line in self._duplicates(width)]
        rows += self._answers(width)
        first = 1 if problems else 0
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most], cursor=first)

    def _duplicates(self, width: int) -> list[str]:
        """That the same person handed in the same item lately; it may still be right."""
        sheet, intake = self.draft.sheet, self.desk.intake
        if self.draft.case_id is not None:
            return []
        number = normalise_id(str(sheet.applicant.get("id_no", "")))
        with self.desk.village.installation.db.reading() as tx:
            alike = [one.case.id for one in intake.earlier(tx, number, sheet.item) if one.duplicate]
        if not alike:
            return []
        words = self.words("duplicate_of", number=display_case_id(alike[0]))
        return wrap(f"{PROBLEM} {words}", width)

    def _answers(self, width: int) -> Iterator[Row]:
        sheet = self.draft.sheet
        parts: list[tuple[Part, tuple[FormField, ...], Any]] = []
        if self.draft.case_id is None:
            parts.append((Part.APPLICANT, self.desk.intake.catalogue().common_fields, sheet.applicant))
        parts.append((Part.FORM, self.item.form_fields, sheet.form))
        for part, asked, values in parts:
            yield Row("", f"-- {self.words(f'part.{part}')}")
            for field in asked:
                words = self._value(field, values.get(field.key))
                lines = wrap(words, max(20, width - LABEL_CELLS))
                for name, line in zip_longest(
                    wrap(field.name(self.lang), LABEL_CELLS - 1), lines, fillvalue=""
                ):
                    yield Row(f"{part}.{field.key}", f"{fit(name, LABEL_CELLS)}{line}")
        yield Row("", f"-- {self.words(f'part.{Part.MATERIALS}')}")
        for material in sheet.materials:
            counts = (
                f"{self.words('unit.original')} {material.originals}  {self.words('unit.copy')} "
                f"{material.copies}  {self.words('unit.scan')} {len(material.files)}"
            )
            yield Row(
                f"{Part.MATERIALS}.{material.name}",
                f"{fit(shorten(material.name, LABEL_CELLS - 1), LABEL_CELLS)}{counts}",
            )

    def _value(self, field: FormField, value: Any) -> str:
        if value is None or value == []:
            return "-"
        if isinstance(value, bool):
            return self.words("bool.yes" if value else "bool.no")
        if field.type is FieldType.DIVISION and str(value) in self.desk.intake.divisions:
            return self.desk.intake.divisions.full_name(str(value))
        if isinstance(value, list):
            cells = [[str(row.get(column.key, "-")) for column in field.columns] for row in value]
            return "\n".join(f"{number}. {', '.join(row)}" for number, row in enumerate(cells, 1))
        return str(value)

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        part, _, key_ = event.row.id.partition(".")
        if part == Part.ITEM:
            return
        self.turn_to(part, key_)

    def action_go_there(self) -> None:
        self.query_one(WindowList).action_choose()

    def show_undone(self, key_: str) -> None:
        self._show()

    def action_submit(self) -> None:
        made: list[Case] = []

        def submit(tx: sa.Connection) -> None:
            made.append(self.desk.intake.submit_draft(tx, self.desk.actor, self.reload()))

        def is_registered(tx: sa.Connection) -> bool:
            # By its number; of a supplement, by the step that its case stands at.
            found = self.desk.village.office.casebook.find(tx, made[0].id)
            return found is not None and found.version == made[0].version

        self.reload()
        if self.desk.intake.check(self.draft.sheet):
            self._show()
            return
        if self.write(submit, is_registered):
            from village_agent.tui.screens.slip import SlipScreen

            self.desk_app.saved_at = ""
            self.app.switch_screen(SlipScreen(made[0].id, just_submitted=True))
