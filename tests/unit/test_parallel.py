"""A project is as far as the last of its cases, and is granted only if every one of them is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core import bodies as b
from core.case import Case
from core.messages import Role
from core.parallel import Stage, standing
from core.states import State
from tests.unit.cases import AT, CITY, TOWNSHIP, Story

DUE = AT + timedelta(days=5)


def submitted() -> Case:
    return Story().submit().case


def accepted(minutes: int = 0, bill_fen: int = 0) -> Case:
    case = Story().accept().case
    assert case.accepted_at is not None
    return replace(case, accepted_at=case.accepted_at + timedelta(minutes=minutes), bill_fen=bill_fen)


def decided(*, granted: bool) -> Case:
    return Story().accept().handle().review().decide(granted).case


def refused() -> Case:
    return Story().submit().say(TOWNSHIP, Role.WINDOW, b.CaseRefused("第三十二条", "不需要许可")).case


def void() -> Case:
    return Story().accept().say(CITY, Role.WINDOW, b.CaseVoided("重复")).case


def stage(*cases: Case) -> Stage:
    return standing(cases, [DUE] * len(cases)).stage


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ((), Stage.GATHERING),
        ((submitted(),), Stage.GATHERING),
        ((decided(granted=True), submitted()), Stage.GATHERING),
        ((refused(), submitted()), Stage.GATHERING),
        ((accepted(), decided(granted=True)), Stage.RUNNING),
        ((accepted(), refused()), Stage.RUNNING),
        ((decided(granted=True), decided(granted=True)), Stage.GRANTED),
        ((decided(granted=True), decided(granted=False)), Stage.DENIED),
        ((decided(granted=True), refused()), Stage.DENIED),
        ((decided(granted=True), void()), Stage.DENIED),
        ((refused(),), Stage.DENIED),
    ],
)
def test_a_project_is_as_far_as_the_last_of_its_cases(cases: tuple[Case, ...], expected: Stage) -> None:
    assert stage(*cases) is expected


def test_the_joint_limit_is_the_latest_and_runs_from_the_last_acceptance() -> None:
    first, last = accepted(), accepted(minutes=30)
    later = DUE + timedelta(days=3)
    both = standing([first, last], [later, DUE])
    assert both.accepted_at == last.accepted_at and both.due_at == later
    assert (both.accepted, both.decided) == (2, 0)


def test_there_is_no_joint_limit_while_one_is_not_accepted_or_its_calendar_is_unknown() -> None:
    waiting = standing([accepted(), submitted()], [DUE, None])
    assert waiting.accepted_at is None and waiting.due_at is None and waiting.accepted == 1
    unknown = standing([accepted(), accepted(minutes=1)], [DUE, None])
    assert unknown.accepted_at is not None and unknown.due_at is None
    nothing = standing([refused()], [None])
    assert nothing.accepted_at is None and nothing.due_at is None


def test_a_case_that_ended_before_it_was_accepted_holds_up_no_joint_limit() -> None:
    one = accepted()
    assert refused().state is State.REFUSED
    both = standing([one, refused()], [DUE, None])
    assert both.due_at == DUE and both.accepted_at == one.accepted_at
    assert (both.accepted, both.decided) == (1, 1)


def test_the_bills_and_payments_of_all_cases_are_one_sum() -> None:
    paid = Story().accept()
    paid.say(CITY, Role.WINDOW, b.FeePaid(300, "票一"))
    case: Case = replace(paid.case, bill_fen=900)
    both = standing([case, accepted(bill_fen=100)], [None, None])
    assert (both.bill_fen, both.paid_fen) == (1000, 300)
