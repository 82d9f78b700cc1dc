"""Cards hang from the very second the rules say, and not one second earlier."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendar import load_calendar
from core.clock import CHINA
from core.codelists import PROVINCIAL, card_rules, codes
from core.errors import InputError, StateError
from core.limits import Mode, Suspension, Unit
from core.supervision import (
    CARD_RULES,
    FIXED_LIMIT_DAYS,
    Card,
    CardJudgement,
    CardRule,
    CaseFacts,
    Limit,
    Subject,
    case_card,
    matter_card,
    special_procedure_card,
)

CALENDAR = load_calendar()
SECOND = timedelta(seconds=1)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def card_at(facts: CaseFacts, now: datetime, mode: Mode = Mode.EXACT) -> Card:
    return case_card(CALENDAR, mode, facts, now).card


WORDED = {"warn": Card.WARNING, "yellow": Card.YELLOW, "red": Card.RED}
SOURCED = {
    Subject.CASE: "case",
    Subject.SPECIAL_PROCEDURE: "special_procedure",
    Subject.ONLINE_PRE_ACCEPT: "online_pre_accept(limit 2)",
    Subject.CONSULT: "consult_and_complaint",
    Subject.COMPLAINT: "consult_and_complaint",
    Subject.LICENCE_OUTPUT: "licence_output(limit 3)",
}


def worded_rule(card: str, words: str) -> CardRule:
    """A rule of the source's words; its days used are whole and rounded up, so ``>= n`` is more than n - 1."""
    used = re.fullmatch(r"use - (promised|statutory|granted) >= (-?\d+)", words)
    if used:
        limit = Limit.OWN if used[1] == "granted" else Limit(used[1])
        return CardRule(WORDED[card], limit, int(used[2]) - 1)
    before = re.fullmatch(r"(\d+) days before due", words)
    over = re.fullmatch(r"> (\d+)( elapsed over| day past due)?", words)
    after = -int(before[1]) if before else int(over[1]) if over else {"past due": 0}[words]
    return CardRule(WORDED[card], Limit.OWN, after)


@pytest.mark.parametrize("subject", list(Subject))
def test_the_table_of_rules_is_that_of_the_source(subject):
    words = card_rules()[SOURCED[subject]]
    assert CARD_RULES[subject] == tuple(worded_rule(card, text) for card, text in words.items())
    limit = re.search(r"\(limit (\d+)\)", SOURCED[subject])
    assert FIXED_LIMIT_DAYS.get(subject) == (int(limit[1]) if limit else None)


def test_cards_rank_as_the_provincial_card_levels():
    assert [codes(PROVINCIAL, "card_level")[str(rank)] for rank in range(len(Card))] == [
        "正常",
        "预警",
        "黄牌",
        "红牌",
    ]


VECTOR = card_rules()["vectors"][0]
FACTS = CaseFacts(china(VECTOR["accept"]), VECTOR["promised"], VECTOR["statutory"])
LADDER = [
    ("warn_after", Card.NONE, Card.WARNING),
    ("yellow_after", Card.WARNING, Card.YELLOW),
    ("red_after", Card.YELLOW, Card.RED),
]


@pytest.mark.parametrize(("key", "before", "after"), LADDER)
def test_every_vector_is_reproduced_to_the_second(key, before, after):
    at = china(VECTOR[key])
    assert card_at(FACTS, at) is before
    assert card_at(FACTS, at + SECOND) is after
    assert case_card(CALENDAR, Mode.EXACT, FACTS, at).next_change_at == at + SECOND
    assert case_card(CALENDAR, Mode.EXACT, FACTS, at + SECOND).since == at + SECOND


@pytest.mark.parametrize("end", [None, china("2018-10-31T09:00:00")])
@pytest.mark.parametrize(("key", "before", "after"), LADDER)
def test_three_special_days_move_every_time_by_three_working_days(key, before, after, end):
    start = china("2018-10-16T09:30:00")
    facts = CaseFacts(FACTS.accepted_at, 7, 10, (Suspension(start, end, 3, Unit.WORKDAY, "专家评审"),))
    moved = CALENDAR.add_workdays(china(VECTOR[key]).date(), 3)
    at = china(f"{moved}T10:00:00")
    assert card_at(facts, at) is before
    assert card_at(facts, at + SECOND) is after


