"""What the ledger adds up to: by month, township, department or item."""

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
    "month": sa.func.substr(LEDGER.c.accepted_on, 1, 7),
    "region": LEDGER.c.region,
    "department": LEDGER.c.department,
    "item": LEDGER.c.item,
    "node": LEDGER.c.node,
}


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
    column = _COLUMNS[by]
    ledger = LEDGER.c
    late = (
        sa.select(CARD.c.case_id)
        .where(
            CARD.c.subject == str(Subject.CASE),
            CARD.c.card.in_([str(Card.YELLOW), str(Card.RED)]),
            CARD.c.status != "withdrawn",
        )
        .distinct()
        .subquery()
    )
    is_done = ledger.completed_on.is_not(None)
    query = (
        sa.select(
            column.label("key"),
            sa.func.count().label("accepted"),
            _count(is_done).label("completed"),
            _count(is_done & late.c.case_id.is_not(None)).label("late"),
            _count(ledger.state == State.DELIVERED).label("delivered"),
            _count(ledger.state == State.DENIED).label("denied"),
            sa.func.avg(ledger.used_s).label("used_s"),
            sa.func.avg(ledger.transit_s).label("transit_s"),
            sa.func.sum(ledger.bill_fen).label("bill_fen"),
            sa.func.sum(ledger.paid_fen).label("paid_fen"),
            sa.func.count(ledger.rating).label("ratings"),
            _count(ledger.rating <= 2).label("satisfied"),
        )
        .select_from(LEDGER.join(late, late.c.case_id == ledger.case_id, isouter=True))
        .where(ledger.accepted_on >= span.since, ledger.accepted_on <= span.until, *_of(span))
        .group_by(column)
        .order_by(column)
    )
    return [_with_shares(dict(row)) for row in tx.execute(query).mappings()]


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
    month = sa.func.substr(LEDGER.c.submitted_on, 1, 7)
    query = (
        sa.select(month, sa.func.count())
        .where(LEDGER.c.submitted_on >= span.since, LEDGER.c.submitted_on <= span.until, *_of(span))
        .group_by(month)
        .order_by(month)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


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
    for name in ("bill_fen", "paid_fen"):
        # The sum of whole numbers is a decimal on some servers.
        row[name] = int(row[name] or 0)
    row["completed_share"] = _share(done, row["accepted"])
    row["in_time_share"] = _share(done - row["late"], done)
    row["satisfied_share"] = _share(row["satisfied"], row["ratings"])
    for name in ("used_s", "transit_s"):
        row[name] = round(float(row[name])) if row[name] is not None else None
    return row
