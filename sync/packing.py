"""Messages as one block of bytes and back: canonical container, zstd, padding to a class of sizes.

The length of a ciphertext tells the length of what it hides. Padded to Padmé's classes it tells only its
magnitude, at a cost of at most 12 % (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
Communication with PURBs", 2019, section 4).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import zstandard

from core.errors import LocalError, PeerError
from sync import cose
from sync.header import MESSAGES_MAX, Codec
from sync.primitives import sha256

BODY_BYTES_MAX = 1 << 20
TYPE_CHARS_MAX = 64
SUBJECT_CHARS_MAX = 64
SCHEMA_MAX = 0xFFFF
CONTAINER_BYTES_MAX = 8 << 20
PADDED_BYTES_MIN = 256
ZSTD_LEVEL = 3
"""Measured on synthetic cases, 1 to 200 an envelope: 9 is 2 % smaller to 2 % larger and up to five times slower."""

_LENGTH_BYTES = 4
_ID = re.compile(r"[0-9a-f]{32}")
NO_DICTIONARIES: Mapping[int, bytes] = {}
"""Trained zstd dictionaries by number; 0 is never one of them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One fact as the carrier sees it: ``id`` 32 hexadecimal characters, ``subject`` a case number or empty."""

    id: str
    type: str
    schema: int
    subject: str
    body: bytes


def fingerprint(message: Message) -> bytes:
    """What stands beside a recorded message, so that a flipped bit in it is found: SHA-256, 32 bytes."""
    head = "\n".join((message.id, message.type, str(message.schema), message.subject, ""))
    return sha256(head.encode() + message.body)


@dataclass(frozen=True, slots=True)
class Packed:
    """The block that is sealed, and how its header must name it."""

    block: bytes
    codec: Codec
    dictionary: int


def pack(
    messages: Sequence[Message], dictionary: int = 0, dictionaries: Mapping[int, bytes] = NO_DICTIONARIES
) -> Packed:
    """The padded block of 1 to 1,000 messages.

    ``dictionary`` numbers the trained zstd dictionary to use, 0 for none. Raises ``LocalError``
    (``envelope.unpackable``) if a message is out of bounds or all together are over 8 MiB.
    """
    if not 1 <= len(messages) <= MESSAGES_MAX:
        raise _unpackable(f"{len(messages)} messages")
    for message in messages:
        require_packable(message)
    container = cose.encode([[bytes.fromhex(m.id), m.type, m.schema, m.subject, m.body] for m in messages])
    if len(container) > CONTAINER_BYTES_MAX:
        raise _unpackable(f"{len(container)} bytes together")
    trained = _trained(dictionary, dictionaries) if dictionary else None
    packed = zstandard.ZstdCompressor(level=ZSTD_LEVEL, dict_data=trained).compress(container)
    if len(packed) < len(container):
        return Packed(_pad(packed), Codec.ZSTD, dictionary)
    return Packed(_pad(container), Codec.PLAIN, 0)


def require_packable(message: Message) -> None:
    """Raises ``LocalError`` (``envelope.unpackable``) for a message that no envelope could carry."""
    if not _within_bounds(message):
        raise _unpackable(
            f"message {message.id[:32]} of type {message.type[:TYPE_CHARS_MAX]}, {len(message.body)} bytes"
        )


def unpack(
    block: bytes,
    codec: Codec,
    count: int,
    dictionary: int = 0,
    dictionaries: Mapping[int, bytes] = NO_DICTIONARIES,
) -> tuple[Message, ...]:
    """The ``count`` messages of a block from :func:`pack`. Raises ``PeerError`` (``envelope.*``, ``cbor.*``)."""
    content = _unpad(block)
    if codec is Codec.ZSTD:
        content = _decompress(content, dictionary, dictionaries)
    rows = cose.decode(content, bytes_max=CONTAINER_BYTES_MAX, items_max=1 + 6 * count, depth_max=2)
    if not isinstance(rows, list) or len(rows) != count:
        raise _container("count")
    messages = tuple(_message(row) for row in rows)
    if len({message.id for message in messages}) != count:
        raise _container("id")
    return messages


def padded_length(length: int) -> int:
    """The Padmé class of ``length``: its highest bits kept, the rest rounded up; at least 256."""
    if length <= PADDED_BYTES_MIN:
        return PADDED_BYTES_MIN
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def _pad(content: bytes) -> bytes:
    framed = len(content).to_bytes(_LENGTH_BYTES, "big") + content
    return framed.ljust(padded_length(len(framed)), b"\0")


def _unpad(block: bytes) -> bytes:
    length = int.from_bytes(block[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + length
    # One spelling only: the class that belongs to the length, and nothing hidden in the zeros.
    if len(block) != padded_length(end) or block.count(0, end) != len(block) - end:
        raise _container("padding")
    return block[_LENGTH_BYTES:end]


def _decompress(content: bytes, dictionary: int, dictionaries: Mapping[int, bytes]) -> bytes:
    try:
        frame = zstandard.get_frame_parameters(content)
    except zstandard.ZstdError as error:
        raise _container("zstd") from error
    # The library trusts the size a frame declares over any limit given to it: 8 KB can ask for 256 MB.
    if frame.content_size > CONTAINER_BYTES_MAX or frame.window_size > CONTAINER_BYTES_MAX:
        raise PeerError(
            "envelope.bomb",
            zh=f"信封声明解压后超过 {CONTAINER_BYTES_MAX >> 20} MiB（含未声明大小者），已拒绝解压。"
            "请报告市级管理员。",
            en=f"The envelope declares more than {CONTAINER_BYTES_MAX >> 20} MiB once unpacked, or no size "
            "at all; it was not unpacked. Report it to the city's administrator.",
        )
    if frame.dict_id != (dictionary if dictionary else 0):
        raise _container("dictionary")
    trained = _trained(dictionary, dictionaries) if dictionary else None
    try:
        # Into a buffer of exactly the declared size: a frame that holds more than it declares fails.
        unpacked = zstandard.ZstdDecompressor(dict_data=trained).decompress(content, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _container("zstd") from error
    return unpacked


def _trained(dictionary: int, dictionaries: Mapping[int, bytes]) -> zstandard.ZstdCompressionDict:
    if dictionary not in dictionaries:
        raise PeerError(
            "envelope.dictionary",
            zh=f"信封使用压缩字典 {dictionary}，本机没有，暂不能打开。请升级本节点的软件。",
            en=f"The envelope uses compression dictionary {dictionary}, which this node does not have; it "
            "cannot be opened yet. Update the software of this node.",
        )
    return zstandard.ZstdCompressionDict(dictionaries[dictionary])


def _within_bounds(message: Message) -> bool:
    return (
        _ID.fullmatch(message.id) is not None
        and 1 <= len(message.type) <= TYPE_CHARS_MAX
        and 0 <= message.schema <= SCHEMA_MAX
        and len(message.subject) <= SUBJECT_CHARS_MAX
        and len(message.body) <= BODY_BYTES_MAX
    )


def _message(row: object) -> Message:
    if not isinstance(row, list) or len(row) != 5:
        raise _container("message")
    identity, kind, schema, subject, body = row
    if not isinstance(identity, bytes) or not isinstance(kind, str) or not isinstance(subject, str):
        raise _container("message")
    if isinstance(schema, bool) or not isinstance(schema, int) or not isinstance(body, bytes):
        raise _container("message")
    message = Message(identity.hex(), kind, schema, subject, body)
    if not _within_bounds(message):
        raise _container("message")
    return message


def _container(part: str) -> PeerError:
    return PeerError(
        "envelope.content",
        zh=f"信封内容不合规定（{part}），未采用。信封已留存，请联系发送方核对软件版本。",
        en=f"The content of the envelope is not as agreed ({part}); it was not applied. Ask the sender to "
        "check its software version.",
    )


def _unpackable(what: str) -> LocalError:
    return LocalError(
        "envelope.unpackable",
        zh=f"待发内容超出信封限度（{what}），未封装。请报告软件维护人员。",
        en=f"What is to be sent is over an envelope's bounds ({what}); it was not sealed. Report it to "
        "those who look after the software.",
    )
