"""Who stands in for whom while somebody is away: for a stated time the stand-in has the other's roles as well.

The rule of different officers goes by person, not by role: a stand-in still cannot review what they handled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.clock import World, from_iso, iso
from core.errors import InputError, StateError
from core.identifiers import new_id
from core.store.engine import METADATA

LEAVE = sa.Table(
    "officer_leave",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("stand_in", sa.String(32), nullable=False),
    sa.Column("since", sa.String(24), nullable=False),
    sa.Column("until", sa.String(24), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("set_by", sa.String(32), nullable=False),
    sa.Column("ended_at", sa.String(24)),
    comment="officers who are away, and who has their roles until then",
)
sa.Index("ix_officer_leave_stand_in", LEAVE.c.stand_in, LEAVE.c.until)
DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Leave:
    id: str
    officer: str
    stand_in: str
    since: datetime
    until: datetime
    reason: str
    set_by: str
    ended_at: datetime | None

    def is_on(self, now: datetime) -> bool:
        return self.ended_at is None and self.since <= now < self.until


def absent_for(tx: sa.Connection, stand_in: str, now: datetime) -> list[str]:
    """Whom this officer stands in for now."""
    at = iso(now)
    query = sa.select(LEAVE.c.officer).where(
        LEAVE.c.stand_in == stand_in, LEAVE.c.ended_at.is_(None), LEAVE.c.since <= at, LEAVE.c.until > at
    )
    return list(tx.scalars(query.order_by(LEAVE.c.officer)))


def begin(
    tx: sa.Connection,
    world: World,
    *,
    officer: str,
    stand_in: str,
    since: datetime,
    until: datetime,
    reason: str,
    set_by: str,
) -> str:
    """Enter a leave; returns its id. Raises ``InputError`` (``leave.*``), ``StateError`` (``leave.overlaps``)."""
    if officer == stand_in:
        raise InputError("leave.self", zh="不能委托给本人。", en="Nobody stands in for themselves.")
    if not since < until or (until - since).days > DAYS_MAX:
        raise InputError(
            "leave.span",
            zh=f"结束时间应晚于开始时间，且不超过 {DAYS_MAX} 天。",
            en=f"The end has to be after the beginning, and at most {DAYS_MAX} days later.",
        )
    if not 1 <= len(reason) <= 200:
        raise InputError(
            "leave.reason", zh="请写明原因（200 字内）。", en="Give the reason (200 characters)."
        )
    overlapping = sa.select(LEAVE.c.id).where(
        LEAVE.c.officer == officer,
        LEAVE.c.ended_at.is_(None),
        LEAVE.c.since < iso(until),
        LEAVE.c.until > iso(since),
    )
    if tx.scalar(overlapping) is not None:
        raise StateError(
            "leave.overlaps",
            zh=f"{officer} 在这段时间已有委托，请先结束原来的。",
            en=f"{officer} has a stand-in for part of this time already; end that first.",
        )
    id_ = new_id(world)
    tx.execute(
        sa.insert(LEAVE).values(
            id=id_,
            officer=officer,
            stand_in=stand_in,
            since=iso(since),
            until=iso(until),
            reason=reason,
            set_by=set_by,
        )
    )
    return id_


def end(tx: sa.Connection, world: World, id_: str) -> Leave:
    """End a leave now. Raises ``InputError`` (``leave.unknown``)."""
    row = tx.execute(sa.select(LEAVE).where(LEAVE.c.id == id_, LEAVE.c.ended_at.is_(None))).one_or_none()
    if row is None:
        raise InputError(
            "leave.unknown", zh="没有这条委托，或已结束。", en="There is no such leave, or it has ended."
        )
    tx.execute(sa.update(LEAVE).where(LEAVE.c.id == id_).values(ended_at=iso(world.now())))
    return _leave(row)


def listed(tx: sa.Connection, limit: int = 100) -> list[Leave]:
    """The newest first."""
    query = sa.select(LEAVE).order_by(LEAVE.c.since.desc(), LEAVE.c.id).limit(limit)
    return [_leave(row) for row in _rows(tx, query)]


def _rows(tx: sa.Connection, query: sa.Select[Any]) -> Iterable[sa.Row[Any]]:
    return tx.execute(query).all()


def _leave(row: sa.Row[Any]) -> Leave:
    ended_at = from_iso(row.ended_at) if row.ended_at else None
    return Leave(
        row.id,
        row.officer,
        row.stand_in,
        from_iso(row.since),
        from_iso(row.until),
        row.reason,
        row.set_by,
        ended_at,
    )