def test_a_case_without_a_card_says_when_to_look_again():
    judged = case_card(CALENDAR, Mode.EXACT, FACTS, FACTS.accepted_at)
    assert judged == CardJudgement(Card.NONE, None, china("2018-10-19T10:00:01"))
    red = case_card(CALENDAR, Mode.EXACT, FACTS, china("2018-12-01T10:00:00"))
    assert red == CardJudgement(Card.RED, china("2018-10-29T10:00:01"), None)


def test_a_finished_case_keeps_the_card_it_finished_with():
    finished = CaseFacts(FACTS.accepted_at, 7, 10, (), china("2018-10-24T10:00:00"))
    assert case_card(CALENDAR, Mode.EXACT, finished, china("2019-01-01T00:00:00")) == CardJudgement(
        Card.WARNING, china("2018-10-19T10:00:01"), None
    )


def test_the_civil_clock_gives_cards_at_midnights():
    assert card_at(FACTS, china("2018-10-25T00:00:00"), Mode.CIVIL) is Card.WARNING
    assert card_at(FACTS, china("2018-10-25T00:00:01"), Mode.CIVIL) is Card.YELLOW


@pytest.mark.parametrize("mode", list(Mode))
def test_an_immediate_item_gets_no_warning_and_turns_yellow_when_its_day_is_over(mode):
    facts = CaseFacts(china("2015-09-30T09:00:00"), 0, 1)
    assert card_at(facts, china("2015-09-30T23:59:59"), mode) is Card.NONE
    # The week of the national day follows: the next working second is on 8 October.
    assert card_at(facts, china("2015-10-08T00:00:00"), mode) is Card.NONE
    assert card_at(facts, china("2015-10-08T00:00:01"), mode) is Card.YELLOW
    judged = case_card(CALENDAR, mode, facts, facts.accepted_at)
    assert judged == CardJudgement(Card.NONE, None, china("2015-10-08T00:00:01"))


def test_an_immediate_item_whose_statutory_limit_is_also_its_day_turns_red_at_once():
    facts = CaseFacts(china("2015-10-12T09:00:00"), 0, 0)
    assert card_at(facts, china("2015-10-13T00:00:00")) is Card.NONE
    assert card_at(facts, china("2015-10-13T00:00:01")) is Card.RED


def test_a_limit_of_two_days_warns_from_acceptance_on():
    facts = CaseFacts(china("2015-10-12T09:00:00"), 2, 5)
    judged = case_card(CALENDAR, Mode.EXACT, facts, facts.accepted_at)
    assert judged == CardJudgement(Card.WARNING, facts.accepted_at, china("2015-10-14T09:00:01"))
    assert case_card(CALENDAR, Mode.EXACT, facts, facts.accepted_at - SECOND) == judged


def test_a_limit_of_three_days_warns_a_second_after_acceptance():
    facts = CaseFacts(china("2015-10-12T09:00:00"), 3, 5)
    assert card_at(facts, facts.accepted_at) is Card.NONE
    assert card_at(facts, facts.accepted_at + SECOND) is Card.WARNING


def test_todays_card_is_certain_though_next_years_calendar_is_not_out():
    facts = CaseFacts(china("2026-12-28T10:00:00"), 5, 20)
    judged = case_card(CALENDAR, Mode.EXACT, facts, china("2026-12-30T10:00:01"))
    assert judged == CardJudgement(Card.WARNING, china("2026-12-30T10:00:01"), china("2027-01-01T00:00:00"))
    with pytest.raises(StateError, match=r"^calendar.unknown_year"):
        case_card(CALENDAR, Mode.EXACT, facts, judged.next_change_at)


