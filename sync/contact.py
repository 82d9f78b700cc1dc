"""One meeting with a neighbour: what I owe you against what you owe me, in one round trip.

:func:`sync.compose.compose` writes a bundle, ``take`` reads one; both are the same on either side of the line and on a
stick. A bundle may be cut anywhere: every whole frame before the cut counts, and what was not signed for comes again.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.clock import iso
from core.errors import LiandongError, LocalError, PeerError
from core.identifiers import NodeId
from core.store.prepared import Savepoint
from sync import attachments, audit, checkpoint, cose, epoch, neighbour, refetch
from sync.authority import CertStatus
from sync.bundle import Frame, Kind, ReadState, read_bundle
from sync.compose import ASK_MAX, WANT_BYTES_MAX, WANT_FILES_MAX
from sync.envelope import is_signed_by, open_envelope, read_header, verify
from sync.header import Header
from sync.hello import Hello, read_hello, require_signed
from sync.inbox import Arrival, Contradiction, advance, hold, holds_digest, put_on_hold
from sync.node import Node
from sync.outbox import note_held_by, take_custody_receipt
from sync.primitives import Verifier, sha256
from sync.receipt import CUSTODY, read_receipt, verify_receipt
from sync.repair import take_turn
from sync.routes import require_neighbour, require_route
from sync.stream import find_stream, stream_with
from sync.stream_id import Lane
from sync.tables import STREAM

log = logging.getLogger(__name__)

REFUSED_MAX = 100
TRANSACTION_FRAMES_MAX = 64
"""One sync to disk serves so many frames; more would keep the terminal waiting for the write lock."""
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
    compared: bytes | None = None
    """The reconciliation message that came; ``reply`` is ours to it, or our first question."""
    reply: bytes | None = None
    standing: neighbour.Standing = neighbour.Standing.CURRENT
    touched: set[int] = field(default_factory=set)
    contradicted: bool = False
    refused: list[LiandongError] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def refuse(self, error: LiandongError) -> None:
        """Note a frame that was not taken; ``refused`` keeps the first ``REFUSED_MAX``, ``refusals`` counts all."""
        self.refusals[error.code] += 1
        if len(self.refused) < REFUSED_MAX:
            self.refused.append(error)


def take(
    node: Node,
    data: bytes,
    *,
    carrier: str,
    expected: NodeId | None = None,
    answers: int | None = None,
    asks: bool = False,
) -> Taken:
    """Take over what a bundle brings and bring it into effect.

    ``answers`` is the number of our bundle that this one must reply to; ``asks``: begin to reconcile if both are level
    and differ. Raises ``PeerError`` if the bundle's head cannot be trusted (nothing is taken then). A single bad frame is refused, noted in the audit log and listed in
    ``refused``; the others count. Where the bundle shows that this disk has forgotten something, a new epoch begins.
    """
    state = ReadState()
    frames = read_bundle(data, state)
    hello = _meet(node, next(frames, None), expected)
    if answers is not None and hello.reply_to != answers:
        raise PeerError(
            "contact.stale_answer",
            zh="收到的应答不是本次联络的（可能是缓存或重放），未接收任何内容，将重新联络。",
            en="The answer is not to this contact (a cache, or a replay); nothing was taken. The next contact comes "
            "by itself.",
        )
    taken = Taken(hello, standing=node.note_hello(hello, by_hand=carrier == "usb"))
    batches = _batches(frames, taken)
    batch: list[Frame] | None = next(batches, [])
    waits = True
    while batch is not None:
        following = next(batches, None)
        with node.db.transaction() as tx:
            node.refresh(tx)
            for frame in batch:
                _take_frame(node, tx, carrier, frame, taken)
            for row in sorted(taken.touched):
                advance(tx, stream_with(tx, row))
                neighbour.want_receipt(tx, hello.sender, row)
            if following is None and taken.standing is not neighbour.Standing.ENDED:
                node.note_contact(tx, hello, carrier)
            waits = checkpoint.is_waiting(tx, node.place)
        batch = following
    taken.complete = state.complete
    if taken.contradicted:
        node.begin_epoch(epoch.Reason.CONTRADICTED)
    if waits or taken.contradicted:
        node.apply_ready()
    with node.db.transaction() as tx:
        node.note_returned(tx, hello)
        if taken.standing is not neighbour.Standing.ENDED:
            _reconcile(node, tx, taken, asks)
        _note_refusals(node, tx, taken)
    return taken


def _reconcile(node: Node, tx: sa.Connection, taken: Taken, asks: bool) -> None:
    # With envelopes or chunks on the way the two are not level: what differs now may be among them.
    if not (taken.envelopes or taken.chunks):
        step = Savepoint(tx)
        try:
            taken.reply = take_turn(tx, node, taken.hello, taken.compared, asks=asks)
        except PeerError as error:
            step.rollback()
            taken.refuse(error)
        else:
            step.commit()


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
    require_neighbour(node, claim.sender)
    node.learn_certificates(claim.sender, claim.certificates)
    require_signed(frame.payload, node.keyring.verify_key_of(claim.sender))
    _require_in_date(node, claim.sender)
    return claim


def _require_in_date(node: Node, sender: NodeId) -> None:
    now, keyring = node.world.now(), node.keyring
    # With its own certificate out of date by its own clock, a node had better doubt the clock than its neighbours.
    if keyring.judge(keyring.pair.signing, now).usable:
        verdict = keyring.judge(keyring.pair_of(sender).signing, now)
        # It was issued, so its time has come: one that is "not yet valid" tells that our clock lags.
        if verdict.status is not CertStatus.NOT_YET_VALID:
            verdict.require()


def _batches(frames: Iterator[Frame], taken: Taken) -> Iterator[list[Frame]]:
    """Frames by the transaction; a bundle that turns out damaged gives those before the damage."""
    batch: list[Frame] = []
    try:
        for frame in frames:
            batch.append(frame)
            if len(batch) == TRANSACTION_FRAMES_MAX:
                yield batch
                batch = []
    except PeerError as error:
        taken.refuse(error)
    if batch:
        yield batch


def _take_frame(node: Node, tx: sa.Connection, carrier: str, frame: Frame, taken: Taken) -> None:
    savepoint = Savepoint(tx)
    try:
        if frame.kind is Kind.RECEIPT:
            _take_receipt(node, tx, frame.payload, taken)
        elif frame.kind is Kind.ENVELOPE:
            _take_envelope(node, tx, carrier, frame.payload, taken)
        elif frame.kind is Kind.CHUNK:
            _take_chunk(node, tx, frame.payload, taken)
        elif frame.kind is Kind.WANT:
            _take_wishes(tx, frame.payload, taken)
        elif frame.kind is Kind.ASK:
            _take_questions(tx, frame.payload, taken)
        elif frame.kind is Kind.MISSING:
            taken.wishes += refetch.take_question(tx, taken.hello.sender, frame.payload)
        elif frame.kind is Kind.COMPARE and taken.compared is None:
            taken.compared = frame.payload
        else:
            raise _malformed(frame.kind)
    except LocalError:
        raise
    except LiandongError as error:
        savepoint.rollback()
        if isinstance(error, Contradiction):
            _contradicted(node, tx, error, taken)
        taken.refuse(error)
    else:
        savepoint.commit()


def _contradicted(node: Node, tx: sa.Connection, error: Contradiction, taken: Taken) -> None:
    held = find_stream(tx, error.stream)
    if held is None:
        return
    if error.stream.origin == node.place.node and error.stream.epoch != node.place.epoch:
        epoch.say_again(tx, node.place, held)
        return
    put_on_hold(tx, node.world, error.stream, error.reason)
    if error.stream.origin == node.place.node:
        taken.contradicted = True
    else:
        # Our receipt names the envelope that is held here: so its origin learns that it has forgotten something.
        taken.touched.add(held.row)


def _take_receipt(node: Node, tx: sa.Connection, data: bytes, taken: Taken) -> None:
    claim = read_receipt(data)
    receipt = verify_receipt(data, node.keyring.verify_key_of(claim.signer))
    if receipt.kind != CUSTODY:
        raise _malformed(Kind.RECEIPT)
    if not neighbour.is_current(tx, receipt.signer, receipt.signer_epoch):
        # Signed before that disk forgot what it signed for: it relieves us of nothing.
        return
    take_custody_receipt(tx, node.place, node.world, receipt, data, peer=taken.hello.sender)
    taken.receipts += 1


def _take_wishes(tx: sa.Connection, payload: bytes, taken: Taken) -> None:
    wishes = cose.decode(payload, bytes_max=WANT_BYTES_MAX)
    if not isinstance(wishes, list) or len(wishes) > WANT_FILES_MAX:
        raise _malformed(Kind.WANT)
    for wish in wishes:
        if not isinstance(wish, list) or [type(part) for part in wish] != [bytes, bytes]:
            raise _malformed(Kind.WANT)
        # A wish heard before moves nothing: the chunk may have rotted here, and asking on would not end.
        taken.wishes += attachments.take_want(tx, taken.hello.sender, wish[0].hex(), wish[1])


def _take_questions(tx: sa.Connection, payload: bytes, taken: Taken) -> None:
    keys = cose.decode(payload, bytes_max=WANT_BYTES_MAX)
    if not isinstance(keys, list) or len(keys) > ASK_MAX or not all(isinstance(key, bytes) for key in keys):
        raise _malformed(Kind.ASK)
    taken.touched.update(tx.scalars(sa.select(STREAM.c.id).where(STREAM.c.key.in_(keys))))


def _take_envelope(node: Node, tx: sa.Connection, carrier: str, data: bytes, taken: Taken) -> None:
    header = read_header(data)
    digest = sha256(data)
    known = find_stream(tx, header.stream)
    if known is not None and holds_digest(tx, known, header.seq, digest):
        if refetch.fill(tx, node.world, known, header.seq, data):
            taken.envelopes += 1
            return
        taken.touched.add(known.row)
        taken.duplicates += 1
        return
    node.db.require_room()
    peer = taken.hello.sender
    require_route(node, tx, peer, header)
    key = _signer(node, peer, header, data)
    verify(data, key)
    offer = None
    if header.lane is Lane.ATTACHMENT:
        _, messages = open_envelope(data, key, node.place.node, node.keyring.sealing_key)
        offer = attachments.read_offer(messages)
    stream = hold(tx, node.place, node.world, Arrival(header, digest, data, carrier, peer))
    if offer is not None:
        attachments.register_offer(tx, stream, header.seq, offer, node.chunks, iso(node.world.now()))
    else:
        note_held_by(tx, stream.row, peer, header.seq)
    taken.touched.add(stream.row)
    taken.envelopes += 1


def _signer(node: Node, peer: NodeId, header: Header, data: bytes) -> Verifier:
    revoked = node.keyring.revoked_keys_of(header.origin)
    if peer != header.origin and is_signed_by(data, revoked):
        # A neighbour took it while that key counted, and has to be relieved of it: it is kept here, for people to judge.
        return revoked
    return node.keyring.verify_key_of(header.origin)


def _take_chunk(node: Node, tx: sa.Connection, payload: bytes, taken: Taken) -> None:
    value = cose.decode(payload, bytes_max=CHUNK_FRAME_BYTES_MAX)
    if not isinstance(value, list) or [type(part) for part in value] != [bytes, int, bytes]:
        raise _malformed(Kind.CHUNK)
    id_, index, data = value[0].hex(), value[1], value[2]
    digest = attachments.chunk_is_wanted(tx, id_, index, data)
    if digest is None:
        taken.duplicates += 1
        return
    node.db.require_room()
    node.chunks.put(digest, data)
    attachments.mark_chunk(tx, id_, index, iso(node.world.now()))
    taken.touched.update(attachments.brought_by(tx, id_, taken.hello.sender))
    taken.chunks += 1


def _note_refusals(node: Node, tx: sa.Connection, taken: Taken) -> None:
    """One line a reason: a neighbour that sends the same nonsense all day must not fill the log."""
    for code, count in sorted(taken.refusals.items()):
        log.warning("refused %d frames from %s: %s", count, taken.hello.sender, code)
        audit.note(
            tx,
            node.world,
            actor="sync",
            action="frame.refused",
            subject=taken.hello.sender,
            code=code,
            count=count,
        )


def _malformed(kind: Kind) -> PeerError:
    return PeerError(
        "contact.frame",
        zh=f"数据包中的一段（{kind.name}）格式不对，未接收，其余照常。请核对双方软件版本。",
        en=f"A part of the bundle ({kind.name}) is malformed; it was not taken, the rest was. Compare the software "
        "versions.",
    )
