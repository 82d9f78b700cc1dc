"""Messages may come late, doubled and in any order: the case is the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import bodies as b
from core.case import Case, HoldKind, case_to_json
from core.errors import InputError
from core.merge import ConflictKind, Folded, OutcomeKind, content_digest, fold, merge
from core.messages import CaseMessage, Role
from core.states import State
from core.workflow_terms import ItemRules
from tests.unit.cases import (
    CITY,
    GENERAL,
    SECRET,
    THREE_LEVEL,
    TOWNSHIP,
    VILLAGE,
    Story,
    accepted,
    submission,
)


class Office:
    """A receiver as the casebook is one: merge where it can tell, fold the whole set where it cannot."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.stored: dict[str, CaseMessage] = {}
        self.known: dict[str, str] = {}
        self.case: Case | None = None
        self.parked = False
        self.folds = 0

    def take(self, message: CaseMessage) -> OutcomeKind:
        outcome = merge(self.case, message, self.known, self.story.item)
        self.stored[content_digest(message)] = message
        self.known.setdefault(message.id, content_digest(message))
        self.case = outcome.case
        if outcome.kind is OutcomeKind.CONFLICT or (outcome.kind is OutcomeKind.APPLIED and self.parked):
            folded = fold(self.stored.values(), self.story.lookup)
            self.case, self.parked = folded.case, bool(folded.parked)
            self.folds += 1
        self.parked |= outcome.kind is OutcomeKind.PARKED
        return outcome.kind


def whole(story: Story) -> Folded:
    return fold(story.messages, story.lookup)


def rich_story() -> Story:
    """A case with a supplement, side messages, strangers, illegal steps, a fork that may be settled, twins."""
    story = Story().submit()
    story.say(TOWNSHIP, Role.WINDOW, b.SupplementRequested(("户口簿",), (), "请补"))
    story.say(VILLAGE, Role.AGENT, b.CaseResubmitted(form={"reason": "补充"}))
    story.say(VILLAGE, Role.AGENT, b.MaterialAdded(b.Material("户口簿", 1, 0), ()))
    story.say(TOWNSHIP, Role.WINDOW, b.CaseForwarded("齐全")).say(CITY, Role.WINDOW, accepted(THREE_LEVEL))
    story.handle().review().decide()
    for number in (1, 2):
        story.say(VILLAGE, Role.AGENT, b.FeePaid(450, str(number)))
        story.say(VILLAGE, Role.APPLICANT, b.CaseRated(number))
        story.say(CITY, Role.SUPERVISOR, b.NoteAdded(f"第{number}次催办"))
    return story


STORY = rich_story()
FORWARDED = STORY.messages[4]
DECIDED = STORY.messages[9]
EXTRAS: list[CaseMessage] = [
    STORY.write(CITY, Role.WINDOW, b.CaseVoided("不是持有人"), base=FORWARDED.base),
    STORY.write(TOWNSHIP, Role.WINDOW, b.CaseReturned("克隆机"), base=FORWARDED.base),
    STORY.write(CITY, Role.SUPERVISOR, b.ForkSettled(FORWARDED.id, "以先到为准")),
    STORY.write(CITY, Role.WINDOW, b.CaseForwarded(), base="f" * 32),
    STORY.write(TOWNSHIP, Role.HANDLER, b.FeePaid(1, "x")),
    replace(DECIDED, body=b.CaseDecided(False, "", "另一个说法", "")),
    replace(STORY.messages[3], at=DECIDED.at),
    STORY.write(TOWNSHIP, Role.SUPERVISOR, b.ForkSettled(FORWARDED.id, "无权")),
    STORY.write(VILLAGE, Role.AGENT, submission(THREE_LEVEL, b.Delivery.POST), base=None),
]


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.data())
def test_any_order_with_repeats_and_gaps_gives_the_case_that_the_set_gives(data: st.DataObject) -> None:
    pool = STORY.messages + EXTRAS
    count = data.draw(st.integers(0, len(EXTRAS)), label="extras")
    extras = data.draw(st.permutations(EXTRAS), label="which")[:count]
    missing = data.draw(
        st.sets(st.sampled_from(STORY.messages).map(lambda m: m.id), max_size=2), label="gaps"
    )
    chosen = [m for m in STORY.messages if m.id not in missing] + list(extras)
    repeats = data.draw(st.lists(st.sampled_from(pool), max_size=5), label="repeats")
    arriving = data.draw(st.permutations(chosen + [m for m in repeats if m in chosen]), label="order")
    office = Office(STORY)
    for message in arriving:
        office.take(message)
    expected = fold(chosen, STORY.lookup)
    assert _told(fold(arriving, STORY.lookup)) == _told(expected)
    assert office.case == expected.case
    if expected.case:
        assert office.case is not None
        assert case_to_json(office.case) == case_to_json(expected.case)


