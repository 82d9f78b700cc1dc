"""How many cases were accepted on which working day.

An assumption, stated: only the first half of 2015 is known (27,872 accepted, 27,822 completed); the years before rise
to it, and months and days share a year as an office's do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from core.calendar import WorkCalendar

YEARS: Mapping[int, int] = {2011: 48_000, 2012: 55_000, 2013: 59_500, 2014: 61_195, 2015: 27_872}
WHOLE = sum(YEARS.values())
OPEN_AT_THE_END = 50
"""Accepted and not completed when the books are looked at."""
LAST_DAY = date(2015, 6, 30)
NEVER_ACCEPTED = 0.015
"""Cases refused, withdrawn or still on their way, for each accepted one; they come on top."""
_MONTHS = (0.95, 0.8, 1.15, 1.1, 1.05, 1.0, 0.95, 0.95, 1.05, 0.95, 1.05, 1.0)
_TAIL = (20, 10, 6, 4, 3, 2, 2, 1, 1, 1)
"""How the open ones lie over the last working days, the last first."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """``accepted`` cases of a working day, of which ``left_open`` are not completed; ``turned_away`` never accepted."""

    day: date
    accepted: int
    left_open: int
    turned_away: int
    waiting: int
    """On top: handed in about this day, and not accepted yet when the books are looked at."""


def plan(calendar: WorkCalendar, cases: int, seed: int) -> list[DayPlan]:
    """The working days from 2011 to the last day, in order; ``cases`` are accepted in all."""
    chance = Random(f"{seed}/years")
    by_year = dict(zip(YEARS, shared(cases, list(YEARS.values())), strict=True))
    days: list[tuple[date, int]] = []
    for year, count in by_year.items():
        worked = _workdays(calendar, year)
        weights = [_MONTHS[day.month - 1] * chance.uniform(0.8, 1.2) for day in worked]
        days += zip(worked, shared(count, weights), strict=True)
    left = min(cases, OPEN_AT_THE_END * cases // WHOLE or 1)
    tail = shared(left, list(_TAIL))
    found = []
    for back, (day, accepted) in enumerate(reversed(days)):
        recent = back < len(tail)
        expected = accepted * NEVER_ACCEPTED
        turned_away = int(expected) + (chance.random() < expected % 1)
        found.append(
            DayPlan(
                day,
                accepted,
                min(accepted, tail[back]) if recent else 0,
                turned_away,
                accepted // 8 if back < 3 else 0,
            )
        )
    found.reverse()
    return found


def shared(whole: int, weights: Sequence[float]) -> list[int]:
    """``whole`` in parts as the weights have it: whole numbers that add up to it."""
    total = sum(weights)
    exact = [whole * weight / total for weight in weights]
    parts = [int(part) for part in exact]
    by_rest = sorted(range(len(parts)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_rest[: whole - sum(parts)]:
        parts[n] += 1
    return parts


def _workdays(calendar: WorkCalendar, year: int) -> list[date]:
    first, last = date(year, 1, 1), min(date(year, 12, 31), LAST_DAY)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if calendar.is_workday(day)]
