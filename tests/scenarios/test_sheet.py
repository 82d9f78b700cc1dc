"""Every way in which the books of a day can differ is made on purpose, shown with its cause, and mended by what is offered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.sheet import Side
from tests.scenarios.books import Books
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import TOWN


@pytest.fixture
def books(morning: Offices, tmp_path: Path) -> Iterator[Books]:
    city = Books.like(morning, tmp_path / "city", 4)
    city.settle(2)
    city.told()
    yield city
    city.close()


def test_a_case_that_all_three_hold_is_level(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    line = books.line(VILLAGE)
    assert (line.counts.taken_in, line.counts.forwarded, line.counts.received) == (1, 1, 1)
    assert len(set(line.digests.values())) == 1 and set(line.digests) == set(Side)
    assert line.unconfirmed == 0
    assert books.differences() == [], case


def test_the_city_learns_a_village_s_own_figures_though_it_meets_only_the_township(books: Books) -> None:
    books.submit(VILLAGE)
    books.beat(VILLAGE)
    books.meet(VILLAGE)
    books.meet(TOWN)
    books.draw()
    assert Side.VILLAGE in books.line(VILLAGE).digests
