"""Sheets as data: which columns they have, how a cell is written and read, and what is wrong with one, by its place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.desk.table import Column, Kind, Table
from core.desk.xlsx import read_rows
from core.errors import InputError, Lang

FAULTS_MAX = 500
"""More than this nobody mends one by one; the report says that there are more."""
OPTION_MARK = "|"
YES, NO = "是", "否"


@dataclass(frozen=True, slots=True)
class Cell:
    """How a value stands in a cell: ``write`` to it, ``read`` from it (raises ``ValueError``), and what to write there."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    zh: str
    en: str
    kind: Kind = Kind.TEXT


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(value)
    return str(value)


def _whole_of(value: Any) -> int | None:
    text = _text_of(value)
    if not text:
        return None
    if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 15:
        raise ValueError(text)
    return int(text)


def _money_of(value: Any) -> str:
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(value) from error
    if isinstance(value, bool) or not amount.is_finite() or amount != round(amount, 2):
        raise ValueError(value)
    return f"{amount:.2f}"


def _date_of(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return date.fromisoformat(_text_of(value)).isoformat()


TEXT = Cell(lambda value: value, _text_of, "文字", "text")
WHOLE = Cell(lambda value: value, _whole_of, "整数，没有则留空", "a whole number, or nothing", Kind.COUNT)
MONEY = Cell(
    lambda value: value,
    _money_of,
    "金额（元），至多两位小数，如 10.00",
    "yuan with at most two places, such as 10.00",
)
DATE = Cell(lambda value: value, _date_of, "日期，如 2027-01-01", "a date such as 2027-01-01")


def one_of(words: Mapping[str, Any]) -> Cell:
    """One of some words, each of which stands for a value."""
    by_value = {value: word for word, value in words.items()}

    def read(value: Any) -> Any:
        text = _text_of(value)
        if text not in words:
            raise ValueError(text)
        return words[text]

    names = "、".join(words)
    return Cell(lambda value: by_value[value], read, f"以下之一：{names}", f"one of: {names}")


def many_of(words: Mapping[str, Any]) -> Cell:
    """Several of some words, with 、 between."""
    one = one_of(words)
    names = "、".join(words)
    return Cell(
        lambda values: "、".join(one.write(value) for value in values),
        lambda value: [
            one.read(word) for word in _text_of(value).replace(",", "、").replace("，", "、").split("、")
        ],
        f"一个或几个（用、隔开）：{names}",
        f"one or more, with 、 between: {names}",
    )


YES_NO = one_of({YES: True, NO: False})
OPTIONS = Cell(
    lambda values: OPTION_MARK.join(values),
    lambda value: [word.strip() for word in _text_of(value).split(OPTION_MARK) if word.strip()],
    f"各选项用 {OPTION_MARK} 隔开",
    f"options with {OPTION_MARK} between",
)


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """``key`` is the value's name; ``zh`` and ``en`` head the column."""

    key: str
    zh: str
    en: str
    cell: Cell = TEXT


@dataclass(frozen=True, slots=True)
class Sheet:
    key: str
    zh: str
    en: str
    columns: tuple[SheetColumn, ...]

    def column(self, key: str) -> SheetColumn | None:
        return next((column for column in self.columns if column.key == key), None)

    def table(self, rows: Sequence[Mapping[str, Any]], name: str = "") -> Table:
        """The sheet to take along."""
        columns = tuple(Column(one.key, one.zh, one.en, one.cell.kind) for one in self.columns)
        written = [{one.key: one.cell.write(row[one.key]) for one in self.columns} for row in rows]
        return Table(name or self.key, self.zh, self.en, columns, written)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong where, and how to mend it. Row 1 is the head, 0 the whole sheet; ``column`` may be empty."""

    sheet: Sheet
    row: int
    column: SheetColumn | None
    zh: str
    en: str
    do_zh: str
    do_en: str

    def facts(self, lang: Lang) -> dict[str, Any]:
        """For the report: sheet, row, column, what, what to do."""
        at = lang == "en"
        column = "" if self.column is None else self.column.en if at else self.column.zh
        return {
            "sheet": self.sheet.en if at else self.sheet.zh,
            "row": self.row or "",
            "column": column,
            "what": self.en if at else self.zh,
            "do": self.do_en if at else self.do_zh,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it was read: ``values`` by key; a cell that could not be read is not there."""

    row: int
    values: Mapping[str, Any]


def read_book(data: bytes, sheets: Sequence[Sheet]) -> tuple[dict[str, list[Line]], list[Fault]]:
    """The rows of every sheet by its key, and all that is wrong with cells and heads.

    Raises ``InputError`` (``xlsx.*``) for what is no spreadsheet or too large.
    """
    lines: dict[str, list[Line]] = {}
    faults: list[Fault] = []
    for sheet in sheets:
        lines[sheet.key] = list(_lines(data, sheet, faults))
    return lines, faults


def _lines(data: bytes, sheet: Sheet, faults: list[Fault]) -> Iterator[Line]:
    heads: dict[int, SheetColumn] = {}
    for number, values in _rows(data, sheet, faults):
        if number == 1:
            heads = _heads(sheet, values, faults)
        elif any(value not in (None, "") for value in values):
            yield Line(number, dict(_cells(sheet, number, heads, values, faults)))


def _rows(data: bytes, sheet: Sheet, faults: list[Fault]) -> Iterator[tuple[int, list[Any]]]:
    for name in (sheet.zh, sheet.en):
        try:
            yield from read_rows(data, name)
            return
        except InputError as error:
            if error.code != "xlsx.sheet":
                raise
    faults.append(
        Fault(
            sheet,
            0,
            None,
            "缺少这张工作表",
            "this sheet is missing",
            "请从导出的表格改起",
            "start from an exported file",
        )
    )


def _heads(sheet: Sheet, values: Sequence[Any], faults: list[Fault]) -> dict[int, SheetColumn]:
    by_name = {name: column for column in sheet.columns for name in (column.zh, column.en)}
    heads: dict[int, SheetColumn] = {}
    for place, value in enumerate(values):
        if value in (None, ""):
            continue
        column = by_name.get(str(value))
        if column is None or column in heads.values():
            shown = "".join(char if char.isprintable() else "?" for char in str(value)[:40])
            zh, en = f"没有“{shown}”这一列，或列名重复", f"there is no column {shown!r}, or it stands twice"
            faults.append(Fault(sheet, 1, None, zh, en, "请删去这一列", "remove the column"))
        else:
            heads[place] = column
    for column in sheet.columns:
        if column not in heads.values():
            zh, en = "缺少这一列", "this column is missing"
            faults.append(
                Fault(sheet, 1, column, zh, en, "请从导出的表格改起", "start from an exported file")
            )
    return heads


def _cells(
    sheet: Sheet, row: int, heads: Mapping[int, SheetColumn], values: Sequence[Any], faults: list[Fault]
) -> Iterator[tuple[str, Any]]:
    for place, column in heads.items():
        value = values[place] if place < len(values) else None
        try:
            yield column.key, column.cell.read(value)
        except ValueError:
            shown = "".join(
                char if char.isprintable() else "?" for char in str(value if value is not None else "")[:40]
            )
            zh = f"“{shown}”读不懂" if shown else "没有填"
            en = f"{shown!r} cannot be read" if shown else "nothing is there"
            faults.append(
                Fault(sheet, row, column, zh, en, f"请填{column.cell.zh}", f"give {column.cell.en}")
            )
