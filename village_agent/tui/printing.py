"""Printing from a screen: the PDF is made in a thread of its own, and where it went is said in words."""

from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.message import Message

from core.documents.paper import Paper
from core.documents.printer import Printer
from core.errors import LiandongError
from village_agent import prints
from village_agent.tui.base import DeskScreen

PRINTER = Printer()


class PrintingScreen(DeskScreen):
    """``Printed`` comes when it is done; ``words`` is a key, ``name`` the path."""

    class Printed(Message):
        """A file was made, and perhaps handed to a program."""

        def __init__(self, words: str, path: Path | None, error: LiandongError | None = None) -> None:
            super().__init__()
            self.words, self.path, self.error = words, path, error

    def print_paper(self, name: str, paper: Paper, then: str = "open") -> None:
        """Make the PDF ``name`` and ``open`` or ``print`` it."""
        self.tell(self.words("printing"))
        self._print(name, lambda: PRINTER.print(paper), then)

    def print_text(self, name: str, text: str) -> None:
        """Write plain text for a thermal printer."""
        self._print(name, (text + "\n").encode, "")

    @work(thread=True, exit_on_error=False)
    def _print(self, name: str, make: Callable[[], bytes], then: str) -> None:
        """Touches no widget; says by a message how it ended."""
        path: Path | None = None
        try:
            path = prints.write_print(self.desk.village.installation.folder, name, make())
            if then == "open":
                prints.open_file(path)
            elif then == "print":
                prints.print_file(path)
        except LiandongError as error:
            self.post_message(self.Printed("", path, error))
        else:
            told = {"open": "print_opened", "print": "print_sent"}.get(then, "print_saved")
            self.post_message(self.Printed(told, path))

    def on_printing_screen_printed(self, event: Printed) -> None:
        if event.error is not None:
            self.tell_error(event.error)
        else:
            self.tell(self.words(event.words, name=event.path))
