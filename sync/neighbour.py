"""The lives of a neighbour: which of its epochs is current, and what we owe it when a new one begins.

A new epoch means that the neighbour's disk has forgotten something. So its earlier receipts relieve us of nothing:
everything that it has ever held of what we hold is owed to it again, its own words included, until it signs anew.
"""

import json
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.identifiers import NodeId
from core.store.prepared import Prepared, put, update
from sync import audit
from sync.custody import towards
from sync.hello import Hello, Seen
from sync.identity import Place
from sync.receipt import ACCEPTANCE
from sync.stream import StreamRow, stream_row
from sync.tables import ATTACHMENT_DELIVERY, DELIVERY, EPOCH, RECEIPT, STREAM, UNSIGNED


class Standing(StrEnum):
    """What a bundle's epoch is to us."""

    CURRENT = "current"
    BEGUN = "begun"
    """Never seen before: it is the current one from now on."""
    ENDED = "ended"
    """A later one has begun: a late bundle, or a second device that bears the same name."""


def note_bundle(tx: sa.Connection, place: Place, world: World, hello: Hello, born: str) -> Standing:
    """Judge the epoch of a verified hello and remember how far its sender has got.

    ``born`` is the installation that the sender's certificate names: another one than before is another machine, with
    other keys and no memory.
    """
    lives = {row.epoch: row for row in _LIVES.all(tx, of=hello.sender)}
    known = lives.get(hello.epoch)
    _end_earlier(tx, world, hello, known_epochs=set(lives))
    if known is not None:
        ended = known.closed_at is not None
        _note_number(tx, hello, known, ended=ended)
        return Standing.ENDED if ended else Standing.CURRENT
    before = [row for row in lives.values() if row.closed_at is None]
    where = (EPOCH.c.node == hello.sender) & EPOCH.c.closed_at.is_(None)
    tx.execute(sa.update(EPOCH).where(where).values(closed_at=iso(world.now())))
    _insert(tx, world, hello, hello.epoch, born, closed_at=None)
    if not lives:
        return Standing.CURRENT
    replaced = bool(before) and before[0].born != born
    _settle_doubles(tx, hello, replaced=replaced)
    _start_over(tx, place, hello.sender, replaced=replaced)
    release_holds(tx, world, hello.sender, hello.epoch)
    audit.note(
        tx,
        world,
        actor="sync",
        action="neighbour.replaced" if replaced else "neighbour.restored",
        subject=hello.sender,
        epoch=hello.epoch,
    )
    return Standing.BEGUN


_LIVES = Prepared(sa.select(EPOCH).where(EPOCH.c.node == sa.bindparam("of")))
_CURRENT = Prepared(sa.select(EPOCH).where(EPOCH.c.node == sa.bindparam("of"), EPOCH.c.closed_at.is_(None)))
_UNSIGNED = Prepared(sa.select(UNSIGNED.c.stream_id).where(UNSIGNED.c.peer == sa.bindparam("of")))
_NEVER_SENT = Prepared(
    sa.select(UNSIGNED.c.stream_id)
    .where(UNSIGNED.c.peer == sa.bindparam("of"), UNSIGNED.c.number.is_(None))
    .limit(1)
)
_ARRIVED = Prepared(
    sa.delete(UNSIGNED).where(
        UNSIGNED.c.peer == sa.bindparam("of"), UNSIGNED.c.number <= sa.bindparam("upto")
    )
)
_OWN_OWED = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(STREAM.c.head_seq - DELIVERY.c.acked_seq), 0))
    .join(STREAM, STREAM.c.id == DELIVERY.c.stream_id)
    .where(
        DELIVERY.c.peer == sa.bindparam("of"),
        STREAM.c.origin == sa.bindparam("of"),
        STREAM.c.head_seq > DELIVERY.c.acked_seq,
    )
)


def seen_of(tx: sa.Connection, peer: NodeId) -> Seen:
    """The last bundle of ``peer``'s current epoch that was taken here."""
    row = _CURRENT.first(tx, of=peer)
    return Seen() if row is None else Seen(row.epoch, row.run, row.number, bytes(row.token))


