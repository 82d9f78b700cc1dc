"""What a tier hands its carrier so that two neighbours can compare what both hold."""

from collections.abc import Iterable
from typing import Protocol

import sqlalchemy as sa

from core.identifiers import NodeId
from core.tally import SetIndex


class Shares(Protocol):
    """What this node holds in common with a neighbour, and how one piece of it is made anew."""

    def index(self, tx: sa.Connection, peer: NodeId) -> SetIndex:
        """The entries that this node and ``peer`` should both hold."""

    def subject_of(self, peer: NodeId, key: str) -> str | None:
        """The subject of the messages that make an entry shared with ``peer``, None for a key that is none."""

    def key_of(self, tx: sa.Connection, subject: str) -> str | None:
        """The key of an entry that is here."""

    def examine(self, tx: sa.Connection, peer: NodeId, limit: int) -> dict[str, bool]:
        """Of the next ``limit`` entries in turn: the subject, and whether it is what its messages make."""

    def is_sound(self, tx: sa.Connection, subject: str) -> bool:
        """Whether an entry is here and is what its messages make."""

    def rebuild(self, tx: sa.Connection, subject: str, messages: Iterable[tuple[NodeId, bytes]]) -> bool:
        """Make an entry anew from ``(author, body)`` of its messages; true if anything changed."""
