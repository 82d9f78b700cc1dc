"""The table says who may do what where, and nothing else happens."""

from dataclasses import replace
from typing import Any

import pytest

from core import bodies as b
from core.case import Case, Hold, HoldKind
from core.identifiers import NodeId, Tier, division_of, tier_of
from core.messages import CHAIN_TYPES, SIDE_TYPES, MessageType, Role
from core.states import CLOSED, COUNTING, DECIDED, OPEN, State
from core.workflow import (
    SIDE_ROLES,
    TRANSITIONS,
    IllegalTransition,
    allowed,
    check,
    check_settlement,
    check_side,
)
from core.workflow_names import message_name, role_name, state_name, tier_name
from tests.unit.cases import (
    AT_TOWNSHIP,
    CITY,
    GENERAL,
    SECRET,
    THREE_LEVEL,
    TOWNSHIP,
    VILLAGE,
    Rules,
    Story,
    accepted,
    submission,
)


def refused(
    story: Story, node: NodeId, role: Role, body: Any, code: str, **options: Any
) -> IllegalTransition:
    case = story.case if story.messages else None
    with pytest.raises(IllegalTransition) as caught:
        check(case, story.write(node, role, body, **options), story.item)
    assert caught.value.code == f"workflow.{code}"
    return caught.value


def test_every_state_has_a_row_and_only_closed_cases_have_an_empty_one() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {state for state, row in TRANSITIONS.items() if not row} == CLOSED
    assert {kind for row in TRANSITIONS.values() for kind in row} == CHAIN_TYPES
    assert set(SIDE_ROLES) == SIDE_TYPES
    assert set(State) == OPEN | DECIDED | CLOSED | {State.DRAFT}
    assert COUNTING < OPEN


def test_every_state_can_be_reached_and_every_open_case_can_be_withdrawn_and_voided() -> None:
    reached = {state for row in TRANSITIONS.values() for step in row.values() for state in step.next}
    assert reached == set(State) - {State.DRAFT}
    for state in OPEN:
        assert {MessageType.CASE_WITHDRAWN, MessageType.CASE_VOIDED} <= TRANSITIONS[state].keys()


def test_everything_has_a_name_in_both_languages() -> None:
    for lang in ("zh", "en"):
        names = [state_name(state, lang) for state in State]
        assert len(set(names)) == len(State)
        assert all(message_name(kind, lang) for kind in MessageType)
        assert all(role_name(role, lang) for role in Role)
        assert all(tier_name(tier, lang) for tier in Tier)


