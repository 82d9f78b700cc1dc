"""The smallest program of the toolkit: one line and one field. What it needs, no program made with it can do without."""

from textual.app import App, ComposeResult
from textual.widgets import Input, Static


class Minimal(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("ready")
        yield Input()


if __name__ == "__main__":
    Minimal().run()
