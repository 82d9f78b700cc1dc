"""COSE_Sign1 and COSE_Encrypt on canonical CBOR: exactly one spelling of every value is accepted.

Only what this project uses of RFC 9052: tag 18 with an empty unprotected map, tag 96 with one layer of
recipients. CBOR is the deterministic encoding of RFC 8949, 4.2.1, without floats, inner tags, or lengths left
open; map keys are integers. What is decoded is encoded again and compared: otherwise a changed byte can pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from core.errors import PeerError

DEPTH_MAX = 16
ITEMS_MAX = 8192

TAG_SIGN1 = 18
TAG_ENCRYPT = 96

LABEL_ALG = 1
LABEL_CRIT = 2
LABEL_KID = 4
LABEL_IV = 5

ALG_ESP256 = -9
"""ECDSA on P-256 with SHA-256 (RFC 9864, 2.1)."""
ALG_A256GCM = 3
"""RFC 9053, 4.1."""
ALG_HPKE_P256_A256GCM = -70002
"""Private use (RFC 9052, 1.5): the HPKE codepoints of COSE are still a draft."""

_EMPTY: Mapping[int, Any] = {}


@dataclass(frozen=True, slots=True)
class Sign1:
    """RFC 9052, 4.2: ``protected`` is the encoded map exactly as signed; ``signature`` 64 bytes."""

    protected: bytes
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Recipient:
    """RFC 9052, 5.1: who may open (``kid``) and the content key sealed to them."""

    kid: bytes
    sealed_key: bytes


@dataclass(frozen=True, slots=True)
class Encrypt:
    """RFC 9052, 5.1: A256GCM ciphertext with its 12-byte ``iv`` and one recipient per reader, in order."""

    iv: bytes
    ciphertext: bytes
    recipients: tuple[Recipient, ...]


def encode(value: Any) -> bytes:
    """Deterministic CBOR of integers, bytes, text, booleans, null, sequences and maps with integer keys."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, bytes_max: int, items_max: int = ITEMS_MAX, depth_max: int = DEPTH_MAX) -> Any:
    """The value of ``data``, if :func:`encode` would write the same bytes and it keeps within the bounds.

    Raises ``PeerError`` (``cbor.*``).
    """
    if len(data) > bytes_max:
        raise _too_long(len(data), bytes_max)
    # Walked first: the library acts on tags (dates, patterns, shared values) before anyone could refuse them.
    _check_walk(data, items_max, depth_max)
    try:
        value = cbor2.loads(data, max_depth=depth_max + 1, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, RecursionError) as error:
        raise _malformed("无法解码", str(error)[:100]) from error
    if encode(value) != data:
        raise _malformed("同一内容的另一种写法", "another spelling of the same value")
    return value


def sig_structure(protected: bytes, payload: bytes, external_aad: bytes = b"") -> bytes:
    """What a COSE_Sign1 signature is made over (RFC 9052, 4.4)."""
    return encode(["Signature1", protected, external_aad, payload])


def enc_structure(protected: bytes, external_aad: bytes = b"") -> bytes:
    """The additional authenticated data of a COSE_Encrypt (RFC 9052, 5.3)."""
    return encode(["Encrypt", protected, external_aad])


def encode_sign1(message: Sign1) -> bytes:
    fields = [message.protected, _EMPTY, message.payload, message.signature]
    return encode(cbor2.CBORTag(TAG_SIGN1, fields))


def decode_sign1(data: bytes, *, bytes_max: int) -> Sign1:
    """Raises ``PeerError`` (``cose.*``, ``cbor.*``); says nothing about the signature."""
    fields = _tagged(data, TAG_SIGN1, bytes_max=bytes_max, items_max=8)
    if len(fields) != 4:
        raise _refused("COSE_Sign1 应有四个字段", "COSE_Sign1 has four fields")
    protected, unprotected, payload, signature = fields
    if unprotected != _EMPTY:
        raise PeerError(
            "cose.unprotected",
            zh="信封外层带有未受签名保护的字段，途中可能被添加，未接收。请对方重新发送。",
            en="The outer layer carries a header that no signature protects; it may have been added on the "
            "way. It was not taken: ask the sender to send it again.",
        )
    return Sign1(_bytes(protected), _bytes(payload), _bytes(signature))


