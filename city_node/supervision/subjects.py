"""What cards are about: a case, each of its special procedures, a consultation, a complaint; and whose business it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.bodies import LimitMode
from core.calendar import WorkCalendar
from core.case import Case
from core.clock import from_iso
from core.errors import StateError
from core.identifiers import CaseId, NodeId
from core.limits import Mode, known_end, to_instant
from core.states import State
from core.store.casebook import suspensions_of
from core.supervision import (
    CardJudgement,
    Course,
    Subject,
    case_card,
    course,
    matter_card,
    special_procedure_card,
)
from core.supervision import CaseFacts as Facts

LOOK_AGAIN = timedelta(days=1)
"""Where next year's calendar is not out, a subject is judged again so often."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Whose business a subject is now: the officer is empty where nobody has taken it yet."""

    department: str
    officer: str
    holder: str
    origin: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A subject with the cards it got. ``key`` is unique among subjects: case number, its procedure, or matter."""

    key: str
    subject: Subject
    case_id: CaseId | None
    charge: Charge
    course: Course
    is_open: bool


def of_case(case: Case, department: str, calendar: WorkCalendar, now: datetime) -> list[Judged]:
    """The case itself and its special procedures; nothing before it was accepted."""
    if case.accepted_at is None or case.promised_days is None or case.statutory_days is None:
        return []
    mode = Mode(case.limit_mode or LimitMode.EXACT)
    stood = suspensions_of(case)
    facts = Facts(case.accepted_at, case.promised_days, case.statutory_days, stood)
    charge = _charge(case, department)
    judge = partial(case_card, calendar, mode, facts)
    found = [
        Judged(
            case.id,
            Subject.CASE,
            case.id,
            charge,
            _course(judge, case.accepted_at, case.completed_at, now, calendar),
            case.completed_at is None,
        )
    ]
    for number, procedure in enumerate(stood, 1):
        judge = partial(special_procedure_card, calendar, mode, replace(procedure, end=None))
        way = _course(judge, procedure.start, procedure.end, now, calendar)
        found.append(
            Judged(
                f"{case.id}/{number}", Subject.SPECIAL_PROCEDURE, case.id, charge, way, procedure.end is None
            )
        )
    return found


def of_matter(row: Any, calendar: WorkCalendar, mode: Mode, now: datetime) -> Judged:
    """A consultation or complaint, from its row."""
    opened_at = from_iso(row.opened_at)
    answered_at = from_iso(row.answered_at) if row.answered_at else None
    judge = partial(_matter_card, calendar, mode, Subject(row.subject), opened_at, limit_days=row.limit_days)
    case_id = CaseId(row.case_id) if row.case_id else None
    charge = Charge(row.department, row.officer, row.node, row.node)
    return Judged(
        row.id,
        Subject(row.subject),
        case_id,
        charge,
        _course(judge, opened_at, answered_at, now, calendar),
        answered_at is None,
    )


def _matter_card(
    calendar: WorkCalendar, mode: Mode, subject: Subject, start: datetime, now: datetime, *, limit_days: int
) -> CardJudgement:
    return matter_card(calendar, mode, subject, start, None, now, limit_days=limit_days)


def _course(
    judge: Callable[[datetime], CardJudgement],
    started_at: datetime,
    finished_at: datetime | None,
    now: datetime,
    calendar: WorkCalendar,
) -> Course:
    try:
        return course(judge, started_at, finished_at, now)
    except StateError:
        # The calendar of that year is not out: no card by a guess. What is known of it ends here; look again then.
        return Course((), max(to_instant(known_end(calendar)), now + LOOK_AGAIN))


def _charge(case: Case, department: str) -> Charge:
    duties = case.officers
    by_state = {
        State.ACCEPTED: duties.accepting,
        State.VERIFYING: duties.accepting,
        State.HANDLING: duties.handling,
        State.REVIEW: duties.reviewing or duties.handling,
        State.DECISION: duties.deciding or duties.reviewing,
    }
    state = case.state_before_suspension or case.state
    last = duties.deciding or duties.reviewing or duties.handling or duties.accepting
    return Charge(
        case.department or department,
        by_state.get(state, last),
        str(case.holder or NodeId(case.city)),
        case.origin,
    )