def is_current(tx: sa.Connection, node: NodeId, epoch: str) -> bool:
    """Whether ``epoch`` of ``node`` has not ended, as far as is known here."""
    lives = {row.epoch: row for row in _LIVES.all(tx, of=node)}
    return lives[epoch].closed_at is None if epoch in lives else not lives


def shared(tx: sa.Connection, place: Place, peer: NodeId) -> list[tuple[StreamRow, bool]]:
    """Every stream that ``peer`` has to do with, as origin, reader or on the way; and whether it is owed to it now."""
    owed = sa.select(DELIVERY.c.stream_id).where(DELIVERY.c.peer == peer)
    rows = tx.execute(sa.select(STREAM, STREAM.c.id.in_(owed).label("owed")).order_by(STREAM.c.id)).all()
    streams = [(stream_row(row), bool(row.owed)) for row in rows]
    return [
        (stream, is_owed)
        for stream, is_owed in streams
        if is_owed
        or (stream.stream.origin != place.node and towards(place.node, stream.stream.origin) == peer)
    ]


def sign_all(tx: sa.Connection, place: Place, peer: NodeId) -> None:
    """Let the next bundle for ``peer`` carry a receipt for everything held here that it has to do with."""
    for stream, _ in shared(tx, place, peer):
        is_speaking = stream.stream.origin == place.node and stream.stream.epoch == place.epoch
        if stream.head_seq and not is_speaking:
            want_receipt(tx, peer, stream.row)


def want_receipt(tx: sa.Connection, peer: NodeId, row: int) -> None:
    """Remember that ``peer`` has to be given our receipt for a stream."""
    put(tx, UNSIGNED, {"peer": peer, "stream_id": row}, number=None)


def unsigned(tx: sa.Connection, peer: NodeId) -> list[int]:
    """Rows of the streams for which ``peer`` has not shown to have our receipt."""
    return _UNSIGNED.scalars(tx, of=peer)


def has_unsent_receipts(tx: sa.Connection, peer: NodeId) -> bool:
    """Whether a receipt for ``peer`` has been in no bundle yet."""
    return _NEVER_SENT.scalar(tx, of=peer) is not None


def note_signed(tx: sa.Connection, peer: NodeId, number: int) -> None:
    """The bundle ``number`` carries every receipt that ``peer`` lacks."""
    update(tx, UNSIGNED, {"peer": peer}, number=number)


def receipts_arrived(tx: sa.Connection, peer: NodeId, number: int) -> None:
    """``peer`` took our bundle ``number``: its receipts, and those before it, have arrived."""
    _ARRIVED.run(tx, of=peer, upto=number)


def owes_own(tx: sa.Connection, peer: NodeId) -> int:
    """Envelopes of ``peer``'s own that it has not signed for since its present epoch began."""
    return int(_OWN_OWED.scalar(tx, of=peer) or 0)


def note_told(tx: sa.Connection, world: World, node: NodeId, epoch: str, reason: str) -> None:
    """Remember an epoch of a node that was announced in a message: nodes farther away are known by that alone."""
    known = set(tx.scalars(sa.select(EPOCH.c.epoch).where(EPOCH.c.node == node)))
    if epoch in known:
        return
    now = iso(world.now())
    where = (EPOCH.c.node == node) & EPOCH.c.closed_at.is_(None)
    tx.execute(sa.update(EPOCH).where(where).values(closed_at=now))
    tx.execute(
        sa.insert(EPOCH).values(
            node=node, epoch=epoch, born="", began_at=now, reason=reason, run="", number=0, token=b""
        )
    )


def epochs_of(tx: sa.Connection, node: NodeId) -> int:
    """How many epochs of ``node`` are known here."""
    query = sa.select(sa.func.count()).select_from(EPOCH).where(EPOCH.c.node == node)
    return int(tx.scalar(query) or 0)


def release_holds(tx: sa.Connection, world: World, origin: NodeId, epoch: str) -> None:
    """Go on with ended streams of ``origin``: what contradicts them, it says again in ``epoch``."""
    where = (STREAM.c.origin == origin) & (STREAM.c.epoch != epoch) & STREAM.c.hold.is_not(None)
    released = tx.execute(sa.update(STREAM).where(where).values(hold=None)).rowcount
    if released:
        audit.note(tx, world, actor="sync", action="stream.released", subject=origin, count=released)


