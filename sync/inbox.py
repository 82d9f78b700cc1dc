"""Taking envelopes over: durable first, then signed for. A duplicate is answered with the original receipt."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import PeerError
from core.identifiers import NodeId
from core.store.prepared import Prepared, insert, update
from sync import audit
from sync.custody import contiguous
from sync.header import NO_DIGEST, Header
from sync.identity import Place
from sync.keyring import Keyring
from sync.receipt import Receipt, sign_receipt
from sync.stream import StreamRow, find_stream, open_stream
from sync.stream_id import Lane, StreamId
from sync.tables import ATTACHMENT, ENVELOPE, OFFER, RECEIPT, STREAM


class Contradiction(PeerError):
    """Two nodes disagree about what stands at one number: a disk was cloned or restored. The stream waits for people."""

    def __init__(self, stream: StreamId, reason: str, *, code: str, zh: str, en: str) -> None:
        super().__init__(code, zh=zh, en=en)
        self.stream = stream
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arrival:
    """An envelope that was verified and is about to be held."""

    header: Header
    digest: bytes
    data: bytes
    carrier: str
    came_from: NodeId


def holds_digest(tx: sa.Connection, stream: StreamRow, seq: int, digest: bytes) -> bool:
    """Whether exactly this envelope is held already; asked before any cryptography is spent on it."""
    return digest_at(tx, stream.row, seq) == digest


_DIGEST = Prepared(
    sa.select(ENVELOPE.c.digest).where(
        ENVELOPE.c.stream_id == sa.bindparam("row"), ENVELOPE.c.seq == sa.bindparam("at")
    )
)
_AROUND = Prepared(
    sa.select(ENVELOPE.c.seq, ENVELOPE.c.digest, ENVELOPE.c.previous).where(
        ENVELOPE.c.stream_id == sa.bindparam("row"),
        ENVELOPE.c.seq.between(sa.bindparam("low"), sa.bindparam("high")),
    )
)


def digest_at(tx: sa.Connection, row: int, seq: int) -> bytes | None:
    """What the ledger says of an envelope of the stream in ``row``, None if it was never held."""
    held = _DIGEST.scalar(tx, row=row, at=seq)
    return None if held is None else bytes(held)


def hold(tx: sa.Connection, place: Place, world: World, arrival: Arrival) -> StreamRow:
    """Make an envelope durable here. Idempotent.

    Raises ``Contradiction`` (``stream.fork``) when the number is taken by another envelope: a disk was cloned or
    restored, so the stream is held and people are told.
    """
    header = arrival.header
    stream = open_stream(tx, place, header.stream)
    around = _AROUND.all(tx, row=stream.row, low=header.seq - 1, high=header.seq + 1)
    neighbours = {row.seq: row for row in around}
    same, before, after = (neighbours.get(header.seq + step) for step in (0, -1, 1))
    if same is not None and bytes(same.digest) == arrival.digest:
        return stream
    first_is_rootless = header.seq == 1 and header.previous != NO_DIGEST
    broken_before = before is not None and bytes(before.digest) != header.previous
    broken_after = after is not None and bytes(after.previous) != arrival.digest
    if same is not None or first_is_rootless or broken_before or broken_after:
        raise _fork(header)
    insert(
        tx,
        ENVELOPE,
        stream_id=stream.row,
        seq=header.seq,
        digest=arrival.digest,
        previous=header.previous,
        data=arrival.data,
        size=len(arrival.data),
        count=header.count,
        held_at=iso(world.now()),
        carrier=arrival.carrier,
        came_from=arrival.came_from,
    )
    return stream


_BEYOND = sa.select(ENVELOPE.c.seq).where(
    ENVELOPE.c.stream_id == sa.bindparam("row"), ENVELOPE.c.seq > sa.bindparam("head")
)
_WHOLE = (
    sa.select(OFFER.c.seq)
    .join(ATTACHMENT, ATTACHMENT.c.id == OFFER.c.attachment_id)
    .where(OFFER.c.stream_id == sa.bindparam("row"), ATTACHMENT.c.complete_at.is_not(None))
)
_HELD_BEYOND = Prepared(_BEYOND)
_WHOLE_BEYOND = Prepared(_BEYOND.where(ENVELOPE.c.seq.in_(_WHOLE)))


def advance(tx: sa.Connection, stream: StreamRow) -> tuple[StreamRow, tuple[tuple[int, int], ...]]:
    """Move the stream's head over what is now contiguous; returns it with the ranges held beyond.

    An attachment counts as held only when its last chunk is durable.
    """
    beyond = _WHOLE_BEYOND if stream.stream.lane == Lane.ATTACHMENT else _HELD_BEYOND
    upto, ranges = contiguous(stream.head_seq, beyond.scalars(tx, row=stream.row, head=stream.head_seq))
    if upto == stream.head_seq:
        return stream, ranges
    digest = digest_at(tx, stream.row, upto)
    assert digest is not None
    update(tx, STREAM, {"id": stream.row}, head_seq=upto, head_digest=digest)
    row = StreamRow(stream.row, stream.stream, stream.messages, upto, digest, stream.applied_seq, stream.hold)
    return row, ranges


def custody_receipt(
    tx: sa.Connection, place: Place, world: World, keyring: Keyring, stream: StreamRow
) -> bytes:
    """The signed receipt for what this node durably holds of ``stream``: the last one given, if nothing is new."""
    stream, ranges = advance(tx, stream)
    return sign_once(
        tx,
        place,
        world,
        keyring,
        stream,
        "custody",
        upto=stream.head_seq,
        digest=stream.head_digest,
        ranges=ranges,
    )


_FILED_OF = sa.and_(
    RECEIPT.c.stream_id == sa.bindparam("stream"),
    RECEIPT.c.signer == sa.bindparam("by"),
    RECEIPT.c.epoch == sa.bindparam("life"),
    RECEIPT.c.kind == sa.bindparam("what"),
)
_LAST = Prepared(sa.select(RECEIPT).where(_FILED_OF).order_by(RECEIPT.c.number.desc()).limit(1))
_FILED = Prepared(sa.select(RECEIPT.c.number).where(_FILED_OF, RECEIPT.c.number == sa.bindparam("count")))


def sign_once(
    tx: sa.Connection,
    place: Place,
    world: World,
    keyring: Keyring,
    stream: StreamRow,
    kind: str,
    *,
    upto: int,
    digest: bytes,
    ranges: Iterable[tuple[int, int]] = (),
    reason: str = "",
) -> bytes:
    """A numbered receipt; the same facts give the same bytes again."""
    ranges = tuple(ranges)
    written = json.dumps(ranges)
    last = _LAST.first(tx, stream=stream.row, by=place.node, life=place.epoch, what=kind)
    if last is not None and (last.upto, last.ranges) == (upto, written) and not reason:
        return bytes(last.data)
    now = world.now()
    receipt = Receipt(
        kind=kind,
        signer=place.node,
        signer_epoch=place.epoch,
        stream=stream.stream,
        upto=upto,
        digest=digest,
        ranges=ranges,
        number=1 if last is None else last.number + 1,
        at=int(now.timestamp() * 1000),
        reason=reason,
    )
    data = sign_receipt(receipt, keyring.signing_key)
    keep_receipt(tx, stream, receipt, data)
    return data


def keep_receipt(tx: sa.Connection, stream: StreamRow, receipt: Receipt, data: bytes) -> bool:
    """File a verified receipt; false if it was filed before."""
    named = {
        "stream": stream.row,
        "by": receipt.signer,
        "life": receipt.signer_epoch,
        "what": receipt.kind,
        "count": receipt.number,
    }
    if _FILED.scalar(tx, **named) is not None:
        return False
    insert(
        tx,
        RECEIPT,
        stream_id=stream.row,
        signer=receipt.signer,
        epoch=receipt.signer_epoch,
        kind=receipt.kind,
        number=receipt.number,
        upto=receipt.upto,
        ranges=json.dumps(list(receipt.ranges)),
        data=data,
        at=iso(_instant(receipt.at)),
    )
    return True


def put_on_hold(tx: sa.Connection, world: World, stream: StreamId, reason: str) -> None:
    """Stop applying a stream until a person has looked at it; what is held stays held."""
    found = find_stream(tx, stream)
    if found is not None and found.hold is None:
        tx.execute(sa.update(STREAM).where(STREAM.c.id == found.row).values(hold=reason))
        audit.note(
            tx,
            world,
            actor="sync",
            action="stream.held",
            subject=stream.origin,
            reason=reason,
            lane=stream.lane,
        )


def _fork(header: Header) -> Contradiction:
    return Contradiction(
        header.stream,
        f"two different envelopes {header.seq}",
        code="stream.fork",
        zh=f"{header.origin} 的第 {header.seq} 号信封与已收到的不一致：该设备可能被复制或用旧备份恢复过。"
        "已暂停该数据流，请联系市中心核对。",
        en=f"Envelope {header.seq} of {header.origin} contradicts what is held: that device may have been cloned "
        "or restored from an old backup. The stream is on hold; the city centre has to look.",
    )


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
