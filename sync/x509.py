"""The one door to certificates: the city's root and issuing authority, and the pair every node holds.

P-256 throughout (RFC 5280, RFC 5480). A node's subject is CN = its name and serialNumber = its epoch; the
signing certificate also serves TLS under ``<node>.liandong.internal``. Only what this profile writes is read
back: an unknown critical extension, or another kind of key, is refused.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from core.errors import PeerError
from core.identifiers import NodeId
from sync.primitives import SealingPublicKey, SigningKey, VerifyKey
from sync.stream_id import check_node, is_epoch

CERTIFICATE_BYTES_MAX = 2048
REQUEST_BYTES_MAX = 1024
SERIAL_BYTES = 16
DNS_SUFFIX = ".liandong.internal"

_UNREADABLE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises on bytes that are no certificate; it has no common ancestor for them."""


class Use(StrEnum):
    """What a certificate's key is for."""

    ROOT = "root"
    ISSUING = "issuing"
    SIGNING = "signing"
    SEALING = "sealing"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of this profile. ``serial`` is 32 hexadecimal characters; ``node`` and ``epoch`` are the city's
    for an authority, whose epoch is empty; ``issuer`` is the name of the authority that signed it.
    """

    der: bytes
    use: Use
    node: NodeId
    epoch: str
    serial: str
    not_before: datetime
    not_after: datetime
    issuer: str
    subject: str
    spki: bytes

    @property
    def pem(self) -> str:
        return _load(self.der).public_bytes(serialization.Encoding.PEM).decode()

    def verify_key(self) -> VerifyKey:
        return VerifyKey.from_spki(self.spki)

    def sealing_key(self) -> SealingPublicKey:
        return SealingPublicKey.from_spki(self.spki)

    def is_signed_by(self, authority: "Certificate") -> bool:
        """Whether ``authority`` is an authority and signed this certificate; says nothing about dates."""
        if authority.use not in (Use.ROOT, Use.ISSUING):
            return False
        return _is_signed_by(self.der, authority.der)


@dataclass(frozen=True, slots=True)
class Request:
    """A certificate request whose own signature holds: whoever made it has the key."""

    node: NodeId
    epoch: str
    key: VerifyKey


@lru_cache(maxsize=4096)
def _is_signed_by(der: bytes, authority_der: bytes) -> bool:
    # The same bytes give the same answer for ever, and every contact asks.
    try:
        _load(der).verify_directly_issued_by(_load(authority_der))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def issue(
    *,
    use: Use,
    node: NodeId,
    epoch: str,
    key: VerifyKey | SealingPublicKey,
    serial: bytes,
    not_before: datetime,
    not_after: datetime,
    issuer: Certificate | None,
    issuer_key: SigningKey,
) -> Certificate:
    """A certificate signed by ``issuer_key``; ``issuer`` is empty for the root, which signs itself.

    ``serial`` is 16 random bytes; times are cut to whole seconds.
    """
    subject = _subject(use, node, epoch)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else _load(issuer.der).subject)
        .public_key(key.handle)
        # RFC 5280, 4.1.2.2: positive, so the highest bit stays clear.
        .serial_number(int.from_bytes(serial, "big") >> 1 | 1 << (8 * SERIAL_BYTES - 2))
        .not_valid_before(not_before.astimezone(UTC).replace(microsecond=0))
        .not_valid_after(not_after.astimezone(UTC).replace(microsecond=0))
    )
    authority_key = key.handle if issuer is None else _load(issuer.der).public_key()
    assert isinstance(authority_key, ec.EllipticCurvePublicKey)
    for extension, critical in (
        *_extensions(use, node),
        (x509.SubjectKeyIdentifier.from_public_key(key.handle), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    made = builder.sign(issuer_key.handle, hashes.SHA256(), ecdsa_deterministic=True)
    return read_certificate(made.public_bytes(serialization.Encoding.DER))


def read_certificate(der: bytes) -> Certificate:
    """The certificate in ``der``, if it is of this profile. Raises ``PeerError`` (``certificate.malformed``)."""
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise _malformed()
    try:
        loaded = _load(der)
        use = _use(loaded)
        common_name, epoch = _names(loaded.subject)
        node = check_node(common_name.split(" ")[0])
        if (
            loaded.subject != _subject(use, node, epoch)
            or loaded.public_bytes(serialization.Encoding.DER) != der
        ):
            raise _malformed()
        expected = {extension.oid: (extension, critical) for extension, critical in _extensions(use, node)}
        for present in loaded.extensions:
            known = expected.pop(present.oid, None)
            if known is not None and (present.value, present.critical) != known:
                raise _malformed()
            if known is None and present.oid not in _IDENTIFIERS:
                raise _malformed()
        if expected:
            raise _malformed()
        return Certificate(
            der=der,
            use=use,
            node=node,
            epoch=epoch,
            serial=f"{loaded.serial_number:032x}",
            not_before=loaded.not_valid_before_utc,
            not_after=loaded.not_valid_after_utc,
            issuer=loaded.issuer.rfc4514_string(),
            subject=loaded.subject.rfc4514_string(),
            spki=_p256(loaded).to_spki(),
        )
    except _UNREADABLE as error:
        raise _malformed() from error


def make_request(key: SigningKey, node: NodeId, epoch: str) -> bytes:
    """DER of a PKCS #10 request (RFC 2986) for a signing certificate, signed with ``key`` itself."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(Use.SIGNING, node, epoch))
    made = builder.sign(key.handle, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(serialization.Encoding.DER)


def read_request(der: bytes) -> Request:
    """The request in ``der``. Raises ``PeerError`` (``certificate.request``)."""
    try:
        if len(der) > REQUEST_BYTES_MAX:
            raise ValueError("too long")
        loaded = x509.load_der_x509_csr(der)
        common_name, epoch = _names(loaded.subject)
        node = check_node(common_name)
        key = loaded.public_key()
        if loaded.subject != _subject(Use.SIGNING, node, epoch) or not isinstance(
            key, ec.EllipticCurvePublicKey
        ):
            raise ValueError("of another profile")
        if not loaded.is_signature_valid:
            raise ValueError("not signed with its own key")
        return Request(node, epoch, VerifyKey(key))
    except _UNREADABLE as error:
        raise PeerError(
            "certificate.request",
            zh="证书申请不规范，或申请者不能证明持有私钥，未签发。请在该节点重新注册。",
            en="The certificate request is not well formed, or does not prove that its sender holds the "
            "key; nothing was issued. Enrol that node again.",
        ) from error


_IDENTIFIERS = frozenset({ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})
_AUTHORITY_NAMES = {Use.ROOT: " Liandong Root CA", Use.ISSUING: " Liandong Issuing CA"}


def _subject(use: Use, node: NodeId, epoch: str) -> x509.Name:
    if use in _AUTHORITY_NAMES:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node + _AUTHORITY_NAMES[use])])
    if not is_epoch(epoch):
        raise ValueError(f"not an epoch: {epoch[:40]!r}")
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, node), x509.NameAttribute(NameOID.SERIAL_NUMBER, epoch)]
    )


