"""One question in a box; the answer is returned, None if it was left."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from village_agent.tui.practice_guide import practice_mark
from village_agent.tui.told_at_once import ToldAtOnce
from village_agent.tui.typed_ahead import TooLong, TypedAhead, TypedLine
from village_agent.tui.words import painted, say

ANSWER_CHARS_MAX = 2000


class AnswerLine(ToldAtOnce, TypedLine, TypedAhead, Input):
    """One line of text."""

    CHANGED = Input.Changed
    ENTER_LEAVES = False


class AskScreen(ModalScreen[str | None]):
    """Enter answers, Esc leaves. ``keep`` gets what is typed, before it can be painted."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(
        self, question: str, lang: str, *, answer: str = "", keep: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._question, self._lang = question, lang
        # What was begun is gone on with; a proposal is typed over.
        self._line = AnswerLine(
            answer, max_length=ANSWER_CHARS_MAX, compact=True, select_on_focus=keep is None
        )
        if keep is not None:
            self._line.told = lambda: keep(self._line.value)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(painted(practice_mark(self.app, self._lang) + self._question))
            yield self._line
            yield Static(id="too-long", markup=False)
            yield Static(
                painted(f"Enter {say('action.confirm', self._lang)}  Esc {say('action.cancel', self._lang)}")
            )

    def on_mount(self) -> None:
        self.query_one("#too-long").display = False
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        self.query_one("#too-long").display = False

    def on_too_long(self, event: TooLong) -> None:
        place = self.query_one("#too-long", Static)
        place.update(painted(f"! {event.words(self._lang)}"))
        place.display = True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        self.dismiss(None)
