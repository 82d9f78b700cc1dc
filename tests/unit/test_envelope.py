"""An envelope is what its origin sealed, to the last bit, for its readers alone."""

from dataclasses import replace

import cbor2
import pytest

from core.errors import LocalError, PeerError
from sync import cose
from sync.envelope import (
    ENVELOPE_BYTES_MAX,
    commitment_to,
    open_envelope,
    read_header,
    seal,
    verify,
    wrap_info,
)
from sync.header import LABEL_HEADER, Codec, Header, Suite, decode_header, encode_header
from sync.packing import Message, pack
from sync.primitives import P256_ORDER, SigningKey, aead_open, aead_seal, sha256
from sync.stream_id import EVERYONE, Lane, StreamId
from tests.unit.gcm_collision import colliding_ciphertext
from tests.unit.sealing_kit import CITY, EPOCH, OTHER_VILLAGE, TOWNSHIP, VILLAGE, ZEROS, Kit

KIT = Kit()
MESSAGE = KIT.message()
SEALED = KIT.sealed(MESSAGE)
HEADER = SEALED.header
KEY = KIT.signing.public()


def refusal_of(data: bytes, key: object = KEY, reader: object = CITY) -> str:
    with pytest.raises(PeerError) as refused:
        open_envelope(data, key, reader, KIT.city)  # type: ignore[arg-type]
    return refused.value.code


def resigned(header: Header | bytes, payload: bytes, key: SigningKey = KIT.signing) -> bytes:
    protected = header if isinstance(header, bytes) else encode_header(header)
    return cose.encode_sign1(cose.Sign1(protected, payload, key.sign(cose.sig_structure(protected, payload))))


def test_each_reader_opens_what_was_sealed_and_the_digest_names_the_bytes() -> None:
    for reader, key in ((CITY, KIT.city), (TOWNSHIP, KIT.township)):
        header, messages = open_envelope(SEALED.data, KEY, reader, key)
        assert (header, messages) == (HEADER, (MESSAGE,))
    assert SEALED.digest == sha256(SEALED.data)
    assert verify(SEALED.data, KEY) == read_header(SEALED.data) == HEADER
    assert HEADER.stream == KIT.stream
    assert HEADER.created == 1444465800000


