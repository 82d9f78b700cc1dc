"""The reconciliation sheet's rules (对账): three books of one day compared, each difference with its cause and remedies.

A book is what a node itself says it holds. The city believes nobody's count but each one's own: the village's, signed
by the village, the township's, signed by the township, and what it holds itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from core.clock import CHINA
from core.identifiers import CaseId
from core.states import CLOSED, DECIDED, State


class Side(StrEnum):
    """Whose book."""

    VILLAGE = "village"
    TOWNSHIP = "township"
    CITY = "city"


class Word(StrEnum):
    """What a book says of one case."""

    HAS = "has"
    LACKS = "lacks"
    HAD = "had"
    """It once said so, and its disk has since been restored, copied or replaced."""
    OLD = "old"
    """Its last report is older than the passage of this case, and tells nothing of it."""
    NONE = "none"
    """It has not reported at all."""
    EXEMPT = "exempt"
    """Not expected there: confidential cases at a township, what an upper tier registered itself."""


class Cause(StrEnum):
    """Why books differ, the gravest first."""

    CLONED = "cloned"
    QUARANTINED = "quarantined"
    HELD = "held"
    REWOUND = "rewound"
    LOST = "lost"
    CLOCK = "clock"
    UNKNOWN = "unknown"
    TRANSIT = "transit"
    UNPAID = "unpaid"


class Verdict(StrEnum):
    """What a line of the sheet may be called; ``LEVEL`` only where nothing else applies."""

    CLONED = "cloned"
    QUARANTINED = "quarantined"
    HELD = "held"
    REWOUND = "rewound"
    LOST = "lost"
    CLOCK = "clock"
    UNKNOWN = "unknown"
    TRANSIT = "transit"
    UNREPORTED = "unreported"
    UNPAID = "unpaid"
    ACCEPTED = "accepted"
    """Differences remain that a person has accepted, with the reason."""
    LEVEL = "level"
    ABSENT = "absent"
    """No node is enrolled there."""


class Remedy(StrEnum):
    """What may be done about a difference."""

    RESEND = "resend"
    RELEASE = "release"
    REPLACE = "replace"
    ACCEPT = "accept"


REMEDIES: Mapping[Cause, tuple[Remedy, ...]] = {
    Cause.CLONED: (Remedy.REPLACE, Remedy.RESEND, Remedy.ACCEPT),
    Cause.QUARANTINED: (Remedy.RELEASE, Remedy.RESEND, Remedy.ACCEPT),
    Cause.HELD: (Remedy.RESEND, Remedy.ACCEPT),
    Cause.REWOUND: (Remedy.RESEND, Remedy.REPLACE, Remedy.ACCEPT),
    Cause.LOST: (Remedy.RESEND, Remedy.REPLACE, Remedy.ACCEPT),
    Cause.CLOCK: (Remedy.RESEND, Remedy.ACCEPT),
    Cause.UNKNOWN: (Remedy.RESEND, Remedy.ACCEPT),
    Cause.TRANSIT: (Remedy.RESEND, Remedy.ACCEPT),
    Cause.UNPAID: (Remedy.ACCEPT,),
}

CLOCK_OFF_S = 300
"""A clock that is off by more puts cases on the wrong day around midnight, and limits on the wrong second."""


def is_clock_off(offset_s: int | None) -> bool:
    """Whether a clock is known to be wrong by more than ``CLOCK_OFF_S``."""
    return offset_s is not None and abs(offset_s) > CLOCK_OFF_S


@dataclass(frozen=True, slots=True)
class Teller:
    """What is known of the node behind a book.

    ``is_emptied``: by its own last report it owes nothing to the neighbour above. ``clock_offset_s``: its clock minus
    that of the neighbour above, none if never compared.
    """

    is_silent: bool = False
    is_recovering: bool = False
    is_emptied: bool = False
    clock_offset_s: int | None = None

    @property
    def is_clock_off(self) -> bool:
        return is_clock_off(self.clock_offset_s)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One case as the three books and the city's registers know it.

    ``is_forked``: two histories, a stream on hold, or two devices that speak as one; ``is_waiting``: here but not in
    effect. ``submitted_at`` is by its author's clock, ``arrived_at`` by the city's; none where it has not come.
    """

    case: CaseId
    day: date
    words: Mapping[Side, Word]
    is_forked: bool = False
    is_quarantined: bool = False
    is_waiting: bool = False
    submitted_at: datetime | None = None
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference: of one case, or of a node's whole day (``case`` empty)."""

    cause: Cause
    case: str
    words: Mapping[Side, Word]


