"""A case is what its messages made it, in one JSON form, for those who may read it."""

from dataclasses import replace

import pytest

from core import bodies as b
from core.case import Hold, HoldKind, case_from_json, case_to_json, parties, readers
from core.errors import InputError
from core.messages import Role
from core.progress import add
from core.states import State
from tests.unit.cases import CITY, SECRET, THREE_LEVEL, TOWNSHIP, VILLAGE, Story, submission

MANIFEST = b.AttachmentManifest("a" * 32, "照片.jpg", "image/jpeg", 10, "b" * 64, 1024, ("c" * 64,))


def full_story() -> Story:
    story = Story().accept()
    story.say(CITY, Role.WINDOW, b.CaseSuspended("公示", b.ProcedureKind.OTHER, 7, b.DayUnit.CALENDAR))
    story.say(CITY, Role.WINDOW, b.CaseResumed()).handle().review().decide()
    story.say(VILLAGE, Role.AGENT, b.NoteAdded("已告知")).say(VILLAGE, Role.AGENT, b.FeePaid(900, "1"))
    story.say(VILLAGE, Role.AGENT, b.FeePaid(100, "2")).say(VILLAGE, Role.APPLICANT, b.CaseRated(3))
    story.say(VILLAGE, Role.APPLICANT, b.CaseRated(1, "谢谢"))
    story.say(VILLAGE, Role.AGENT, b.MaterialAdded(b.Material("照片", 1, 0, "", ("a" * 32,)), (MANIFEST,)))
    return story


def test_a_case_is_written_and_read_back_bit_for_bit() -> None:
    forked = replace(full_story().case, hold=Hold(HoldKind.FORK, None, (("a", "b"), ("c",))))
    for case in (Story().submit().case, full_story().case, forked):
        data = case_to_json(case)
        assert case_from_json(data) == case
        assert case_to_json(case_from_json(data)) == data
    with pytest.raises(InputError):
        case_from_json(b"{}")


def test_every_step_is_kept_with_who_where_when_and_what_they_wrote() -> None:
    case = full_story().case
    assert [step.id for step in case.steps] == [m.id for m in full_story().messages if m.is_chain]
    assert case.version == case.steps[-1].id
    assert (case.steps[1].node, case.steps[1].note, case.steps[1].state) == (
        TOWNSHIP,
        "齐全",
        State.SUBMITTED,
    )
    assert case.steps[1].holder == CITY
    assert case.steps[0].note == ""
    assert case.accepted_at == case.steps[2].at
    assert case.completed_at == case.steps[-1].at
    assert (case.promised_days, case.statutory_days, case.limit_mode) == (5, 20, b.LimitMode.EXACT)
    assert (case.officers.accepting, case.officers.handling, case.department) == (
        "window",
        "handler",
        "民政局",
    )


def test_what_came_beside_the_chain_is_counted_whole() -> None:
    case = full_story().case
    assert (case.bill_fen, case.paid_fen) == (900, 1000)
    assert case.rating is not None
    assert case.rating.body.level == 1
    assert case.notes[0].body.text == "已告知"
    assert [material.name for material in case.materials] == ["照片"]
    assert case.attachments == (MANIFEST,)
    assert Story().submit().case.rating is None


def test_a_request_to_withdraw_stands_until_the_case_is_closed() -> None:
    story = Story().submit()
    assert story.case.withdrawal_requested is None
    story.say(VILLAGE, Role.APPLICANT, b.WithdrawalRequested("不办了"))
    request = story.case.withdrawal_requested
    assert request is not None
    assert request.body.reason == "不办了"
    story.say(TOWNSHIP, Role.WINDOW, b.CaseWithdrawn("申请人撤回"))
    assert story.case.withdrawal_requested is None


def test_a_decided_case_keeps_its_completion_when_the_result_is_handed_over() -> None:
    story = full_story().say(VILLAGE, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王小明"))
    assert story.case.delivery == b.ResultDelivered(b.Delivery.VILLAGE, "王小明")
    assert story.case.completed_at == story.case.steps[-2].at


def test_the_readers_are_the_other_parties_and_never_the_township_of_a_confidential_case() -> None:
    body = submission(THREE_LEVEL)
    assert readers(body, VILLAGE) == {TOWNSHIP, CITY}
    assert readers(body, CITY) == set()
    assert readers(submission(SECRET), VILLAGE) == {CITY}
    case = Story().submit().case
    assert readers(case, CITY) == {VILLAGE, TOWNSHIP}
    assert readers(case, TOWNSHIP) == {VILLAGE, CITY}
    assert readers(Story(SECRET).submit().case, CITY) == {VILLAGE}
    assert parties(TOWNSHIP, confidential=True) == {TOWNSHIP, CITY}


def test_the_word_on_a_fork_is_nothing_that_a_case_holds() -> None:
    story = Story().submit()
    with pytest.raises(TypeError):
        add(story.case, story.write(CITY, Role.SUPERVISOR, b.ForkSettled("a" * 32, "x")))
