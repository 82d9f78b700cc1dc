"""What others published holds through the same door that production uses."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from core.errors import PeerError
from sync import cose
from sync.primitives import P256_ORDER, SealingKey, VerifyKey, aead_open, aead_seal, hmac_sha256

HERE = Path(__file__).parent


def rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def values(name: str) -> dict[str, bytes]:
    return {key: bytes.fromhex(value) for key, value in rows(name)}


def mirrored(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def is_high(signature: bytes) -> bool:
    return int.from_bytes(signature[32:], "big") > P256_ORDER // 2


@pytest.mark.parametrize(
    ("number", "point", "message", "signature", "result"), rows("ecdsa_p256_sha256_p1363.txt")
)
def test_wycheproof_signatures(number: str, point: str, message: str, signature: str, result: str) -> None:
    key, given, data = (
        VerifyKey.from_bytes(bytes.fromhex(point)),
        bytes.fromhex(signature),
        bytes.fromhex(message),
    )
    if result == "valid" and is_high(given):
        assert not key.verifies(given, data)
        assert key.verifies(mirrored(given), data)
    else:
        assert key.verifies(given, data) is (result == "valid")


@pytest.mark.parametrize(
    ("number", "key", "iv", "aad", "message", "ciphertext", "tag", "result"), rows("aes_256_gcm.txt")
)
def test_wycheproof_authenticated_encryption(
    number: str, key: str, iv: str, aad: str, message: str, ciphertext: str, tag: str, result: str
) -> None:
    secret, nonce = bytes.fromhex(key), bytes.fromhex(iv)
    extra = b"" if aad == "-" else bytes.fromhex(aad)
    box = bytes.fromhex(ciphertext + tag)
    if result == "valid":
        assert aead_open(secret, nonce, box, extra) == bytes.fromhex(message)
        assert aead_seal(secret, nonce, bytes.fromhex(message), extra) == box
    else:
        with pytest.raises(PeerError, match=r"sealing\.altered"):
            aead_open(secret, nonce, box, extra)


COSE = values("cose_examples.txt")


def test_cose_signature_structures_and_signatures() -> None:
    key = VerifyKey.from_bytes(b"\x04" + COSE["public_x"] + COSE["public_y"])
    for name, protected in (("sign01", b""), ("sign03", COSE["sign03_protected"])):
        to_be_signed = cose.sig_structure(protected, COSE["content"])
        assert to_be_signed == COSE[f"{name}_to_be_signed"]
        signature = COSE[f"{name}_signature"]
        assert key.verifies(mirrored(signature) if is_high(signature) else signature, to_be_signed)
        assert not key.verifies(signature, to_be_signed + b"\0")


def test_cose_encryption_structure_and_ciphertext() -> None:
    aad = cose.enc_structure(COSE["gcm03_protected"])
    assert aad == COSE["gcm03_aad"]
    assert COSE["gcm03_protected"] == cose.ENCRYPT_PROTECTED
    assert aead_open(COSE["gcm03_key"], COSE["gcm03_iv"], COSE["gcm03_ciphertext"], aad) == COSE["content"]


# RFC 9180 written a second time, for the sender with a known ephemeral key: checked against the vector, then
# used to seal for the production key, whose call has no associated data.

HPKE = values("hpke_p256_a256gcm.txt")
KEM_SUITE = b"KEM\x00\x10"
HPKE_SUITE = b"HPKE\x00\x10\x00\x01\x00\x02"


def private(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(HPKE[name], "big"), ec.SECP256R1())


def labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac_sha256(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(SHA256(), length, labeled).derive(prk)


def key_and_nonce(info: bytes) -> tuple[bytes, bytes]:
    dh = private("skEm").exchange(ec.ECDH(), private("skRm").public_key())
    eae = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    shared = labeled_expand(KEM_SUITE, eae, b"shared_secret", HPKE["enc"] + HPKE["pkRm"], 32)
    assert shared == HPKE["shared_secret"]
    context = b"\0" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    context += labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    secret = labeled_extract(HPKE_SUITE, shared, b"secret", b"")
    return (
        labeled_expand(HPKE_SUITE, secret, b"key", context, 32),
        labeled_expand(HPKE_SUITE, secret, b"base_nonce", context, 12),
    )


def test_hpke_opens_what_the_published_sender_seals() -> None:
    key, nonce = key_and_nonce(HPKE["info"])
    assert (key, nonce) == (HPKE["key"], HPKE["base_nonce"])
    assert aead_seal(key, nonce, HPKE["pt"], HPKE["aad"]) == HPKE["ct"]
    reader = SealingKey(private("skRm"))
    assert reader.public().to_bytes() == HPKE["pkRm"]
    assert reader.open(HPKE["enc"] + aead_seal(key, nonce, HPKE["pt"], b""), HPKE["info"]) == HPKE["pt"]
    with pytest.raises(PeerError, match=r"sealing\.not_openable"):
        reader.open(HPKE["enc"] + HPKE["ct"], HPKE["info"])