@pytest.mark.parametrize(
    ("unit", "granted", "warn", "yellow", "red"),
    [
        (Unit.WORKDAY, 5, "2018-10-17T10:00:00", "2018-10-22T10:00:00", "2018-10-23T10:00:00"),
        (Unit.CALENDAR, 7, "2018-10-19T10:00:00", "2018-10-22T10:00:00", "2018-10-23T10:00:00"),
    ],
)
def test_a_special_procedure_has_cards_of_its_own(unit, granted, warn, yellow, red):
    start = china("2018-10-15T10:00:00")
    for text, before, after in (
        (warn, Card.NONE, Card.WARNING),
        (yellow, Card.WARNING, Card.YELLOW),
        (red, Card.YELLOW, Card.RED),
    ):
        procedure = Suspension(start, None, granted, unit, "公示")
        assert special_procedure_card(CALENDAR, Mode.EXACT, procedure, china(text)).card is before
        late = special_procedure_card(CALENDAR, Mode.EXACT, procedure, china(text) + SECOND)
        assert (late.card, late.since) == (after, china(text) + SECOND)
    ended = Suspension(start, china(yellow), granted, unit, "公示")
    assert (
        special_procedure_card(CALENDAR, Mode.EXACT, ended, china("2019-01-01T00:00:00")).card is Card.WARNING
    )


MONDAY = china("2018-10-15T10:00:00")


@pytest.mark.parametrize(
    ("subject", "limit", "ladder"),
    [
        (Subject.ONLINE_PRE_ACCEPT, None, {"17": Card.WARNING, "22": Card.YELLOW, "24": Card.RED}),
        (Subject.CONSULT, 5, {"18": Card.WARNING, "22": Card.YELLOW, "23": Card.RED}),
        (Subject.COMPLAINT, 5, {"18": Card.WARNING, "22": Card.YELLOW, "23": Card.RED}),
        (Subject.LICENCE_OUTPUT, None, {"18": Card.YELLOW}),
    ],
)
def test_other_matters_have_their_cards_to_the_second(subject, limit, ladder):
    before = Card.NONE
    for day, card in ladder.items():
        at = china(f"2018-10-{day}T10:00:00")
        judged = matter_card(CALENDAR, Mode.EXACT, subject, MONDAY, None, at, limit_days=limit)
        assert (judged.card, judged.next_change_at) == (before, at + SECOND)
        late = matter_card(CALENDAR, Mode.EXACT, subject, MONDAY, None, at + SECOND, limit_days=limit)
        assert (late.card, late.since) == (card, at + SECOND)
        before = card


def test_matters_without_a_rule_or_a_limit_are_refused_in_words():
    for subject in (Subject.CASE, Subject.SPECIAL_PROCEDURE):
        with pytest.raises(InputError, match=r"^supervision.subject"):
            matter_card(CALENDAR, Mode.EXACT, subject, MONDAY, None, MONDAY, limit_days=5)
    for limit in (None, 0):
        with pytest.raises(InputError, match=r"^supervision.limit"):
            matter_card(CALENDAR, Mode.EXACT, Subject.CONSULT, MONDAY, None, MONDAY, limit_days=limit)
    with pytest.raises(InputError, match=r"^limits.days"):
        matter_card(CALENDAR, Mode.EXACT, Subject.CONSULT, MONDAY, None, MONDAY, limit_days=-5)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.integers(0, 40 * 86_400),
    st.integers(0, 6),
    st.integers(0, 20),
    st.integers(0, 60),
    st.sampled_from(Mode),
)
def test_nothing_changes_between_two_judgements_and_everything_does_at_the_second(
    offset, promised, more, days, mode
):
    accepted = china("2015-09-20T00:00:00") + timedelta(seconds=offset)
    facts = CaseFacts(accepted, promised, promised + more)
    now = accepted + timedelta(days=days)
    judged = case_card(CALENDAR, mode, facts, now)
    if judged.since is not None:
        assert judged.since <= now
        assert card_at(facts, judged.since, mode) is judged.card
        if judged.since > accepted:
            assert card_at(facts, judged.since - SECOND, mode) is not judged.card
    if judged.next_change_at is not None:
        assert judged.next_change_at > now
        assert card_at(facts, judged.next_change_at - SECOND, mode) is judged.card
        assert card_at(facts, judged.next_change_at, mode) is not judged.card
    else:
        assert judged.card is Card.RED
