"""The bytes of a reconciliation message: ranges with fingerprints, listings of small ranges, and answers to listings.

Canonical CBOR. Every bound and key is written as the number of characters it shares with the one before it in the
message and the rest. What is read is written again and compared, so that one message has one spelling.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from core.errors import PeerError
from core.tally import DIGEST_BYTES, END, KEY_CHARS_MAX, START, SUM_BYTES, Entry, Tally, shared_chars
from sync import cose

VERSION = 1
MESSAGE_BYTES_MAX = 64 * 1024
MESSAGE_ITEMS_MAX = 16 * 1024
"""CBOR items; a fingerprint with its bound takes three in at least 20 bytes."""
FINGERPRINT_BYTES = 16
LISTED_MAX = 8
"""Entries that a listing may name; to list more costs more bytes than to cut once more."""
SUMMARY, LISTING, STATEMENT = 0, 1, 2
_TEXT_BYTES_MAX = 2 + 2 + KEY_CHARS_MAX
_ROW_BYTES_MAX = _TEXT_BYTES_MAX + 2 + DIGEST_BYTES
_HEAD_BYTES_MAX = 6
_REST_BYTES_MAX = _HEAD_BYTES_MAX + 2 * _TEXT_BYTES_MAX + 1 + FINGERPRINT_BYTES
_BOUND = re.compile(rf"[!-~]{{0,{KEY_CHARS_MAX}}}|{END}")
_KEY = re.compile(rf"[!-~]{{1,{KEY_CHARS_MAX}}}")


@dataclass(frozen=True, slots=True)
class Summary:
    """My entries from ``low`` on, cut at the bounds ``cuts`` (ascending, not empty), each part with its fingerprint."""

    low: str
    cuts: tuple[tuple[str, bytes], ...]

    @property
    def high(self) -> str:
        return self.cuts[-1][0]

    def ranges(self) -> Iterator[tuple[str, str, bytes]]:
        """Lower bound, upper bound, fingerprint of each part."""
        low = self.low
        for high, fingerprint in self.cuts:
            yield low, high, fingerprint
            low = high


@dataclass(frozen=True, slots=True)
class Listing:
    """All my entries of a range, at most ``LISTED_MAX``; asks for a statement."""

    low: str
    high: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """What I hold under keys in which a listing differs from mine: a digest, or None for nothing."""

    held: tuple[tuple[str, bytes | None], ...]

    @property
    def low(self) -> str:
        return self.held[0][0]

    @property
    def high(self) -> str:
        return self.held[-1][0]


Part = Summary | Listing | Statement


def fingerprint(held: Tally) -> bytes:
    """16 bytes for a range: the hash of count and sum, cut.

    Hashed, because the parts of a bare sum would tell more than whether they are equal, and cut, because a chance
    of 2^-128 is small beside that of a disk that lies. A neighbour that can choose entries might, with some 2^40
    of them, build two sets of one sum; it would hide its own entries only, and those are signed for elsewhere.
    """
    value = b"liandong range" + held.count.to_bytes(8, "big") + held.total.to_bytes(SUM_BYTES, "big")
    return sha256(value).digest()[:FINGERPRINT_BYTES]


def encode_message(parts: list[Part]) -> bytes:
    """The bytes of ``parts``, which stand in ascending order and do not overlap."""
    text = _Shortened()
    return cose.encode([VERSION, *(_encode_part(part, text) for part in parts)])


class MessageWriter:
    """Collects parts up to a size, with room kept for one summary that says where it had to stop."""

    def __init__(self, bytes_max: int) -> None:
        self._room = bytes_max - _HEAD_BYTES_MAX - _REST_BYTES_MAX
        self._text = _Shortened()
        self.parts: list[Part] = []

    @property
    def rows(self) -> int:
        """Keys that a statement may name here."""
        return max(0, (self._room - _HEAD_BYTES_MAX) // _ROW_BYTES_MAX)

    def add(self, part: Part) -> bool:
        """Take ``part`` in; false if there is no room for it."""
        before = self._text.last
        size = len(cose.encode(_encode_part(part, self._text)))
        if size > self._room:
            self._text.last = before
            return False
        self._room -= size
        self.parts.append(part)
        return True

    def stop(self, rest: Summary) -> None:
        """Close with a summary of one range: what there was no room to answer."""
        self.parts.append(rest)


def decode_message(data: bytes) -> list[Part]:
    """The parts of a message, ascending and without overlap. Raises ``PeerError`` (``reconcile.malformed``, ``cbor.*``)."""
    value = cose.decode(data, bytes_max=MESSAGE_BYTES_MAX, items_max=MESSAGE_ITEMS_MAX)
    if not isinstance(value, list) or not value or value[0] != VERSION:
        raise _malformed("版本", "version")
    text = _Restored()
    parts: list[Part] = [_decode_part(item, text) for item in value[1:]]
    if not parts:
        raise _malformed("内容为空", "nothing in it")
    _require_order(parts)
    # Two spellings of a bound would be two messages of one meaning.
    if encode_message(parts) != data:
        raise _malformed("界限的另一种写法", "another spelling of a bound")
    return parts


class _Shortened:
    """Writes texts by what they share with the one before."""

    def __init__(self) -> None:
        self.last = START

    def __call__(self, text: str) -> tuple[int, str]:
        shared = shared_chars(self.last, text)
        self.last = text
        return shared, text[shared:]


class _Restored:
    """Reads what :class:`_Shortened` wrote."""

    def __init__(self) -> None:
        self._last = START

    def __call__(self, shared: Any, rest: Any, form: re.Pattern[str]) -> str:
        if type(shared) is not int or not 0 <= shared <= len(self._last) or not isinstance(rest, str):
            raise _malformed("界限", "a bound")
        text = self._last[:shared] + rest
        if not form.fullmatch(text):
            raise _malformed("界限或编号含有不允许的字符", "a bound or key that is none")
        self._last = text
        return text


def _encode_part(part: Part, text: _Shortened) -> list[Any]:
    if isinstance(part, Summary):
        value = [SUMMARY, *text(part.low)]
        for bound, mark in part.cuts:
            value += [*text(bound), mark]
    elif isinstance(part, Listing):
        value = [LISTING, *text(part.low), *text(part.high)]
        for entry in part.entries:
            value += [*text(entry.key), entry.digest]
    else:
        value = [STATEMENT]
        for key, digest in part.held:
            value += [*text(key), digest]
    return value


def _decode_part(item: Any, text: _Restored) -> Part:
    if not isinstance(item, list) or not item or type(item[0]) is not int:
        raise _malformed("段落", "a part")
    kind, fields = item[0], item[1:]
    head = {SUMMARY: 2, LISTING: 4, STATEMENT: 0}.get(kind)
    if head is None or len(fields) < head or (len(fields) - head) % 3:
        raise _malformed("段落的字段数", "the fields of a part")
    bounds = [text(fields[at], fields[at + 1], _BOUND) for at in range(0, head, 2)]
    rows = [
        (text(fields[at], fields[at + 1], _BOUND if kind == SUMMARY else _KEY), fields[at + 2])
        for at in range(head, len(fields), 3)
    ]
    if kind == SUMMARY:
        return _summary(bounds[0], rows)
    if kind == LISTING:
        return _listing(bounds[0], bounds[1], rows)
    return _statement(rows)


def _summary(low: str, rows: list[tuple[str, Any]]) -> Summary:
    if not rows or not _ascending([low, *(bound for bound, _ in rows)]):
        raise _malformed("区间次序", "the order of ranges")
    if not all(isinstance(mark, bytes) and len(mark) == FINGERPRINT_BYTES for _, mark in rows):
        raise _malformed("指纹", "a fingerprint")
    return Summary(low, tuple(rows))


def _listing(low: str, high: str, rows: list[tuple[str, Any]]) -> Listing:
    keys = [key for key, _ in rows]
    if len(rows) > LISTED_MAX or not low < high or not _ascending(keys):
        raise _malformed("清单的次序或数目", "the order or number of what is listed")
    if keys and not low <= keys[0] <= keys[-1] < high:
        raise _malformed("清单超出区间", "an entry listed outside its range")
    if not all(_is_digest(digest) for _, digest in rows):
        raise _malformed("摘要", "a digest")
    return Listing(low, high, tuple(Entry(key, digest) for key, digest in rows))


def _statement(rows: list[tuple[str, Any]]) -> Statement:
    if not rows or not _ascending([key for key, _ in rows]):
        raise _malformed("答复的次序", "the order of what is stated")
    if not all(digest is None or _is_digest(digest) for _, digest in rows):
        raise _malformed("摘要", "a digest")
    return Statement(tuple(rows))


def _is_digest(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == DIGEST_BYTES


def _ascending(texts: list[str]) -> bool:
    return all(one < other for one, other in pairwise(texts))


def _require_order(parts: list[Part]) -> None:
    """No key may be asked about twice: that bounds the work of an answer by the length of the message."""
    for part, following in pairwise(parts):
        is_after = part.high < following.low if isinstance(part, Statement) else part.high <= following.low
        if not is_after:
            raise _malformed("段落次序", "the order of parts")


def _malformed(zh: str, en: str) -> PeerError:
    return PeerError(
        "reconcile.malformed",
        zh=f"对账消息格式不对（{zh}），未采用，其余照常。请核对双方软件版本。",
        en=f"The reconciliation message is malformed ({en}); it was not used, the rest was. Compare the software "
        "versions.",
    )