def test_a_complex_item_is_handled_reviewed_and_decided_by_three_officers_and_goes_home() -> None:
    story = Story().accept()
    assert (story.case.state, story.case.holder) == (State.ACCEPTED, CITY)
    story.handle()
    assert story.case.state is State.REVIEW
    story.review()
    assert story.case.state is State.DECISION
    story.decide()
    assert (story.case.state, story.case.holder) == (State.GRANTED, VILLAGE)
    story.say(VILLAGE, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王小明"))
    assert (story.case.state, story.case.holder) == (State.DELIVERED, None)


def test_a_general_item_is_accepted_by_one_officer_and_verified_by_another() -> None:
    story = Story(GENERAL).accept()
    assert story.case.state is State.VERIFYING
    decided = b.CaseDecided(True, "证", "", "")
    refused(story, CITY, Role.DECIDER, decided, "same_officer", officer="window")
    refused(story, CITY, Role.WINDOW, decided, "role")
    story.decide(granted=False)
    assert story.case.state is State.DENIED


@pytest.mark.parametrize(("deliver", "holder"), [(b.Delivery.WINDOW, CITY), (b.Delivery.POST, CITY)])
def test_a_result_that_is_fetched_or_posted_stays_at_the_window_that_decided(
    deliver: b.Delivery, holder: NodeId
) -> None:
    story = Story().submit(deliver=deliver)
    story.say(TOWNSHIP, Role.WINDOW, b.CaseForwarded()).say(CITY, Role.WINDOW, accepted(THREE_LEVEL))
    assert story.handle().review().decide().case.holder == holder


def test_what_the_township_decides_it_accepts_itself_and_never_forwards() -> None:
    story = Story(AT_TOWNSHIP).submit()
    error = refused(story, TOWNSHIP, Role.WINDOW, b.CaseForwarded(), "step")
    assert "受理" in error.zh
    assert "accept" in error.en
    story.say(TOWNSHIP, Role.WINDOW, accepted(AT_TOWNSHIP)).handle().review().decide()
    assert story.case.state is State.GRANTED


def test_what_the_city_decides_the_township_cannot_accept() -> None:
    refused(Story().submit(), TOWNSHIP, Role.WINDOW, accepted(THREE_LEVEL), "step")


@pytest.mark.parametrize(
    ("item", "origin", "holder"),
    [
        (THREE_LEVEL, VILLAGE, TOWNSHIP),
        (THREE_LEVEL, NodeId("430981102201-2"), TOWNSHIP),
        (THREE_LEVEL, TOWNSHIP, TOWNSHIP),
        (THREE_LEVEL, CITY, CITY),
        (SECRET, VILLAGE, CITY),
        (AT_TOWNSHIP, CITY, CITY),
    ],
)
def test_the_first_desk_is_the_townships_unless_it_cannot_read_the_case(
    item: Rules, origin: NodeId, holder: NodeId
) -> None:
    story = Story(item, origin)
    assert story.submit().case.holder == holder


def test_what_the_city_registers_the_city_decides() -> None:
    story = Story(AT_TOWNSHIP, CITY).accept().handle().review().decide()
    assert (story.case.state, story.case.holder, story.case.township) == (State.GRANTED, CITY, None)


def test_only_the_desk_that_holds_the_case_may_act() -> None:
    story = Story().submit()
    error = refused(story, CITY, Role.WINDOW, accepted(THREE_LEVEL), "holder")
    assert TOWNSHIP in error.zh
    refused(story, VILLAGE, Role.AGENT, b.CaseWithdrawn("不办了"), "holder")
    story.say(TOWNSHIP, Role.WINDOW, b.CaseVoided("重复"))
    assert "已办结" in refused(story, TOWNSHIP, Role.WINDOW, b.CaseForwarded(), "holder").zh


def test_a_supplement_is_asked_of_where_the_case_was_registered_and_comes_back_to_who_asked() -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseForwarded())
    story.say(CITY, Role.WINDOW, b.SupplementRequested(("户口簿",), (), ""))
    assert (story.case.state, story.case.holder) == (State.SUPPLEMENT_REQUESTED, VILLAGE)
    assert story.case.supplement is not None
    story.say(VILLAGE, Role.AGENT, b.CaseResubmitted(form={"reason": "补充"}))
    assert (story.case.state, story.case.holder) == (State.SUBMITTED, CITY)
    assert story.case.form == {"reason": "补充"}
    assert story.case.supplement is None


def test_a_returned_case_can_be_mended_and_a_refused_one_is_closed_with_its_legal_ground() -> None:
    story = Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseReturned("填错事项"))
    assert (story.case.state, story.case.holder) == (State.RETURNED, VILLAGE)
    story.say(VILLAGE, Role.AGENT, b.CaseResubmitted())
    assert story.case.holder == TOWNSHIP
    story.say(TOWNSHIP, Role.WINDOW, b.CaseRefused("行政许可法第三十二条", "依法不需要许可"))
    case = story.case
    assert (case.state, case.holder) == (State.REFUSED, None)
    assert case.refusal is not None
    assert case.completed_at == story.messages[-1].at


@pytest.mark.parametrize("steps", range(4))
def test_a_special_procedure_stops_any_counting_state_and_returns_to_it(steps: int) -> None:
    story = Story().accept()
    if steps == 1:
        story.say(CITY, Role.WINDOW, b.CaseAssigned("handler", "民政局"))
    if steps >= 2:
        story.handle()
    if steps == 3:
        story.review()
    before = story.case.state
    story.say(CITY, Role.HANDLER, b.CaseSuspended("公示", b.ProcedureKind.OTHER, 7, b.DayUnit.CALENDAR))
    assert (story.case.state, story.case.state_before_suspension) == (State.SUSPENDED, before)
    assert story.case.suspensions[0].end is None
    refused(story, CITY, Role.DECIDER, b.CaseDecided(True, "证", "", ""), "step")
    story.say(CITY, Role.HANDLER, b.CaseResumed())
    assert (story.case.state, story.case.holder) == (before, CITY)
    assert story.case.suspensions[0].end == story.messages[-1].at


def test_a_case_withdrawn_during_a_special_procedure_ends_it() -> None:
    story = Story(GENERAL).accept()
    story.say(CITY, Role.WINDOW, b.CaseSuspended("听证", b.ProcedureKind.EXTENSION, 3, b.DayUnit.WORKING))
    story.say(CITY, Role.WINDOW, b.CaseWithdrawn("申请人撤回"))
    assert story.case.state is State.WITHDRAWN
    assert story.case.suspensions[0].end == story.case.completed_at


