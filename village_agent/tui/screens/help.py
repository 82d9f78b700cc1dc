"""Every key and every word of the slip, on one page."""

from collections.abc import Iterator

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from village_agent.tui.base import DeskScreen
from village_agent.tui.words import painted


class HelpScreen(DeskScreen):
    """Esc leads back to where one was."""

    TITLE_KEY = "help"

    def body(self) -> Iterator[Widget]:
        yield VerticalScroll(Static(painted(self.words("help_text"))), id="body")

    def on_mount(self) -> None:
        self.query_one("#body").focus()
