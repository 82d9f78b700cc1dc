"""How a node presents itself at the head of a bundle: signed, addressed, numbered."""

from dataclasses import dataclass, field
from typing import Any

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.primitives import SigningKey, Verifier
from sync.stream_id import check_node, is_epoch

HELLO_VERSION = 2
HELLO_BYTES_MAX = 64 * 1024
REPORT_ENTRIES_MAX = 64
PAST_MAX = 64
TEXT_CHARS_MAX = 48
TOKEN_BYTES = 64
NUMBER_MAX = (1 << 63) - 1
AT_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""
LABEL_HELLO = -70010
_PROTECTED = cose.encode_protected(cose.ALG_ESP256, {LABEL_HELLO: HELLO_VERSION}, [LABEL_HELLO])


@dataclass(frozen=True, slots=True)
class Seen:
    """The last bundle of the receiver's that the sender took: in which epoch and run it was written, its number, and
    the token that proves it. All empty, 0 if there was none.
    """

    epoch: str = ""
    run: str = ""
    number: int = 0
    token: bytes = b""


@dataclass(frozen=True, slots=True)
class Hello:
    """``number`` counts the sender's bundles, ``reply_to`` the number that is being answered (0: none).

    ``run`` names this start of the sender's program, 32 hexadecimal characters, and ``before`` is the highest number that
    its disk remembers of any other run of the epoch; ``token`` is :func:`sign_token` of
    epoch, run and number, to be shown back in ``seen``. ``past`` are earlier epochs of the sender, the latest last,
    while the receiver does not know the present one. ``owes`` counts envelopes of the receiver's own that the sender
    still has to give back. ``knows`` is the serial of the receiver's certificate as the sender has it;
    ``certificates`` (DER: signing, sealing, issuing) come along while the receiver has not shown that it knows them.
    ``at`` is ms since 1970 by the sender's clock.
    """

    sender: NodeId
    epoch: str
    run: str
    receiver: NodeId
    number: int
    reply_to: int
    at: int
    software: str
    knows: str
    token: bytes
    before: int = 0
    seen: Seen = Seen()
    past: tuple[str, ...] = ()
    owes: int = 0
    certificates: tuple[bytes, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def sign_token(key: SigningKey, node: NodeId, epoch: str, run: str, number: int) -> bytes:
    """64 bytes: proof that ``node`` wrote the bundle of this number in this run of this epoch."""
    return key.sign(_token_words(node, epoch, run, number))


def is_token_of(key: Verifier, node: NodeId, seen: Seen) -> bool:
    """Whether ``node`` wrote the bundle that ``seen`` names."""
    return key.verifies(seen.token, _token_words(node, seen.epoch, seen.run, seen.number))


def _token_words(node: NodeId, epoch: str, run: str, number: int) -> bytes:
    return cose.encode(["liandong/1/bundle", node, epoch, run, number])


def sign_hello(hello: Hello, key: SigningKey) -> bytes:
    """A COSE_Sign1 over the canonical CBOR of the fields."""
    value = {name: getattr(hello, name) for name in Hello.__dataclass_fields__}
    value["seen"] = {name: getattr(hello.seen, name) for name in Seen.__dataclass_fields__}
    payload = cose.encode(value)
    return cose.encode_sign1(
        cose.Sign1(_PROTECTED, payload, key.sign(cose.sig_structure(_PROTECTED, payload)))
    )


def read_hello(data: bytes) -> Hello:
    """The claims of a hello, not verified yet. Raises ``PeerError`` (``hello.malformed``, ``cose.*``)."""
    return _parse(_open(data).payload)


def verify_hello(data: bytes, key: Verifier) -> Hello:
    """The hello that ``key`` signed. Raises ``PeerError`` (``hello.forged``, and as :func:`read_hello`)."""
    require_signed(data, key)
    return read_hello(data)


def require_signed(data: bytes, key: Verifier) -> None:
    """That ``key`` signed a hello which was read already. Raises ``PeerError`` (``hello.forged``)."""
    sign1 = _open(data)
    if not key.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload)):
        raise PeerError(
            "hello.forged",
            zh="对方的自我介绍签名不符，未接收任何内容。请核对对方设备是否已登记。",
            en="The signature under the introduction does not match; nothing was taken. Check that the node is enrolled.",
        )


def _open(data: bytes) -> cose.Sign1:
    sign1 = cose.decode_sign1(data, bytes_max=HELLO_BYTES_MAX)
    if sign1.protected != _PROTECTED:
        cose.decode_protected(sign1.protected, alg=cose.ALG_ESP256, label=LABEL_HELLO, bytes_max=64)
    return sign1


def _parse(payload: bytes) -> Hello:
    value = cose.decode(payload, bytes_max=HELLO_BYTES_MAX)
    if not isinstance(value, dict) or set(value) != set(Hello.__dataclass_fields__):
        raise _malformed("fields")
    for name, greatest in (
        ("number", NUMBER_MAX),
        ("reply_to", NUMBER_MAX),
        ("at", AT_MAX),
        ("owes", NUMBER_MAX),
        ("before", NUMBER_MAX),
    ):
        if type(value[name]) is not int or not 0 <= value[name] <= greatest:
            raise _malformed(name)
    for name in ("software", "knows"):
        if not isinstance(value[name], str) or len(value[name]) > TEXT_CHARS_MAX:
            raise _malformed(name)
    for name in ("epoch", "run"):
        if not isinstance(value[name], str) or not is_epoch(value[name]):
            raise _malformed(name)
    if not _is_token(value["token"]):
        raise _malformed("token")
    certificates, past, report = value["certificates"], value["past"], value["report"]
    if (
        not isinstance(certificates, list)
        or len(certificates) > 3
        or not all(isinstance(c, bytes) for c in certificates)
    ):
        raise _malformed("certificates")
    if not isinstance(past, list) or len(past) > PAST_MAX or not all(_is_epoch(epoch) for epoch in past):
        raise _malformed("past")
    if not isinstance(report, dict) or len(report) > REPORT_ENTRIES_MAX:
        raise _malformed("report")
    return Hello(
        **{
            **value,
            "sender": check_node(value["sender"]),
            "receiver": check_node(value["receiver"]),
            "certificates": tuple(certificates),
            "past": tuple(past),
            "seen": _seen(value["seen"]),
        }
    )


def _seen(value: Any) -> Seen:
    if not isinstance(value, dict) or set(value) != set(Seen.__dataclass_fields__):
        raise _malformed("seen")
    seen = Seen(**value)
    if seen == Seen():
        return seen
    known = _is_epoch(seen.epoch) and _is_epoch(seen.run) and _is_token(seen.token)
    if not known or type(seen.number) is not int or not 0 < seen.number <= NUMBER_MAX:
        raise _malformed("seen")
    return seen


def _is_epoch(value: Any) -> bool:
    return isinstance(value, str) and is_epoch(value)


def _is_token(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == TOKEN_BYTES


def _malformed(field_name: str) -> PeerError:
    return PeerError(
        "hello.malformed",
        zh=f"对方的自我介绍格式不对（{field_name}），未接收任何内容。请核对双方软件版本。",
        en=f"The introduction is malformed ({field_name}); nothing was taken. Compare the software versions.",
    )