ENCRYPT_PROTECTED = encode({LABEL_ALG: ALG_A256GCM})
RECIPIENT_PROTECTED = encode({LABEL_ALG: ALG_HPKE_P256_A256GCM})


def encode_encrypt(message: Encrypt) -> bytes:
    recipients = [[RECIPIENT_PROTECTED, {LABEL_KID: r.kid}, r.sealed_key] for r in message.recipients]
    fields = [ENCRYPT_PROTECTED, {LABEL_IV: message.iv}, message.ciphertext, recipients]
    return encode(cbor2.CBORTag(TAG_ENCRYPT, fields))


def decode_encrypt(data: bytes, *, bytes_max: int, recipients_max: int) -> Encrypt:
    """Raises ``PeerError`` (``cose.*``, ``cbor.*``); says nothing about the tag of the ciphertext."""
    fields = _tagged(data, TAG_ENCRYPT, bytes_max=bytes_max, items_max=16 + 8 * recipients_max)
    if len(fields) != 4:
        raise _refused("COSE_Encrypt 应有四个字段", "COSE_Encrypt has four fields")
    protected, unprotected, ciphertext, recipients = fields
    if protected != ENCRYPT_PROTECTED:
        raise _refused("内容加密算法应为 A256GCM", "the content algorithm is A256GCM")
    if not isinstance(unprotected, dict) or set(unprotected) != {LABEL_IV}:
        raise _refused("COSE_Encrypt 的非保护字段只应有 iv", "COSE_Encrypt carries its iv and nothing else")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= recipients_max:
        raise _refused(f"接收方应为 1 至 {recipients_max} 个", f"there are 1 to {recipients_max} recipients")
    return Encrypt(
        _bytes(unprotected[LABEL_IV]), _bytes(ciphertext), tuple(_recipient(item) for item in recipients)
    )


def encode_protected(alg: int, extra: Mapping[int, Any], critical: Sequence[int]) -> bytes:
    """The protected map of a Sign1: algorithm, ``crit`` with the labels to be understood, ``extra``."""
    return encode({LABEL_ALG: alg, LABEL_CRIT: list(critical), **extra})


def decode_protected(data: bytes, *, alg: int, label: int, bytes_max: int) -> Any:
    """The value under ``label``, which must be the one critical label (RFC 9052, 3.1).

    Refused: another algorithm, a label this software does not know, a critical label that is unknown, missing
    or stands twice. Raises ``PeerError`` (``cose.*``, ``cbor.*``).
    """
    header = decode(data, bytes_max=bytes_max)
    if not isinstance(header, dict):
        raise _refused("受保护头应为映射", "the protected header is a map")
    critical = header.get(LABEL_CRIT)
    if critical != [label]:
        raise PeerError(
            "cose.critical",
            zh="信封声明了本软件必须理解却不认识的字段，未接收。请升级本节点的软件。",
            en="The header names a field as critical that this software does not know, or names one twice. "
            "It was not taken: update the software of this node.",
        )
    if header.get(LABEL_ALG) != alg or set(header) != {LABEL_ALG, LABEL_CRIT, label}:
        raise PeerError(
            "cose.algorithm",
            zh="信封使用的签名算法或字段不在许可之列，未接收。请核对双方软件版本。",
            en="The signature algorithm or a header field is not on the list of what is allowed; it was not "
            "taken. Compare the software versions of both nodes.",
        )
    return header[label]


