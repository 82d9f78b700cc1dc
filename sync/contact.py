"""One meeting with a neighbour: what I owe you against what you owe me, in one round trip.

``compose`` writes a bundle, ``take`` reads one; both are the same on either side of the line and on a stick. A
bundle may be cut anywhere: every whole frame before the cut counts, and what was not signed for comes again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.clock import iso
from core.errors import LiandongError, PeerError, StateError
from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from sync import attachments, audit, cose
from sync.bundle import Frame, Kind, ReadState, read_bundle, write_bundle
from sync.custody import next_hops
from sync.envelope import open_envelope, read_header, verify
from sync.header import Header
from sync.hello import HEADS_MAX, Hello, read_hello, sign_hello, verify_hello
from sync.identity import next_count
from sync.inbox import Arrival, Contradiction, custody_receipt, hold, known_digest, put_on_hold
from sync.node import Node
from sync.outbox import envelope_bytes, owed, take_custody_receipt
from sync.primitives import sha256
from sync.receipt import CUSTODY, read_receipt, verify_receipt
from sync.stream import children, seal_waiting, stream_row
from sync.stream_id import EVERYONE, Lane, StreamId
from sync.tables import DELIVERY, STREAM

log = logging.getLogger(__name__)

ASK_MAX = 500
WANT_BYTES_MAX = 256 * 1024
CHUNK_FRAME_BYTES_MAX = attachments.CHUNK_CIPHER_BYTES_MAX + 256


@dataclass(slots=True)
class Taken:
    """What a bundle brought. ``touched`` are streams to sign for, ``refused`` errors in words, frame by frame."""

    hello: Hello
    complete: bool = False
    envelopes: int = 0
    duplicates: int = 0
    chunks: int = 0
    receipts: int = 0
    wishes: int = 0
    full: bool = False
    touched: set[int] = field(default_factory=set)
    refused: list[LiandongError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Composed:
    """A bundle ready to send. ``filled`` says that the budget, not the outbox, ended it."""

    data: bytes
    number: int
    envelopes: int
    chunks: int
    filled: bool


def compose(
    node: Node,
    peer: NodeId,
    *,
    budget_bytes: int,
    sign_for: Iterable[int] = (),
    reply_to: int = 0,
    ask_only: bool = False,
    with_certificates: bool = False,
    asked_bytes: int = 0,
) -> Composed:
    """The bundle for ``peer``: receipts for the streams ``sign_for``, wishes, and what is owed within the budget.

    ``ask_only``: after a broken contact, first ask what arrived, so that no byte is sent twice; ``asked_bytes``
    is the budget we ask the neighbour to keep to. At least one envelope goes along even if it is larger than that.
    """
    frames: list[Frame] = []
    room = budget_bytes
    envelopes = chunks = 0
    filled = False
    with node.db.transaction() as tx:
        seal_waiting(tx, node.place, node.world, node.keyring)
        number = next_count(tx, "bundles_written")
        hello = _introduce(node, tx, peer, number, reply_to, with_certificates, asked_bytes)
        frames.append(Frame(Kind.HELLO, sign_hello(hello, node.keyring.signing_key)))
        for row in sorted(sign_for):
            stream = stream_row(tx.execute(sa.select(STREAM).where(STREAM.c.id == row)).one())
            receipt = custody_receipt(tx, node.place, node.world, node.keyring, stream)
            frames.append(Frame(Kind.RECEIPT, receipt))
        wanted = attachments.wanted_from(tx, peer)
        if wanted:
            wishes = [[bytes.fromhex(id_), have] for id_, have in wanted]
            frames.append(Frame(Kind.WANT, cose.encode(wishes)))
        if ask_only:
            keys = list(tx.scalars(_unsigned_streams(peer)))
            if keys:
                frames.append(Frame(Kind.ASK, cose.encode(keys)))
        else:
            for item in owed(tx, peer):
                if item.size > room and envelopes:
                    filled = True
                    break
                frames.append(Frame(Kind.ENVELOPE, envelope_bytes(tx, item)))
                room -= item.size
                envelopes += 1
            for id_, index, digest in () if filled else attachments.chunks_owed(tx, peer):
                data = node.chunks.get(digest)
                if data is None:
                    continue
                if len(data) > room and (envelopes or chunks):
                    filled = True
                    break
                frames.append(Frame(Kind.CHUNK, cose.encode([bytes.fromhex(id_), index, data])))
                room -= len(data)
                chunks += 1
    return Composed(write_bundle(frames), number, envelopes, chunks, filled)


def take(node: Node, data: bytes, *, carrier: str, expected: NodeId | None = None) -> Taken:
    """Take over what a bundle brings and bring it into effect.

    Raises ``PeerError`` if the bundle's head cannot be trusted (nothing is taken then). A single bad frame is
    refused, noted in the audit log and listed in ``refused``; the others count.
    """
    state = ReadState()
    frames = read_bundle(data, state)
    hello = _meet(node, next(frames, None), expected)
    peer = hello.sender
    taken = Taken(hello)
    try:
        for frame in frames:
            _take_frame(node, peer, carrier, frame, taken)
    except PeerError as error:
        _refuse(node, peer, taken, error)
    taken.complete = state.complete
    taken.full = bool(taken.envelopes or taken.chunks)
    node.note_contact(hello, carrier)
    node.apply_ready()
    return taken


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
    own = sa.select(STREAM.c.key, STREAM.c.head_seq, STREAM.c.head_digest).where(
        STREAM.c.origin == node.place.node, STREAM.c.epoch == node.place.epoch, STREAM.c.head_seq > 0
    )
    rows = [] if node.place.tier is Tier.CITY else tx.execute(own.limit(HEADS_MAX)).all()
    heads = tuple((bytes(row.key), row.head_seq, bytes(row.head_digest)) for row in rows)
    return Hello(
        sender=node.place.node,
        epoch=node.place.epoch,
        receiver=peer,
        number=number,
        reply_to=reply_to,
        at=int(node.world.now().timestamp() * 1000),
        software=node.software,
        knows=node.serial_of(peer),
        certificates=() if known and not with_certificates else (pair.signing.der, pair.sealing.der),
        heads=heads,
        report=node.report(tx) | ({"budget": asked_bytes} if asked_bytes else {}),
    )


def _meet(node: Node, frame: Frame | None, expected: NodeId | None) -> Hello:
    if frame is None or frame.kind is not Kind.HELLO:
        raise PeerError(
            "contact.no_hello",
            zh="数据包没有开头的自我介绍，未接收任何内容，对方会重新发送。",
            en="The bundle does not begin with an introduction; nothing was taken, it will be sent again.",
        )
    claim = read_hello(frame.payload)
    if claim.receiver != node.place.node:
        raise PeerError(
            "contact.misaddressed",
            zh=f"这个数据包是给 {claim.receiver} 的，本机是 {node.place.node}，未接收。请换到正确的设备上导入。",
            en=f"This bundle is for {claim.receiver}, this is {node.place.node}; it was not taken. Bring it to the right node.",
        )
    if expected is not None and claim.sender != expected:
        raise PeerError(
            "contact.other_sender",
            zh=f"连接的证书属于 {expected}，数据包却署名 {claim.sender}，未接收。",
            en=f"The connection's certificate belongs to {expected} but the bundle is by {claim.sender}; it was not taken.",
        )
    _require_neighbour(node, claim.sender)
    node.learn_certificates(claim.sender, claim.certificates)
    return verify_hello(frame.payload, node.keyring.verify_key_of(claim.sender))


def _require_neighbour(node: Node, sender: NodeId) -> None:
    division = division_of(sender)
    below = tier_of(division) is not Tier.CITY and parent_of(division) == node.place.division
    if not below and sender != node.place.parent:
        raise PeerError(
            "contact.stranger",
            zh=f"{sender} 不是本机的上级或下级，未接收。请检查地址设置，或把U盘带到所属的镇。",
            en=f"{sender} is neither above nor below this node; nothing was taken. Check the address, or bring the "
            "stick to the township it belongs to.",
        )


def _take_frame(node: Node, peer: NodeId, carrier: str, frame: Frame, taken: Taken) -> None:
    try:
        if frame.kind is Kind.RECEIPT:
            _take_receipt(node, peer, frame.payload)
            taken.receipts += 1
        elif frame.kind is Kind.ENVELOPE:
            _take_envelope(node, peer, carrier, frame.payload, taken)
        elif frame.kind is Kind.CHUNK:
            _take_chunk(node, frame.payload, taken)
        elif frame.kind is Kind.WANT:
            with node.db.transaction() as tx:
                for id_, have in _pairs(frame.payload, WANT_BYTES_MAX):
                    attachments.take_want(tx, peer, id_.hex(), have)
                    taken.wishes += 1
        elif frame.kind is Kind.ASK:
            with node.db.reading() as tx:
                keys = cose.decode(frame.payload, bytes_max=WANT_BYTES_MAX)
                if isinstance(keys, list) and len(keys) <= ASK_MAX:
                    known = sa.select(STREAM.c.id).where(
                        STREAM.c.key.in_([k for k in keys if isinstance(k, bytes)])
                    )
                    taken.touched.update(tx.scalars(known))
    except Contradiction as error:
        with node.db.transaction() as tx:
            put_on_hold(tx, node.world, error.stream, error.reason)
        _refuse(node, peer, taken, error)
    except (PeerError, StateError) as error:
        _refuse(node, peer, taken, error)


def _take_receipt(node: Node, peer: NodeId, data: bytes) -> None:
    claim = read_receipt(data)
    receipt = verify_receipt(data, node.keyring.verify_key_of(claim.signer))
    if receipt.kind != CUSTODY:
        return
    with node.db.transaction() as tx:
        take_custody_receipt(tx, node.world, receipt, data, peer=peer)


def _take_envelope(node: Node, peer: NodeId, carrier: str, data: bytes, taken: Taken) -> None:
    header = read_header(data)
    digest = sha256(data)
    stream_id = StreamId(header.origin, header.epoch, header.readers, header.lane)
    with node.db.reading() as tx:
        if known_digest(tx, digest, stream_id, header.seq):
            row = tx.scalar(sa.select(STREAM.c.id).where(STREAM.c.key == stream_id.key))
            assert row is not None
            taken.touched.add(row)
            taken.duplicates += 1
            return
    _require_route(node, peer, header)
    key = node.keyring.verify_key_of(header.origin)
    verify(data, key)
    offer = None
    if header.lane is Lane.ATTACHMENT:
        _, messages = open_envelope(data, key, node.place.node, node.keyring.sealing_key)
        offer = messages[0]
    with node.db.transaction() as tx:
        stream = hold(tx, node.place, node.world, Arrival(header, digest, data, carrier, peer))
        if offer is not None:
            now = iso(node.world.now())
            attachments.register_offer(tx, stream, header.seq, offer, node.chunks, now)
    taken.touched.add(stream.row)
    taken.envelopes += 1


def _require_route(node: Node, peer: NodeId, header: Header) -> None:
    # The neighbour must be the one by whom this origin's envelopes come, and we a stop on the way.
    with node.db.reading() as tx:
        below = children(tx, node.place)
    from_above = peer == node.place.parent
    origin_below = division_of(header.origin) == division_of(peer) or (
        tier_of(division_of(header.origin)) is Tier.VILLAGE
        and parent_of(division_of(header.origin)) == division_of(peer)
    )
    onward = next_hops(node.place.node, header.readers, origin=header.origin, children=below)
    for_us = node.place.node in header.readers or header.readers == (EVERYONE,)
    public_by_other = header.readers == (EVERYONE,) and tier_of(division_of(header.origin)) is not Tier.CITY
    if public_by_other or not (from_above or origin_below) or not (for_us or onward):
        raise PeerError(
            "envelope.misrouted",
            zh=f"来自 {header.origin} 的信封不该由 {peer} 送到这里，未接收。请核对区划和地址设置。",
            en=f"An envelope of {header.origin} has no business here by way of {peer}; it was not taken. "
            "Check divisions and addresses.",
        )


def _take_chunk(node: Node, payload: bytes, taken: Taken) -> None:
    value = cose.decode(payload, bytes_max=CHUNK_FRAME_BYTES_MAX)
    if not (
        isinstance(value, list)
        and [type(part) for part in value] == [bytes, int, bytes]
        and len(value[0]) == 16
    ):
        raise PeerError(
            "attachment.frame",
            zh="附件数据块格式不对，未接收，会重新传送。",
            en="A part of a file is malformed; it was not taken and will be sent again.",
        )
    id_, index, data = value[0].hex(), value[1], value[2]
    with node.db.reading() as tx:
        digest = attachments.chunk_is_wanted(tx, id_, index, data)
    if digest is None:
        taken.duplicates += 1
        return
    node.chunks.put(digest, data)
    with node.db.transaction() as tx:
        stream = attachments.mark_chunk(tx, id_, index, iso(node.world.now()))
    taken.touched.add(stream.row)
    taken.chunks += 1


def _refuse(node: Node, peer: NodeId, taken: Taken, error: LiandongError) -> None:
    log.warning("refused from %s: %s", peer, error)
    taken.refused.append(error)
    with node.db.transaction() as tx:
        audit.note(tx, node.world, actor="sync", action="frame.refused", subject=peer, code=error.code)


def _pairs(payload: bytes, bytes_max: int) -> list[tuple[bytes, bytes]]:
    value = cose.decode(payload, bytes_max=bytes_max)
    if not isinstance(value, list):
        return []
    return [
        (pair[0], pair[1])
        for pair in value
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, bytes) for part in pair)
    ]


def _unsigned_streams(peer: NodeId) -> sa.Select[tuple[bytes]]:
    return (
        sa.select(STREAM.c.key)
        .join(DELIVERY, DELIVERY.c.stream_id == STREAM.c.id)
        .where(DELIVERY.c.peer == peer, DELIVERY.c.acked_seq < STREAM.c.head_seq)
        .order_by(STREAM.c.lane)
        .limit(ASK_MAX)
    )