def test_handler_reviewer_and_decider_are_three_officers() -> None:
    story = Story().accept().handle()
    reviewed = b.CaseReviewed("", b.Advice.GRANT)
    error = refused(story, CITY, Role.REVIEWER, reviewed, "same_officer", officer="handler")
    assert "另一人" in error.zh
    refused(story, CITY, Role.REVIEWER, b.CaseSentBack("缺"), "same_officer", officer="handler")
    story.review()
    for officer in ("handler", "reviewer"):
        for body in (b.CaseDecided(True, "证", "", ""), b.CaseSentBack("缺")):
            refused(story, CITY, Role.DECIDER, body, "same_officer", officer=officer)


def test_a_case_sent_back_is_handled_again_and_only_the_last_round_is_compared() -> None:
    story = Story().accept().handle().say(CITY, Role.REVIEWER, b.CaseSentBack("缺笔录"))
    assert story.case.state is State.HANDLING
    story.say(CITY, Role.HANDLER, b.CaseHandled("已补", b.Advice.GRANT)).review()
    story.say(CITY, Role.DECIDER, b.CaseSentBack("再查"))
    story.say(CITY, Role.WINDOW, b.CaseAssigned("reviewer", "民政局"))
    refused(story, CITY, Role.HANDLER, b.CaseHandled("", b.Advice.DENY), "not_assigned")
    story.say(CITY, Role.HANDLER, b.CaseHandled("", b.Advice.DENY), officer="reviewer")
    refused(story, CITY, Role.REVIEWER, b.CaseReviewed("", b.Advice.DENY), "same_officer")
    story.say(CITY, Role.REVIEWER, b.CaseReviewed("", b.Advice.DENY), officer="handler")
    assert story.decide().case.state is State.GRANTED


@pytest.mark.parametrize(("item", "promised"), [(GENERAL, 1), (THREE_LEVEL, 0), (THREE_LEVEL, 21)])
def test_the_promised_limit_must_fit_the_item(item: Rules, promised: int) -> None:
    story = Story(item).submit().say(TOWNSHIP, Role.WINDOW, b.CaseForwarded())
    refused(story, CITY, Role.WINDOW, replace(accepted(item), promised_days=promised), "limit")


def test_a_submission_must_come_from_the_issuer_of_its_number_and_agree_with_the_catalogue() -> None:
    story = Story()
    body = submission(THREE_LEVEL)
    refused(story, TOWNSHIP, Role.WINDOW, body, "issuer")
    refused(story, VILLAGE, Role.AGENT, replace(body, item="other"), "item")
    refused(story, VILLAGE, Role.AGENT, replace(body, confidential=True), "confidential")
    refused(story, VILLAGE, Role.HANDLER, body, "role")
    refused(story, VILLAGE, Role.AGENT, b.CaseForwarded(), "step", base="f" * 32)
    story.submit()
    refused(story, TOWNSHIP, Role.WINDOW, body, "step")


def test_an_error_names_the_role_the_state_and_what_is_allowed() -> None:
    error = refused(Story().submit(), TOWNSHIP, Role.WINDOW, b.CaseDecided(True, "", "", ""), "step")
    for word in ("窗口人员", "已提交", "镇级", "转报", "退回"):
        assert word in error.zh
    for word in ("window officer", "submitted", "township", "forward"):
        assert word in error.en
    error = refused(Story().submit(), TOWNSHIP, Role.AGENT, b.CaseForwarded(), "role")
    assert "代办员" in error.zh
    assert "窗口人员" in error.zh


def test_a_held_case_allows_nothing_until_people_have_looked() -> None:
    story = Story().submit()
    case = replace(story.case, hold=Hold(HoldKind.FORK, None, ()))
    with pytest.raises(IllegalTransition, match="hold"):
        check(case, story.write(TOWNSHIP, Role.WINDOW, b.CaseForwarded()), THREE_LEVEL)
    assert allowed(case, THREE_LEVEL, Tier.TOWNSHIP) == []


