"""The report counts what happened: accepted, completed, in time, in transit, by month and township."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.ledgers import pages, report
from city_node.ledgers.book import LEDGER, Ledger
from city_node.office import CityOffice
from core.case import Case
from core.desk.web import desk_app
from core.desk.xlsx import read_rows
from core.messages import Role
from tests.scenarios.world import CITY, TOWN
from tests.unit.desk_kit import PASSWORD, Place
from tests.unit.test_desk_pages import sign_in

SPAN = report.Span("2026-01-01", "2026-12-31")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.hire(CITY, "du", "督查", Role.SUPERVISOR)
    yield made
    made.network.close()


def decided(place: Place, *, after_days: int) -> Case:
    case = place.do(CITY, "cw", "accept", place.at_city(place.item()))
    place.do(CITY, "cw", "assign", case, officer="ch")
    place.network.world.pass_time(days=after_days)
    place.do(CITY, "ch", "handle", case, recommend="grant")
    place.do(CITY, "cr", "review", case, recommend="grant")
    return place.do(CITY, "cd", "decide", case, outcome="grant", document="沅民〔2026〕1号")


def office(place: Place) -> CityOffice:
    found = place.offices[CITY]
    assert isinstance(found, CityOffice)
    return found


def accepted(place: Place, by: str = "month") -> list[dict[str, object]]:
    db = place.desks[CITY].db
    office(place).supervisor.catch_up(db)
    with db.reading() as tx:
        return report.accepted(tx, by, SPAN)


def test_the_report_tells_accepted_completed_and_in_time_apart(place: Place) -> None:
    decided(place, after_days=1)
    decided(place, after_days=20)
    place.do(CITY, "cw", "accept", place.at_city(place.item()))
    row = report.total(accepted(place))
    assert (row["accepted"], row["completed"], row["late"]) == (3, 2, 1)
    assert row["completed_share"] == pytest.approx(2 / 3) and row["in_time_share"] == 0.5


def test_a_month_is_that_of_the_clock_on_the_wall_in_china(place: Place) -> None:
    world = place.network.world
    # 2026-03-31 16:30 UTC is already April in China.
    world.pass_time(days=29, hours=15, minutes=30)
    place.do(CITY, "cw", "accept", place.at_city(place.item()))
    assert [row["key"] for row in accepted(place)] == ["2026-04"]


def test_time_in_transit_is_what_passed_before_the_city_saw_the_case(place: Place) -> None:
    case = place.submit(place.item())
    place.network.world.pass_time(hours=5)
    place.do(TOWN, "tw", "forward", case)
    place.network.settle(2)
    with place.desks[CITY].db.reading() as tx:
        transit = tx.scalar(sa.select(LEDGER.c.transit_s).where(LEDGER.c.case_id == case.id))
    # The city reads the village's envelope when the township has passed it on, at once.
    assert transit is not None and transit < 5 * 3600


def test_cases_of_before_the_ledger_are_entered_and_counted_once(place: Place) -> None:
    decided(place, after_days=1)
    db = place.desks[CITY].db
    before = accepted(place)
    with db.transaction() as tx:
        tx.execute(sa.delete(LEDGER))
    again = Ledger(office(place), place.network.world)
    assert again.catch_up(db) == 1 and again.catch_up(db) == 0
    after = accepted(place)
    assert [row["completed"] for row in after] == [row["completed"] for row in before]


def test_the_page_shows_charts_and_the_spreadsheet_has_the_same_figures(place: Place) -> None:
    decided(place, after_days=1)
    browser = TestClient(desk_app(place.desks[CITY], pages.wing(), *_board(place)), base_url="http://desk")
    sign_in(browser, "du", PASSWORD)
    for by in report.BY:
        page = browser.get(f"/reports?by={by}&since=2026-01-01&until=2026-12-31").text
        assert "办结率" in page and "<svg" in page and "100.0%" in page, by
    sheet = browser.get("/reports?since=2026-01-01&until=2026-12-31&format=xlsx").content
    rows = [values for _, values in read_rows(sheet)]
    assert rows[0][1:4] == ["受理", "办结", "办结率"] and rows[1][1:4] == [1, 1, 1]
    assert browser.get("/reports?since=immer").status_code == 400


def test_one_case_left_of_many_is_a_hundred_percent_neither_on_the_page_nor_in_the_spreadsheet(
    place: Place,
) -> None:
    decided(place, after_days=1)
    place.do(CITY, "cw", "accept", place.at_city(place.item()))
    with place.desks[CITY].db.transaction() as tx:
        line = tx.execute(sa.select(LEDGER).where(LEDGER.c.completed_on.is_not(None))).mappings().one()
        others = [dict(line) | {"case_id": f"{line['case_id'][:20]}9{number:05}"} for number in range(2_498)]
        tx.execute(sa.insert(LEDGER), others)
    browser = TestClient(desk_app(place.desks[CITY], pages.wing(), *_board(place)), base_url="http://desk")
    sign_in(browser, "du", PASSWORD)
    address = "/reports?by=region&since=2026-01-01&until=2026-12-31"
    assert "<strong>2,500</strong>" in (page := browser.get(address).text)
    assert "<strong>99.9%</strong>办结率" in page
    rows = [values for _, values in read_rows(browser.get(f"{address}&format=xlsx").content)]
    assert rows[1][1:4] == [2500, 2499, 0.999]


def test_an_officer_of_a_department_sees_the_figures_of_that_department_only(place: Place) -> None:
    decided(place, after_days=1)
    place.hire(CITY, "fremd", "林业窗口", Role.WINDOW, department="沅江市林业局")
    browser = TestClient(desk_app(place.desks[CITY], pages.wing(), *_board(place)), base_url="http://desk")
    sign_in(browser, "fremd", PASSWORD)
    assert "没有受理办件" in browser.get("/reports?since=2026-01-01&until=2026-12-31").text


def _board(place: Place) -> list[object]:
    from city_node.supervision.pages import SupervisionPages

    return [SupervisionPages(office(place).supervisor).wing()]