def _names(subject: x509.Name) -> tuple[str, str]:
    common = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    epoch = subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if len(common) != 1 or len(epoch) > 1:
        raise ValueError("the subject is not of this profile")
    return str(common[0].value), str(epoch[0].value) if epoch else ""


def _extensions(use: Use, node: NodeId) -> list[tuple[x509.ExtensionType, bool]]:
    authority = use in _AUTHORITY_NAMES
    path_length = {Use.ROOT: 1, Use.ISSUING: 0}.get(use)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=authority, path_length=path_length), True),
        (_key_usage(sign=use is Use.SIGNING, agree=use is Use.SEALING, authority=authority), True),
    ]
    if use is Use.SIGNING:
        both_ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions.append((x509.ExtendedKeyUsage(both_ends), False))
        extensions.append((x509.SubjectAlternativeName([x509.DNSName(dns_name(node))]), False))
    return extensions


def dns_name(node: NodeId) -> str:
    """The name under which a node's TLS end is checked; never looked up."""
    return node + DNS_SUFFIX


def _key_usage(*, sign: bool, agree: bool, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=agree,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _use(loaded: x509.Certificate) -> Use:
    usage = loaded.extensions.get_extension_for_class(x509.KeyUsage).value
    if usage.key_cert_sign:
        return Use.ROOT if loaded.issuer == loaded.subject else Use.ISSUING
    return Use.SIGNING if usage.digital_signature else Use.SEALING


def _p256(loaded: x509.Certificate) -> VerifyKey:
    key = loaded.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not an elliptic curve key")
    return VerifyKey(key)


def _load(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _malformed() -> PeerError:
    return PeerError(
        "certificate.malformed",
        zh="证书不符合本系统的规格，未接收。请向市级管理员申请重新签发。",
        en="The certificate is not of this system's profile; it was not taken. Ask the city's administrator "
        "to issue it again.",
    )
