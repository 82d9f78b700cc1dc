"""The report: volume, share in time, time in transit, satisfaction; as tables, charts and spreadsheets."""

from typing import Any
from urllib.parse import urlencode

from city_node.ledgers import report
from city_node.ledgers.report import BY, Span
from city_node.ledgers.words import WORDS
from core.clock import CHINA
from core.desk.charts import Series, bars, columns
from core.desk.days import midnight_of
from core.desk.facts import place_name
from core.desk.sections import Page, Section, Wing
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit
from core.messages import CASE_ROLES, Role

HOUR_S = 3600
SHOWN_MAX = 20
"""Bars of a chart; the table has them all."""


def wing() -> Wing:
    """The section of the city's desk."""
    pages = (Page("/reports", report_page),)
    return Wing("city_node.ledgers", (Section("nav.reports", pages, CASE_ROLES | {Role.WINDOW_HEAD}),), WORDS)


def report_page(visit: Visit) -> Answer:
    """Cases accepted in a span of days, grouped as asked; an officer of a department sees that department."""
    now = visit.context.world.now().astimezone(CHINA)
    by = visit.query("by") if visit.query("by") in BY else "month"
    with visit.context.db.reading() as tx:
        span = Span(
            _day(visit.query("since"), f"{now.year}-01-01"),
            _day(visit.query("until"), now.date().isoformat()),
            visit.signed_in.officer.department,
        )
        rows = report.accepted(tx, by, span)
        handed_in = report.submitted(tx, span)
        first = report.first_day(tx)
    for row in rows:
        row["name"] = _name(visit, by, row["key"])
    total = report.total(rows) | {"name": visit.say("reports.total")} if rows else None
    table = Table("report", "办件统计", "Cases", _columns(visit, by), rows, total)
    if visit.query("format") == "xlsx":
        return visit.spreadsheet(table)
    chosen = {"by": by, "since": span.since, "until": span.until}
    return visit.page(
        "reports.html",
        sheet=table,
        total=total,
        chosen=chosen,
        choices=BY,
        charts=_charts(visit, by, rows, handed_in) if rows else (),
        first=first,
        address="?" + urlencode(chosen | {"format": "xlsx"}),
    )


def _columns(visit: Visit, by: str) -> tuple[Column, ...]:
    words, count = visit.house.words, Kind.COUNT
    named = (
        ("accepted", count),
        ("completed", count),
        ("completed_share", Kind.SHARE),
        ("late", count),
        ("in_time_share", Kind.SHARE),
        ("delivered", count),
        ("used_s", Kind.SPAN),
        ("transit_s", Kind.SPAN),
        ("bill_fen", Kind.MONEY),
        ("paid_fen", Kind.MONEY),
        ("satisfied_share", Kind.SHARE),
    )
    return (
        Column("name", *words[f"reports.by_{by}"]),
        *(Column(key, *words[f"reports.{key}"], kind) for key, kind in named),
    )


def _charts(visit: Visit, by: str, rows: list[dict[str, Any]], handed_in: dict[str, int]) -> list[Any]:
    say = visit.say
    if by == "month":
        months = [row["key"] for row in rows]
        late = [row["late"] for row in rows]
        in_time = [row["completed"] - row["late"] for row in rows]
        open_ones = [row["accepted"] - row["completed"] for row in rows]
        volume = [
            Series(say("reports.in_time"), in_time, "c2"),
            Series(say("reports.late"), late, "red"),
            Series(say("reports.open"), open_ones, "c4"),
        ]
        return [
            columns(say("reports.chart_volume"), months, volume),
            columns(
                say("reports.chart_handed_in"),
                list(handed_in),
                [Series(say("reports.handed_in"), list(handed_in.values()))],
            ),
        ]
    largest = sorted(rows, key=lambda row: -row["accepted"])[:SHOWN_MAX]
    names = [str(row["name"])[:12] for row in largest]
    slow = [round((row["transit_s"] or 0) / HOUR_S, 1) for row in largest]
    return [
        bars(
            say("reports.chart_volume"),
            names,
            [Series(say("reports.accepted"), [row["accepted"] for row in largest])],
        ),
        bars(say("reports.chart_transit"), names, [Series(say("reports.transit_s"), slow, "c3")], " h"),
    ]


def _name(visit: Visit, by: str, key: str) -> str:
    if by in ("region", "node"):
        return place_name(key, visit.lang)
    if by == "item":
        shelf = visit.context.office.shelf
        item = shelf.item(key, shelf.version) if shelf.version else None
        return item.title(visit.lang) if item is not None else key
    return key or "—"


def _day(text: str, otherwise: str) -> str:
    return midnight_of(text, "reports.date").date().isoformat() if text else otherwise
