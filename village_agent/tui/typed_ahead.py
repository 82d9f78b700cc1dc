"""What is typed and pasted reaches the field it is meant for, and all of it that can be read."""

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Input

from core.shape import UNPRINTABLE
from village_agent.tui.words import say

if TYPE_CHECKING:
    from textual.widget import Widget


class TypedAhead:
    """Mixed in before a widget: Enter moves on at once, and keys queued behind it follow to the next field.

    Keys may come faster than the focus moves: a card reader types a number and Enter.
    """

    ENTER_LEAVES: ClassVar[bool] = True

    def on_key(self, event: events.Key) -> None:
        widget = cast("Widget", self)
        focused = widget.screen.focused
        if focused is not None and focused is not widget:
            event.stop()
            event.prevent_default()
            focused._forward_event(events.Key(event.key, event.character))
        elif event.key == "enter" and self.ENTER_LEAVES:
            event.stop()
            event.prevent_default()
            widget.screen.focus_next()
        elif (char := event.character) and not char.isprintable() and not UNPRINTABLE.search(char):
            # A character that this Python's Unicode is too old for, such as those of extension H in names.
            event.stop()
            event.prevent_default()
            # A field of several lines has the one, a line has the other; the door does not read both.
            insert = getattr(widget, "insert_text_at_cursor", None) or getattr(widget, "insert", None)
            if insert is not None:
                insert(char)


class TooLong(Message):
    """More was pasted than the field holds; ``count`` characters would stand in it, ``most`` may. Nothing was pasted."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__()
        self.count, self.most = count, most

    def words(self, lang: str) -> str:
        return say("paste_too_long", lang, count=self.count, most=self.most)


class TypedLine:
    """Mixed in before an ``Input``: of several lines that are pasted none is lost, and nothing moves the cursor."""

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the caret of the terminal stands, and with it the window of an input method."""
        line = cast("Input", self)
        # The library puts it one cell too far right at the end of the text.
        cells = cell_len(line.value[: line.cursor_position])
        return Offset(line.content_region.x + cells - round(line.scroll_offset.x), line.content_region.y)

    def _on_paste(self, event: events.Paste) -> None:
        # The library would keep the first line alone, and drop without a word what is too long.
        line = cast("Input", self)
        text = " ".join(part.strip() for part in pasted(event.text).split("\n") if part.strip())
        event.stop()
        event.prevent_default()
        start, end = sorted(line.selection)
        count = len(line.value) - (end - start) + len(text)
        if line.max_length and count > line.max_length:
            line.post_message(TooLong(count, line.max_length))
        elif text:
            line.replace(text, start, end)


def pasted(text: str) -> str:
    """Text from a clipboard, its lines parted by line feeds, blanks where a control character was."""
    return "\n".join(UNPRINTABLE.sub(" ", line) for line in text.splitlines())
