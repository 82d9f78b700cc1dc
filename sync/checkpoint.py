"""From held to in effect: every message once, in the order of its stream; what cannot be applied is set aside.

The checkpoint is the contiguous applied prefix of a stream and commits with the effects themselves.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.canonical import canonical_json, parse_json
from core.clock import World, iso
from core.errors import LiandongError, PeerError, StateError
from core.identifiers import new_id
from core.store.engine import Database
from core.store.prepared import Prepared, Savepoint, insert, update
from sync import audit
from sync.dispatch import Dispatch, Incoming
from sync.envelope import is_signed_by, open_envelope, open_own, read_header
from sync.identity import Place
from sync.inbox import digest_at, keep_receipt, sign_once
from sync.keyring import Keyring
from sync.packing import Message
from sync.receipt import verify_receipt
from sync.stream import StreamRow, append, find_stream, record, stream_row, stream_with
from sync.stream_id import EVERYONE, Lane, StreamId
from sync.tables import APPLIED, ENVELOPE, MESSAGE, QUARANTINE, STREAM

RECEIPT_ISSUED = "ReceiptIssued"
CLOSED_ENVELOPE = "Envelope"
TRIES_MAX = 5
UNKNOWN_HERE = frozenset({"message.unknown_type", "message.schema"})
_REFUSED_BY_THE_TABLES = (
    sa.exc.IntegrityError,
    sa.exc.DataError,
    sa.exc.ProgrammingError,
    sa.exc.InterfaceError,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one round of applying did."""

    envelopes: int = 0
    messages: int = 0
    quarantined: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(
            self.envelopes + other.envelopes,
            self.messages + other.messages,
            self.quarantined + other.quarantined,
        )


def apply_ready(db: Database, place: Place, world: World, keyring: Keyring, dispatch: Dispatch) -> Progress:
    """Bring every held envelope that this node may read into effect, one transaction each.

    With the last one of a stream its acceptance receipt is queued for the origin.
    """
    done = Progress()
    for stream in _waiting(db, place):
        for seq in range(stream.applied_seq + 1, stream.head_seq + 1):
            with db.transaction() as tx:
                step = _apply_envelope(tx, place, world, keyring, dispatch, stream, seq)
                own = stream.stream.origin == place.node
                if (
                    step.envelopes
                    and seq == stream.head_seq
                    and stream.stream.lane != Lane.CONTROL
                    and not own
                ):
                    _accept(tx, place, world, keyring, stream_with(tx, stream.row))
            done += step
    return done


_UNAPPLIED = Prepared(
    sa.select(STREAM)
    .where(STREAM.c.applied_seq < STREAM.c.head_seq, STREAM.c.hold.is_(None))
    .order_by(STREAM.c.lane, STREAM.c.id)
)
_APPLIED_SEQ = Prepared(sa.select(STREAM.c.applied_seq).where(STREAM.c.id == sa.bindparam("row")))
_DATA = Prepared(
    sa.select(ENVELOPE.c.data).where(
        ENVELOPE.c.stream_id == sa.bindparam("row"), ENVELOPE.c.seq == sa.bindparam("at")
    )
)
_SEEN = Prepared(
    sa.select(APPLIED.c.message_id).where(
        APPLIED.c.origin == sa.bindparam("of"), APPLIED.c.message_id == sa.bindparam("id")
    )
)


def is_waiting(tx: sa.Connection, place: Place) -> bool:
    """Whether anything that is held and may be read here is not in effect yet."""
    return any(_is_for(place, stream_row(row).stream) for row in _UNAPPLIED.all(tx))


def _waiting(db: Database, place: Place) -> list[StreamRow]:
    with db.reading() as tx:
        rows = _UNAPPLIED.all(tx)
    return [s for s in map(stream_row, rows) if _is_for(place, s.stream)]


def _is_for(place: Place, stream: StreamId) -> bool:
    """To be read here: addressed to this node, to all, or said by it in an epoch that its disk forgot."""
    return place.node in (stream.origin, *stream.readers) or stream.readers == (EVERYONE,)


def _apply_envelope(
    tx: sa.Connection,
    place: Place,
    world: World,
    keyring: Keyring,
    dispatch: Dispatch,
    stream: StreamRow,
    seq: int,
) -> Progress:
    current = _APPLIED_SEQ.scalar(tx, row=stream.row)
    if current != seq - 1:
        # Another process of this node (terminal and background sync share one file) was faster.
        return Progress()
    try:
        messages = _open(tx, place, keyring, stream, seq)
    except (PeerError, StateError) as error:
        _set_aside(tx, world, stream, seq, _closed(tx, stream, seq), error)
        done = Progress(1, 0, 1)
    else:
        if stream.stream.origin == place.node:
            messages = _remember(tx, world, dispatch, stream, seq, messages)
        fine = [
            apply_message(tx, world, dispatch, Incoming(message, stream.stream, seq), stream)
            for message in messages
        ]
        done = Progress(1, len(fine), fine.count(False))
    update(tx, STREAM, {"id": stream.row}, applied_seq=seq)
    return done


