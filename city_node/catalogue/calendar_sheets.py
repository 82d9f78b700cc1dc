"""The working calendar as sheets and back: the years it knows, days off, make-up days."""

from collections.abc import Sequence
from typing import Any

from city_node.catalogue.sheetbook import DATE, WHOLE, Fault, Line, Sheet, SheetColumn, read_book
from core.calendar import WorkCalendar, parse_calendar
from core.canonical import canonical_json
from core.desk.table import Table
from core.errors import InputError

_DAY, _NAME = SheetColumn("day", "日期", "Day", DATE), SheetColumn("name", "名称", "Name")
YEARS = Sheet(
    "years",
    "年份",
    "Years",
    (
        SheetColumn("version", "版本号", "Version", WHOLE),
        SheetColumn("first_year", "起始年", "First year", WHOLE),
        SheetColumn("last_year", "截止年", "Last year", WHOLE),
    ),
)
OFF = Sheet("off", "放假", "Days off", (_DAY, _NAME))
MAKE_UP = Sheet("make_up_workday", "补班", "Make-up days", (_DAY, _NAME))
SHEETS = (YEARS, OFF, MAKE_UP)


def tables_of(calendar: WorkCalendar) -> list[Table]:
    """The whole calendar to take along, edit and bring back."""
    head = {
        "version": calendar.version,
        "first_year": calendar.first_year,
        "last_year": calendar.last_year,
    }
    listed = ((OFF, calendar.off), (MAKE_UP, calendar.make_up))
    return [
        YEARS.table([head], f"calendar-{calendar.version}"),
        *(
            sheet.table([{"day": day.isoformat(), "name": name} for day, name in days])
            for sheet, days in listed
        ),
    ]


def read_calendar(data: bytes, draft: WorkCalendar) -> tuple[WorkCalendar | None, list[Fault]]:
    """The calendar that the sheets make, None where anything at all is wrong with them.

    Raises ``InputError`` (``xlsx.*``) for what is no spreadsheet or too large.
    """
    lines, faults = read_book(data, SHEETS)
    if not faults:
        faults = [*_head_faults(lines["years"], draft), *_day_faults(lines)]
    if faults:
        return None, faults
    head = dict(lines["years"][0].values)
    days = {
        sheet.key: {line.values["day"]: line.values["name"] for line in lines[sheet.key]}
        for sheet in (OFF, MAKE_UP)
    }
    plain: dict[str, Any] = {"_meta": dict(draft.meta), **head, **days}
    try:
        return parse_calendar(canonical_json(plain)), []
    except InputError as error:
        return None, [Fault(YEARS, 0, None, error.zh, error.en, "请按说明改正", "mend it as it says")]


def _head_faults(lines: Sequence[Line], draft: WorkCalendar) -> list[Fault]:
    if len(lines) == 1 and lines[0].values["version"] == draft.version:
        return []
    return [
        Fault(
            YEARS,
            2,
            YEARS.columns[0],
            "版本号不是这份草稿的",
            "this is not the version of the draft",
            f"只留一行，版本号填 {draft.version}",
            f"keep one row, with version {draft.version}",
        )
    ]


def _day_faults(lines: dict[str, list[Line]]) -> list[Fault]:
    """A day that is listed twice, on one sheet or on both: named at its second row."""
    seen: dict[str, str] = {}
    faults = []
    for sheet in (OFF, MAKE_UP):
        for line in lines[sheet.key]:
            day = line.values["day"]
            if day in seen:
                zh, en = f"{day} 已列在“{seen[day]}”表中", f"{day} stands on the sheet {seen[day]} already"
                faults.append(
                    Fault(sheet, line.row, _DAY, zh, en, "请删去其中一行", "remove one of the rows")
                )
            if not line.values["name"]:
                faults.append(
                    Fault(
                        sheet,
                        line.row,
                        _NAME,
                        "没有填",
                        "nothing is there",
                        "请填节日名称",
                        "give the holiday",
                    )
                )
            seen.setdefault(day, sheet.zh)
    return faults
