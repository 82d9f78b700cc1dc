"""What has rotted here is entered into the register of damage, and read again from where its truth still lies.

Nothing that is found here is believed without its digest: whoever asks compares.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from core.clock import World
from core.errors import LiandongError
from core.store.walk import Books, Rot
from sync import damage
from sync.envelope import open_envelope, open_own
from sync.identity import Place
from sync.keyring import Keyring
from sync.packing import Message, fingerprint
from sync.stream import recorded, stream_with
from sync.tables import APPLIED, ENVELOPE, MESSAGE, STREAM

SAID = "said"


def enter(tx: sa.Connection, world: World, found: Iterable[Rot], **detail: Any) -> tuple[Rot, ...]:
    """Damage into the register; what was mended at once leaves its two audit lines."""
    entered = tuple(found)
    for rot in entered:
        extra = {"digest": rot.key} if rot.kind == "chunk" else {}
        key = rot.key[:32]
        damage.report(tx, world, rot.kind, key, subject=rot.subject, zh=rot.zh, en=rot.en, **extra, **detail)
        if rot.mended:
            damage.mended(tx, world, rot.kind, key)
    return entered


def body_again(tx: sa.Connection, place: Place, keyring: Keyring, message_id: str) -> bytes | None:
    """The body of a message from this node's own record, or from an envelope that carries it."""
    row = tx.execute(sa.select(MESSAGE).where(MESSAGE.c.message_id == message_id)).one_or_none()
    if row is not None and fingerprint(recorded(row)) == bytes(row.digest):
        return bytes(row.body)
    found = next(_enveloped(tx, place, keyring, message_id), None)
    return None if found is None else found.body


def mend_said(
    tx: sa.Connection,
    place: Place,
    world: World,
    keyring: Keyring,
    books: Sequence[Books],
    message: Message,
    digest: bytes,
) -> tuple[Message | None, Rot]:
    """A recorded message that has rotted: from the envelope that carries it, or from what the office holds of it.

    It is written back if what is found has its digest; entered into the register of damage in any case.
    """
    bodies = (body for kept in books if (body := kept.kept(tx, message.id)) is not None)
    candidates = (
        *_enveloped(tx, place, keyring, message.id),
        *(replace(message, body=body) for body in bodies),
    )
    whole = next((one for one in candidates if fingerprint(one) == digest), None)
    if whole is not None:
        values = {"type": whole.type, "schema": whole.schema, "subject": whole.subject, "body": whole.body}
        tx.execute(sa.update(MESSAGE).where(MESSAGE.c.message_id == message.id).values(**values))
    rot = _said_rot(message, mended=whole is not None)
    enter(tx, world, [rot])
    return whole, rot


def _enveloped(tx: sa.Connection, place: Place, keyring: Keyring, message_id: str) -> Iterator[Message]:
    """The message as envelopes held here carry it: its own node's, or those that brought it."""
    join = (ENVELOPE.c.stream_id == STREAM.c.id, ENVELOPE.c.data.is_not(None))
    envelopes = sa.select(STREAM.c.id, ENVELOPE.c.data)
    own = envelopes.join(MESSAGE, MESSAGE.c.stream_id == STREAM.c.id).join(
        ENVELOPE, sa.and_(*join, ENVELOPE.c.seq == MESSAGE.c.seq)
    )
    others = envelopes.join(APPLIED, APPLIED.c.stream_id == STREAM.c.id).join(
        ENVELOPE, sa.and_(*join, ENVELOPE.c.seq == APPLIED.c.seq)
    )
    rows = [
        *tx.execute(own.where(MESSAGE.c.message_id == message_id)).all(),
        *tx.execute(others.where(APPLIED.c.message_id == message_id)).all(),
    ]
    for row, data in rows:
        origin = stream_with(tx, row).stream.origin
        try:
            key = keyring.keys_ever_of(origin)
            if origin == place.node:
                messages = open_own(bytes(data), key, keyring.origin_secrets)[1]
            else:
                messages = open_envelope(bytes(data), key, place.node, keyring.sealing_key)[1]
        except LiandongError:
            # Rotted as well, or not for us: the next one may serve.
            continue
        yield from (message for message in messages if message.id == message_id)


def _said_rot(message: Message, *, mended: bool) -> Rot:
    what_zh = f"办件 {message.subject} 的" if message.subject else ""
    what_en = f" about case {message.subject}" if message.subject else f" of type {message.type}"
    zh = f"本机待发的一条{what_zh}消息（{message.id[:8]}）在磁盘上已损坏，" + (
        "已按本机所存的原文恢复。请检查磁盘。"
        if mended
        else "不会签发，它之后的消息也一并等待，其余照常。请从备份恢复，并检查磁盘。"
    )
    en = f"A message of this node{what_en} ({message.id[:8]}) has rotted on the disk; " + (
        "it was put right from what else is kept of it here. Check the disk."
        if mended
        else "it is not signed, and what follows it in its stream waits with it; the rest goes on. Restore a backup "
        "and check the disk."
    )
    return Rot(SAID, message.id, message.subject, zh, en, mended)
