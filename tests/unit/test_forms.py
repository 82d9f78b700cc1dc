"""What the form promises: every problem named at once, and one normal form of every answer."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bodies import Applicant, read_answers
from core.catalogue import load_catalogue
from core.forms import FormErrors, check_applicant, check_field, check_form
from core.items import FieldType, FormField
from core.people import citizen_check, credit_check
from core.regions import load_yuanjiang
from core.shape import from_plain

TODAY = date(2015, 10, 10)
VILLAGES = load_yuanjiang()
VILLAGE = VILLAGES.villages()[0].code
SUBSISTENCE = load_catalogue().item("43098101205001")
CITIZEN_BODY = "43098119550101123"
CITIZEN = CITIZEN_BODY + citizen_check(CITIZEN_BODY)
USCC_BODY = "91430981MA4L00000"
USCC = USCC_BODY + credit_check(USCC_BODY)

APPLICANT = {
    "name": " 王建国 ",
    "id_type": "身份证",
    "id_no": CITIZEN,
    "mobile": "138 0000 0000",
    "village_code": VILLAGE,
    "delivery": "窗口自取",
}
MEMBER = {"name": "王小明", "relation": "子女", "monthly_income": "0"}
ANSWERS = {
    "household_size": "３",
    "monthly_income": "1,200",
    "household_members": [MEMBER],
    "reason": "收入低\r\n家中有病人",
}


def problems_of(fields: dict[str, Any]) -> list[str]:
    with pytest.raises(FormErrors) as refusal:
        check_applicant(fields, VILLAGES, TODAY)
    return [problem.key for problem in refusal.value.problems]


def field(kind: FieldType, **values: Any) -> FormField:
    return FormField(key="a", label="甲", type=kind, required=False, label_en="A", **values)


def refusal_of(asked: FormField, value: Any) -> FormErrors:
    with pytest.raises(FormErrors) as refusal:
        check_field(asked, value, TODAY, VILLAGES)
    return refusal.value


def test_an_applicant_comes_back_in_normal_form_and_fits_the_message():
    checked = check_applicant(APPLICANT, VILLAGES, TODAY)
    assert checked["name"] == "王建国" and checked["mobile"] == "13800000000" and checked["address"] == ""
    assert from_plain(Applicant, checked, "applicant").name == "王建国"
    assert check_applicant(checked, VILLAGES, TODAY) == checked


def test_an_organisation_is_checked_by_its_credit_code():
    fields = APPLICANT | {"id_type": "统一社会信用代码", "id_no": USCC.lower()}
    assert check_applicant(fields, VILLAGES, TODAY)["id_no"] == USCC
    assert problems_of(fields | {"id_no": CITIZEN}) == ["id_no"]


def test_every_problem_of_the_applicant_is_named_in_the_order_of_the_form():
    required = ["name", "id_type", "id_no", "mobile", "village_code", "delivery"]
    assert problems_of({"colour": "red"}) == [*required, "colour"]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "王" * 101}, "name"),
        ({"id_no": CITIZEN[:-1] + "?"}, "id_no"),
        ({"id_type": "护照"}, "id_type"),
        ({"mobile": "12345"}, "mobile"),
        ({"village_code": VILLAGES.townships()[0].code}, "village_code"),
        ({"village_code": "440300001001"}, "village_code"),
        ({"village_code": "43"}, "village_code"),
        ({"delivery": "电话"}, "delivery"),
        ({"agent_name": "李" * 101}, "agent_name"),
        ({"agent_id_no": CITIZEN}, "agent_name"),
        ({"agent_name": "李四", "agent_id_no": "1"}, "agent_id_no"),
    ],
)
def test_one_wrong_field_of_the_applicant_is_one_problem(change: dict[str, str], key: str):
    assert problems_of(APPLICANT | change) == [key]


def test_an_agent_is_named_with_or_without_a_number():
    with_agent = APPLICANT | {"agent_name": "李四"}
    assert check_applicant(with_agent, VILLAGES, TODAY)["agent_name"] == "李四"
    assert check_applicant(with_agent | {"agent_id_no": CITIZEN}, VILLAGES, TODAY)["agent_id_no"] == CITIZEN


def test_words_about_a_number_never_hold_the_number():
    with pytest.raises(FormErrors) as refusal:
        check_applicant(APPLICANT | {"id_no": CITIZEN[:-1] + "0"}, VILLAGES, TODAY)
    assert CITIZEN[:-1] not in refusal.value.zh + refusal.value.en


def test_a_form_comes_back_in_normal_form_and_fits_the_message():
    checked = check_form(SUBSISTENCE, ANSWERS, TODAY)
    assert checked == {
        "household_size": 3,
        "monthly_income": "1200.00",
        "household_members": [{"name": "王小明", "relation": "子女", "monthly_income": "0.00"}],
        "reason": "收入低\n家中有病人",
    }
    assert read_answers(json.loads(json.dumps(checked)), "form") == checked
    assert check_form(SUBSISTENCE, checked, TODAY) == checked


def test_every_problem_of_a_form_is_named_at_once():
    answers = {
        "colour": "red",
        "household_size": "51",
        "household_members": [MEMBER, {"relation": "邻居", "monthly_income": "-1", "shoe": "1"}],
        "reason": " ",
    }
    with pytest.raises(FormErrors) as refusal:
        check_form(SUBSISTENCE, answers, TODAY)
    problems = refusal.value.problems
    assert [problem.key for problem in problems] == [
        "household_size",
        "monthly_income",
        "household_members[1].shoe",
        "household_members[1].name",
        "household_members[1].relation",
        "household_members[1].monthly_income",
        "reason",
        "colour",
    ]
    assert "家庭成员第 2 行“姓名”：必填" in refusal.value.zh
    assert "Household members, row 2, Name: required" in refusal.value.en
    assert all(problem.zh.endswith("。") and problem.en.endswith(".") for problem in problems)


def test_unknown_keys_are_bounded_and_shown_without_control_characters():
    with pytest.raises(FormErrors) as refusal:
        check_form(SUBSISTENCE, {**ANSWERS, **{f"x\n{n}" + "y" * 500: 1 for n in range(300)}}, TODAY)
    keys = [problem.key for problem in refusal.value.problems]
    assert len(keys) == 200 and keys[0].startswith("x?0y") and len(keys[0]) == 100


def test_every_item_says_what_it_requires_when_nothing_is_answered():
    for item in load_catalogue().items:
        with pytest.raises(FormErrors) as refusal:
            check_form(item, {}, TODAY)
        required = [asked.key for asked in item.form_fields if asked.required]
        assert [problem.key for problem in refusal.value.problems] == required


@pytest.mark.parametrize(
    ("asked", "typed", "kept"),
    [
        (field(FieldType.STR), " 𠮷田 ", "𠮷田"),
        (field(FieldType.TEXT), "一\r二", "一\n二"),
        (field(FieldType.INT), "１２", 12),
        (field(FieldType.INT), 7, 7),
        (field(FieldType.INT, min=1, max=7), 7, 7),
        (field(FieldType.MONEY), "12。5元", "12.50"),
        (field(FieldType.MONEY, max=100), "100", "100.00"),
        (field(FieldType.DECIMAL), "0086.50", "86.50"),
        (field(FieldType.DATE), "2015年2月3日", "2015-02-03"),
        (field(FieldType.DATE), "2015/2/3", "2015-02-03"),
        (field(FieldType.DATE), "２０１５。２。３", "2015-02-03"),
        (field(FieldType.DATE), 20150203, "2015-02-03"),
        (field(FieldType.DATE), "2016-01-01", "2016-01-01"),
        (field(FieldType.DATE, past=True), "2015-10-10", "2015-10-10"),
        (field(FieldType.CHOICE, options=("甲", "乙")), " 乙", "乙"),
        (field(FieldType.BOOL), False, False),
        (field(FieldType.BOOL), "是", True),
        (field(FieldType.BOOL), "No", False),
        (field(FieldType.ID_NO), CITIZEN.lower(), CITIZEN),
        (field(FieldType.USCC), USCC, USCC),
        (field(FieldType.PHONE), "0737 2234567", "0737-2234567"),
        (field(FieldType.DIVISION), VILLAGE, VILLAGE),
        (field(FieldType.TABLE, columns=(field(FieldType.INT),)), [{"a": ""}, {}], None),
        (field(FieldType.TABLE, columns=(field(FieldType.INT),)), [{}, {"a": "2"}], [{"a": 2}]),
        (field(FieldType.STR), "　", None),
        (field(FieldType.TABLE), [], None),
    ],
)
def test_a_finished_field_is_kept_in_its_normal_form(asked: FormField, typed: Any, kept: Any):
    assert check_field(asked, typed, TODAY, VILLAGES) == kept
    assert check_field(asked, kept, TODAY, VILLAGES) == kept


@pytest.mark.parametrize(
    ("asked", "typed", "words"),
    [
        (field(FieldType.STR), "字" * 201, "最多 200 个字"),
        (field(FieldType.STR), "一\n二", "控制符号"),
        (field(FieldType.STR), "\ud800", "控制符号"),
        (field(FieldType.STR), 5, "控制符号"),
        (field(FieldType.TEXT), "字" * 2001, "最多 2000 个字"),
        (field(FieldType.TEXT), True, "控制符号"),
        (field(FieldType.INT), "1.5", "小数点后最多 0 位"),
        (field(FieldType.INT), 1.5, "不合要求"),
        (field(FieldType.INT), True, "不合要求"),
        (field(FieldType.INT), 10**4000, "不合要求"),
        (field(FieldType.INT), "-3", "不小于 0"),
        (field(FieldType.INT), 10**9 + 1, "0 到 1000000000"),
        (field(FieldType.INT, min=1), "0", "1 到 1000000000"),
        (field(FieldType.MONEY, max=100), "100.01", "0 到 100"),
        (field(FieldType.DECIMAL, min=1), "0.9999", "1 到"),
        (field(FieldType.DECIMAL), "1000000000000.1", "0 到 1000000000000"),
        (field(FieldType.DECIMAL), "1.23456", "最多 4 位"),
        (field(FieldType.DATE), "明天", "应为日期"),
        (field(FieldType.DATE), "2015-02-29", "没有这一天"),
        (field(FieldType.DATE), "1899-12-31", "1900 到 2100"),
        (field(FieldType.DATE, past=True), "2015-10-11", "不能晚于今天"),
        (field(FieldType.CHOICE, options=("甲", "乙")), "丙", "甲、乙之一"),
        (field(FieldType.CHOICE, options=("甲",)), "甲" * 300, "不合要求"),
        (field(FieldType.BOOL), "或许", "是或否"),
        (field(FieldType.ID_NO), "1", "18 位"),
        (field(FieldType.USCC), "1", "18 位"),
        (field(FieldType.PHONE), "1", "手机号"),
        (field(FieldType.DIVISION), "430981999999", "区划"),
        (field(FieldType.TABLE), "甲", "应为若干行"),
        (field(FieldType.TABLE), ["甲"], "应为若干行"),
        (field(FieldType.TABLE, columns=(field(FieldType.INT),)), [{"a": 1}] * 201, "最多 200 行"),
    ],
)
def test_a_wrong_field_says_how_to_mend_it(asked: FormField, typed: Any, words: str):
    refusal = refusal_of(asked, typed)
    (problem,) = refusal.problems
    assert words in problem.zh and problem.zh.startswith("甲：") and problem.en.startswith("A: ")
    assert problem.key == "a" and problem.label == "甲"


def test_a_required_table_needs_a_row_that_says_something():
    asked = FormField(
        key="a", label="甲", type=FieldType.TABLE, required=True, columns=(field(FieldType.STR),)
    )
    assert "至少填写一行" in refusal_of(asked, [{"a": " "}]).zh
    assert "必填" in refusal_of(asked, None).zh


def test_an_empty_row_is_left_out_and_the_others_keep_their_numbers():
    refusal = refusal_of(field(FieldType.TABLE, columns=(field(FieldType.INT),)), [{}, {"a": "x"}])
    assert [problem.key for problem in refusal.problems] == ["a[1].a"]
    assert "第 2 行" in refusal.zh


def test_without_a_table_of_divisions_only_the_form_of_a_code_is_checked():
    assert check_field(field(FieldType.DIVISION), "440300001001", TODAY) == "440300001001"


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(derandomize=True, max_examples=200)
@given(st.sampled_from(FieldType), _ANYTHING)
def test_whatever_is_typed_is_refused_in_words_or_kept_so_that_the_message_takes_it(
    kind: FieldType, typed: Any
):
    asked = field(
        kind,
        options=("甲",) if kind is FieldType.CHOICE else (),
        columns=(field(FieldType.STR),) if kind is FieldType.TABLE else (),
    )
    try:
        kept = check_field(asked, typed, TODAY, VILLAGES)
    except FormErrors as refusal:
        assert refusal.zh and refusal.en
        return
    if kept is not None:
        assert read_answers({"a": kept}, "form") == {"a": kept}
        assert check_field(asked, kept, TODAY, VILLAGES) == kept
