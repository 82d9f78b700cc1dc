"""Two sets are reconciled to exactly what differs, within bounds, whatever a neighbour sends."""

import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PeerError
from core.tally import END, START, Entry, Tally, separator, tally
from sync import cose
from sync.reconcile import (
    MESSAGE_BYTES_MIN,
    Difference,
    answer,
    digest_of,
    open_question,
)
from sync.reconcile_wire import (
    LISTED_MAX,
    MESSAGE_BYTES_MAX,
    Listing,
    Statement,
    Summary,
    decode_message,
    encode_message,
    fingerprint,
)
from tests.unit.memory_index import MemoryIndex

ROUNDS_MAX = 2_000
Held = Mapping[str, bytes]


def _digest(text: object) -> bytes:
    return hashlib.sha256(str(text).encode()).digest()


def _city(count: int, seed: int = 1) -> dict[str, bytes]:
    """``count`` entries named as cases are: village, device, day, counter."""
    chance = random.Random(seed)
    held: dict[str, bytes] = {}
    while len(held) < count:
        day = f"{chance.randrange(2024, 2027)}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
        held[f"4309811022{chance.randrange(14):02d}1{day}{chance.randrange(1000):05d}0"] = chance.randbytes(
            32
        )
    return held


@dataclass
class Talk:
    """How two neighbours talked: what each found, and what it cost both ways."""

    found: tuple[list[Difference], list[Difference]] = field(default_factory=lambda: ([], []))
    sizes: list[int] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        return (len(self.sizes) + 1) // 2


def _reconcile(asking: Held, answering: Held, bytes_max: int = MESSAGE_BYTES_MAX) -> Talk:
    return _talk((MemoryIndex(asking), MemoryIndex(answering)), bytes_max)


def _talk(sides: tuple[MemoryIndex, MemoryIndex], bytes_max: int = MESSAGE_BYTES_MAX) -> Talk:
    talk = Talk()
    message: bytes | None = open_question(sides[0])
    turn = 1
    while message is not None:
        assert len(talk.sizes) < ROUNDS_MAX, "the talk does not end"
        talk.sizes.append(len(message))
        message, found = answer(sides[turn], message, bytes_max=bytes_max)
        talk.found[turn].extend(found)
        turn = 1 - turn
    return talk


def _apart(one: Held, other: Held) -> list[Difference]:
    keys = sorted({*one, *other})
    return [Difference(key, one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)]


def _by_key(found: list[Difference]) -> list[Difference]:
    """What was found, in order; what was shown twice, once."""
    return sorted(set(found), key=lambda difference: difference.key)


KEYS = st.text(alphabet="01289az~!", min_size=1, max_size=32)
SETS = st.dictionaries(KEYS, st.integers(0, 3).map(_digest), max_size=60)


@given(SETS, SETS)
def test_any_two_sets_are_reconciled_to_exactly_their_difference_on_both_sides(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    talk = _reconcile(one, other)
    assert _by_key(talk.found[0]) == _apart(one, other)
    assert _by_key(talk.found[1]) == _apart(other, one)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(
    st.integers(0, 3000),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 2**32),
    st.sampled_from([0, MESSAGE_BYTES_MIN, 6000, MESSAGE_BYTES_MAX, 1 << 30]),
)
def test_large_sets_are_reconciled_through_messages_of_any_size_that_is_allowed(
    count: int, lacking: int, more: int, changed: int, seed: int, bytes_max: int
) -> None:
    one = _city(count, seed)
    other = dict(one)
    chance = random.Random(seed)
    for key in chance.sample(sorted(one), min(lacking, count)):
        del other[key]
    for key in chance.sample(sorted(other), min(changed, len(other))):
        other[key] = _digest(key)
    other.update(_city(more, seed + 1))
    talk = _reconcile(one, other, bytes_max)
    assert _by_key(talk.found[0]) == _apart(one, other)
    assert _by_key(talk.found[1]) == _apart(other, one)
    assert max(talk.sizes) <= min(max(bytes_max, MESSAGE_BYTES_MIN), MESSAGE_BYTES_MAX)


def test_one_difference_among_a_quarter_million_takes_three_round_trips_and_four_kilobytes() -> None:
    held = _city(250_000)
    one = MemoryIndex(held)
    for key in (one.keys[0], one.keys[123_456], one.keys[-1]):
        for theirs in ((_digest("another state"),), ()):
            talk = _talk((one, one.without(key, *theirs)))
            other = theirs[0] if theirs else None
            assert _by_key(talk.found[0]) == [Difference(key, held[key], other)]
            assert _by_key(talk.found[1]) == [Difference(key, other, held[key])]
            assert talk.round_trips <= 3
            assert sum(talk.sizes) <= 4096, sum(talk.sizes)