def doubles(tx: sa.Connection, place: Place) -> list[tuple[NodeId, str, int]]:
    """``(node, ended epoch, bundles)`` of neighbours of which two devices seem to speak."""
    query = sa.select(EPOCH.c.node, EPOCH.c.epoch, EPOCH.c.spoke_after).where(
        EPOCH.c.spoke_after > 1, EPOCH.c.node != place.node
    )
    return [
        (NodeId(row.node), row.epoch, row.spoke_after) for row in tx.execute(query.order_by(EPOCH.c.node))
    ]


def _end_earlier(tx: sa.Connection, world: World, hello: Hello, known_epochs: set[str]) -> None:
    """What the sender itself calls past has ended, though we never met it: a late bundle may still come from there."""
    for epoch in hello.past:
        if known_epochs and epoch not in known_epochs and epoch != hello.epoch:
            _insert(tx, world, hello, epoch, "", closed_at=iso(world.now()), number=0)


def _settle_doubles(tx: sa.Connection, hello: Hello, *, replaced: bool) -> None:
    """The device that spoke on in an ended epoch is the one that speaks now, or people have put another in its place."""
    where = EPOCH.c.node == hello.sender
    if not replaced:
        where &= EPOCH.c.epoch.in_(hello.past)
    tx.execute(sa.update(EPOCH).where(where).values(spoke_after=0))


def _note_number(tx: sa.Connection, hello: Hello, known: Any, *, ended: bool) -> None:
    if hello.number <= known.number:
        return
    if hello.run != known.run and hello.before < known.number:
        # Its disk does not remember what we saw: we go on showing that, until it answers with a new epoch.
        return
    values: dict[str, Any] = {"run": hello.run, "number": hello.number, "token": hello.token}
    if ended:
        values["spoke_after"] = known.spoke_after + 1
    update(tx, EPOCH, {"node": hello.sender, "epoch": hello.epoch}, **values)


def _insert(
    tx: sa.Connection,
    world: World,
    hello: Hello,
    epoch: str,
    born: str,
    *,
    closed_at: str | None,
    number: int | None = None,
) -> None:
    tx.execute(
        sa.insert(EPOCH).values(
            node=hello.sender,
            epoch=epoch,
            born=born,
            began_at=iso(world.now()),
            closed_at=closed_at,
            reason="met",
            run=hello.run,
            number=hello.number if number is None else number,
            token=hello.token,
        )
    )


def _start_over(tx: sa.Connection, place: Place, peer: NodeId, *, replaced: bool) -> None:
    for stream, is_owed in shared(tx, place, peer):
        acked = _needless(tx, place, stream, peer) if replaced and not stream.stream.is_open else 0
        values = {"acked_seq": acked, "ranges": json.dumps([]), "acked_at": None}
        if is_owed:
            where = (DELIVERY.c.stream_id == stream.row) & (DELIVERY.c.peer == peer)
            tx.execute(sa.update(DELIVERY).where(where).values(**values))
        else:
            tx.execute(sa.insert(DELIVERY).values(stream_id=stream.row, peer=peer, **values))
    tx.execute(sa.delete(ATTACHMENT_DELIVERY).where(ATTACHMENT_DELIVERY.c.peer == peer))
    sign_all(tx, place, peer)


def _needless(tx: sa.Connection, place: Place, stream: StreamRow, peer: NodeId) -> int:
    """How much of a sealed stream another machine of ``peer`` has no use for: it has no key to it, and whoever is to
    get it by way of ``peer`` has accepted it.
    """
    readers = stream.stream.readers
    if peer not in readers and stream.stream.origin != peer:
        return 0
    beyond = [r for r in readers if r not in (peer, place.node) and towards(place.node, r) == peer]
    query = (
        sa.select(sa.func.max(RECEIPT.c.upto))
        .where(RECEIPT.c.stream_id == stream.row, RECEIPT.c.kind == ACCEPTANCE, RECEIPT.c.signer.in_(beyond))
        .group_by(RECEIPT.c.signer)
    )
    accepted = list(tx.scalars(query))
    return min([stream.head_seq, *accepted]) if len(accepted) == len(beyond) else 0
