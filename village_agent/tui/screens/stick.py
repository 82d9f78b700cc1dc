"""The stick at the village: write what waits, or take what came, and say when it may be pulled out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.errors import LiandongError
from sync import stick as carrying
from sync import stick_words
from sync.stick import Progress
from sync.stick_import import import_from
from sync.transport.usb import Stick
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.progress import bar
from village_agent.tui.words import painted
from village_agent.widths import wrap


class _Stopped(Exception):
    """The person pressed Esc between two pieces."""


class StickScreen(DeskScreen):
    """One export or one import, beside the screen. What was written whole, or taken, until it is stopped counts."""

    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "start", "key.again")]

    class Told(Message):
        """So much is done."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    class Ended(Message):
        """The outcome in sentences, and the one that always stays in sight."""

        def __init__(self, lines: list[str], state: str) -> None:
            super().__init__()
            self.lines, self.state = lines, state

    def __init__(self, path: Path, *, bring_in: bool) -> None:
        super().__init__()
        self._path, self._bring_in = path, bring_in
        self._worker: Worker[None] | None = None
        self._stop = False
        self._total_bytes = 0

    def title_words(self) -> str:
        return self.words("stick_import" if self._bring_in else "stick_export")

    def body(self) -> Iterator[Widget]:
        with VerticalScroll(id="body"):
            yield Static(id="outcome", markup=False)

    def on_mount(self) -> None:
        self.query_one("#body").focus()
        self.action_start()

    @property
    def is_working(self) -> bool:
        """Whether the stick is being read or written."""
        return self._worker is not None and not self._worker.is_finished

    def action_start(self) -> None:
        if not self.is_working:
            self._stop = False
            self._total_bytes = 0
            self.tell(self.words("stick_working"))
            self._show([str(self._path)])
            self._worker = self._carry()

    def action_leave(self) -> None:
        if self.is_working and not self._stop:
            self._stop = True
            self.tell(self.words("stick_stopping"))
            return
        self.app.pop_screen()

    @work(thread=True, exit_on_error=False)
    def _carry(self) -> None:
        """Runs in its own thread; says what happens by messages and touches no widget."""
        try:
            lines, is_safe, label = self._bring(self._told) if self._bring_in else self._write(self._told)
        except _Stopped:
            self.post_message(self.Ended([self.words("stick_stopped")], self.words("stick_was_stopped")))
        except LiandongError as error:
            self.post_message(self.Ended([f"! {error.text(self.lang)}"], self.words("stick_not_whole")))
        else:
            state = self.words("stick_may_go" if is_safe else "stick_not_whole", label=label)
            self.post_message(self.Ended(lines, state))

    def _told(self, progress: Progress) -> None:
        self.post_message(self.Told(progress))
        if self._stop:
            raise _Stopped

    def _write(self, told: Callable[[Progress], None]) -> tuple[list[str], bool, str]:
        installation = self.desk.village.installation
        node, stick = installation.node, Stick(self._path)
        lines = [stick_words.same_disk_words(self.lang)] if stick.is_on_disk_of(installation.folder) else []
        peers = carrying.neighbours(node)
        self._total_bytes = sum(carrying.waiting_for(node, peer).bytes for peer in peers)
        exports = carrying.export_to(stick, node, peers, told)
        lines += stick_words.export_words(exports, stick.label, self.lang)
        return lines, stick_words.is_safe(exports), stick.label

    def _bring(self, told: Callable[[Progress], None]) -> tuple[list[str], bool, str]:
        stick = Stick(self._path)
        report = import_from(stick, self.desk.village.installation.node, told=told)
        is_safe = report.error is None and report.answer_error is None
        return stick_words.import_words(report, stick.label, self.lang), is_safe, stick.label

    def on_stick_screen_told(self, event: Told) -> None:
        done = event.progress
        total = done.bytes_total or max(self._total_bytes, done.bytes)
        self._show([str(self._path), "", bar(done.bytes, total), stick_words.progress_words(done, self.lang)])

    def on_stick_screen_ended(self, event: Ended) -> None:
        self._show(event.lines)
        self.tell(event.state)
        with self.desk.village.installation.db.reading() as tx:
            # A stick may have brought a catalogue or a calendar.
            self.desk_app.take_publications(tx)
        self.show_line()

    def _show(self, lines: list[str]) -> None:
        width = max(40, self.app.size.width - 4)
        told = [folded for line in lines for folded in wrap(line, width)]
        self.query_one("#outcome", Static).update(painted("\n".join(told)))
