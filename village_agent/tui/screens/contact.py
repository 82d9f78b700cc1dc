"""Meeting the township now, by line or by stick: what has gone up and come down; may be stopped at any time."""

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.errors import LiandongError
from sync import meeting
from sync.lines import parent_line
from sync.meeting import Meeting
from sync.stick_record import on_stick
from sync.stick_words import on_stick_words
from village_agent.intake import file_path
from village_agent.sticks import chosen, mounted_sticks
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.screens.ask import AskScreen
from village_agent.tui.screens.stick import StickScreen
from village_agent.tui.words import painted, size


class _Stopped(Exception):
    """The person pressed Esc between two rounds."""


class ContactScreen(DeskScreen):
    """The meeting runs beside the screen; everything signed for until it is stopped stays done."""

    TITLE_KEY = "contact"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "start", "key.start"),
        key("f5", "start", "", shown=False),
        key("e", "stick_export", "key.stick_export"),
        key("i", "stick_import", "key.stick_import"),
    ]

    class Progress(Message):
        """So much is done."""

        def __init__(self, done: Meeting, ended: str = "", error: LiandongError | None = None) -> None:
            super().__init__()
            self.done, self.ended, self.error = done, ended, error

    def __init__(self) -> None:
        super().__init__()
        self._worker: Worker[None] | None = None
        self._stop = False
        self._shown: tuple[Meeting, str, LiandongError | None] = (Meeting(), "", None)

    def body(self) -> Iterator[Widget]:
        yield Static(id="body", markup=False)

    def on_mount(self) -> None:
        self.action_start()

    def on_unmount(self) -> None:
        # Nobody is left to look at it; what was signed for stays done.
        self._stop = True

    def on_screen_resume(self) -> None:
        self._show(*self._shown)

    def action_start(self) -> None:
        if self._worker is None or self._worker.is_finished:
            self._stop = False
            self._show(Meeting(), "contact_working")
            self._worker = self._meet()

    def action_leave(self) -> None:
        if self._worker is not None and not self._worker.is_finished and not self._stop:
            self._stop = True
            return
        self.app.pop_screen()

    def action_stick_export(self) -> None:
        self._ask_stick("stick_export", bring_in=False)

    def action_stick_import(self) -> None:
        self._ask_stick("stick_import", bring_in=True)

    def _ask_stick(self, title: str, *, bring_in: bool) -> None:
        offered = mounted_sticks()
        listed = "\n".join(f"  {number}  {path}" for number, path in enumerate(offered, 1))
        asked = self.words("stick_which") if offered else self.words("stick_none_found")

        def go(answer: str | None) -> None:
            if answer:
                path = file_path(chosen(answer, offered))
                self.app.push_screen(StickScreen(path, bring_in=bring_in))

        question = "\n".join(filter(None, (f"{self.words(title)}  {asked}", listed)))
        self.app.push_screen(AskScreen(question, self.lang, answer=str(offered[0]) if offered else ""), go)

    @work(thread=True, exit_on_error=False)
    def _meet(self) -> None:
        """Runs in its own thread; says what happens by messages and touches no widget."""
        installation = self.desk.village.installation
        node = installation.node
        last = Meeting()

        def progress(done: Meeting) -> None:
            nonlocal last
            last = done
            self.post_message(self.Progress(done, "contact_working"))
            if self._stop:
                raise _Stopped

        try:
            if node.place.parent is None:
                return
            line = parent_line(node, installation.settings, lambda: self._stop)
            try:
                last = meeting.meet(node, line, node.place.parent, progress)
            finally:
                line.close()
        except _Stopped:
            self.post_message(self.Progress(last, "contact_stopped"))
        except LiandongError as error:
            self.post_message(self.Progress(last, "", error))
        else:
            self.post_message(self.Progress(last, "contact_done"))

    def on_contact_screen_progress(self, event: Progress) -> None:
        self._show(event.done, event.ended, event.error)

    def _show(self, done: Meeting, ended: str, error: LiandongError | None = None) -> None:
        self._shown = (done, ended, error)
        lines = [
            self.words(ended) if ended else "",
            "",
            self.words(
                "contact_sent",
                envelopes=done.sent_envelopes,
                chunks=done.sent_chunks,
                size=size(done.sent_bytes),
            ),
            self.words(
                "contact_received",
                envelopes=done.received_envelopes,
                chunks=done.received_chunks,
                size=size(done.received_bytes),
            ),
        ]
        lines += [f"! {refused.text(self.lang)}" for refused in done.refused]
        lines += ["", *self._on_stick()]
        if error is not None:
            lines[0] = f"! {error.text(self.lang)}"
        self.query_one("#body", Static).update(painted("\n".join(lines)))
        self.show_line()

    def _on_stick(self) -> list[str]:
        """Where a stick has what waits, while no receipt for it is back."""
        parent = self.desk.village.installation.node.place.parent
        if parent is None:
            return []
        with self.desk.village.installation.db.reading() as tx:
            written = on_stick(tx, parent)
        return [] if written is None else [on_stick_words(written, parent, self.lang)]
