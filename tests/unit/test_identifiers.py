"""Names of divisions, nodes and cases: readable, checked, and never issued twice."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.identifiers import (
    BLOCKS_PER_DEVICE,
    CaseId,
    DivisionCode,
    NodeId,
    Tier,
    case_id,
    case_id_parts,
    check_digit,
    city_of,
    counter_block,
    device_of,
    display_case_id,
    division_of,
    new_id,
    parent_of,
    parse_case_id,
    parse_division,
    parse_node_id,
    tier_of,
    township_of,
)

CITY, TOWNSHIP, VILLAGE = (DivisionCode(c) for c in ("430981000000", "430981102000", "430981102205"))
NODE, SECOND = NodeId("430981102205"), NodeId("430981102205-2")
DAY = date(2015, 10, 10)

devices = st.integers(1, 9)
days = st.dates()


def own_counter(device: int, offset: int) -> int:
    return max((device - 1) * 10_000 + offset, 1)


def node_of(device: int) -> NodeId:
    return NODE if device == 1 else NodeId(f"{NODE}-{device}")


def refusal(code: str):
    return pytest.raises(InputError, match=rf"^{code}: ")


@pytest.mark.parametrize(("body", "check"), [("0794", "5"), ("79462", "3")])
def test_the_check_digit_is_that_of_iso_7064_mod_11_10(body, check):
    assert check_digit(body) == check


@settings(derandomize=True, max_examples=60)
@given(device=devices, offset=st.integers(0, 9_999), day=days)
def test_a_case_number_gives_back_what_it_was_made_of(device, offset, day):
    counter = own_counter(device, offset)
    case = case_id(node_of(device), day, counter)
    parts = case_id_parts(case)
    assert (parts.node, parts.division, parts.day, parts.counter) == (node_of(device), NODE, day, counter)
    assert len(case) == 26
    assert parse_case_id(case) == case
    assert parse_case_id(display_case_id(case)) == case


def test_a_case_number_is_shown_in_four_groups():
    assert display_case_id(case_id(NODE, DAY, 14)) == f"{NODE}-20151010-00014-{case_id(NODE, DAY, 14)[-1]}"


@settings(derandomize=True, max_examples=60)
@given(offset=st.integers(1, 9_999), place=st.integers(0, 25), change=st.integers(1, 9))
def test_one_wrong_digit_is_always_found(offset, place, change):
    case = case_id(NODE, DAY, offset)
    wrong = case[:place] + str((int(case[place]) + change) % 10) + case[place + 1 :]
    with pytest.raises(InputError):
        parse_case_id(wrong)


def test_a_case_number_may_be_typed_with_spaces_dashes_and_at_full_width():
    case = case_id(NODE, DAY, 14)
    wide = case.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert parse_case_id(f"  {wide[:12]}－{wide[12:20]}—{wide[20:25]} {wide[25:]}　") == case


@pytest.mark.parametrize("text", ["", "1" * 25, "1" * 27, "0" * 26, "x" * 26, "1" * 26 + " " * 90, "²" * 26])
def test_what_is_not_a_case_number_is_refused(text):
    with refusal("case_id.malformed"):
        parse_case_id(text)


def with_check(body: str) -> str:
    return body + check_digit(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("4309811022052015022900014", "case_id.day"),
        ("4309811022052015101000000", "case_id.counter"),
        ("4309811022052015101090000", "case_id.counter"),
        ("4309810002052015101000014", "division.malformed"),
    ],
)
def test_a_case_number_whose_parts_mean_nothing_is_refused(body, code):
    with refusal(code):
        parse_case_id(with_check(body))
    with refusal(code):
        case_id_parts(CaseId(with_check(body)))


def test_a_wrong_check_digit_is_said_in_words():
    case = case_id(NODE, DAY, 14)
    with refusal("case_id.check") as caught:
        parse_case_id(case[:-1] + str((int(case[-1]) + 1) % 10))
    assert "回执" in caught.value.zh


@pytest.mark.parametrize(("node", "counter"), [(NODE, 0), (NODE, 10_000), (SECOND, 9_999), (SECOND, 20_000)])
def test_a_device_never_issues_a_number_that_another_device_owns(node, counter):
    with refusal("case_id.counter"):
        case_id(node, DAY, counter)


def test_all_counter_blocks_of_all_devices_are_disjoint_and_usable():
    blocks = [(d, counter_block(node_of(d), o)) for d in range(1, 10) for o in range(BLOCKS_PER_DEVICE)]
    counters = [c for _, block in blocks for c in block]
    assert len(counters) == len(set(counters)) == 89_999
    for device, block in blocks:
        assert case_id_parts(case_id(node_of(device), DAY, block[0])).node == node_of(device)
        assert case_id_parts(case_id(node_of(device), DAY, block[-1])).node == node_of(device)


@pytest.mark.parametrize("ordinal", [-1, 10])
def test_a_block_that_does_not_exist_is_refused(ordinal):
    with refusal("case_id.block"):
        counter_block(NODE, ordinal)


def test_tiers_and_parents_follow_the_zeros_of_the_code():
    assert [tier_of(c) for c in (CITY, TOWNSHIP, VILLAGE)] == [Tier.CITY, Tier.TOWNSHIP, Tier.VILLAGE]
    assert parent_of(VILLAGE) == TOWNSHIP == township_of(VILLAGE) == township_of(TOWNSHIP)
    assert parent_of(TOWNSHIP) == CITY == city_of(VILLAGE) == city_of(CITY)
    with refusal("division.no_parent"):
        parent_of(CITY)
    with refusal("division.no_township"):
        township_of(CITY)


def test_a_node_is_a_division_and_perhaps_a_second_device():
    assert parse_node_id(" ４３０９８１１０２２０５－２ ") == SECOND
    assert (division_of(SECOND), device_of(SECOND)) == (VILLAGE, 2)
    assert (division_of(parse_node_id(NODE)), device_of(NODE)) == (VILLAGE, 1)


@pytest.mark.parametrize(
    "text", ["", "43098110220", "430981102205-1", "430981102205-10", "430981102205 2", "../x"]
)
def test_what_names_no_node_is_refused(text):
    with refusal("node_id.malformed"):
        parse_node_id(text)


@pytest.mark.parametrize(
    "text", ["", "030981102205", "430981000205", "4309811022055", "43098110220x", "\x1b[2J"]
)
def test_what_names_no_division_is_refused_and_echoed_without_control_characters(text):
    with refusal("division.malformed") as caught:
        parse_division(text)
    assert caught.value.zh.isprintable()
    with pytest.raises(InputError):
        parse_node_id(text + "-2")


def test_a_new_id_is_32_hex_characters_from_the_world():
    class Dice:
        def now(self) -> datetime:
            return datetime(2015, 10, 10, tzinfo=UTC)

        def monotonic_s(self) -> float:
            return 0.0

        def random_bytes(self, count: int) -> bytes:
            return bytes(range(count))

    assert new_id(Dice()) == "000102030405060708090a0b0c0d0e0f"
