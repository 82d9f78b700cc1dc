"""Lines of the sheet: one a day and division; which are to be drawn up anew."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from city_node.sheet.tables import LINE
from core.sheet import Counts, Side


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as it was last drawn up. ``digests`` of the three books, without those that have not told."""

    day: str
    division: str
    counts: Counts
    digests: dict[str, str]
    unconfirmed: int

    def told(self, side: Side) -> bool:
        return side in self.digests


def mark_stale(tx: sa.Connection, lines: Iterable[tuple[str, str]]) -> None:
    """Have these lines, ``(day, division)``, drawn up anew at the next sweep."""
    for day, division in sorted(set(lines)):
        where = (LINE.c.day == day) & (LINE.c.division == division)
        if tx.execute(sa.update(LINE).where(where).values(stale=True)).rowcount == 0:
            empty = {"counts": "{}", "digests": "{}", "unconfirmed": 0}
            tx.execute(sa.insert(LINE).values(day=day, division=division, stale=True, **empty))


def stale(tx: sa.Connection, limit: int) -> list[tuple[str, str]]:
    """The newest days first."""
    query = sa.select(LINE.c.day, LINE.c.division).where(LINE.c.stale)
    query = query.order_by(LINE.c.day.desc(), LINE.c.division).limit(limit)
    return [(row.day, row.division) for row in tx.execute(query)]


def keep(tx: sa.Connection, drawn: Drawn) -> None:
    """Write a line that was drawn up."""
    where = (LINE.c.day == drawn.day) & (LINE.c.division == drawn.division)
    values: dict[str, Any] = {
        "stale": False,
        "counts": json.dumps(asdict(drawn.counts)),
        "digests": json.dumps(drawn.digests),
        "unconfirmed": drawn.unconfirmed,
    }
    if tx.execute(sa.update(LINE).where(where).values(**values)).rowcount == 0:
        tx.execute(sa.insert(LINE).values(day=drawn.day, division=drawn.division, **values))


def lines_of(tx: sa.Connection, day: str, prefix: str = "") -> dict[str, Drawn]:
    """The lines of a day by division, those that begin with ``prefix``."""
    query = sa.select(LINE).where(LINE.c.day == day, LINE.c.division.between(prefix, f"{prefix}:"))
    return {
        row.division: Drawn(
            row.day, row.division, Counts(**json.loads(row.counts)), json.loads(row.digests), row.unconfirmed
        )
        for row in tx.execute(query)
    }


def days(tx: sa.Connection, limit: int = 400) -> list[str]:
    """Days that have lines, the newest first."""
    return list(tx.scalars(sa.select(LINE.c.day).distinct().order_by(LINE.c.day.desc()).limit(limit)))
