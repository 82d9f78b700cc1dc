"""One byte string per value, and on the way back nothing that could mean two things."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.canonical import canonical_json, parse_json
from core.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(VALUES)
def test_what_is_written_is_read_again_and_written_the_same(value: object) -> None:
    data = canonical_json(value)
    assert parse_json(data, depth_max=30) == value
    assert canonical_json(parse_json(data, depth_max=30)) == data


def test_the_order_of_keys_makes_no_difference() -> None:
    assert (
        canonical_json({"b": 1, "a": "村"})
        == canonical_json({"a": "村", "b": 1})
        == '{"a":"村","b":1}'.encode()
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"a":1}', "json.malformed"),
        (b'[{"a":{"b":1,"b":2}}]', "json.malformed"),
        (b"NaN", "json.malformed"),
        (b'{"a":Infinity}', "json.malformed"),
        (b"[-Infinity]", "json.malformed"),
        (b"", "json.malformed"),
        (b"{", "json.malformed"),
        (b'"\xff"', "json.malformed"),
        (b"[" * 13 + b"]" * 13, "json.too_deep"),
        (b"[" * 100_000, "json.too_deep"),
        (b" " * ((1 << 20) + 1), "json.too_long"),
    ],
)
def test_what_means_two_things_or_is_too_much_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_json(data)
    assert refused.value.code == code


def test_brackets_within_text_are_no_depth() -> None:
    assert parse_json(canonical_json(["[" * 50, '"{{\\'])) == ["[" * 50, '"{{\\']
