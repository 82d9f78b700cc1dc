"""Signed for: "I durably hold, have applied, or refuse, of this stream, everything up to number n"."""

from dataclasses import dataclass
from typing import Any

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.primitives import DIGEST_BYTES, SigningKey, Verifier
from sync.stream_id import StreamId, check_node, check_stream

__all__ = ["Receipt", "StreamId", "read_receipt", "sign_receipt", "verify_receipt"]

RECEIPT_VERSION = 1
RECEIPT_BYTES_MAX = 4096
RANGES_MAX = 64
REASON_CHARS_MAX = 200
NUMBER_MAX = (1 << 63) - 1

CUSTODY = "custody"
ACCEPTANCE = "acceptance"
REJECTION = "rejection"
KINDS = (CUSTODY, ACCEPTANCE, REJECTION)
"""The number on the wire is the index."""

LABEL_RECEIPT = -70003
"""Private use (RFC 9052, 1.5), always critical; its value is the receipt version."""

_FIELDS = 13
_PROTECTED = cose.encode_protected(cose.ALG_ESP256, {LABEL_RECEIPT: RECEIPT_VERSION}, [LABEL_RECEIPT])


@dataclass(frozen=True, slots=True)
class Receipt:
    """``kind`` custody, acceptance or rejection, of the envelopes 1 to ``upto`` of ``stream`` without a gap.

    ``digest`` is that of envelope ``upto`` (zeros when ``upto`` is 0); ``ranges`` are what is held beyond,
    both ends included, rising, with gaps between; ``number`` rises by one per signer's life, kind and stream; ``at``
    is milliseconds since 1970 by the signer's clock; ``reason`` stands in a rejection and nowhere else. A
    rejection is of envelope ``upto`` alone.
    """

    kind: str
    signer: NodeId
    signer_epoch: str
    stream: StreamId
    upto: int
    digest: bytes
    ranges: tuple[tuple[int, int], ...]
    number: int
    at: int
    reason: str = ""
    version: int = RECEIPT_VERSION


def sign_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    """A COSE_Sign1 of about 250 bytes; the same receipt gives the same bytes."""
    payload = _encode(receipt)
    # Written under the same rules under which it is read.
    _decode(payload)
    signature = key.sign(cose.sig_structure(_PROTECTED, payload))
    return cose.encode_sign1(cose.Sign1(_PROTECTED, payload, signature))


def read_receipt(data: bytes) -> Receipt:
    """The receipt, judged for its form alone: tells whose key to verify it with. Raises ``PeerError``."""
    return _decode(_sign1(data).payload)


def verify_receipt(data: bytes, verify_key: Verifier) -> Receipt:
    """The receipt that ``verify_key`` (the key of ``receipt.signer``) signed.

    Raises ``PeerError``: ``receipt.forged``, ``receipt.malformed``, ``stream.malformed``, ``cose.*``, ``cbor.*``.
    """
    sign1 = _sign1(data)
    receipt = _decode(sign1.payload)
    if not verify_key.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload)):
        raise PeerError(
            "receipt.forged",
            zh=f"回执署名 {receipt.signer}，但签名与其密钥不符，未采用；原件继续保留，会重新发送。",
            en=f"The receipt names {receipt.signer}, but the signature is not by that node's key; it was "
            "not used. What it speaks of is kept and will be sent again.",
        )
    return receipt


def _encode(receipt: Receipt) -> bytes:
    stream = receipt.stream
    return cose.encode(
        [
            KINDS.index(receipt.kind),
            receipt.signer,
            bytes.fromhex(receipt.signer_epoch),
            stream.origin,
            bytes.fromhex(stream.epoch),
            list(stream.readers),
            stream.lane,
            receipt.upto,
            receipt.digest,
            [number for pair in receipt.ranges for number in pair],
            receipt.number,
            receipt.at,
            receipt.reason,
        ]
    )


def _sign1(data: bytes) -> cose.Sign1:
    sign1 = cose.decode_sign1(data, bytes_max=RECEIPT_BYTES_MAX)
    version = cose.decode_protected(sign1.protected, alg=cose.ALG_ESP256, label=LABEL_RECEIPT, bytes_max=1024)
    if version != RECEIPT_VERSION or isinstance(version, bool):
        raise PeerError(
            "receipt.version",
            zh=f"回执版本 {version!r} 不受支持（本机支持版本 {RECEIPT_VERSION}），未采用。"
            "请升级本节点的软件。",
            en=f"Receipt version {version!r} is not supported (this node reads {RECEIPT_VERSION}); it was "
            "not used. Update the software of this node.",
        )
    return sign1


def _decode(payload: bytes) -> Receipt:
    fields = cose.decode(payload, bytes_max=RECEIPT_BYTES_MAX, items_max=256, depth_max=2)
    if not isinstance(fields, list) or len(fields) != _FIELDS:
        raise _malformed("length")
    kind, signer, signer_epoch, origin, epoch, readers, lane, upto, digest, ranges, number, at, reason = (
        fields
    )
    if not isinstance(signer_epoch, bytes) or len(signer_epoch) != 16:
        raise _malformed("signer_epoch")
    if not isinstance(digest, bytes) or len(digest) != DIGEST_BYTES:
        raise _malformed("digest")
    if not isinstance(reason, str) or len(reason) > REASON_CHARS_MAX:
        raise _malformed("reason")
    receipt = Receipt(
        kind=KINDS[_number("kind", kind, 0, len(KINDS) - 1)],
        signer=check_node(signer),
        signer_epoch=signer_epoch.hex(),
        stream=check_stream(origin, epoch, readers, lane),
        upto=_number("upto", upto, 0, NUMBER_MAX),
        digest=digest,
        ranges=_ranges(ranges, upto),
        number=_number("number", number, 1, NUMBER_MAX),
        at=_number("at", at, 0, NUMBER_MAX),
        reason=reason,
    )
    if (receipt.upto == 0) != (receipt.digest == bytes(DIGEST_BYTES)):
        raise _malformed("digest")
    if (receipt.kind == REJECTION) != bool(receipt.reason):
        raise _malformed("reason")
    return receipt


def _ranges(flat: Any, upto: int) -> tuple[tuple[int, int], ...]:
    if not isinstance(flat, list) or len(flat) % 2 or len(flat) > 2 * RANGES_MAX:
        raise _malformed("ranges")
    pairs = tuple(zip(flat[::2], flat[1::2], strict=True))
    before = upto
    for low, high in pairs:
        # A range that touches its neighbour would be a second spelling of a longer one.
        before = _number("ranges", high, _number("ranges", low, before + 2, NUMBER_MAX), NUMBER_MAX)
    return pairs


def _number(field: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _malformed(field)
    return value


def _malformed(field: str) -> PeerError:
    return PeerError(
        "receipt.malformed",
        zh=f"回执的 {field} 字段不合规定，未采用；原件继续保留，会重新发送。请核对对方的软件版本。",
        en=f"The field {field} of the receipt is out of its bounds; it was not used. What it speaks of is "
        "kept and will be sent again. Check the signer's software version.",
    )
