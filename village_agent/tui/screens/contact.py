"""Meeting the township now, by line or by stick: what has gone up and come down; may be stopped at any time."""

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.errors import LiandongError
from core.identifiers import division_of
from sync import meeting
from sync.lines import parent_line
from sync.meeting import Meeting
from sync.stick import Waiting, waiting_for
from sync.stick_record import on_stick
from sync.stick_words import on_stick_words
from village_agent.pause import set_pause
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.progress import bar
from village_agent.tui.screens.stick_choice import StickChoiceScreen
from village_agent.tui.words import painted, size
from village_agent.widths import wrap


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
        key("p", "pause", "key.pause"),
        key("r", "unpause", "key.unpause"),
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
        with VerticalScroll(id="body"):
            yield Static(id="outcome", markup=False)

    def on_mount(self) -> None:
        self.query_one("#body").focus()
        if self._is_paused:
            self._show(Meeting(), "")
        else:
            self.action_start()

    def on_unmount(self) -> None:
        # Nobody is left to look at it; what was signed for stays done.
        self._stop = True

    def on_screen_resume(self) -> None:
        self._show(*self._shown)

    def on_resize(self) -> None:
        self._show(*self._shown)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("pause", "unpause"):
            meets = bool(self.desk.village.installation.settings.parent_contact) and not self.desk.is_practice
            return meets and self._is_paused == (action == "unpause")
        return not (self.desk.is_practice and action in ("start", "stick_export", "stick_import"))

    @property
    def is_working(self) -> bool:
        """Whether a meeting is under way."""
        return self._worker is not None and not self._worker.is_finished

    @property
    def _is_paused(self) -> bool:
        return self.desk_app.line is not None and self.desk_app.line.paused

    def action_start(self) -> None:
        if self.desk.is_practice:
            self._show(Meeting(), "")
        elif not self.desk.village.installation.settings.parent_contact:
            self._show(Meeting(), "contact_nobody")
        elif not self.is_working:
            self._stop = False
            self._show(Meeting(), "contact_working")
            self._worker = self._meet()

    def action_leave(self) -> None:
        if self.is_working and not self._stop:
            self._stop = True
            self._show(self._shown[0], "contact_stopping")
            return
        self.app.pop_screen()

    def action_stick_export(self) -> None:
        self.app.push_screen(StickChoiceScreen(bring_in=False))

    def action_stick_import(self) -> None:
        self.app.push_screen(StickChoiceScreen(bring_in=True))

    def action_pause(self) -> None:
        self._set_pause(True)

    def action_unpause(self) -> None:
        self._set_pause(False)

    def _set_pause(self, paused: bool) -> None:
        if self.write(lambda tx: set_pause(tx, self.desk.world, paused)):
            self.desk_app.keep_in_touch()
            self.show_line()
            self._show(*self._shown)
            self.show_frame()

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
        ended = "contact_stopping" if self._stop and event.ended == "contact_working" else event.ended
        self._show(event.done, ended, event.error)
        if ended == "contact_done":
            with self.desk.village.installation.db.reading() as tx:
                self.desk_app.take_publications(tx)

    def _waiting(self) -> Waiting:
        """What is owed to the township now."""
        node = self.desk.village.installation.node
        assert node.place.parent is not None
        return waiting_for(node, node.place.parent)

    def _show(self, done: Meeting, ended: str, error: LiandongError | None = None) -> None:
        self._shown = (done, ended, error)
        lines = [self._with_whom(), ""]
        if error is not None:
            lines += [f"! {error.text(self.lang)}", self.words("contact_failed"), ""]
        elif ended:
            lines += [self.words(ended), ""]
        if ended in ("contact_working", "contact_stopping", "contact_stopped"):
            # What is sealed on the way was not counted before: the whole is what went and what still waits.
            lines.append(bar(done.sent_bytes, done.sent_bytes + self._waiting().bytes) or bar(0, 1))
        if not self.desk.is_practice:
            lines += [self._owed(), *self._moved(done), ""]
        lines += [f"! {refused.text(self.lang)}" for refused in done.refused]
        lines += self._on_stick()
        if self._is_paused:
            lines.append(self.words("contact_paused"))
        if error is None and not self.desk.is_practice:
            lines.append(self.words("contact_other_way"))
        width = max(40, self.app.size.width - 4)
        told = [folded for line in lines for folded in wrap(line, width)]
        self.query_one("#outcome", Static).update(painted("\n".join(told)))
        self.show_line()

    def _with_whom(self) -> str:
        parent = self.desk.village.installation.node.place.parent
        if parent is None or self.desk.is_practice:
            return self.words("practice.no_contact")
        code, divisions = division_of(parent), self.desk.intake.divisions
        name = divisions.full_name(code) if code in divisions else code
        state = self.desk_app.line
        last = state.last_contact_words(self.desk.world.now(), self.lang) if state else ""
        return self.words("contact_with", name=name, node=parent, last=last)

    def _owed(self) -> str:
        waiting, parts = self._waiting(), list[str]()
        if waiting.messages:
            parts.append(self.words("contact_new", messages=waiting.messages))
        if waiting.envelopes or waiting.chunks:
            parts.append(
                self.words(
                    "contact_sealed",
                    envelopes=waiting.envelopes,
                    chunks=waiting.chunks,
                    size=size(waiting.bytes),
                )
            )
        mark = "；" if self.lang == "zh" else "; "
        return (
            self.words("contact_owed", parts=mark.join(parts))
            if parts
            else self.words("contact_nothing_owed")
        )

    def _moved(self, done: Meeting) -> list[str]:
        sent = self.words(
            "contact_sent", envelopes=done.sent_envelopes, chunks=done.sent_chunks, size=size(done.sent_bytes)
        )
        received = self.words(
            "contact_received",
            envelopes=done.received_envelopes,
            chunks=done.received_chunks,
            size=size(done.received_bytes),
        )
        return [sent, received]

    def _on_stick(self) -> list[str]:
        """Where a stick has what waits, while no receipt for it is back."""
        parent = self.desk.village.installation.node.place.parent
        if parent is None:
            return []
        with self.desk.village.installation.db.reading() as tx:
            written = on_stick(tx, parent)
        return [] if written is None else [on_stick_words(written, parent, self.lang)]
