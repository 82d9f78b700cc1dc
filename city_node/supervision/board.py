"""The board: what hangs now, what is about to, and how many cards each department, person, node and township got."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from city_node.history import steps_of
from city_node.supervision.tables import CARD, CARD_STEP, MATTER, WATCH
from core.clock import iso
from core.errors import InputError
from core.supervision import Card

PAGE = 50
LEVELS = (Card.RED, Card.YELLOW, Card.WARNING)
STATUSES = ("issued", "explained", "appealed", "upheld", "withdrawn")
BY = {
    "department": CARD.c.department,
    "officer": CARD.c.officer,
    "region": CARD.c.region,
    "node": CARD.c.node,
}
_IN_FORCE = {
    "department": WATCH.c.department,
    "officer": WATCH.c.officer,
    "region": WATCH.c.region,
    "node": WATCH.c.node,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cards: each empty for any. ``after`` is ``since,id`` of the last one seen."""

    card: str = ""
    status: str = ""
    department: str = ""
    region: str = ""
    officer: str = ""
    after: str = ""


def in_force(tx: sa.Connection) -> dict[str, int]:
    """How many open subjects have each card now."""
    query = sa.select(WATCH.c.card, sa.func.count()).where(WATCH.c.card.is_not(None)).group_by(WATCH.c.card)
    found = {row[0]: row[1] for row in tx.execute(query)}
    return {card: found.get(card, 0) for card in LEVELS}


def about_to(tx: sa.Connection, now: datetime, until: datetime, limit: int = PAGE) -> list[sa.Row[Any]]:
    """Subjects whose card changes before ``until``, the nearest first."""
    query = (
        sa.select(WATCH)
        .where(WATCH.c.look_at > iso(now), WATCH.c.look_at <= iso(until))
        .order_by(WATCH.c.look_at, WATCH.c.key)
        .limit(limit)
    )
    return list(tx.execute(query).all())


def hanging(tx: sa.Connection, card: str, limit: int = PAGE) -> list[sa.Row[Any]]:
    """Open subjects with this card now, the longest first."""
    query = sa.select(WATCH).where(WATCH.c.card == card).order_by(WATCH.c.since, WATCH.c.key).limit(limit)
    return list(tx.execute(query).all())


def by(tx: sa.Connection, what: str, since: datetime) -> list[dict[str, Any]]:
    """Cards that came into force after ``since``, withdrawn ones apart, and what hangs now; most red first."""
    column = BY[what]
    # One expression in both places: a server takes two of the same words for two.
    is_taken_back = CARD.c.status == "withdrawn"
    query = (
        sa.select(column, CARD.c.card, is_taken_back, sa.func.count())
        .where(CARD.c.since >= iso(since))
        .group_by(column, CARD.c.card, is_taken_back)
    )
    rows: dict[str, dict[str, Any]] = {}

    def row(name: str) -> dict[str, Any]:
        return rows.setdefault(
            name, {"who": name, "warning": 0, "yellow": 0, "red": 0, "withdrawn": 0, "now": 0}
        )

    for name, card, is_withdrawn, count in tx.execute(query):
        row(name)["withdrawn" if is_withdrawn else card] += count
    standing = _IN_FORCE[what]
    now = sa.select(standing, sa.func.count()).where(WATCH.c.card.is_not(None)).group_by(standing)
    for name, count in tx.execute(now):
        row(name or "")["now"] += count
    return sorted(rows.values(), key=lambda one: (-one["red"], -one["yellow"], -one["warning"], one["who"]))


def by_month(tx: sa.Connection, since: datetime) -> dict[str, Mapping[str, int]]:
    """Cards that stand, by month (``2026-03``, of the instant in UTC) and level."""
    month = sa.func.substr(CARD.c.since, 1, 7)
    query = (
        sa.select(month, CARD.c.card, sa.func.count())
        .where(CARD.c.since >= iso(since), CARD.c.status != "withdrawn")
        .group_by(month, CARD.c.card)
        .order_by(month)
    )
    found: dict[str, dict[str, int]] = {}
    for name, card, count in tx.execute(query):
        found.setdefault(name, dict.fromkeys(LEVELS, 0))[card] = count
    return dict(found)


def cards(tx: sa.Connection, wanted: Wanted, limit: int = PAGE) -> tuple[list[sa.Row[Any]], str]:
    """A page of cards, the newest first, and the ``after`` of the next. Raises ``InputError`` (``card.page``)."""
    query = sa.select(CARD).order_by(CARD.c.since.desc(), CARD.c.id.desc()).limit(limit + 1)
    for column, value in (
        (CARD.c.card, wanted.card),
        (CARD.c.status, wanted.status),
        (CARD.c.department, wanted.department),
        (CARD.c.region, wanted.region),
        (CARD.c.officer, wanted.officer),
    ):
        if value:
            query = query.where(column == value)
    if wanted.after:
        since, mark, id_ = wanted.after.partition(",")
        if not mark or len(wanted.after) > 60:
            raise InputError(
                "card.page",
                zh="翻页地址不完整，请回到第一页。",
                en="The address of this page is not whole; go back to the first page.",
            )
        query = query.where(sa.tuple_(CARD.c.since, CARD.c.id) < sa.tuple_(since, id_))
    rows = list(tx.execute(query).all())
    shown = rows[:limit]
    return shown, f"{shown[-1].since},{shown[-1].id}" if len(rows) > limit else ""


def steps(tx: sa.Connection, card_id: str) -> list[sa.Row[Any]]:
    """The history of a card, in order."""
    return steps_of(tx, CARD_STEP.c.card_id, card_id)


def of_case(tx: sa.Connection, case_id: str) -> list[sa.Row[Any]]:
    """Every card of a case and its procedures, in order."""
    return list(tx.execute(sa.select(CARD).where(CARD.c.case_id == case_id).order_by(CARD.c.since)).all())


def matters(tx: sa.Connection, limit: int = 200) -> list[sa.Row[Any]]:
    """Consultations and complaints, unanswered first, the oldest first."""
    query = sa.select(MATTER).order_by(MATTER.c.answered_at.is_not(None), MATTER.c.opened_at).limit(limit)
    return list(tx.execute(query).all())


def departments(tx: sa.Connection) -> list[str]:
    """Every department that ever got a card."""
    return sorted(name for name in tx.scalars(sa.select(CARD.c.department).distinct()) if name)
