"""What a node knows of itself and its neighbours, as facts for screens, ``status --json`` and reports."""

import json
import shutil
from typing import Any

import sqlalchemy as sa

from core.errors import StateError
from core.identifiers import NodeId
from sync import damage, repair, scrub
from sync.held import count_messages
from sync.installation import Installation
from sync.outbox import queue_of
from sync.stick_record import on_stick
from sync.stream import stream_row
from sync.tables import ATTACHMENT, ENVELOPE, MESSAGE, PEER, STREAM


def status(installation: Installation) -> dict[str, Any]:
    """Node, neighbours with their queues, what waits, what is set aside, and the disk. Times are UTC, ISO 8601."""
    node = installation.node
    with installation.db.reading() as tx:
        return {
            "node": node.place.node,
            "tier": node.place.tier,
            "epoch": node.place.epoch,
            "software": node.software,
            "enrolled": is_enrolled(installation),
            "unsealed_messages": tx.scalar(
                sa.select(sa.func.count()).select_from(MESSAGE).where(MESSAGE.c.seq.is_(None))
            ),
            "peers": neighbours(installation, tx),
            "quarantined": count_messages(tx),
            "damaged": damage.count(tx),
            "scrubbed_at": scrub.last_finished_at(tx),
            "takes_in": installation.db.reserve is None or not installation.db.reserve.is_out,
            "held_streams": [
                {"origin": origin, "lane": lane, "reason": reason}
                for origin, lane, reason in node.streams_on_hold(tx)
            ],
            "differences": repair.counts(tx),
            "files_in_transit": tx.scalar(
                sa.select(sa.func.count()).select_from(ATTACHMENT).where(ATTACHMENT.c.complete_at.is_(None))
            ),
            "disk_free_bytes": shutil.disk_usage(installation.folder).free,
            **node.report(tx),
        }


def neighbours(installation: Installation, tx: sa.Connection) -> list[dict[str, Any]]:
    """The neighbour above and all below that have been met or enrolled, each as :func:`neighbour`."""
    names = list(tx.scalars(sa.select(PEER.c.node).order_by(PEER.c.node)))
    parent = installation.node.place.parent
    if parent is not None and parent not in names:
        names.insert(0, parent)
    return [neighbour(installation, tx, NodeId(name)) for name in names]


def neighbour(installation: Installation, tx: sa.Connection, name: NodeId) -> dict[str, Any]:
    """One neighbour: when and how it was last met, what is owed to it, what it last said of itself."""
    row = installation.node.peer(tx, name)
    queue = queue_of(tx, name)
    facts: dict[str, Any] = {
        "node": name,
        "waiting_envelopes": queue.envelopes,
        "waiting_bytes": queue.bytes,
        "oldest_waiting_at": queue.oldest_at,
        "on_stick": on_stick(tx, name),
    }
    if row is not None:
        facts |= {
            "last_contact_at": row.last_contact_at,
            "last_attempt_at": row.last_attempt_at,
            "failures": row.failures,
            "error": json.loads(row.last_error) if row.last_error else None,
            "carrier": row.carrier,
            "clock_offset_s": row.clock_offset_s,
            "report": json.loads(row.report) if row.report else {},
        }
    return facts


def streams(installation: Installation) -> list[dict[str, Any]]:
    """Every stream with what is held and applied of it here."""
    with installation.db.reading() as tx:
        rows = [stream_row(row) for row in tx.execute(sa.select(STREAM).order_by(STREAM.c.id))]
        sizes = dict(
            tx.execute(
                sa.select(ENVELOPE.c.stream_id, sa.func.sum(ENVELOPE.c.size)).group_by(ENVELOPE.c.stream_id)
            )
            .tuples()
            .all()
        )
    return [
        {
            "origin": row.stream.origin,
            "epoch": row.stream.epoch,
            "readers": list(row.stream.readers),
            "lane": row.stream.lane.name.lower(),
            "held": row.head_seq,
            "applied": row.applied_seq,
            "bytes": int(sizes.get(row.row) or 0),
            "hold": row.hold,
        }
        for row in rows
    ]


def is_enrolled(installation: Installation) -> bool:
    """Whether this installation has certificates of its city."""
    try:
        installation.node.keyring.pair  # noqa: B018 - asked for its refusal
    except StateError:
        return False
    return True
