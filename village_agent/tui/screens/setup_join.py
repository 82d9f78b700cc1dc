"""The last steps: the one-time code, by line or by stick, the first contact with the clock compared, what to remember."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import LiandongError
from core.regions import load_yuanjiang
from sync import enrol as enrolment
from sync.enrol_stick import Stage
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.status import is_enrolled
from village_agent import founding
from village_agent.first_run import Step, end
from village_agent.founding import Carried, Joined
from village_agent.session import Session
from village_agent.tui.base import key
from village_agent.tui.screens.setup_stick import JoinStickScreen, carried_words
from village_agent.tui.setup import Answer, SetupScreen
from village_agent.tui.words import painted, say
from village_agent.widths import wrap


class JoinScreen(SetupScreen):
    """Runs beside the screen; a lost answer costs nothing, the same code is sent again."""

    STEP = Step.JOIN
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f7", "by_stick", "key.by_stick"),
        key("f8", "skip", "key.later"),
    ]

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

    class Brought(Message):
        """What the stick came to."""

        def __init__(self, carried: Carried) -> None:
            super().__init__()
            self.carried = carried

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
        waiting = enrolment.waiting(self.opened.village.installation.node)
        if waiting is not None:
            told = self.text("setup.join_waiting", code=waiting.code_id)
            told.id = "waiting"
            yield told
        yield Answer("code", self.words("setup.join_label"), self.typed("code"), last=True)
        yield Static(id="facts", classes="text", markup=False)

    def on_mount(self) -> None:
        self._is_busy = False
        self._is_over = False
        self._joined: Joined | None = None
        self.query_one(Input).focus()
        installation = self.opened.village.installation
        if not is_enrolled(installation):
            if not installation.settings.parent_enrol:
                self.tell(self.words("setup.join_no_address"))
        elif installation.settings.parent_contact:
            # It was joined before the power went: what is left is to meet the township.
            self._start(None)
        else:
            self._end([self.words("setup.joined"), self.words("setup.join_by_hand")])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "by_stick" and is_enrolled(self.opened.village.installation):
            return False
        return super().check_action(action, parameters)

    def action_go_on(self) -> None:
        if self._is_busy:
            return
        if self._is_over:
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

    def action_by_stick(self) -> None:
        """Leave the application on a stick, or take the answer from it; may be done again and again."""
        if self._is_busy:
            return
        try:
            code = parse_code(self.value("code"))
        except LiandongError as error:
            self.tell_error(error)
            return
        self.app.push_screen(JoinStickScreen(lambda path: self._start(code, path)))

    def action_skip(self) -> None:
        if not self._is_busy:
            self.decide()

    def action_back(self) -> None:
        if not self._is_busy:
            super().action_back()

    def _start(self, code: EnrolmentCode | None, stick: Path | None = None) -> None:
        self._is_busy = True
        self._show([])
        self._work(code, stick)

    @work(thread=True, exit_on_error=False)
    def _work(self, code: EnrolmentCode | None, stick: Path | None) -> None:
        """Runs in its own thread; says what happens by messages and touches no widget."""

        def told(step: str) -> None:
            self.post_message(self.Working(f"setup.join_{step}"))

        try:
            if code is None:
                told("meeting")
                joined = founding.meet_once(self.opened)
            elif stick is not None:
                told("at_stick")
                self.post_message(self.Brought(founding.join_by_stick(self.opened, code, stick)))
                return
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
        self._joined = event.joined
        words = joined_words(event.joined, self.lang)
        if event.joined.is_clock_wrong:
            self._show(words)
            self._close()
        else:
            self._end(words)

    def on_join_screen_brought(self, event: Brought) -> None:
        """Joined, Enter goes on; applied, it goes on too, and F7 does it again."""
        self._is_busy = False
        words = carried_words(event.carried, self.lang)
        if event.carried.outcome.stage is Stage.ENROLLED:
            self._end(words)
        elif event.carried.outcome.error is None:
            self._is_over = True
            self._show([*words, "", self.words("setup.machine_go_on")])
        else:
            self._show(words)

    def _end(self, words: list[str]) -> None:
        """This machine has joined: nothing more is asked."""
        self._is_over = True
        self._show([*words, "", self.words("setup.machine_go_on")])
        self._close()

    def _show(self, words: list[str]) -> None:
        self.tell("")
        lines = [line for one in words for line in (wrap(one, self.cells) if one else [""])]
        facts = self.query_one("#facts", Static)
        facts.update(painted("\n".join(lines)))
        facts.scroll_visible(animate=False)

    def _close(self) -> None:
        for told in self.query("#waiting"):
            told.display = False
        self.show_keys()
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
            applied = enrolment.is_begun(desk.village.installation.node)
            yield self.text("setup.done_applied" if applied else "setup.done_later")

    def action_go_on(self) -> None:
        try:
            end(self.setup.folder)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.desk_app.setup_ended()


SCREENS: tuple[type[SetupScreen], ...] = (JoinScreen, DoneScreen)
