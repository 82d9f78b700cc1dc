"""What is on the screen is on the disk: an editor tells of a change in the same breath, before any of it can be painted."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget


class ToldAtOnce:
    """Mixed in before an editor. Messages wait their turn, and the page may be painted before it comes."""

    CHANGED: ClassVar[type[Message]]
    """The message by which the editor says that its value is another one."""
    told: Callable[[], None] | None = None
    """What is to be done about it."""

    def post_message(self, message: Message) -> bool:
        is_change = isinstance(message, self.CHANGED) and cast("Widget", self).check_message_enabled(message)
        sent: bool = super().post_message(message)  # type: ignore[misc]
        if is_change and self.told is not None:
            self.told()
        return sent
