"""What numbers promise: typed at any width, kept exactly, never a binary fraction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.numbers import FEN_MAX, fen_of, parse_decimal, parse_money, permille_of, yuan_of


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("12", "12"),
        ("１２。５０", "12.50"),
        ("1，200.5", "1200.5"),
        ("1,234,567", "1234567"),
        ("007", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("　0 ", "0"),
    ],
)
def test_what_is_typed_is_kept_plainly(typed: str, kept: str):
    assert parse_decimal(typed, 4) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "malformed"),
        (".", "malformed"),
        ("-1", "malformed"),
        ("1,5", "malformed"),
        ("1.2.3", "malformed"),
        ("1e5", "malformed"),
        ("十二", "malformed"),
        ("1" * 16, "too_long"),
        ("1" * 61, "too_long"),
        ("1.23456", "places"),
    ],
)
def test_what_is_no_number_is_refused(typed: str, code: str):
    with pytest.raises(InputError, match=rf"number\.{code}"):
        parse_decimal(typed, 4)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("12", "12.00"), ("￥12.5元", "12.50"), ("¥0.05", "0.05"), ("10000000000", "10000000000.00")],
)
def test_money_always_has_two_places(typed: str, kept: str):
    assert parse_money(typed) == kept


@pytest.mark.parametrize("typed", ["1.005", "10000000000.01", "元", "9" * 100])
def test_money_beyond_a_fen_or_the_bound_is_refused(typed: str):
    with pytest.raises(InputError):
        parse_money(typed)


@settings(derandomize=True, max_examples=100)
@given(st.integers(0, FEN_MAX))
def test_fen_and_yuan_are_the_same_money(fen: int):
    assert fen_of(yuan_of(fen)) == fen
    assert parse_money(yuan_of(fen)) == yuan_of(fen)


def test_less_than_nothing_is_shown_with_its_sign():
    assert yuan_of(-5) == "-0.05"


@settings(derandomize=True, max_examples=200)
@given(st.text(alphabet="0123456789.,。，１２ 元￥-", max_size=20))
def test_reading_twice_changes_nothing(typed: str):
    try:
        once = parse_decimal(typed, 4)
    except InputError:
        return
    assert parse_decimal(once, 4) == once


@pytest.mark.parametrize(
    ("part", "whole", "permille"),
    [
        (27_822, 27_872, 998),
        (251_517, 251_567, 999),
        (9_998, 10_000, 999),
        (10**12 - 1, 10**12, 999),
        (1, 1, 1000),
        (0, 1, 0),
        (57, 100, 570),
        (1, 3, 333),
        (2, 3, 667),
    ],
)
def test_a_share_is_rounded_and_only_the_whole_is_a_hundred_percent(part: int, whole: int, permille: int):
    assert permille_of(part / whole) == permille


@given(whole=st.integers(1, 10_000), share=st.integers(0, 1000))
def test_a_share_that_ends_with_its_tenth_of_a_percent_is_kept(whole: int, share: int):
    assert permille_of(whole * share / (whole * 1000)) == share
