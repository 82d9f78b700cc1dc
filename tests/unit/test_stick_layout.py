"""What lies on a stick is judged by its first bytes; its name only helps people."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PeerError
from sync.bundle import HEAD_BYTES, MAGIC, Frame, Kind, write_bundle
from sync.hello import HELLO_BYTES_MAX
from sync.stick_layout import (
    FILE_BYTES_MAX,
    NAME_CHARS_SHOWN_MAX,
    PEEK_BYTES,
    bundle_name,
    hello_frame,
    inert,
    read_claim,
    too_large,
)
from tests.unit.sealing_kit import TOWNSHIP, VILLAGE
from tests.unit.test_hello import HELLO, SIGNED

BUNDLE = write_bundle([Frame(Kind.HELLO, SIGNED), Frame(Kind.ENVELOPE, b"x" * 3000)])


def test_a_name_fits_fat_and_differs_for_other_bytes() -> None:
    name = bundle_name(VILLAGE, TOWNSHIP, 12, BUNDLE)
    assert name == f"{VILLAGE}-to-{TOWNSHIP}-00000012-{hashlib.sha256(BUNDLE).hexdigest()[:8]}.ldb"
    assert name != bundle_name(VILLAGE, TOWNSHIP, 12, BUNDLE + b"\0")
    assert not set(name) & set('\\/:*?"<>| ')


def test_the_claim_of_a_file_is_read_from_its_beginning_alone() -> None:
    assert len(BUNDLE[:PEEK_BYTES]) <= PEEK_BYTES
    assert read_claim(BUNDLE[:PEEK_BYTES]) == HELLO
    assert read_claim(BUNDLE[: len(MAGIC) + HEAD_BYTES + len(SIGNED)]) == HELLO


def test_a_file_cut_within_its_introduction_is_named_as_cut() -> None:
    for length in range(len(MAGIC) + HEAD_BYTES + len(SIGNED)):
        with pytest.raises(PeerError, match=r"stick\.cut_head") as refused:
            hello_frame(BUNDLE[:length])
    assert "重新导出" in refused.value.zh


@pytest.mark.parametrize("head", [b"LDX", b"PK\x03\x04", b"<html>", b"\0", b"LDB0" + bytes(20)])
def test_what_is_no_bundle_may_stay_on_the_stick_unopened(head: bytes) -> None:
    assert not MAGIC.startswith(head)
    with pytest.raises(PeerError, match=r"stick\.foreign"):
        hello_frame(head)


def test_a_bundle_without_an_introduction_or_with_an_endless_one_is_refused() -> None:
    nameless = write_bundle([Frame(Kind.ENVELOPE, SIGNED)])
    endless = MAGIC + bytes([Kind.HELLO]) + (HELLO_BYTES_MAX + 1).to_bytes(4, "big") + bytes(100)
    for head in (nameless, endless):
        with pytest.raises(PeerError, match=r"contact\.no_hello"):
            hello_frame(head)


def test_a_file_over_the_limit_is_refused_by_its_size() -> None:
    refused = too_large(FILE_BYTES_MAX + 1)
    assert refused.code == "stick.too_large"
    assert str(FILE_BYTES_MAX) in refused.zh


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("报告.ldb", "报告.ldb"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\autorun.inf", "autorun.inf"),
        ("a\x1b[2Jb", "a_[2Jb"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("bad\udcff", "bad_"),
        (" ..hidden.. ", "hidden"),
        ("...", "_"),
        ("", "_"),
        ("x" * 61, "x" * 58 + ".."),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_name_found_on_a_stick_is_shown_without_its_tricks(name: str, shown: str) -> None:
    assert inert(name) == shown


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=400))
def test_whatever_is_shown_is_short_and_printable(name: str) -> None:
    shown = inert(name)
    assert 1 <= len(shown) <= NAME_CHARS_SHOWN_MAX
    assert shown.isprintable()
    assert "/" not in shown
