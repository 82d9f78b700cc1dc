"""What is still owed to a neighbour, the most urgent first, and what its receipts relieve us of."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import PeerError
from core.identifiers import NodeId
from core.store.prepared import Prepared, update
from sync.custody import closed_up, covers, towards
from sync.identity import Place
from sync.inbox import Contradiction, digest_at, keep_receipt
from sync.primitives import sha256
from sync.receipt import Receipt
from sync.stream import StreamRow, find_stream, stream_row
from sync.stream_id import StreamId
from sync.tables import ATTACHMENT_DELIVERY, DELIVERY, ENVELOPE, OFFER, STREAM

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owed:
    """One envelope that ``peer`` has not signed for."""

    stream: StreamId
    row: int
    seq: int
    size: int
    held_at: str


# Put together once: every bundle asks.
_WISHED = (
    sa.select(OFFER.c.attachment_id)
    .join(ATTACHMENT_DELIVERY, ATTACHMENT_DELIVERY.c.attachment_id == OFFER.c.attachment_id)
    .where(
        OFFER.c.stream_id == ENVELOPE.c.stream_id,
        OFFER.c.seq == ENVELOPE.c.seq,
        ATTACHMENT_DELIVERY.c.peer == sa.bindparam("to"),
    )
)
_OWED = Prepared(
    sa.select(STREAM, ENVELOPE.c.seq, ENVELOPE.c.size, ENVELOPE.c.held_at, DELIVERY.c.ranges)
    .join(DELIVERY, DELIVERY.c.stream_id == STREAM.c.id)
    .join(ENVELOPE, (ENVELOPE.c.stream_id == STREAM.c.id) & (ENVELOPE.c.seq > DELIVERY.c.acked_seq))
    .where(
        DELIVERY.c.peer == sa.bindparam("to"),
        ENVELOPE.c.data.is_not(None),
        STREAM.c.hold.is_(None) | (ENVELOPE.c.carrier != "own"),
        ~_WISHED.exists(),
    )
    # The streams take turns: the backlog of one origin must not keep the others waiting behind it.
    .order_by(
        STREAM.c.lane,
        ENVELOPE.c.seq - DELIVERY.c.acked_seq,
        ENVELOPE.c.held_at,
        STREAM.c.id,
        ENVELOPE.c.seq,
    )
)
_UNSIGNED = Prepared(
    sa.select(STREAM.c.key)
    .join(DELIVERY, DELIVERY.c.stream_id == STREAM.c.id)
    .where(DELIVERY.c.peer == sa.bindparam("to"), DELIVERY.c.acked_seq < STREAM.c.head_seq)
    .order_by(STREAM.c.lane)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_QUEUE = Prepared(
    sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(ENVELOPE.c.size), 0),
        sa.func.min(ENVELOPE.c.held_at),
    )
    .select_from(DELIVERY)
    .join(ENVELOPE, (ENVELOPE.c.stream_id == DELIVERY.c.stream_id) & (ENVELOPE.c.seq > DELIVERY.c.acked_seq))
    .where(DELIVERY.c.peer == sa.bindparam("to"), ENVELOPE.c.data.is_not(None))
)


_BYTES = Prepared(
    sa.select(ENVELOPE.c.digest, ENVELOPE.c.data).where(
        ENVELOPE.c.stream_id == sa.bindparam("row"), ENVELOPE.c.seq == sa.bindparam("at")
    )
)
_RANGES = Prepared(
    sa.select(DELIVERY.c.ranges).where(
        DELIVERY.c.stream_id == sa.bindparam("row"), DELIVERY.c.peer == sa.bindparam("to")
    )
)
_ACKED = Prepared(
    sa.select(DELIVERY.c.acked_seq).where(
        DELIVERY.c.stream_id == sa.bindparam("row"), DELIVERY.c.peer == sa.bindparam("to")
    )
)
_RELIEVE = Prepared(
    sa.update(DELIVERY)
    .where(
        DELIVERY.c.stream_id == sa.bindparam("row"),
        DELIVERY.c.peer == sa.bindparam("to"),
        DELIVERY.c.acked_seq <= sa.bindparam("upto"),
    )
    .values(acked_seq=sa.bindparam("upto"), ranges=sa.bindparam("beyond"), acked_at=sa.bindparam("now"))
)
_FORGET_WISHES = Prepared(
    sa.delete(ATTACHMENT_DELIVERY).where(
        ATTACHMENT_DELIVERY.c.peer == sa.bindparam("to"),
        ATTACHMENT_DELIVERY.c.attachment_id.in_(
            sa.select(OFFER.c.attachment_id).where(
                OFFER.c.stream_id == sa.bindparam("row"), OFFER.c.seq <= sa.bindparam("upto")
            )
        ),
    )
)


def owed(tx: sa.Connection, peer: NodeId) -> Iterator[Owed]:
    """Unsigned envelopes for ``peer``: by lane, within a lane the oldest first; none of an own stream on hold.

    An offer that ``peer`` has answered with a bitmap is signed for when the file is whole, and not sent again until
    then: on a thin line it would leave no room for the chunks.
    """
    for row in _OWED.pages(tx, to=peer):
        if not covers(0, json.loads(row.ranges), row.seq):
            yield Owed(stream_row(row).stream, row.id, row.seq, row.size, row.held_at)


def envelope_bytes(tx: sa.Connection, item: Owed) -> bytes | None:
    """The bytes of an owed envelope; None if they are not the ones that were held: rot is never handed on."""
    found = _BYTES.first(tx, row=item.row, at=item.seq)
    assert found is not None
    if found.data is None or sha256(bytes(found.data)) != bytes(found.digest):
        log.error("envelope %d of %s has rotted on the disk; it is not sent", item.seq, item.stream.origin)
        return None
    return bytes(found.data)


def unsigned_streams(tx: sa.Connection, peer: NodeId, limit: int) -> list[bytes]:
    """Keys of the streams of which ``peer`` has not signed for all, the most urgent lane first."""
    return [bytes(key) for key in _UNSIGNED.scalars(tx, to=peer, most=limit)]


@dataclass(frozen=True, slots=True)
class Queue:
    """How much waits for a neighbour, and since when."""

    envelopes: int
    bytes: int
    oldest_at: str | None


def queue_of(tx: sa.Connection, peer: NodeId) -> Queue:
    """The state of the outbox towards ``peer``, messages not sealed yet not counted."""
    row = _QUEUE.first(tx, to=peer)
    assert row is not None
    return Queue(int(row[0]), int(row[1]), row[2])


def take_custody_receipt(
    tx: sa.Connection, place: Place, world: World, receipt: Receipt, data: bytes, *, peer: NodeId
) -> None:
    """Let go of what the next holder has signed for; of a stream unknown here there is nothing to let go.

    Raises ``PeerError`` (``receipt.stranger``): a receipt by anybody else relieves nobody; for one that names another
    envelope than we have (``receipt.other_digest``) ``PeerError``; and ``Contradiction`` if the stream is our own, or
    if its signer holds more of it than we wrote (``receipt.beyond``): then it is this machine that forgot.
    """
    if receipt.signer != peer:
        raise PeerError(
            "receipt.stranger",
            zh=f"回执由 {receipt.signer} 签署，却由 {peer} 送来，未采用。",
            en=f"The receipt is signed by {receipt.signer} but was brought by {peer}; it was not used.",
        )
    stream = find_stream(tx, receipt.stream)
    if stream is None:
        return
    if _ACKED.scalar(tx, row=stream.row, to=peer) is None:
        if receipt.stream.origin != place.node and towards(place.node, receipt.stream.origin) == peer:
            # It tells what it holds after a restore; what came from there is not owed there.
            return
        raise PeerError(
            "receipt.not_owed",
            zh=f"{peer} 签收了不该交给它的数据流，回执未采用。请核对双方软件版本。",
            en=f"{peer} signed for a stream that is not owed to it; the receipt was not used. Compare the software "
            "versions.",
        )
    if receipt.upto:
        _check_digest(tx, place, stream, receipt)
    if not keep_receipt(tx, stream, receipt, data):
        return
    beyond, now = json.dumps(list(receipt.ranges)), iso(world.now())
    _RELIEVE.run(tx, row=stream.row, to=peer, upto=receipt.upto, beyond=beyond, now=now)
    _forget_wishes(tx, stream.row, peer, receipt.upto)


def _forget_wishes(tx: sa.Connection, row: int, peer: NodeId, upto: int) -> None:
    # A bitmap that comes after the signature tells of chunks that were lost there: see attachments.chunks_owed.
    _FORGET_WISHES.run(tx, row=row, to=peer, upto=upto)


def note_held_by(tx: sa.Connection, row: int, peer: NodeId, seq: int) -> None:
    """``peer`` has just given us back what we owe it: it holds that, and needs it no more. Not to be said of the offer
    of a file: who has heard of a file need not hold it.

    What it had signed for beyond the gap that this closes is signed for now as well.
    """
    if not update(tx, DELIVERY, {"stream_id": row, "peer": peer, "acked_seq": seq - 1}, acked_seq=seq):
        return
    signed = json.loads(_RANGES.scalar(tx, row=row, to=peer))
    if signed:
        upto, beyond = closed_up(seq, [(first, last) for first, last in signed])
        at = {"stream_id": row, "peer": peer}
        update(tx, DELIVERY, at, acked_seq=upto, ranges=json.dumps(beyond))


def _check_digest(tx: sa.Connection, place: Place, stream: StreamRow, receipt: Receipt) -> None:
    ours = digest_at(tx, stream.row, receipt.upto)
    if ours == receipt.digest:
        return
    beyond = ours is None
    code = "receipt.beyond" if beyond else "receipt.other_digest"
    if beyond and not (receipt.stream.origin == place.node and receipt.stream.epoch == place.epoch):
        # The signer holds more than this disk remembers: there is nothing to hand over, and nothing to doubt.
        return
    if receipt.stream.origin != place.node:
        raise PeerError(
            code,
            zh=f"{receipt.signer} 签收的 {receipt.stream.origin} 第 {receipt.upto} 号信封与本机所存不一致，回执未采用。",
            en=f"{receipt.signer} signed for another envelope {receipt.upto} of {receipt.stream.origin} than is held "
            "here; the receipt was not used.",
        )
    raise Contradiction(
        receipt.stream,
        f"{receipt.signer} holds {'more than we wrote' if beyond else 'another envelope'}, number {receipt.upto}",
        code=code,
        zh=f"{receipt.signer} 的回执与本机记录不一致：本机可能用旧备份恢复过或被复制。本机将启用新的纪元，把未签收的内容重新发送。",
        en=f"The receipt of {receipt.signer} contradicts this machine: it may have been restored from an old backup "
        "or cloned. A new epoch begins here, and what nobody signed for is said again in it.",
    )
