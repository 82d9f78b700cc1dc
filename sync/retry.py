"""When to try again, when to give a connection up, and how much to carry. Pure rules."""

from dataclasses import dataclass
from enum import Enum

BUDGET_BYTES_MIN = 8 * 1024
BUDGET_BYTES_START = 64 * 1024
BUDGET_BYTES_MAX = 4 * 1024 * 1024
RETRY_DELAY_S_MIN = 2.0
RETRY_DELAY_S_MAX = 300.0
GOOD_CONTACT_S = 180.0
"""A contact that took less than this may carry twice as much the next time: each ends with an idle round trip."""
LONG_CONTACT_S = 360.0
"""A contact that took longer than this carries half as much the next time: receipts should not be that late."""
SILENT_S = 2.5
"""After so long without a sign of life a fresh connection is tried beside the old one."""
SILENT_S_MAX = 120
CONNECT_S_MAX = 10.0
_PROBES: tuple[tuple[float, float], ...] = ((60.0, 0.25), (600.0, 1.0), (float("inf"), 3.0))
"""Until a line has been silent for so long, it is tried so often."""
KNOCK_S = 1.5
_KNOCKS: tuple[tuple[float, float], ...] = ((60.0, 0.1), (float("inf"), 1.0))
REACH_S = 2.0
"""How long the line is tried before the caller looks whether it should stop."""
QUEUE_S_MIN = 0.1
"""Less than this is jitter."""
RATE_RISE, RATE_FALL = 1 / 8, 1 / 64
"""A connection that goes on after a cut, or has just begun, tells less than the line can do for a while."""
PACE_FULL, PACE_FREE = 1.0, 1.25
TRIES_AT_ONCE = 3
LINE_DELAY_S_MAX = 30.0


class Verdict(Enum):
    """What to do with a connection that does not answer."""

    WAIT = "wait"
    PROBE = "wait, and try a fresh connection beside it"
    BREAK = "give it up"


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known of a connection on which an operation waits.

    ``silent_s``: since the other end's kernel was last heard. ``still_s``: time in which it was heard, yet nothing
    moved. ``is_back``: a fresh connection to the same neighbour was answered or the neighbour knocked, while this one
    stayed silent.
    """

    silent_s: float
    still_s: float
    is_back: bool


def judge_silence(silence: Silence, patience_s: float) -> Verdict:
    """Whether to wait on. A cut line costs nothing to wait for; a dead connection on a live line does.

    ``patience_s`` bounds how long a neighbour that is heard may leave everything as it is.
    """
    if silence.still_s > patience_s or silence.silent_s > SILENT_S_MAX:
        return Verdict.BREAK
    if silence.silent_s < SILENT_S:
        return Verdict.WAIT
    return Verdict.BREAK if silence.is_back else Verdict.PROBE


def knock_after_s(silent_s: float) -> float:
    """How long to wait before a caller, silent for ``silent_s`` in the middle of a request, is knocked at (again).

    It costs forty bytes and is heard half a round trip sooner than the answer to whatever the caller tries itself.
    """
    if silent_s < KNOCK_S:
        return KNOCK_S - silent_s
    return next(every_s for until_s, every_s in _KNOCKS if silent_s < until_s)


def probe_every_s(silent_s: float) -> float:
    """Seconds between two tries of a line that has been silent for ``silent_s``; each costs sixty bytes."""
    return next(every_s for until_s, every_s in _PROBES if silent_s < until_s)


@dataclass(frozen=True, slots=True)
class Flow:
    """What the system knows of a connection: how fast it delivered last, its round trip now and at its shortest."""

    bytes_s: float
    round_trip_s: float
    shortest_s: float

    @property
    def queues(self) -> bool:
        """Whether packets wait somewhere on the way, so that the rate is the line's own and not the sender's."""
        # A shortest of nothing is not known.
        return 0 < self.shortest_s < self.round_trip_s - max(QUEUE_S_MIN, self.shortest_s / 2)


def line_bytes_s(known: float, flow: Flow) -> float:
    """What the line delivers when it is full, smoothed; 0 while it never was. ``known``: the same before ``flow``."""
    if not known:
        return flow.bytes_s if flow.queues else 0.0
    if flow.bytes_s > known:
        return known + (flow.bytes_s - known) * RATE_RISE
    return known - (known - flow.bytes_s) * RATE_FALL if flow.queues else known


def pace_bytes_s(full_bytes_s: float, flow: Flow) -> float:
    """How fast to send at most over a line that delivers ``full_bytes_s`` when it is full.

    What waits in a queue when the line is cut is lost, and what is lost before it is missed for as long as the queue
    is. Where nothing queues, the line may have become faster.
    """
    return full_bytes_s * (PACE_FULL if flow.queues else PACE_FREE)


def retry_delay_s(failures: int, chance: bytes, *, usual_s: float) -> float:
    """Seconds to wait after ``failures`` failed contacts in a row; ``chance`` is at least two random bytes.

    Without failures the usual rhythm holds. Full jitter over the upper half keeps a township's villages from
    calling at the same instant when the line returns.
    """
    if failures <= 0:
        return usual_s
    ceiling: float = min(RETRY_DELAY_S_MAX, RETRY_DELAY_S_MIN * 2 ** min(failures - 1, 10))
    share = int.from_bytes(chance[:2], "big") / 0xFFFF
    return ceiling / 2 + share * ceiling / 2


def line_delay_s(failures: int, chance: bytes) -> float:
    """Seconds to wait once a line answers again after ``failures`` contacts that brought nothing; see above.

    None at first: a line that answers may be cut again in seconds. Later some: what answers may be no neighbour.
    """
    if failures <= TRIES_AT_ONCE:
        return 0.0
    return min(LINE_DELAY_S_MAX, retry_delay_s(failures - TRIES_AT_ONCE, chance, usual_s=0.0))


def next_budget_bytes(budget: int, *, took_s: float, filled: bool, failed: bool) -> int:
    """The byte budget of the next contact: halved when one failed or took very long, doubled when a full one was quick."""
    if failed or took_s > LONG_CONTACT_S:
        return max(BUDGET_BYTES_MIN, budget // 2)
    if filled and took_s < GOOD_CONTACT_S:
        return min(BUDGET_BYTES_MAX, budget * 2)
    return budget
