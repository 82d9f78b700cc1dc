"""The cases that this node and a neighbour both hold, as a set that the two can compare.

A village and its township share the cases of that origin, a township and its city those of the township's
division; confidential cases, which pass the township unread, belong to no share.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any

import sqlalchemy as sa

from core.identifiers import NodeId, Tier, device_of, division_of, tier_of
from core.store.casebook import CASE
from core.store.prepared import Prepared, put
from core.store.summary import BUCKET_CHARS, CASE_SUMMARY
from core.tally import DIGEST_BYTES, END, MODULUS, SUM_BYTES, Entry, Tally, separator, tally, weigh

MONTHS_KEPT_MAX = 32
PREFIX_CHARS = 9
"""Of a division's 12 digits, those that a township and its villages have in common."""


def share_of(me: NodeId, peer: NodeId) -> str:
    """What the keys of all cases shared by two neighbours begin with."""
    below = max(me, peer, key=lambda node: list(Tier).index(tier_of(division_of(node))))
    if tier_of(division_of(below)) is Tier.TOWNSHIP and device_of(below) == 1:
        return below[:PREFIX_CHARS]
    return f"{division_of(below)}{device_of(below)}"


@dataclass(frozen=True, slots=True)
class _Month:
    """The keys of a bucket, and the sums of those below each."""

    keys: list[str]
    sums: list[int]

    def below(self, bound: str) -> Tally:
        count = bisect_left(self.keys, bound)
        return Tally(count, self.sums[count] % MODULUS)


_INSIDE = sa.and_(CASE.c.entry >= sa.bindparam("low"), CASE.c.entry < sa.bindparam("high"))
_COUNT = Prepared(sa.select(sa.func.count(CASE.c.entry)).where(_INSIDE))
_ENTRIES = Prepared(
    sa.select(CASE.c.entry, CASE.c.digest)
    .where(_INSIDE)
    .order_by(CASE.c.entry)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_SUMMARY = Prepared(
    sa.select(CASE_SUMMARY)
    .where(CASE_SUMMARY.c.bucket >= sa.bindparam("low"), CASE_SUMMARY.c.bucket < sa.bindparam("high"))
    .order_by(CASE_SUMMARY.c.bucket)
)
EVERY = (1 << 31) - 1


class ShareIndex:
    """A share as it stands in the caller's transaction; counts again what was written since the last time.

    A range costs the two months at its ends, read from an index; the months between come from the summary.
    """

    def __init__(self, tx: sa.Connection, share: str) -> None:
        self._tx = tx
        self._first, self._end = share, after(share)
        months = self._summary()
        if stale := [month.bucket for month in months if month.cases is None]:
            self._recount(stale)
            months = self._summary()
        if sum(month.cases for month in months) != _COUNT.scalar(tx, low=self._first, high=self._end):
            self._recount(self._miscounted(months))
            months = self._summary()
        rows = [month for month in months if month.cases > 0]
        self._buckets = [row.bucket for row in rows]
        tallies = (Tally(row.cases, int.from_bytes(row.total, "big")) for row in rows)
        self._below = list(accumulate(tallies, initial=Tally()))
        self._months: dict[str, _Month] = {}

    def count_and_sum(self, low: str, high: str) -> Tally:
        low, high = self._inside(low), self._inside(high)
        if not low < high:
            return Tally()
        upto, before = self._below_bound(high), self._below_bound(low)
        return Tally(upto.count - before.count, (upto.total - before.total) % MODULUS)

    def split(self, low: str, high: str, parts: int) -> list[str]:
        first = self._below_bound(self._inside(low)).count
        count = self.count_and_sum(low, high).count
        ranks = {first + count * part // parts for part in range(1, parts)} - {first}
        return [self._bound_at(rank) for rank in sorted(ranks)]

    def entries(self, low: str, high: str, limit: int) -> list[Entry]:
        return list(self._rows(self._inside(low), self._inside(high), limit))

    def _summary(self) -> Sequence[Any]:
        return _SUMMARY.all(self._tx, low=self._first, high=self._end)

    def _miscounted(self, months: Sequence[Any]) -> list[str]:
        """Months whose number of rows is not what was counted: somebody changed the table by hand."""
        where = (CASE.c.entry >= self._first) & (CASE.c.entry < self._end)
        bucket = sa.func.substr(CASE.c.entry, 1, BUCKET_CHARS)
        query = sa.select(bucket, sa.func.count()).where(where).group_by(bucket)
        held = {str(name): int(count) for name, count in self._tx.execute(query)}
        known = {month.bucket: month.cases for month in months}
        return [name for name in sorted({*held, *known}) if held.get(name, 0) != known.get(name)]

    def _recount(self, buckets: list[str]) -> None:
        for bucket in buckets:
            held = tally(self._rows(bucket, after(bucket)))
            total = held.total.to_bytes(SUM_BYTES, "big")
            put(self._tx, CASE_SUMMARY, {"bucket": bucket}, cases=held.count, total=total)

    def _below_bound(self, bound: str) -> Tally:
        """What all entries below ``bound`` come to."""
        at = bisect_left(self._buckets, bound)
        if not at or not bound.startswith(self._buckets[at - 1]):
            return self._below[at]
        return self._below[at - 1] + self._month(at - 1).below(bound)

    def _bound_at(self, rank: int) -> str:
        """A bound with ``rank`` entries below it."""
        at = bisect_right(self._below, rank, key=lambda below: below.count) - 1
        offset = rank - self._below[at].count
        if offset == 0:
            return separator(self._buckets[at - 1], self._buckets[at])
        keys = self._month(at).keys
        return separator(keys[offset - 1], keys[offset])

    def _month(self, at: int) -> "_Month":
        """The entries of one bucket; questions come in ascending order, so few need to be kept."""
        bucket = self._buckets[at]
        if bucket not in self._months:
            while len(self._months) >= MONTHS_KEPT_MAX:
                del self._months[next(iter(self._months))]
            rows = list(self._rows(bucket, after(bucket)))
            sums = accumulate((weigh(row.key, row.digest) for row in rows), initial=0)
            self._months[bucket] = _Month([row.key for row in rows], list(sums))
        return self._months[bucket]

    def _rows(self, low: str, high: str, limit: int | None = None) -> Iterator[Entry]:
        most = EVERY if limit is None else limit
        for key, digest in _ENTRIES.pages(self._tx, low=low, high=high, most=most):
            yield Entry(str(key), _digest(digest))

    def _inside(self, bound: str) -> str:
        return min(max(_digits(bound), self._first), self._end)


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    # A damaged column is another digest, not the end of every contact.
    return digest if len(digest) == DIGEST_BYTES else sha256(text.encode()).digest()


def after(prefix: str) -> str:
    """The bound above every key that begins with these digits."""
    return str(int(prefix) + 1).zfill(len(prefix))


def _digits(bound: str) -> str:
    """The bound of digits alone that parts keys of digits as ``bound`` does: no collation then disagrees."""
    length = next((at for at, char in enumerate(bound) if not "0" <= char <= "9"), len(bound))
    if length == len(bound) or bound[length] < "0":
        return bound[:length]
    kept = bound[:length].rstrip("9")
    return after(kept) if kept else END
