"""Cards come by themselves at the second they are due, to those they concern, and go when they were not due."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.office import CityOffice
from city_node.supervision import board
from city_node.supervision.acts import act_on, open_matter
from city_node.supervision.pages import SupervisionPages
from city_node.supervision.supervisor import Supervisor, Swept
from city_node.supervision.tables import CARD, CARD_STEP, WATCH
from core.case import Case
from core.clock import from_iso
from core.desk.web import desk_app
from core.errors import LiandongError
from core.items import Item
from core.messages import Role
from tests.scenarios.world import CITY
from tests.unit.desk_kit import PASSWORD, Place
from tests.unit.test_desk_pages import sign_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.hire(CITY, "du", "督查", Role.SUPERVISOR)
    made.hire(CITY, "du2", "督查二", Role.SUPERVISOR)
    made.hire(CITY, "tou", "窗口负责人", Role.WINDOW_HEAD)
    yield made
    made.network.close()


def supervisor_of(place: Place) -> Supervisor:
    office = place.offices[CITY]
    assert isinstance(office, CityOffice)
    return office.supervisor


def sweep(place: Place) -> Swept:
    with place.desks[CITY].db.transaction() as tx:
        return supervisor_of(place).sweep(tx)


def accepted(place: Place) -> Case:
    """A case of five working days, accepted on Monday 2026-03-02."""
    case = place.at_city(place.item())
    return place.do(CITY, "cw", "accept", case)


def cards(place: Place) -> list[tuple[str, str, str]]:
    """Card, instant and status, the oldest first."""
    with place.desks[CITY].db.reading() as tx:
        rows = tx.execute(sa.select(CARD).order_by(CARD.c.since)).all()
    return [(row.card, row.since, row.status) for row in rows]


def pass_to(place: Place, instant: datetime) -> None:
    world = place.network.world
    world.pass_time(seconds=(instant - world.now()).total_seconds())


def test_a_card_hangs_from_its_very_second_and_not_a_second_before(place: Place) -> None:
    case = accepted(place)
    assert sweep(place) == Swept(looked_at=1)
    with place.desks[CITY].db.reading() as tx:
        due = from_iso(str(tx.scalar(sa.select(WATCH.c.look_at).where(WATCH.c.key == case.id))))
    pass_to(place, due - timedelta(seconds=1))
    assert sweep(place).issued == 0 and cards(place) == []
    pass_to(place, due)
    assert sweep(place).issued == 1
    assert [(card, from_iso(since)) for card, since, _ in cards(place)] == [("warning", due)]
    assert sweep(place) == Swept()


def test_a_case_that_nobody_looked_at_for_months_has_got_every_card_of_its_way(place: Place) -> None:
    accepted(place)
    place.network.world.pass_time(days=120)
    assert sweep(place).issued == 3
    found = cards(place)
    assert [card for card, _, _ in found] == ["warning", "yellow", "red"]
    instants = [from_iso(since) for _, since, _ in found]
    assert instants == sorted(instants) and instants[-1] < place.network.world.now() - timedelta(days=60)


def test_a_case_of_before_there_was_supervision_is_looked_at_too(place: Place) -> None:
    case = accepted(place)
    db = place.desks[CITY].db
    with db.transaction() as tx:
        tx.execute(sa.delete(WATCH))
    again = Supervisor(place.offices[CITY], place.network.world)
    place.network.world.pass_time(days=120)
    assert again.catch_up(db) == Swept(looked_at=1, issued=3)
    with db.reading() as tx:
        assert tx.scalars(sa.select(WATCH.c.key)).all() == [case.id]


def test_the_cards_are_the_same_however_often_somebody_looked(place: Place, tmp_path: Path) -> None:
    (tmp_path / "often").mkdir()
    seldom, often = place, Place(tmp_path / "often")
    for one, looks in ((seldom, 1), (often, 60)):
        accepted(one)
        for _ in range(looks):
            one.network.world.pass_time(days=60 / looks)
            sweep(one)
    coarse, fine = ([(card, since[:16]) for card, since, _ in cards(one)] for one in (seldom, often))
    often.network.close()
    assert coarse == fine and len(fine) == 3


def test_a_card_goes_to_whoever_has_the_case_to_the_head_of_the_window_and_to_the_supervisors(
    place: Place,
) -> None:
    case = accepted(place)
    place.do(CITY, "cw", "assign", case, officer="ch")
    place.network.world.pass_time(days=40)
    sweep(place)
    with place.desks[CITY].db.reading() as tx:
        told = tx.scalars(sa.select(CARD.c.told)).all()
        officers = set(tx.scalars(sa.select(CARD.c.officer)).all())
    assert officers == {"ch"}
    assert set(told) == {'["ch", "du", "du2", "tou"]'}


def test_a_decision_that_was_in_time_but_arrives_late_takes_its_cards_back(place: Place) -> None:
    case = accepted(place)
    place.network.world.pass_time(days=40)
    sweep(place)
    book = place.offices[CITY].casebook
    with place.desks[CITY].db.transaction() as tx:
        whole = book.get(tx, case.id)
        assert whole.accepted_at is not None
        # The book is told of the end as of a message that was long on its way.
        book._write(tx, replace(whole, completed_at=whole.accepted_at + timedelta(hours=1)))
    swept = sweep(place)
    assert swept.withdrawn == 3
    assert {status for _, _, status in cards(place)} == {"withdrawn"}
    with place.desks[CITY].db.reading() as tx:
        assert board.in_force(tx) == {"red": 0, "yellow": 0, "warning": 0}
        words = tx.scalars(sa.select(CARD_STEP.c.words).where(CARD_STEP.c.what == "withdrawn")).all()
    assert all("重新核算" in one for one in words)


def test_the_clock_stands_in_a_special_procedure_which_has_a_clock_of_its_own(place: Place) -> None:
    case = place.at_city(_with_procedure(place))
    case = place.do(CITY, "cw", "accept", case)
    item = place.offices[CITY].shelf.item(case.item, case.catalogue_version)
    assert item is not None
    place.do(CITY, "cw", "suspend", case, procedure=item.special_procedures[0].name, days="2")
    place.network.world.pass_time(days=30)
    sweep(place)
    with place.desks[CITY].db.reading() as tx:
        found = {(row.subject, row.card) for row in tx.execute(sa.select(CARD))}
    assert ("special_procedure", "red") in found


def _with_procedure(place: Place) -> Item:
    items = place.offices[CITY].shelf.catalogues.versions[-1].items
    return next(
        one
        for one in items
        if one.special_procedures
        and one.decide_tier == "city"
        and not one.confidential
        and not one.is_immediate
    )


def act(place: Place, by: str, name: str, words: str = "已联系", seen: str | None = None) -> None:
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        card = tx.execute(sa.select(CARD).order_by(CARD.c.since.desc())).first()
        assert card is not None
        act_on(tx, desk.world, desk.audit, desk.roster.get(tx, by), card.id, name, words, seen or card.status)


def red(place: Place) -> None:
    case = accepted(place)
    place.do(CITY, "cw", "assign", case, officer="ch")
    place.network.world.pass_time(days=120)
    sweep(place)


def test_a_card_is_explained_appealed_and_withdrawn_and_all_of_it_stays_in_its_history(place: Place) -> None:
    red(place)
    act(place, "ch", "explain", "等待民政部门核对")
    act(place, "tou", "appeal", "外部核对超时，不可归责")
    act(place, "du", "withdraw", "申诉成立")
    with place.desks[CITY].db.reading() as tx:
        card = tx.execute(sa.select(CARD).order_by(CARD.c.since.desc())).first()
        assert card is not None
        steps = [(one.what, one.officer, one.words) for one in board.steps(tx, card.id)]
    assert steps == [
        ("issued", "", ""),
        ("explained", "ch", "等待民政部门核对"),
        ("appealed", "tou", "外部核对超时，不可归责"),
        ("withdrawn", "du", "申诉成立"),
    ]
    assert sweep(place) == Swept(), "a sweep does not bring back what a person withdrew"
    assert cards(place)[-1][2] == "withdrawn"
    assert [line[1] for line in place.audit_lines(CITY)][-3:] == [
        "card.explain",
        "card.appeal",
        "card.withdraw",
    ]


@pytest.mark.parametrize(
    ("by", "name", "code"),
    [
        ("cw", "explain", "card.not_yours"),
        ("ch", "withdraw", "card.not_yours"),
        ("du", "uphold", "card.status"),
        ("du", "sing", "card.act"),
    ],
)
def test_who_may_not_is_refused_in_words_and_nothing_changes(
    place: Place, by: str, name: str, code: str
) -> None:
    red(place)
    before = cards(place)
    with pytest.raises(LiandongError) as refused:
        act(place, by, name)
    assert refused.value.code == code
    assert cards(place) == before


def test_of_two_who_act_on_a_card_at_once_the_second_is_told(place: Place) -> None:
    red(place)
    act(place, "ch", "explain")
    with pytest.raises(LiandongError) as refused:
        act(place, "du", "withdraw", seen="issued")
    assert refused.value.code == "card.moved"


def test_nobody_takes_back_a_card_of_their_own(place: Place) -> None:
    red(place)
    with place.desks[CITY].db.transaction() as tx:
        tx.execute(sa.update(CARD).values(officer="du"))
    with pytest.raises(LiandongError) as refused:
        act(place, "du", "withdraw")
    assert refused.value.code == "card.not_yours"
    act(place, "du2", "withdraw")


def test_a_complaint_that_nobody_answers_gets_cards_too(place: Place) -> None:
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        officer = desk.roster.get(tx, "du")
        open_matter(
            tx,
            desk.world,
            desk.audit,
            officer,
            CITY,
            subject="complaint",
            person="李某",
            phone="",
            words="等了一上午",
            department="民政局",
        )
    place.network.world.pass_time(days=60)
    assert sweep(place).issued == 3
    with desk.db.reading() as tx:
        assert board.in_force(tx)["red"] == 1
        assert [row["who"] for row in board.by(tx, "department", datetime(2026, 1, 1, tzinfo=UTC))] == [
            "民政局"
        ]


def test_the_board_shows_what_hangs_and_leads_to_the_card_where_it_is_withdrawn(place: Place) -> None:
    red(place)
    wing = SupervisionPages(supervisor_of(place)).wing()
    browser = TestClient(desk_app(place.desks[CITY], wing), base_url="http://desk")
    sign_in(browser, "du", PASSWORD)
    page = browser.get("/supervision").text
    assert "电子监察" in page and "<svg" in page and "民政" in page
    with place.desks[CITY].db.reading() as tx:
        card = tx.execute(sa.select(CARD).order_by(CARD.c.since.desc())).first()
    assert card is not None
    assert f"/supervision/card/{card.id}" in browser.get("/supervision/cards?card=red").text
    form = browser.get(f"/supervision/card/{card.id}").text
    csrf = form.partition('name="csrf" value="')[2].partition('"')[0]
    answer = browser.post(
        f"/supervision/card/{card.id}/do/withdraw",
        data={"csrf": csrf, "status": "issued", "words": "核实无误"},
    )
    assert answer.status_code == 200 and "已撤" in answer.text and "核实无误" in answer.text
    sheet = browser.get("/supervision?format=xlsx")
    assert sheet.headers["content-type"].endswith("sheet") and sheet.content[:2] == b"PK"


def test_the_board_is_no_business_of_the_auditor(place: Place) -> None:
    place.hire(CITY, "au", "审计", Role.AUDITOR)
    wing = SupervisionPages(supervisor_of(place)).wing()
    browser = TestClient(desk_app(place.desks[CITY], wing), base_url="http://desk")
    sign_in(browser, "au", PASSWORD)
    answer = browser.get("/supervision")
    assert answer.status_code == 403 and "审计员" in answer.text
    assert place.audit_lines(CITY)[-1][1] == "desk.refused"
