"""One installation: its database, keys, chunks and handlers, composed once and shared by every tier."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import LiandongError
from core.identifiers import NodeId, new_id
from core.store.engine import Database
from core.store.prepared import Prepared, put
from core.store.walk import Books, Rot
from sync import attachments, audit, checkpoint, epoch, handback, neighbour, revoking, rotten, witness
from sync.attachments import ChunkStore, FileManifest
from sync.custody import towards
from sync.dispatch import Dispatch, Handler, Incoming
from sync.hello import Hello, is_token_of
from sync.identity import Place, read_place, read_standing
from sync.keyring import KeyRecord, Keyring
from sync.packing import Message
from sync.retry import BUDGET_BYTES_START
from sync.shares import Shares
from sync.stream import append, meet_child
from sync.stream_id import Lane
from sync.tables import KEY, PEER, STREAM
from sync.x509 import Certificate, read_certificate

_PEER = Prepared(sa.select(PEER).where(PEER.c.node == sa.bindparam("of")))
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
    books: list[Books] = field(default_factory=list)
    """The tables that the office lets the node look through for rot."""
    shares: Shares | None = None
    """What the tier holds in common with each neighbour, once it has said so."""
    compared: dict[NodeId, tuple[str, str]] = field(default_factory=dict)
    """Our digest and the neighbour's when it was last asked what differs."""
    still_open: Callable[[sa.Connection, str], bool] = field(default=lambda tx, subject: True)
    """Whether a new machine still needs what was said of a subject."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    woken: threading.Event = field(default_factory=threading.Event)
    run: str = ""
    """This start of the program, 32 hexadecimal characters: see :mod:`sync.epoch`."""
    introduced: set[NodeId] = field(default_factory=set)
    """Neighbours with whom this run has compared what each has seen of the other."""

    @classmethod
    def load(cls, db: Database, world: World, chunks: ChunkStore, software: str) -> "Node":
        """The installation in ``db``. Raises ``LocalError`` (``node.not_initialised``)."""
        with db.reading() as tx:
            place = read_place(tx)
            keyring = Keyring(place.node, stored_keys(tx))
        node = cls(db, world, chunks, software, place, keyring, run=new_id(world))
        for type_, handler in {
            attachments.OFFERED: lambda tx, incoming: None,
            checkpoint.RECEIPT_ISSUED: node.take_issued_receipt,
            epoch.EPOCH_BEGUN: node.take_begun,
            handback.ENVELOPE_HANDED_BACK: node.take_handed_back,
        }.items():
            node.dispatch.on(type_, handler, of_carrier=True)
        node.dispatch.on(revoking.CERTIFICATES_REVOKED, lambda tx, said: revoking.take_list(tx, node, said))
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
        append(tx, self.refresh(tx), self.world, readers=readers, lane=Lane[lane.upper()], message=message)

    def offer(self, tx: sa.Connection, manifests: Iterable[FileManifest], readers: Iterable[NodeId]) -> None:
        """Offer the files that a message names to its readers, in the same transaction."""
        place = self.refresh(tx)
        for manifest in manifests:
            attachments.require_whole(manifest.chunks, self.chunks)
            attachments.offer(tx, place, self.world, manifest, frozenset(readers), new_id(self.world))

    def serve(
        self, handlers: Mapping[str, tuple[Callable[[sa.Connection, NodeId, str, bytes], Any], int]]
    ) -> None:
        """Let handlers ``(transaction, origin, subject, body)``, each with its newest schema, take messages."""
        for type_, (take, schema) in handlers.items():
            self.dispatch.on(type_, _as_handler(take), schema=schema)

    def ask_if_open(self, is_open: Callable[[sa.Connection, str], bool]) -> None:
        """Let ``is_open`` say what a new machine still needs."""
        self.still_open = is_open

    def compare(self, shares: Shares) -> None:
        """Let contacts compare ``shares`` with what the neighbours hold."""
        self.shares = shares

    def say(self, tx: sa.Connection, readers: Iterable[NodeId], lane: Lane, type_: str, body: bytes) -> None:
        """Record a message of this node's own, about no case."""
        message = Message(new_id(self.world), type_, 1, "", body)
        append(tx, self.refresh(tx), self.world, readers=readers, lane=lane, message=message)

    def refresh(self, tx: sa.Connection) -> Place:
        """The place as the database has it: another program of this node may have begun a new epoch, or revoked keys."""
        self.place, revocations = read_standing(tx)
        revoking.catch_up(tx, self.keyring, revocations)
        return self.place

    def ordinal(self, tx: sa.Connection) -> int:
        """Which block of case numbers the present epoch uses."""
        return epoch.ordinal(tx)

    def require_recovered(self, tx: sa.Connection, origin: NodeId) -> None:
        """Raises ``StateError`` (``node.recovering``) while a neighbour may know more of what ``origin`` began."""
        place = self.place
        above = () if place.parent is None else (place.parent,)
        way = (towards(place.node, origin),) if place.parent is None and origin != place.node else ()
        epoch.require_recovered(tx, (*above, *way))

    def begin_epoch(self, reason: epoch.Reason) -> None:
        """Speak in a new epoch from now on."""
        with self.db.transaction() as tx:
            self.place = epoch.begin(tx, read_place(tx), self.world, reason)
        self.introduced.clear()

    def note_hello(self, hello: Hello, *, by_hand: bool = False) -> neighbour.Standing:
        """Judge the sender's epoch, and what it has seen of ours: if more than we remember, a new epoch begins.

        ``by_hand``: it came on a stick, perhaps after later ones.
        """
        with self.db.transaction() as tx:
            place = self.refresh(tx)
            born = self.keyring.pair_of(hello.sender).signing.epoch
            standing = neighbour.note_bundle(tx, place, self.world, hello, born)
            forgot = self._compare(tx, hello)
            if standing is not neighbour.Standing.ENDED and not forgot:
                witness.compare(tx, place, self.world, hello, by_hand=by_hand)
        if forgot:
            self.begin_epoch(epoch.Reason.REWOUND)
        self.introduced.add(hello.sender)
        return standing

    def _compare(self, tx: sa.Connection, hello: Hello) -> bool:
        """Whether the neighbour has seen a bundle of our present epoch that this disk does not remember."""
        seen, place = hello.seen, self.place
        if not seen.epoch:
            return False
        if seen.epoch != place.epoch:
            if not epoch.is_own(tx, place, seen.epoch):
                epoch.note_superseded(tx, self.world, hello.sender, seen.epoch)
            return False
        epoch.clear_superseded(tx)
        if epoch.wrote(tx, seen.run, seen.number):
            neighbour.receipts_arrived(tx, hello.sender, seen.number)
            return False
        if is_token_of(self.keyring.verify_key_of(place.node), place.node, seen):
            return True
        audit.note(tx, self.world, actor="sync", action="contact.false_witness", subject=hello.sender)
        return False

    def note_returned(self, tx: sa.Connection, hello: Hello) -> None:
        """After a bundle was taken: has its sender given back all that it holds of our own words?"""
        if hello.seen.epoch == self.place.epoch and not hello.owes:
            epoch.note_recovered(tx, self.world, hello.sender)

    def take_begun(self, tx: sa.Connection, incoming: Incoming) -> None:
        """Another node has begun an epoch: go on with what was held, and give a new machine the open cases."""
        handback.take_begun(tx, self, incoming)

    def take_handed_back(self, tx: sa.Connection, incoming: Incoming) -> None:
        """A node above gives this new machine what concerns it."""
        handback.take_handed_back(tx, self, incoming)

    def note_rot(self, tx: sa.Connection, rot: Rot) -> None:
        """Enter a row that was found rotten while somebody read it into the register of damage."""
        rotten.enter(tx, self.world, [rot])

    def body_again(self, tx: sa.Connection, message_id: str) -> bytes | None:
        """The body of a message from this node's own record, or from the envelope that brought it."""
        return rotten.body_again(tx, self.place, self.keyring, message_id)

    def mend_said(self, tx: sa.Connection, message: Message, digest: bytes) -> Message | None:
        """A message of this node's own that has rotted, as it was recorded; None, and an alarm, if nothing has it."""
        return rotten.mend_said(tx, self.place, self.world, self.keyring, self.books, message, digest)[0]

    def apart(self) -> AbstractContextManager[sa.Connection]:
        """A transaction of its own, for one who reads and found something to mend."""
        return self.db.transaction()

    def apply_ready(self) -> checkpoint.Progress:
        """Bring everything that is held and readable here into effect."""
        return checkpoint.apply_ready(self.db, self.place, self.world, self.keyring, self.dispatch)

    def retry_quarantined(self) -> int:
        """Try again what was set aside; returns how much took effect."""
        return checkpoint.retry_quarantined(self.db, self.place, self.world, self.keyring, self.dispatch)

    def learn_certificates(self, node: NodeId, certificates: Iterable[bytes]) -> None:
        """Enter a neighbour's own certificates. Raises ``PeerError`` (``certificate.*``)."""
        taken = [read_certificate(der) for der in certificates]
        if any(self.keyring.certificate_with(node, c.serial) is None for c in taken):
            with self.db.transaction() as tx:
                self.enter_certificates(tx, [c for c in taken if c.node == node])

    def enter_certificates(self, tx: sa.Connection, certificates: Iterable[Certificate]) -> None:
        """Enter certificates that are not known yet. Raises ``PeerError`` (``certificate.wrong_issuer``)."""
        fresh = [c for c in certificates if self.keyring.certificate_with(c.node, c.serial) is None]
        if fresh:
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

    def peer(self, tx: sa.Connection, node: NodeId) -> Any | None:
        """The row of a neighbour in the table of neighbours."""
        return _PEER.first(tx, of=node)

    def note_contact(self, tx: sa.Connection, hello: Hello, carrier: str) -> None:
        """Remember that a neighbour was met, with what it said of itself."""
        now = self.world.now()
        clock: dict[str, int] = {}
        if carrier != "usb":
            # A stick may have been days on its way; over a line the difference is that of the clocks.
            clock["clock_offset_s"] = round(hello.at / 1000 - now.timestamp())
        if hello.sender != self.place.parent:
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
            knows_epoch=hello.seen.epoch or None,
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
        put(tx, PEER, {"node": node}, **values)


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
        put(tx, KEY, {"record_id": record.record_id}, node=record.node, record=record.data)
