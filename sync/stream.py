"""A node speaks by appending to its streams; a contact seals what waits into envelopes."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import PeerError, StateError
from core.identifiers import NodeId, Tier
from core.store.prepared import Prepared, insert, update
from sync.custody import next_hops
from sync.envelope import seal
from sync.header import NO_DIGEST
from sync.identity import Place
from sync.keyring import Keyring
from sync.packing import Message, fingerprint, require_packable
from sync.primitives import SealingPublicKey
from sync.stream_id import EVERYONE, Lane, StreamId, check_stream
from sync.tables import DELIVERY, ENVELOPE, MESSAGE, OFFER, PEER, STREAM

ENVELOPE_MESSAGES_MAX = 200
ENVELOPE_RAW_BYTES_TARGET = 48 * 1024
"""Before compression. Larger envelopes cost less processor, smaller ones get across a bad line."""


Mend = Callable[[sa.Connection, Message, bytes], Message | None]
"""A recorded message that has rotted, made again so that it has its digest and written back; None if nothing has it."""


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream as this node knows it."""

    row: int
    stream: StreamId
    messages: int
    head_seq: int
    head_digest: bytes
    applied_seq: int
    hold: str | None


_NEIGHBOURS = Prepared(sa.select(PEER.c.node).order_by(PEER.c.node))


def children(tx: sa.Connection, place: Place) -> list[NodeId]:
    """The neighbours below that have been enrolled."""
    if place.tier is Tier.VILLAGE:
        return []
    nodes = [NodeId(node) for node in _NEIGHBOURS.scalars(tx)]
    return [node for node in nodes if node not in (place.node, place.parent)]


_BY_KEY = Prepared(sa.select(STREAM).where(STREAM.c.key == sa.bindparam("stream")))
_BY_ROW = Prepared(sa.select(STREAM).where(STREAM.c.id == sa.bindparam("row")))


def find_stream(tx: sa.Connection, stream: StreamId) -> StreamRow | None:
    """The row of ``stream``, if anything of it was ever held here."""
    row = _BY_KEY.first(tx, stream=stream.key)
    return None if row is None else stream_row(row)


def stream_with(tx: sa.Connection, row: int) -> StreamRow:
    """The stream in this row of the table."""
    found = _BY_ROW.first(tx, row=row)
    assert found is not None
    return stream_row(found)


def stream_row(row: Any) -> StreamRow:
    """The value of one row of the stream table."""
    stream = StreamId(NodeId(row.origin), row.epoch, tuple(json.loads(row.readers)), Lane(row.lane))
    return StreamRow(
        row.id, stream, row.messages, row.head_seq, bytes(row.head_digest), row.applied_seq, row.hold
    )


def open_stream(tx: sa.Connection, place: Place, stream: StreamId) -> StreamRow:
    """The row of ``stream``, made with its deliveries if it is new here."""
    found = find_stream(tx, stream)
    if found is not None:
        return found
    row = tx.execute(
        sa.insert(STREAM).values(
            key=stream.key,
            origin=stream.origin,
            epoch=stream.epoch,
            readers=json.dumps(list(stream.readers)),
            lane=stream.lane,
            head_digest=NO_DIGEST,
        )
    ).inserted_primary_key
    assert row is not None
    for hop in sorted(
        next_hops(place.node, stream.readers, origin=stream.origin, children=children(tx, place))
    ):
        tx.execute(sa.insert(DELIVERY).values(stream_id=row[0], peer=hop))
    return StreamRow(row[0], stream, 0, 0, NO_DIGEST, 0, None)


_MET = Prepared(sa.select(PEER.c.node).where(PEER.c.node == sa.bindparam("child")))
_NOT_OWED = Prepared(
    sa.select(STREAM.c.id).where(
        STREAM.c.readers == json.dumps([EVERYONE]),
        STREAM.c.id.not_in(sa.select(DELIVERY.c.stream_id).where(DELIVERY.c.peer == sa.bindparam("child"))),
    )
)