def test_the_allowed_steps_are_those_of_the_desk_that_holds_the_case() -> None:
    story = Story().submit()
    assert allowed(None, THREE_LEVEL, Tier.VILLAGE) == [MessageType.CASE_SUBMITTED]
    assert allowed(story.case, THREE_LEVEL, Tier.CITY) == []
    steps = allowed(story.case, THREE_LEVEL, Tier.TOWNSHIP)
    assert MessageType.CASE_FORWARDED in steps
    assert MessageType.CASE_ACCEPTED not in steps
    story.say(TOWNSHIP, Role.WINDOW, b.CaseVoided("重复"))
    assert allowed(story.case, THREE_LEVEL, Tier.TOWNSHIP) == []


def _cases() -> list[tuple[Case, Rules]]:
    found = []
    for item in (THREE_LEVEL, GENERAL, AT_TOWNSHIP, SECRET):
        story = Story(item).accept()
        if item.chain == "three_level":
            story.handle().review()
        story.decide().say(VILLAGE, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王"))
        for count in range(1, len(story.messages) + 1):
            part = Story(item)
            part.messages = story.messages[:count]
            found.append((part.case, item))
    return found


def test_what_is_allowed_is_exactly_what_some_role_can_do() -> None:
    samples: dict[MessageType, Any] = {
        MessageType.CASE_SUBMITTED: submission(THREE_LEVEL),
        MessageType.CASE_FORWARDED: b.CaseForwarded(),
        MessageType.SUPPLEMENT_REQUESTED: b.SupplementRequested((), ()),
        MessageType.CASE_RESUBMITTED: b.CaseResubmitted(),
        MessageType.CASE_RETURNED: b.CaseReturned("x"),
        MessageType.CASE_REFUSED: b.CaseRefused("x", "x"),
        MessageType.CASE_HANDLED: b.CaseHandled("", b.Advice.GRANT),
        MessageType.CASE_REVIEWED: b.CaseReviewed("", b.Advice.GRANT),
        MessageType.CASE_ASSIGNED: b.CaseAssigned("x", ""),
        MessageType.CASE_SENT_BACK: b.CaseSentBack("x"),
        MessageType.CASE_DECIDED: b.CaseDecided(True, "", "", ""),
        MessageType.CASE_SUSPENDED: b.CaseSuspended("x", b.ProcedureKind.OTHER, 1, b.DayUnit.WORKING),
        MessageType.CASE_RESUMED: b.CaseResumed(),
        MessageType.CASE_WITHDRAWN: b.CaseWithdrawn("x"),
        MessageType.CASE_VOIDED: b.CaseVoided("x"),
        MessageType.RESULT_DELIVERED: b.ResultDelivered(b.Delivery.POST, "x"),
    }
    for case, item in _cases():
        story = Story(item)
        story.written = 1000
        for kind in CHAIN_TYPES:
            possible = set()
            body = accepted(item) if kind is MessageType.CASE_ACCEPTED else samples[kind]
            for node in (VILLAGE, TOWNSHIP, CITY):
                for role in Role:
                    officer = case.officers.handling if kind is MessageType.CASE_HANDLED else "another"
                    message = story.write(node, role, body, officer=officer or "another", base=case.version)
                    try:
                        check(case, message, item)
                        possible.add(tier_of(division_of(node)))
                    except IllegalTransition:
                        continue
            assert possible == {tier for tier in Tier if kind in allowed(case, item, tier)}, (
                case.state,
                kind,
            )


def test_beside_the_chain_only_parties_speak_and_only_in_their_role() -> None:
    story = Story().submit()
    check_side(story.case, story.write(CITY, Role.SUPERVISOR, b.NoteAdded("请加快")))
    with pytest.raises(IllegalTransition, match="party"):
        check_side(story.case, story.write(NodeId("430981102202"), Role.AGENT, b.NoteAdded("x")))
    with pytest.raises(IllegalTransition, match="role"):
        check_side(story.case, story.write(CITY, Role.SUPERVISOR, b.CaseRated(1)))
    secret = Story(SECRET).submit()
    with pytest.raises(IllegalTransition, match="party"):
        check_side(secret.case, secret.write(TOWNSHIP, Role.WINDOW, b.NoteAdded("x")))


def test_only_a_supervisor_of_the_city_settles_a_fork() -> None:
    story = Story()
    settled = b.ForkSettled("a" * 32, "以先到为准")
    check_settlement(story.write(CITY, Role.SUPERVISOR, settled))
    with pytest.raises(IllegalTransition, match="party"):
        check_settlement(story.write(TOWNSHIP, Role.SUPERVISOR, settled))
    with pytest.raises(IllegalTransition, match="role"):
        check_settlement(story.write(CITY, Role.WINDOW, settled))
