"""From held to in effect: every message once, in the order of its stream; what cannot be applied is set aside.

The checkpoint is the contiguous applied prefix of a stream and commits with the effects themselves.
"""

import logging
from base64 import b64decode, b64encode
from dataclasses import dataclass

import sqlalchemy as sa

from core.canonical import canonical_json, parse_json
from core.clock import World, iso
from core.errors import LiandongError, PeerError
from core.identifiers import new_id
from core.store.engine import Database
from sync import audit
from sync.dispatch import Dispatch, Incoming
from sync.envelope import open_envelope
from sync.identity import Place
from sync.inbox import keep_receipt, sign_once
from sync.keyring import Keyring
from sync.packing import Message
from sync.receipt import verify_receipt
from sync.stream import StreamRow, append, find_stream, stream_row
from sync.stream_id import EVERYONE, Lane
from sync.tables import APPLIED, ENVELOPE, QUARANTINE, STREAM

RECEIPT_ISSUED = "ReceiptIssued"
TRIES_MAX = 5
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one round of applying did."""

    envelopes: int = 0
    messages: int = 0
    quarantined: int = 0


def apply_ready(db: Database, place: Place, world: World, keyring: Keyring, dispatch: Dispatch) -> Progress:
    """Bring every held envelope that this node may read into effect, one transaction each.

    After a stream has moved, its acceptance receipt is queued for the origin.
    """
    done = Progress()
    for stream in _waiting(db, place):
        moved = False
        for seq in range(stream.applied_seq + 1, stream.head_seq + 1):
            with db.transaction() as tx:
                step = _apply_envelope(tx, place, world, keyring, dispatch, stream, seq)
            moved = True
            done = Progress(
                done.envelopes + 1, done.messages + step.messages, done.quarantined + step.quarantined
            )
        if moved and stream.stream.lane != Lane.CONTROL:
            with db.transaction() as tx:
                _accept(tx, place, world, keyring, stream.row)
    return done


def _waiting(db: Database, place: Place) -> list[StreamRow]:
    with db.reading() as tx:
        rows = tx.execute(
            sa.select(STREAM)
            .where(
                STREAM.c.applied_seq < STREAM.c.head_seq,
                STREAM.c.hold.is_(None),
                STREAM.c.origin != place.node,
            )
            .order_by(STREAM.c.lane, STREAM.c.id)
        ).all()
    streams = [stream_row(row) for row in rows]
    return [s for s in streams if place.node in s.stream.readers or s.stream.readers == (EVERYONE,)]


def _apply_envelope(
    tx: sa.Connection,
    place: Place,
    world: World,
    keyring: Keyring,
    dispatch: Dispatch,
    stream: StreamRow,
    seq: int,
) -> Progress:
    current = tx.scalar(sa.select(STREAM.c.applied_seq).where(STREAM.c.id == stream.row))
    if current != seq - 1:
        # Another process of this node (terminal and background sync share one file) was faster.
        return Progress()
    data = tx.scalar(
        sa.select(ENVELOPE.c.data).where(ENVELOPE.c.stream_id == stream.row, ENVELOPE.c.seq == seq)
    )
    assert data is not None
    done = Progress()
    try:
        _, messages = open_envelope(
            bytes(data), keyring.verify_key_of(stream.stream.origin), place.node, keyring.sealing_key
        )
    except PeerError as error:
        audit.note(
            tx,
            world,
            actor="sync",
            action="envelope.unreadable",
            subject=stream.stream.origin,
            seq=seq,
            code=error.code,
        )
        _set_aside(tx, world, stream, seq, Message(new_id(world), "Envelope", 1, "", bytes(data)), error)
        done = Progress(quarantined=1)
    else:
        for message in messages:
            fine = apply_message(tx, world, dispatch, Incoming(message, stream.stream, seq), stream)
            done = Progress(0, done.messages + 1, done.quarantined + (not fine))
    tx.execute(sa.update(STREAM).where(STREAM.c.id == stream.row).values(applied_seq=seq))
    return done


def apply_message(
    tx: sa.Connection, world: World, dispatch: Dispatch, incoming: Incoming, stream: StreamRow
) -> bool:
    """Bring one message into effect, once for ever; false if it had to be set aside."""
    message = incoming.message
    if tx.scalar(sa.select(APPLIED.c.message_id).where(APPLIED.c.message_id == message.id)) is not None:
        return True
    savepoint = tx.begin_nested()
    try:
        dispatch.handle(tx, incoming)
    except LiandongError as error:
        savepoint.rollback()
        _set_aside(tx, world, stream, incoming.seq, message, error)
        return False
    except (ValueError, KeyError, TypeError, ArithmeticError, AssertionError) as error:
        savepoint.rollback()
        log.exception("a handler failed on message %s of type %s", message.id, message.type)
        _set_aside(tx, world, stream, incoming.seq, message, _crashed(error))
        return False
    savepoint.commit()
    tx.execute(
        sa.insert(APPLIED).values(
            message_id=message.id,
            stream_id=stream.row,
            seq=incoming.seq,
            subject=message.subject,
            at=iso(world.now()),
        )
    )
    return True


def retry_quarantined(db: Database, world: World, dispatch: Dispatch) -> int:
    """Try again what was set aside, for example after an upgrade; returns how many took effect.

    What failed ``TRIES_MAX`` times waits for a person; releasing it from the desk resets the count.
    """
    released = 0
    with db.transaction() as tx:
        rows = tx.execute(
            sa.select(QUARANTINE, STREAM.c.id.label("stream_row"))
            .join(STREAM, STREAM.c.id == QUARANTINE.c.stream_id)
            .where(
                QUARANTINE.c.released_at.is_(None),
                QUARANTINE.c.tries < TRIES_MAX,
                QUARANTINE.c.type != "Envelope",
            )
            .order_by(QUARANTINE.c.at)
        ).all()
        for row in rows:
            stream = stream_row(tx.execute(sa.select(STREAM).where(STREAM.c.id == row.stream_row)).one())
            message = Message(row.message_id, row.type, row.schema, row.subject, bytes(row.body))
            if apply_message(tx, world, dispatch, Incoming(message, stream.stream, row.seq), stream):
                released += 1
                tx.execute(
                    sa.update(QUARANTINE)
                    .where(QUARANTINE.c.message_id == row.message_id)
                    .values(released_at=iso(world.now()))
                )
    return released


def _set_aside(
    tx: sa.Connection, world: World, stream: StreamRow, seq: int, message: Message, error: LiandongError
) -> None:
    where = QUARANTINE.c.message_id == message.id
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
            subject=message.subject,
            code=error.code,
            id=message.id,
        )


def _accept(tx: sa.Connection, place: Place, world: World, keyring: Keyring, row: int) -> None:
    stream = stream_row(tx.execute(sa.select(STREAM).where(STREAM.c.id == row)).one())
    digest = tx.scalar(
        sa.select(ENVELOPE.c.digest).where(ENVELOPE.c.stream_id == row, ENVELOPE.c.seq == stream.applied_seq)
    )
    assert digest is not None
    data = sign_once(
        tx, place, world, keyring, stream, "acceptance", upto=stream.applied_seq, digest=bytes(digest)
    )
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
