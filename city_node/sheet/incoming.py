"""Taking a node's report: the newest of each of its lives, the sets it names, and signs of life of it and those below."""

import json
from collections.abc import Iterable

import sqlalchemy as sa

from city_node.sheet.lines import mark_stale
from city_node.sheet.rhythm import hear
from city_node.sheet.tables import CLAIM, DIFFERENCE, LINE, REPORT
from core.canonical import canonical_json
from core.clock import CHINA, World, iso
from core.errors import PeerError
from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from core.shape import to_plain
from core.sheet_report import DaySet, decode_report


def take_report(tx: sa.Connection, world: World, origin: NodeId, data: bytes) -> None:
    """Enter a report. Raises ``PeerError`` (``sheet.author``) for one in another's name, ``InputError``.

    Of two reports of one life the later counts, whatever the order in which they come.
    """
    report = decode_report(data)
    foreign = sorted({one.origin for one in report.sets if not _may_speak_of(origin, one.origin)})
    if report.node != origin or foreign:
        named = foreign[0] if foreign else report.node
        raise PeerError(
            "sheet.author",
            zh=f"{origin} 的对账数据以 {named} 的名义报送，未采用。请核对该节点的软件版本。",
            en=f"{origin} reported figures in the name of {named}; they were not used. Check that node's software.",
        )
    hear(tx, origin, world.now())
    for one in report.figures.neighbours:
        if one.last_contact_at is not None and _may_speak_of(origin, one.node):
            # Its clock may be ahead; nobody is heard of in the future.
            hear(tx, one.node, min(one.last_contact_at, world.now()))
    epoch = report.figures.epoch
    where = (REPORT.c.node == origin) & (REPORT.c.epoch == epoch)
    known = tx.scalar(sa.select(REPORT.c.number).where(where))
    for told in report.sets:
        _keep_claim(tx, origin, epoch, told, is_newer=known is None or report.number > known)
    if known is not None and report.number <= known:
        return
    plain = to_plain(report)
    plain.pop("sets")
    values = {
        "number": report.number,
        "at": iso(report.at),
        "received_at": iso(world.now()),
        "body": canonical_json(plain).decode(),
    }
    if known is None:
        tx.execute(sa.insert(REPORT).values(node=origin, epoch=epoch, **values))
    else:
        tx.execute(sa.update(REPORT).where(where).values(**values))
    mark_stale(tx, {(one.day, division_of(one.origin)) for one in report.sets})
    mark_stale(tx, _unlevel(tx, origin, f"{world.now().astimezone(CHINA):%Y%m%d}"))


def _may_speak_of(reporter: NodeId, origin: NodeId) -> bool:
    if origin == reporter:
        return True
    is_below = tier_of(division_of(origin)) is Tier.VILLAGE and parent_of(division_of(origin)) == division_of(
        reporter
    )
    return tier_of(division_of(reporter)) is Tier.TOWNSHIP and (
        is_below or division_of(origin) == division_of(reporter)
    )


def _keep_claim(tx: sa.Connection, node: NodeId, epoch: str, told: DaySet, *, is_newer: bool) -> None:
    columns = CLAIM.c
    where = (
        (columns.node == node)
        & (columns.epoch == epoch)
        & (columns.origin == told.origin)
        & (columns.day == told.day)
    )
    values = {"counters": json.dumps(list(told.counters)), "sealed": json.dumps(list(told.sealed))}
    if tx.scalar(sa.select(columns.day).where(where)) is None:
        tx.execute(
            sa.insert(CLAIM).values(node=node, epoch=epoch, origin=told.origin, day=told.day, **values)
        )
    elif is_newer:
        tx.execute(sa.update(CLAIM).where(where).values(**values))


def _unlevel(tx: sa.Connection, node: NodeId, today: str) -> Iterable[tuple[str, str]]:
    """Lines of this node, and of those below it, that its new words may change: what differs, and today's."""
    division = division_of(node)
    keep = 9 if tier_of(division) is Tier.TOWNSHIP else 12
    query = (
        sa.select(DIFFERENCE.c.day, DIFFERENCE.c.division)
        .where(
            DIFFERENCE.c.status != "level",
            DIFFERENCE.c.division.between(division[:keep], f"{division[:keep]}:"),
        )
        .distinct()
    )
    return {(row.day, row.division) for row in tx.execute(query)} | _moving(tx, division[:keep], today)


def _moving(tx: sa.Connection, prefix: str, today: str) -> set[tuple[str, str]]:
    query = sa.select(LINE.c.day, LINE.c.division).where(
        (LINE.c.unconfirmed > 0) | (LINE.c.day == today), LINE.c.division.between(prefix, f"{prefix}:")
    )
    return {(row.day, row.division) for row in tx.execute(query)}