def test_every_one_bit_mutant_is_refused() -> None:
    accepted = []
    for position in range(len(SEALED.data) * 8):
        mutant = bytearray(SEALED.data)
        mutant[position // 8] ^= 1 << position % 8
        try:
            open_envelope(bytes(mutant), KEY, CITY, KIT.city)
        except PeerError:
            continue
        accepted.append(position)
    assert accepted == []


def test_every_cut_is_refused() -> None:
    for length in range(0, len(SEALED.data), 7):
        assert refusal_of(SEALED.data[:length])
    assert refusal_of(SEALED.data + b"\0")


def test_the_other_spelling_of_the_signature_is_refused() -> None:
    s = int.from_bytes(SEALED.data[-32:], "big")
    assert refusal_of(SEALED.data[:-32] + (P256_ORDER - s).to_bytes(32, "big")) == "envelope.forged"


def test_a_relay_cannot_add_a_header() -> None:
    tagged = cbor2.loads(SEALED.data)
    fields = list(tagged.value)
    fields[1] = {4: b"me"}
    assert refusal_of(cbor2.dumps(cbor2.CBORTag(18, fields), canonical=True)) == "cose.unprotected"


def test_another_node_cannot_sign_it_as_its_own() -> None:
    thief = SigningKey.generate(KIT.world.random_bytes)
    payload = cose.decode_sign1(SEALED.data, bytes_max=1 << 20).payload
    assert refusal_of(resigned(HEADER, payload, thief)) == "envelope.forged"
    # Under its own name the content key no longer opens: the header went into the wrapping.
    renamed = resigned(replace(HEADER, origin=OTHER_VILLAGE), payload, thief)
    assert verify(renamed, thief.public()).origin == OTHER_VILLAGE
    assert refusal_of(renamed, thief.public()) == "sealing.not_openable"


def test_who_is_no_reader_is_told_so() -> None:
    assert refusal_of(SEALED.data, reader=OTHER_VILLAGE) == "envelope.not_for_us"
    assert refusal_of(KIT.sealed().data, reader=VILLAGE) == "envelope.not_for_us"
    with pytest.raises(PeerError, match=r"sealing\.not_openable"):
        open_envelope(SEALED.data, KEY, CITY, KIT.township)


def test_no_reader_can_take_the_place_of_another() -> None:
    sign1 = cose.decode_sign1(SEALED.data, bytes_max=1 << 20)
    inner = cose.decode_encrypt(sign1.payload, bytes_max=1 << 20, recipients_max=16)
    swapped = replace(inner, recipients=inner.recipients[::-1])
    assert refusal_of(resigned(HEADER, cose.encode_encrypt(swapped))) == "envelope.altered"
    fewer = replace(inner, recipients=inner.recipients[:1])
    assert refusal_of(resigned(HEADER, cose.encode_encrypt(fewer))) == "envelope.altered"


def test_two_readers_cannot_be_shown_two_contents() -> None:
    keys = KIT.world.random_bytes(32), KIT.world.random_bytes(32)
    iv = KIT.world.random_bytes(12)
    header = replace(HEADER, commitment=commitment_to(keys[0]))
    protected = encode_header(header)
    aad = cose.enc_structure(cose.ENCRYPT_PROTECTED, protected)
    block = pack([MESSAGE]).block
    box = colliding_ciphertext(*keys, iv, aad, block)
    # AES-GCM itself is content with both: this is the attack.
    assert aead_open(keys[0], iv, box, aad)[: len(block)] == block
    assert aead_open(keys[1], iv, box, aad)[: len(block)] != block
    recipients = tuple(
        cose.Recipient(reader.encode(), KIT.readers[reader].seal(key, wrap_info(protected, reader)))
        for reader, key in zip((CITY, TOWNSHIP), keys, strict=True)
    )
    data = resigned(protected, cose.encode_encrypt(cose.Encrypt(iv, box, recipients)))
    with pytest.raises(PeerError, match=r"envelope\.commitment"):
        open_envelope(data, KEY, TOWNSHIP, KIT.township)


def test_a_content_key_under_another_header_is_refused() -> None:
    key, iv = KIT.world.random_bytes(32), bytes(12)
    protected = encode_header(replace(HEADER, commitment=commitment_to(key)))
    other = cose.enc_structure(cose.ENCRYPT_PROTECTED, encode_header(HEADER))
    box = aead_seal(key, iv, pack([MESSAGE]).block, other)
    recipients = tuple(
        cose.Recipient(reader.encode(), KIT.readers[reader].seal(key, wrap_info(protected, reader)))
        for reader in HEADER.readers
    )
    data = resigned(protected, cose.encode_encrypt(cose.Encrypt(iv, box, recipients)))
    assert refusal_of(data) == "envelope.altered"


def test_no_field_of_a_message_stands_in_any_byte() -> None:
    body = "身份证 43098119901201001X 张三 13800138000".encode()
    message = Message("a1" * 16, "CaseSubmitted", 1, "43098110220120151010000147", body)
    data = KIT.sealed(message).data
    for secret in (
        message.subject.encode(),
        message.type.encode(),
        bytes.fromhex(message.id),
        body[:18],
        body[-11:],
    ):
        assert secret not in data
        assert secret.hex().encode() not in data


def test_the_length_tells_only_a_class_of_lengths() -> None:
    lengths = {len(KIT.sealed(KIT.message(KIT.world.random_bytes(size))).data) for size in range(80, 160, 8)}
    assert len(lengths) == 1


def test_what_the_city_says_to_all_is_signed_and_open() -> None:
    announced = KIT.announced(MESSAGE)
    assert announced.header.suite is Suite.PUBLIC_1
    assert open_envelope(announced.data, KEY, VILLAGE, KIT.city)[1] == (MESSAGE,)
    with pytest.raises(PeerError, match=r"envelope\.forged"):
        verify(announced.data, SigningKey.generate(KIT.world.random_bytes).public())


def test_a_sealed_stream_cannot_be_lowered_to_an_open_one() -> None:
    header = replace(HEADER, suite=Suite.PUBLIC_1, commitment=ZEROS)
    assert refusal_of(resigned(header, pack([MESSAGE]).block)) == "envelope.suite"
    header = replace(KIT.announced().header, suite=Suite.INTL_1, commitment=bytes([1]) * 32)
    assert refusal_of(resigned(header, pack([MESSAGE]).block)) == "envelope.suite"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 2}, "envelope.version"),
        ({"version": True}, "envelope.version"),
        ({"suite": 7}, "envelope.suite"),
        ({"origin": "village"}, "stream.malformed"),
        ({"origin": "４30981102201"}, "stream.malformed"),
        ({"epoch": "0f" * 15}, "stream.malformed"),
        ({"readers": (TOWNSHIP, CITY)}, "stream.malformed"),
        ({"readers": (CITY, CITY)}, "stream.malformed"),
        ({"readers": ()}, "stream.malformed"),
        ({"readers": (EVERYONE, CITY)}, "stream.malformed"),
        ({"lane": 5}, "stream.malformed"),
        ({"seq": 0}, "envelope.header"),
        ({"seq": 2}, "envelope.header"),
        ({"seq": 1 << 63}, "envelope.header"),
        ({"previous": b"\1" * 32}, "envelope.header"),
        ({"previous": bytes(31)}, "envelope.header"),
        ({"first": 0}, "envelope.header"),
        ({"first": 2}, "envelope.header"),
        ({"count": 0}, "envelope.header"),
        ({"count": 1001}, "envelope.header"),
        ({"codec": 2}, "envelope.header"),
        ({"codec": 0, "dictionary": 1}, "envelope.header"),
        ({"commitment": ZEROS}, "envelope.header"),
        ({"created": -1}, "envelope.header"),
    ],
)
def test_a_header_out_of_its_bounds_is_refused(change: dict[str, object], code: str) -> None:
    protected = encode_header(replace(HEADER, **change))  # type: ignore[arg-type]
    with pytest.raises(PeerError) as refused:
        decode_header(protected)
    assert refused.value.code == code


