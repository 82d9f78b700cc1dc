"""The first five steps: the language, what the terminal shows and takes, the disk and the clock."""

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.calendar import load_calendar
from core.clock import CHINA
from core.errors import LiandongError
from village_agent.first_run import Step, check_typing, is_clock_plausible
from village_agent.founding import probe
from village_agent.intake import FREE_BYTES_MIN
from village_agent.tui.base import key
from village_agent.tui.setup import Answer, ChoiceScreen, SetupScreen
from village_agent.tui.words import painted, size
from village_agent.widths import fit, wrap

FRAME_ROWS = ("沅江市四季红镇", "abcdefg 0123456789", "王秀英 13800000000", "「」，。；：！？（）", "")
FRAME_CELLS = 26
COMFORTABLE_BYTES = 1 << 30


def frame_lines() -> list[str]:
    """A frame of plain signs around Chinese and Latin text: every line is as wide as the others."""
    edge = f"+{'-' * FRAME_CELLS}+"
    return [edge, *(f"|{fit(f' {row}', FRAME_CELLS)}|" for row in FRAME_ROWS), edge]


class LanguageScreen(ChoiceScreen):
    """The only page in two languages at once."""

    STEP = Step.LANGUAGE

    def choices(self) -> list[tuple[str, str]]:
        return [("zh", "中文"), ("en", "English")]

    def first(self) -> int:
        return int(self.lang == "en")

    def chosen(self, value: str) -> None:
        self.desk_app.lang = value
        self.decide(lang=value)


class FrameScreen(ChoiceScreen):
    """Whether the console draws wide characters two cells wide."""

    STEP = Step.FRAME

    def body(self) -> Iterator[Widget]:
        yield self.text("setup.frame_text")
        yield Static(painted("\n".join(f"    {line}" for line in frame_lines()) + "\n"), classes="text")
        yield self.choice_list()

    def choices(self) -> list[tuple[str, str]]:
        return [(name, self.words(f"setup.frame_{name}")) for name in ("yes", "no", "anyway")]

    def chosen(self, value: str) -> None:
        if value == "no":
            self.tell(self.words("setup.frame_mend"))
        else:
            self.decide(frame=value)


class TypingScreen(SetupScreen):
    """Whether an input method reaches us."""

    STEP = Step.TYPING
    BINDINGS: ClassVar[list[BindingType]] = [key("f8", "skip", "key.skip")]

    def body(self) -> Iterator[Widget]:
        yield from super().body()
        yield Answer("typing", self.words("setup.typing_label"), self.typed("typing"), last=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def action_go_on(self) -> None:
        try:
            check_typing(self.value("typing"))
        except LiandongError as error:
            self.tell_error(error)
            return
        self.decide(typing="yes")

    def action_skip(self) -> None:
        self.decide(typing="skipped")


class MachineScreen(SetupScreen):
    """Writes to the data folder, reads it back, and looks how much room there is."""

    STEP = Step.MACHINE

    class Probed(Message):
        """The disk was looked at."""

        def __init__(self, free: int, error: LiandongError | None) -> None:
            super().__init__()
            self.free, self.error = free, error

    def body(self) -> Iterator[Widget]:
        yield Static(id="facts", markup=False)

    def on_mount(self) -> None:
        self._is_good: bool | None = None
        self._start()

    def _start(self) -> None:
        self._is_good = None
        self.tell("")
        self._show(self.words("setup.machine_working"))
        self._probe()

    def _show(self, *lines: str) -> None:
        folder = self.words("setup.machine_folder", folder=self.setup.folder)
        told = [folded for line in (folder, "", *lines) for folded in wrap(line, self.cells)]
        self.query_one("#facts", Static).update(painted("\n".join(told)))

    @work(thread=True, exit_on_error=False)
    def _probe(self) -> None:
        try:
            self.post_message(self.Probed(probe(self.setup.folder, self.setup.world), None))
        except LiandongError as error:
            self.post_message(self.Probed(0, error))

    def on_machine_screen_probed(self, event: Probed) -> None:
        self._is_good = event.error is None
        if event.error is not None:
            self._show(self.words("setup.machine_bad", why=event.error.text(self.lang)))
            return
        room = "setup.machine_free" if event.free >= COMFORTABLE_BYTES else "setup.machine_little"
        self._show(
            self.words("setup.machine_written"),
            self.words(room, free=size(event.free), least=size(FREE_BYTES_MIN)),
            "",
            self.words("setup.machine_go_on"),
        )

    def action_go_on(self) -> None:
        if self._is_good:
            self.decide()
        elif self._is_good is False:
            self._start()


class ClockScreen(ChoiceScreen):
    """A person compares the clock; a year that cannot be is not let through as right."""

    STEP = Step.CLOCK

    def body(self) -> Iterator[Widget]:
        yield Static(id="now", markup=False)
        yield self.text("setup.clock_ask")
        yield self.choice_list()

    def on_mount(self) -> None:
        self._show_now()
        self.set_interval(1.0, self._show_now)

    def _show_now(self) -> None:
        now = self.setup.world.now().astimezone(CHINA)
        words = self.words(
            "setup.clock_now",
            time=f"{now:%Y-%m-%d %H:%M:%S}",
            weekday=self.words(f"weekday.{now.isoweekday()}"),
        )
        self.query_one("#now", Static).update(painted(words))

    def choices(self) -> list[tuple[str, str]]:
        return [(name, self.words(f"setup.clock_{name}")) for name in ("yes", "no", "anyway")]

    def chosen(self, value: str) -> None:
        now = self.setup.world.now()
        if value == "no":
            self.tell(self.words("setup.clock_mend"))
        elif value == "yes" and not is_clock_plausible(now, load_calendar().known_until.year):
            self.tell(self.words("setup.clock_odd", year=now.astimezone(CHINA).year))
        else:
            self.decide()


SCREENS: tuple[type[SetupScreen], ...] = (
    LanguageScreen,
    FrameScreen,
    TypingScreen,
    MachineScreen,
    ClockScreen,
)
