"""Sealing scans beside a page: keys go on meanwhile, how far it has come is shown, and how it ended is a message."""

from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.message import Message

from core.bodies import AttachmentManifest
from core.errors import LiandongError
from village_agent.scans import seal_scan
from village_agent.tui.base import DeskScreen
from village_agent.tui.progress import bar
from village_agent.widths import shorten

NAME_CELLS = 30


class SealingScreen(DeskScreen):
    """``Sealed`` comes for every file; the page is not left before. ``purpose`` is what the page asked with."""

    class Sealing(Message):
        """So many bytes of the file are on the disk."""

        def __init__(self, name: str, done: int, total: int) -> None:
            super().__init__()
            self.name, self.done, self.total = name, done, total

    class Sealed(Message):
        """The file is on the disk, or why it is not."""

        def __init__(
            self, purpose: str, manifest: AttachmentManifest | None, error: LiandongError | None
        ) -> None:
            super().__init__()
            self.purpose, self.manifest, self.error = purpose, manifest, error

    class SealingEnded(Message):
        """Nothing is left of what was asked for at once."""

    _under_way = 0

    @property
    def is_sealing(self) -> bool:
        return self._under_way > 0

    def seal(self, purpose: str, paths: Sequence[Path]) -> None:
        """Seal the files one after another."""
        if paths:
            self._under_way += 1
            self._show_sealing(paths[0].name, 0, 1)
            self._seal_each(purpose, paths)

    def must_wait(self) -> bool:
        """Whether files are still being sealed, so that this page cannot be left; says so."""
        if self.is_sealing:
            self.tell(self.words("sealing_wait"))
        return self.is_sealing

    @work(thread=True, exit_on_error=False)
    def _seal_each(self, purpose: str, paths: Sequence[Path]) -> None:
        """Touches no widget."""
        node = self.desk.village.installation.node
        try:
            for path in paths:

                def told(done: int, total: int, name: str = path.name) -> None:
                    self.post_message(self.Sealing(name, done, total))

                try:
                    manifest = seal_scan(node.world, path, node.chunks, told)
                except LiandongError as error:
                    self.post_message(self.Sealed(purpose, None, error))
                else:
                    self.post_message(self.Sealed(purpose, manifest, None))
        finally:
            self.post_message(self.SealingEnded())

    def on_sealing_screen_sealing(self, event: Sealing) -> None:
        self._show_sealing(event.name, event.done, event.total)

    def on_sealing_screen_sealing_ended(self) -> None:
        self._under_way -= 1

    def _show_sealing(self, name: str, done: int, total: int) -> None:
        self.tell(self.words("sealing", name=shorten(name, NAME_CELLS), bar=bar(done, total)))