def _tagged(data: bytes, tag: int, *, bytes_max: int, items_max: int) -> list[Any]:
    prefix = cbor2.dumps(cbor2.CBORTag(tag, 0), canonical=True)[:-1]
    if not data.startswith(prefix):
        raise _refused(f"不是以标签 {tag} 开头", f"it does not start with tag {tag}")
    fields = decode(data[len(prefix) :], bytes_max=bytes_max, items_max=items_max)
    if not isinstance(fields, list):
        raise _refused(f"标签 {tag} 内应为数组", f"tag {tag} holds an array")
    return fields


def _recipient(item: Any) -> Recipient:
    if not isinstance(item, list) or len(item) != 3 or item[0] != RECIPIENT_PROTECTED:
        raise _refused("接收方应为套件 INTL-1 的三个字段", "a recipient has the three fields of suite INTL-1")
    if not isinstance(item[1], dict) or set(item[1]) != {LABEL_KID}:
        raise _refused("接收方的非保护字段只应有名称", "a recipient carries its name and nothing else")
    return Recipient(_bytes(item[1][LABEL_KID]), _bytes(item[2]))


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise _refused("应为字节串的字段不是字节串", "a field that is bytes is something else")
    return value


def _check_walk(data: bytes, items_max: int, depth_max: int) -> None:
    position, end, items = 0, len(data), 0
    # How many items are still to come here, and in everything around it.
    left, around = 1, list[int]()
    while left or around:
        if not left:
            left = around.pop()
            continue
        left -= 1
        items += 1
        if items > items_max:
            raise PeerError(
                "cbor.too_many",
                zh=f"数据项超过 {items_max} 个，未接收。请对方分批发送。",
                en=f"There are more than {items_max} data items; it was not taken. Ask the sender to split "
                "it.",
            )
        if position >= end:
            raise _malformed("内容提前结束", "it ends too early")
        head = data[position]
        major, low = head >> 5, head & 31
        position += 1
        argument = low
        if low > 23:
            width = 1 << (low - 24) if low < 28 else 0
            if not width or position + width > end:
                raise _malformed("长度缺失或未写明", "a length is left open or cut off")
            argument = int.from_bytes(data[position : position + width], "big")
            position += width
        if major in (2, 3):
            position += argument
            if position > end:
                raise _malformed("内容提前结束", "it ends too early")
        elif major in (4, 5):
            if len(around) >= depth_max:
                raise PeerError(
                    "cbor.too_deep",
                    zh=f"数据嵌套超过 {depth_max} 层，未接收。",
                    en=f"The data are nested deeper than {depth_max} levels; they were not taken.",
                )
            around.append(left)
            left = argument * (major - 3)
        elif major == 6 or (major == 7 and low not in (20, 21, 22)):
            raise _malformed(
                "含有不使用的标签、浮点数或未知值",
                "a tag, a float or an unknown value stands where none is used",
            )
    if position != end:
        raise _malformed("内容之后还有多余字节", "bytes follow the value")


def _too_long(length: int, length_max: int) -> PeerError:
    return PeerError(
        "cbor.too_long",
        zh=f"数据有 {length} 字节，超过上限 {length_max} 字节，未接收。请对方分批发送。",
        en=f"The data have {length} bytes, more than the {length_max} allowed; they were not taken. Ask the "
        "sender to split them.",
    )


def _malformed(zh: str, en: str) -> PeerError:
    return PeerError(
        "cbor.malformed",
        zh=f"数据格式不规范（{zh}），途中可能损坏，未接收。请对方重新发送。",
        en=f"The data are not in the one accepted form ({en}); they may have been damaged on the way. They "
        "were not taken: ask the sender to send them again.",
    )


def _refused(zh: str, en: str) -> PeerError:
    return PeerError(
        "cose.malformed",
        zh=f"密封结构不符合约定（{zh}），未接收。请对方重新发送，并核对双方软件版本。",
        en=f"The sealed structure is not as agreed ({en}); it was not taken. Ask the sender to send it "
        "again, and compare the software versions of both nodes.",
    )
