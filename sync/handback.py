"""A new machine under an old name takes over: the nodes above give it what is still open, provably as it was said.

The new machine has other keys, so the old envelopes are closed to it. It gets each with its content key, sealed to the
new key; header, signature and commitment prove that nothing was changed.
"""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.canonical import parse_json
from core.clock import iso
from core.errors import InputError, PeerError
from core.identifiers import NodeId, Tier, division_of, new_id, parent_of, tier_of
from sync import audit, cose, neighbour
from sync.checkpoint import CLOSED_ENVELOPE, apply_message
from sync.custody import towards
from sync.dispatch import Incoming
from sync.envelope import content_key_of, open_with_key, own_content_key, read_header
from sync.epoch import Reason
from sync.header import MESSAGES_MAX, Header
from sync.packing import BODY_BYTES_MAX, Message
from sync.stream import StreamRow, append, find_stream, stream_row
from sync.stream_id import Lane, is_epoch
from sync.tables import APPLIED, ENVELOPE, MESSAGE, QUARANTINE, STREAM
from sync.x509 import read_certificate

if TYPE_CHECKING:
    from sync.node import Node

ENVELOPE_HANDED_BACK = "EnvelopeHandedBack"
CERTIFICATES_MAX = 8


def take_begun(tx: sa.Connection, node: "Node", incoming: Incoming) -> None:
    """Another node has begun an epoch. Raises ``PeerError`` (``epoch.malformed``)."""
    origin, epoch = incoming.stream.origin, incoming.stream.epoch
    if origin == node.place.node:
        return
    reason = _reason(incoming)
    audit.note(
        tx, node.world, actor="sync", action="neighbour.epoch", subject=origin, epoch=epoch, reason=reason
    )
    if towards(node.place.node, origin) != origin:
        neighbour.note_told(tx, node.world, origin, epoch, reason)
    neighbour.release_holds(tx, node.world, origin, epoch)
    if reason == Reason.INSTALLED and tier_of(division_of(origin)) is not Tier.CITY:
        given = sum(_hand_back(tx, node, origin, stream) for stream in _streams_of(tx, origin, epoch))
        if given:
            audit.note(tx, node.world, actor="sync", action="epoch.handed_back", subject=origin, count=given)


def take_handed_back(tx: sa.Connection, node: "Node", incoming: Incoming) -> None:
    """Bring an envelope that was given back into effect. Raises ``PeerError`` (``handback.*``, ``envelope.*``)."""
    place, sender = node.place, incoming.stream.origin
    if sender not in (place.parent, place.city):
        raise _refused(f"by {sender}")
    content_key, data, certificates, subjects = _parts(incoming.message.body)
    header = read_header(data)
    if place.node != header.origin and place.node not in header.readers:
        raise _refused("readers")
    _learn(tx, node, header, certificates)
    # The node above vouches for what it took while the key counted, though it was revoked with the stolen machine.
    _, messages = open_with_key(data, node.keyring.keys_ever_of(header.origin), content_key)
    stream = find_stream(tx, incoming.stream)
    assert stream is not None
    for message in messages:
        # Of a closed case only what shares an envelope with an open one would come: half a history is worse than none.
        if message.subject in subjects and not node.dispatch.is_of_carrier(message.type):
            said = Incoming(message, header.stream, incoming.seq)
            apply_message(tx, node.world, node.dispatch, said, stream)
    old = find_stream(tx, header.stream)
    if old is not None:
        closed = (
            (QUARANTINE.c.stream_id == old.row)
            & (QUARANTINE.c.seq == header.seq)
            & (QUARANTINE.c.type == CLOSED_ENVELOPE)
        )
        tx.execute(sa.update(QUARANTINE).where(closed).values(released_at=iso(node.world.now())))


def _streams_of(tx: sa.Connection, node: NodeId, epoch: str) -> list[StreamRow]:
    rows = tx.execute(sa.select(STREAM).where(STREAM.c.lane != Lane.ATTACHMENT).order_by(STREAM.c.id)).all()
    streams = [stream_row(row) for row in rows]
    return [
        s
        for s in streams
        if not s.stream.is_open
        and s.stream.lane is not Lane.CONTROL
        and (node in s.stream.readers or (s.stream.origin == node and s.stream.epoch != epoch))
    ]