def test_the_example_in_the_protocol_page_is_what_is_said() -> None:
    keys = ["430981102201120260302000011", "430981102201120260302000028", "430981102201120260303000017"]
    held = {key: _digest(key) for key in keys}
    asking, answering = MemoryIndex(held), MemoryIndex(held | {keys[1]: _digest("other")})
    page = (Path(__file__).parents[2] / "docs" / "protocol" / "reconcile.md").read_text(encoding="utf-8")
    blocks = [
        bytes.fromhex("".join(re.findall(r"(?:^|(?<=\s))(?:[0-9a-f]{2})+(?=\s|$)", _hex_of(block))))
        for block in re.findall(r"```\n(82 .*?)```", page, re.DOTALL)
    ]
    question = open_question(asking)
    reply, _ = answer(answering, question)
    assert blocks == [question, reply]
    assert digest_of(asking).hex() in page
    assert digest_of(answering).hex() in page


def _hex_of(block: str) -> str:
    """The column of bytes: what stands on a line before the words that explain it, five blanks away."""
    return "\n".join(re.split(r"\s{5,}", line.lstrip())[0] for line in block.splitlines())


def test_equal_sets_are_known_by_sixteen_bytes_and_a_question_about_them_needs_no_answer() -> None:
    held = _city(1000)
    one, other = MemoryIndex(held), MemoryIndex(dict(reversed(held.items())))
    assert digest_of(one) == digest_of(other)
    assert len(digest_of(one)) == 16
    assert answer(other, open_question(one)) == (None, ())
    key = min(held)
    held[key] = _digest("x")
    assert digest_of(MemoryIndex(held)) == digest_of(one.without(key, held[key])) != digest_of(one)
    del held[key]
    assert digest_of(MemoryIndex(held)) == digest_of(one.without(key)) != digest_of(one)


def test_a_node_that_lost_everything_is_told_page_by_page() -> None:
    held = _city(3000)
    for one, other in ((held, {}), ({}, held)):
        talk = _reconcile(one, other, MESSAGE_BYTES_MIN)
        assert len(talk.found[0]) == len(talk.found[1]) == len(held)
        assert max(talk.sizes) <= MESSAGE_BYTES_MIN


def test_a_question_can_begin_where_the_last_contact_had_to_stop() -> None:
    held = _city(2000)
    keys = sorted(held)
    other = MemoryIndex(held | {keys[10]: _digest("a"), keys[1500]: _digest("b")})
    mine = MemoryIndex(held)
    message: bytes | None = open_question(mine, keys[1000])
    found: list[str] = []
    sides = [other, mine]
    while message is not None:
        message, differences = answer(sides[0], message)
        found += [difference.key for difference in differences if sides[0] is other]
        sides.reverse()
    assert found == [keys[1500]]


def test_a_message_that_comes_twice_or_late_does_no_harm() -> None:
    held = _city(500)
    other = held | {min(held): _digest("x")}
    asking, answering = MemoryIndex(held), MemoryIndex(other)
    question = open_question(asking)
    assert answer(answering, question) == answer(answering, question)
    reply, _ = answer(answering, question)
    assert reply is not None
    # By now the difference was repaired on this side.
    following, found = answer(answering, reply)
    assert (following, found) == (None, ())


def test_a_statement_about_what_is_equal_by_now_is_no_difference() -> None:
    index = MemoryIndex({"a": _digest(1)})
    message = encode_message([Statement((("a", _digest(1)), ("b", None), ("c", _digest(2))))])
    assert answer(index, message) == (None, (Difference("c", None, _digest(2)),))


def test_the_sum_of_a_set_is_the_sum_of_its_parts_and_nothing_cancels_out() -> None:
    one, two = Entry("a", _digest(1)), Entry("b", _digest(2))
    assert tally([one]) + tally([two]) == tally([two, one])
    assert tally([one, one]) != Tally()
    # Key and digest are bound together: what is swapped is another set.
    swapped = [Entry("a", two.digest), Entry("b", one.digest)]
    assert tally(swapped) != tally([one, two])
    assert fingerprint(Tally(1, 0)) != fingerprint(Tally(2, 0))


@given(KEYS, KEYS)
def test_a_separator_parts_two_keys(one: str, other: str) -> None:
    if one != other:
        before, after = sorted((one, other))
        bound = separator(before, after)
        assert before < bound <= after


def _raw(*parts: object) -> bytes:
    return cose.encode([1, *parts])


