"""What a node wrote itself, or was handed the key to, opens again; and nothing else does."""

from dataclasses import replace

import pytest

from core.errors import PeerError
from sync import cose
from sync.envelope import content_key_of, open_envelope, open_own, open_with_key, own_content_key
from sync.header import encode_header
from sync.primitives import SealingKey, SigningKey
from tests.unit.sealing_kit import CITY, OTHER_VILLAGE, TOWNSHIP, Kit

KIT = Kit()
KEY = KIT.signing.public()
MESSAGE = KIT.message()
OLD, NOW = (SealingKey.generate(KIT.world.random_bytes).origin_secret() for _ in range(2))
OWN = KIT.sealed(MESSAGE, origin_secret=OLD)


def test_an_origin_reads_what_it_wrote_as_long_as_one_of_its_secrets_is_kept() -> None:
    assert open_own(OWN.data, KEY, [NOW, OLD]) == (OWN.header, (MESSAGE,))
    assert open_envelope(OWN.data, KEY, CITY, KIT.city) == (OWN.header, (MESSAGE,))
    for secrets in ([NOW], []):
        with pytest.raises(PeerError, match=r"envelope\.forgotten") as refused:
            open_own(OWN.data, KEY, secrets)
    assert "上级" in refused.value.zh


def test_what_was_sealed_without_a_secret_only_its_readers_open() -> None:
    sealed = KIT.sealed(MESSAGE)
    with pytest.raises(PeerError, match=r"envelope\.forgotten"):
        open_own(sealed.data, KEY, [OLD, NOW])
    assert own_content_key(sealed.data, KEY, [OLD, NOW]) is None


def test_an_origin_reads_what_it_said_to_all_without_any_secret() -> None:
    announced = KIT.announced(MESSAGE)
    assert open_own(announced.data, KEY, []) == (announced.header, (MESSAGE,))


def test_the_origin_and_each_reader_hand_on_one_and_the_same_key() -> None:
    key = own_content_key(OWN.data, KEY, [NOW, OLD])
    assert key is not None
    assert key == content_key_of(OWN.data, KEY, CITY, KIT.city)
    assert key == content_key_of(OWN.data, KEY, TOWNSHIP, KIT.township)
    assert open_with_key(OWN.data, KEY, key) == (OWN.header, (MESSAGE,))


def test_who_is_no_reader_has_no_key_to_hand_on() -> None:
    with pytest.raises(PeerError, match=r"envelope\.not_for_us"):
        content_key_of(OWN.data, KEY, OTHER_VILLAGE, KIT.city)


def test_two_envelopes_of_one_origin_never_share_a_key() -> None:
    keys = {own_content_key(KIT.sealed(MESSAGE, origin_secret=OLD).data, KEY, [OLD]) for _ in range(4)}
    assert len(keys) == 4


def test_a_key_that_was_handed_on_opens_its_envelope_and_no_other_content() -> None:
    key = content_key_of(OWN.data, KEY, CITY, KIT.city)
    with pytest.raises(PeerError, match=r"envelope\.commitment"):
        open_with_key(OWN.data, KEY, bytes(32))
    with pytest.raises(PeerError, match=r"envelope\.forged"):
        open_with_key(OWN.data, SigningKey.generate(KIT.world.random_bytes).public(), key)
    payload = cose.decode_sign1(OWN.data, bytes_max=1 << 20).payload
    protected = encode_header(replace(OWN.header, created=1))
    signature = KIT.signing.sign(cose.sig_structure(protected, payload))
    with pytest.raises(PeerError, match=r"envelope\.altered"):
        open_with_key(cose.encode_sign1(cose.Sign1(protected, payload, signature)), KEY, key)