def _hand_back(tx: sa.Connection, node: "Node", target: NodeId, stream: StreamRow) -> int:
    """Queue what is still open of one stream; returns the number of envelopes."""
    id_, me = stream.stream, node.place.node
    nearer = NodeId(parent_of(division_of(target)))
    if me != nearer and nearer in (id_.origin, *id_.readers):
        # The node right above it reads the same, and is nearer.
        return 0
    key = node.keyring.keys_ever_of(id_.origin)
    given = 0
    for seq, subjects in _open_envelopes(tx, node, stream).items():
        data = tx.scalar(
            sa.select(ENVELOPE.c.data).where(ENVELOPE.c.stream_id == stream.row, ENVELOPE.c.seq == seq)
        )
        if data is None:
            continue
        if id_.origin == me:
            content_key = own_content_key(bytes(data), key, node.keyring.origin_secrets)
        else:
            content_key = content_key_of(bytes(data), key, me, node.keyring.sealing_key)
        certificates = [c.der for c in node.keyring.signing_certificates_of(id_.origin)][:CERTIFICATES_MAX]
        if content_key is None:
            continue
        body = cose.encode([content_key, bytes(data), certificates, subjects])
        message = Message(new_id(node.world), ENVELOPE_HANDED_BACK, 1, "", body)
        append(tx, node.place, node.world, readers=[target], lane=Lane.DECISION, message=message)
        given += 1
    return given


def _open_envelopes(tx: sa.Connection, node: "Node", stream: StreamRow) -> dict[int, list[str]]:
    """The envelopes that speak of open subjects, each with those subjects."""
    own = stream.stream.origin == node.place.node
    table: Any = MESSAGE if own else APPLIED
    query = sa.select(table.c.seq, table.c.subject).where(
        table.c.stream_id == stream.row, table.c.seq.is_not(None), table.c.subject != ""
    )
    rows = tx.execute(query.distinct().order_by(table.c.seq, table.c.subject)).all()
    is_open = {subject: node.still_open(tx, subject) for subject in sorted({row.subject for row in rows})}
    found: dict[int, list[str]] = {}
    for row in rows:
        if is_open[row.subject]:
            found.setdefault(row.seq, []).append(row.subject)
    return found


def _learn(tx: sa.Connection, node: "Node", header: Header, certificates: list[bytes]) -> None:
    """The certificates under which the envelope was signed, as far as they are its origin's and by this city."""
    read = [read_certificate(der) for der in certificates]
    node.enter_certificates(tx, [c for c in read if c.node == header.origin])


def _parts(body: bytes) -> tuple[bytes, bytes, list[bytes], list[str]]:
    value = cose.decode(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or [type(part) for part in value] != [bytes, bytes, list, list]:
        raise _refused("fields")
    content_key, data, certificates, subjects = value
    if len(certificates) > CERTIFICATES_MAX or not all(isinstance(der, bytes) for der in certificates):
        raise _refused("certificates")
    if len(subjects) > MESSAGES_MAX or not all(isinstance(subject, str) for subject in subjects):
        raise _refused("subjects")
    return content_key, data, certificates, subjects


def _reason(incoming: Incoming) -> str:
    try:
        body = parse_json(incoming.message.body)
    except InputError as error:
        raise _malformed() from error
    known = isinstance(body, dict) and set(body) == {"epoch", "reason"} and body["reason"] in set(Reason)
    if not known or body["epoch"] != incoming.stream.epoch or not is_epoch(incoming.stream.epoch):
        raise _malformed()
    return str(body["reason"])


def _malformed() -> PeerError:
    return PeerError(
        "epoch.malformed",
        zh="对方关于新纪元的通知格式不对，未采用。请核对双方软件版本。",
        en="The other node's notice of a new epoch is malformed; it was not used. Compare the software versions.",
    )


def _refused(what: str) -> PeerError:
    return PeerError(
        "handback.refused",
        zh=f"对方交还的信封不合规定（{what}），未采用。请报告市级管理员。",
        en=f"An envelope that was handed back is not as agreed ({what}); it was not used. Report it to the city's "
        "administrator.",
    )
