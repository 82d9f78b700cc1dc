"""Keys that come faster than the focus moves (a card reader types a number and Enter) reach the field they are meant for."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events

if TYPE_CHECKING:
    from textual.widget import Widget


class TypedAhead:
    """Mixed in before a widget: Enter moves on at once, and keys queued behind it follow to the next field."""

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
