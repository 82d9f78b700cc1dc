"""The rules of the reconciliation sheet: each combination of words has one cause, and only what is level is called so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from core import sheet_report
from core.canonical import canonical_json
from core.carriage import Figures, Neighbour, Queue, Troubles
from core.errors import InputError
from core.identifiers import CaseId, NodeId, case_id
from core.shape import to_plain
from core.sheet import (
    REMEDIES,
    Cause,
    Counts,
    Line,
    Side,
    Sighting,
    Teller,
    Verdict,
    Word,
    broken,
    is_reported,
    is_silent,
    is_unconfirmed,
    judge,
    place_in_counts,
    usual_gap,
    verdict,
    worst,
)
from core.sheet_report import (
    DaySet,
    ResendAsked,
    SheetReport,
    day_set,
    decode_asked,
    decode_report,
    digest_of,
    encode_asked,
    encode_report,
)
from core.states import State

VILLAGE = NodeId("430981102201")
DAY = date(2026, 3, 2)
CASE = case_id(VILLAGE, DAY, 1)
EMPTIED = {Side.VILLAGE: Teller(is_emptied=True), Side.TOWNSHIP: Teller(is_emptied=True)}
H, L, D, OLD, N, E = Word.HAS, Word.LACKS, Word.HAD, Word.OLD, Word.NONE, Word.EXEMPT


def seen(village: Word, township: Word, city: Word, **given: object) -> Sighting:
    words = {Side.VILLAGE: village, Side.TOWNSHIP: township, Side.CITY: city}
    return replace(Sighting(CASE, DAY, words), **given)  # type: ignore[arg-type]


def cause(sighting: Sighting, tellers: dict[Side, Teller] = EMPTIED) -> Cause | None:
    found = judge(sighting, tellers)
    return None if found is None else found.cause


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((H, H, H), None),
        ((H, E, H), None),
        ((E, H, H), None),
        ((H, OLD, H), None),
        ((N, H, H), None),
        ((H, H, L), Cause.UNKNOWN),
        ((H, L, L), Cause.UNKNOWN),
        ((H, E, L), Cause.UNKNOWN),
        ((H, OLD, L), Cause.TRANSIT),
        ((L, H, H), Cause.REWOUND),
        ((D, H, H), Cause.REWOUND),
        ((D, L, L), Cause.REWOUND),
        ((H, D, H), Cause.REWOUND),
        ((H, L, H), Cause.REWOUND),
        ((H, D, L), Cause.REWOUND),
    ],
)
def test_what_the_three_books_say_of_a_case_has_one_cause(
    words: tuple[Word, Word, Word], expected: Cause | None
) -> None:
    assert cause(seen(*words)) is expected


def test_what_somebody_still_owes_is_in_transit_and_what_the_silent_owe_is_lost() -> None:
    owing = {Side.VILLAGE: Teller(), Side.TOWNSHIP: Teller(is_emptied=True)}
    assert cause(seen(H, L, L), owing) is Cause.TRANSIT
    assert cause(seen(H, OLD, L), {Side.VILLAGE: Teller(is_silent=True)}) is Cause.LOST
    assert cause(seen(H, H, L), {Side.TOWNSHIP: Teller(is_silent=True)}) is Cause.LOST
    # The village has done its part: that it is quiet now explains nothing.
    assert (
        cause(seen(H, H, L), EMPTIED | {Side.VILLAGE: Teller(is_silent=True, is_emptied=True)})
        is Cause.UNKNOWN
    )


def test_the_gravest_cause_is_named_and_what_people_must_look_at_comes_before_what_heals_by_itself() -> None:
    everything = seen(H, L, L, is_forked=True, is_quarantined=True, is_waiting=True)
    assert cause(everything) is Cause.CLONED
    assert cause(replace(everything, is_forked=False)) is Cause.QUARANTINED
    assert cause(replace(everything, is_forked=False, is_quarantined=False)) is Cause.HELD
    assert cause(seen(H, L, L), EMPTIED | {Side.TOWNSHIP: Teller(is_recovering=True)}) is Cause.REWOUND


def test_a_level_case_is_a_difference_all_the_same_while_it_is_held_or_set_aside() -> None:
    assert cause(seen(H, H, H, is_waiting=True)) is Cause.HELD
    assert cause(seen(H, H, H, is_quarantined=True)) is Cause.QUARANTINED


def test_a_clock_is_the_cause_only_where_it_put_the_case_on_another_day() -> None:
    at = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    slow = EMPTIED | {Side.VILLAGE: Teller(is_emptied=True, clock_offset_s=-3600)}
    assert cause(seen(H, H, H, submitted_at=at), slow) is Cause.CLOCK
    assert cause(seen(H, H, H, submitted_at=at - timedelta(hours=2)), slow) is None
    right = EMPTIED | {Side.VILLAGE: Teller(is_emptied=True, clock_offset_s=299)}
    assert cause(seen(H, H, H, submitted_at=at), right) is None
    assert cause(seen(H, H, H, arrived_at=datetime(2026, 3, 1, 15, 59, tzinfo=UTC))) is Cause.CLOCK


def test_no_combination_of_words_is_level_unless_everybody_expected_has_it() -> None:
    for words in product((H, L, D, OLD, N, E), (H, L, D, OLD, N, E), (H, L)):
        expected = [word for word in words if word is not E]
        if set(expected) == {H} or not {H, D} & set(expected):
            continue
        sighting = seen(*words)
        assert judge(sighting, EMPTIED) is not None or is_unconfirmed(sighting), words


def test_every_cause_offers_something() -> None:
    assert set(REMEDIES) == set(Cause) and all(REMEDIES.values())


FULL = Line(frozenset(), False, 0, is_reported=True, is_silent=False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (FULL, Verdict.LEVEL),
        (replace(FULL, is_silent=True), Verdict.LOST),
        (replace(FULL, is_reported=False), Verdict.UNREPORTED),
        (replace(FULL, unconfirmed=1), Verdict.TRANSIT),
        (replace(FULL, has_accepted=True), Verdict.ACCEPTED),
        (replace(FULL, is_enrolled=False), Verdict.ABSENT),
        (replace(FULL, is_enrolled=False, counts=Counts(received=1, open=1)), Verdict.UNREPORTED),
        (replace(FULL, causes=frozenset({Cause.TRANSIT, Cause.CLONED})), Verdict.CLONED),
        (replace(FULL, causes=frozenset({Cause.UNPAID})), Verdict.UNPAID),
        (replace(FULL, causes=frozenset({Cause.UNPAID}), is_silent=True), Verdict.LOST),
        (replace(FULL, counts=Counts(taken_in=2, forwarded=1, received=1, open=1)), Verdict.UNKNOWN),
    ],
)
def test_a_line_is_level_only_if_nothing_is_known_against_it(line: Line, expected: Verdict) -> None:
    assert verdict(line) is expected


def test_with_any_cause_at_all_a_line_is_not_level() -> None:
    for one in Cause:
        assert verdict(replace(FULL, causes=frozenset({one}))) not in (
            Verdict.LEVEL,
            Verdict.ACCEPTED,
            Verdict.ABSENT,
        )


def test_the_whole_is_as_bad_as_its_worst_part_and_absent_parts_do_not_count() -> None:
    assert worst([Verdict.LEVEL, Verdict.ABSENT]) is Verdict.LEVEL
    assert worst([Verdict.LEVEL, Verdict.TRANSIT, Verdict.QUARANTINED]) is Verdict.QUARANTINED
    assert worst([]) is Verdict.ABSENT


def test_the_business_balances_or_the_equation_is_named() -> None:
    fine = Counts(
        taken_in=5,
        forwarded=4,
        exempt=1,
        received=5,
        accepted=2,
        returned=1,
        open=1,
        held=1,
        billed_fen=100,
        paid_fen=100,
    )
    assert broken(fine) == []
    assert broken(replace(fine, forwarded=3)) == ["taken_in", "forwarded"]
    assert broken(replace(fine, accepted=3)) == ["received"]
    assert broken(replace(fine, paid_fen=99)) == ["fees"]


def test_every_state_is_in_exactly_one_of_the_city_s_counts() -> None:
    parts = {place_in_counts(state, was_accepted=False, is_held=False) for state in State}
    assert parts == {"accepted", "returned", "refused", "ended", "open"}
    assert place_in_counts(State.WITHDRAWN, was_accepted=True, is_held=False) == "accepted"
    assert place_in_counts(State.ACCEPTED, was_accepted=True, is_held=True) == "held"


def test_who_is_usually_quiet_for_long_is_not_called_silent_early() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert usual_gap([]) == day
    assert usual_gap([hour, hour, hour]) == hour
    assert usual_gap([hour, 3 * day, hour]) == 3 * day
    assert not is_silent(4 * day, usual_gap([hour, 3 * day, hour]))
    assert is_silent(2 * hour, usual_gap([hour] * 5))
    # Long ago it was quiet for a week; the last two weeks count.
    assert usual_gap([7 * day, *[hour] * 14]) == hour


def test_a_day_is_told_only_by_a_report_made_after_its_end() -> None:
    later = DAY + timedelta(days=1)
    assert is_reported(DAY, later, later)
    assert not is_reported(DAY, DAY, later)
    assert is_reported(DAY, DAY, DAY)
    assert not is_reported(DAY, None, DAY)


def report(*sets: DaySet) -> SheetReport:
    figures = Figures("0" * 32, "test", Queue(0, 0, None), 0, (), Troubles(), (), 0, None, -5)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return SheetReport(VILLAGE, 1, at, figures, 1, 1, 0, sets, more=False)


def test_a_report_reads_back_as_what_was_said() -> None:
    told = day_set(VILLAGE, "20260302", [(CASE, False), (case_id(VILLAGE, DAY, 2), True)])
    said = report(told)
    assert decode_report(encode_report(said)) == said
    assert told.cases() == {CASE, case_id(VILLAGE, DAY, 2)}
    assert told.confidential() == {case_id(VILLAGE, DAY, 2)}
    assert digest_of(told.cases()) != digest_of([CaseId(CASE)])


@pytest.mark.parametrize(
    "told",
    [
        DaySet(VILLAGE, "20260230", (1,)),
        DaySet(VILLAGE, "20260302", (2, 1)),
        DaySet(VILLAGE, "20260302", (1, 1)),
        DaySet(VILLAGE, "20260302", (1,), (2,)),
        DaySet(VILLAGE, "20260302", (1, 2), (2, 1)),
        DaySet(VILLAGE, "2026-3-2", (1,)),
        DaySet(VILLAGE, "20260302", (10_000,)),
        DaySet(VILLAGE, "20260302", (0,)),
    ],
)
def test_what_is_no_set_of_a_day_is_refused_by_who_writes_and_by_who_reads(told: DaySet) -> None:
    with pytest.raises(InputError):
        encode_report(report(told))


def test_a_report_of_more_cases_than_fit_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_report, "CASES_MAX", 5)
    one, other = DaySet(VILLAGE, "20260302", (1, 2, 3)), DaySet(VILLAGE, "20260303", (1, 2))
    assert decode_report(encode_report(report(one, other))).sets == (one, other)
    with pytest.raises(InputError, match="5 cases"):
        encode_report(report(one, replace(other, counters=(1, 2, 3))))


def told_offset(offset: object) -> SheetReport:
    """Read from what somebody sends who wrote the offset of a neighbour's clock as they liked."""
    said = to_plain(report())
    below = Neighbour(VILLAGE, None, "extranet", 0, Queue(0, 0, None), 0)
    said["figures"]["neighbours"] = [to_plain(below) | {"clock_offset_s": offset}]
    return decode_report(canonical_json(said))


@pytest.mark.parametrize("offset", [0, -5, 86_400, -(2**40), None])
def test_the_offset_of_a_clock_is_whole_seconds_of_either_sign_or_unknown(offset: int | None) -> None:
    assert told_offset(offset).figures.neighbours[0].clock_offset_s == offset


@pytest.mark.parametrize("offset", [True, "5", 2**40 + 1, -(2**40) - 1, []])
def test_what_is_no_offset_of_a_clock_is_refused_with_its_place(offset: object) -> None:
    with pytest.raises(InputError, match=r"figures\.neighbours\[0\]\.clock_offset_s"):
        told_offset(offset)


def test_the_city_asks_for_cases_by_number_and_for_no_more_than_fit_a_question() -> None:
    asked = ResendAsked((CASE, case_id(VILLAGE, DAY, 2)))
    assert decode_asked(encode_asked(asked)) == asked
    with pytest.raises(InputError, match=r"resend\.cases"):
        decode_asked(encode_asked(ResendAsked((CASE,) * (sheet_report.ASKED_MAX + 1))))
    with pytest.raises(InputError, match=r"resend\.cases"):
        decode_asked(encode_asked(ResendAsked((CaseId(CASE[:-1]),))))
