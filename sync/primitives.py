"""The one door to cryptography: signatures, sealing, authenticated encryption, digests, keys as bytes.

Suite INTL-1: ESP256 (RFC 9864: ECDSA on P-256 with SHA-256), HPKE base mode with DHKEM(P-256, HKDF-SHA256),
HKDF-SHA256 and AES-256-GCM (RFC 9180), AES-256-GCM (NIST SP 800-38D). Certificates have their own door,
``sync/x509.py``. What is random is drawn from :class:`core.clock.World`, with one exception: HPKE's ephemeral
key, which the library draws from the operating system itself. Signatures need no chance (RFC 6979).
"""

import hmac
from collections.abc import Callable
from hashlib import sha256 as _sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import LocalError, PeerError

DIGEST_BYTES = 32
AEAD_KEY_BYTES = 32
AEAD_IV_BYTES = 12
AEAD_TAG_BYTES = 16
SIGNATURE_BYTES = 64
PUBLIC_POINT_BYTES = 65
"""Uncompressed point: 0x04, x, y (SEC 1, 2.3.3)."""

ARGON2_MEMORY_KIB = 64 * 1024
ARGON2_PASSES = 3
ARGON2_LANES = 4
ARGON2_SALT_BYTES_MIN = 16

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of the curve's group (FIPS 186-5, SP 800-186 3.2.1.3)."""

RandomBytes = Callable[[int], bytes]


class Verifier(Protocol):
    """Whatever can judge a signature: one key, or the keys a node has had."""

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` is theirs over ``data``."""


class Opener(Protocol):
    """Whatever can open what was sealed: one key, or the keys that are still kept."""

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """The plaintext. Raises ``PeerError`` (``sealing.not_openable``)."""


_CURVE = ec.SECP256R1()
_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFY = ec.ECDSA(hashes.SHA256())
_HPKE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class _PublicKey:
    """A public P-256 key, whatever it is for."""

    __slots__ = ("_key", "_raw")

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        _require_p256(key)
        self._key = key
        self._raw = _point(key)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From the 65-byte point of :meth:`to_bytes`. Raises ``PeerError`` (``key.malformed``)."""
        return cls(_public_from_point(data))

    @classmethod
    def from_spki(cls, data: bytes) -> Self:
        """From DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). Raises ``PeerError`` (``key.malformed``)."""
        return cls(_public_from_spki(data))

    @property
    def handle(self) -> ec.EllipticCurvePublicKey:
        """The library's own object, for ``sync/x509.py`` alone."""
        return self._key

    def to_bytes(self) -> bytes:
        return self._raw

    def to_spki(self) -> bytes:
        return _spki(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)


class _PrivateKey:
    """A private P-256 key, whatever it is for."""

    __slots__ = ("_key",)

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        _require_p256(key)
        self._key = key

    @classmethod
    def generate(cls, random_bytes: RandomBytes) -> Self:
        return cls(_generate(random_bytes))

    @classmethod
    def from_pkcs8(cls, data: bytes) -> Self:
        """From unencrypted DER PKCS #8. Raises ``LocalError`` (``key.unreadable``)."""
        return cls(_private_from_pkcs8(data))

    @property
    def handle(self) -> ec.EllipticCurvePrivateKey:
        """The library's own object, for ``sync/x509.py`` alone."""
        return self._key

    def to_pkcs8(self) -> bytes:
        return _pkcs8(self._key)


class VerifyKey(_PublicKey):
    """A public P-256 key that judges signatures."""

    __slots__ = ()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` (64 bytes, r then s, big-endian) is this key's over ``data``.

        A signature with s above n/2 is not: anyone could have made it out of the other one without the key.
        """
        if len(signature) != SIGNATURE_BYTES:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
            return False
        try:
            self._key.verify(encode_dss_signature(r, s), data, _VERIFY)
        except InvalidSignature:
            return False
        return True


class SigningKey(_PrivateKey):
    """A private P-256 key that signs."""

    __slots__ = ()

    @classmethod
    def from_pem(cls, data: bytes, passphrase: str) -> "SigningKey":
        """From :meth:`to_pem`. Raises ``LocalError`` (``key.unreadable``), also for a wrong passphrase."""
        return cls(_private_from_pem(data, passphrase))

    def to_pem(self, passphrase: str) -> bytes:
        """PEM of an encrypted PKCS #8: for the root key, which is kept on paper or an offline medium."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )

    def public(self) -> VerifyKey:
        return VerifyKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """64 bytes, r then s, s not above n/2; equal data give equal bytes (RFC 6979)."""
        r, s = decode_dss_signature(self._key.sign(data, _SIGN))
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


class SealingPublicKey(_PublicKey):
    """A public P-256 key to which anyone can seal."""

    __slots__ = ()

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """``enc`` (65 bytes), ciphertext and tag: RFC 9180, 6.1, empty aad.

        The ephemeral key is the library's own: equal calls give different bytes.
        """
        return _HPKE.encrypt(plaintext, self._key, info=info)