F, D = bytes(16), bytes(32)
MALFORMED = {
    "no cbor": b"\xff\xff",
    "not a list": cose.encode({1: 2}),
    "empty": cose.encode([]),
    "another version": cose.encode([2, [0, 0, "", 0, END, F]]),
    "no part": _raw(),
    "a part that is no list": _raw(7),
    "an empty part": _raw([]),
    "a kind that is text": _raw(["0", 0, ""]),
    "a kind that is none": _raw([3, 0, "", 0, END, F]),
    "a kind that is a truth value": _raw([False, 0, "", 0, END, F]),
    "a head cut short": _raw([1, 0, "", 0]),
    "a row cut short": _raw([0, 0, "", 0, END]),
    "a summary of nothing": _raw([0, 0, ""]),
    "bounds that go down": _raw([0, 0, "b", 0, "a", F]),
    "a range of no width": _raw([0, 0, "b", 1, "", F]),
    "a short fingerprint": _raw([0, 0, "", 0, END, F[:15]]),
    "a fingerprint that is text": _raw([0, 0, "", 0, END, "x"]),
    "a bound that is a number": _raw([0, 0, 5, 0, END, F]),
    "a shared count below zero": _raw([0, 0, "", -1, END, F]),
    "a shared count beyond the text": _raw([0, 0, "", 1, END, F]),
    "a shared count that is a truth value": _raw([0, 0, "", False, END, F]),
    "another spelling of a bound": _raw([0, 0, "ab", 0, "ac", F]),
    "a bound too long": _raw([0, 0, "", 0, "a" * 33, F]),
    "a bound with a blank": _raw([0, 0, "", 0, "a b", F]),
    "a bound beyond the end": _raw([0, 0, "", 0, END + "a", F]),
    "a bound outside ASCII": _raw([0, 0, "", 0, "村", F]),
    "a listing of too many": _raw(
        [1, 0, "", 0, END, *(x for n in range(LISTED_MAX + 1) for x in (0, chr(65 + n), D))]
    ),
    "a listing turned round": _raw([1, 0, "b", 0, "a"]),
    "a listing out of order": _raw([1, 0, "", 0, END, 0, "b", D, 0, "a", D]),
    "a listing outside its range": _raw([1, 0, "", 0, "b", 0, "c", D]),
    "a listing below its range": _raw([1, 0, "b", 0, "d", 0, "a", D]),
    "a listing with a key of no length": _raw([1, 0, "", 0, END, 0, "", D]),
    "a listing with the end as a key": _raw([1, 0, "", 0, END, 1, "", D]),
    "a listing with a short digest": _raw([1, 0, "", 0, END, 0, "a", D[:31]]),
    "a listing without a digest": _raw([1, 0, "", 0, END, 0, "a", None]),
    "a statement of nothing": _raw([2]),
    "a statement out of order": _raw([2, 0, "b", D, 0, "a", D]),
    "a statement with a number": _raw([2, 0, "a", 1]),
    "parts that overlap": _raw([0, 0, "", 0, "b", F], [0, 0, "a", 0, "c", F]),
    "a statement twice": _raw([2, 0, "a", D], [2, 1, "", D]),
    "too long": cose.encode([1, [2, 0, "a", bytes(MESSAGE_BYTES_MAX)]]),
    "too many items": cose.encode([1, [0] * 20_000]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_message_is_refused_in_words(name: str) -> None:
    with pytest.raises(PeerError) as refused:
        answer(MemoryIndex(_city(100)), MALFORMED[name])
    assert refused.value.code.partition(".")[0] in {"reconcile", "cbor"}
    assert refused.value.zh
    assert refused.value.en


class CountingIndex(MemoryIndex):
    """Counts what it is asked."""

    asked = 0

    def count_and_sum(self, low: str, high: str) -> Tally:
        self.asked += 1
        return super().count_and_sum(low, high)

    def entries(self, low: str, high: str, limit: int) -> list[Entry]:
        self.asked += 1
        return super().entries(low, high, limit)


BOUNDS = st.text(alphabet="019a~", max_size=6)
MARKS = st.integers(0, 1).map(lambda n: bytes([n]) * 16)


@st.composite
def _hostile(draw: st.DrawFn) -> bytes:
    """A well-formed message about anything, with lies in it."""
    bounds = sorted(draw(st.sets(BOUNDS, min_size=2, max_size=60)))
    parts: list[Summary | Listing | Statement] = []
    while len(bounds) >= 2:
        low, high = bounds[:2]
        kind = draw(st.sampled_from([Summary, Listing, Statement]))
        if kind is Summary:
            parts.append(Summary(low, ((high, draw(MARKS)),)))
        elif kind is Listing:
            named = [low] if low else []
            parts.append(Listing(low, high, tuple(Entry(key, _digest(0)) for key in named)))
        elif low:
            parts.append(Statement(((low, draw(st.none() | st.just(_digest(1)))),)))
        bounds = bounds[draw(st.sampled_from([1, 2])) + (kind is Statement) :]
    return encode_message(parts) if parts else open_question(MemoryIndex({}))


@settings(deadline=None)
@given(_hostile(), st.integers(0, 3))
def test_a_neighbour_that_lies_gets_a_bounded_answer_for_bounded_work(message: bytes, seed: int) -> None:
    index = CountingIndex(_city(2000, seed))
    named = decode_message(message)
    reply, found = answer(index, message, bytes_max=MESSAGE_BYTES_MIN)
    assert reply is None or len(reply) <= MESSAGE_BYTES_MIN
    assert len(found) <= MESSAGE_BYTES_MIN
    assert index.asked <= 18 * len(named) + 1


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        answer(MemoryIndex({}), b"\xc0" + data)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_reads_as_another_message(at: int, value: int) -> None:
    index = MemoryIndex(_city(300))
    message = bytearray(open_question(index))
    at %= len(message)
    message[at] = value
    try:
        parts = decode_message(bytes(message))
    except PeerError:
        return
    assert encode_message(parts) == bytes(message)
    assert parts[0].low == START or parts != decode_message(open_question(index))
