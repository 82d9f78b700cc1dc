"""Messages survive packing; what was not packed by these rules is refused while memory stays flat."""

import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LocalError, PeerError
from sync import cose
from sync.header import Codec
from sync.packing import CONTAINER_BYTES_MAX, Message, pack, padded_length, unpack

ID = "00" * 16
MESSAGES = st.lists(
    st.builds(
        Message,
        id=st.binary(min_size=16, max_size=16).map(bytes.hex),
        type=st.text(min_size=1, max_size=64),
        schema=st.integers(0, 65535),
        subject=st.text(max_size=64),
        body=st.binary(max_size=500),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda message: message.id,
)


def block(content: bytes) -> bytes:
    framed = len(content).to_bytes(4, "big") + content
    return framed.ljust(padded_length(len(framed)), b"\0")


@settings(derandomize=True, max_examples=80, deadline=None)
@given(MESSAGES)
def test_messages_survive_packing(messages: list[Message]) -> None:
    packed = pack(messages)
    assert unpack(packed.block, packed.codec, len(messages)) == tuple(messages)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.integers(1, 1 << 23))
def test_padding_costs_at_most_an_eighth_and_names_few_sizes(length: int) -> None:
    padded = padded_length(length)
    assert max(length, 256) <= padded <= max(256, length * 1.125)
    assert padded_length(padded) == padded


def test_lengths_below_two_kilobytes_fall_into_few_classes() -> None:
    assert len({padded_length(length) for length in range(2048)}) == 49


def test_text_that_compresses_is_compressed_and_noise_is_not() -> None:
    assert pack([Message(ID, "Note", 1, "", b"a" * 5000)]).codec is Codec.ZSTD
    assert pack([Message(ID, "Note", 1, "", bytes(range(200)))]).codec is Codec.PLAIN


@pytest.mark.parametrize(
    "message",
    [
        Message("0" * 31, "Note", 1, "", b""),
        Message(ID, "", 1, "", b""),
        Message(ID, "x" * 65, 1, "", b""),
        Message(ID, "Note", -1, "", b""),
        Message(ID, "Note", 70_000, "", b""),
        Message(ID, "Note", 1, "s" * 65, b""),
        Message(ID, "Note", 1, "", bytes((1 << 20) + 1)),
    ],
)
def test_a_message_out_of_bounds_is_not_packed(message: Message) -> None:
    with pytest.raises(LocalError, match=r"envelope\.unpackable"):
        pack([message])


def test_too_many_or_too_large_together_is_not_packed() -> None:
    one = Message(ID, "Note", 1, "", b"")
    for messages in ([], [one] * 1001, [Message(ID, "Note", 1, "", bytes(1 << 20))] * 9):
        with pytest.raises(LocalError, match=r"envelope\.unpackable"):
            pack(messages)


ROW = [bytes(16), "Note", 1, "", b""]


@pytest.mark.parametrize(
    ("name", "rows", "count"),
    [
        ("fewer than said", [ROW], 2),
        ("more than said", [ROW, ROW], 1),
        ("same id twice", [ROW, ROW], 2),
        ("not a list", {1: 2}, 1),
        ("short row", [ROW[:4]], 1),
        ("short id", [[bytes(15), "Note", 1, "", b""]], 1),
        ("id as text", [["0" * 16, "Note", 1, "", b""]], 1),
        ("schema as truth", [[bytes(16), "Note", True, "", b""]], 1),
        ("no type", [[bytes(16), "", 1, "", b""]], 1),
        ("body as text", [[bytes(16), "Note", 1, "", ""]], 1),
    ],
)
def test_a_container_out_of_form_is_refused(name: str, rows: object, count: int) -> None:
    with pytest.raises(PeerError, match=r"envelope\.content|cbor"):
        unpack(block(cose.encode(rows)), Codec.PLAIN, count)


def test_nothing_hides_in_the_padding() -> None:
    good = pack([Message(ID, "Note", 1, "", b"")]).block
    for bad in (good[:-1], good + b"\0", good[:-1] + b"\1", b"\xff\xff\xff\xff" + good[4:], b"", good[:3]):
        with pytest.raises(PeerError, match=r"envelope\.content"):
            unpack(bad, Codec.PLAIN, 1)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(256 << 20))
    streaming = zstandard.ZstdCompressor(level=19).compressobj()
    silent = streaming.compress(bytes(16 << 20)) + streaming.flush()
    assert len(bomb) < 32 << 10
    tracemalloc.start()
    for content in (bomb, silent):
        with pytest.raises(PeerError) as refused:
            unpack(block(content), Codec.ZSTD, 1)
        assert refused.value.code == "envelope.bomb"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_frame_that_holds_more_than_it_declares_is_refused() -> None:
    large = zstandard.ZstdCompressor(level=3).compress(bytes(1 << 20))
    frame = zstandard.get_frame_parameters(large)
    head = zstandard.frame_header_size(large)
    assert frame.content_size == 1 << 20
    # RFC 8878, 3.1.1.1: single segment, 4-byte content size.
    lying = large[:4] + b"\xa0" + (1024).to_bytes(4, "little") + large[head:]
    assert zstandard.get_frame_parameters(lying).content_size == 1024
    with pytest.raises(PeerError, match=r"envelope\.content"):
        unpack(block(lying), Codec.ZSTD, 1)


def test_two_frames_or_bytes_after_the_frame_are_refused() -> None:
    frame = zstandard.compress(cose.encode([ROW]))
    for content in (frame + frame, frame + b"x", frame[:-1], b"", b"not a frame"):
        with pytest.raises(PeerError, match=r"envelope\.content"):
            unpack(block(content), Codec.ZSTD, 1)


def test_a_trained_dictionary_is_used_by_number_and_a_missing_one_named() -> None:
    samples = [b'{"applicant":{"name":"n%d","village":"430981102%03d"}}' % (n, n) for n in range(2000)]
    trained = zstandard.train_dictionary(2048, samples)
    number = trained.dict_id()
    message = Message(ID, "CaseSubmitted", 1, "", samples[7] * 3)
    packed = pack([message], number, {number: trained.as_bytes()})
    assert packed.dictionary == number
    assert unpack(packed.block, packed.codec, 1, number, {number: trained.as_bytes()}) == (message,)
    with pytest.raises(PeerError, match=r"envelope\.dictionary"):
        unpack(packed.block, packed.codec, 1, number)
    with pytest.raises(PeerError, match=r"envelope\.content"):
        unpack(packed.block, packed.codec, 1)


def test_a_full_container_passes_and_one_byte_more_does_not() -> None:
    zeros = zstandard.compress(bytes(CONTAINER_BYTES_MAX + 1))
    with pytest.raises(PeerError, match=r"envelope\.bomb"):
        unpack(block(zeros), Codec.ZSTD, 1)
