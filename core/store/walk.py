"""Looking through a table page by page for rows that have rotted: what a walk is given, and what it finds."""

from collections.abc import Callable
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


Naming = Callable[[sa.Connection, set[str]], dict[str, str]]
"""For ids of files, the case that names each."""


@dataclass(frozen=True, slots=True)
class Books:
    """What an office lets the node look through, in this order, and how it says whose a file is."""

    walks: tuple[Walk, ...]
    naming: Naming
