"""Finding what differs between two sets by comparing fingerprints of ranges (A. Meyer, Range-Based Set Reconciliation, 2023).

Whoever gets a message compares each range with its own; equal ones are done. A range that differs goes back cut
into smaller ones or, once few entries are left in it, listed; a listing is answered by what is held otherwise.
Nothing is remembered between two messages, so a line may break after any of them.

It ends: each answer cuts the lowest open range into smaller ones or settles it, and no range grows but the one at
the end that stands for all there was no room for. Which of the two asks first does not matter.
"""

from dataclasses import dataclass

from core.tally import END, START, Entry, SetIndex, Tally
from sync.reconcile_wire import (
    LISTED_MAX,
    MESSAGE_BYTES_MAX,
    Listing,
    MessageWriter,
    Part,
    Statement,
    Summary,
    decode_message,
    encode_message,
    fingerprint,
)

MESSAGE_BYTES_MIN = 4 * 1024
"""Room for any one range, cut or listed: with less an answer could fail to get on."""
PARTS_WIDE = 16
"""Into how many a range is cut while few differ: the fewest round trips."""
PARTS_NARROW = 4
"""And while many differ: the fewest bytes."""
WIDE_RANGES_MAX = 16


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry held otherwise by the neighbour; a digest of None: that side lacks it."""

    key: str
    mine: bytes | None
    theirs: bytes | None


@dataclass(frozen=True, slots=True)
class _OpenRange:
    low: str
    high: str
    count: int


def digest_of(index: SetIndex) -> bytes:
    """16 bytes for the whole set: two neighbours for whom they are equal have nothing to reconcile."""
    return fingerprint(index.count_and_sum(START, END))


def open_question(index: SetIndex, low: str = START) -> bytes:
    """The first message, a few hundred bytes, about everything from ``low`` on."""
    whole = _OpenRange(low, END, index.count_and_sum(low, END).count)
    return encode_message([_narrower(index, whole, PARTS_WIDE)])


def answer(
    index: SetIndex, message: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX
) -> tuple[bytes | None, tuple[Difference, ...]]:
    """The reply to a message, None if nothing is left to say, and the differences that this one shows.

    ``bytes_max`` (``MESSAGE_BYTES_MIN`` to ``MESSAGE_BYTES_MAX``) bounds the reply; what does not fit goes along
    as one range and is taken up in the next round; a difference inside that range may be shown again. Raises
    ``PeerError`` (``reconcile.malformed``, ``cbor.*``).
    """
    found: list[Difference] = []
    open_ranges: list[_OpenRange | Listing] = []
    for part in decode_message(message):
        if isinstance(part, Statement):
            found += _contradicted(index, part)
        elif isinstance(part, Listing):
            open_ranges.append(part)
        else:
            open_ranges += _differing(index, part)
    reply = MessageWriter(max(MESSAGE_BYTES_MIN, min(bytes_max, MESSAGE_BYTES_MAX)))
    parts = PARTS_WIDE if len(open_ranges) <= WIDE_RANGES_MAX else PARTS_NARROW
    for open_range in open_ranges:
        done_to = _reply_to(index, open_range, parts, reply, found)
        if done_to < open_range.high:
            reply.stop(_whole(index, done_to, open_ranges[-1].high))
            break
    return (encode_message(reply.parts) if reply.parts else None), tuple(found)


def _reply_to(
    index: SetIndex,
    open_range: _OpenRange | Listing,
    parts: int,
    reply: MessageWriter,
    found: list[Difference],
) -> str:
    """Answer one range as far as there is room; returns the bound that was reached."""
    if isinstance(open_range, _OpenRange):
        fits = reply.add(_narrower(index, open_range, parts))
        return open_range.high if fits else open_range.low
    differences, done_to = _compared(index, open_range, reply.rows)
    if differences:
        reply.add(Statement(tuple((difference.key, difference.mine) for difference in differences)))
    found += differences
    return done_to


def _narrower(index: SetIndex, part: _OpenRange, parts: int) -> Part:
    if part.count <= LISTED_MAX:
        return Listing(part.low, part.high, tuple(index.entries(part.low, part.high, LISTED_MAX)))
    cuts: list[tuple[str, bytes]] = []
    low = part.low
    for high in (*index.split(part.low, part.high, parts), part.high):
        cuts.append((high, fingerprint(index.count_and_sum(low, high))))
        low = high
    return Summary(part.low, tuple(cuts))


def _whole(index: SetIndex, low: str, high: str) -> Summary:
    return Summary(low, ((high, fingerprint(index.count_and_sum(low, high))),))


def _differing(index: SetIndex, summary: Summary) -> list[_OpenRange | Listing]:
    differing: list[_OpenRange | Listing] = []
    for low, high, mark in summary.ranges():
        mine: Tally = index.count_and_sum(low, high)
        if fingerprint(mine) != mark:
            differing.append(_OpenRange(low, high, mine.count))
    return differing


def _compared(index: SetIndex, listing: Listing, rows: int) -> tuple[list[Difference], str]:
    """Up to ``rows`` differences from a listing, and the bound below which there are no others."""
    # A neighbour that lost almost everything is told page by page: of so many entries more than ``rows`` must differ.
    held = index.entries(listing.low, listing.high, rows + len(listing.entries) + 1)
    mine, theirs = _by_key(held), _by_key(listing.entries)
    differences: list[Difference] = []
    for key in sorted({*mine, *theirs}):
        if mine.get(key) != theirs.get(key):
            if len(differences) == rows:
                return differences, key
            differences.append(Difference(key, mine.get(key), theirs.get(key)))
    return differences, listing.high


def _contradicted(index: SetIndex, statement: Statement) -> list[Difference]:
    found = []
    for key, theirs in statement.held:
        first = index.entries(key, END, 1)
        mine = first[0].digest if first and first[0].key == key else None
        if mine != theirs:
            found.append(Difference(key, mine, theirs))
    return found


def _by_key(entries: tuple[Entry, ...] | list[Entry]) -> dict[str, bytes]:
    return {entry.key: entry.digest for entry in entries}
