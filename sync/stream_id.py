"""The name of a stream: who speaks, in which life of that device, to whom, in which lane."""

import re
from dataclasses import dataclass
from enum import IntEnum

from core.errors import InputError, PeerError
from core.identifiers import NodeId, parse_node_id
from sync import cose
from sync.primitives import sha256

READERS_MAX = 16
EVERYONE = NodeId("*")
"""The reader of what the city says to all: signed, not sealed."""

STREAM_KEY_BYTES = 16
_EPOCH = re.compile(r"[0-9a-f]{32}")


class Lane(IntEnum):
    """What goes first when the line is thin: lower is sooner."""

    CONTROL = 0
    DECISION = 1
    INTAKE = 2
    CATALOGUE = 3
    ATTACHMENT = 4


@dataclass(frozen=True, slots=True)
class StreamId:
    """``epoch`` is 32 hexadecimal characters; ``readers`` 1 to 16 nodes, sorted, or ``("*",)`` alone."""

    origin: NodeId
    epoch: str
    readers: tuple[NodeId, ...]
    lane: Lane

    @property
    def is_open(self) -> bool:
        """Whether its envelopes are signed but not sealed: what the city says to all, and the announcements of
        attachments, which name ciphertext only and which every relay must read to carry the right pieces.
        """
        return self.readers == (EVERYONE,) or self.lane is Lane.ATTACHMENT

    @property
    def key(self) -> bytes:
        """16 bytes that stand for the name: SHA-256 of its canonical CBOR, cut."""
        name = [self.origin, bytes.fromhex(self.epoch), list(self.readers), int(self.lane)]
        return sha256(cose.encode(name))[:STREAM_KEY_BYTES]


def check_stream(origin: object, epoch: object, readers: object, lane: object) -> StreamId:
    """The stream of four values from the wire. Raises ``PeerError`` (``stream.malformed``)."""
    if not isinstance(epoch, bytes) or len(epoch) != 16:
        raise _malformed("epoch")
    if isinstance(lane, bool) or not isinstance(lane, int) or lane not in set(Lane):
        raise _malformed("lane")
    if not isinstance(readers, list) or not 1 <= len(readers) <= READERS_MAX:
        raise _malformed("readers")
    names = (EVERYONE,) if readers == [EVERYONE] else tuple(check_node(reader) for reader in readers)
    if list(names) != sorted(set(names)):
        raise _malformed("readers")
    return StreamId(check_node(origin), epoch.hex(), names, Lane(lane))


def check_node(value: object) -> NodeId:
    """A node's name on the wire, in its one spelling. Raises ``PeerError`` (``stream.malformed``)."""
    if not isinstance(value, str) or len(value) > 14:
        raise _malformed("node")
    try:
        node = parse_node_id(value)
    except InputError as error:
        raise _malformed("node") from error
    if node != value:
        raise _malformed("node")
    return node


def is_epoch(text: str) -> bool:
    return _EPOCH.fullmatch(text) is not None


def _malformed(field: str) -> PeerError:
    return PeerError(
        "stream.malformed",
        zh=f"数据流的名称不规范（{field}），未接收。请核对对方的软件版本。",
        en=f"The name of the stream is not well formed ({field}); it was not taken. Check the sender's "
        "software version.",
    )
