"""The door: operator and PIN; nothing of anybody is on the screen before it opens."""

from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from core.clock import World
from core.errors import LiandongError
from village_agent.tui.pin_line import PinLine
from village_agent.tui.words import painted, say
from village_agent.vault import Operator, open_vault, operators


class LockScreen(Screen[tuple[Operator, bytes]]):
    """Returns the operator and the key. Up and down choose among several operators."""

    IS_DOOR: ClassVar[bool] = True
    """No key of the desk does anything here."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "app.quit", show=False),
        Binding("f9", "app.practise", show=False),
        Binding("up", "operator(-1)", show=False),
        Binding("down", "operator(1)", show=False),
    ]

    class Refused(Message):
        """The PIN did not open the vault."""

        def __init__(self, error: LiandongError) -> None:
            super().__init__()
            self.error = error

    class Opened(Message):
        """It did."""

        def __init__(self, operator: Operator, key: bytes) -> None:
            super().__init__()
            self.operator, self.key = operator, key

    def __init__(self, folder: Path, world: World, lang: str, words: str = "") -> None:
        super().__init__()
        self._folder, self._world, self._lang, self._words = folder, world, lang, words
        self._operators: list[Operator] = []
        self._chosen = 0

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Vertical(id="body"):
            yield Static(id="who", markup=False)
            yield PinLine(password=True, max_length=64, compact=True)
            yield Static(id="message", markup=False)
        yield Static(id="keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._tell(self._words)
        self.speak(self._lang)
        try:
            self._operators = operators(self._folder)
        except LiandongError as error:
            self._tell(f"! {error.text(self._lang)}")
        self._show_who()

    def speak(self, lang: str) -> None:
        """Paint the words in ``lang``."""
        self._lang = lang
        self.query_one("#title", Static).update(painted(f"{say('app', lang)}  |  {say('lock', lang)}"))
        keys = (
            ("Enter", "action.confirm"),
            ("F9", "key.practise"),
            ("F12", "key.language"),
            ("Ctrl+Q", "key.quit"),
        )
        self.query_one("#keys", Static).update(
            painted("  ".join(f"{name} {say(word, lang)}" for name, word in keys))
        )
        self._show_who()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._operators and event.value:
            pin, event.input.value = event.value, ""
            event.input.disabled = True
            self._tell(say("unlocking", self._lang))
            self._try(self._operators[self._chosen], pin)

    @work(thread=True)
    def _try(self, operator: Operator, pin: str) -> None:
        try:
            key = open_vault(self._folder, operator.id, pin, self._world)
        except LiandongError as error:
            self.post_message(self.Refused(error))
        else:
            self.post_message(self.Opened(operator, key))

    def on_lock_screen_refused(self, event: Refused) -> None:
        self._tell(f"! {event.error.text(self._lang)}")
        self.query_one(Input).disabled = False
        self.query_one(Input).focus()

    def on_lock_screen_opened(self, event: Opened) -> None:
        self.dismiss((event.operator, event.key))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            self.query_one(Input).value = ""

    def action_operator(self, by: int) -> None:
        if self._operators:
            self._chosen = (self._chosen + by) % len(self._operators)
            self._show_who()

    def _show_who(self) -> None:
        lines = [
            f"{'>' if place == self._chosen else ' '} {operator.name} ({operator.id})"
            for place, operator in enumerate(self._operators)
        ]
        self.query_one("#who", Static).update(painted(f"{say('operator', self._lang)}:\n" + "\n".join(lines)))

    def _tell(self, words: str) -> None:
        self.query_one("#message").display = bool(words)
        self.query_one("#message", Static).update(painted(words))