@pytest.mark.parametrize("fields", [[], {}, b"header", [1], [1] * 15])
def test_a_header_is_a_list_of_fourteen_fields(fields: object) -> None:
    protected = cose.encode_protected(cose.ALG_ESP256, {LABEL_HEADER: fields}, [LABEL_HEADER])
    with pytest.raises(PeerError, match=r"envelope\.header"):
        decode_header(protected)


def test_a_header_survives_being_written_and_read() -> None:
    later = replace(
        HEADER, seq=2**40, previous=b"\1" * 32, first=2**41, count=1000, codec=Codec.ZSTD, dictionary=7
    )
    assert decode_header(encode_header(later)) == later
    assert later.last == 2**41 + 999


def test_the_count_in_the_header_is_that_of_the_messages() -> None:
    more = KIT.announced(MESSAGE)
    payload = cose.decode_sign1(more.data, bytes_max=1 << 20).payload
    assert refusal_of(resigned(replace(more.header, count=2), payload)) == "envelope.content"


def test_an_envelope_over_two_mebibytes_is_neither_made_nor_taken() -> None:
    noise = [Message(f"{n:032x}", "Note", 1, "", KIT.world.random_bytes(1 << 20)) for n in range(2)]
    with pytest.raises(LocalError, match=r"envelope\.too_large"):
        KIT.sealed(*noise)
    assert refusal_of(bytes(ENVELOPE_BYTES_MAX + 1)) == "envelope.too_large"


def test_sealing_asks_for_the_key_of_every_reader() -> None:
    with pytest.raises(ValueError, match="one sealing key"):
        KIT.sealed(readers={CITY: KIT.city.public()})
    open_stream = StreamId(VILLAGE, EPOCH, (CITY,), Lane.ATTACHMENT)
    with pytest.raises(ValueError, match="one sealing key"):
        seal(
            KIT.world,
            open_stream,
            [MESSAGE],
            seq=1,
            previous=ZEROS,
            first=1,
            signing_key=KIT.signing,
            readers={CITY: KIT.city.public()},
        )


def test_a_stream_has_a_key_of_its_own() -> None:
    changed = (
        replace(KIT.stream, origin=OTHER_VILLAGE),
        replace(KIT.stream, epoch="1f" * 16),
        replace(KIT.stream, readers=(CITY,)),
        replace(KIT.stream, lane=Lane.CONTROL),
    )
    keys = {stream.key for stream in (KIT.stream, *changed)}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {16}
