"""Which days are working days: a published table of holidays and make-up days, versioned, never guessed.

Days the table does not list follow the week: Monday to Friday work, Saturday and Sunday off. A year is known only
when the table says so; days listed outside the known years (make-up days of a New Year's holiday) do not make
their year known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Any

from core.canonical import canonical_json, parse_json
from core.errors import InputError, StateError

BYTES_MAX = 256 << 10
YEARS_MAX = 100
LISTED_DAYS_MAX = 10_000
NAME_CHARS_MAX = 40
META_ENTRIES_MAX = 10
META_CHARS_MAX = 500
VERSION_MAX = 1_000_000
WORKDAYS_MAX = 5_000

_KEYS = {"_meta", "version", "first_year", "last_year", "off", "make_up_workday"}


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The working days of ``first_year`` to ``last_year``; a greater ``version`` replaces a smaller one."""

    version: int
    first_year: int
    last_year: int
    off: tuple[tuple[date, str], ...] = field(repr=False)
    make_up: tuple[tuple[date, str], ...] = field(repr=False)
    meta: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    _worked: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _workdays: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        off, make_up = dict(self.off), dict(self.make_up)
        first, last = date(self.first_year, 1, 1), date(self.last_year, 12, 31)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        works = [day in make_up or (day.weekday() < 5 and day not in off) for day in days]
        # _worked[n] = working days among the first n known days: every question below is then one look-up.
        object.__setattr__(self, "_worked", tuple(accumulate(works, initial=0)))
        object.__setattr__(
            self, "_workdays", tuple(day for day, work in zip(days, works, strict=True) if work)
        )

    @property
    def known_until(self) -> date:
        """The last day the table knows."""
        return date(self.last_year, 12, 31)

    @property
    def workday_count(self) -> int:
        """All working days the table knows."""
        return len(self._workdays)

    def is_workday(self, day: date) -> bool:
        """Raises ``StateError`` (``calendar.unknown_year``), as all questions here do."""
        index = self._index(day)
        return self._worked[index + 1] > self._worked[index]

    def add_workdays(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``, which is itself not counted; 1 ≤ count ≤ ``WORKDAYS_MAX``.

        Raises ``InputError`` (``calendar.count``) besides.
        """
        if not 1 <= count <= WORKDAYS_MAX:
            raise InputError(
                "calendar.count",
                zh=f"工作日数应为 1 至 {WORKDAYS_MAX}，现为 {count}，请核对事项时限。",
                en=f"A count of working days lies between 1 and {WORKDAYS_MAX}, not {count}. "
                "Please check the limit of the item.",
            )
        index = self._index(day)
        return self.nth_workday(self._worked[index + 1] + count - 1)

    def workdays_before(self, day: date) -> int:
        """Working days from the first known day up to, not including, ``day``: a scale to measure on."""
        return self._worked[self._index(day)]

    def nth_workday(self, number: int) -> date:
        """The day that :func:`workdays_before` gives ``number`` for, a working day; ``number`` ≥ 0."""
        if number >= len(self._workdays):
            raise self._unknown(self.last_year + 1)
        return self._workdays[number]

    def _index(self, day: date) -> int:
        if not self.first_year <= day.year <= self.last_year:
            raise self._unknown(day.year)
        return (day - date(self.first_year, 1, 1)).days

    def _unknown(self, year: int) -> StateError:
        return StateError(
            "calendar.unknown_year",
            zh=f"{year} 年的工作日历尚未发布（现有 {self.first_year} 至 {self.last_year} 年），期限暂不能计算，"
            "请等待或联系市级发布新日历。",
            en=f"The working calendar of {year} is not published here (known: {self.first_year} to "
            f"{self.last_year}), so the limit cannot be computed. Please wait for the city's new calendar, "
            "or ask for it.",
        )


@cache
def load_calendar() -> WorkCalendar:
    """The calendar the product ships with: 2007 to 2026, from the State Council's yearly notices."""
    return parse_calendar(resources.files("core").joinpath("data", "workdays.json").read_bytes())


def parse_calendar(json_bytes: bytes) -> WorkCalendar:
    """A calendar as the city publishes it; the inverse of :func:`encode`.

    Keys ``version``, ``first_year``, ``last_year``, ``off`` and ``make_up_workday`` (ISO day: name), ``_meta``
    (where it comes from). Every known year must list a weekday off, since a year without a holiday is a year not
    yet published. Raises ``InputError`` (``json.*``, ``calendar.*``).
    """
    table = parse_json(json_bytes, bytes_max=BYTES_MAX, depth_max=2)
    if not isinstance(table, dict) or set(table) != _KEYS:
        raise _malformed(
            f"应有且只有 {'、'.join(sorted(_KEYS))}", f"its keys must be {', '.join(sorted(_KEYS))}"
        )
    version = _integer(table, "version", 1, VERSION_MAX)
    first_year = _integer(table, "first_year", 1950, 2200)
    last_year = _integer(table, "last_year", first_year, first_year + YEARS_MAX - 1)
    off, make_up = _days(table, "off"), _days(table, "make_up_workday")
    both = sorted(off.keys() & make_up.keys())
    if both:
        raise _malformed(
            f"{both[0]} 既列为放假又列为补班", f"{both[0]} is listed both as off and as make-up day"
        )
    published = {day.year for day in off if day.weekday() < 5}
    for year in range(first_year, last_year + 1):
        if year not in published:
            raise _malformed(f"{year} 年没有任何放假日", f"{year} has no holiday at all")
    return WorkCalendar(
        version=version,
        first_year=first_year,
        last_year=last_year,
        off=tuple(sorted(off.items())),
        make_up=tuple(sorted(make_up.items())),
        meta=tuple(sorted(_meta(table["_meta"]).items())),
    )


def encode(calendar: WorkCalendar) -> bytes:
    """Canonical JSON to publish or store; :func:`parse_calendar` gives the same calendar back."""
    return canonical_json(
        {
            "_meta": dict(calendar.meta),
            "version": calendar.version,
            "first_year": calendar.first_year,
            "last_year": calendar.last_year,
            "off": {day.isoformat(): name for day, name in calendar.off},
            "make_up_workday": {day.isoformat(): name for day, name in calendar.make_up},
        }
    )


def _integer(table: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = table[key]
    if type(value) is not int or not least <= value <= most:
        raise _malformed(
            f"{key} 应为 {least} 至 {most} 的整数", f"{key} must be an integer from {least} to {most}"
        )
    return value


def _days(table: Mapping[str, Any], key: str) -> dict[date, str]:
    listed = table[key]
    if not isinstance(listed, dict) or len(listed) > LISTED_DAYS_MAX:
        raise _malformed(
            f"{key} 应为至多 {LISTED_DAYS_MAX} 天", f"{key} must list at most {LISTED_DAYS_MAX} days"
        )
    days: dict[date, str] = {}
    for text, name in listed.items():
        if not _is_line(name, NAME_CHARS_MAX):
            raise _malformed(
                f"{key} 中的节日名称不合规定", f"a name in {key} is empty, too long or not printable"
            )
        days[_day(text, key)] = name
    return days


def _day(text: str, key: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    # fromisoformat reads other forms too (20151001); one day must have one form.
    if day == date.min or day.isoformat() != text:
        raise _malformed(
            f"{key} 中的“{text[:20]!r}”不是日期", f"{text[:20]!r} in {key} is not a day like 2015-10-01"
        )
    return day


def _meta(value: object) -> dict[str, str]:
    if (
        not isinstance(value, dict)
        or len(value) > META_ENTRIES_MAX
        or not all(_is_line(text, META_CHARS_MAX) for pair in value.items() for text in pair)
    ):
        raise _malformed(
            f"_meta 应为至多 {META_ENTRIES_MAX} 行说明",
            f"_meta must be at most {META_ENTRIES_MAX} lines of words",
        )
    return value


def _is_line(text: object, chars_max: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= chars_max and text.isprintable()


def _malformed(zh: str, en: str) -> InputError:
    return InputError(
        "calendar.malformed",
        zh=f"工作日历不合规定：{zh}。未采用，原日历继续有效。",
        en=f"The working calendar is not in order: {en}. It was not taken over; the old one stays in force.",
    )
