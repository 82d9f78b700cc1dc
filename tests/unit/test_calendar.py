"""Working days as published: make-up days worked, holidays off, unknown years refused, never guessed."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendar import BYTES_MAX, LISTED_DAYS_MAX, WORKDAYS_MAX, encode, load_calendar, parse_calendar
from core.errors import InputError, StateError

known_days = st.dates(date(2007, 1, 1), date(2026, 12, 31))


def test_the_national_day_holiday_of_2015_and_its_make_up_saturday():
    calendar = load_calendar()
    assert calendar.is_workday(date(2015, 9, 30))
    assert not any(calendar.is_workday(date(2015, 10, day)) for day in range(1, 8))
    assert calendar.is_workday(date(2015, 10, 10))
    assert not calendar.is_workday(date(2015, 10, 11))
    assert calendar.add_workdays(date(2015, 9, 30), 1) == date(2015, 10, 8)
    assert calendar.add_workdays(date(2015, 9, 30), 3) == date(2015, 10, 10)
    assert calendar.add_workdays(date(2015, 10, 3), 4) == date(2015, 10, 12)
    before = calendar.workdays_before(date(2015, 9, 30))
    assert calendar.workdays_before(date(2015, 10, 12)) == before + 4
    assert calendar.nth_workday(before + 1) == date(2015, 10, 8)


def test_a_holiday_named_by_next_years_notice_counts_in_the_year_it_falls():
    assert not load_calendar().is_workday(date(2007, 12, 31))
    assert load_calendar().is_workday(date(2007, 12, 29))


@pytest.mark.parametrize("day", [date(2006, 12, 30), date(2006, 12, 29), date(2027, 1, 1)])
def test_an_unknown_year_is_an_error_in_words_even_where_single_days_are_listed(day):
    calendar = load_calendar()
    for question in (
        calendar.is_workday,
        calendar.workdays_before,
        lambda day: calendar.add_workdays(day, 1),
    ):
        with pytest.raises(StateError, match=r"^calendar.unknown_year") as caught:
            question(day)
        assert str(day.year) in caught.value.zh


def test_counting_past_the_last_known_day_is_an_error_and_not_a_guess():
    calendar = load_calendar()
    assert calendar.known_until == date(2026, 12, 31)
    assert calendar.add_workdays(date(2026, 12, 30), 1) == date(2026, 12, 31)
    with pytest.raises(StateError, match=r"^calendar.unknown_year") as caught:
        calendar.add_workdays(date(2026, 12, 31), 1)
    assert "2027" in caught.value.zh


@settings(derandomize=True, max_examples=60)
@given(known_days, st.integers(1, 60))
def test_adding_counts_exactly_the_working_days_walked_over(day, count):
    calendar = load_calendar()
    walked, expected = day, 0
    while expected < count and walked < calendar.known_until:
        walked += timedelta(days=1)
        expected += calendar.is_workday(walked)
    if expected < count:
        with pytest.raises(StateError):
            calendar.add_workdays(day, count)
    else:
        assert calendar.add_workdays(day, count) == walked
        passed = calendar.workdays_before(walked) - calendar.workdays_before(day)
        assert passed == count - 1 + calendar.is_workday(day)


@pytest.mark.parametrize("count", [0, -1, WORKDAYS_MAX + 1])
def test_a_count_out_of_bounds_is_refused(count):
    with pytest.raises(InputError, match=r"^calendar.count"):
        load_calendar().add_workdays(date(2015, 10, 8), count)


def test_a_published_calendar_comes_back_as_it_was_encoded():
    calendar = load_calendar()
    assert parse_calendar(encode(calendar)) == calendar
    assert (calendar.version, calendar.first_year, calendar.last_year) == (1, 2007, 2026)
    assert "holiday-cn" in dict(calendar.meta)["source"]
    assert hash(calendar) == hash(parse_calendar(encode(calendar)))


def small(**changes: object) -> bytes:
    table: dict[str, object] = {
        "_meta": {"source": "test"},
        "version": 2,
        "first_year": 2027,
        "last_year": 2027,
        "off": {"2027-01-01": "元旦"},
        "make_up_workday": {"2027-01-03": "元旦"},
    }
    table.update(changes)
    return json.dumps({key: value for key, value in table.items() if value is not None}).encode()


def test_an_update_makes_its_year_known():
    calendar = parse_calendar(small())
    assert calendar.version == 2
    assert calendar.add_workdays(date(2027, 1, 1), 1) == date(2027, 1, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": True},
        {"version": "2"},
        {"first_year": 1900},
        {"last_year": 2026},
        {"last_year": 2127},
        {"last_year": 2028},
        {"off": []},
        {"off": {}},
        {"off": {"2027-01-02": "周六"}},
        {"off": {"2027-02-29": "元旦"}},
        {"off": {"20270101": "元旦"}},
        {"off": {"0001-01-01": "元旦"}},
        {"off": {"2027-01-01": ""}},
        {"off": {"2027-01-01": "元" * 41}},
        {"off": {"2027-01-01": 1}},
        {"off": {"2027-01-01": "元旦\n"}},
        {"off": {"2027-01-01": "元旦", "2027-01-03": "元旦"}},
        {"off": {str(number): "x" for number in range(LISTED_DAYS_MAX + 1)}},
        {"make_up_workday": None},
        {"extra": 1},
        {"_meta": "test"},
        {"_meta": {"source": 1}},
        {"_meta": {"source": "x" * 501}},
        {"_meta": {str(number): "x" for number in range(11)}},
    ],
)
def test_a_calendar_that_is_not_in_order_is_refused_and_the_old_one_stays(changes):
    with pytest.raises(InputError, match=r"^calendar.malformed") as caught:
        parse_calendar(small(**changes))
    assert "原日历继续有效" in caught.value.zh


@pytest.mark.parametrize("data", [b"[]", b"null", b"7"])
def test_a_calendar_is_an_object(data):
    with pytest.raises(InputError, match=r"^calendar.malformed"):
        parse_calendar(data)


def test_a_calendar_is_bounded_before_it_is_read():
    with pytest.raises(InputError, match=r"^json.too_long"):
        parse_calendar(b" " * (BYTES_MAX + 1))
    with pytest.raises(InputError, match=r"^json.too_deep"):
        parse_calendar(b'{"_meta":{"a":{}}}')
    with pytest.raises(InputError, match=r"^json.malformed"):
        parse_calendar(b"{")
