"""What a node says of its own carrying, for the city's reconciliation sheet; and envelopes it offers once more."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.carriage import (
    HEADS_MAX,
    LIVES_MAX,
    NEIGHBOURS_MAX,
    SUBJECTS_MAX,
    Figures,
    Head,
    Neighbour,
    Queue,
    Troubles,
)
from core.clock import from_iso
from core.errors import PeerError, StateError
from core.identifiers import NodeId, Tier
from sync import damage, epoch, neighbour, refetch, repair
from sync.held import count_messages
from sync.node import Node
from sync.outbox import queue_of
from sync.stream import children, stream_row
from sync.stream_id import EVERYONE, Lane
from sync.tables import APPLIED, MESSAGE, QUARANTINE, STREAM

_CARRYING = (Lane.DECISION, Lane.INTAKE)
"""The lanes in which cases travel."""


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """``folder`` is where the free space is asked for, none where there is no disk to speak of."""

    node: Node
    folder: Path | None = None

    def figures(self, tx: sa.Connection) -> Figures:
        """As things stand in this transaction."""
        node, place = self.node, self.node.refresh(tx)
        parent = place.parent
        waiting = Queue(0, 0, None) if parent is None else _queue(tx, parent)
        above = None if parent is None else node.peer(tx, parent)
        return Figures(
            epoch=place.epoch,
            software=node.software[:64],
            queue=waiting,
            unsigned=waiting.envelopes + _unsealed(tx),
            heads=_heads(tx, place.node),
            troubles=_troubles(tx, node),
            neighbours=tuple(_neighbour(tx, node, name) for name in children(tx, place)[:NEIGHBOURS_MAX]),
            disk_free_bytes=0 if self.folder is None else shutil.disk_usage(self.folder).free,
            certificate_ends_at=certificate_end(node, place.node),
            clock_offset_s=None if above is None else above.clock_offset_s,
        )

    def offer_again(self, tx: sa.Connection, subjects: Iterable[str]) -> int:
        """Let the next contact with the neighbour above carry the envelopes about these subjects once more, signed for
        or not; returns how many. Who holds them already answers with the receipt it gave.
        """
        parent = self.node.place.parent
        if parent is None or self.node.place.tier is Tier.CITY:
            return 0
        rows: set[tuple[int, int]] = set()
        for subject in subjects:
            own = sa.select(MESSAGE.c.stream_id, MESSAGE.c.seq).where(
                MESSAGE.c.subject == subject, MESSAGE.c.seq.is_not(None)
            )
            others = sa.select(APPLIED.c.stream_id, APPLIED.c.seq).where(APPLIED.c.subject == subject)
            rows |= {(row.stream_id, row.seq) for query in (own, others) for row in tx.execute(query)}
        return refetch.offer_again(tx, parent, sorted(rows))


def certificate_end(node: Node, name: NodeId) -> datetime | None:
    """When the newest signing certificate of ``name`` known here runs out; none if it was revoked or never issued."""
    if name not in node.keyring.nodes():
        return None
    try:
        return node.keyring.pair_of(name).signing.not_after
    except (StateError, PeerError):
        return None


def _queue(tx: sa.Connection, peer: NodeId) -> Queue:
    found = queue_of(tx, peer)
    return Queue(found.envelopes, found.bytes, _instant(found.oldest_at))


def _unsealed(tx: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(MESSAGE).where(MESSAGE.c.seq.is_(None))
    return int(tx.scalar(query) or 0)


def _heads(tx: sa.Connection, me: NodeId) -> tuple[Head, ...]:
    query = (
        sa.select(STREAM)
        .where(STREAM.c.lane.in_([int(lane) for lane in _CARRYING]), STREAM.c.head_seq > 0)
        .order_by(STREAM.c.id.desc())
        .limit(HEADS_MAX)
    )
    heads = []
    for row in map(stream_row, tx.execute(query).all()):
        readers = row.stream.readers
        is_read_here = row.stream.origin == me or me in readers or readers == (EVERYONE,)
        upto = row.applied_seq if is_read_here else row.head_seq
        heads.append(Head(row.stream.key.hex(), row.stream.lane.name.lower(), upto))
    return tuple(heads)


def _troubles(tx: sa.Connection, node: Node) -> Troubles:
    aside = (
        sa.select(QUARANTINE.c.subject)
        .where(QUARANTINE.c.released_at.is_(None))
        .distinct()
        .order_by(QUARANTINE.c.subject)
        .limit(SUBJECTS_MAX)
    )
    held = sorted({NodeId(origin) for origin, _, _ in node.streams_on_hold(tx)})
    doubled = sorted({name for name, _, _ in neighbour.doubles(tx, node.place)})
    return Troubles(
        quarantined=tuple(tx.scalars(aside)),
        quarantined_count=count_messages(tx),
        held=tuple(held[:LIVES_MAX]),
        doubled=tuple(doubled[:LIVES_MAX]),
        recovering=tuple(epoch.recovering(tx)[:LIVES_MAX]),
        is_superseded=epoch.superseded(tx) is not None,
        damaged=damage.count(tx),
        differences=repair.counts(tx)["open"],
    )


def _neighbour(tx: sa.Connection, node: Node, name: NodeId) -> Neighbour:
    row: Any = node.peer(tx, name)
    return Neighbour(
        node=name,
        last_contact_at=_instant(row.last_contact_at),
        carrier=row.carrier or "",
        failures=row.failures,
        waiting=_queue(tx, name),
        clock_offset_s=row.clock_offset_s,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_iso(text)
