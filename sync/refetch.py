"""An envelope that rotted here: never sent on, and asked for again from a neighbour that has it."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import sqlalchemy as sa

from core.clock import World
from core.errors import PeerError
from core.identifiers import NodeId
from core.store.prepared import Prepared
from sync import cose, damage
from sync.identity import read_fact, write_fact
from sync.outbox import Owed, owed
from sync.primitives import sha256
from sync.stream import StreamRow, stream_row
from sync.tables import DELIVERY, ENVELOPE, QUARANTINE, STREAM

KIND = "envelope"
ASKED_MAX = 200
PAYLOAD_BYTES_MAX = 64 * 1024
_AGAIN = "resend."


def set_aside(tx: sa.Connection, world: World, row: int, seq: int) -> None:
    """Let go of the rotted bytes of an envelope, so that nothing can send them; its digest stays in the ledger."""
    where = (ENVELOPE.c.stream_id == row) & (ENVELOPE.c.seq == seq)
    origin = tx.scalar(sa.select(STREAM.c.origin).where(STREAM.c.id == row))
    tx.execute(sa.update(ENVELOPE).where(where).values(data=None))
    damage.report(
        tx,
        world,
        KIND,
        f"{row}.{seq}",
        subject=str(origin),
        zh=f"{origin} 的第 {seq} 号信封在本机磁盘上已损坏，不会转发；正向有副本的邻近节点重新索取。请检查磁盘。",
        en=f"Envelope {seq} of {origin} has rotted on this disk; it is not sent on, and is asked for again from a "
        "neighbour that holds it. Check the disk.",
        row=row,
        seq=seq,
    )


def is_sound(digest: bytes, data: bytes) -> bool:
    """Whether an envelope is still the one whose digest stands in the ledger."""
    return sha256(data) == digest


_WHO_HAS = Prepared(
    sa.select(STREAM.c.key, ENVELOPE.c.came_from, DELIVERY.c.acked_seq)
    .join(ENVELOPE, ENVELOPE.c.stream_id == STREAM.c.id)
    .join(
        DELIVERY,
        (DELIVERY.c.stream_id == STREAM.c.id) & (DELIVERY.c.peer == sa.bindparam("to")),
        isouter=True,
    )
    .where(STREAM.c.id == sa.bindparam("row"), ENVELOPE.c.seq == sa.bindparam("at"))
)


def asked_of(tx: sa.Connection, peer: NodeId) -> list[list[Any]]:
    """``[stream key, number]`` of rotted envelopes that ``peer`` brought, or has signed for: it has them."""
    wanted: list[list[Any]] = []
    for one in damage.known(tx, KIND, ASKED_MAX):
        row, seq = int(one.detail["row"]), int(one.detail["seq"])
        found = _WHO_HAS.first(tx, to=peer, row=row, at=seq)
        if found is not None and (found.came_from == peer or (found.acked_seq or 0) >= seq):
            wanted.append([bytes(found.key), seq])
    return wanted


def take_question(tx: sa.Connection, peer: NodeId, payload: bytes) -> int:
    """Remember what ``peer`` has lost and may have again; returns how much. Raises ``PeerError`` (``contact.frame``)."""
    wanted = cose.decode(payload, bytes_max=PAYLOAD_BYTES_MAX)
    if not isinstance(wanted, list) or len(wanted) > ASKED_MAX:
        raise _malformed()
    rows: list[list[int]] = []
    for one in wanted:
        if not isinstance(one, list) or [type(part) for part in one] != [bytes, int]:
            raise _malformed()
        row = tx.scalar(sa.select(STREAM.c.id).where(STREAM.c.key == one[0]))
        if row is not None and _may_have(tx, peer, row, one[1]):
            rows.append([row, one[1]])
    write_fact(tx, _AGAIN + peer, rows)
    return len(rows)


def offer_again(tx: sa.Connection, peer: NodeId, rows: Iterable[tuple[int, int]]) -> int:
    """Let the next bundle for ``peer`` carry these envelopes, by stream row and number, once more: those that lie
    here and are its business, at most ``ASKED_MAX``; returns how many.
    """
    kept = [[row, seq] for row, seq in rows if _may_have(tx, peer, row, seq)][:ASKED_MAX]
    asked = read_fact(tx, _AGAIN + peer, [])
    write_fact(tx, _AGAIN + peer, [*asked, *(one for one in kept if one not in asked)][:ASKED_MAX])
    return len(kept)


def to_send(tx: sa.Connection, peer: NodeId) -> Iterator[Owed]:
    """What ``peer`` has lost, once each time it asks, and then what is owed to it."""
    rows = read_fact(tx, _AGAIN + peer, [])
    if rows:
        write_fact(tx, _AGAIN + peer, [])
    return chain((_item(tx, row, seq) for row, seq in rows), owed(tx, peer))


_FILL = Prepared(
    sa.update(ENVELOPE)
    .where(
        ENVELOPE.c.stream_id == sa.bindparam("row"),
        ENVELOPE.c.seq == sa.bindparam("at"),
        ENVELOPE.c.data.is_(None),
    )
    .values(data=sa.bindparam("again"))
)


def fill(tx: sa.Connection, world: World, stream: StreamRow, seq: int, data: bytes) -> bool:
    """Take back an envelope whose bytes had rotted; false if it was whole. Its digest was compared by the caller."""
    if not _FILL.run(tx, row=stream.row, at=seq, again=data):
        return False
    damage.mended(tx, world, KIND, f"{stream.row}.{seq}")
    # What could not be opened because of it deserves its tries anew.
    tx.execute(
        sa.update(QUARANTINE)
        .where(QUARANTINE.c.stream_id == stream.row, QUARANTINE.c.seq == seq)
        .values(tries=0)
    )
    return True


def _may_have(tx: sa.Connection, peer: NodeId, row: int, seq: int) -> bool:
    held = ENVELOPE.c.stream_id == row, ENVELOPE.c.seq == seq, ENVELOPE.c.data.is_not(None)
    came_from = tx.scalar(sa.select(ENVELOPE.c.came_from).where(*held))
    if came_from is None:
        return False
    is_hop = sa.select(DELIVERY.c.peer).where(DELIVERY.c.stream_id == row, DELIVERY.c.peer == peer)
    said_it = sa.select(STREAM.c.id).where(STREAM.c.id == row, STREAM.c.origin == peer)
    return came_from == peer or any(tx.scalar(query) is not None for query in (is_hop, said_it))


def _item(tx: sa.Connection, row: int, seq: int) -> Owed:
    query = sa.select(STREAM, ENVELOPE.c.size, ENVELOPE.c.held_at).join(
        ENVELOPE, (ENVELOPE.c.stream_id == STREAM.c.id) & (ENVELOPE.c.seq == seq)
    )
    found = tx.execute(query.where(STREAM.c.id == row)).one()
    return Owed(stream_row(found).stream, row, seq, found.size, found.held_at)


def _malformed() -> PeerError:
    return PeerError(
        "contact.frame",
        zh="对方索取信封的请求格式不对，未采用，其余照常。请核对双方软件版本。",
        en="The neighbour's question for envelopes is malformed; it was not used, the rest was. Compare the software "
        "versions.",
    )
