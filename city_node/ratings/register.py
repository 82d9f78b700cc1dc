"""Keeps the register: each rating as its case is written, and those of before by and by."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from city_node.ratings.tables import RATING
from core.case import Case
from core.clock import iso
from core.identifiers import CaseId
from core.store.casebook import CASE
from core.store.engine import Database
from core.store.office import Office

LEVELS = (1, 2, 3, 4, 5)
BATCH = 200
"""Cases read in one transaction while catching up."""
_MARK, _END = "read-up-to", "9" * 26
BY = {"department": RATING.c.department, "origin": RATING.c.origin}


class Register:
    """Of one city node."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._has_caught_up = False
        office.casebook.watchers.append(self.notice)

    def notice(self, tx: sa.Connection, case: Case) -> None:
        """A case was written: keep the ratings that are not in the register yet."""
        if not case.ratings:
            return
        known = set(tx.scalars(sa.select(RATING.c.message_id).where(RATING.c.case_id == case.id)))
        for rating in case.ratings:
            if rating.mark.id not in known:
                tx.execute(
                    sa.insert(RATING).values(
                        message_id=rating.mark.id,
                        case_id=case.id,
                        level=rating.body.level,
                        at=iso(rating.mark.at),
                        department=self._department(case),
                        origin=case.origin,
                    )
                )

    def catch_up(self, db: Database) -> int:
        """Read some of the cases that nobody has looked at for ratings; how many."""
        if self._has_caught_up:
            return 0
        with db.transaction() as tx:
            mark = tx.scalar(sa.select(RATING.c.case_id).where(RATING.c.message_id == _MARK))
            ids = tx.scalars(
                sa.select(CASE.c.id).where(CASE.c.id > (mark or "")).order_by(CASE.c.id).limit(BATCH)
            ).all()
            for case_id in ids:
                case = self._office.casebook.find(tx, CaseId(case_id))
                if case is not None:
                    self.notice(tx, case)
            self._set_mark(tx, mark, ids[-1] if len(ids) == BATCH else _END)
        self._has_caught_up = len(ids) < BATCH
        return len(ids)

    def _department(self, case: Case) -> str:
        item = self._office.shelf.item(case.item, case.catalogue_version)
        return case.department or (item.department.name if item is not None else "")

    def _set_mark(self, tx: sa.Connection, before: str | None, case_id: str) -> None:
        if before is None:
            empty: dict[str, Any] = {"level": 0, "at": "", "department": "", "origin": ""}
            tx.execute(sa.insert(RATING).values(message_id=_MARK, case_id=case_id, **empty))
        else:
            tx.execute(sa.update(RATING).where(RATING.c.message_id == _MARK).values(case_id=case_id))


def counted(tx: sa.Connection, by: str, since: datetime) -> dict[str, dict[int, int]]:
    """For each department or place of registration, how often each level was given since then."""
    column = BY[by]
    query = (
        sa.select(column, RATING.c.level, sa.func.count())
        .where(RATING.c.level > 0, RATING.c.at >= iso(since))
        .group_by(column, RATING.c.level)
        .order_by(column)
    )
    found: dict[str, dict[int, int]] = {}
    for name, level, count in tx.execute(query):
        found.setdefault(name, dict.fromkeys(LEVELS, 0))[level] = count
    return found
