"""One case: its path as a line of desks, what is missing, and the steps open to the village."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import sqlalchemy as sa
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from core.errors import LiandongError
from core.identifiers import CaseId, display_case_id
from core.states import CLOSED, DECIDED, State
from village_agent.case_words import case_words
from village_agent.drafts import Draft, sheet_of
from village_agent.fork_words import fork_lines
from village_agent.handing_over import is_due
from village_agent.line_state import line_state
from village_agent.outlook import Outlook, Stage, outlook
from village_agent.papers import proof_of_delivery
from village_agent.transit import legs
from village_agent.tui.base import key
from village_agent.tui.printing import PrintingScreen
from village_agent.tui.screens.ask import AskScreen
from village_agent.tui.screens.find_item import FindItemScreen
from village_agent.tui.screens.hand_over import HandOverScreen
from village_agent.tui.screens.rate import RateScreen
from village_agent.tui.waiting import waiting_words
from village_agent.tui.words import painted
from village_agent.widths import hang, wrap

REFRESH_S = 2.0
_SUPPLEMENTABLE = (State.SUPPLEMENT_REQUESTED, State.RETURNED)


class CaseScreen(PrintingScreen):
    """Only the keys that make sense now are shown."""

    TITLE_KEY = "case"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "supplement", "key.supplement"),
        key("d", "deliver", "key.deliver"),
        key("r", "rate", "key.rate"),
        key("n", "note", "key.note"),
        key("w", "withdraw", "key.withdraw"),
        key("s", "slip", "key.slip"),
        key("p", "proof", "key.proof"),
        key("a", "again", "key.again_for"),
        key("f5", "app.contact", "key.contact"),
    ]

    def __init__(self, case_id: CaseId) -> None:
        super().__init__()
        self.case_id = case_id
        self.view: Outlook | None = None

    def title_words(self) -> str:
        return f"{self.words('case')}  {display_case_id(self.case_id)}"

    def body(self) -> Iterator[Widget]:
        yield VerticalScroll(Static(id="path", markup=False), id="body")

    def on_mount(self) -> None:
        self._look()
        self.set_interval(REFRESH_S, self._look)
        self.query_one("#body").focus()

    def on_screen_resume(self) -> None:
        self._look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.view is None:
            return True
        case, here = self.view.case, self.desk.village.installation.node.place.node
        allowed = {
            "supplement": case.holder == here and case.state in _SUPPLEMENTABLE,
            "deliver": is_due(case, here),
            "rate": case.state in CLOSED | DECIDED,
            "proof": case.delivery is not None or case.state in DECIDED,
            "withdraw": case.state not in CLOSED | DECIDED,
        }
        return allowed.get(action, True)

    def action_supplement(self) -> None:
        if self.view is None:
            return
        case, made = self.view.case, list[Draft]()
        start = self.desk.intake.drafts.start_supplement
        if self.write(lambda tx: made.append(start(tx, self.desk.actor.officer, case))):
            self.desk_app.resume(made[0])

    def action_deliver(self) -> None:
        self.app.push_screen(HandOverScreen(self.case_id))

    def action_rate(self) -> None:
        self.app.push_screen(RateScreen(self.case_id))

    def action_again(self) -> None:
        """Another application of the same person: the item is asked, the person is known."""
        if self.view is not None:
            person = {key_: value for key_, value in sheet_of(self.view.case).applicant.items() if value}
            person.pop("delivery", None)
            self.app.push_screen(FindItemScreen(person))

    def action_proof(self) -> None:
        village = self.desk.village
        try:
            with village.installation.db.reading() as tx:
                case = village.office.casebook.get(tx, self.case_id)
                paper = proof_of_delivery(tx, village, case, self.desk.intake.divisions, self.lang)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.print_paper(f"receipt-{self.case_id}.pdf", paper)

    def action_note(self) -> None:
        self._ask(
            "note_text", lambda tx, text: self.desk.intake.note(tx, self.desk.actor, self.case_id, text)
        )

    def action_withdraw(self) -> None:
        self._ask(
            "reason", lambda tx, why: self.desk.intake.ask_withdraw(tx, self.desk.actor, self.case_id, why)
        )

    def action_slip(self) -> None:
        from village_agent.tui.screens.slip import SlipScreen

        self.app.push_screen(SlipScreen(self.case_id))

    def _ask(self, question: str, do: Callable[[sa.Connection, str], object]) -> None:
        """What is typed is kept until it is said: Esc and a power cut lose nothing."""
        notepad, pad = self.desk.intake.notepad, f"ask.{question}.{self.case_id}"

        def keep(text: str) -> None:
            self.write(lambda tx: notepad.keep(tx, pad, {"text": text}))

        def take(text: str | None) -> None:
            def say(tx: sa.Connection) -> None:
                do(tx, text or "")
                notepad.forget(tx, pad)

            if text and self.write(say):
                self.tell("")
                self._show()
                self.show_frame()

        with self.desk.village.installation.db.reading() as tx:
            typed = notepad.read(tx, pad).get("text", "")
        self.app.push_screen(AskScreen(self.words(question), self.lang, answer=typed, keep=keep), take)

    def _look(self) -> None:
        if self.is_stale():
            self._show()

    def _show(self) -> None:
        village = self.desk.village
        try:
            with village.installation.db.reading() as tx:
                case = village.office.casebook.get(tx, self.case_id)
                self.view = outlook(tx, village, case)
                on_the_way = legs(tx, village, case)
                waits = self.view.stage is Stage.WAITING
                why = waiting_words(self.desk, line_state(tx, village), self.lang) if waits else ""
                said = village.office.casebook.messages(tx, case.id) if case.hold else []
        except LiandongError as error:
            self.tell_error(error)
            return
        width = max(40, self.app.size.width - 4)
        divisions = self.desk.intake.divisions
        lines = case_words(self.view, divisions, self.lang, on_the_way, why).split("\n")
        if case.hold is not None:
            sides = fork_lines(case.hold, said, self.view.item, self.lang, width)
            lines += ["", *wrap(self.words("forked"), width), *sides]
        folded = [folded for line in lines for folded in hang(line, width)]
        self.query_one("#path", Static).update(painted("\n".join(folded)))
