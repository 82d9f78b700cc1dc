"""What the desk makes of a case and of what was typed, before anything is shown or done."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import bodies as b
from core.calendar import load_calendar
from core.catalogue import load_catalogue
from core.desk.clockface import ClockFace, clock_face
from core.desk.facts import mask_answer, masked_answers
from core.desk.given import CHARS_MAX, Given, Matter
from core.desk.pages import time_left
from core.desk.rights import barred
from core.desk.verbs import VERBS
from core.errors import InputError
from core.items import Fee
from core.messages import MessageType, Role
from core.states import State
from core.store.officers import Officer
from tests.unit.cases import Story

ITEM = next(item for item in load_catalogue().items if item.code == Story().item.code)
MEMBERS = {
    "household_members": [
        {"name": "王小明", "id_no": "11010519491231002X", "monthly_income": "100.00", "x": "y"}
    ]
}


def officer(id_: str = "x", *roles: Role) -> Officer:
    return Officer(id_, "某人", roles or (Role.WINDOW,), "", False, False)


def given(verb: str, item: Any = ITEM, **values: list[str]) -> Any:
    """The body that a verb makes of what was typed."""
    matter = Matter(Story().submit().case, item, officer(), ())
    return VERBS[verb].build(Given(matter, VERBS[verb].inputs, values))


# What was typed


@pytest.fixture(scope="module")
def charged() -> Any:
    fees = (Fee("工本费", "10.50", "本", "P1"), Fee("邮寄费", "20", "次", "P1"))
    return replace(ITEM, fees=fees)


@pytest.mark.parametrize(
    ("typed", "total_fen"),
    [
        ([], 0),
        (["工本费=2"], 2100),
        ([" 工本费 = 2 ", "邮寄费=1"], 4100),
        (["工本费=", "邮寄费= "], 0),
    ],
)
def test_a_bill_is_made_of_the_items_own_fees_and_what_is_left_empty_counts_nothing(
    charged: Any, typed: list[str], total_fen: int
) -> None:
    assert given("accept", charged, fee=typed).bill_fen == total_fen


@pytest.mark.parametrize(
    ("typed", "code"),
    [("工本费", "desk.amount"), ("茶水费=1", "desk.choice"), ("工本费=许多", "fees.quantity")],
)
def test_a_fee_that_is_not_the_items_or_not_a_number_is_refused(charged: Any, typed: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        given("accept", charged, fee=[typed])
    assert refused.value.code == code


@pytest.mark.parametrize("days", ["", "many", "1.5", "-1", "1" * 10])
def test_a_number_that_is_none_is_refused(days: str) -> None:
    item = next(one for one in load_catalogue().items if one.special_procedures)
    with pytest.raises(InputError, match=r"desk\.(number|missing)"):
        given("suspend", item, procedure=[item.special_procedures[0].name], days=[days])


def test_a_text_without_end_is_refused() -> None:
    assert given("note", text=["字" * CHARS_MAX])
    with pytest.raises(InputError, match=r"desk\.too_long"):
        given("note", text=["字" * (CHARS_MAX + 1)])


def test_a_case_that_is_not_held_has_no_branch_to_keep() -> None:
    with pytest.raises(InputError, match=r"desk\.choice"):
        given("settle", keep=["0" * 32], reason=["x"])


# Who may not


def reviewed() -> Any:
    return Story().accept().handle().review()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_whoever_handled_or_reviewed_a_case_does_not_decide_it_and_is_told_which_it_was(lang: str) -> None:
    case = reviewed().case
    assert case.state is State.DECISION
    words = {
        who: barred(officer(who, Role.DECIDER), case, MessageType.CASE_DECIDED, lang)
        for who in ("handler", "reviewer", "decider")
    }
    assert words["decider"] == ""
    assert words["handler"] and words["reviewer"] and words["handler"] != words["reviewer"]
    assert words["handler"].startswith("needs a different officer" if lang == "en" else "须由另一人办理")


@pytest.mark.parametrize(("lang", "words"), [("zh", "本件分派给了他人"), ("en", "assigned to somebody else")])
def test_only_the_handler_it_was_assigned_to_handles_a_case(lang: str, words: str) -> None:
    story = Story().accept()
    story.say(story.desk, Role.WINDOW, b.CaseAssigned("handler", "民政局"))
    assert barred(officer("other", Role.HANDLER), story.case, MessageType.CASE_HANDLED, lang) == words
    assert barred(officer("handler", Role.HANDLER), story.case, MessageType.CASE_HANDLED, lang) == ""
    assert barred(officer("other", Role.WINDOW), story.case, MessageType.CASE_VOIDED, lang) == ""


# What is covered


def test_numbers_of_people_are_covered_in_the_cells_of_a_table_too() -> None:
    case = Story().submit(form=MEMBERS | {"reason": "困难", "unasked": "秘密", "phone": 7}).case
    covered = masked_answers(case, ITEM)
    (member,) = covered["household_members"]
    assert member["id_no"] == "1101************2X"
    assert (member["monthly_income"], member["x"]) == ("100.00", "***")
    assert covered["unasked"] == "***"
    assert set(masked_answers(case, None).values()) == {"***"}


def test_an_answer_of_another_kind_than_its_field_is_shown_as_it_is() -> None:
    field = next(f for f in ITEM.form_fields if f.columns)
    number = next(c for c in field.columns if c.key == "id_no")
    assert mask_answer(number, 7) == 7
    assert mask_answer(number, "11010519491231002X") == "1101************2X"


# The clock


def face_of(story: Story, **later: float) -> ClockFace:
    case = story.case
    return clock_face(case, load_calendar(), case.steps[-1].at + timedelta(**later))


def left(face: ClockFace, story: Story, lang: str = "zh") -> str:
    return time_left(face, story.case, lang)


def test_the_time_left_is_told_in_words_at_every_stage() -> None:
    waiting, running = Story().submit(), Story().accept()
    assert left(face_of(waiting), waiting) == "未受理，未计时"
    days = face_of(running).days_left
    assert days is not None and days > 0
    assert left(face_of(running), running) == f"剩 {days} 个工作日"
    assert "working days over" in left(face_of(running, days=40), running, "en")
    at_last = [left(face_of(running, hours=hour), running) for hour in range(0, 24 * 12, 6)]
    assert "今日到期" in at_last
    done = reviewed().decide()
    assert face_of(done).days_left is not None
    assert left(face_of(done), done) == "已办结"
    void = Story().accept()
    void.say(void.desk, Role.WINDOW, b.CaseVoided("重复"))
    assert left(face_of(void), void) == "已办结"


def test_a_clock_that_stands_says_so() -> None:
    story = Story().accept()
    procedure = ITEM.special_procedures[0]
    story.say(story.desk, Role.WINDOW, b.CaseSuspended(procedure.name, procedure.kind, 1, procedure.unit))
    face = face_of(story)
    assert (face.is_standing, face.is_running) == (True, False)
    assert left(face, story) == "暂停计时"


def test_in_a_year_without_a_calendar_the_clock_says_that_it_cannot_count() -> None:
    story = Story().accept()
    story.messages = [replace(m, at=m.at.replace(year=2099)) for m in story.messages]
    face = face_of(story)
    assert face == ClockFace(is_running=True, is_calendar_unknown=True)
    assert left(face, story) == "工作日历未公布，暂不能算"


def test_a_case_closed_before_it_was_accepted_had_no_clock_and_is_completed() -> None:
    story = Story().submit()
    story.say(story.case.holder, Role.WINDOW, b.CaseRefused("第三十二条", "不属于本机关"))
    face = face_of(story)
    assert face == ClockFace()
    assert left(face, story) == "已办结"
