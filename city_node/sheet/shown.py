"""The sheet's figures as rows, tables and words for its pages."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from city_node.sheet.signing import digest_of, figures_of
from city_node.sheet.view import DayView, Entry
from core.desk.facts import place_name
from core.desk.table import Column, Kind, Table
from core.desk.visit import Visit
from core.identifiers import CaseId, Tier, parent_of, parse_division, tier_of
from core.sheet import EQUATIONS, Cause, Verdict, broken

GOOD = frozenset({Verdict.LEVEL})
BAD = frozenset(list(Verdict)[: list(Verdict).index(Verdict.TRANSIT)])


def dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def style_of(verdict: Verdict) -> str:
    if verdict in GOOD:
        return "none"
    return "red" if verdict in BAD else ("" if verdict is Verdict.ABSENT else "warning")


def causes_of(visit: Visit, entry: Entry) -> list[tuple[str, int]]:
    return [(visit.say(f"verdict.{cause}"), entry.open[cause]) for cause in Cause if entry.open.get(cause)]


def row_of(
    visit: Visit, entry: Entry, signed: dict[str, str], day: str, *, own: bool = False
) -> dict[str, Any]:
    digest = signed.get(entry.division)
    mark = "" if digest is None else ("signed" if digest == digest_of(figures_of(entry)) else "changed")
    return {
        "division": entry.division,
        "name": place_name(entry.division, visit.lang),
        "link": f"/sheet/{day}/{entry.division}" + ("?own=1" if own else ""),
        "verdict": visit.say(f"verdict.{entry.verdict}"),
        "style": style_of(entry.verdict),
        **asdict(entry.counts),
        "differences": entry.differences,
        "unconfirmed": entry.unconfirmed,
        "signed": visit.say(f"sheet.mark.{mark}") if mark else "",
    }


_COUNTS = (
    "taken_in",
    "forwarded",
    "exempt",
    "received",
    "accepted",
    "returned",
    "refused",
    "ended",
    "open",
    "held",
)


def lines_table(name: str, visit: Visit, rows: Sequence[dict[str, Any]], total: dict[str, Any]) -> Table:
    word = visit.house.words
    columns = (
        Column("name", *word["sheet.division"], link=lambda row: row.get("link")),
        Column("verdict", *word["sheet.verdict"]),
        *(Column(one, *word[f"count.{one}"], Kind.COUNT) for one in _COUNTS),
        Column("billed_fen", *word["count.billed"], Kind.MONEY),
        Column("paid_fen", *word["count.paid"], Kind.MONEY),
        Column("differences", *word["count.differences"], Kind.COUNT),
        Column("signed", *word["sheet.signed"]),
    )
    total["name"] = visit.say("sheet.total")
    return Table(name, *word["sheet.title"], columns, rows, total)


def case_table(visit: Visit, cases: Sequence[dict[str, Any]]) -> Table:
    word = visit.house.words
    rows = [
        {
            "case": one["case"],
            "state": visit.say(f"state.{one['state']}") if one["state"] else "",
            **{side: visit.say(f"word.{said}") for side, said in one["words"]},
        }
        for one in cases
    ]
    sides = [side for side, _ in cases[0]["words"]] if cases else []
    columns = (
        Column("case", *word["sheet.case"]),
        *(Column(side, *word[f"side.{side}"]) for side in sides),
        Column("state", *word["sheet.state"]),
    )
    return Table("sheet-cases", *word["sheet.cases"], columns, rows)


def compared_table(visit: Visit, view: DayView, beside: DayView, codes: Sequence[str]) -> Table:
    word = visit.house.words
    rows = []
    for code in codes:
        one, two = view.township(code), beside.township(code)
        rows.append(
            {
                "name": place_name(code, visit.lang),
                "one": visit.say(f"verdict.{one.verdict}"),
                "two": visit.say(f"verdict.{two.verdict}"),
                "taken_one": one.counts.taken_in,
                "taken_two": two.counts.taken_in,
                "received_one": one.counts.received,
                "received_two": two.counts.received,
                "differences_one": one.differences,
                "differences_two": two.differences,
            }
        )

    def column(key: str, name: str, day: str, kind: Kind = Kind.COUNT) -> Column:
        zh, en = word[name]
        return Column(key, f"{zh} {day[4:6]}-{day[6:]}", f"{en} {day[4:6]}-{day[6:]}", kind)

    a, b = view.day, beside.day
    columns = (
        Column("name", *word["sheet.division"]),
        column("one", "sheet.verdict", a, Kind.TEXT),
        column("two", "sheet.verdict", b, Kind.TEXT),
        column("taken_one", "count.taken_in", a),
        column("taken_two", "count.taken_in", b),
        column("received_one", "count.received", a),
        column("received_two", "count.received", b),
        column("differences_one", "count.differences", a),
        column("differences_two", "count.differences", b),
    )
    return Table("sheet-compared", *word["sheet.compared"], columns, rows)


def equations_of(visit: Visit, entry: Entry) -> list[dict[str, Any]]:
    wrong = broken(entry.counts)
    return [
        {
            "name": visit.say(f"equation.{name}"),
            "left": left(entry.counts),
            "right": right(entry.counts),
            "money": name == "fees",
            "holds": name not in wrong,
        }
        for name, left, right in EQUATIONS
    ]


def difference_of(visit: Visit, row: sa.Row[Any]) -> dict[str, Any]:
    is_case = bool(row.case_id)
    return {
        "id": row.id,
        "day": dashed(row.day),
        "plain_day": row.day,
        "division": row.division,
        "case": CaseId(row.case_id) if is_case else "",
        "cause": row.cause,
        "why": visit.say(f"why.{row.cause}"),
        "status": row.status,
        "first_at": row.first_at,
        "changed_at": row.changed_at,
    }


def told_at(told: dict[str, Any], side: str, division: str) -> Any:
    if side == "city":
        return None
    code = parse_division(division)
    node = division if side == "village" or tier_of(code) is Tier.TOWNSHIP else str(parent_of(code))
    found = told.get(node)
    return None if found is None else found.at


def figure_name(visit: Visit, name: str) -> str:
    kind, _, inner = name.partition(".")
    if kind == "counts":
        return visit.say(f"count.{inner.removesuffix('_fen')}")
    if kind == "open":
        return visit.say(f"verdict.{inner}")
    return visit.say(f"side.{inner}") if kind == "digests" else visit.say(f"figure.{name}")


def figure_value(visit: Visit, name: str, value: Any) -> str:
    if value is None:
        return "—"
    return visit.say(f"verdict.{value}") if name == "verdict" else str(value)
