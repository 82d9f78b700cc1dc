"""What a set of entries comes to: a count and a sum that grow and shrink with it, whatever the order.

An entry is a key (1 to 32 printable ASCII characters, no blank) and the SHA-256 of what stands under it. The sum is
taken modulo 2^256 over a hash of key and digest together. A sum, not an exclusive or: what stands twice does not
cancel out, and no linear algebra finds a set that comes to a wanted value. It can be added up from parts, which a
hash of the whole list cannot.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

KEY_CHARS_MAX = 32
DIGEST_BYTES = 32
SUM_BYTES = 32
MODULUS = 1 << (8 * SUM_BYTES)
START = ""
"""The lower bound below every key."""
END = "\x7f"
"""The upper bound above every key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing compared: ``digest`` (32 bytes) binds all of its content."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """How many entries, and their sum modulo 2^256."""

    count: int = 0
    total: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, (self.total + other.total) % MODULUS)


class SetIndex(Protocol):
    """A set of entries in the order of their keys; a range takes ``low`` in and leaves ``high`` out."""

    def count_and_sum(self, low: str, high: str) -> Tally:
        """What the entries of a range come to."""

    def split(self, low: str, high: str, parts: int) -> list[str]:
        """At most ``parts - 1`` bounds within a range, ascending, that leave about as many entries between any two."""

    def entries(self, low: str, high: str, limit: int) -> list[Entry]:
        """The first ``limit`` entries of a range, ascending."""


def tally(entries: Iterable[Entry]) -> Tally:
    """What ``entries`` come to."""
    count = total = 0
    for entry in entries:
        count += 1
        total += weigh(entry.key, entry.digest)
    return Tally(count, total % MODULUS)


def weigh(key: str, digest: bytes) -> int:
    """What one entry adds to the sum: key and digest hashed together."""
    return int.from_bytes(sha256(key.encode() + b"\0" + digest).digest(), "big")


def separator(before: str, after: str) -> str:
    """The shortest bound with the key ``before`` below it and the key ``after`` not below it."""
    shared = shared_chars(before, after)
    return after[: shared + 1]


def shared_chars(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