def meet_child(tx: sa.Connection, place: Place, child: NodeId) -> None:
    """Note a newly enrolled neighbour below, and owe it every public stream from its beginning."""
    if _MET.scalar(tx, child=child) is None:
        insert(tx, PEER, node=child)
    for stream in _NOT_OWED.scalars(tx, child=child):
        insert(tx, DELIVERY, stream_id=stream, peer=child)


def append(
    tx: sa.Connection, place: Place, world: World, *, readers: Iterable[NodeId], lane: Lane, message: Message
) -> None:
    """Record ``message`` in the stream for ``readers``; it is sealed and sent at the next contact.

    Belongs into the transaction of the change it tells of. Raises ``LocalError`` (``envelope.unpackable``) and
    ``PeerError`` (``stream.malformed``) now for what could not be sealed then, when it would stop all others.
    """
    require_packable(message)
    name = check_stream(place.node, bytes.fromhex(place.epoch), sorted(readers), lane)
    stream = open_stream(tx, place, name)
    record(tx, world, stream.row, stream.messages + 1, message)
    update(tx, STREAM, {"id": stream.row}, messages=stream.messages + 1)


def record(
    tx: sa.Connection, world: World, row: int, number: int, message: Message, *, seq: int | None = None
) -> None:
    """Enter message ``number`` of the own stream in ``row``; ``seq`` is the envelope it lies in, None while it waits."""
    insert(
        tx,
        MESSAGE,
        stream_id=row,
        number=number,
        message_id=message.id,
        type=message.type,
        schema=message.schema,
        subject=message.subject,
        body=message.body,
        recorded_at=iso(world.now()),
        seq=seq,
        digest=fingerprint(message),
    )


def carry_over(tx: sa.Connection, place: Place, stream: StreamRow, *, beyond: int) -> int:
    """Move what an ended stream says after envelope ``beyond``, sealed or not, to the stream of the present epoch.

    The ended stream then ends there: nobody has signed for the envelopes that go. Returns the number of messages.
    """
    moving = (MESSAGE.c.stream_id == stream.row) & (MESSAGE.c.seq.is_(None) | (MESSAGE.c.seq > beyond))
    numbers = list(tx.scalars(sa.select(MESSAGE.c.number).where(moving).order_by(MESSAGE.c.number)))
    id_ = stream.stream
    if numbers:
        target = open_stream(tx, place, StreamId(place.node, place.epoch, id_.readers, id_.lane))
        for offset, number in enumerate(numbers, target.messages + 1):
            where = (MESSAGE.c.stream_id == stream.row) & (MESSAGE.c.number == number)
            tx.execute(sa.update(MESSAGE).where(where).values(stream_id=target.row, number=offset, seq=None))
            # One offer an envelope: its number in the stream is the envelope's.
            offer = (OFFER.c.stream_id == stream.row) & (OFFER.c.seq == number)
            tx.execute(sa.update(OFFER).where(offer).values(stream_id=target.row, seq=offset))
        count = target.messages + len(numbers)
        tx.execute(sa.update(STREAM).where(STREAM.c.id == target.row).values(messages=count))
    ends: dict[str, Any] = {"hold": None}
    if numbers:
        ends["messages"] = numbers[0] - 1
    if beyond < stream.head_seq:
        tx.execute(sa.delete(ENVELOPE).where(ENVELOPE.c.stream_id == stream.row, ENVELOPE.c.seq > beyond))
        digest = tx.scalar(
            sa.select(ENVELOPE.c.digest).where(ENVELOPE.c.stream_id == stream.row, ENVELOPE.c.seq == beyond)
        )
        ends |= {"head_seq": beyond, "applied_seq": min(stream.applied_seq, beyond)}
        ends["head_digest"] = NO_DIGEST if digest is None else digest
    tx.execute(sa.update(STREAM).where(STREAM.c.id == stream.row).values(**ends))
    return len(numbers)


