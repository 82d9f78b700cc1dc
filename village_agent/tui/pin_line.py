"""A line that hides what is typed, by a sign that every console draws in one cell."""

from rich.text import Text
from textual.widgets import Input

from village_agent.tui.typed_ahead import TypedLine

SIGN = "*"


class PinLine(TypedLine, Input):
    """Textual's own dot is of unsure width."""

    @property
    def _value(self) -> Text:
        if self.password:
            return Text(SIGN * len(self.value), no_wrap=True, overflow="ignore", end="")
        return super()._value