Tellers = Mapping[Side, Teller]
Rule = Callable[[Sighting, Tellers], bool]
_NOBODY = Teller()


def _upwards(sighting: Sighting) -> list[Side]:
    """The sides of whom the case is expected, from below."""
    return [side for side in Side if sighting.words.get(side, Word.EXEMPT) is not Word.EXEMPT]


def _lacking(sighting: Sighting) -> list[Side]:
    return [side for side in _upwards(sighting) if sighting.words[side] in (Word.LACKS, Word.HAD)]


def _next_holders(sighting: Sighting) -> list[Side]:
    """Sides that hold the case while the side above does not say so: who has to send."""
    sides = _upwards(sighting)
    return [
        side
        for side, above in pairwise(sides)
        if sighting.words[side] is Word.HAS and sighting.words[above] is not Word.HAS
    ]


def _is_rewound(sighting: Sighting, tellers: Tellers) -> bool:
    had = Word.HAD in sighting.words.values()
    completing = any(tellers.get(side, _NOBODY).is_recovering for side in _lacking(sighting))
    # A lower book that lacks what a higher one was given by it has forgotten.
    sides = _upwards(sighting)
    forgotten = any(
        sighting.words[side] is Word.LACKS and Word.HAS in [sighting.words[above] for above in sides[number:]]
        for number, side in enumerate(sides)
    )
    return had or completing or forgotten


def _is_lost(sighting: Sighting, tellers: Tellers) -> bool:
    senders = _next_holders(sighting)
    waited_for = {side for side in _upwards(sighting) if sighting.words[side] in (Word.OLD, Word.NONE)}
    return any(tellers.get(side, _NOBODY).is_silent for side in (*senders, *waited_for))


def _is_by_clock(sighting: Sighting, tellers: Tellers) -> bool:
    begins = datetime(sighting.day.year, sighting.day.month, sighting.day.day, tzinfo=CHINA)
    if sighting.arrived_at is not None and sighting.arrived_at < begins:
        return True
    author = tellers.get(_upwards(sighting)[0], _NOBODY) if _upwards(sighting) else _NOBODY
    if not author.is_clock_off or author.clock_offset_s is None or sighting.submitted_at is None:
        return False
    at = sighting.submitted_at - timedelta(seconds=author.clock_offset_s)
    return at.astimezone(CHINA).date() != sighting.day


def _is_moving(sighting: Sighting, tellers: Tellers) -> bool:
    """Somebody who has it still owes it above, or whoever lacks it has not told since."""
    owes = any(not tellers.get(side, _NOBODY).is_emptied for side in _next_holders(sighting))
    return owes or Word.OLD in sighting.words.values() or Word.NONE in sighting.words.values()


def _differs(sighting: Sighting) -> bool:
    words = [sighting.words[side] for side in _upwards(sighting)]
    return bool(_lacking(sighting)) and bool({Word.HAS, Word.HAD} & set(words))


RULES: tuple[tuple[Cause, Rule], ...] = (
    (Cause.CLONED, lambda sighting, tellers: sighting.is_forked),
    (Cause.QUARANTINED, lambda sighting, tellers: sighting.is_quarantined),
    (Cause.HELD, lambda sighting, tellers: sighting.is_waiting),
    (Cause.REWOUND, lambda sighting, tellers: _differs(sighting) and _is_rewound(sighting, tellers)),
    (Cause.LOST, lambda sighting, tellers: _differs(sighting) and _is_lost(sighting, tellers)),
    (Cause.CLOCK, _is_by_clock),
    (Cause.TRANSIT, lambda sighting, tellers: _differs(sighting) and _is_moving(sighting, tellers)),
    (Cause.UNKNOWN, lambda sighting, tellers: _differs(sighting)),
)
"""The first that applies is the cause; a case to which none applies is level, or waits to be confirmed."""


def judge(sighting: Sighting, tellers: Tellers) -> Finding | None:
    """The difference that a case makes, none if the books agree or nothing is known against it."""
    for cause, applies in RULES:
        if applies(sighting, tellers):
            return Finding(cause, sighting.case, sighting.words)
    return None


