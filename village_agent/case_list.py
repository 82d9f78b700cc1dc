"""A list of cases as a window over the database: only what is shown is read."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.case import Case
from core.store.casebook import CASE, region_of
from village_agent.app import Village
from village_agent.line_state import elsewhere_of, waiting_cases
from village_agent.people_seen import find_cases

WAITING_MAX = 10_000


@dataclass(frozen=True, slots=True)
class CaseList:
    """Which cases, the last moved first. ``text`` as in :func:`find_cases`; ``waiting`` those not
    handed over yet, ``elsewhere`` those on another desk."""

    village: Village
    states: tuple[str, ...] = ()
    mine: bool = False
    text: str = ""
    waiting: bool = False
    elsewhere: bool = False

    def count(self, tx: sa.Connection) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(CASE).where(*self._where(tx))) or 0)

    def window(self, tx: sa.Connection, offset: int, limit: int) -> list[Case]:
        """``limit`` cases from ``offset`` on."""
        query = (
            sa.select(CASE.c.id).where(*self._where(tx)).order_by(CASE.c.moved_at.desc(), CASE.c.id.desc())
        )
        if self.text.strip():
            # So few that they are put in order here: the database would go through all cases by their time.
            found = tx.execute(sa.select(CASE.c.id, CASE.c.moved_at).where(*self._where(tx))).all()
            ids = [row.id for row in sorted(found, key=lambda row: row.moved_at, reverse=True)]
            ids = ids[offset : offset + limit]
        else:
            ids = list(tx.scalars(query.offset(offset).limit(limit)))
        book = self.village.office.casebook
        return [book.get(tx, id_) for id_ in ids]

    def _where(self, tx: sa.Connection) -> list[Any]:
        place = self.village.installation.node.place
        # Few lie on this desk or were searched for; all others are walked and counted in an index of their origin.
        where: list[Any] = []
        if self.text.strip():
            where.append(CASE.c.region == region_of(place.node))
        elif not self.mine:
            where.append(CASE.c.origin == place.node)
        if self.states:
            where.append(CASE.c.state.in_(self.states))
        if self.mine:
            where.append(CASE.c.holder == place.node)
        if self.elsewhere:
            where.extend(elsewhere_of(place.node))
        if self.waiting:
            where.append(CASE.c.id.in_(waiting_cases(tx, place.parent)[:WAITING_MAX]))
        if self.text.strip():
            where.append(CASE.c.id.in_(find_cases(tx, self.text)))
        return where
