"""How a new node becomes one of the city's: its side of the exchange, and the bytes of both sides.

Two questions and two answers, over any carrier, through relays that read nothing of use: the anchor (may I trust
this root?) and the enrolment (here are my keys). The one-time code authenticates both directions, so a stranger
in between can neither swap the root nor enrol a key of his own. City side: ``sync/enrolment_desk.py``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.clock import World
from core.errors import LiandongError, PeerError, StateError
from core.identifiers import NodeId
from sync import cose
from sync.authority import Pair, verify_chain
from sync.enrolment_code import ALPHABET, CODE_ID_CHARS, EnrolmentCode
from sync.enrolment_refusals import refusal
from sync.primitives import (
    SealingKey,
    SealingPublicKey,
    SigningKey,
    constant_time_equal,
    hmac_sha256,
    sha256,
)
from sync.revocation import REVOCATION_LIST_BYTES_MAX, verify_revocations
from sync.stream_id import check_node
from sync.x509 import Certificate, Use, make_request, read_certificate

VERSION = 1
NONCE_BYTES = 16
NO_NONCE = bytes(NONCE_BYTES)
"""For an anchor that the city hands out with the code, on a stick, before anyone asks."""
ANCHOR_BYTES_MAX = 8192
REQUEST_BYTES_MAX = 4096
RESPONSE_BYTES_MAX = REVOCATION_LIST_BYTES_MAX + (64 << 10)
DIRECTORY_MAX = 16
SOFTWARE_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a node trusts before it has keys of its own: the city's certificates and where to seal its request."""

    root: Certificate
    issuing: Certificate
    city: Pair
    registration: SealingPublicKey


@dataclass(frozen=True, slots=True)
class AnchorQuestion:
    """Who asks, with the number of which code; ``nonce`` 16 random bytes."""

    node: NodeId
    code_id: str
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Application:
    """What a node tells the city of itself; ``request`` is its PKCS #10 request, ``at`` its clock (ms)."""

    node: NodeId
    epoch: str
    request: bytes
    sealing: SealingPublicKey
    software: str
    at: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What the city answers: the node's pair, the pairs of the nodes above it, who is revoked, the city's time (ms).

    ``lives`` is how many epochs of the node the city knows of: a new machine takes another block of case numbers.
    """

    pair: Pair
    directory: tuple[Pair, ...]
    revocations: bytes
    city_time: int
    lives: int = 0


# The anchor


def ask_anchor(node: NodeId, code: EnrolmentCode, nonce: bytes) -> bytes:
    return cose.encode([VERSION, node, code.code_id, nonce])


def read_anchor_question(data: bytes) -> AnchorQuestion:
    """Raises ``PeerError`` (``enrolment.malformed``, ``cbor.*``, ``stream.malformed``)."""
    node, code_id, nonce = _fields(data, 4, bytes_max=128)
    if not isinstance(nonce, bytes) or len(nonce) != NONCE_BYTES:
        raise malformed("nonce")
    return AnchorQuestion(check_node(node), check_code_id(code_id), nonce)


def write_anchor(code: EnrolmentCode, question: bytes, anchor: Anchor) -> bytes:
    body = [
        VERSION,
        anchor.root.der,
        anchor.issuing.der,
        anchor.city.signing.der,
        anchor.city.sealing.der,
        anchor.registration.to_bytes(),
    ]
    return cose.encode([*body, _mac(code, "anchor", question + cose.encode(body))])


def read_anchor(code: EnrolmentCode, question: bytes, answer: bytes) -> Anchor:
    """The anchor in the city's ``answer`` to ``question``, if it was made by who knows the code.

    Raises ``StateError`` (``enrolment.*``, as the city refused) and ``PeerError`` (``enrolment.stranger``).
    """
    raise_refusal(answer)
    fields = _fields(answer, 7, bytes_max=ANCHOR_BYTES_MAX)
    body, mac = [VERSION, *fields[:-1]], fields[-1]
    _check_mac(code, "anchor", question + cose.encode(body), mac)
    root, issuing, signing, sealing = (read_certificate(_bytes(field)) for field in fields[:4])
    if (root.use, issuing.use) != (Use.ROOT, Use.ISSUING) or not issuing.is_signed_by(root):
        raise malformed("root")
    return Anchor(root, issuing, Pair(signing, sealing), SealingPublicKey.from_bytes(_bytes(fields[4])))


# The enrolment


def apply(
    world: World,
    code: EnrolmentCode,
    anchor: Anchor,
    *,
    node: NodeId,
    epoch: str,
    signing: SigningKey,
    sealing: SealingKey,
    software: str,
) -> bytes:
    """The application, sealed to the city. Keep these bytes and the keys: send the same again until answered."""
    body = [
        VERSION,
        code.code_id,
        node,
        bytes.fromhex(epoch),
        make_request(signing, node, epoch),
        sealing.public().to_bytes(),
        software[:SOFTWARE_CHARS_MAX],
        int(world.now().timestamp() * 1000),
    ]
    signed = cose.encode([*body, _mac(code, "application", cose.encode(body))])
    return cose.encode(
        [VERSION, code.code_id, anchor.registration.seal(signed, _application_info(code.code_id))]
    )


def read_envelope(data: bytes) -> tuple[str, bytes]:
    """The public number of the code and the sealed application: all that a relay, or the city's door, sees."""
    code_id, sealed = _fields(data, 3, bytes_max=REQUEST_BYTES_MAX)
    return check_code_id(code_id), _bytes(sealed)


