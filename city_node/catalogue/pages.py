"""The pages of catalogue and calendar: versions, what differs, a year, and who has which."""

from datetime import date
from typing import Any

from city_node.app import City
from city_node.catalogue import calendar_sheets, drafting, item_sheets
from city_node.catalogue.differences import catalogue_differences
from city_node.catalogue.draft_pages import DraftPages
from city_node.catalogue.versions import versions_table
from city_node.catalogue.words import WORDS
from core.calendar import WorkCalendar
from core.catalogue import Catalogue
from core.desk.sections import Page, Section, Wing
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit
from core.errors import InputError, Lang
from core.messages import CASE_ROLES, Role
from core.store.shelf import CALENDAR

EDITORS = frozenset({Role.CATALOGUE_EDITOR})
READERS = CASE_ROLES | {Role.WINDOW_HEAD} | EDITORS


class CataloguePages:
    """Handlers over one city's office."""

    def __init__(self, app: City) -> None:
        self._app = app
        self._draft = DraftPages(app)

    def wing(self) -> Wing:
        draft = self._draft
        pages = (
            Page("/catalogue", self.overview),
            Page("/catalogue/compare", self.compare),
            Page("/catalogue/year", self.year),
            Page("/catalogue/xlsx/{kind}", self.take_along),
            Page("/catalogue/draft/{kind}", draft.show, roles=EDITORS),
            Page("/catalogue/draft/{kind}/xlsx", draft.take_along, roles=EDITORS),
            Page("/catalogue/draft/{kind}/open", draft.open, "POST", EDITORS),
            Page("/catalogue/draft/{kind}/import", draft.bring, "POST", EDITORS),
            Page("/catalogue/draft/{kind}/head", draft.save_head, "POST", EDITORS),
            Page("/catalogue/draft/{kind}/item/{code}", draft.item_page, roles=EDITORS),
            Page("/catalogue/draft/{kind}/item/{code}", draft.save_item, "POST", EDITORS),
            Page("/catalogue/draft/{kind}/do/{act}", draft.act, "POST", EDITORS),
        )
        return Wing("city_node.catalogue", (Section("nav.catalogue", pages, READERS),), WORDS)

    def overview(self, visit: Visit) -> Answer:
        """Every version with its date, the drafts, and which node works by which."""
        context = visit.context
        with context.db.reading() as tx:
            context.office.refresh(tx)
            drafts = {kind: drafting.find(tx, kind) for kind in drafting.KINDS}
            nodes = versions_table(context, tx, visit.lang)
            history = {kind: drafting.history(tx, kind, 20) for kind in drafting.KINDS}
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(nodes)
        may_edit = not EDITORS.isdisjoint(visit.signed_in.officer.roles)
        calendar = context.office.shelf.calendar
        return visit.page(
            "catalogue.html",
            versions=_versions_table(visit, context.office.shelf.catalogues.versions),
            calendar=calendar,
            drafts=drafts,
            nodes=nodes,
            history=history,
            may_edit=may_edit,
            published=_number(visit.query("published")),
            dropped=visit.query("dropped") == "1",
        )

    def compare(self, visit: Visit) -> Answer:
        """Two versions of the catalogue, value by value."""
        catalogues = visit.context.office.shelf.catalogues
        old, new = (catalogues.at(_number(visit.query(name))) for name in ("old", "new"))
        found = catalogue_differences(old, new)
        return visit.page("compare.html", old=old.version, new=new.version, differences=found)

    def year(self, visit: Visit) -> Answer:
        """One year of the calendar in force: its days off, its make-up days, its working days."""
        calendar = visit.context.office.shelf.calendar
        year = _number(visit.query("year")) or calendar.last_year
        if not calendar.first_year <= year <= calendar.last_year:
            raise InputError(
                "catalogue.year",
                zh=f"日历只有 {calendar.first_year} 至 {calendar.last_year} 年。",
                en=f"The calendar knows {calendar.first_year} to {calendar.last_year} only.",
            )
        table = _year_table(calendar, year, visit.lang)
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(table)
        return visit.page(
            "year.html",
            year=year,
            years=range(calendar.last_year, calendar.first_year - 1, -1),
            table_of_year=table,
            workdays=workdays_of(calendar, year),
        )

    def take_along(self, visit: Visit) -> Answer:
        """What is published, as the sheets that can be imported."""
        shelf = visit.context.office.shelf
        if drafting.check_kind(visit.request.path_params["kind"]) == CALENDAR:
            return visit.spreadsheet(*calendar_sheets.tables_of(shelf.calendar))
        wanted = _number(visit.query("version"))
        return visit.spreadsheet(*item_sheets.tables_of(shelf.catalogues.at(wanted)))


def workdays_of(calendar: WorkCalendar, year: int) -> int:
    """Working days of a year that the calendar knows."""
    first = calendar.workdays_before(date(year, 1, 1))
    is_last = year == calendar.last_year
    return (calendar.workday_count if is_last else calendar.workdays_before(date(year + 1, 1, 1))) - first


def _versions_table(visit: Visit, versions: tuple[Catalogue, ...]) -> Table:
    words, today = visit.house.words, visit.context.office.shelf.today
    in_force = max((one.version for one in versions if one.effective_from <= today), default=0)
    rows: list[dict[str, Any]] = []
    for at in range(len(versions) - 1, -1, -1):
        one = versions[at]
        # A version below the one in force never is again, whatever its date.
        standing = "in_force" if one.version == in_force else "past" if one.version < in_force else "coming"
        rows.append(
            {
                "version": one.version,
                "effective": one.effective_from.isoformat(),
                "items": len(one.items),
                "standing": visit.say(f"cat.{standing}"),
                "compare": visit.say("cat.compare") if at else "",
                "before": versions[at - 1].version if at else 0,
                "export": visit.say("cat.export"),
            }
        )
    return Table(
        "catalogue",
        *words["cat.catalogue"],
        (
            Column("version", *words["cat.version"], Kind.COUNT),
            Column("effective", *words["cat.effective"]),
            Column("items", *words["cat.items"], Kind.COUNT),
            Column("standing", *words["cat.standing"]),
            Column(
                "compare",
                *words["cat.compare"],
                link=lambda row: (
                    f"/catalogue/compare?old={row['before']}&new={row['version']}" if row["before"] else None
                ),
            ),
            Column(
                "export",
                *words["cat.export"],
                link=lambda row: f"/catalogue/xlsx/catalogue?version={row['version']}",
            ),
        ),
        rows,
    )


def _year_table(calendar: WorkCalendar, year: int, lang: Lang) -> Table:
    at = lang == "en"
    listed = [(day, name, ("放假", "day off")[at]) for day, name in calendar.off]
    listed += [(day, name, ("补班", "make-up day")[at]) for day, name in calendar.make_up]
    weekdays = (
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        if at
        else [f"周{char}" for char in "一二三四五六日"]
    )
    rows = [
        {"day": day.isoformat(), "weekday": weekdays[day.weekday()], "name": name, "what": what}
        for day, name, what in sorted(listed)
        if day.year == year
    ]
    return Table(
        f"calendar-{year}",
        f"{year} 年日历",
        f"Calendar {year}",
        (
            Column("day", "日期", "Day"),
            Column("weekday", "星期", "Weekday"),
            Column("name", "名称", "Holiday"),
            Column("what", "安排", "What"),
        ),
        rows,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0
