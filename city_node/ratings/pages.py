"""The page of ratings: five levels by department and by place of registration, with the share that is content."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from city_node.ratings.register import LEVELS, Register, counted
from city_node.ratings.words import WORDS
from core.clock import CHINA
from core.desk.charts import Series, bars
from core.desk.facts import place_name
from core.desk.sections import Page, Section, Wing
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit
from core.messages import CASE_ROLES, Role

PERIODS = ("month", "year", "all")
CONTENT = (1, 2, 3)
"""Very satisfied, satisfied, fairly satisfied (GB/T 39046-2020 table A.8): what the national rules call favourable."""


class RatingPages:
    """Handlers over one register."""

    def __init__(self, register: Register) -> None:
        self._register = register

    def wing(self) -> Wing:
        pages = (Page("/ratings", self.show),)
        return Wing(
            "city_node.ratings", (Section("nav.ratings", pages, CASE_ROLES | {Role.WINDOW_HEAD}),), WORDS
        )

    def show(self, visit: Visit) -> Answer:
        self._register.catch_up(visit.context.db)
        period = visit.query("period") if visit.query("period") in PERIODS else "year"
        since = _since(period, visit.context.world.now())
        with visit.context.db.reading() as tx:
            found = {by: counted(tx, by, since) for by in ("department", "origin")}
        tables = [_table(visit, by, counts) for by, counts in found.items()]
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(*tables)
        totals = [sum(counts[level] for counts in found["department"].values()) for level in LEVELS]
        names = [visit.say(f"rating.{level}") for level in LEVELS]
        chart = bars(visit.say("ratings.chart"), names, [Series(visit.say("ratings.count"), totals)])
        return visit.page(
            "ratings.html", tables=tables, chart=chart if any(totals) else "", period=period, periods=PERIODS
        )


def _table(visit: Visit, by: str, found: Mapping[str, Mapping[int, int]]) -> Table:
    rows = [
        _row(place_name(name, visit.lang) if by == "origin" else name or "—", counts)
        for name, counts in found.items()
    ]
    rows.sort(key=lambda row: (-row["all"], row["who"]))
    sums = {level: sum(counts[level] for counts in found.values()) for level in LEVELS}
    words = visit.house.words
    head = words[f"ratings.by_{by}"]
    return Table(
        f"ratings-{by}",
        *head,
        (
            Column("who", *head),
            *(_level(visit, level) for level in LEVELS),
            Column("all", *words["ratings.count"], Kind.COUNT),
            Column("content", *words["ratings.content"], Kind.SHARE),
        ),
        rows,
        _row(visit.say("ratings.sum"), sums) if len(rows) > 1 else None,
    )


def _level(visit: Visit, level: int) -> Column:
    zh, en = (visit.house.say(f"rating.{level}", lang) for lang in ("zh", "en"))
    return Column(f"l{level}", zh, en, Kind.COUNT)


def _row(name: str, counts: Mapping[int, int]) -> dict[str, Any]:
    total = sum(counts.values())
    content = sum(counts[level] for level in CONTENT)
    levels = {f"l{level}": counts[level] for level in LEVELS}
    return {"who": name, "all": total, "content": content / total if total else None, **levels}


def _since(period: str, now: datetime) -> datetime:
    today = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "month":
        return today.replace(day=1)
    return today.replace(month=1, day=1) if period == "year" else datetime(2000, 1, 1, tzinfo=CHINA)
