"""Looking through a table page by page for rows that have rotted: what a walk is given, and what it finds."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

Source = Callable[[sa.Connection, str], bytes | None]
"""The body of a message by its id, read again from where it came, or None if it cannot be had."""


@dataclass(frozen=True, slots=True)
class Rot:
    """A row that is not what was written. ``mended`` where a truth existed and was written in its place."""

    kind: str
    key: str
    subject: str
    zh: str
    en: str
    mended: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a walk: where to go on (None at the end), how many rows were looked at, what was found."""

    after: str | None
    checked: int
    rot: tuple[Rot, ...] = ()


class Walk(Protocol):
    """One table that has digests beside its rows."""

    @property
    def name(self) -> str: ...

    def page(self, tx: sa.Connection, after: str, limit: int, source: Source) -> Page:
        """Look at up to ``limit`` rows after ``after`` (empty: from the first), mending what can be mended."""


class Care(Protocol):
    """What a node does for the reader of a row that has rotted."""

    def note_rot(self, tx: sa.Connection, rot: Rot) -> None:
        """Enter what was met into the register of damage."""

    def body_again(self, tx: sa.Connection, message_id: str) -> bytes | None:
        """A :data:`Source`; whoever asks compares what it gives with the digest."""

    def apart(self) -> AbstractContextManager[sa.Connection]:
        """A writer's unit of work of its own, for one who only reads."""


Naming = Callable[[sa.Connection, set[str]], dict[str, str]]
"""For ids of files, the case that names each."""
Kept = Callable[[sa.Connection, str], bytes | None]
"""What the office holds of a message of this node's own, by its id."""


@dataclass(frozen=True, slots=True)
class Books:
    """What an office lets the node look through, in this order, and how it says whose a file is."""

    walks: tuple[Walk, ...]
    naming: Naming
    kept: Kept