def read_application(code: EnrolmentCode, sealed: bytes, registration: SealingKey) -> Application:
    """Raises ``PeerError`` (``enrolment.stranger``, ``enrolment.malformed``, ``sealing.not_openable``)."""
    opened = registration.open(sealed, _application_info(code.code_id))
    fields = _fields(opened, 9, bytes_max=REQUEST_BYTES_MAX)
    _check_mac(code, "application", cose.encode([VERSION, *fields[:-1]]), fields[-1])
    code_id, node, epoch, request, sealing, software, at, _ = fields
    if code_id != code.code_id or not isinstance(epoch, bytes) or len(epoch) != 16:
        raise malformed("epoch")
    if not isinstance(software, str) or len(software) > SOFTWARE_CHARS_MAX:
        raise malformed("software")
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < 1 << 63:
        raise malformed("at")
    key = SealingPublicKey.from_bytes(_bytes(sealing))
    return Application(check_node(node), epoch.hex(), _bytes(request), key, software, at)


def write_admission(
    code: EnrolmentCode, application: bytes, to: SealingPublicKey, admission: Admission
) -> bytes:
    """Sealed to the node's new sealing key: only who has it can go on."""
    body = [
        VERSION,
        admission.pair.signing.der,
        admission.pair.sealing.der,
        [[pair.signing.der, pair.sealing.der] for pair in admission.directory],
        admission.revocations,
        admission.city_time,
        admission.lives,
    ]
    signed = cose.encode([*body, _mac(code, "admission", cose.encode(body))])
    return cose.encode([VERSION, to.seal(signed, _admission_info(application))])


def read_admission(
    code: EnrolmentCode,
    anchor: Anchor,
    application: bytes,
    answer: bytes,
    *,
    node: NodeId,
    epoch: str,
    signing: SigningKey,
    sealing: SealingKey,
) -> Admission:
    """What the city answered to ``application``, its certificates judged under the anchor at the city's time.

    Raises ``StateError`` (``enrolment.*``, as the city refused) and ``PeerError`` (``enrolment.stranger``,
    ``enrolment.malformed``, ``certificate.*``, ``revocations.*``, ``sealing.not_openable``).
    """
    raise_refusal(answer)
    (sealed,) = _fields(answer, 2, bytes_max=RESPONSE_BYTES_MAX)
    fields = _fields(
        sealing.open(_bytes(sealed), _admission_info(application)), 8, bytes_max=RESPONSE_BYTES_MAX
    )
    _check_mac(code, "admission", cose.encode([VERSION, *fields[:-1]]), fields[-1])
    signing_der, sealing_der, directory, revocations, city_time, lives, _ = fields
    for name, number in (("city_time", city_time), ("lives", lives)):
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 42:
            raise malformed(name)
    if not isinstance(directory, list) or len(directory) > DIRECTORY_MAX:
        raise malformed("directory")
    own = _pair([signing_der, sealing_der])
    revoked = verify_revocations(_bytes(revocations), anchor.issuing.verify_key()) if revocations else None
    above = tuple(_pair(row) for row in directory)
    admission = Admission(own, above, _bytes(revocations), city_time, lives)
    wanted = (signing.public().to_spki(), sealing.public().to_spki(), node, epoch, node, epoch)
    given = (own.signing.spki, own.sealing.spki, own.signing.node, own.signing.epoch, own.sealing.node)
    if (*given, own.sealing.epoch) != wanted:
        raise malformed("pair")
    at = datetime.fromtimestamp(city_time / 1000, UTC)
    for pair in (own, *admission.directory):
        for certificate in (pair.signing, pair.sealing):
            verdict = verify_chain(certificate, anchor.issuing, anchor.root, at)
            verdict.require()
            if revoked is not None and revoked.is_revoked(certificate.serial):
                raise malformed("directory")
    return admission


