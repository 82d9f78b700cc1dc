"""The last steps: the one-time code, the first contact with the clock compared, and what to remember."""

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import LiandongError
from core.regions import load_yuanjiang
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.status import is_enrolled
from village_agent import founding
from village_agent.first_run import Step, end
from village_agent.founding import Joined
from village_agent.session import Session
from village_agent.tui.base import key
from village_agent.tui.setup import Answer, SetupScreen
from village_agent.tui.words import painted, say
from village_agent.widths import wrap


class JoinScreen(SetupScreen):
    """Runs beside the screen; a lost answer costs nothing, the same code is sent again."""

    STEP = Step.JOIN
    BINDINGS: ClassVar[list[BindingType]] = [key("f8", "skip", "key.later")]

    class Working(Message):
        """What is being done now."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Ended(Message):
        """This machine has joined, or why it has not."""

        def __init__(self, joined: Joined | None, error: LiandongError | None) -> None:
            super().__init__()
            self.joined, self.error = joined, error

    @property
    def opened(self) -> Session:
        """The desk that the step before set up."""
        assert self.setup.desk is not None
        return self.setup.desk

    def body(self) -> Iterator[Widget]:
        yield from super().body()
        place = self.opened.village.installation.node.place
        name = load_yuanjiang().full_name(place.division) if place.division in load_yuanjiang() else ""
        yield self.text("setup.join_as", node=place.node, name=name)
        yield Answer("code", self.words("setup.join_label"), self.typed("code"), last=True)
        yield Static(id="facts", classes="text", markup=False)

    def on_mount(self) -> None:
        self._is_busy = False
        self._joined: Joined | None = None
        self.query_one(Input).focus()
        installation = self.opened.village.installation
        if is_enrolled(installation):
            # It was joined before the power went: what is left is to meet the township.
            self._start(None)
        elif not installation.settings.parent_enrol:
            self.tell(self.words("setup.join_no_address"))

    def action_go_on(self) -> None:
        if self._is_busy:
            return
        if self._joined is not None and not self._joined.is_clock_wrong:
            self.decide()
        elif self._joined is not None:
            self._start(None)
        else:
            self._join_by_code()

    def _join_by_code(self) -> None:
        if not self.opened.village.installation.settings.parent_enrol:
            self.tell(self.words("setup.join_no_address"))
            return
        try:
            code = parse_code(self.value("code"))
        except LiandongError as error:
            self.tell_error(error)
            return
        self._start(code)

    def action_skip(self) -> None:
        if not self._is_busy:
            self.decide()

    def action_back(self) -> None:
        if not self._is_busy:
            super().action_back()

    def _start(self, code: EnrolmentCode | None) -> None:
        self._is_busy = True
        self.tell("")
        self._work(code)

    @work(thread=True, exit_on_error=False)
    def _work(self, code: EnrolmentCode | None) -> None:
        """Runs in its own thread; says what happens by messages and touches no widget."""

        def told(step: str) -> None:
            self.post_message(self.Working(f"setup.join_{step}"))

        try:
            if code is None:
                told("meeting")
                joined = founding.meet_once(self.opened)
            else:
                joined = founding.join(self.opened, code, told)
        except LiandongError as error:
            self.post_message(self.Ended(None, error))
        else:
            self.post_message(self.Ended(joined, None))

    def on_join_screen_working(self, event: Working) -> None:
        self.tell(self.words(event.words))

    def on_join_screen_ended(self, event: Ended) -> None:
        self._is_busy = False
        if event.joined is None:
            if event.error is not None:
                self.tell_error(event.error)
            return
        self.tell("")
        self._joined = event.joined
        lines = [line for words in joined_words(event.joined, self.lang) for line in wrap(words, self.cells)]
        if not event.joined.is_clock_wrong:
            lines += ["", self.words("setup.machine_go_on")]
        self.query_one("#facts", Static).update(painted("\n".join(lines)))
        self.query_one(Input).disabled = True
        self.set_focus(None)


def joined_words(joined: Joined, lang: str) -> list[str]:
    """What joining came to, sentences, one a line."""
    lines = [say("setup.joined", lang)]
    if joined.first_contact is not None:
        lines.append(say("setup.join_not_met", lang, why=joined.first_contact.text(lang)))
    elif joined.catalogue:
        lines.append(say("setup.join_met", lang, version=joined.catalogue))
    else:
        lines.append(say("setup.join_no_catalogue", lang))
    if joined.behind_s is None:
        return [*lines, say("setup.clock_unknown", lang)]
    which = "good" if not joined.is_clock_wrong else "behind" if joined.behind_s > 0 else "ahead"
    return [*lines, say(f"setup.clock_{which}", lang, span=span_words(abs(joined.behind_s), lang))]


def span_words(seconds: int, lang: str) -> str:
    """``3 分钟``: in the largest unit that is there once."""
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length:
            return say(f"span.{name}", lang, count=seconds // length)
    return say("span.seconds", lang, count=seconds)


class DoneScreen(SetupScreen):
    """What to remember; Enter leads home, and the record of the set-up is removed."""

    STEP = Step.DONE
    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "go_on", "key.home")]

    def body(self) -> Iterator[Widget]:
        yield from super().body()
        desk = self.setup.desk
        if desk is not None and not is_enrolled(desk.village.installation):
            yield self.text("setup.done_later")

    def action_go_on(self) -> None:
        try:
            end(self.setup.folder)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.desk_app.setup_ended()


SCREENS: tuple[type[SetupScreen], ...] = (JoinScreen, DoneScreen)
