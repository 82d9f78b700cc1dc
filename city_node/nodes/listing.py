"""How every node of the city stands: what it told of itself, what its township told of it, and what is known here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from city_node.sheet.bookkeeper import enrolled_divisions
from city_node.sheet.rhythm import Rhythm, rhythms
from city_node.sheet.tables import REPORT
from core.canonical import parse_json
from core.clock import World, from_iso
from core.identifiers import DivisionCode, NodeId, Tier, division_of, parent_of, tier_of
from core.regions import load_yuanjiang
from sync import neighbour
from sync.node import Node
from sync.outbox import queue_of
from sync.own_figures import certificate_end
from sync.tables import PEER

CERTIFICATE_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue: ``oldest_at`` none where it is empty."""

    envelopes: int
    bytes: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One node, or a division that has none (``is_enrolled`` false). None: it never told."""

    node: NodeId
    is_enrolled: bool
    rhythm: Rhythm | None
    is_silent: bool
    told_at: datetime | None
    carrier: str
    above: Waiting | None
    """What it has not handed on, by its own report."""
    below: Waiting | None
    """What waits for it at the neighbour above."""
    software: str
    catalogue: int | None
    calendar: int | None
    certificate_ends_at: datetime | None
    is_revoked: bool
    disk_free_bytes: int | None
    clock_offset_s: int | None
    drafts: int | None
    troubles: int
    error: dict[str, str] | None

    @property
    def tier(self) -> Tier:
        return tier_of(division_of(self.node))


def standings(tx: sa.Connection, world: World, node: Node) -> dict[NodeId, Standing]:
    """The city, its townships and villages in order of code, with second devices beside the first."""
    divisions = load_yuanjiang()
    names = {NodeId(one.code) for one in (*divisions.townships(), *divisions.villages())}
    names |= {name for name in node.keyring.nodes() if name != node.place.node}
    told = _told(tx)
    heard = rhythms(tx)
    enrolled = enrolled_divisions(tx)
    peers = {row.node: row for row in tx.execute(sa.select(PEER))}
    below = {one["node"]: one for plain in told.values() for one in plain["figures"]["neighbours"]}
    now = world.now()
    return {
        name: _standing(
            tx, node, name, now, told.get(name), heard.get(name), peers.get(name), below.get(name), enrolled
        )
        for name in sorted(names)
    }


def children_of(found: dict[NodeId, Standing], township: str) -> list[Standing]:
    """The villages of a township."""
    return [
        one
        for one in found.values()
        if one.tier is Tier.VILLAGE and parent_of(division_of(one.node)) == DivisionCode(township)
    ]


def _told(tx: sa.Connection) -> dict[NodeId, dict[str, Any]]:
    found: dict[NodeId, dict[str, Any]] = {}
    for row in tx.execute(sa.select(REPORT).order_by(REPORT.c.received_at)).all():
        if neighbour.is_current(tx, NodeId(row.node), row.epoch):
            found[NodeId(row.node)] = parse_json(row.body.encode())
    return found


def _standing(
    tx: sa.Connection,
    node: Node,
    name: NodeId,
    now: datetime,
    told: dict[str, Any] | None,
    rhythm: Rhythm | None,
    peer: sa.Row[Any] | None,
    seen: dict[str, Any] | None,
    enrolled: set[str],
) -> Standing:
    figures = told["figures"] if told else None
    troubles = figures["troubles"] if figures else {}
    certificates = node.keyring.certificates_of(name) if name in node.keyring.nodes() else ()
    revoked = node.keyring.revocations
    is_neighbour = peer is not None
    queue = queue_of(tx, name) if is_neighbour else None
    offset = peer.clock_offset_s if peer is not None else (seen["clock_offset_s"] if seen else None)
    return Standing(
        node=name,
        is_enrolled=division_of(name) in enrolled,
        rhythm=rhythm,
        is_silent=rhythm is not None and rhythm.is_silent(now),
        told_at=from_iso(told["at"]) if told else None,
        carrier=(peer.carrier or "") if peer is not None else (seen["carrier"] if seen else ""),
        above=_waiting(figures["queue"]) if figures else None,
        below=Waiting(queue.envelopes, queue.bytes, _instant(queue.oldest_at))
        if queue is not None
        else (_waiting(seen["waiting"]) if seen else None),
        software=figures["software"] if figures else "",
        catalogue=told["catalogue"] if told else None,
        calendar=told["calendar"] if told else None,
        certificate_ends_at=certificate_end(node, name),
        is_revoked=bool(certificates) and all(revoked.is_revoked(one.serial) for one in certificates),
        disk_free_bytes=figures["disk_free_bytes"] if figures else None,
        clock_offset_s=offset,
        drafts=told["drafts"] if told else None,
        troubles=sum(_weight(value) for name_, value in troubles.items() if name_ != "quarantined"),
        error=parse_json(peer.last_error.encode()) if peer is not None and peer.last_error else None,
    )


def _weight(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value)


def _waiting(plain: dict[str, Any]) -> Waiting:
    return Waiting(plain["envelopes"], plain["bytes"], _instant(plain["oldest_at"]))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_iso(text)
