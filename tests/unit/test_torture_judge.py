"""The judge of the torture: what it calls lost, doubled, altered and strange."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.identifiers import NodeId, case_id, display_case_id
from tests.torture.clerk import _number
from tests.torture.judge import ALTERED, DOUBLED, LOST, STRANGE, Found, judge
from tests.torture.ledger import Applicant, Ledger, Slip, read_ledger

VILLAGE, ITEM = "430981102202", "43098101205001"
WANG = Applicant(1, VILLAGE, ITEM, "王桂香", "430999195001010019", ("aa", "bb"))
LI = Applicant(2, VILLAGE, ITEM, "李国华", "430999196001010027", ())
SLIP = Slip("C1", 1, "apply")
FOUND = Found("C1", VILLAGE, ITEM, WANG.name, WANG.id_no, ("bb", "aa"))


def kinds(applicants: list[Applicant], slips: list[Slip], city: list[Found]) -> list[str]:
    return [one.kind for one in judge(applicants, slips, city).violations]


def test_a_number_that_is_at_the_city_as_it_was_handed_in_is_well() -> None:
    verdict = judge([WANG, LI], [SLIP, Slip("C1", 1, "list")], [FOUND])
    assert (verdict.acknowledged, verdict.found, verdict.silent, verdict.violations) == (1, 1, 0, ())


def test_a_number_that_was_told_and_is_not_at_the_city_is_lost() -> None:
    assert kinds([WANG], [SLIP], []) == [LOST]
    assert judge([WANG], [SLIP], []).found == 0


def test_a_case_of_a_process_killed_before_it_printed_may_be_there_once_and_not_twice() -> None:
    silent = replace(FOUND, case="C2", name=LI.name, id_no=LI.id_no, files=())
    assert judge([WANG, LI], [SLIP], [FOUND, silent]).silent == 1
    assert kinds([WANG, LI], [SLIP], [FOUND, silent, replace(silent, case="C3")]) == [DOUBLED]


def test_a_person_with_a_number_and_a_second_case_is_doubled() -> None:
    assert kinds([WANG], [SLIP], [FOUND, replace(FOUND, case="C2")]) == [DOUBLED]


def test_two_numbers_for_one_person_and_one_number_for_two_people_are_doubled() -> None:
    assert DOUBLED in kinds([WANG], [SLIP, Slip("C2", 1, "list")], [FOUND])
    assert DOUBLED in kinds([WANG, LI], [SLIP, Slip("C1", 2, "apply")], [FOUND])


def test_the_same_number_twice_at_the_city_is_doubled() -> None:
    assert DOUBLED in kinds([WANG], [SLIP], [FOUND, FOUND])


@pytest.mark.parametrize(
    "found",
    [
        replace(FOUND, name="别人"),
        replace(FOUND, origin="430981102205"),
        replace(FOUND, files=("aa", "")),
        replace(FOUND, files=("aa", "cc")),
        replace(FOUND, files=("aa",)),
    ],
)
def test_a_case_that_is_not_what_was_handed_in_is_altered(found: Found) -> None:
    assert kinds([WANG], [SLIP], [found]) == [ALTERED]


def test_a_case_that_nobody_brought_is_strange() -> None:
    assert kinds([WANG], [], [replace(FOUND, id_no="430999197001010035")]) == [STRANGE]
    assert kinds([WANG], [], [replace(FOUND, item="43098101205004")]) == [STRANGE]


def test_the_ledger_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.applicant(WANG)
    ledger.slip(SLIP)
    assert read_ledger(ledger.path) == ([WANG], [SLIP])
    ledger.close()


def test_a_number_counts_as_printed_only_where_it_stands_whole() -> None:
    number = case_id(NodeId(VILLAGE), date(2026, 11, 25), 7)
    told = {True: f'{{\n  "case": "{number}",\n', False: f"已登记（仅本机）：{display_case_id(number)}\n"}
    for as_json, out in told.items():
        assert _number(out, as_json) == number
        assert [_number(out[:cut], as_json) for cut in range(len(out))] == [""] * len(out)
