"""The limit clock: working time from acceptance, standing still in special procedures, exact to the second.

``exact``: a full working day is 24 hours of a working date (China time), so 7 days from a Monday 10:00 end on the
Wednesday of next week at 10:00. ``civil``: the day of acceptance is not counted and a day counts whole, so every
instant of the record takes effect at the end of its day. A limit of 0 (an immediate item) lasts until the end of
the working day of acceptance, in both modes. Integers only; parts of a second are dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.calendar import WorkCalendar
from core.clock import CHINA
from core.errors import InputError

DAY_S = 86_400
LIMIT_DAYS_MAX = 3_650
SUSPENSIONS_MAX = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_CHINA_OFFSET_S = 8 * 3_600

_Taken = Callable[[int], int]


class Mode(StrEnum):
    """How days are counted; set by the city for the whole installation."""

    EXACT = "exact"
    CIVIL = "civil"


class Unit(StrEnum):
    """What the days granted to a special procedure are."""

    WORKDAY = "workday"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Suspension:
    """A special procedure (特别程序): the clock stands from ``start`` to ``end``, at most the days granted.

    ``end`` is ``None`` while it lasts. Instants are aware; ``granted_days`` 0 to ``LIMIT_DAYS_MAX``. Raises
    ``InputError`` (``limits.*``).
    """

    start: datetime
    end: datetime | None
    granted_days: int
    unit: Unit
    name: str

    def __post_init__(self) -> None:
        check_days(self.granted_days)
        if self.end is not None and to_second(self.end) < to_second(self.start):
            raise InputError(
                "limits.suspension_order",
                zh=f"特别程序“{self.name}”的结束时间早于开始时间，请核对。",
                en=f"The special procedure {self.name!r} ends before it starts. Please check it.",
            )


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Working time used, in seconds, special procedures left out; one second over counts as a day."""

    seconds: int

    @property
    def days_used(self) -> int:
        """Whole working days, rounded up."""
        return -(-self.seconds // DAY_S)


@dataclass(frozen=True, slots=True)
class LimitClock:
    """One clock: where it starts on its scale, and where it stands still. Made by :func:`limit_clock`."""

    scale: "Scale"
    start: int
    standing: tuple[tuple[int, int], ...]

    def elapsed(self, now: datetime) -> Elapsed:
        """Time counted up to ``now``; none before the start. Raises ``StateError`` (unknown year)."""
        instant = to_second(now)
        if instant <= self.start:
            return Elapsed(0)
        counted = self._span(self.start, instant)
        stood = sum(self._span(a, min(b, instant)) for a, b in self.standing if a < instant)
        return Elapsed(counted - stood)

    def reaches(self, seconds: int) -> datetime:
        """The first instant at which ``seconds`` (≥ 1) are counted. Raises ``StateError`` (unknown year)."""
        position, missing = self.start, seconds
        for a, b in self.standing:
            run = self._span(position, a)
            if run >= missing:
                break
            position, missing = b, missing - run
        return to_instant(self.scale.instant(self.scale.position(position) + missing))

    def _span(self, a: int, b: int) -> int:
        return self.scale.position(b) - self.scale.position(a)


class Scale(Protocol):
    """A measure of time that only grows: working seconds, or plain seconds."""

    def position(self, instant: int) -> int:
        """Seconds counted before ``instant`` (seconds since 1970)."""

    def instant(self, position: int) -> int:
        """The first instant at which ``position`` seconds are counted."""


@dataclass(frozen=True, slots=True)
class WorkScale:
    """Seconds of working dates, 24 hours each, in China time."""

    calendar: WorkCalendar

    def position(self, instant: int) -> int:
        day, second = _china(instant)
        before = self.calendar.workdays_before(day) * DAY_S
        return before + (second if self.calendar.is_workday(day) else 0)

    def instant(self, position: int) -> int:
        # The last second counted lies in this working day; midnight belongs to the day it ends.
        number, second = divmod(position - 1, DAY_S)
        return _midnight(self.calendar.nth_workday(number)) + second + 1


class PlainScale:
    """Every second counts: calendar days."""

    def position(self, instant: int) -> int:
        return instant

    def instant(self, position: int) -> int:
        return position


def limit_clock(
    calendar: WorkCalendar,
    mode: Mode,
    started_at: datetime,
    suspensions: Sequence[Suspension] = (),
    *,
    unit: Unit = Unit.WORKDAY,
) -> LimitClock:
    """The clock of a limit of one day or more that starts at ``started_at``.

    At most ``SUSPENSIONS_MAX`` suspensions; where they overlap, time is left out once. Raises ``InputError``
    (``limits.*``), ``StateError`` (unknown year).
    """
    taken = _day_end if mode is Mode.CIVIL else _as_is
    scale = _scale(calendar, unit)
    start = taken(to_second(started_at))
    return LimitClock(scale, start, _standing(calendar, taken, start, suspensions))


def immediate_clock(
    calendar: WorkCalendar, accepted_at: datetime, suspensions: Sequence[Suspension] = ()
) -> LimitClock:
    """The clock of an immediate item: it starts with the day of acceptance, and one working day is its limit.

    A day on which it is suspended is left out and the day on which it resumes is counted.
    """
    start = _day_start(to_second(accepted_at))
    return LimitClock(WorkScale(calendar), start, _standing(calendar, _day_start, start, suspensions))


def elapsed(
    calendar: WorkCalendar,
    mode: Mode,
    accepted_at: datetime,
    now: datetime,
    suspensions: Sequence[Suspension] = (),
) -> Elapsed:
    """Working time used since acceptance."""
    return limit_clock(calendar, mode, accepted_at, suspensions).elapsed(now)


def due_at(
    calendar: WorkCalendar,
    mode: Mode,
    accepted_at: datetime,
    days: int,
    suspensions: Sequence[Suspension] = (),
) -> datetime:
    """The last instant within the limit (UTC): not over at it, over one second later on a working day.

    A suspension that still lasts is taken to last as long as granted. In ``civil`` mode, and for ``days`` 0, this
    is the midnight that ends the last day; show :func:`due_day` to people.
    """
    clock, limit_s = clock_for(calendar, mode, accepted_at, days, suspensions)
    return clock.reaches(limit_s)


def due_day(
    calendar: WorkCalendar,
    mode: Mode,
    accepted_at: datetime,
    days: int,
    suspensions: Sequence[Suspension] = (),
) -> date:
    """The China date of the last second within the limit."""
    due = due_at(calendar, mode, accepted_at, days, suspensions)
    return (due - timedelta(seconds=1)).astimezone(CHINA).date()


def days_left(
    calendar: WorkCalendar,
    mode: Mode,
    accepted_at: datetime,
    now: datetime,
    days: int,
    suspensions: Sequence[Suspension] = (),
) -> int:
    """Working days left besides the one that runs: 0 in the last one, -1 as soon as a second is over."""
    clock, limit_s = clock_for(calendar, mode, accepted_at, days, suspensions)
    return limit_s // DAY_S - clock.elapsed(now).days_used


def clock_for(
    calendar: WorkCalendar,
    mode: Mode,
    accepted_at: datetime,
    days: int,
    suspensions: Sequence[Suspension] = (),
) -> tuple[LimitClock, int]:
    """The clock of a limit of ``days``, 0 included, and the seconds it may count."""
    check_days(days)
    if days == 0:
        return immediate_clock(calendar, accepted_at, suspensions), DAY_S
    return limit_clock(calendar, mode, accepted_at, suspensions), days * DAY_S


def check_days(days: int) -> None:
    """Raises ``InputError`` (``limits.days``) unless 0 ≤ days ≤ ``LIMIT_DAYS_MAX``."""
    if not 0 <= days <= LIMIT_DAYS_MAX:
        raise InputError(
            "limits.days",
            zh=f"时限应为 0 至 {LIMIT_DAYS_MAX} 天，现为 {days}，请核对事项目录。",
            en=f"A limit lies between 0 and {LIMIT_DAYS_MAX} days, not {days}. Please check the catalogue.",
        )


def to_second(instant: datetime) -> int:
    """Whole seconds since 1970. Raises ``InputError`` (``limits.no_timezone``) for a time without its zone."""
    if instant.utcoffset() is None:
        raise InputError(
            "limits.no_timezone",
            zh="时间缺少时区，无法计算期限，请使用带时区的时间。",
            en="The time lacks its zone, so the limit cannot be computed. Please give a time with its zone.",
        )
    return (instant - _EPOCH) // timedelta(seconds=1)


def to_instant(second: int) -> datetime:
    """The aware UTC instant of :func:`to_second`."""
    return _EPOCH + timedelta(seconds=second)


def _standing(
    calendar: WorkCalendar, taken: _Taken, start: int, suspensions: Sequence[Suspension]
) -> tuple[tuple[int, int], ...]:
    if len(suspensions) > SUSPENSIONS_MAX:
        raise InputError(
            "limits.suspensions",
            zh=f"特别程序有 {len(suspensions)} 次，超过上限 {SUSPENSIONS_MAX} 次，请核对。",
            en=f"There are {len(suspensions)} special procedures, more than the {SUSPENSIONS_MAX} allowed. "
            "Please check them.",
        )
    merged: list[tuple[int, int]] = []
    for a, b in sorted(_interval(calendar, taken, suspension) for suspension in suspensions):
        begin = max(a, merged[-1][1] if merged else start)
        if begin < b:
            merged.append((begin, b))
    return tuple(merged)


def _interval(calendar: WorkCalendar, taken: _Taken, suspension: Suspension) -> tuple[int, int]:
    start = taken(to_second(suspension.start))
    if suspension.granted_days == 0:
        return start, start
    # 行政许可法 art. 45: the time is left out, but no longer than was granted for it.
    cap = _granted_until(calendar, start, suspension)
    return start, cap if suspension.end is None else min(cap, taken(to_second(suspension.end)))


def _granted_until(calendar: WorkCalendar, start: int, suspension: Suspension) -> int:
    scale = _scale(calendar, suspension.unit)
    position = scale.position(start) + suspension.granted_days * DAY_S
    # Beyond the known years only the end of the standstill is unknown; that it stands until then is certain.
    if suspension.unit is Unit.WORKDAY and position > calendar.workday_count * DAY_S:
        return known_end(calendar)
    return scale.instant(position)


def _scale(calendar: WorkCalendar, unit: Unit) -> Scale:
    return WorkScale(calendar) if unit is Unit.WORKDAY else PlainScale()


def known_end(calendar: WorkCalendar) -> int:
    """The first second that the calendar does not know."""
    return _midnight(calendar.known_until) + DAY_S


def _china(instant: int) -> tuple[date, int]:
    days, second = divmod(instant + _CHINA_OFFSET_S, DAY_S)
    return _EPOCH_DAY + timedelta(days=days), second


def _midnight(day: date) -> int:
    return (day - _EPOCH_DAY).days * DAY_S - _CHINA_OFFSET_S


def _as_is(instant: int) -> int:
    return instant


def _day_start(instant: int) -> int:
    return instant - _china(instant)[1]


def _day_end(instant: int) -> int:
    return _day_start(instant) + DAY_S
