"""What the ledger adds up to: by month, township, department or item."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from city_node.ledgers.book import LEDGER
from city_node.supervision.tables import CARD
from core.states import State
from core.supervision import Card, Subject

BY = ("month", "region", "department", "item", "node")
_COLUMNS: Mapping[str, sa.ColumnElement[Any]] = {
    # Added up by days first: those stand in the order of an index.
    "month": LEDGER.c.accepted_on,
    "region": LEDGER.c.region,
    "department": LEDGER.c.department,
    "item": LEDGER.c.item,
    "node": LEDGER.c.node,
}


MONTH_CHARS = 7
_SUMS = (
    *("accepted", "completed", "late", "delivered", "denied", "used_sum", "used_count", "transit_sum"),
    *("transit_count", "bill_fen", "paid_fen", "ratings", "satisfied"),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``since`` to ``until``, both included, as ``2015-01-31``; ``department``: of that one only."""

    since: str
    until: str
    department: str = ""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def accepted(tx: sa.Connection, by: str, span: Span) -> list[dict[str, Any]]:
    """Cases accepted within ``span``, grouped: how many, completed, in time, delivered, and how long they took.

    ``completed_share`` and ``in_time_share`` are 0 to 1 and None where there is nothing to divide by; in time is what was
    completed and has no yellow or red card that stands.
    """
    sums: dict[str, dict[str, Any]] = {}
    for row in tx.execute(_counted(by, span)).mappings():
        _add(sums, by, row)
    for row in tx.execute(_too_late(by, span)).mappings():
        _add(sums, by, row)
    return [_with_averages(sums[key]) for key in sorted(sums)]


def _counted(by: str, span: Span) -> "sa.Select[Any]":
    ledger, column = LEDGER.c, _COLUMNS[by]
    return (
        sa.select(
            column.label("key"),
            sa.func.count().label("accepted"),
            sa.func.count(ledger.completed_on).label("completed"),
            _count(ledger.state == State.DELIVERED).label("delivered"),
            _count(ledger.state == State.DENIED).label("denied"),
            sa.func.sum(ledger.used_s).label("used_sum"),
            sa.func.count(ledger.used_s).label("used_count"),
            sa.func.sum(ledger.transit_s).label("transit_sum"),
            sa.func.count(ledger.transit_s).label("transit_count"),
            sa.func.sum(ledger.bill_fen).label("bill_fen"),
            sa.func.sum(ledger.paid_fen).label("paid_fen"),
            sa.func.count(ledger.rating).label("ratings"),
            _count(ledger.rating <= 3).label("satisfied"),
        )
        .where(*_within(span))
        .group_by(column)
    )


def _too_late(by: str, span: Span) -> "sa.Select[Any]":
    """Completed cases with a yellow or red card that stands: few, so they are looked up from their cards."""
    late = sa.select(CARD.c.case_id).where(
        CARD.c.subject == str(Subject.CASE),
        CARD.c.card.in_([str(Card.YELLOW), str(Card.RED)]),
        CARD.c.status != "withdrawn",
    )
    column, is_done = _COLUMNS[by], LEDGER.c.completed_on.is_not(None)
    return (
        sa.select(column.label("key"), sa.func.count().label("late"))
        .where(LEDGER.c.case_id.in_(late), is_done, *_within(span))
        .group_by(column)
    )


def _within(span: Span) -> list[sa.ColumnElement[bool]]:
    return [LEDGER.c.accepted_on >= span.since, LEDGER.c.accepted_on <= span.until, *_of(span)]


def _add(sums: dict[str, dict[str, Any]], by: str, row: Mapping[Any, Any]) -> None:
    key = row["key"][:MONTH_CHARS] if by == "month" else row["key"]
    mine = sums.setdefault(key, {"key": key, **dict.fromkeys(_SUMS, 0)})
    for name in row:
        if name != "key":
            # The sum of whole numbers is a decimal on some servers, and nothing where there is none.
            mine[name] += int(row[name] or 0)


def _with_averages(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("used", "transit"):
        count, whole = row.pop(f"{name}_count"), row.pop(f"{name}_sum")
        row[f"{name}_s"] = whole / count if count else None
    return _with_shares(row)


def total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of :func:`accepted`; averages weighed by their counts."""
    sums: dict[str, Any] = {
        name: sum(row[name] or 0 for row in rows)
        for name in (
            "accepted",
            "completed",
            "late",
            "delivered",
            "denied",
            "bill_fen",
            "paid_fen",
            "ratings",
            "satisfied",
        )
    }
    for name, weight in (("used_s", "completed"), ("transit_s", "accepted")):
        weighed = [(row[name], row[weight]) for row in rows if row[name] is not None and row[weight]]
        whole = sum(count for _, count in weighed)
        sums[name] = sum(value * count for value, count in weighed) / whole if whole else None
    return _with_shares({"key": ""} | sums)


def submitted(tx: sa.Connection, span: Span) -> dict[str, int]:
    """Cases handed in within ``span``, by month."""
    day = LEDGER.c.submitted_on
    query = (
        sa.select(day, sa.func.count())
        .where(day >= span.since, day <= span.until, *_of(span))
        .group_by(day)
        .order_by(day)
    )
    months: Counter[str] = Counter()
    for on, count in tx.execute(query):
        months[on[:MONTH_CHARS]] += count
    return dict(months)


def first_day(tx: sa.Connection) -> str | None:
    """The day of the first case."""
    found: str | None = tx.scalar(sa.select(sa.func.min(LEDGER.c.submitted_on)))
    return found


def _of(span: Span) -> list[sa.ColumnElement[bool]]:
    return [LEDGER.c.department == span.department] if span.department else []


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _with_shares(row: dict[str, Any]) -> dict[str, Any]:
    done = row["completed"]
    row["completed_share"] = _share(done, row["accepted"])
    row["in_time_share"] = _share(done - row["late"], done)
    row["satisfied_share"] = _share(row["satisfied"], row["ratings"])
    for name in ("used_s", "transit_s"):
        row[name] = round(float(row[name])) if row[name] is not None else None
    return row
