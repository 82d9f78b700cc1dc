"""A slim line a case for counting: the book of cases itself is too heavy to add up five years of it at a glance."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.bodies import LimitMode
from core.case import Case
from core.clock import CHINA, World
from core.errors import LocalError, StateError
from core.limits import Mode, clock_for
from core.states import State
from core.store.casebook import CASE, Casebook, region_of, suspensions_of
from core.store.engine import METADATA, Database
from core.store.office import Office

LEDGER = sa.Table(
    "ledger_case",
    METADATA,
    sa.Column("case_id", sa.String(26), primary_key=True),
    sa.Column("region", sa.String(12), nullable=False),
    sa.Column("node", sa.String(16), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("submitted_on", sa.String(10), nullable=False),
    sa.Column("accepted_on", sa.String(10)),
    sa.Column("completed_on", sa.String(10)),
    sa.Column("delivered_on", sa.String(10)),
    sa.Column("transit_s", sa.Integer),
    sa.Column("used_s", sa.Integer),
    sa.Column("bill_fen", sa.BigInteger, nullable=False),
    sa.Column("paid_fen", sa.BigInteger, nullable=False),
    sa.Column("rating", sa.Integer),
    comment="one line a case for reports: days in China time; transit_s from submission until it was first seen here, used_s "
    "working seconds of its limit used when it was completed",
)
sa.Index("ix_ledger_case_accepted", LEDGER.c.accepted_on)
sa.Index("ix_ledger_case_submitted", LEDGER.c.submitted_on)


MISSING_MAX = 500


class Ledger:
    """Writes the line of every case that moves."""

    def __init__(self, office: Office, world: World) -> None:
        self._office = office
        self._world = world
        self._has_all = False
        self._passed = ("", "")
        office.casebook.watchers.append(self.enter)

    def enter(self, tx: sa.Connection, case: Case) -> None:
        """Bring a case's line up to date, in the transaction that moved it."""
        values = self._line(case)
        where = LEDGER.c.case_id == case.id
        if tx.execute(sa.update(LEDGER).where(where).values(**values)).rowcount == 0:
            transit = max(0.0, (self._world.now() - case.submitted_at).total_seconds())
            tx.execute(sa.insert(LEDGER).values(case_id=case.id, transit_s=round(transit), **values))

    def catch_up(self, db: Database) -> int:
        """Enter cases of before this ledger, some at a time; returns how many. Their time in transit is not known."""
        if self._has_all:
            return 0
        book = self._office.casebook
        key = sa.tuple_(CASE.c.region, CASE.c.id)
        missing = (
            sa.select(CASE.c.region, CASE.c.id, CASE.c.digest, CASE.c.data)
            .where(key > self._passed, ~sa.exists().where(LEDGER.c.case_id == CASE.c.id))
            .order_by(CASE.c.region, CASE.c.id)
            .limit(MISSING_MAX)
        )
        with db.transaction() as tx:
            rows = tx.execute(missing).all()
            found = [case for row in rows if (case := _whole(book, tx, row)) is not None]
            if found:
                lines = [{"case_id": case.id, "transit_s": None, **self._line(case)} for case in found]
                tx.execute(sa.insert(LEDGER), lines)
        if rows:
            self._passed = (rows[-1].region, rows[-1].id)
        self._has_all = not rows
        return len(found)

    def _line(self, case: Case) -> dict[str, Any]:
        item = self._office.shelf.item(case.item, case.catalogue_version)
        department = case.department or (item.department.name if item is not None else "")
        delivered = next((step.at for step in case.steps if step.state is State.DELIVERED), None)
        return {
            "region": region_of(case.origin),
            "node": case.origin,
            "item": case.item,
            "department": department,
            "state": case.state,
            "submitted_on": _day(case.submitted_at),
            "accepted_on": _day(case.accepted_at),
            "completed_on": _day(case.completed_at),
            "delivered_on": _day(delivered),
            "used_s": self._used_s(case),
            "bill_fen": case.bill_fen,
            "paid_fen": case.paid_fen,
            "rating": case.rating.body.level if case.rating is not None else None,
        }

    def _used_s(self, case: Case) -> int | None:
        if case.accepted_at is None or case.completed_at is None or case.promised_days is None:
            return None
        mode = Mode(case.limit_mode or LimitMode.EXACT)
        try:
            clock, _ = clock_for(
                self._office.shelf.calendar, mode, case.accepted_at, case.promised_days, suspensions_of(case)
            )
            return clock.elapsed(case.completed_at).seconds
        except StateError:
            # The calendar of that year is not out: no figure by a guess.
            return None


def _whole(book: Casebook, tx: sa.Connection, row: sa.Row[*tuple[Any, ...]]) -> Case | None:
    try:
        return book.read(tx, row)
    except LocalError:
        # It has rotted, and the register of damage names it.
        return None


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(CHINA).date().isoformat()
