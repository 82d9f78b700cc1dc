"""What a citizen is told while something is not here: the disk, the catalogue, the calendar, the envelope."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.case import Case
from core.desk.public.claim import Proof
from core.desk.public.standing import standing_of
from core.desk.web import public_app
from core.slip_code import slip_text
from core.store.refusals import CommitUnknown
from tests.unit.desk_kit import CITY, Place
from tests.unit.test_public_pages import ask, completed, rate, wing


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


@pytest.fixture
def visitor(place: Place) -> TestClient:
    return TestClient(public_app(place.desks[CITY], wing(place)), base_url="http://public")


def rows(place: Place, case: Case) -> dict[str, str]:
    return dict(standing_of(place.desks[CITY], case, Proof.DIGITS, None).rows)


def accepted(place: Place) -> Case:
    return place.do(CITY, "cw", "accept", place.at_city())


def test_a_disk_that_refuses_is_no_fault_of_whoever_asks_or_rates(place: Place, visitor: TestClient) -> None:
    case = completed(place)
    page = ask(visitor, case.id).text
    place.desks[CITY].db.in_doubt = CommitUnknown("store.commit_unknown", zh="写盘结果未知。", en="Unknown.")
    for answer in (ask(visitor, case.id), rate(visitor, page)):
        assert answer.status_code == 503 and "写盘结果未知" in answer.text
        assert 'name="proof"' not in answer.text, "the form does not ask to type it again"
    place.desks[CITY].db.reopen()
    assert "评价已收到" in rate(visitor, page).text


def test_a_case_whose_catalogue_is_not_here_is_named_by_its_code(place: Place) -> None:
    case = replace(accepted(place), catalogue_version=9)
    assert rows(place, case)["事项"] == case.item
    asked = place.do(CITY, "cw", "supplement", place.at_city(), missing=["户口簿"], field=["household_size"])
    told = standing_of(place.desks[CITY], replace(asked, catalogue_version=9), Proof.DIGITS, None)
    assert told.missing == ("户口簿",)


def test_while_the_calendar_of_the_year_is_not_out_no_day_is_promised(place: Place) -> None:
    case = accepted(place)
    promised = {"应办结时间", "剩余时限"}
    assert promised <= set(rows(place, case))
    assert case.accepted_at is not None
    beyond = replace(case, accepted_at=case.accepted_at.replace(year=2060))
    assert not promised & set(rows(place, beyond))


def test_a_clock_that_stands_is_told_as_standing(place: Place) -> None:
    current = place.offices[CITY].shelf.catalogues.current(place.offices[CITY].shelf.today)
    item = next(
        one
        for one in current.items
        if one.special_procedures and one.decide_tier == "city" and not one.confidential
    )
    case = place.do(CITY, "cw", "accept", place.at_city(item))
    assert "个工作日" in rows(place, case)["剩余时限"]
    case = place.do(CITY, "cw", "suspend", case, procedure=item.special_procedures[0].name, days="1")
    assert "暂停计时" in rows(place, case)["剩余时限"]


@pytest.mark.parametrize(("outcome", "told"), [("grant", "准予"), ("deny", "不予批准")])
def test_what_was_decided_is_told_with_its_day_and_no_limit_runs_any_more(
    place: Place, outcome: str, told: str
) -> None:
    case = accepted(place)
    assert "结果" not in rows(place, case)
    place.do(CITY, "cw", "assign", case, officer="ch")
    place.do(CITY, "ch", "handle", case, recommend=outcome)
    place.do(CITY, "cr", "review", case, recommend=outcome)
    case = place.do(CITY, "cd", "decide", case, outcome=outcome, reason="依法决定")
    assert rows(place, case)["结果"] == told and rows(place, case)["办结时间"].startswith("2026-03-02")
    assert not {"应办结时间", "剩余时限"} & set(rows(place, case))


def test_a_slip_is_told_true_before_anybody_signed_for_its_envelope(
    place: Place, visitor: TestClient
) -> None:
    case = accepted(place)
    told = standing_of(place.desks[CITY], case, Proof.SLIP, None)
    assert ["登记" in line for line in told.slip] == [True, True, False] and "户口簿" in told.slip[-1]
    assert "送达市级并生效" in ask(visitor, slip_text(case), "").text