def is_unconfirmed(sighting: Sighting) -> bool:
    """Whether a book has not told yet that it holds what another holds."""
    words = {sighting.words[side] for side in _upwards(sighting)}
    return Word.HAS in words and bool(words & {Word.OLD, Word.NONE})


@dataclass(frozen=True, slots=True)
class Counts:
    """One line of the sheet. ``exempt`` were taken in below and are not expected at the township; money in fen."""

    taken_in: int = 0
    forwarded: int = 0
    exempt: int = 0
    received: int = 0
    accepted: int = 0
    returned: int = 0
    refused: int = 0
    ended: int = 0
    open: int = 0
    held: int = 0
    billed_fen: int = 0
    paid_fen: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def place_in_counts(state: State, *, was_accepted: bool, is_held: bool) -> str:
    """Which of the city's counts a case belongs to: exactly one of ``received``'s parts."""
    if is_held:
        return "held"
    if was_accepted or state in DECIDED or state is State.DELIVERED:
        return "accepted"
    if state is State.REFUSED:
        return "refused"
    if state in (State.RETURNED, State.SUPPLEMENT_REQUESTED):
        return "returned"
    return "ended" if state in CLOSED else "open"


EQUATIONS: tuple[tuple[str, Callable[[Counts], int], Callable[[Counts], int]], ...] = (
    ("taken_in", lambda c: c.taken_in, lambda c: c.forwarded + c.exempt),
    ("forwarded", lambda c: c.forwarded + c.exempt, lambda c: c.received),
    (
        "received",
        lambda c: c.received,
        lambda c: c.accepted + c.returned + c.refused + c.ended + c.open + c.held,
    ),
    ("fees", lambda c: c.billed_fen, lambda c: c.paid_fen),
)
"""收件 = 转报（含保密件直报）= 市收 = 受理 + 退补 + 不予受理 + 撤回作废 + 待受理 + 挂起；应缴 = 已缴。"""


def broken(counts: Counts) -> list[str]:
    """The equations that do not hold, by name."""
    return [name for name, left, right in EQUATIONS if left(counts) != right(counts)]


@dataclass(frozen=True, slots=True)
class Line:
    """What a line of the sheet is judged by: open and accepted causes, and whether every node has told of the day."""

    causes: frozenset[Cause]
    has_accepted: bool
    unconfirmed: int
    is_reported: bool
    is_silent: bool
    is_enrolled: bool = True
    counts: Counts = Counts()


def verdict(line: Line) -> Verdict:
    """The gravest of what is known against a line; level only if nothing is."""
    if not line.is_enrolled and not line.causes and line.counts == Counts():
        return Verdict.ABSENT
    for cause in Cause:
        if cause in line.causes and cause not in (Cause.TRANSIT, Cause.UNPAID):
            return Verdict(cause.value)
    if line.is_silent:
        return Verdict.LOST
    if Cause.TRANSIT in line.causes or (line.unconfirmed and line.is_reported):
        return Verdict.TRANSIT
    if not line.is_reported or not line.is_enrolled:
        return Verdict.UNREPORTED
    if Cause.UNPAID in line.causes:
        return Verdict.UNPAID
    if line.has_accepted:
        return Verdict.ACCEPTED
    return Verdict.UNKNOWN if set(broken(line.counts)) - {"fees"} else Verdict.LEVEL


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several lines: the gravest; absent ones count only where there is nothing else."""
    order = {one: number for number, one in enumerate(Verdict)}
    return min(verdicts, key=lambda one: order[one], default=Verdict.ABSENT)


GAP_DEFAULT = timedelta(days=1)
GAP_MIN = timedelta(hours=1)
GAP_DAYS_KEPT = 14
SLACK = 1.5


def usual_gap(longest_by_day: Sequence[timedelta]) -> timedelta:
    """How long a node is usually quiet: the longest gap between its contacts of the last days, a day while few are known."""
    recent = list(longest_by_day)[-GAP_DAYS_KEPT:]
    return max([GAP_MIN, *recent]) if len(recent) >= 3 else max([GAP_DEFAULT, *recent])


def is_silent(quiet: timedelta, usual: timedelta) -> bool:
    """Whether a node has been quiet for longer than it usually is."""
    return quiet > usual * SLACK


def is_reported(day: date, told_on: date | None, today: date) -> bool:
    """Whether a report of ``told_on`` tells the whole of ``day``: made after its end, or today for today."""
    return told_on is not None and (told_on > day or (told_on == day == today))
