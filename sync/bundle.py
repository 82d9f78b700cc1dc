"""The bytes of one contact, the same over the extranet and on a stick: framed parts, usable up to any cut.

``LDB1`` then frames ``kind:u8 length:u32be payload``; the last is END with the count and SHA-256 of all before it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from core.errors import PeerError

MAGIC = b"LDB1"
FRAME_BYTES_MAX = 2 * 1024 * 1024
BUNDLE_BYTES_MAX = 64 * 1024 * 1024
FRAMES_MAX = 100_000
HEAD_BYTES = 5


class Kind(IntEnum):
    """What a frame carries."""

    HELLO = 1
    RECEIPT = 2
    ENVELOPE = 3
    CHUNK = 4
    WANT = 5
    ASK = 6
    MISSING = 7
    COMPARE = 8
    END = 255


@dataclass(frozen=True, slots=True)
class Frame:
    """One self-contained part of a bundle."""

    kind: Kind
    payload: bytes

    def __len__(self) -> int:
        return HEAD_BYTES + len(self.payload)


def write_bundle(frames: Iterable[Frame]) -> bytes:
    """The bundle of ``frames``, closed by its END."""
    parts = [MAGIC]
    count = 0
    for frame in frames:
        parts.append(frame.kind.to_bytes(1, "big") + len(frame.payload).to_bytes(4, "big") + frame.payload)
        count += 1
    body = b"".join(parts)
    end = count.to_bytes(4, "big") + hashlib.sha256(body).digest()
    return body + Kind.END.to_bytes(1, "big") + len(end).to_bytes(4, "big") + end


@dataclass(slots=True)
class ReadState:
    """How a reading went: ``complete`` is true once END was reached and agreed."""

    complete: bool = False


def read_bundle(data: bytes, state: ReadState | None = None) -> Iterator[Frame]:
    """The frames of ``data``; a bundle that was cut gives every whole frame before the cut.

    Raises ``PeerError`` (``bundle.*``) for what is not a bundle, is too large, or does not agree with its END.
    """
    state = state or ReadState()
    if len(data) > BUNDLE_BYTES_MAX:
        raise PeerError(
            "bundle.too_large",
            zh=f"数据包有 {len(data)} 字节，超过上限 {BUNDLE_BYTES_MAX}，未接收。",
            en=f"The bundle has {len(data)} bytes, more than the {BUNDLE_BYTES_MAX} allowed; it was not taken.",
        )
    if data[:4] != MAGIC:
        raise PeerError(
            "bundle.foreign",
            zh="收到的不是联动数据包（可能是上网登录页面或其他文件），未接收。请检查网络或U盘。",
            en="This is not a Liandong bundle (perhaps a network login page, or another file); it was not taken. "
            "Check the line or the stick.",
        )
    at = len(MAGIC)
    for count in range(FRAMES_MAX + 1):
        if at + HEAD_BYTES > len(data):
            return
        length = int.from_bytes(data[at + 1 : at + HEAD_BYTES], "big")
        if length > FRAME_BYTES_MAX:
            raise _malformed(f"frame {count} claims {length} bytes")
        payload = data[at + HEAD_BYTES : at + HEAD_BYTES + length]
        if len(payload) < length:
            return
        try:
            kind = Kind(data[at])
        except ValueError as error:
            raise _malformed(f"frame {count} is of unknown kind {data[at]}") from error
        if kind is Kind.END:
            if payload != count.to_bytes(4, "big") + hashlib.sha256(data[:at]).digest():
                raise _malformed("the end does not agree with the content")
            if at + HEAD_BYTES + length != len(data):
                raise _malformed("there are bytes after the end")
            state.complete = True
            return
        yield Frame(kind, payload)
        at += HEAD_BYTES + length
    raise _malformed(f"more than {FRAMES_MAX} frames")


def _malformed(why: str) -> PeerError:
    return PeerError(
        "bundle.malformed",
        zh=f"数据包已损坏（{why}），损坏部分未接收，对方会重新发送。",
        en=f"The bundle is damaged ({why}); the damaged part was not taken and will be sent again.",
    )