def _open(
    tx: sa.Connection, place: Place, keyring: Keyring, stream: StreamRow, seq: int, *, judged: bool = False
) -> tuple[Message, ...]:
    # ``judged``: a person lets it count although its signer was revoked since.
    data, origin = _data(tx, stream, seq), stream.stream.origin
    if is_signed_by(data, keyring.revoked_keys_of(origin)):
        if not judged:
            raise keyring.revoked(origin)
        key = keyring.keys_ever_of(origin)
    else:
        key = keyring.verify_key_of(origin)
    if stream.stream.origin == place.node:
        return open_own(data, key, keyring.origin_secrets)[1]
    return open_envelope(data, key, place.node, keyring.sealing_key)[1]


def _remember(
    tx: sa.Connection,
    world: World,
    dispatch: Dispatch,
    stream: StreamRow,
    seq: int,
    messages: Sequence[Message],
) -> tuple[Message, ...]:
    """Enter own messages that this disk had forgotten; returns those that have an effect here."""
    first = read_header(_data(tx, stream, seq)).first
    fresh = []
    for number, message in enumerate(messages, first):
        if tx.scalar(sa.select(MESSAGE.c.number).where(MESSAGE.c.message_id == message.id)) is not None:
            continue
        record(tx, world, stream.row, number, message, seq=seq)
        fresh.append(message)
    last = first + len(messages) - 1
    tx.execute(
        sa.update(STREAM).where(STREAM.c.id == stream.row, STREAM.c.messages < last).values(messages=last)
    )
    return tuple(message for message in fresh if not dispatch.is_of_carrier(message.type))


def _data(tx: sa.Connection, stream: StreamRow, seq: int) -> bytes:
    data = _DATA.scalar(tx, row=stream.row, at=seq)
    if data is None:
        raise StateError(
            "envelope.damaged",
            zh=f"{stream.stream.origin} 的第 {seq} 号信封在本机磁盘上已损坏，正在重新索取，到达后自动处理。",
            en=f"Envelope {seq} of {stream.stream.origin} has rotted on this disk; it is being fetched again and is "
            "applied when it comes.",
        )
    return bytes(data)


def _closed(tx: sa.Connection, stream: StreamRow, seq: int) -> Message:
    """What stands in quarantine for an envelope that cannot be opened; its data stay in the ledger."""
    digest = digest_at(tx, stream.row, seq)
    assert digest is not None
    return Message(digest.hex()[:32], CLOSED_ENVELOPE, 1, "", b"")


def apply_message(
    tx: sa.Connection, world: World, dispatch: Dispatch, incoming: Incoming, stream: StreamRow
) -> bool:
    """Bring one message into effect, once for ever; false if it had to be set aside."""
    message, origin = incoming.message, incoming.stream.origin
    if _SEEN.scalar(tx, of=origin, id=message.id) is not None:
        return True
    savepoint = Savepoint(tx)
    try:
        dispatch.handle(tx, incoming)
    except LiandongError as error:
        savepoint.rollback()
        _set_aside(tx, world, stream, incoming.seq, message, error)
        return False
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and not isinstance(error, _REFUSED_BY_THE_TABLES):
            # The disk or the database failed, not the message: nothing of this envelope counts.
            raise
        savepoint.rollback()
        log.exception("a handler failed on message %s of type %s", message.id, message.type)
        _set_aside(tx, world, stream, incoming.seq, message, _crashed(error))
        return False
    savepoint.commit()
    insert(
        tx,
        APPLIED,
        origin=origin,
        message_id=message.id,
        stream_id=stream.row,
        seq=incoming.seq,
        subject=message.subject,
        at=iso(world.now()),
    )
    return True


def retry_quarantined(db: Database, place: Place, world: World, keyring: Keyring, dispatch: Dispatch) -> int:
    """Try again what was set aside, one transaction each; returns how much took effect.

    What this node does not know yet waits, however long, until a program comes that does; what failed
    ``TRIES_MAX`` times waits for a person.
    """
    columns = QUARANTINE.c
    query = sa.select(
        columns.stream_id, columns.message_id, columns.type, columns.schema, columns.code, columns.tries
    )
    with db.reading() as tx:
        rows = tx.execute(query.where(columns.released_at.is_(None)).order_by(columns.at)).all()
    released = 0
    for row in rows:
        if row.code in UNKNOWN_HERE and not dispatch.knows(row.type, row.schema):
            continue
        if row.code in UNKNOWN_HERE or row.tries < TRIES_MAX:
            with db.transaction() as tx:
                released += try_again(tx, place, world, keyring, dispatch, row.stream_id, row.message_id)
    return released


