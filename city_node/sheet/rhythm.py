"""How often a node is heard of, and whether it has been quiet for longer than it usually is."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from city_node.sheet.tables import RHYTHM
from core.clock import CHINA, from_iso, iso
from core.sheet import GAP_DAYS_KEPT, is_silent, usual_gap


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``heard_at`` by our clock, or by that of the township that met the node."""

    heard_at: datetime
    usual: timedelta

    def is_silent(self, now: datetime) -> bool:
        return is_silent(now - self.heard_at, self.usual)


def hear(tx: sa.Connection, node: str, at: datetime) -> None:
    """A node was heard of. Older news than what is known changes nothing."""
    row = tx.execute(sa.select(RHYTHM).where(RHYTHM.c.node == node)).one_or_none()
    if row is None:
        tx.execute(sa.insert(RHYTHM).values(node=node, heard_at=iso(at), gaps="{}"))
        return
    before = from_iso(row.heard_at)
    if at <= before:
        return
    gaps: dict[str, int] = json.loads(row.gaps)
    day = f"{at.astimezone(CHINA):%Y%m%d}"
    gaps[day] = max(gaps.get(day, 0), round((at - before).total_seconds()))
    kept = {name: gaps[name] for name in sorted(gaps)[-GAP_DAYS_KEPT:]}
    values = {"heard_at": iso(at), "gaps": json.dumps(kept)}
    tx.execute(sa.update(RHYTHM).where(RHYTHM.c.node == node).values(**values))


def rhythms(tx: sa.Connection, *nodes: str) -> dict[str, Rhythm]:
    """Of the nodes named, or of all that were ever heard of."""
    query = sa.select(RHYTHM)
    if nodes:
        query = query.where(RHYTHM.c.node.in_(nodes))
    found = {}
    for row in tx.execute(query):
        gaps = json.loads(row.gaps)
        usual = usual_gap([timedelta(seconds=gaps[day]) for day in sorted(gaps)])
        found[row.node] = Rhythm(from_iso(row.heard_at), usual)
    return found