def _told(folded: Folded) -> Any:
    """All of it, errors by their code: two exceptions are never equal."""
    return replace(folded, illegal=()), [(entry.message, entry.error.code) for entry in folded.illegal]


def test_in_order_every_message_is_applied_and_nothing_is_folded() -> None:
    office = Office(STORY)
    assert {office.take(message) for message in STORY.messages} == {OutcomeKind.APPLIED}
    assert office.folds == 0
    assert {office.take(message) for message in STORY.messages} == {OutcomeKind.DUPLICATE}
    assert office.case == whole(STORY).case


def test_the_forwarding_may_overtake_the_submission() -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseForwarded())
    note = story.write(VILLAGE, Role.AGENT, b.NoteAdded("好"))
    office = Office(story)
    assert office.take(story.messages[1]) is OutcomeKind.PARKED
    assert office.take(note) is OutcomeKind.PARKED
    parked = fold([story.messages[1], note], story.lookup)
    assert parked.case is None
    assert [entry.waits_for for entry in parked.parked] == ["submission", story.messages[0].id]
    office.take(story.messages[0])
    assert office.case is not None
    assert (office.case.holder, len(office.case.notes)) == (CITY, 1)


def test_two_messages_after_one_hold_the_case_at_their_common_ancestor() -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseForwarded())
    stray = story.write(TOWNSHIP, Role.WINDOW, b.CaseReturned("克隆机"), base=story.messages[0].id)
    follows = story.write(CITY, Role.WINDOW, accepted(THREE_LEVEL))
    folded = fold([*story.messages, stray, follows], story.lookup)
    case = folded.case
    assert case is not None
    assert (case.state, case.holder, case.version) == (State.SUBMITTED, TOWNSHIP, story.messages[0].id)
    assert case.hold is not None
    assert case.hold.kind is HoldKind.FORK
    assert case.hold.base == story.messages[0].id
    assert case.hold.branches == ((story.messages[1].id, follows.id), (stray.id,))
    assert folded.conflicts[0].settled is None
    assert not folded.parked


@pytest.mark.parametrize("kept", [0, 1])
def test_the_city_settles_a_fork_and_its_earliest_word_counts(kept: int) -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseForwarded())
    stray = story.write(TOWNSHIP, Role.WINDOW, b.CaseReturned("克隆机"), base=story.messages[0].id)
    branches = [story.messages[1], stray]
    elsewhere = story.write(CITY, Role.SUPERVISOR, b.ForkSettled("e" * 32, "别的分叉"))
    first = story.write(CITY, Role.SUPERVISOR, b.ForkSettled(branches[kept].id, "核定"))
    second = story.write(CITY, Role.SUPERVISOR, b.ForkSettled(branches[1 - kept].id, "改口"))
    folded = fold([*story.messages, second, stray, first, elsewhere], story.lookup)
    assert folded.case is not None
    assert folded.case.hold is None
    assert folded.case.version == branches[kept].id
    assert folded.conflicts[0].settled == branches[kept].id
    assert not folded.parked


def test_an_illegal_message_is_set_aside_and_what_follows_it_waits() -> None:
    story = Story().submit()
    bad = story.write(CITY, Role.WINDOW, accepted(THREE_LEVEL))
    after = story.write(CITY, Role.WINDOW, b.CaseAssigned("h", ""), base=bad.id)
    office = Office(story)
    for message in story.messages:
        office.take(message)
    assert office.take(bad) is OutcomeKind.ILLEGAL
    folded = fold([*story.messages, bad, after], story.lookup)
    assert folded.case == story.case == office.case
    assert folded.illegal[0].error.code == "workflow.holder"
    assert folded.parked[0].waits_for == bad.id
    outsider = story.write(CITY, Role.HANDLER, b.CaseRated(1))
    assert office.take(outsider) is OutcomeKind.ILLEGAL
    assert fold([*story.messages, outsider], story.lookup).illegal[0].error.code == "workflow.role"


