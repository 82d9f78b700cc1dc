"""Dates and sums as documents write them."""

from datetime import date, datetime

from core.clock import CHINA

_DIGITS = "〇一二三四五六七八九"
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def china_date(instant: datetime) -> date:
    """The day on which it was in China."""
    return instant.astimezone(CHINA).date()


def date_in_numerals(day: date, lang: str = "zh") -> str:
    """``2026年3月2日``, ``2 March 2026``: within a sentence."""
    if lang == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def date_in_characters(day: date, lang: str = "zh") -> str:
    """``二〇二六年三月二日``: under a document (GB/T 9704 leaves the choice; a decision of consequence uses characters)."""
    if lang == "en":
        return date_in_numerals(day, lang)
    year = "".join(_DIGITS[int(digit)] for digit in f"{day.year:04d}")
    return f"{year}年{_small(day.month)}月{_small(day.day)}日"


def _small(number: int) -> str:
    """1 to 99 as it is said: 十, 十一, 二十, 三十一."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones or not tens else "")
