"""HPKE whose ephemeral key follows from what is sealed, so that a seed gives the same bytes in every run.

The library draws that key from the operating system and has no port for it. This is RFC 9180 base mode with the
product's suite, written out; what it seals the product's own code opens.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sync.primitives import P256_ORDER, SealingPublicKey

_KEM_SUITE = b"KEM" + (0x0010).to_bytes(2, "big")
_SUITE = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x0010, 0x0001, 0x0002))


@contextmanager
def repeatable_sealing() -> Iterator[None]:
    """While this lasts, sealing draws nothing from the operating system."""
    before = SealingPublicKey.seal
    SealingPublicKey.seal = _seal  # type: ignore[method-assign]
    try:
        yield
    finally:
        SealingPublicKey.seal = before  # type: ignore[method-assign]


def _seal(self: SealingPublicKey, plaintext: bytes, info: bytes) -> bytes:
    theirs = self.to_bytes()
    scalar = hashlib.sha512(theirs + info + plaintext).digest()
    ours = ec.derive_private_key(int.from_bytes(scalar, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())
    enc = ours.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    shared = _kem_secret(ours.exchange(ec.ECDH(), self.handle), enc + theirs)
    context = b"\0" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    key = _expand(_SUITE, secret, b"key", context, 32)
    nonce = _expand(_SUITE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")


def _kem_secret(point: bytes, context: bytes) -> bytes:
    return _expand(_KEM_SUITE, _extract(_KEM_SUITE, b"", b"eae_prk", point), b"shared_secret", context, 32)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """RFC 9180, 4: LabeledExtract."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180, 4: LabeledExpand, for at most one block."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]