_WAITING = Prepared(
    sa.select(STREAM)
    .where(
        STREAM.c.id.in_(sa.select(MESSAGE.c.stream_id).where(MESSAGE.c.seq.is_(None)).distinct()),
        STREAM.c.hold.is_(None),
    )
    .order_by(STREAM.c.lane)
)
_BATCH = Prepared(
    sa.select(MESSAGE)
    .where(MESSAGE.c.stream_id == sa.bindparam("row"), MESSAGE.c.seq.is_(None))
    .order_by(MESSAGE.c.number)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_SEALED = Prepared(
    sa.update(MESSAGE)
    .where(
        MESSAGE.c.stream_id == sa.bindparam("row"),
        MESSAGE.c.number.between(sa.bindparam("first"), sa.bindparam("last")),
    )
    .values(seq=sa.bindparam("in_envelope"))
)


def seal_waiting(tx: sa.Connection, place: Place, world: World, keyring: Keyring, mend: Mend) -> int:
    """Seal every recorded message that waits for an envelope; returns the number of envelopes made.

    A message for a reader whose certificate has not arrived yet, or was revoked, goes on waiting; so does a stream
    on hold, which would only grow a second end. One that has rotted is never signed: unless ``mend`` has it again, it
    waits, and so does what its stream says after it.
    """
    made = 0
    for row in _WAITING.all(tx):
        stream = stream_row(row)
        keys = _sealing_keys(stream.stream, keyring)
        if keys is None:
            continue
        while batch := _next_batch(tx, stream, mend):
            stream = _seal_batch(tx, stream, batch, world, keyring, keys)
            made += 1
    return made


def _sealing_keys(stream: StreamId, keyring: Keyring) -> dict[NodeId, SealingPublicKey] | None:
    """The key of every reader, None while one is missing."""
    if stream.is_open:
        return {}
    try:
        return {reader: keyring.sealing_key_of(reader) for reader in stream.readers}
    except (StateError, PeerError):
        return None


def _next_batch(tx: sa.Connection, stream: StreamRow, mend: Mend) -> list[tuple[int, Message]]:
    most = 1 if stream.stream.lane == Lane.ATTACHMENT else ENVELOPE_MESSAGES_MAX
    batch: list[tuple[int, Message]] = []
    raw_bytes = 0
    for row in _BATCH.all(tx, row=stream.row, most=most):
        message: Message | None = recorded(row)
        if message is not None and fingerprint(message) != bytes(row.digest):
            message = mend(tx, message, bytes(row.digest))
        if message is None:
            break
        raw_bytes += len(message.body) + 64
        if batch and raw_bytes > ENVELOPE_RAW_BYTES_TARGET:
            break
        batch.append((row.number, message))
    return batch


def recorded(row: Any) -> Message:
    """What stands in a row of the table of messages, whole or not."""
    return Message(row.message_id, row.type, row.schema, row.subject, bytes(row.body))


def _seal_batch(
    tx: sa.Connection,
    stream: StreamRow,
    batch: list[tuple[int, Message]],
    world: World,
    keyring: Keyring,
    keys: dict[NodeId, SealingPublicKey],
) -> StreamRow:
    id_ = stream.stream
    seq = stream.head_seq + 1
    sealed = seal(
        world,
        id_,
        [message for _, message in batch],
        seq=seq,
        previous=stream.head_digest,
        first=batch[0][0],
        signing_key=keyring.signing_key,
        readers=keys,
        origin_secret=keyring.origin_secrets[0],
    )
    insert(
        tx,
        ENVELOPE,
        stream_id=stream.row,
        seq=seq,
        digest=sealed.digest,
        previous=stream.head_digest,
        data=sealed.data,
        size=len(sealed.data),
        count=len(batch),
        held_at=iso(world.now()),
        carrier="own",
        came_from=id_.origin,
    )
    _SEALED.run(tx, row=stream.row, first=batch[0][0], last=batch[-1][0], in_envelope=seq)
    update(tx, STREAM, {"id": stream.row}, head_seq=seq, head_digest=sealed.digest, applied_seq=seq)
    return StreamRow(stream.row, id_, stream.messages, seq, sealed.digest, seq, stream.hold)