class SealingKey(_PrivateKey):
    """A private P-256 key that opens what was sealed to it."""

    __slots__ = ()

    def public(self) -> SealingPublicKey:
        return SealingPublicKey(self._key.public_key())

    def origin_secret(self) -> bytes:
        """32 bytes that only this key gives, from which its owner makes the content keys of its own envelopes."""
        scalar = self._key.private_numbers().private_value.to_bytes(32, "big")
        return hkdf(scalar, salt=b"", info=b"liandong/1/envelope/origin-secret")

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What :meth:`SealingPublicKey.seal` was given. Raises ``PeerError`` (``sealing.not_openable``)."""
        try:
            return _HPKE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise PeerError(
                "sealing.not_openable",
                zh="密封内容无法用本机的密钥打开：不是封给本机的，或途中被改动。请对方重新发送。",
                en="This machine's key does not open what was sealed: it was meant for another, or was "
                "changed on the way. Ask the sender to send it again.",
            ) from error


def aead_seal(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """A256GCM ciphertext and 16-byte tag; ``key`` 32 bytes, ``iv`` 12 bytes and never twice under one key."""
    _require_length("key", key, AEAD_KEY_BYTES)
    _require_length("iv", iv, AEAD_IV_BYTES)
    return AESGCM(key).encrypt(iv, plaintext, aad)


def aead_open(key: bytes, iv: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """The plaintext that :func:`aead_seal` was given. Raises ``PeerError`` (``sealing.altered``)."""
    if len(key) != AEAD_KEY_BYTES or len(iv) != AEAD_IV_BYTES:
        raise _altered()
    try:
        return AESGCM(key).decrypt(iv, ciphertext, aad)
    except InvalidTag as error:
        raise _altered() from error


def sha256(data: bytes) -> bytes:
    return _sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def hkdf(secret: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """``length`` bytes (at most 8,160) of HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def constant_time_equal(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def argon2id(pin: str, salt: bytes) -> bytes:
    """32 bytes from an operator's PIN: Argon2id (RFC 9106), 64 MiB, 3 passes, 4 lanes; about 0.3 s."""
    if len(salt) < ARGON2_SALT_BYTES_MIN:
        raise ValueError(f"a salt has at least {ARGON2_SALT_BYTES_MIN} bytes, not {len(salt)}")
    kdf = Argon2id(
        salt=salt, length=32, iterations=ARGON2_PASSES, lanes=ARGON2_LANES, memory_cost=ARGON2_MEMORY_KIB
    )
    return kdf.derive(pin.encode())


def _generate(random_bytes: RandomBytes) -> ec.EllipticCurvePrivateKey:
    # FIPS 186-5 A.2.1: 64 bits more than the order has, so that the remainder leans nowhere.
    scalar = int.from_bytes(random_bytes(40), "big") % (P256_ORDER - 1) + 1
    return ec.derive_private_key(scalar, _CURVE)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_from_point(data: bytes) -> ec.EllipticCurvePublicKey:
    # One form only: a compressed point would be a second spelling of the same key.
    if len(data) != PUBLIC_POINT_BYTES or data[0] != 4:
        raise _malformed_key()
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data)
    except ValueError as error:
        raise _malformed_key() from error


def _public_from_spki(data: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _malformed_key() from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _malformed_key()
    if _spki(key) != data:
        raise _malformed_key()
    return key


def _private_from_pkcs8(data: bytes) -> ec.EllipticCurvePrivateKey:
    return _private(lambda: serialization.load_der_private_key(data, password=None))


def _private_from_pem(data: bytes, passphrase: str) -> ec.EllipticCurvePrivateKey:
    return _private(lambda: serialization.load_pem_private_key(data, password=passphrase.encode()))


def _private(load: Callable[[], object]) -> ec.EllipticCurvePrivateKey:
    try:
        key = load()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable_key() from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _unreadable_key()
    return key


def _require_p256(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> None:
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"a key of suite INTL-1 lies on P-256, not on {key.curve.name}")


def _require_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise ValueError(f"the {name} has {length} bytes, not {len(value)}")


def _altered() -> PeerError:
    return PeerError(
        "sealing.altered",
        zh="密封内容与其校验码不符：途中被改动。请对方重新发送。",
        en="What was sealed does not match its tag: it was changed on the way. Ask the sender to send it "
        "again.",
    )


def _malformed_key() -> PeerError:
    return PeerError(
        "key.malformed",
        zh="对方给出的公钥不是 P-256 曲线上的规范公钥，未接收。请对方重新生成密钥。",
        en="The public key given is not a well-formed P-256 key; it was not taken. Ask the other side to "
        "make a new one.",
    )


def _unreadable_key() -> LocalError:
    return LocalError(
        "key.unreadable",
        zh="本机保存的私钥无法读取，可能已损坏。请从备份恢复，或重新注册本节点。",
        en="A private key kept on this machine cannot be read; it may be damaged. Restore it from the "
        "backup, or enrol this node again.",
    )
