"""Which files on a stick this node wrote itself, and whether their addressee has signed for them by now."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.bundle import Kind, ReadState, read_bundle
from sync.contact import CHUNK_FRAME_BYTES_MAX
from sync.custody import covers, has_bit
from sync.envelope import read_header
from sync.hello import Hello, verify_hello
from sync.node import Node
from sync.stick_layout import FILE_BYTES_MAX, hello_frame
from sync.stick_record import answered_upto
from sync.stream import find_stream
from sync.tables import ATTACHMENT_DELIVERY, DELIVERY, OFFER
from sync.transport.usb import UNREADABLE, Entry, Stick, StickError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnBundle:
    """A file whose introduction this installation signed."""

    entry: Entry
    hello: Hello


def own_bundles(stick: Stick, node: Node, peer: NodeId) -> list[OwnBundle]:
    """The files on the stick that this installation wrote for ``peer``, by signature, never by name.

    Raises ``StickError``; a file that is not ours, whatever else it is, is passed by.
    """
    found: list[OwnBundle] = []
    for entry in stick.listing().entries:
        if entry.size > FILE_BYTES_MAX:
            continue
        try:
            head = stick.head(entry)
        except StickError as error:
            if error.code != UNREADABLE:
                raise
            # Another's file that is closed to us cannot be ours to clean away.
            continue
        try:
            hello = verify_hello(hello_frame(head).payload, node.keyring.verify_key_of(node.place.node))
        except PeerError:
            continue
        if (hello.sender, hello.epoch, hello.receiver) == (node.place.node, node.place.epoch, peer):
            found.append(OwnBundle(entry, hello))
    return found


def is_signed_for(node: Node, peer: NodeId, own: OwnBundle, data: bytes) -> bool:
    """Whether ``peer`` has signed for everything in a bundle of ours, or, of receipts alone, has taken it.

    ``data``: the whole file. Of one that was cut, or is damaged, what is whole decides: the rest is not on it.
    """
    state, items = ReadState(), 0
    with node.db.reading() as tx:
        try:
            for signed in _items(tx, peer, data, state):
                if not signed:
                    return False
                items += 1
        except PeerError as error:
            log.warning("our own bundle on the stick is damaged: %s", error.code)
        return items > 0 or not state.complete or own.hello.number <= answered_upto(tx, peer)


def _items(tx: sa.Connection, peer: NodeId, data: bytes, state: ReadState) -> Iterator[bool]:
    """Of every envelope and chunk whether it is signed for."""
    for frame in read_bundle(data, state):
        if frame.kind is Kind.ENVELOPE:
            header = read_header(frame.payload)
            stream = find_stream(tx, header.stream)
            yield stream is not None and _is_acked(tx, peer, stream.row, header.seq)
        elif frame.kind is Kind.CHUNK:
            value = cose.decode(frame.payload, bytes_max=CHUNK_FRAME_BYTES_MAX)
            yield _has_chunk(tx, peer, value[0].hex(), value[1])


def _is_acked(tx: sa.Connection, peer: NodeId, stream: int, seq: int) -> bool:
    row = tx.execute(
        sa.select(DELIVERY.c.acked_seq, DELIVERY.c.ranges).where(
            DELIVERY.c.stream_id == stream, DELIVERY.c.peer == peer
        )
    ).one_or_none()
    return row is not None and covers(row.acked_seq, json.loads(row.ranges), seq)


def _has_chunk(tx: sa.Connection, peer: NodeId, file: str, index: int) -> bool:
    offers = tx.execute(sa.select(OFFER.c.stream_id, OFFER.c.seq).where(OFFER.c.attachment_id == file)).all()
    if any(_is_acked(tx, peer, offer.stream_id, offer.seq) for offer in offers):
        return True
    theirs = tx.scalar(
        sa.select(ATTACHMENT_DELIVERY.c.have).where(
            ATTACHMENT_DELIVERY.c.attachment_id == file, ATTACHMENT_DELIVERY.c.peer == peer
        )
    )
    return theirs is not None and has_bit(bytes(theirs), index)
