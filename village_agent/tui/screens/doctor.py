"""Looking for trouble: what the doctor finds on this machine, the worst first, each with what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.errors import LiandongError
from core.store.backup import back_up
from sync import audit, home
from sync.doctor import Finding, Level, examine
from sync.installation import BACKUPS
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.words import has_words, painted
from village_agent.widths import wrap

INDENT = "    "
WORST_FIRST = (Level.BAD, Level.WARN, Level.GOOD)


class DoctorScreen(DeskScreen):
    """The examination runs beside the screen: it reads the whole database and tries the line."""

    TITLE_KEY = "doctor"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("r", "look", "key.again"),
        key("f10", "look", "", shown=False),
        key("b", "back_up", "key.back_up"),
    ]

    class Found(Message):
        """The examination is over."""

        def __init__(self, findings: list[Finding]) -> None:
            super().__init__()
            self.findings = findings

    class BackedUp(Message):
        """The copy is made and read back, or why it is not."""

        def __init__(self, file: Path, error: LiandongError | None) -> None:
            super().__init__()
            self.file, self.error = file, error

    def __init__(self) -> None:
        super().__init__()
        self._is_busy = False
        self._findings: list[Finding] = []

    def body(self) -> Iterator[Widget]:
        with VerticalScroll(id="body"):
            yield Static(id="outcome", markup=False)

    def on_mount(self) -> None:
        self.query_one("#body").focus()
        self.action_look()

    def on_resize(self) -> None:
        if self._findings:
            self._show()

    def action_look(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            self.tell(self.words("doctor_working"))
            self._examine()

    @work(thread=True)
    def _examine(self) -> None:
        """A check that fails is itself a finding."""
        self.post_message(self.Found(examine(self.desk.village.installation)))

    def action_back_up(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            self.tell(self.words("backing_up"))
            self._back_up()

    @work(thread=True)
    def _back_up(self) -> None:
        """As the command ``backup``: the copy counts once it is read back."""
        installation = self.desk.village.installation
        stamp = self.desk.world.now().strftime("%Y%m%dT%H%M%SZ")
        file = installation.folder / BACKUPS / f"{stamp}.db"
        try:
            back_up(installation.db, file, [audit.verify], home.mark_copy)
        except LiandongError as error:
            self.post_message(self.BackedUp(file, error))
        else:
            self.post_message(self.BackedUp(file, None))

    def on_doctor_screen_backed_up(self, event: BackedUp) -> None:
        self._is_busy = False
        if event.error is not None:
            self.tell_error(event.error)
        else:
            self.tell(self.words("backed_up", file=event.file.name))

    def on_doctor_screen_found(self, event: Found) -> None:
        self._is_busy = False
        self._findings = event.findings
        self._show()

    def _show(self) -> None:
        counts = {level: sum(one.level is level for one in self._findings) for level in Level}
        self.tell(
            self.words("doctor_sum", bad=counts[Level.BAD], warn=counts[Level.WARN], good=counts[Level.GOOD])
        )
        width = max(40, self.app.size.width - 4)
        lines: list[str] = []
        for level in WORST_FIRST:
            for found in self._findings:
                if found.level is level:
                    words = found.what_en if self.lang == "en" else found.what_zh
                    lines += wrap(f"{self.words(f'doctor_{level}')} {words}", width)
                    advice = self._advice(found)
                    told = self.words("doctor_do", words=advice) if advice else ""
                    lines += [f"{INDENT}{line}" for line in wrap(told, width - len(INDENT)) if told]
        self.query_one("#outcome", Static).update(painted("\n".join(lines)))

    def _advice(self, found: Finding) -> str:
        """What to do here, by keys; where the terminal has no way of its own, what the finding says itself."""
        key_ = f"doctor_do.{found.code}"
        if found.level is not Level.GOOD and has_words(key_):
            return self.words(key_)
        return found.do_en if self.lang == "en" else found.do_zh
