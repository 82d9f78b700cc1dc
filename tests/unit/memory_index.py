"""A set of entries in memory behind the port that a node's database serves."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate

from core.tally import MODULUS, Entry, Tally, separator, tally


class MemoryIndex:
    """Sums of every prefix are kept, so that any range costs two look-ups."""

    def __init__(self, held: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        self._hold([Entry(key, digest) for key, digest in sorted(dict(held).items())])

    def _hold(self, entries: list[Entry], weights: list[int] | None = None) -> None:
        self.all = entries
        self.keys = [entry.key for entry in entries]
        self._weights = [tally([entry]).total for entry in entries] if weights is None else weights
        self.sums = list(accumulate(self._weights, initial=0))

    def without(self, key: str, *instead: bytes) -> "MemoryIndex":
        """The same entries but for one, or with another digest ``instead``: no other is weighed again."""
        place = self.keys.index(key)
        entries = [Entry(key, digest) for digest in instead]
        other = MemoryIndex.__new__(MemoryIndex)
        other._hold(
            [*self.all[:place], *entries, *self.all[place + 1 :]],
            [
                *self._weights[:place],
                *(tally([entry]).total for entry in entries),
                *self._weights[place + 1 :],
            ],
        )
        return other

    def count_and_sum(self, low: str, high: str) -> Tally:
        first, last = self._places(low, high)
        return Tally(last - first, (self.sums[last] - self.sums[first]) % MODULUS)

    def split(self, low: str, high: str, parts: int) -> list[str]:
        first, last = self._places(low, high)
        places = {first + (last - first) * part // parts for part in range(1, parts)} - {first}
        return [separator(self.keys[place - 1], self.keys[place]) for place in sorted(places)]

    def entries(self, low: str, high: str, limit: int) -> list[Entry]:
        first, last = self._places(low, high)
        return self.all[first : min(last, first + limit)]

    def _places(self, low: str, high: str) -> tuple[int, int]:
        first = bisect_left(self.keys, low)
        return first, max(first, bisect_left(self.keys, high))
