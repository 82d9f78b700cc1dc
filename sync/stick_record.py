"""What a node remembers of sticks: what left on one and when, and who still waits for an answer by stick.

None of it is custody: it tells people where a copy is, and a receipt alone says that it arrived.
"""

from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.identifiers import NodeId
from sync.hello import Hello
from sync.identity import read_fact, write_fact
from sync.outbox import queue_of

WRITTEN = "stick_written"
UNANSWERED = "stick_unanswered"
ANSWERED = "stick_answered"
TAKEN = "stick_taken"


def note_written(
    tx: sa.Connection, world: World, peer: NodeId, *, label: str, envelopes: int, chunks: int, size: int
) -> None:
    """A whole export for ``peer`` is on the stick ``label``, read back; receipts for what it brought are on it."""
    written = read_fact(tx, WRITTEN, {})
    written[peer] = {
        "at": iso(world.now()),
        "label": label,
        "envelopes": envelopes,
        "chunks": chunks,
        "bytes": size,
    }
    write_fact(tx, WRITTEN, written)
    write_fact(tx, UNANSWERED, [name for name in read_fact(tx, UNANSWERED, []) if name != peer])


def on_stick(tx: sa.Connection, peer: NodeId) -> dict[str, Any] | None:
    """The last export for ``peer`` as ``{at, label, envelopes, chunks, bytes}``, while something that was on it
    still waits for the receipt.
    """
    written: dict[str, Any] | None = read_fact(tx, WRITTEN, {}).get(peer)
    oldest_at = queue_of(tx, peer).oldest_at
    # An export carries everything owed: what is older than the export was on it.
    return written if written and oldest_at is not None and oldest_at <= written["at"] else None


def note_taken(tx: sa.Connection, hello: Hello, *, to_answer: bool) -> bool:
    """A bundle was taken from a stick; its sender is owed receipts if ``to_answer``. False if it is not newer
    than one that was taken before.
    """
    peer = hello.sender
    answered, taken = read_fact(tx, ANSWERED, {}), read_fact(tx, TAKEN, {})
    if hello.reply_to > answered.get(peer, 0):
        write_fact(tx, ANSWERED, answered | {peer: hello.reply_to})
    unanswered = read_fact(tx, UNANSWERED, [])
    if to_answer and peer not in unanswered:
        write_fact(tx, UNANSWERED, sorted([*unanswered, peer]))
    epoch, number = taken.get(peer, ("", 0))
    if epoch == hello.epoch and hello.number <= number:
        return False
    write_fact(tx, TAKEN, taken | {peer: (hello.epoch, hello.number)})
    return True


def is_unanswered(tx: sa.Connection, peer: NodeId) -> bool:
    """Whether ``peer`` brought something by stick for which no receipt has been written to one."""
    return peer in read_fact(tx, UNANSWERED, [])


def answered_upto(tx: sa.Connection, peer: NodeId) -> int:
    """The last bundle of ours that ``peer`` says it took from a stick, 0 if none."""
    return int(read_fact(tx, ANSWERED, {}).get(peer, 0))
