"""Whose turn it is to hold an envelope."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.identifiers import NodeId
from sync.custody import (
    RANGES_MAX,
    closed_up,
    contiguous,
    covers,
    empty_bitmap,
    has_bit,
    missing_bits,
    next_hops,
    towards,
    with_bit,
    without_bit,
)
from sync.stream_id import EVERYONE

CITY = NodeId("430981000000")
TOWN, OTHER_TOWN = NodeId("430981102000"), NodeId("430981105000")
VILLAGE, NEIGHBOUR = NodeId("430981102201"), NodeId("430981102202")
SECOND_DEVICE = NodeId("430981102201-2")
FAR_VILLAGE = NodeId("430981105201")


@pytest.mark.parametrize(
    ("me", "origin", "readers", "hops"),
    [
        # An ordinary case of a village: the township reads it and hands it on to the city.
        (VILLAGE, VILLAGE, [CITY, TOWN], {TOWN}),
        (TOWN, VILLAGE, [CITY, TOWN], {CITY}),
        (CITY, VILLAGE, [CITY, TOWN], set()),
        # A confidential one: the township carries what it does not read.
        (VILLAGE, VILLAGE, [CITY], {TOWN}),
        (TOWN, VILLAGE, [CITY], {CITY}),
        (CITY, VILLAGE, [CITY], set()),
        # A step of the township: up and down at once.
        (TOWN, TOWN, [CITY, VILLAGE], {CITY, VILLAGE}),
        (CITY, TOWN, [CITY, VILLAGE], set()),
        (VILLAGE, TOWN, [CITY, VILLAGE], set()),
        # A decision of the city: through the township to the owning village only.
        (CITY, CITY, [TOWN, VILLAGE], {TOWN}),
        (TOWN, CITY, [TOWN, VILLAGE], {VILLAGE}),
        (VILLAGE, CITY, [TOWN, VILLAGE], set()),
        (OTHER_TOWN, CITY, [TOWN, VILLAGE], set()),
        (CITY, CITY, [VILLAGE], {TOWN}),
        (TOWN, CITY, [VILLAGE], {VILLAGE}),
        # A second device is reached like any village.
        (TOWN, CITY, [SECOND_DEVICE], {SECOND_DEVICE}),
        (SECOND_DEVICE, SECOND_DEVICE, [CITY], {TOWN}),
        # Between the parts of the city the way leads over it.
        (VILLAGE, VILLAGE, [FAR_VILLAGE], {TOWN}),
        (TOWN, VILLAGE, [FAR_VILLAGE], {CITY}),
        (CITY, VILLAGE, [FAR_VILLAGE], {OTHER_TOWN}),
        (OTHER_TOWN, VILLAGE, [FAR_VILLAGE], {FAR_VILLAGE}),
        (TOWN, VILLAGE, [NEIGHBOUR], {NEIGHBOUR}),
    ],
)
def test_an_envelope_goes_to_the_neighbours_on_the_way_to_its_readers(
    me: NodeId, origin: NodeId, readers: list[str], hops: set[str]
) -> None:
    assert next_hops(me, readers, origin=origin, children=[]) == hops


@pytest.mark.parametrize(
    ("me", "children", "hops"),
    [
        (CITY, [TOWN, OTHER_TOWN], {TOWN, OTHER_TOWN}),
        (TOWN, [VILLAGE, NEIGHBOUR], {VILLAGE, NEIGHBOUR}),
        (VILLAGE, [VILLAGE], set()),
    ],
)
def test_what_the_city_says_to_all_goes_down_to_every_child_and_never_back(
    me: NodeId, children: list[NodeId], hops: set[str]
) -> None:
    assert next_hops(me, [EVERYONE], origin=CITY, children=children) == hops


def test_an_envelope_never_goes_back_to_the_neighbour_it_came_by() -> None:
    assert next_hops(TOWN, [CITY, VILLAGE], origin=VILLAGE, children=[]) == {CITY}
    assert towards(TOWN, VILLAGE) == VILLAGE


@given(st.sets(st.integers(1, 60)), st.integers(0, 20))
@settings(derandomize=True, max_examples=200)
def test_head_and_ranges_sign_for_exactly_what_is_held(held: set[int], upto: int) -> None:
    head, ranges = contiguous(upto, held)
    signed = {number for number in range(1, 80) if covers(head, ranges, number)}
    assert signed == held | set(range(1, upto + 1))
    assert all(low > head + 1 for low, _ in ranges[:1])
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(ranges))


def test_more_gaps_than_a_receipt_can_name_are_simply_offered_again() -> None:
    head, ranges = contiguous(0, range(2, 2000, 2))
    assert head == 0
    assert len(ranges) == RANGES_MAX
    assert ranges[0] == (2, 2)
    assert not covers(head, ranges, 1998)


@given(st.integers(1, 700), st.data())
@settings(derandomize=True, max_examples=60)
def test_a_bitmap_remembers_each_chunk_and_names_the_missing(count: int, data: st.DataObject) -> None:
    have = data.draw(st.sets(st.integers(0, count - 1), max_size=20))
    bitmap = empty_bitmap(count)
    for index in have:
        bitmap = with_bit(bitmap, index)
    assert missing_bits(bitmap, count) == [i for i in range(count) if i not in have]
    assert len(bitmap) == (count + 7) // 8
    assert not has_bit(bitmap, 8 * len(bitmap))
    for index in have:
        bitmap = without_bit(without_bit(bitmap, index), index)
    assert bitmap == empty_bitmap(count)


def test_a_chunk_that_is_let_go_leaves_its_neighbours_held() -> None:
    whole = b"\xff\xff"
    for index in range(16):
        assert missing_bits(without_bit(whole, index), 16) == [index]


@pytest.mark.parametrize(
    ("upto", "ranges", "wanted"),
    [
        (2, [], (2, ())),
        (2, [(3, 3)], (3, ())),
        (2, [(4, 5)], (2, ((4, 5),))),
        (2, [(6, 7), (3, 4), (5, 5)], (7, ())),
        (2, [(1, 2), (3, 9), (11, 12)], (9, ((11, 12),))),
    ],
)
def test_a_gap_that_closes_joins_what_was_signed_for_beyond_it(
    upto: int, ranges: list[tuple[int, int]], wanted: tuple[int, tuple[tuple[int, int], ...]]
) -> None:
    assert closed_up(upto, ranges) == wanted
