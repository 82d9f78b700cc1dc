"""A village's question at the city's desk: it has its clock, and answering it on the page sends the answer back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.desk import wings
from city_node.office import CityOffice
from city_node.supervision.board import matters
from core.consultation import (
    CONSULTATION_ANSWERED,
    ConsultationAsked,
    decode_answered,
    decode_asked,
    encode_consultation,
)
from core.desk.web import desk_app
from core.errors import InputError
from core.messages import Role
from sync.stream_id import Lane
from sync.tables import MESSAGE
from tests.scenarios.world import CITY
from tests.unit.desk_kit import PASSWORD, VILLAGE, Place
from tests.unit.test_desk_pages import hidden, sign_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.hire(CITY, "du", "刘督查", Role.SUPERVISOR)
    yield made
    made.network.close()


def asked(place: Place, words: str = "低保要多久") -> ConsultationAsked:
    """A question said by the village and carried to the city."""
    world = place.network.world
    one = ConsultationAsked(
        world.random_bytes(16).hex(), VILLAGE, "李代办", world.now(), "王秀英", "13800138000", "民政局", words
    )
    node = place.network.nodes[VILLAGE]
    with node.db.transaction() as tx:
        node.say(tx, [CITY], Lane.INTAKE, "ConsultationAsked", encode_consultation(one))
    place.network.settle(3)
    return one


def browser(place: Place) -> TestClient:
    office = place.offices[CITY]
    assert isinstance(office, CityOffice)
    made = TestClient(desk_app(place.desks[CITY], *wings(office)), base_url="http://desk")
    sign_in(made, "du", PASSWORD)
    return made


def test_a_village_s_question_is_answered_on_the_page_and_the_answer_goes_to_that_village(
    place: Place,
) -> None:
    one, page = asked(place), browser(place)
    shown = page.get("/supervision/matters").text
    assert "低保要多久" in shown
    data = {"csrf": hidden(shown, "csrf"), "answer": "受理后五个工作日"}
    assert page.post(f"/supervision/matters/{one.id}", data=data).status_code == 200
    with place.desks[CITY].db.reading() as tx:
        sent = tx.scalars(sa.select(MESSAGE.c.body).where(MESSAGE.c.type == CONSULTATION_ANSWERED)).all()
    (answer,) = [decode_answered(bytes(body)) for body in sent]
    assert (answer.id, answer.officer, answer.answer) == (one.id, "刘督查", "受理后五个工作日")


def test_a_question_said_twice_is_one_matter(place: Place) -> None:
    one = asked(place)
    node = place.network.nodes[VILLAGE]
    with node.db.transaction() as tx:
        node.say(tx, [CITY], Lane.INTAKE, "ConsultationAsked", encode_consultation(one))
    place.network.settle(3)
    with place.desks[CITY].db.reading() as tx:
        assert [row.id for row in matters(tx)] == [one.id]


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"id":"x"}',
        b"not json",
        b'{"agent":"a","at":"2026-03-02T01:00:00.000Z","department":"d","id":"'
        + b"0" * 32
        + b'","node":"430981102202","person":"p","phone":"","words":""}',
    ],
)
def test_what_is_no_question_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        decode_asked(data)
