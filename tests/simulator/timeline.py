"""Virtual time: a heap of (time, sequence, event), and each node's own idea of the clock."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday, nine in the morning in China."""

Event = Callable[[], None]


@dataclass(slots=True)
class Timeline:
    """``now_s`` counts virtual seconds from ``START``; nothing happens but what was put on the heap."""

    now_s: float = 0.0
    events: int = 0
    stopped: bool = False
    """Somebody has seen enough: nothing more happens."""
    _heap: list[tuple[float, int, Event]] = field(default_factory=list)
    _sequence: int = 0

    def at(self, when_s: float, event: Event) -> None:
        """Let ``event`` happen at ``when_s``, or now if that has passed; equal times in the order of asking."""
        self._sequence += 1
        heapq.heappush(self._heap, (max(when_s, self.now_s), self._sequence, event))

    def after(self, delay_s: float, event: Event) -> None:
        self.at(self.now_s + delay_s, event)

    def run(self, until_s: float) -> None:
        """Everything up to ``until_s``; time then stands there."""
        while self._heap and self._heap[0][0] <= until_s and not self.stopped:
            self.now_s, _, event = heapq.heappop(self._heap)
            self.events += 1
            event()
        self.now_s = until_s


class NodeClock:
    """A node's :class:`core.clock.World`: its wall clock may be wrong, its monotonic time only runs slower or faster.

    Two readings within one event are the same instant: nothing may depend on time to tell two things apart.
    """

    def __init__(self, timeline: Timeline, seed: str) -> None:
        self._timeline = timeline
        self._random = random.Random(seed)
        self.offset = timedelta(milliseconds=self._random.randrange(-90_000, 90_000))
        self.slowness_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(milliseconds=round(self._timeline.now_s * 1000)) + self.offset

    def monotonic_s(self) -> float:
        return self._timeline.now_s + self.slowness_s

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def chance_state(self) -> object:
        """What :meth:`set_chance_state` takes, to live through the same again."""
        return self._random.getstate()

    def set_chance_state(self, state: object) -> None:
        self._random.setstate(state)  # type: ignore[arg-type]
