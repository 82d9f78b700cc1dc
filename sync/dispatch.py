"""Which handler a message type has here. A handler works inside the transaction that registers the effect."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from core.errors import StateError
from sync.packing import Message
from sync.stream_id import StreamId

SCHEMAS_BACK = 2
"""A node takes the current schema of a type and this many before it."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified message on its way into effect, with where it stood."""

    message: Message
    stream: StreamId
    seq: int


Handler = Callable[[sa.Connection, Incoming], None]
"""Brings one message into effect. Raises ``LiandongError`` if it cannot, having changed nothing."""


class Dispatch:
    """Handlers by message type; each type with its newest known schema."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, int]] = {}
        self._of_carrier: set[str] = set()

    def on(self, type_: str, handler: Handler, *, schema: int = 1, of_carrier: bool = False) -> None:
        """Let ``handler`` take messages of ``type_`` up to ``schema``.

        ``of_carrier``: it speaks of the carrying itself, so it has no effect when its own author gets it back.
        """
        if type_ in self._handlers:
            raise ValueError(f"{type_} has a handler already")
        self._handlers[type_] = handler, schema
        if of_carrier:
            self._of_carrier.add(type_)

    def forget(self, type_: str) -> None:
        """No longer take messages of ``type_``: they wait in quarantine."""
        self._handlers.pop(type_, None)

    def is_of_carrier(self, type_: str) -> bool:
        return type_ in self._of_carrier

    def knows(self, type_: str, schema: int) -> bool:
        """Whether a message of this type and schema can be handled here."""
        found = self._handlers.get(type_)
        return found is not None and _supports(found[1], schema)

    def handle(self, tx: sa.Connection, incoming: Incoming) -> None:
        """Raises ``StateError`` (``message.unknown_type``, ``message.schema``): held until this node is upgraded."""
        message = incoming.message
        found = self._handlers.get(message.type)
        if found is None:
            raise StateError(
                "message.unknown_type",
                zh=f"本节点还不认识“{message.type}”类消息，已保留。升级程序后会自动处理。",
                en=f"This node does not know messages of type {message.type} yet; it is kept and applied after an upgrade.",
            )
        handler, newest = found
        if not _supports(newest, message.schema):
            raise StateError(
                "message.schema",
                zh=f"“{message.type}”消息的格式版本 {message.schema} 本节点不支持（支持到 {newest}），已保留。请升级程序。",
                en=f"Schema {message.schema} of {message.type} is not supported here (newest: {newest}); it is kept. "
                "Upgrade this program.",
            )
        handler(tx, incoming)


def _supports(newest: int, schema: int) -> bool:
    return max(1, newest - SCHEMAS_BACK) <= schema <= newest
