"""One spelling of every value, and bounds before anything is built."""

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PeerError
from sync import cose

VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20)
    | st.booleans()
    | st.none(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 1000), inner, max_size=5),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(VALUES)
def test_what_is_encoded_decodes_to_the_same(value: object) -> None:
    assert cose.decode(cose.encode(value), bytes_max=10_000) == value


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_is_accepted_has_one_spelling(data: bytes) -> None:
    try:
        value = cose.decode(data, bytes_max=60)
    except PeerError:
        return
    assert cose.encode(value) == data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("longer integer", "1801"),
        ("longer length", "580141"),
        ("open length", "9f0102ff"),
        ("open bytes", "5f4101ff"),
        ("keys out of order", "a202010102"),
        ("key twice", "a201010102"),
        ("float", "f93c00"),
        ("undefined", "f7"),
        ("date", "c11a514b67b0"),
        ("pattern", "d8236161"),
        ("shared value", "d81c80"),
        ("big number", "c2490100000000000000 00".replace(" ", "")),
        ("not UTF-8", "61ff"),
        ("more after", "0000"),
        ("nothing", ""),
        ("cut", "82 01".replace(" ", "")),
        ("huge count", "9b7fffffffffffffff"),
        ("huge bytes", "5b7fffffffffffffff"),
        ("reserved length", "1c"),
    ],
)
def test_another_spelling_or_an_unused_kind_is_refused(name: str, data: str) -> None:
    with pytest.raises(PeerError, match=r"cbor\."):
        cose.decode(bytes.fromhex(data), bytes_max=1000)


def test_depth_count_and_length_are_bounded_before_decoding() -> None:
    assert cose.decode(b"\x81" * 16 + b"\x00", bytes_max=1000)
    for data, code in (
        (b"\x81" * 17 + b"\x00", "cbor.too_deep"),
        (b"\x81" * 100_000, "cbor.too_deep"),
        (cose.encode([0] * 9000), "cbor.too_many"),
        (bytes(100_001), "cbor.too_long"),
    ):
        with pytest.raises(PeerError) as refused:
            cose.decode(data, bytes_max=100_000)
        assert refused.value.code == code


SIGNED = cose.Sign1(cose.encode_protected(cose.ALG_ESP256, {-70001: [1]}, [-70001]), b"payload", bytes(64))


def test_a_signed_message_survives_being_written_and_read() -> None:
    assert cose.decode_sign1(cose.encode_sign1(SIGNED), bytes_max=1000) == SIGNED
    assert cose.decode_protected(SIGNED.protected, alg=cose.ALG_ESP256, label=-70001, bytes_max=100) == [1]


def test_an_added_unprotected_header_is_refused() -> None:
    data = cbor2.dumps(cbor2.CBORTag(18, [SIGNED.protected, {4: b"x"}, SIGNED.payload, SIGNED.signature]))
    with pytest.raises(PeerError, match=r"cose\.unprotected"):
        cose.decode_sign1(data, bytes_max=1000)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({1: -9, -70001: [1]}, "cose.critical"),
        ({1: -9, 2: [-70001, -70001], -70001: [1]}, "cose.critical"),
        ({1: -9, 2: [-70001, -70009], -70001: [1], -70009: 0}, "cose.critical"),
        ({1: -9, 2: [], -70001: [1]}, "cose.critical"),
        ({1: -9, 2: [-70001]}, "cose.algorithm"),
        ({1: -7, 2: [-70001], -70001: [1]}, "cose.algorithm"),
        ({2: [-70001], -70001: [1]}, "cose.algorithm"),
        ({1: -9, 2: [-70001], 4: b"kid", -70001: [1]}, "cose.algorithm"),
        ([1], "cose.malformed"),
    ],
)
def test_unknown_missing_or_doubled_critical_labels_are_refused(header: object, code: str) -> None:
    with pytest.raises(PeerError) as refused:
        cose.decode_protected(cose.encode(header), alg=cose.ALG_ESP256, label=-70001, bytes_max=100)
    assert refused.value.code == code


def test_an_encrypted_message_holds_its_iv_its_recipients_and_nothing_else() -> None:
    message = cose.Encrypt(bytes(12), b"box", (cose.Recipient(b"a", b"k"), cose.Recipient(b"b", b"l")))
    data = cose.encode_encrypt(message)
    assert cose.decode_encrypt(data, bytes_max=1000, recipients_max=2) == message
    for refused in (
        data[2:],
        cose.encode_encrypt(cose.Encrypt(bytes(12), b"box", ())),
        cose.encode_encrypt(cose.Encrypt(bytes(12), b"box", message.recipients * 2)),
        cbor2.dumps(
            cbor2.CBORTag(96, [cose.ENCRYPT_PROTECTED, {5: bytes(12), 4: b""}, b"box", []]), canonical=True
        ),
        cbor2.dumps(cbor2.CBORTag(96, [b"", {5: bytes(12)}, b"box", []]), canonical=True),
    ):
        with pytest.raises(PeerError):
            cose.decode_encrypt(refused, bytes_max=1000, recipients_max=2)


PARTS = [cose.ENCRYPT_PROTECTED, {5: bytes(12)}, b"box", [[cose.RECIPIENT_PROTECTED, {4: b"a"}, b"k"]]]


def tagged(tag: int, value: object) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, value), canonical=True)


@pytest.mark.parametrize(
    "value",
    [
        b"one string",
        {},
        [SIGNED.protected, {}, SIGNED.payload],
        [SIGNED.protected, {}, SIGNED.payload, SIGNED.signature, b"more"],
        ["protected", {}, SIGNED.payload, SIGNED.signature],
        [SIGNED.protected, {}, None, SIGNED.signature],
        [SIGNED.protected, {}, SIGNED.payload, [1]],
    ],
)
def test_a_signed_message_has_four_fields_and_three_of_them_are_bytes(value: object) -> None:
    with pytest.raises(PeerError, match=r"cose\.malformed"):
        cose.decode_sign1(tagged(18, value), bytes_max=1000)


@pytest.mark.parametrize(
    "value",
    [
        PARTS[:3],
        [*PARTS, b"more"],
        [PARTS[0], {5: "iv"}, PARTS[2], PARTS[3]],
        [PARTS[0], PARTS[1], None, PARTS[3]],
        [*PARTS[:3], {}],
        [*PARTS[:3], [b"a"]],
        [*PARTS[:3], [[cose.RECIPIENT_PROTECTED, {4: b"a"}]]],
        [*PARTS[:3], [[b"", {4: b"a"}, b"k"]]],
        [*PARTS[:3], [[cose.RECIPIENT_PROTECTED, [4], b"k"]]],
        [*PARTS[:3], [[cose.RECIPIENT_PROTECTED, {4: b"a", 5: b"b"}, b"k"]]],
        [*PARTS[:3], [[cose.RECIPIENT_PROTECTED, {4: "a"}, b"k"]]],
    ],
)
def test_an_encrypted_message_of_another_shape_is_refused(value: object) -> None:
    assert cose.decode_encrypt(tagged(96, PARTS), bytes_max=1000, recipients_max=2).ciphertext == b"box"
    with pytest.raises(PeerError, match=r"cose\.malformed"):
        cose.decode_encrypt(tagged(96, value), bytes_max=1000, recipients_max=2)
