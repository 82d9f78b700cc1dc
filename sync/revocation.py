"""The numbered list of certificates that no longer count, signed by the city's issuing authority.

The stock verifier of certificates reads no such lists, and ours travel in the control lane, so they have a form of
their own. A list replaces the one before it; a lower number than the one held is never taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import PeerError
from core.identifiers import NodeId
from sync import cose
from sync.primitives import SigningKey, VerifyKey
from sync.stream_id import check_node

REVOCATIONS_MAX = 10_000
REVOCATION_LIST_BYTES_MAX = 1 << 20
REASON_CHARS_MAX = 100
NUMBER_MAX = (1 << 63) - 1

LABEL_REVOCATIONS = -70004
"""Private use (RFC 9052, 1.5), always critical; its value is the version of the list's form."""

_VERSION = 1
_PROTECTED = cose.encode_protected(cose.ALG_ESP256, {LABEL_REVOCATIONS: _VERSION}, [LABEL_REVOCATIONS])


@dataclass(frozen=True, slots=True)
class Revocation:
    """One certificate that no longer counts since ``at`` (milliseconds since 1970)."""

    serial: str
    node: NodeId
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class RevocationList:
    """All revocations of one city; ``number`` rises by one with every list, ``issued`` in ms since 1970."""

    number: int
    issued: int
    entries: tuple[Revocation, ...]

    def find(self, serial: str) -> Revocation | None:
        """The revocation of the certificate with ``serial``, if there is one."""
        return next((entry for entry in self.entries if entry.serial == serial), None)

    def is_revoked(self, serial: str) -> bool:
        return self.find(serial) is not None

    def with_more(self, issued: int, more: Iterable[Revocation]) -> "RevocationList":
        """The next list: these entries and ``more``; what is on the list already keeps its first date."""
        entries = {entry.serial: entry for entry in (*more, *self.entries)}
        return RevocationList(self.number + 1, issued, tuple(entries[serial] for serial in sorted(entries)))


NOTHING_REVOKED = RevocationList(0, 0, ())


def sign_revocations(revocations: RevocationList, issuing_key: SigningKey) -> bytes:
    """A COSE_Sign1 by the issuing authority."""
    entries = [[bytes.fromhex(e.serial), e.node, e.at, e.reason] for e in revocations.entries]
    payload = cose.encode([revocations.number, revocations.issued, entries])
    _decode(payload)
    return cose.encode_sign1(
        cose.Sign1(_PROTECTED, payload, issuing_key.sign(cose.sig_structure(_PROTECTED, payload)))
    )


def verify_revocations(data: bytes, issuing: VerifyKey) -> RevocationList:
    """The list that ``issuing`` signed. Raises ``PeerError`` (``revocations.*``, ``cose.*``, ``cbor.*``)."""
    sign1 = _sign1(data)
    revocations = _decode(sign1.payload)
    if not issuing.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload)):
        raise PeerError(
            "revocations.forged",
            zh="证书吊销清单的签名不是本市签发机构的，未采用，继续使用现有清单。请报告市级管理员。",
            en="The revocation list is not signed by this city's issuing authority; it was not used and the "
            "present one stays in force. Report it to the city's administrator.",
        )
    return revocations


def is_signed_by(data: bytes, issuing: VerifyKey) -> bool:
    """Whether it was ``issuing`` that signed this list. Raises as :func:`verify_revocations` for its form."""
    sign1 = _sign1(data)
    return issuing.verifies(sign1.signature, cose.sig_structure(sign1.protected, sign1.payload))


def newer(held: RevocationList, offered: RevocationList) -> RevocationList:
    """The list to go on with: an older one replayed by somebody revives no certificate."""
    return offered if offered.number > held.number else held


def _sign1(data: bytes) -> cose.Sign1:
    sign1 = cose.decode_sign1(data, bytes_max=REVOCATION_LIST_BYTES_MAX)
    version = cose.decode_protected(
        sign1.protected, alg=cose.ALG_ESP256, label=LABEL_REVOCATIONS, bytes_max=1024
    )
    if version != _VERSION or isinstance(version, bool):
        raise _malformed("version")
    return sign1


def _decode(payload: bytes) -> RevocationList:
    fields = cose.decode(
        payload, bytes_max=REVOCATION_LIST_BYTES_MAX, items_max=8 + 5 * REVOCATIONS_MAX, depth_max=3
    )
    if not isinstance(fields, list) or len(fields) != 3 or not isinstance(fields[2], list):
        raise _malformed("length")
    number, issued, rows = fields
    entries = tuple(_entry(row) for row in rows)
    serials = [entry.serial for entry in entries]
    if len(entries) > REVOCATIONS_MAX or serials != sorted(set(serials)):
        raise _malformed("serials")
    return RevocationList(_number(number), _number(issued), entries)


def _entry(row: Any) -> Revocation:
    if not isinstance(row, list) or len(row) != 4:
        raise _malformed("entry")
    serial, node, at, reason = row
    if not isinstance(serial, bytes) or len(serial) != 16:
        raise _malformed("serial")
    if not isinstance(reason, str) or len(reason) > REASON_CHARS_MAX:
        raise _malformed("reason")
    return Revocation(serial.hex(), check_node(node), _number(at), reason)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= NUMBER_MAX:
        raise _malformed("number")
    return value


def _malformed(field: str) -> PeerError:
    return PeerError(
        "revocations.malformed",
        zh=f"证书吊销清单的 {field} 不合规定，未采用，继续使用现有清单。请报告市级管理员。",
        en=f"The revocation list is not well formed ({field}); it was not used and the present one stays in "
        "force. Report it to the city's administrator.",
    )
