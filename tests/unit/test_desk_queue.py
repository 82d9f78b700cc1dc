"""The queue of a desk: every case once, the most urgent first, however the pages are cut."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bench.city.histories import Town
from bench.city.rows import rows_of
from bench.city.years import WHOLE, plan
from core.calendar import load_calendar
from core.catalogue import load_catalogue
from core.desk.queue import Filter, queue, states_for
from core.errors import InputError
from core.messages import Role
from core.regions import load_yuanjiang
from core.states import State
from core.store.casebook import CASE
from core.store.officers import Officer
from tests.unit.desk_kit import CITY, Place

LEADER = Officer("lead", "督查", (Role.SUPERVISOR,), "")
CIVIL_AFFAIRS = Officer("012h1", "承办", (Role.HANDLER,), "沅江市民政局(分中心)")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The cases of a city's last two working days, some of them open."""
    town = Town.make(load_calendar(), load_catalogue(), load_yuanjiang(), seed=1)
    return [row for day in plan(town.calendar, WHOLE, seed=1)[-2:] for row in rows_of(town, day).cases]


@pytest.fixture
def place(tmp_path: Path, rows: list[dict[str, Any]]) -> Iterator[Place]:
    made = Place(tmp_path)
    with made.desks[CITY].db.transaction() as tx:
        tx.execute(sa.insert(CASE), rows)
    yield made
    made.network.close()


def of_civil_affairs(row: dict[str, Any]) -> bool:
    items = {one.code for one in load_catalogue().items if one.department.name == CIVIL_AFFAIRS.department}
    return row["department"] == CIVIL_AFFAIRS.department or row["item"] in items


def for_a_handler(row: dict[str, Any]) -> bool:
    return row["holder"] == CITY and row["state"] in states_for(CIVIL_AFFAIRS)


@pytest.mark.parametrize(
    ("officer", "wanted", "belongs"),
    [
        (LEADER, {"holder": "all"}, lambda row: True),
        (LEADER, {"holder": "me"}, lambda row: row["holder"] == CITY),
        (LEADER, {"holder": "all", "origin": "430981102"}, lambda row: row["origin"].startswith("430981102")),
        (LEADER, {"holder": "all", "states": (State.DELIVERED,)}, lambda row: row["state"] == "DELIVERED"),
        (CIVIL_AFFAIRS, {"holder": "all"}, of_civil_affairs),
        (CIVIL_AFFAIRS, {"holder": "todo"}, lambda row: for_a_handler(row) and of_civil_affairs(row)),
    ],
)
@pytest.mark.parametrize("limit", [7, 1000])
def test_page_after_page_shows_every_case_once_in_the_order_of_its_due_date(
    place: Place,
    rows: list[dict[str, Any]],
    officer: Officer,
    wanted: dict[str, Any],
    belongs: Callable[[dict[str, Any]], bool],
    limit: int,
) -> None:
    expected = sorted((row["due_at"] or "~", row["id"]) for row in rows if belongs(row))
    seen: list[str] = []
    after = ""
    with place.desks[CITY].db.reading() as tx:
        while True:
            page = queue(place.desks[CITY], tx, officer, Filter(after=after, **wanted), limit)
            assert page.total == len(expected) and len(page.cases) <= limit
            seen += [case.id for case in page.cases]
            after = page.next
            if not after:
                break
    assert len(expected) > 2
    assert seen == [id_ for _, id_ in expected]


def test_the_page_of_a_torn_address_is_refused_in_words(place: Place) -> None:
    with place.desks[CITY].db.reading() as tx, pytest.raises(InputError) as refused:
        queue(place.desks[CITY], tx, LEADER, Filter("all", after="2015"))
    assert refused.value.code == "desk.page"
