"""How a node presents itself at the head of a bundle: signed, addressed, numbered."""

from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.primitives import SigningKey, Verifier
from sync.stream_id import check_node, is_epoch

HELLO_VERSION = 1
HELLO_BYTES_MAX = 64 * 1024
REPORT_ENTRIES_MAX = 64
HEADS_MAX = 256
TEXT_CHARS_MAX = 48
NUMBER_MAX = (1 << 63) - 1
AT_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""
LABEL_HELLO = -70010
_PROTECTED = cose.encode_protected(cose.ALG_ESP256, {LABEL_HELLO: HELLO_VERSION}, [LABEL_HELLO])


@dataclass(frozen=True, slots=True)
class Hello:
    """``number`` counts the sender's bundles, ``reply_to`` the number that is being answered (0: none).

    ``heads`` are the sender's own streams as ``(stream key, last sealed envelope, its digest)``; ``knows`` is the
    serial of the receiver's certificate as the sender has it; ``certificates`` (DER: signing, sealing, issuing)
    come along while the receiver has not shown that it knows them. ``at`` is ms since 1970 by the sender's clock.
    """

    sender: NodeId
    epoch: str
    receiver: NodeId
    number: int
    reply_to: int
    at: int
    software: str
    knows: str
    certificates: tuple[bytes, ...] = ()
    heads: tuple[tuple[bytes, int, bytes], ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def sign_hello(hello: Hello, key: SigningKey) -> bytes:
    """A COSE_Sign1 over the canonical CBOR of the fields."""
    value = asdict(hello)
    value["certificates"] = list(hello.certificates)
    value["heads"] = [list(head) for head in hello.heads]
    payload = cose.encode(value)
    return cose.encode_sign1(
        cose.Sign1(_PROTECTED, payload, key.sign(cose.sig_structure(_PROTECTED, payload)))
    )


def read_hello(data: bytes) -> Hello:
    """The claims of a hello, not verified yet. Raises ``PeerError`` (``hello.malformed``, ``cose.*``)."""
    return _parse(_open(data).payload)


def verify_hello(data: bytes, key: Verifier) -> Hello:
    """The hello that ``key`` signed. Raises ``PeerError`` (``hello.forged``)."""
    sign1 = _open(data)
    if not key.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload)):
        raise PeerError(
            "hello.forged",
            zh="对方的自我介绍签名不符，未接收任何内容。请核对对方设备是否已登记。",
            en="The signature under the introduction does not match; nothing was taken. Check that the node is enrolled.",
        )
    return _parse(sign1.payload)


def _open(data: bytes) -> cose.Sign1:
    sign1 = cose.decode_sign1(data, bytes_max=HELLO_BYTES_MAX)
    cose.decode_protected(sign1.protected, alg=cose.ALG_ESP256, label=LABEL_HELLO, bytes_max=64)
    return sign1


def _parse(payload: bytes) -> Hello:
    value = cose.decode(payload, bytes_max=HELLO_BYTES_MAX)
    if not isinstance(value, dict) or set(value) != set(Hello.__dataclass_fields__):
        raise _malformed("fields")
    for name, greatest in (("number", NUMBER_MAX), ("reply_to", NUMBER_MAX), ("at", AT_MAX)):
        if type(value[name]) is not int or not 0 <= value[name] <= greatest:
            raise _malformed(name)
    for name in ("software", "knows"):
        if not isinstance(value[name], str) or len(value[name]) > TEXT_CHARS_MAX:
            raise _malformed(name)
    if not isinstance(value["epoch"], str) or not is_epoch(value["epoch"]):
        raise _malformed("epoch")
    certificates, heads, report = value["certificates"], value["heads"], value["report"]
    if (
        not isinstance(certificates, list)
        or len(certificates) > 3
        or not all(isinstance(c, bytes) for c in certificates)
    ):
        raise _malformed("certificates")
    if not isinstance(heads, list) or len(heads) > HEADS_MAX or not all(_is_head(head) for head in heads):
        raise _malformed("heads")
    if not isinstance(report, dict) or len(report) > REPORT_ENTRIES_MAX:
        raise _malformed("report")
    return Hello(
        **{
            **value,
            "sender": check_node(value["sender"]),
            "receiver": check_node(value["receiver"]),
            "certificates": tuple(certificates),
            "heads": tuple((key, seq, digest) for key, seq, digest in heads),
        }
    )


def _is_head(head: Any) -> bool:
    return (
        isinstance(head, list)
        and len(head) == 3
        and isinstance(head[0], bytes)
        and len(head[0]) == 16
        and type(head[1]) is int
        and 0 < head[1] <= NUMBER_MAX
        and isinstance(head[2], bytes)
        and len(head[2]) == 32
    )


def _malformed(field_name: str) -> PeerError:
    return PeerError(
        "hello.malformed",
        zh=f"对方的自我介绍格式不对（{field_name}），未接收任何内容。请核对双方软件版本。",
        en=f"The introduction is malformed ({field_name}); nothing was taken. Compare the software versions.",
    )
