"""A table that people look at, print or take along: columns with meaning, one value for the page and the spreadsheet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.clock import from_iso, local
from core.errors import Lang
from core.numbers import permille_of, yuan_of

Row = Mapping[str, Any]


class Kind(StrEnum):
    """How a value is read. A time is ISO 8601 in UTC or aware; a share is 0 to 1; money is fen; a span is seconds."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    TIME = "time"
    SPAN = "span"

    @property
    def is_number(self) -> bool:
        return self in (Kind.COUNT, Kind.SHARE, Kind.MONEY, Kind.SPAN)


@dataclass(frozen=True, slots=True)
class Column:
    """``link`` gives the address that a cell leads to, or None."""

    key: str
    zh: str
    en: str
    kind: Kind = Kind.TEXT
    link: Callable[[Row], str | None] = field(default=lambda row: None)

    def text(self, lang: Lang) -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Table:
    """``name`` is that of the file; ``total`` a last row of sums, if there is one."""

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    total: Row | None = None

    def text(self, lang: Lang) -> str:
        return self.en if lang == "en" else self.zh

    @property
    def all_rows(self) -> tuple[Row, ...]:
        return (*self.rows, *([self.total] if self.total is not None else []))


def shown(kind: Kind, value: Any, lang: Lang = "zh") -> str:
    """A value as people read it; an em dash where there is none."""
    if value is None or value == "":
        return "—"
    match kind:
        case Kind.COUNT:
            return f"{value:,}"
        case Kind.SHARE:
            return f"{permille_of(value) / 10:.1f}%"
        case Kind.MONEY:
            return str(yuan_of(value))
        case Kind.TIME:
            text = local(from_iso(value) if isinstance(value, str) else value)
            return f"{text[:16]} {text[20:]}"
        case Kind.SPAN:
            return span(value, lang)
        case _:
            return str(value)


def span(seconds: float, lang: Lang = "zh") -> str:
    """``3 小时 5 分``: the two largest units, down to seconds."""
    left = round(abs(seconds))
    parts: list[str] = []
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分", "min"), (1, "秒", "s")):
        count, left = divmod(left, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {en if lang == 'en' else zh}")
    return ("-" if seconds < 0 else "") + " ".join(parts[:2])
