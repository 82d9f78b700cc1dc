"""Help: what the page is for, every key that does something on it, and what holds everywhere."""

from collections.abc import Iterator

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from village_agent.tui.base import DeskScreen, keys_of
from village_agent.tui.words import has_words, painted, say
from village_agent.widths import fit, wrap

KEY_CELLS = 10


class HelpScreen(DeskScreen):
    """``about`` is the page that was open; Esc leads back to it."""

    TITLE_KEY = "help"

    def __init__(self, about: DeskScreen | None = None) -> None:
        super().__init__()
        self._about = about

    def body(self) -> Iterator[Widget]:
        yield VerticalScroll(Static(id="outcome", markup=False), id="body")

    def on_mount(self) -> None:
        self.query_one("#body").focus()
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        width = max(40, self.app.size.width - 4)
        lines: list[str] = []
        if self._about is not None:
            lines += [*wrap(say(help_key(self._about), self.lang), width), "", self.words("help_keys")]
            lines += [f"  {fit(name, KEY_CELLS)}{words}" for name, words in keys_of(self._about, self.lang)]
            lines += ["", self.words("help_everywhere")]
        for line in self.words("help_text").split("\n"):
            lines += wrap(line, width)
        self.query_one("#outcome", Static).update(painted("\n".join(lines)))


def help_key(about: DeskScreen) -> str:
    """The words of the nearest class that has some."""
    named = (f"help.{owner.__name__}" for owner in type(about).__mro__)
    return next((name for name in named if has_words(name)), "help.other")
