"""What the limit clock of a case shows now: its card, when it is due, and how much is left."""

from dataclasses import dataclass
from datetime import datetime

from core.calendar import WorkCalendar
from core.case import Case
from core.errors import StateError
from core.limits import Mode, days_left, due_at
from core.states import COUNTING, State
from core.store.casebook import suspensions_of
from core.supervision import Card, CaseFacts, case_card


@dataclass(frozen=True, slots=True)
class ClockFace:
    """``card`` and ``due_at`` are None before acceptance, and where the calendar of that year is not out yet.

    ``days_left``: working days besides the one that runs; -1 once the promised limit is over.
    """

    card: Card | None = None
    due_at: datetime | None = None
    days_left: int | None = None
    is_running: bool = False
    is_standing: bool = False
    is_calendar_unknown: bool = False


def clock_face(case: Case, calendar: WorkCalendar, now: datetime) -> ClockFace:
    """The clock of the promised limit; it stands in special procedures and stops when the case is completed."""
    if case.accepted_at is None or case.promised_days is None or case.statutory_days is None:
        return ClockFace()
    mode = Mode(case.limit_mode or Mode.EXACT)
    stood = suspensions_of(case)
    facts = CaseFacts(case.accepted_at, case.promised_days, case.statutory_days, stood, case.completed_at)
    moment = case.completed_at or now
    running, standing = case.state in COUNTING, case.state is State.SUSPENDED
    try:
        return ClockFace(
            card=case_card(calendar, mode, facts, now).card,
            due_at=due_at(calendar, mode, case.accepted_at, case.promised_days, stood),
            days_left=days_left(calendar, mode, case.accepted_at, moment, case.promised_days, stood),
            is_running=running,
            is_standing=standing,
        )
    except StateError:
        return ClockFace(is_running=running, is_standing=standing, is_calendar_unknown=True)
