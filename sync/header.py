"""What a relay may read of an envelope: whose it is, for whom, which number, and what it is bound to."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.primitives import DIGEST_BYTES
from sync.stream_id import Lane, StreamId, check_stream

ENVELOPE_VERSION = 1
MESSAGES_MAX = 1000
NUMBER_MAX = (1 << 63) - 1
"""Sequence and message numbers, milliseconds: what a database's signed 64-bit column holds."""
HEADER_BYTES_MAX = 1024
NO_DIGEST = bytes(DIGEST_BYTES)

LABEL_HEADER = -70001
"""Private use (RFC 9052, 1.5), always critical: who does not know it must not read on."""

_FIELDS = 14


class Suite(IntEnum):
    """How the content is closed. The list is what this software accepts; nothing else is tried."""

    PUBLIC_1 = 0
    """Signed (ESP256), readable by all; only for streams that are public by their name."""
    INTL_1 = 1
    """Signed (ESP256), sealed by HPKE P-256 and A256GCM."""


class Codec(IntEnum):
    """How the messages are packed."""

    PLAIN = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class Header:
    """The signed head of an envelope.

    ``seq`` counts the envelopes of the stream from 1, ``previous`` is the digest of the one before (zeros for
    the first); ``first`` and ``count`` number the messages inside; ``created`` is milliseconds since 1970 by
    the origin's clock; ``commitment`` ties every reader to one content key (zeros for ``PUBLIC_1``).
    """

    version: int
    suite: Suite
    origin: NodeId
    epoch: str
    readers: tuple[NodeId, ...]
    lane: Lane
    seq: int
    previous: bytes
    first: int
    count: int
    codec: Codec
    dictionary: int
    commitment: bytes
    created: int

    @property
    def stream(self) -> StreamId:
        return StreamId(self.origin, self.epoch, self.readers, self.lane)

    @property
    def last(self) -> int:
        """The number of the last message inside."""
        return self.first + self.count - 1


def encode_header(header: Header) -> bytes:
    """The protected header of the COSE_Sign1, as it is signed, sealed to and sent."""
    fields = [
        header.version,
        int(header.suite),
        header.origin,
        bytes.fromhex(header.epoch),
        list(header.readers),
        int(header.lane),
        header.seq,
        header.previous,
        header.first,
        header.count,
        int(header.codec),
        header.dictionary,
        header.commitment,
        header.created,
    ]
    return cose.encode_protected(cose.ALG_ESP256, {LABEL_HEADER: fields}, [LABEL_HEADER])


def decode_header(data: bytes) -> Header:
    """The header of :func:`encode_header`, every field within its bounds. Raises ``PeerError``."""
    fields = cose.decode_protected(data, alg=cose.ALG_ESP256, label=LABEL_HEADER, bytes_max=HEADER_BYTES_MAX)
    if not isinstance(fields, list) or not fields:
        raise _malformed("version")
    version = fields[0]
    if isinstance(version, bool) or version != ENVELOPE_VERSION:
        raise PeerError(
            "envelope.version",
            zh=f"信封版本 {version!r} 不受支持（本机支持版本 {ENVELOPE_VERSION}），未接收。"
            "请升级本节点的软件。",
            en=f"Envelope version {version!r} is not supported (this node reads {ENVELOPE_VERSION}); it was "
            "not taken. Update the software of this node.",
        )
    if len(fields) != _FIELDS:
        raise _malformed("length")
    (
        suite,
        origin,
        epoch,
        readers,
        lane,
        seq,
        previous,
        first,
        count,
        codec,
        dictionary,
        commitment,
        created,
    ) = fields[1:]
    stream = check_stream(origin, epoch, readers, lane)
    header = Header(
        version=ENVELOPE_VERSION,
        suite=_suite(suite, stream),
        origin=stream.origin,
        epoch=stream.epoch,
        readers=stream.readers,
        lane=stream.lane,
        seq=_number("seq", seq, 1, NUMBER_MAX),
        previous=_digest("previous", previous),
        first=_number("first", first, 1, NUMBER_MAX - MESSAGES_MAX),
        count=_number("count", count, 1, MESSAGES_MAX),
        codec=Codec(_number("codec", codec, 0, max(Codec))),
        dictionary=_number("dictionary", dictionary, 0, 0xFFFFFFFF),
        commitment=_digest("commitment", commitment),
        created=_number("created", created, 0, NUMBER_MAX),
    )
    # The first of a stream has nothing before it, and only the first.
    if (header.seq == 1) != (header.previous == NO_DIGEST) or (header.seq == 1) > (header.first == 1):
        raise _malformed("previous")
    if header.codec is Codec.PLAIN and header.dictionary:
        raise _malformed("dictionary")
    if (header.suite is Suite.PUBLIC_1) != (header.commitment == NO_DIGEST):
        raise _malformed("commitment")
    return header


def _suite(value: Any, stream: StreamId) -> Suite:
    # Open content only where everyone is the reader, so that nobody can lower a sealed stream to a public one.
    allowed = Suite.PUBLIC_1 if stream.is_open else Suite.INTL_1
    if isinstance(value, bool) or value != allowed:
        raise PeerError(
            "envelope.suite",
            zh="信封的加密套件与其读者不符或不在许可之列，未接收。这可能是有人试图降低加密强度，"
            "请报告市级管理员。",
            en="The envelope's suite is not the one allowed for its readers; it was not taken. Someone may "
            "be trying to weaken the sealing: report it to the city's administrator.",
        )
    return allowed


def _number(field: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _malformed(field)
    return value


def _digest(field: str, value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != DIGEST_BYTES:
        raise _malformed(field)
    return value


def _malformed(field: str) -> PeerError:
    return PeerError(
        "envelope.header",
        zh=f"信封头的 {field} 字段不合规定，未接收。请核对对方的软件版本。",
        en=f"The field {field} of the envelope's header is out of its bounds; it was not taken. Check the "
        "sender's software version.",
    )
