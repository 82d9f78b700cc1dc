"""Which node works by which version: as neighbours report it, and as the last case of a village shows it."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from core.desk.context import DeskContext
from core.desk.facts import place_name
from core.desk.table import Column, Kind, Table
from core.errors import Lang
from core.identifiers import NodeId, Tier, division_of, tier_of
from core.store.casebook import CASE

REPORTED, BY_CASE, OWN = "reported", "by_case", "own"


def versions_table(context: DeskContext, tx: sa.Connection, lang: Lang) -> Table:
    """The city, then every node that is known, in order of its code."""
    words = {
        OWN: ("本机", "this node"),
        REPORTED: ("联络时报告", "reported"),
        BY_CASE: ("最近一件办件", "its last case"),
    }
    rows = [
        row | {"place": place_name(row["node"], lang), "source": words[row["source"]][lang == "en"]}
        for row in known_versions(context, tx)
    ]
    return Table(
        "catalogue-versions",
        "各节点版本",
        "Versions at the nodes",
        (
            Column("place", "节点", "Node"),
            Column("node", "代码", "Code"),
            Column("catalogue", "目录版本", "Catalogue", Kind.COUNT),
            Column("calendar", "日历版本", "Calendar", Kind.COUNT),
            Column("source", "依据", "By"),
            Column("at", "时间", "At", Kind.TIME),
        ),
        rows,
    )


def known_versions(context: DeskContext, tx: sa.Connection) -> list[dict[str, Any]]:
    """``node``, ``catalogue``, ``calendar`` (None where not told), ``source`` and ``at``."""
    shelf = context.office.shelf
    found = {context.node: _row(context.node, shelf.version, shelf.calendar.version, OWN, None)}
    for one in context.neighbours(tx):
        report = one.get("report") or {}
        catalogue, calendar = report.get("catalogue"), report.get("calendar")
        found[one["node"]] = _row(
            one["node"], _number(catalogue), _number(calendar), REPORTED, one.get("last_contact_at")
        )
    for node, catalogue, at in _by_cases(context, tx):
        if node not in found:
            found[node] = _row(node, catalogue, None, BY_CASE, at)
    return [found[node] for node in sorted(found)]


def _by_cases(context: DeskContext, tx: sa.Connection) -> Iterator[tuple[NodeId, int, str]]:
    """A village's contacts are with its township; what it worked by is told by the case it registered last."""
    for origin in tx.scalars(sa.select(CASE.c.origin).distinct()).all():
        if tier_of(division_of(NodeId(origin))) is not Tier.VILLAGE:
            continue
        row = tx.execute(
            sa.select(CASE).where(CASE.c.origin == origin).order_by(CASE.c.submitted_at.desc()).limit(1)
        ).one()
        case = context.office.casebook.read(tx, row)
        yield NodeId(origin), case.catalogue_version, row.submitted_at


def _row(
    node: NodeId, catalogue: int | None, calendar: int | None, source: str, at: str | None
) -> dict[str, Any]:
    return {"node": node, "catalogue": catalogue, "calendar": calendar, "source": source, "at": at}


def _number(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
