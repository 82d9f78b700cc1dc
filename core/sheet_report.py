"""What a node says of itself for the reconciliation sheet: its own case numbers by day, and how its carrying stands.

Said in the control lane to the city alone, signed by the node and relayed unread, so the city learns a village's own
figures even where it meets only the township. Only sets that changed since they were last said are named: streams
arrive whole and in order, and a new epoch says everything anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated

from core.canonical import canonical_json, parse_json
from core.carriage import Figures, Node
from core.errors import InputError
from core.identifiers import CaseId, NodeId, case_id, case_id_parts, parse_case_id
from core.shape import Count, Parsed, Pattern, Whole, from_plain, refuse, to_plain

SHEET_REPORTED = "SheetReported"
RESEND_ASKED = "ResendAsked"
SCHEMA = 1

SETS_MAX, COUNTERS_MAX = 400, 10_000
CASES_MAX = 40_000
"""Case numbers in one report; what is beyond them follows in the next."""
ASKED_MAX = 500
_COUNT = Whole(2**53)

Day = Annotated[str, Pattern(r"[0-9]{8}", "日期 yyyymmdd", "a day yyyymmdd")]
Counter = Annotated[int, Whole(99_999, 1)]


@dataclass(frozen=True, slots=True)
class DaySet:
    """The cases of one device and one day, by the counters in their numbers, rising; ``sealed`` are the confidential ones
    among them, which no township is expected to have.
    """

    origin: Node
    day: Day
    counters: Annotated[tuple[Counter, ...], Count(COUNTERS_MAX)]
    sealed: Annotated[tuple[Counter, ...], Count(COUNTERS_MAX)] = ()

    def cases(self) -> frozenset[CaseId]:
        """The whole numbers. Raises ``InputError`` (``case_id.*``, ``case_id.day``)."""
        return frozenset(_number(self.origin, self.day, counter) for counter in self.counters)

    def confidential(self) -> frozenset[CaseId]:
        return frozenset(_number(self.origin, self.day, counter) for counter in self.sealed)


@dataclass(frozen=True, slots=True)
class SheetReport:
    """``number`` rises by one within an epoch; ``more``: further sets follow in the next report."""

    node: Node
    number: Annotated[int, Whole(2**53, 1)]
    at: datetime
    figures: Figures
    catalogue: Annotated[int, _COUNT]
    calendar: Annotated[int, _COUNT]
    drafts: Annotated[int, _COUNT]
    sets: Annotated[tuple[DaySet, ...], Count(SETS_MAX)]
    more: bool


@dataclass(frozen=True, slots=True)
class ResendAsked:
    """The city asks a node to report anew, and to offer the envelopes of these cases once more."""

    cases: Annotated[tuple[Annotated[CaseId, Parsed(parse_case_id)], ...], Count(ASKED_MAX)]


def encode_report(report: SheetReport) -> bytes:
    """Canonical JSON. Raises ``InputError`` where the city would refuse it."""
    data = canonical_json(to_plain(report))
    decode_report(data)
    return data


def decode_report(data: bytes) -> SheetReport:
    """Raises ``InputError``: ``json.*``, ``shape.refused``, ``sheet.*``."""
    report = from_plain(SheetReport, parse_json(data), "sheet")
    if sum(len(one.counters) for one in report.sets) > CASES_MAX:
        refuse("sheet.sets", f"合计最多 {CASES_MAX} 件", f"at most {CASES_MAX} cases in all")
    for one in report.sets:
        if list(one.counters) != sorted(set(one.counters)) or not set(one.sealed) <= set(one.counters):
            refuse("sheet.sets", "流水号应递增不重复", "counters must rise without repetition")
        if list(one.sealed) != sorted(set(one.sealed)):
            refuse("sheet.sets", "流水号应递增不重复", "counters must rise without repetition")
        one.cases()
    return report


def encode_asked(asked: ResendAsked) -> bytes:
    return canonical_json(to_plain(asked))


def decode_asked(data: bytes) -> ResendAsked:
    """Raises ``InputError``: ``json.*``, ``shape.refused``."""
    return from_plain(ResendAsked, parse_json(data), "resend")


def day_set(origin: NodeId, day: str, cases: Iterable[tuple[CaseId, bool]]) -> DaySet:
    """The set of ``(case, confidential)`` of one device and day."""
    rising = sorted((case_id_parts(case).counter, sealed) for case, sealed in cases)
    return DaySet(origin, day, tuple(c for c, _ in rising), tuple(c for c, sealed in rising if sealed))


def digest_of(cases: Iterable[CaseId]) -> str:
    """16 hexadecimal characters that two books share only if they name the same cases."""
    return sha256(",".join(sorted(cases)).encode()).hexdigest()[:16]


def _number(origin: NodeId, day: str, counter: int) -> CaseId:
    try:
        when = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError as error:
        raise InputError(
            "sheet.day",
            zh=f"对账数据中的日期 {day} 不存在，未采用。",
            en=f"The report names a day, {day}, that does not exist; it was not used.",
        ) from error
    return case_id(origin, when, counter)