def test_two_registrations_under_one_number_show_the_earlier_and_hold_it() -> None:
    story = Story().submit()
    other = story.write(VILLAGE, Role.AGENT, submission(THREE_LEVEL, b.Delivery.POST), base=None)
    folded = fold([other, *story.messages], story.lookup)
    assert folded.case is not None
    assert folded.case.version == story.messages[0].id
    assert folded.case.hold is not None
    assert folded.case.hold.base is None
    settled = story.write(CITY, Role.SUPERVISOR, b.ForkSettled(other.id, "后一份为准"))
    folded = fold([settled, other, *story.messages], story.lookup)
    assert folded.case is not None
    assert folded.case.version == other.id


def test_one_id_that_says_two_things_is_a_conflict_and_leads_nobody_in_a_circle() -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseReturned("退"))
    story.say(VILLAGE, Role.AGENT, b.CaseResubmitted())
    again = replace(story.messages[1], base=story.messages[2].id)
    office = Office(story)
    for message in story.messages:
        office.take(message)
    assert office.take(again) is OutcomeKind.CONFLICT
    folded = fold([*story.messages, again], story.lookup)
    assert folded.case == story.case
    assert [conflict.kind for conflict in folded.conflicts] == [ConflictKind.SAME_ID]
    twin = replace(story.messages[2], body=b.CaseResubmitted(note="另一个"))
    folded = fold([*story.messages, twin], story.lookup)
    assert folded.case is not None
    assert folded.case.version == story.messages[1].id
    assert {conflict.kind for conflict in folded.conflicts} == {ConflictKind.FORK, ConflictKind.SAME_ID}
    named = story.write(CITY, Role.SUPERVISOR, b.ForkSettled(twin.id, "哪一个？"))
    folded = fold([*story.messages, twin, named], story.lookup)
    assert folded.case is not None
    assert folded.case.hold is not None


def test_a_payment_that_says_two_things_counts_for_nothing_until_people_have_looked() -> None:
    story = Story().submit().say(VILLAGE, Role.AGENT, b.FeePaid(900, "1"))
    twin = replace(story.messages[1], body=b.FeePaid(1, "1"))
    folded = fold([*story.messages, twin], story.lookup)
    assert folded.case is not None
    assert folded.case.paid_fen == 0
    assert folded.conflicts[0].kind is ConflictKind.SAME_ID
    assert folded.conflicts[0].base == twin.id


def test_what_came_beside_the_chain_stands_in_order_of_time_however_it_arrived() -> None:
    office = Office(STORY)
    sides = [message for message in STORY.messages if not message.is_chain]
    for message in [m for m in STORY.messages if m.is_chain] + sides[::-1]:
        office.take(message)
    assert office.folds == 0
    assert office.case == whole(STORY).case


def test_a_case_waits_for_the_catalogue_it_was_submitted_under() -> None:
    story = Story().submit()

    def not_here(code: str, version: int) -> ItemRules | None:
        return None

    folded = fold(story.messages, not_here)
    assert folded.case is None
    assert folded.parked[0].waits_for == "catalogue:1"
    assert merge(None, story.messages[0], {}, None).kind is OutcomeKind.CONFLICT


def test_an_item_that_its_catalogue_does_not_have_makes_the_submission_illegal() -> None:
    story = Story().submit()

    def no_such_item(code: str, version: int) -> ItemRules | None:
        raise InputError("catalogue.no_item", zh="没有这个事项。", en="There is no such item.")

    folded = fold(story.messages, no_such_item)
    assert folded.case is None
    assert folded.illegal[0].error.code == "catalogue.no_item"


@pytest.mark.parametrize("item", [GENERAL, SECRET])
def test_general_and_confidential_cases_fold_like_the_others(item: Any) -> None:
    story = Story(item).accept()
    assert fold(reversed(story.messages), story.lookup).case == story.case
