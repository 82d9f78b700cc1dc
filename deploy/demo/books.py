"""What one node's own book says, as plain values that its reader hands over and the judge compares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FileFacts:
    """An attachment as this node has it. ``sha256`` is of the decrypted bytes, empty while parts are missing."""

    name: str
    size: int
    have: int
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One case in a book; ``digest`` is the book's own (``case_file.digest``), ``steps`` are message types."""

    id: str
    item: str
    origin: str
    township: str
    state: str
    holder: str
    confidential: bool
    digest: str
    version: str
    steps: tuple[str, ...]
    bill_fen: int
    paid_fen: int
    is_withdrawal_asked: bool
    is_rated: bool
    notes: int
    files: tuple[FileFacts, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """Everything one node knows of cases; ``waiting`` says in words what arrived and is not in effect."""

    node: str
    entries: Mapping[str, Entry]
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A message this node authored: envelope ``seq`` of ``stream`` (0 while it is not sealed)."""

    id: str
    type: str
    case: str
    stream: str
    readers: tuple[str, ...]
    seq: int
    digest: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A receipt that lies in a node's cabinet; ``is_good`` tells whether the signature is the signer's own.

    ``envelope`` is what this node has at number ``upto``, to be held against the ``digest`` that was signed.
    """

    stream: str
    signer: str
    kind: str
    upto: int
    ranges: tuple[tuple[int, int], ...]
    digest: str
    envelope: str
    at: str
    is_good: bool

    def covers(self, seq: int) -> bool:
        return 0 < seq <= self.upto or any(low <= seq <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The papers of one node: what it said, and who signed for what."""

    node: str
    said: tuple[Said, ...]
    signed: tuple[Signed, ...]


def read_book(plain: dict[str, Any]) -> Book:
    """The book that a reader wrote as JSON."""
    entries = {entry["id"]: _entry(entry) for entry in plain["entries"]}
    return Book(plain["node"], entries, tuple(plain["waiting"]))


def read_cabinet(plain: dict[str, Any]) -> Cabinet:
    """The cabinet that a reader wrote as JSON."""
    said = tuple(Said(**{**one, "readers": tuple(one["readers"])}) for one in plain["said"])
    signed = tuple(
        Signed(**{**one, "ranges": tuple((low, high) for low, high in one["ranges"])})
        for one in plain["signed"]
    )
    return Cabinet(plain["node"], said, signed)


def _entry(plain: dict[str, Any]) -> Entry:
    files = tuple(FileFacts(**one) for one in plain["files"])
    return Entry(**{**plain, "steps": tuple(plain["steps"]), "files": files})