def try_again(
    tx: sa.Connection,
    place: Place,
    world: World,
    keyring: Keyring,
    dispatch: Dispatch,
    stream_id: int,
    message_id: str,
    *,
    judged: bool = False,
) -> bool:
    """Try one message again now, however often it failed; true if it took effect, else its reason is noted anew.

    ``judged``: a person asks, so what was signed with a key that was revoked since counts too.
    """
    where = (QUARANTINE.c.stream_id == stream_id) & (QUARANTINE.c.message_id == message_id)
    row = tx.execute(sa.select(QUARANTINE).where(where, QUARANTINE.c.released_at.is_(None))).one_or_none()
    if row is None:
        return False
    stream = stream_with(tx, stream_id)
    message = Message(row.message_id, row.type, row.schema, row.subject, bytes(row.body))
    messages: tuple[Message, ...] = (message,)
    if row.type == CLOSED_ENVELOPE:
        try:
            messages = _open(tx, place, keyring, stream, row.seq, judged=judged)
        except (PeerError, StateError) as error:
            _set_aside(tx, world, stream, row.seq, message, error)
            return False
    fine = [apply_message(tx, world, dispatch, Incoming(m, stream.stream, row.seq), stream) for m in messages]
    # The messages of an envelope that opens now stand in quarantine for themselves if they must.
    if row.type != CLOSED_ENVELOPE and not all(fine):
        return False
    tx.execute(sa.update(QUARANTINE).where(where).values(released_at=iso(world.now())))
    return True


def _set_aside(
    tx: sa.Connection, world: World, stream: StreamRow, seq: int, message: Message, error: LiandongError
) -> None:
    where = (QUARANTINE.c.stream_id == stream.row) & (QUARANTINE.c.message_id == message.id)
    again = (
        sa.update(QUARANTINE)
        .where(where)
        .values(tries=QUARANTINE.c.tries + 1, code=error.code, zh=error.zh, en=error.en)
    )
    if tx.execute(again).rowcount == 0:
        tx.execute(
            sa.insert(QUARANTINE).values(
                message_id=message.id,
                stream_id=stream.row,
                seq=seq,
                type=message.type,
                schema=message.schema,
                subject=message.subject,
                body=message.body,
                code=error.code,
                zh=error.zh,
                en=error.en,
                tries=1,
                at=iso(world.now()),
            )
        )
        audit.note(
            tx,
            world,
            actor="sync",
            action="message.quarantined",
            subject=message.subject or stream.stream.origin,
            code=error.code,
            id=message.id,
        )


def _accept(tx: sa.Connection, place: Place, world: World, keyring: Keyring, stream: StreamRow) -> None:
    digest = digest_at(tx, stream.row, stream.applied_seq)
    assert digest is not None
    data = sign_once(tx, place, world, keyring, stream, "acceptance", upto=stream.applied_seq, digest=digest)
    body = canonical_json({"receipt": b64encode(data).decode()})
    message = Message(new_id(world), RECEIPT_ISSUED, 1, "", body)
    append(tx, place, world, readers=[stream.stream.origin], lane=Lane.CONTROL, message=message)


def take_issued_receipt(tx: sa.Connection, keyring: Keyring, incoming: Incoming) -> None:
    """File an acceptance receipt that its signer sent end to end. Raises ``PeerError`` (``receipt.*``)."""
    body = parse_json(incoming.message.body)
    try:
        data = b64decode(body["receipt"], validate=True)
    except (TypeError, KeyError, ValueError) as error:
        raise PeerError(
            "receipt.malformed",
            zh="签收回执格式不对，未采用。请核对双方软件版本。",
            en="The receipt is malformed; it was not used. Compare the software versions.",
        ) from error
    receipt = verify_receipt(data, keyring.verify_key_of(incoming.stream.origin))
    stream = find_stream(tx, receipt.stream)
    if receipt.signer != incoming.stream.origin or stream is None:
        raise PeerError(
            "receipt.stranger",
            zh=f"回执与发送者 {incoming.stream.origin} 或本机的数据流不符，未采用。",
            en=f"The receipt does not belong to its sender, {incoming.stream.origin}, or to a stream of this node; "
            "it was not used.",
        )
    keep_receipt(tx, stream, receipt, data)


def _crashed(error: Exception) -> PeerError:
    return PeerError(
        "message.failed",
        zh=f"处理消息时程序出错（{type(error).__name__}），消息已保留，其余照常。请把日志交给管理员。",
        en=f"The program failed on this message ({type(error).__name__}); it is kept and the rest goes on. "
        "Give the log to the administrator.",
    )
