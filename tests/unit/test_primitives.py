"""Signatures, sealing and authenticated encryption do what the layers above rely on."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from core.errors import LocalError, PeerError
from sync.primitives import (
    P256_ORDER,
    SealingKey,
    SealingPublicKey,
    SigningKey,
    VerifyKey,
    aead_open,
    aead_seal,
    argon2id,
    hkdf,
    hmac_sha256,
)
from tests.unit.sealing_kit import StillWorld

WORLD = StillWorld()
KEY = SigningKey.generate(WORLD.random_bytes)
SEALING = SealingKey.generate(WORLD.random_bytes)


def flipped(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def test_equal_data_give_equal_signatures_without_any_chance() -> None:
    assert KEY.sign(b"one") == KEY.sign(b"one")
    assert KEY.sign(b"one") != KEY.sign(b"two")


def test_every_signature_has_the_low_s_and_its_mirror_is_refused() -> None:
    for number in range(40):
        data = number.to_bytes(4, "big")
        signature = KEY.sign(data)
        assert int.from_bytes(signature[32:], "big") <= P256_ORDER // 2
        assert KEY.public().verifies(signature, data)
        assert not KEY.public().verifies(flipped(signature), data)


@pytest.mark.parametrize(
    "signature", [b"", bytes(64), b"\xff" * 64, KEY.sign(b"one") + b"\0", KEY.sign(b"one")[:63]]
)
def test_a_signature_out_of_its_form_is_refused(signature: bytes) -> None:
    assert not KEY.public().verifies(signature, b"one")


def test_keys_survive_being_written_and_read() -> None:
    again = SigningKey.from_pkcs8(KEY.to_pkcs8())
    assert again.sign(b"x") == KEY.sign(b"x")
    assert VerifyKey.from_bytes(KEY.public().to_bytes()) == VerifyKey.from_spki(KEY.public().to_spki())
    assert SealingKey.from_pkcs8(SEALING.to_pkcs8()).public() == SEALING.public()
    assert SealingPublicKey.from_bytes(SEALING.public().to_bytes()) == SEALING.public()
    assert SealingPublicKey.from_spki(SEALING.public().to_spki()) == SEALING.public()


def test_the_root_key_on_paper_opens_with_its_passphrase_alone() -> None:
    pem = KEY.to_pem("correct horse")
    assert SigningKey.from_pem(pem, "correct horse").public() == KEY.public()
    with pytest.raises(LocalError, match=r"key\.unreadable"):
        SigningKey.from_pem(pem, "wrong horse")


@pytest.mark.parametrize(
    "point",
    [b"", b"\x04" + bytes(64), b"\x02" + KEY.public().to_bytes()[1:33], KEY.public().to_bytes() + b"\0"],
)
def test_a_point_off_the_curve_or_in_another_spelling_is_no_key(point: bytes) -> None:
    with pytest.raises(PeerError, match=r"key\.malformed"):
        VerifyKey.from_bytes(point)
    with pytest.raises(PeerError, match=r"key\.malformed"):
        VerifyKey.from_spki(point)


def test_a_damaged_private_key_says_what_to_do() -> None:
    with pytest.raises(LocalError, match=r"key\.unreadable") as refused:
        SealingKey.from_pkcs8(KEY.to_pkcs8()[:-3])
    assert "备份" in refused.value.zh


def test_only_the_reader_with_the_same_info_opens() -> None:
    sealed = SEALING.public().seal(b"content key", b"for you")
    assert SEALING.open(sealed, b"for you") == b"content key"
    other = SealingKey.generate(WORLD.random_bytes)
    for key, data, info in (
        (other, sealed, b"for you"),
        (SEALING, sealed, b"for her"),
        (SEALING, sealed[:-1], b"for you"),
        (SEALING, b"", b"for you"),
    ):
        with pytest.raises(PeerError, match=r"sealing\.not_openable"):
            key.open(data, info)


def test_authenticated_encryption_refuses_any_change() -> None:
    key, iv = WORLD.random_bytes(32), WORLD.random_bytes(12)
    box = aead_seal(key, iv, b"text", b"aad")
    assert aead_open(key, iv, box, b"aad") == b"text"
    for arguments in (
        (key, iv, box, b"other"),
        (key, iv, box[:-1], b"aad"),
        (key, iv, b"", b"aad"),
        (key, iv[:11], box, b"aad"),
        (key[:16], iv, box, b"aad"),
    ):
        with pytest.raises(PeerError, match=r"sealing\.altered"):
            aead_open(*arguments)
    with pytest.raises(ValueError, match="32 bytes"):
        aead_seal(key[:16], iv, b"text", b"aad")


def test_a_pin_takes_its_salt_and_gives_32_bytes() -> None:
    key = argon2id("246810", bytes(16))
    assert len(key) == 32
    assert key == argon2id("246810", bytes(16)) != argon2id("246811", bytes(16))
    with pytest.raises(ValueError, match="salt"):
        argon2id("246810", b"short")


def test_derived_keys_follow_rfc_5869_and_rfc_4231() -> None:
    # RFC 5869, A.1
    okm = hkdf(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42)
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    # RFC 4231, 4.3
    mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?")
    assert mac.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_signatures_are_those_of_rfc_6979_with_the_lower_s() -> None:
    # RFC 6979, A.2.5: P-256, SHA-256, message "sample"
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    # FIPS 186-5 A.2.1 as this project draws keys: 40 bytes, modulo n-1, plus one.
    key = SigningKey.generate(lambda count: (scalar - 1).to_bytes(count, "big"))
    signature = key.sign(b"sample").hex()
    assert signature[:64] == "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    high_s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    assert int(signature[64:], 16) == P256_ORDER - high_s


def test_a_key_is_one_key_however_often_it_is_read() -> None:
    again = VerifyKey.from_bytes(KEY.public().to_bytes())
    assert {KEY.public(), again} == {again}
    assert len({KEY.public(), SigningKey.generate(WORLD.random_bytes).public()}) == 2
    # The same point for another purpose is another key.
    assert KEY.public() != SealingPublicKey.from_bytes(KEY.public().to_bytes())


P384 = ec.generate_private_key(ec.SECP384R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
COMPRESSED = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + (
    KEY.public().handle.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
)


def test_a_public_key_of_another_kind_or_in_another_spelling_is_not_taken() -> None:
    for key in (P384.public_key(), EDWARDS.public_key()):
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(PeerError, match=r"key\.malformed"):
            VerifyKey.from_spki(spki)
    # The library reads the compressed point; it would be a second name of the same key.
    assert serialization.load_der_public_key(COMPRESSED) == KEY.public().handle
    with pytest.raises(PeerError, match=r"key\.malformed"):
        VerifyKey.from_spki(COMPRESSED)


def test_a_private_key_of_another_kind_is_not_taken() -> None:
    for key in (P384, EDWARDS):
        data = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(LocalError, match=r"key\.unreadable"):
            SigningKey.from_pkcs8(data)
    with pytest.raises(ValueError, match="P-256"):
        SigningKey(P384)