# Refusals


def write_refusal(error: LiandongError) -> bytes:
    """The city's no, as a code alone: the words are the asking node's own, so nobody can put any in its mouth."""
    return cose.encode([VERSION, False, error.code])


def raise_refusal(answer: bytes) -> None:
    """Raises ``StateError`` with the node's own words if ``answer`` is the city's no."""
    if len(answer) > 128:
        return
    fields = _fields(answer, None, bytes_max=128)
    if len(fields) == 2 and fields[0] is False and isinstance(fields[1], str):
        known = refusal(fields[1])
        raise StateError(known.code, zh=known.zh, en=known.en)


def check_code_id(value: object) -> str:
    """Raises ``PeerError`` (``enrolment.malformed``)."""
    if not isinstance(value, str) or len(value) != CODE_ID_CHARS or any(c not in ALPHABET for c in value):
        raise malformed("code_id")
    return value


def malformed(field: str) -> PeerError:
    return PeerError(
        "enrolment.malformed",
        zh=f"注册数据不合规定（{field}），未采用。请核对软件版本后重新注册。",
        en=f"The enrolment is not well formed ({field}); it was not used. Check the software version and "
        "enrol again.",
    )


def _pair(row: Any) -> Pair:
    if not isinstance(row, list) or len(row) != 2:
        raise malformed("pair")
    pair = Pair(read_certificate(_bytes(row[0])), read_certificate(_bytes(row[1])))
    if (pair.signing.use, pair.sealing.use) != (Use.SIGNING, Use.SEALING):
        raise malformed("pair")
    if (pair.signing.node, pair.signing.epoch) != (pair.sealing.node, pair.sealing.epoch):
        raise malformed("pair")
    return pair


def _fields(data: bytes, length: int | None, *, bytes_max: int) -> list[Any]:
    fields = cose.decode(data, bytes_max=bytes_max, items_max=8 + 4 * DIRECTORY_MAX, depth_max=3)
    if not isinstance(fields, list) or not fields or isinstance(fields[0], bool) or fields[0] != VERSION:
        raise malformed("version")
    if length is not None and len(fields) != length:
        raise malformed("length")
    return fields[1:]


def _mac(code: EnrolmentCode, purpose: str, data: bytes) -> bytes:
    return hmac_sha256(code.key(purpose), data)


def _check_mac(code: EnrolmentCode, purpose: str, data: bytes, mac: Any) -> None:
    if not constant_time_equal(_bytes(mac), _mac(code, purpose, data)):
        raise PeerError(
            "enrolment.stranger",
            zh="对方不知道这个注册码：注册码输错，或途中有人冒充。请核对注册码；仍不行请报告市级管理员。",
            en="The other side does not know this code: it was mistyped, or somebody on the way pretends. "
            "Check the code; if that does not help, report it to the city's administrator.",
        )


def _application_info(code_id: str) -> bytes:
    return b"liandong/1/enrolment/application\0" + code_id.encode()


def _admission_info(application: bytes) -> bytes:
    return b"liandong/1/enrolment/admission\0" + sha256(application)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise malformed("bytes")
    return value
