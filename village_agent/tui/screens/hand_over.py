"""Handing one result over: who receives it, the check of the document, the acknowledgement, the signed sheet."""

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from textual.binding import BindingType

from core.bodies import AttachmentManifest
from core.errors import LiandongError
from core.identifiers import CaseId, display_case_id
from core.items import FieldType, FormField
from village_agent.handing_over import RELATIONS, Receiver, Relation, check_receiver, hand_over
from village_agent.intake import file_path
from village_agent.papers import proof_of_delivery
from village_agent.tui.base import key
from village_agent.tui.fields import Field
from village_agent.tui.printing import PrintingScreen
from village_agent.tui.screens.rate import RateScreen
from village_agent.tui.sealing import SealingScreen
from village_agent.tui.service_form import ServiceForm, question

ASKED = (
    question("relation", "field.relation", FieldType.CHOICE, options=tuple(Relation)),
    question("name", "field.receiver"),
    question("id_no", "field.receiver_id"),
    question("acknowledged", "field.acknowledged"),
    question("sheet", "field.sheet", required=False),
)


class HandOverScreen(ServiceForm, PrintingScreen, SealingScreen):
    """F8 prints the proof to be signed; F9 records the delivery, and the applicant is asked to rate."""

    TITLE_KEY = "hand_over"
    BINDINGS: ClassVar[list[BindingType]] = [key("f8", "proof", "key.proof")]

    def __init__(self, case_id: CaseId) -> None:
        super().__init__(f"hand_over.{case_id}")
        self.case_id = case_id
        self._sealed: tuple[str, AttachmentManifest] | None = None

    def asked(self) -> tuple[FormField, ...]:
        return ASKED

    def usual(self) -> Mapping[str, Any]:
        return {"relation": str(Relation.SELF), "name": self._case().applicant.name}

    def about(self) -> str:
        case, shelf = self._case(), self.desk.village.office.shelf
        item = shelf.item(case.item, case.catalogue_version)
        decision = case.decision
        result = ""
        if decision is not None:
            words = self.words("granted" if decision.granted else "denied")
            result = f"{words} {decision.result_name} {decision.document_no} {decision.reason}".rstrip()
        title = item.title(self.lang) if item is not None else case.item
        return self.words("hand_over_about", name=case.applicant.name, item=title, list=result)

    def option_words(self, option: str) -> str:
        return RELATIONS[Relation(option)][self.lang == "en"]

    def judge(self, asked: FormField, value: Any) -> str:
        found = super().judge(asked, value)
        if found or value is None:
            return found
        today = self.desk.village.office.shelf.today
        wrong = check_receiver(self._case(), self._receiver(), today)
        return " ".join(one.text(self.lang) for one in wrong if one.key == asked.key)

    def action_finish(self) -> None:
        """The signed sheet is sealed first, once for each path."""
        typed = self.typed("sheet")
        if self.must_wait():
            return
        if typed and not self.problems() and (self._sealed is None or self._sealed[0] != typed):
            self.seal(typed, [file_path(typed)])
            return
        super().action_finish()

    def on_sealing_screen_sealed(self, event: SealingScreen.Sealed) -> None:
        self.tell("")
        if event.manifest is not None:
            self._sealed = (event.purpose, event.manifest)
        elif event.error is not None:
            wrong = event.error.text(self.lang)
            for field in self.query(Field):
                if field.asked.key == "sheet":
                    field.show_problem(wrong)
                    field.editor.focus()

    def on_sealing_screen_sealing_ended(self) -> None:
        if self._sealed is not None and self._sealed[0] == self.typed("sheet"):
            # Textual calls the handler of the class above afterwards, which ends the sealing.
            self.call_later(self.action_finish)

    def action_leave(self) -> None:
        if not self.must_wait():
            super().action_leave()

    def record(self, tx: sa.Connection) -> object:
        sheet = self._sealed[1] if self._sealed is not None and self.typed("sheet") else None
        return hand_over(tx, self.desk.intake, self.desk.actor, self.case_id, self._receiver(), sheet)

    def recorded(self) -> None:
        self.leave_saying(self.words("handed_over", number=display_case_id(self.case_id)))
        self.app.push_screen(RateScreen(self.case_id))

    def action_proof(self) -> None:
        try:
            with self.desk.village.installation.db.reading() as tx:
                paper = proof_of_delivery(
                    tx,
                    self.desk.village,
                    self._case(),
                    self.desk.intake.divisions,
                    self.lang,
                )
        except LiandongError as error:
            self.tell_error(error)
            return
        self.print_paper(f"receipt-{self.case_id}.pdf", paper)

    def _receiver(self) -> Receiver:
        relation = Relation(self.typed("relation") or Relation.SELF)
        return Receiver(self.typed("name"), relation, self.typed("id_no"), self.typed("acknowledged"))

    def _case(self) -> Any:
        with self.desk.village.installation.db.reading() as tx:
            return self.desk.village.office.casebook.get(tx, self.case_id)
