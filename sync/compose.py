"""Writing a bundle: who we are, what we sign for, what we lack, and what we owe, within a budget of bytes."""

from dataclasses import dataclass, field

import sqlalchemy as sa

from core.identifiers import NodeId
from sync import attachments, cose, epoch, neighbour, refetch, witness
from sync.bundle import Frame, Kind, write_bundle
from sync.hello import Hello, sign_hello, sign_token
from sync.identity import next_count
from sync.inbox import custody_receipt
from sync.node import Node
from sync.outbox import envelope_bytes, unsigned_streams
from sync.repair import shared_digest
from sync.stream import seal_waiting, stream_with

ASK_MAX = 500
WANT_FILES_MAX = 200
WANT_BYTES_MAX = 256 * 1024
FILES_MAX = 500


@dataclass(frozen=True, slots=True)
class Composed:
    """A bundle ready to send. ``filled`` says that the budget, not the outbox, ended it; ``signed`` are the streams of
    which it carries our receipt, ``owes`` the number of the receiver's own envelopes it announced.
    """

    data: bytes
    number: int
    envelopes: int
    chunks: int
    filled: bool
    signed: frozenset[int]
    owes: int


@dataclass(slots=True)
class Carried:
    """What earlier bundles of one export carry: envelopes as ``(stream row, seq)``, chunks as ``(file, number)``."""

    envelopes: set[tuple[int, int]] = field(default_factory=set)
    chunks: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Load:
    """What is owed, as far as it fits ``room``."""

    room: int
    frames: list[Frame] = field(default_factory=list)
    envelopes: int = 0
    chunks: int = 0
    filled: bool = False

    def fits(self, size: int) -> bool:
        """Whether so much more may go along; the first piece always may."""
        self.filled = size > self.room and bool(self.frames)
        return not self.filled

    def add(self, kind: Kind, payload: bytes, size: int) -> None:
        self.frames.append(Frame(kind, payload))
        self.room -= size


def compose(
    node: Node,
    peer: NodeId,
    *,
    budget_bytes: int,
    reply_to: int = 0,
    introduce: bool = False,
    collect_only: bool = False,
    with_certificates: bool = False,
    asked_bytes: int = 0,
    carried: Carried | None = None,
    message: bytes | None = None,
) -> Composed:
    """The bundle for ``peer``: receipts it has not shown to have, wishes, and what is owed within the budget.

    ``introduce``: seal and send nothing yet, but ask what arrived: after a start, so that a disk that was restored
    learns it before it speaks; after a broken contact, so that no byte is sent twice. ``collect_only``: the receiver's
    epoch has ended, so it is signed for and asked for what is missing, and given nothing. ``asked_bytes`` is the
    budget we ask the neighbour to keep to. At least one envelope goes along even if it is larger than that.
    ``carried``: this bundle goes on where the earlier ones of an export ended, and is added to it. ``message`` is one
    of the reconciliation.
    """
    frames: list[Frame] = []
    load = _Load(budget_bytes)
    with node.db.transaction() as tx:
        node.refresh(tx)
        if not introduce:
            seal_waiting(tx, node.place, node.world, node.keyring, node.mend_said)
        number = next_count(tx, "bundles_written")
        epoch.note_written(tx, node.run, number)
        hello = _introduce(node, tx, peer, number, reply_to, with_certificates, asked_bytes)
        frames.append(Frame(Kind.HELLO, sign_hello(hello, node.keyring.signing_key)))
        signed = neighbour.unsigned(tx, peer)
        for row in sorted(signed):
            receipt = custody_receipt(tx, node.place, node.world, node.keyring, stream_with(tx, row))
            frames.append(Frame(Kind.RECEIPT, receipt))
        neighbour.note_signed(tx, peer, number)
        wanted = attachments.wanted_from(tx, peer, WANT_FILES_MAX)
        if wanted:
            wishes = [[bytes.fromhex(id_), have] for id_, have in wanted]
            frames.append(Frame(Kind.WANT, cose.encode(wishes)))
        if introduce:
            keys = unsigned_streams(tx, peer, ASK_MAX)
            if keys:
                frames.append(Frame(Kind.ASK, cose.encode(keys)))
        elif not collect_only:
            _fill(node, tx, peer, load, carried)
        if message is not None:
            load.frames.append(Frame(Kind.COMPARE, message))
        if missing := refetch.asked_of(tx, peer):
            # The last frame: a node that does not know it yet has taken all the others by then.
            load.frames.append(Frame(Kind.MISSING, cose.encode(missing)))
    data = write_bundle([*frames, *load.frames])
    return Composed(data, number, load.envelopes, load.chunks, load.filled, frozenset(signed), hello.owes)


def _fill(node: Node, tx: sa.Connection, peer: NodeId, load: _Load, carried: Carried | None) -> None:
    done = Carried() if carried is None else carried
    for item in refetch.to_send(tx, peer):
        if (item.row, item.seq) in done.envelopes:
            continue
        if not load.fits(item.size):
            return
        if (sound := envelope_bytes(tx, item)) is None:
            refetch.set_aside(tx, node.world, item.row, item.seq)
            continue
        load.add(Kind.ENVELOPE, sound, item.size)
        load.envelopes += 1
        done.envelopes.add((item.row, item.seq))
    # On a line the oldest files are enough; an export goes through all of them.
    files_max = FILES_MAX if carried is None else None
    for id_, index, digest in attachments.chunks_owed(tx, peer, files_max):
        if (id_, index) in done.chunks:
            continue
        data = node.chunks.get(digest)
        if data is None:
            continue
        if not load.fits(len(data)):
            return
        load.add(Kind.CHUNK, cose.encode([bytes.fromhex(id_), index, data]), len(data))
        load.chunks += 1
        done.chunks.add((id_, index))


def _introduce(
    node: Node,
    tx: sa.Connection,
    peer: NodeId,
    number: int,
    reply_to: int,
    with_certificates: bool,
    asked_bytes: int,
) -> Hello:
    pair = node.keyring.pair
    met = node.peer(tx, peer)
    known = met is not None and met.knows_serial == pair.signing.serial
    shared = shared_digest(tx, node, peer)
    settled = met is not None and met.knows_epoch == node.place.epoch
    if not settled:
        neighbour.sign_all(tx, node.place, peer)
    return Hello(
        sender=node.place.node,
        epoch=node.place.epoch,
        run=node.run,
        receiver=peer,
        number=number,
        reply_to=reply_to,
        at=int(node.world.now().timestamp() * 1000),
        software=node.software,
        knows=node.serial_of(peer),
        token=sign_token(node.keyring.signing_key, node.place.node, node.place.epoch, node.run, number),
        before=epoch.written_by_others(tx, node.run),
        seen=neighbour.seen_of(tx, peer),
        past=() if settled else epoch.past(tx, node.place),
        owes=neighbour.owes_own(tx, peer),
        certificates=() if known and not with_certificates else (pair.signing.der, pair.sealing.der),
        report=node.report(tx)
        | ({"budget": asked_bytes} if asked_bytes else {})
        | ({"shared": shared} if shared else {})
        | witness.told(tx, peer),
    )
