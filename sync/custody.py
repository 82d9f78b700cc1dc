"""Whose turn it is to hold an envelope: routes, ranges and bitmaps. Pure rules."""

from collections.abc import Iterable, Sequence

from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from sync.stream_id import EVERYONE

RANGES_MAX = 64
"""Ranges a receipt may name; what came beyond them is simply offered again."""

Range = tuple[int, int]
"""First and last sequence number, both held."""


def next_hops(
    me: NodeId, readers: Sequence[str], *, origin: NodeId, children: Iterable[NodeId]
) -> frozenset[NodeId]:
    """The neighbours to whom ``me`` must hand an envelope of ``origin`` for ``readers``.

    A parent is reached upward, a descendant through the child above it. An envelope never goes back to the
    neighbour it must have come from.
    """
    me_division = division_of(me)
    came_by = towards(me, origin) if origin != me else None
    if tuple(readers) == (EVERYONE,):
        hops = set(children) if tier_of(me_division) is not Tier.VILLAGE else set()
    else:
        hops = {towards(me, NodeId(reader)) for reader in readers if reader != me}
    return frozenset(hops - {came_by, me})


def towards(me: NodeId, target: NodeId) -> NodeId:
    """The neighbour of ``me`` by whom the way to ``target``, another node, begins."""
    mine, theirs = division_of(me), division_of(target)
    if tier_of(mine) is Tier.CITY:
        return NodeId(parent_of(theirs)) if tier_of(theirs) is Tier.VILLAGE else target
    if tier_of(mine) is Tier.TOWNSHIP and tier_of(theirs) is Tier.VILLAGE and parent_of(theirs) == mine:
        return target
    return NodeId(parent_of(mine))


def contiguous(upto: int, held: Iterable[int]) -> tuple[int, tuple[Range, ...]]:
    """The new contiguous head above ``upto`` and the ranges beyond it, lowest first, at most ``RANGES_MAX``."""
    ranges: list[Range] = []
    for number in sorted(set(held)):
        if number <= upto:
            continue
        if number == upto + 1:
            upto = number
        elif ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return upto, tuple(ranges[:RANGES_MAX])


def closed_up(upto: int, ranges: Iterable[Range]) -> tuple[int, tuple[Range, ...]]:
    """``upto`` moved over the ranges that now join it, and the ranges that lie beyond a gap still."""
    beyond: list[Range] = []
    for first, last in sorted(ranges):
        if first <= upto + 1:
            upto = max(upto, last)
        else:
            beyond.append((first, last))
    return upto, tuple(beyond)


def covers(upto: int, ranges: Iterable[Range], number: int) -> bool:
    """Whether a receipt for ``upto`` and ``ranges`` signs for ``number``."""
    return number <= upto or any(first <= number <= last for first, last in ranges)


def empty_bitmap(count: int) -> bytes:
    """A bitmap of ``count`` chunks of which none is held."""
    return bytes((count + 7) // 8)


def with_bit(bitmap: bytes, index: int) -> bytes:
    """``bitmap`` with chunk ``index`` held."""
    changed = bytearray(bitmap)
    changed[index // 8] |= 1 << (index % 8)
    return bytes(changed)


def without_bit(bitmap: bytes, index: int) -> bytes:
    """``bitmap`` with chunk ``index`` not held."""
    changed = bytearray(bitmap)
    changed[index // 8] &= ~(1 << (index % 8)) & 0xFF
    return bytes(changed)


def has_bit(bitmap: bytes, index: int) -> bool:
    return index // 8 < len(bitmap) and bool(bitmap[index // 8] >> (index % 8) & 1)


def missing_bits(bitmap: bytes, count: int) -> list[int]:
    """Chunk numbers below ``count`` that are not held, lowest first."""
    return [index for index in range(count) if not has_bit(bitmap, index)]
