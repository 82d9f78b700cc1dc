"""The bytes of one contact: usable up to any cut, refused where they lie."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PeerError
from sync import bundle
from sync.bundle import HEAD_BYTES, MAGIC, Frame, Kind, ReadState, read_bundle, write_bundle

FRAMES = [Frame(Kind.HELLO, b"hello"), Frame(Kind.ENVELOPE, b"x" * 300), Frame(Kind.CHUNK, b"")]


def test_what_was_written_is_read_and_complete() -> None:
    state = ReadState()
    assert list(read_bundle(write_bundle(FRAMES), state)) == FRAMES
    assert state.complete


@given(
    st.lists(
        st.tuples(st.sampled_from([k for k in Kind if k is not Kind.END]), st.binary(max_size=40)), max_size=6
    )
)
@settings(derandomize=True, max_examples=40)
def test_a_bundle_cut_anywhere_gives_every_whole_frame_before_the_cut(
    parts: list[tuple[Kind, bytes]],
) -> None:
    frames = [Frame(kind, payload) for kind, payload in parts]
    data = write_bundle(frames)
    for cut in range(len(MAGIC), len(data)):
        state = ReadState()
        size, whole = len(MAGIC), []
        for frame in frames:
            size += len(frame)
            if size <= cut:
                whole.append(frame)
        assert list(read_bundle(data[:cut], state)) == whole
        assert not state.complete


@pytest.mark.parametrize("data", [b"", b"LDB", b"<html><title>login</title>", b"LDB2" + b"\0" * 40])
def test_what_is_no_bundle_is_refused_as_foreign(data: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        list(read_bundle(data))
    assert refused.value.code == "bundle.foreign"
    assert "U盘" in refused.value.zh


def _damaged(data: bytes) -> str:
    with pytest.raises(PeerError) as refused:
        list(read_bundle(data))
    assert refused.value.code == "bundle.malformed"
    return refused.value.en


def test_any_changed_bit_after_the_magic_never_counts_as_a_whole_bundle() -> None:
    data = write_bundle(FRAMES)
    for at in range(len(MAGIC), len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            state = ReadState()
            try:
                list(read_bundle(bytes(changed), state))
            except PeerError as refused:
                assert refused.code == "bundle.malformed"
            assert not state.complete


def test_a_frame_that_claims_too_much_is_refused_before_it_is_read() -> None:
    assert "claims" in _damaged(
        MAGIC + bytes([Kind.ENVELOPE]) + (bundle.FRAME_BYTES_MAX + 1).to_bytes(4, "big")
    )


def test_an_unknown_kind_of_frame_is_named() -> None:
    assert "unknown kind 99" in _damaged(MAGIC + bytes([99]) + bytes(4))


def test_bytes_after_the_end_are_refused() -> None:
    assert "after the end" in _damaged(write_bundle(FRAMES) + b"\0")


def test_more_frames_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "FRAMES_MAX", 3)
    assert len(list(read_bundle(write_bundle(FRAMES)))) == 3
    assert "more than 3 frames" in _damaged(write_bundle([*FRAMES, *FRAMES]))


def test_a_bundle_over_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "BUNDLE_BYTES_MAX", 100)
    with pytest.raises(PeerError) as refused:
        list(read_bundle(write_bundle(FRAMES)))
    assert refused.value.code == "bundle.too_large"


def test_a_frame_knows_its_length_on_the_wire() -> None:
    assert len(Frame(Kind.ASK, b"12")) == HEAD_BYTES + 2
