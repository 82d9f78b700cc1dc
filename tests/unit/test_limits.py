"""The legal clock: working days with make-up days, special procedures left out, exact to the second."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendar import load_calendar
from core.clock import CHINA
from core.errors import InputError, StateError
from core.limits import (
    LIMIT_DAYS_MAX,
    SUSPENSIONS_MAX,
    Elapsed,
    Mode,
    Suspension,
    Unit,
    days_left,
    due_at,
    due_day,
    elapsed,
    limit_clock,
)

CALENDAR = load_calendar()
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY_S = 86_400


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def stop(start: str, end: str | None, granted: int, unit: Unit = Unit.WORKDAY) -> Suspension:
    return Suspension(china(start), None if end is None else china(end), granted, unit, "公示")


MONDAY = china("2018-10-15T10:00:00")


def test_a_full_working_day_is_24_hours_of_a_working_date():
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7) == china("2018-10-24T10:00:00")
    assert due_day(CALENDAR, Mode.EXACT, MONDAY, 7) == date(2018, 10, 24)


def test_one_second_over_counts_as_a_day():
    def used(now: datetime) -> Elapsed:
        return elapsed(CALENDAR, Mode.EXACT, MONDAY, now)

    due = china("2018-10-24T10:00:00")
    assert (used(due).seconds, used(due).days_used) == (7 * DAY_S, 7)
    assert used(due + SECOND).days_used == 8
    assert used(due + timedelta(milliseconds=999)).days_used == 7
    assert used(MONDAY) == used(MONDAY - HOUR) == Elapsed(0)


def test_the_clock_stands_over_the_national_day_and_runs_on_the_make_up_saturday():
    accepted = china("2015-09-30T16:00:00")
    assert due_at(CALENDAR, Mode.EXACT, accepted, 1) == china("2015-10-08T16:00:00")
    assert due_at(CALENDAR, Mode.EXACT, accepted, 3) == china("2015-10-10T16:00:00")
    assert due_at(CALENDAR, Mode.EXACT, accepted, 5) == china("2015-10-13T16:00:00")
    assert elapsed(CALENDAR, Mode.EXACT, accepted, china("2015-10-07T23:59:59")).seconds == 8 * 3_600


def test_the_civil_clock_does_not_count_the_day_of_acceptance():
    accepted = china("2015-09-30T16:00:00")
    assert due_day(CALENDAR, Mode.CIVIL, accepted, 3) == date(2015, 10, 10)
    assert due_at(CALENDAR, Mode.CIVIL, accepted, 3) == china("2015-10-11T00:00:00")
    assert elapsed(CALENDAR, Mode.CIVIL, accepted, china("2015-10-08T00:00:00")) == Elapsed(0)
    assert elapsed(CALENDAR, Mode.CIVIL, accepted, china("2015-10-08T00:00:01")).days_used == 1
    morning = china("2015-09-30T00:00:00")
    assert due_day(CALENDAR, Mode.CIVIL, morning, 3) == date(2015, 10, 10)


def test_days_left_is_zero_in_the_last_day_and_minus_one_a_second_later():
    due = china("2018-10-24T10:00:00")

    def left(now: datetime) -> int:
        return days_left(CALENDAR, Mode.EXACT, MONDAY, now, 7)

    assert [left(MONDAY), left(MONDAY + SECOND), left(due), left(due + SECOND)] == [7, 6, 0, -1]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("accepted", "last_day"),
    [
        ("2015-09-30T16:59:00", date(2015, 9, 30)),
        ("2015-10-03T09:00:00", date(2015, 10, 8)),
        ("2015-10-10T00:00:00", date(2015, 10, 10)),
        ("2015-10-11T23:59:59", date(2015, 10, 12)),
    ],
)
def test_an_immediate_item_is_due_at_the_end_of_its_working_day(mode, accepted, last_day):
    due = due_at(CALENDAR, mode, china(accepted), 0)
    assert due_day(CALENDAR, mode, china(accepted), 0) == last_day
    assert due == datetime(last_day.year, last_day.month, last_day.day, tzinfo=CHINA) + timedelta(days=1)
    assert days_left(CALENDAR, mode, china(accepted), due - SECOND, 0) == 0


def test_an_immediate_item_that_was_suspended_is_due_on_the_day_it_resumes():
    accepted = china("2015-10-12T09:00:00")
    stops = [stop("2015-10-12T10:00:00", "2015-10-14T15:00:00", 5)]
    assert due_day(CALENDAR, Mode.EXACT, accepted, 0, stops) == date(2015, 10, 14)
    same_day = [stop("2015-10-12T10:00:00", "2015-10-12T15:00:00", 5)]
    assert due_day(CALENDAR, Mode.EXACT, accepted, 0, same_day) == date(2015, 10, 12)


def test_a_special_procedure_is_left_out_of_the_limit():
    stops = [stop("2018-10-16T09:00:00", "2018-10-18T11:30:00", 10)]
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7, stops) == china("2018-10-26T12:30:00")
    assert elapsed(CALENDAR, Mode.EXACT, MONDAY, china("2018-10-17T00:00:00"), stops).seconds == 23 * 3_600


@pytest.mark.parametrize("end", [None, "2018-11-30T09:00:00"])
def test_a_special_procedure_counts_no_longer_than_it_was_granted(end):
    stops = [stop("2018-10-16T09:00:00", end, 3)]
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7, stops) == china("2018-10-29T10:00:00")


def test_calendar_days_granted_are_left_out_as_they_pass():
    # Tuesday 09:00 and 7 calendar days: five working days stand still.
    stops = [stop("2018-10-16T09:00:00", None, 7, Unit.CALENDAR)]
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7, stops) == china("2018-10-31T10:00:00")


def test_nothing_granted_leaves_nothing_out():
    stops = [stop("2018-10-16T09:00:00", "2018-10-18T09:00:00", 0)]
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7, stops) == china("2018-10-24T10:00:00")


def test_overlapping_special_procedures_are_left_out_once():
    first = stop("2018-10-16T10:00:00", "2018-10-18T10:00:00", 5)
    inside = stop("2018-10-16T12:00:00", "2018-10-17T10:00:00", 5)
    second = stop("2018-10-17T10:00:00", "2018-10-19T10:00:00", 5)
    before = stop("2018-10-11T10:00:00", "2018-10-12T10:00:00", 5)
    stops = [second, inside, first, before]
    assert due_at(CALENDAR, Mode.EXACT, MONDAY, 7, stops) == china("2018-10-29T10:00:00")


def test_the_civil_clock_leaves_out_whole_days():
    # The day it starts is counted, the day it ends is not: Wednesday and Thursday stand still.
    stops = [stop("2018-10-16T09:00:00", "2018-10-18T16:00:00", 10)]
    assert due_day(CALENDAR, Mode.CIVIL, MONDAY, 7, stops) == date(2018, 10, 26)
    assert due_day(CALENDAR, Mode.CIVIL, MONDAY, 7) == date(2018, 10, 24)


def test_the_last_known_day_is_computed_and_the_next_year_is_refused_in_words():
    accepted = china("2026-12-30T10:00:00")
    assert due_at(CALENDAR, Mode.EXACT, accepted, 1) == china("2026-12-31T10:00:00")
    assert due_day(CALENDAR, Mode.CIVIL, accepted, 1) == date(2026, 12, 31)
    with pytest.raises(StateError, match=r"^calendar.unknown_year"):
        due_at(CALENDAR, Mode.EXACT, accepted, 2)
    with pytest.raises(StateError, match=r"^calendar.unknown_year"):
        elapsed(CALENDAR, Mode.EXACT, accepted, china("2027-01-04T10:00:00"))


def test_a_standstill_that_reaches_into_an_unknown_year_does_not_hide_what_is_known():
    accepted = china("2026-12-28T10:00:00")
    stops = [stop("2026-12-29T10:00:00", None, 15)]
    assert elapsed(CALENDAR, Mode.EXACT, accepted, china("2026-12-31T23:59:59"), stops) == Elapsed(DAY_S)
    assert due_at(CALENDAR, Mode.EXACT, accepted, 1, stops) == china("2026-12-29T10:00:00")
    with pytest.raises(StateError, match=r"^calendar.unknown_year"):
        due_at(CALENDAR, Mode.EXACT, accepted, 2, stops)


moments = st.integers(0, 24 * 40).map(lambda hours: china("2015-09-20T00:00:00") + hours * HOUR)


@st.composite
def suspensions(draw: st.DrawFn) -> Suspension:
    start = draw(moments)
    hours = draw(st.none() | st.integers(0, 24 * 20))
    end = None if hours is None else start + hours * HOUR
    return Suspension(start, end, draw(st.integers(0, 8)), draw(st.sampled_from(Unit)), "x")


def walked_hours(accepted: datetime, now: datetime, stops: list[Suspension]) -> int:
    """The exact clock by walking hour by hour, each suspension spending what it was granted."""
    granted = [stop.granted_days * 24 for stop in stops]
    hours, hour = 0, min([accepted, *(stop.start for stop in stops)])
    while hour < now:
        works = CALENDAR.is_workday(hour.astimezone(CHINA).date())
        standing = False
        for number, suspension in enumerate(stops):
            within = suspension.start <= hour and (suspension.end is None or hour < suspension.end)
            if within and granted[number] > 0:
                standing = True
                granted[number] -= 1 if works or suspension.unit is Unit.CALENDAR else 0
        hours += works and not standing and hour >= accepted
        hour += HOUR
    return hours


@settings(derandomize=True, max_examples=120, deadline=None)
@given(moments, st.integers(0, 24 * 40), st.lists(suspensions(), max_size=4))
def test_the_clock_agrees_with_walking_hour_by_hour(accepted, hours, stops):
    now = accepted + hours * HOUR
    assert elapsed(CALENDAR, Mode.EXACT, accepted, now, stops).seconds == 3_600 * walked_hours(
        accepted, now, stops
    )


@settings(derandomize=True, max_examples=120, deadline=None)
@given(moments, st.integers(1, 12), st.lists(suspensions(), max_size=4), st.sampled_from(Mode))
def test_the_due_instant_is_the_first_that_uses_up_the_limit(accepted, days, stops, mode):
    due = due_at(CALENDAR, mode, accepted, days, stops)
    assert elapsed(CALENDAR, mode, accepted, due, stops).seconds == days * DAY_S
    assert elapsed(CALENDAR, mode, accepted, due - SECOND, stops).seconds == days * DAY_S - 1
    over = limit_clock(CALENDAR, mode, accepted, stops).reaches(days * DAY_S + 1)
    assert over > due
    assert elapsed(CALENDAR, mode, accepted, over - SECOND, stops).seconds == days * DAY_S


@settings(derandomize=True, max_examples=60, deadline=None)
@given(moments, st.integers(1, 12), st.integers(1, 8))
def test_granting_a_working_day_moves_the_due_instant_by_a_working_day(accepted, days, granted):
    stops = [Suspension(accepted, None, granted, Unit.WORKDAY, "x")]
    for mode in Mode:
        assert due_at(CALENDAR, mode, accepted, days, stops) == due_at(
            CALENDAR, mode, accepted, days + granted
        )


def test_facts_that_cannot_be_are_refused_in_words():
    with pytest.raises(InputError, match=r"^limits.suspension_order"):
        stop("2018-10-16T09:00:00", "2018-10-16T08:59:59", 3)
    for days in (-1, LIMIT_DAYS_MAX + 1):
        with pytest.raises(InputError, match=r"^limits.days"):
            stop("2018-10-16T09:00:00", None, days)
        with pytest.raises(InputError, match=r"^limits.days"):
            due_at(CALENDAR, Mode.EXACT, MONDAY, days)
    with pytest.raises(InputError, match=r"^limits.no_timezone"):
        due_at(CALENDAR, Mode.EXACT, MONDAY.replace(tzinfo=None), 5)
    many = [stop("2018-10-16T09:00:00", None, 1)] * (SUSPENSIONS_MAX + 1)
    with pytest.raises(InputError, match=r"^limits.suspensions"):
        due_at(CALENDAR, Mode.EXACT, MONDAY, 5, many)
