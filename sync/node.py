"""One installation: its database, keys, chunks and handlers, composed once and shared by every tier."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import LiandongError
from core.identifiers import NodeId, new_id
from core.store.engine import Database
from sync import attachments, checkpoint
from sync.attachments import ChunkStore, FileManifest
from sync.dispatch import Dispatch, Handler, Incoming
from sync.hello import Hello
from sync.identity import Place, read_place
from sync.keyring import KeyRecord, Keyring
from sync.packing import Message
from sync.retry import BUDGET_BYTES_START
from sync.shares import Shares
from sync.stream import append, meet_child
from sync.stream_id import Lane
from sync.tables import KEY, PEER, STREAM
from sync.x509 import read_certificate

Facts = Callable[[sa.Connection], dict[str, Any]]
"""What a tier adds to the report that rides in every contact; short text and whole numbers only."""


@dataclass(slots=True)
class Node:
    """What the verbs of sync work on. One process uses one ``Node``; ``lock`` keeps contacts one at a time."""

    db: Database
    world: World
    chunks: ChunkStore
    software: str
    place: Place
    keyring: Keyring
    dispatch: Dispatch = field(default_factory=Dispatch)
    facts: list[Facts] = field(default_factory=list)
    shares: Shares | None = None
    """What the tier holds in common with each neighbour, once it has said so."""
    compared: dict[NodeId, tuple[str, str]] = field(default_factory=dict)
    """Our digest and the neighbour's when it was last asked what differs."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    woken: threading.Event = field(default_factory=threading.Event)
    unsigned: dict[NodeId, set[int]] = field(default_factory=dict)
    """Streams of which a neighbour brought something, while our receipts for it may have been lost."""

    @classmethod
    def load(cls, db: Database, world: World, chunks: ChunkStore, software: str) -> "Node":
        """The installation in ``db``. Raises ``LocalError`` (``node.not_initialised``)."""
        with db.reading() as tx:
            place = read_place(tx)
            keyring = Keyring(place.node, place.epoch, stored_keys(tx))
        node = cls(db, world, chunks, software, place, keyring)
        node.dispatch.on(attachments.OFFERED, lambda tx, incoming: None)
        node.dispatch.on(checkpoint.RECEIPT_ISSUED, node.take_issued_receipt)
        return node

    def post(
        self,
        tx: sa.Connection,
        *,
        readers: Iterable[NodeId],
        lane: str,
        message_id: str,
        type_: str,
        schema: int,
        subject: str,
        body: bytes,
    ) -> None:
        """Record a message for ``readers``, in the transaction of the change it tells of."""
        message = Message(message_id, type_, schema, subject, body)
        append(tx, self.place, self.world, readers=readers, lane=Lane[lane.upper()], message=message)

    def offer(self, tx: sa.Connection, manifests: Iterable[FileManifest], readers: Iterable[NodeId]) -> None:
        """Offer the files that a message names to its readers, in the same transaction."""
        for manifest in manifests:
            attachments.require_whole(manifest.chunks, self.chunks)
            attachments.offer(tx, self.place, self.world, manifest, frozenset(readers), new_id(self.world))

    def serve(
        self, handlers: Mapping[str, tuple[Callable[[sa.Connection, NodeId, str, bytes], Any], int]]
    ) -> None:
        """Let handlers ``(transaction, origin, subject, body)``, each with its newest schema, take messages."""
        for type_, (take, schema) in handlers.items():
            self.dispatch.on(type_, _as_handler(take), schema=schema)

    def compare(self, shares: Shares) -> None:
        """Let contacts compare ``shares`` with what the neighbours hold."""
        self.shares = shares

    def say(self, tx: sa.Connection, readers: Iterable[NodeId], lane: Lane, type_: str, body: bytes) -> None:
        """Record a message of this node's own, about no case."""
        message = Message(new_id(self.world), type_, 1, "", body)
        append(tx, self.place, self.world, readers=readers, lane=lane, message=message)

    def apply_ready(self) -> checkpoint.Progress:
        """Bring everything that is held and readable here into effect."""
        return checkpoint.apply_ready(self.db, self.place, self.world, self.keyring, self.dispatch)

    def retry_quarantined(self) -> int:
        """Try again what was set aside; returns how much took effect."""
        return checkpoint.retry_quarantined(self.db, self.place, self.world, self.keyring, self.dispatch)

    def learn_certificates(self, node: NodeId, certificates: Iterable[bytes]) -> None:
        """Enter a neighbour's own certificates. Raises ``PeerError`` (``certificate.*``)."""
        taken = [read_certificate(der) for der in certificates]
        fresh = [c for c in taken if self.keyring.certificate_with(node, c.serial) is None and c.node == node]
        if fresh:
            with self.db.transaction() as tx:
                store_keys(tx, self.keyring.take_certificates(fresh))

    def serial_of(self, node: NodeId) -> str:
        """The serial of the newest certificate of ``node`` known here, empty if there is none."""
        if node not in self.keyring.nodes():
            return ""
        return self.keyring.pair_of(node).signing.serial

    def report(self, tx: sa.Connection) -> dict[str, Any]:
        """What this node tells its neighbours of itself."""
        values: dict[str, Any] = {"software": self.software}
        for facts in self.facts:
            values |= facts(tx)
        return values

    def peer(self, tx: sa.Connection, node: NodeId) -> sa.Row[Any] | None:
        return tx.execute(sa.select(PEER).where(PEER.c.node == node)).one_or_none()

    def note_contact(self, hello: Hello, carrier: str) -> None:
        """Remember that a neighbour was met, with what it said of itself."""
        now = self.world.now()
        clock: dict[str, int] = {}
        if carrier != "usb":
            # A stick may have been days on its way; over a line the difference is that of the clocks.
            clock["clock_offset_s"] = round(hello.at / 1000 - now.timestamp())
        below = hello.sender != self.place.parent
        with self.db.transaction() as tx:
            if below:
                meet_child(tx, self.place, hello.sender)
            self._write_peer(
                tx,
                hello.sender,
                epoch=hello.epoch,
                last_contact_at=iso(now),
                last_attempt_at=iso(now),
                last_error=None,
                failures=0,
                carrier=carrier,
                knows_serial=hello.knows,
                report=json.dumps(hello.report, ensure_ascii=False),
                **clock,
            )

    def note_failure(self, peer: NodeId, error: LiandongError, budget_bytes: int) -> None:
        """Remember that a neighbour could not be met, and why, in words."""
        with self.db.transaction() as tx:
            known = self.peer(tx, peer)
            words = json.dumps({"code": error.code, "zh": error.zh, "en": error.en}, ensure_ascii=False)
            failures = 1 if known is None else known.failures + 1
            now = iso(self.world.now())
            self._write_peer(
                tx, peer, last_attempt_at=now, last_error=words, failures=failures, budget_bytes=budget_bytes
            )

    def budget_of(self, peer: NodeId) -> tuple[int, int]:
        """Bytes the next contact may carry, and contacts that failed since the last good one."""
        with self.db.reading() as tx:
            known = self.peer(tx, peer)
        return (BUDGET_BYTES_START, 0) if known is None else (known.budget_bytes, known.failures)

    def set_budget(self, peer: NodeId, budget_bytes: int) -> None:
        with self.db.transaction() as tx:
            self._write_peer(tx, peer, budget_bytes=budget_bytes)

    def take_issued_receipt(self, tx: sa.Connection, incoming: Incoming) -> None:
        """File the acceptance that a reader of our stream signed."""
        checkpoint.take_issued_receipt(tx, self.keyring, incoming)

    def streams_on_hold(self, tx: sa.Connection) -> list[tuple[str, int, str]]:
        """``(origin, lane, reason)`` of streams that wait for a person."""
        query = sa.select(STREAM.c.origin, STREAM.c.lane, STREAM.c.hold).where(STREAM.c.hold.is_not(None))
        return [(row.origin, row.lane, row.hold) for row in tx.execute(query)]

    def _write_peer(self, tx: sa.Connection, node: NodeId, **values: Any) -> None:
        if tx.execute(sa.update(PEER).where(PEER.c.node == node).values(**values)).rowcount == 0:
            tx.execute(sa.insert(PEER).values(node=node, **values))


def _as_handler(take: Callable[[sa.Connection, NodeId, str, bytes], Any]) -> Handler:
    def handle(tx: sa.Connection, incoming: Incoming) -> None:
        take(tx, incoming.stream.origin, incoming.message.subject, incoming.message.body)

    return handle


def stored_keys(tx: sa.Connection) -> list[KeyRecord]:
    """Every key record of the database."""
    rows = tx.execute(sa.select(KEY.c.record_id, KEY.c.node, KEY.c.record).order_by(KEY.c.record_id))
    return [KeyRecord(row.record_id, NodeId(row.node), bytes(row.record)) for row in rows]


def store_keys(tx: sa.Connection, records: Iterable[KeyRecord]) -> None:
    """Store what a change of the keyring returned."""
    for record in records:
        where = KEY.c.record_id == record.record_id
        if tx.execute(sa.update(KEY).where(where).values(record=record.data)).rowcount == 0:
            tx.execute(
                sa.insert(KEY).values(record_id=record.record_id, node=record.node, record=record.data)
            )
