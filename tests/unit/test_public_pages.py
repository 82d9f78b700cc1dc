"""The public pages tell a citizen of their own case, and nobody anything of anyone else's."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.office import CityOffice
from city_node.ratings.pages import RatingPages
from city_node.ratings.register import Register, counted
from city_node.ratings.tables import RATING
from core.case import Case
from core.clock import CHINA
from core.desk.public import claim as claims
from core.desk.public.claim import Claim, Proof, find_claimed, read_claim
from core.desk.public.doorkeeper import (
    PER_ADDRESS,
    PER_CASE,
    TICKET_S,
    Doorkeeper,
    TooOften,
    network_of,
    visitor_address,
)
from core.desk.public.pages import PublicPages
from core.desk.web import desk_app, public_app
from core.errors import InputError
from core.identifiers import CaseId, case_id
from core.slip_code import read_code, slip_code, slip_text
from core.store.casebook import Casebook
from tests.unit.desk_kit import CITY, ID_NO, PASSWORD, TOWN, VILLAGE, Place
from tests.unit.test_desk_pages import hidden, sign_in

LAST_FOUR = ID_NO[-4:]
PAGE_BYTES_MAX = 10_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


@pytest.fixture
def visitor(place: Place) -> TestClient:
    return TestClient(public_app(place.desks[CITY], wing(place)), base_url="http://public")


def office(place: Place) -> CityOffice:
    city = place.offices[CITY]
    assert isinstance(city, CityOffice)
    return city


def wing(place: Place) -> object:
    return PublicPages(office(place).doorkeeper).wing()


def ask(visitor: TestClient, number: str, proof: str = LAST_FOUR, address: str = "203.0.113.9") -> object:
    # The client of this test stands for a proxy on this machine.
    visitor._transport.client = ("127.0.0.1", 50000)
    return visitor.post(
        "/public", data={"number": number, "proof": proof}, headers={"x-forwarded-for": address}
    )


def completed(place: Place) -> Case:
    case = place.at_city()
    return place.do(CITY, "cw", "refuse", case, ground="第三十二条", reason="不属于本机关职权")


def unknown_number() -> CaseId:
    return case_id(VILLAGE, place_day(), 777)


def place_day() -> object:
    from datetime import date

    return date(2026, 3, 2)


def rate(visitor: TestClient, page: str, level: str = "1", text: str = "") -> object:
    return visitor.post("/public/rate", data={"ticket": hidden(page, "ticket"), "level": level, "text": text})


def test_number_and_last_four_show_where_the_case_stands(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    answer = ask(visitor, case.id)
    assert answer.status_code == 200
    for wanted in ("农村居民最低生活保障申请", "王××", "已受理", "2026-03-09", "5 个工作日", "沅江市"):
        assert wanted in answer.text, wanted
    assert "回执属实" not in answer.text


def test_nothing_of_a_person_is_shown_but_a_covered_name(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    for number, proof in ((case.id, LAST_FOUR), (slip_text(case), "")):
        page = ask(visitor, number, proof).text
        for hidden_ in (
            "王小明",
            ID_NO,
            ID_NO[:6],
            LAST_FOUR,
            "13800138000",
            "三组十二号",
            "代办员",
            "镇窗口",
        ):
            assert hidden_ not in page, hidden_


def test_what_is_missing_is_told_to_whoever_may_know_it(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "supplement", case, missing=["户口簿"], field=["household_size"])
    page = ask(visitor, case.id).text
    assert "户口簿" in page and "家庭人口" in page and "请补交或改正" in page


def test_a_slip_is_true_when_its_code_is_and_the_receipts_tell_the_rest(
    place: Place, visitor: TestClient
) -> None:
    case = place.at_city()
    place.network.settle(2)
    page = ask(visitor, slip_text(case), "").text
    for wanted in ("回执属实", "2026-03-02", "送达市级并生效", "已入库办理", "户口簿　原件 1　复印件 1"):
        assert wanted in page, wanted
    code = slip_code(case)
    assert "回执属实" in ask(visitor, case.id, f"{code[:4]}-{code[4:]}".lower()).text
    assert "回执属实" in visitor.get(f"/public/slip/{slip_text(case)}").text
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    assert ask(visitor, case.id, wrong).status_code == 404


def test_the_village_prints_the_code_that_the_city_knows(place: Place) -> None:
    case = place.at_city()
    with place.network.nodes[VILLAGE].db.reading() as tx:
        here = place.offices[VILLAGE].casebook.get(tx, case.id)
    assert slip_code(here) == slip_code(case) and len(slip_text(here)) == 34
    assert slip_code(place.at_city()) != slip_code(case)
    assert read_code("k7q2-m9xo") == "K7Q2M9X0" and read_code("U" * 8) == "" and read_code("") == ""


def test_wrong_digits_and_an_unknown_number_look_the_same_and_take_the_same_way(
    place: Place, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = place.at_city()
    reads: list[str] = []
    find, compare = Casebook.find, claims.hmac.compare_digest
    monkeypatch.setattr(
        Casebook,
        "find",
        lambda book, tx, id_: reads.append(str(find(book, tx, id_) and "read")) or find(book, tx, id_),
    )
    monkeypatch.setattr(
        claims.hmac, "compare_digest", lambda one, two: reads.append("compared") or compare(one, two)
    )
    seen = {}
    for name, number, proof in (
        ("wrong digits", case.id, "0000"),
        ("unknown", unknown_number(), LAST_FOUR),
        ("wrong slip", case.id, "00000000"),
        ("unknown slip", unknown_number(), "00000000"),
    ):
        reads.clear()
        answer = ask(visitor, number, proof)
        seen[name] = (answer.status_code, answer.text, reads.count("read"), reads.count("compared"))
    assert len(set(seen.values())) == 1, seen
    assert seen["unknown"][0] == 404 and seen["unknown"][2:] == (1, 1)


def test_where_there_is_no_case_at_all_none_is_found(place: Place, visitor: TestClient) -> None:
    assert ask(visitor, unknown_number()).status_code == 404


def test_a_short_document_number_cannot_be_matched_by_its_end(place: Place) -> None:
    case = place.at_city()
    book = place.offices[CITY].casebook
    db = place.desks[CITY].db
    with db.transaction() as tx:
        book._write(tx, replace(case, applicant=replace(case.applicant, id_no="A1")))
    with db.reading() as tx:
        for shown in ("00A1", "A1A1"):
            assert find_claimed(tx, book, Claim(case.id, Proof.DIGITS, shown)) is None


@pytest.mark.parametrize(
    ("number", "proof"),
    [
        ("", ""),
        ("1" * 26, LAST_FOUR),
        ("430981102202" * 40, LAST_FOUR),
        ("' or 1=1 --", "' or"),
        ("<script>alert(1)</script>", "0000"),
        ("\u202e430981\x00", "\x00\x00\x00\x00"),
        ("../../etc/passwd", "0000"),
        ("４３０９８１", "００００"),
    ],
)
def test_hostile_input_is_answered_in_words_and_echoed_harmlessly(
    place: Place, visitor: TestClient, number: str, proof: str
) -> None:
    answer = ask(visitor, number, proof)
    assert answer.status_code == 400 and "没有办成" in answer.text
    assert "<script" not in answer.text and len(answer.content) < PAGE_BYTES_MAX
    assert visitor.get("/public/slip/%3Cscript%3E").status_code == 400


def test_a_proof_of_another_form_is_named_and_full_width_is_forgiven(
    place: Place, visitor: TestClient
) -> None:
    case = place.at_city()
    for proof in ("", "12", "12345", "12 4%"):
        answer = ask(visitor, case.id, proof)
        assert answer.status_code == 400 and "后四位" in answer.text
    wide = "".join(chr(ord(char) + 0xFEE0) for char in LAST_FOUR)
    assert ask(visitor, case.id, wide.lower()).status_code == 200
    with pytest.raises(InputError, match=r"public\.proof"):
        read_claim(case.id, "四四四四")


def test_no_page_is_as_large_as_ten_kilobytes_or_holds_a_script_or_an_outside_address(
    place: Place, visitor: TestClient
) -> None:
    case = completed(place)
    style = visitor.get("/public/style.css")
    for answer in (
        visitor.get("/public"),
        ask(visitor, slip_text(case), ""),
        ask(visitor, unknown_number()),
        ask(visitor, "x"),
        visitor.get("/nowhere"),
        visitor.get("/"),
    ):
        assert len(answer.content) + len(style.content) < PAGE_BYTES_MAX
        assert "<script" not in answer.text and "style=" not in answer.text
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert style.headers["content-type"].startswith("text/css")


def test_one_number_is_not_guessed_at_and_an_unknown_one_is_limited_alike(
    place: Place, visitor: TestClient
) -> None:
    case = place.at_city()
    for number in (case.id, unknown_number()):
        for count in range(5):
            assert ask(visitor, number, f"{count:04d}", f"198.51.100.{count}").status_code == 404
        answer = ask(visitor, number, "0009", "198.51.100.99")
        assert answer.status_code == 429 and "过于频繁" in answer.text
        assert answer.headers["retry-after"] == "7200"
    assert ask(visitor, case.id).status_code == 429, "the right digits do not tell themselves by passing"
    assert ask(visitor, slip_text(case), "").status_code == 200, "a slip is no guess"
    place.network.world.pass_time(seconds=7201)
    assert ask(visitor, case.id).status_code == 200


def test_whoever_is_right_may_look_as_often_as_an_address_may(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    for _ in range(PER_ADDRESS.burst):
        assert ask(visitor, case.id).status_code == 200
    answer = ask(visitor, case.id)
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) <= PER_ADDRESS.every_s
    assert ask(visitor, case.id, address="203.0.113.10").status_code == 200
    place.network.world.pass_time(seconds=PER_ADDRESS.every_s)
    assert ask(visitor, case.id).status_code == 200


def test_the_keeper_remembers_no_more_than_it_may_and_then_lets_nobody_new_in(place: Place) -> None:
    world = place.network.world
    keeper = Doorkeeper(world, buckets_max=10)
    for number in range(10):
        keeper.admit(f"192.0.2.{number}")
    with pytest.raises(TooOften) as refused:
        keeper.admit("192.0.2.200")
    assert keeper.remembered == 10 and refused.value.retry_after_s >= 1
    keeper.admit("192.0.2.1")
    world.pass_time(seconds=PER_ADDRESS.every_s)
    keeper.admit("192.0.2.200")
    assert keeper.remembered == 2, "what is full again is forgotten"


def test_a_count_that_was_forgotten_is_not_paid_back_to_whoever_is_right_afterwards(place: Place) -> None:
    world = place.network.world
    keeper, claim = Doorkeeper(world, buckets_max=1), Claim(unknown_number(), Proof.DIGITS, LAST_FOUR)
    keeper.admit_claim(claim)
    world.pass_time(seconds=PER_CASE[Proof.DIGITS].every_s)
    keeper.admit("192.0.2.1")
    keeper.was_right(claim)
    assert keeper.remembered == 1, "of the number nothing is remembered"
    world.pass_time(seconds=PER_ADDRESS.every_s)
    for _ in range(PER_CASE[Proof.DIGITS].burst):
        keeper.admit_claim(claim)
    with pytest.raises(TooOften):
        keeper.admit_claim(claim)


def test_addresses_are_counted_by_household_and_a_stranger_cannot_name_another() -> None:
    assert (
        network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1") != network_of("2001:db8:1:3::1")
    )
    assert network_of("::ffff:203.0.113.9") == network_of("203.0.113.9")
    assert network_of("testclient") == "testclient"
    assert visitor_address("203.0.113.9", "1.2.3.4") == "203.0.113.9"
    assert visitor_address("127.0.0.1", "1.2.3.4, 203.0.113.9") == "203.0.113.9"
    assert visitor_address("127.0.0.1", "") == "127.0.0.1"
    assert visitor_address("socket", "1.2.3.4") == "socket"


def test_a_completed_case_is_rated_once_by_each_proof_and_the_rating_travels(
    place: Place, visitor: TestClient
) -> None:
    case = completed(place)
    page = ask(visitor, case.id).text
    assert "很热心" not in page
    done = rate(visitor, page, "2", "很热心")
    assert done.status_code == 200 and "评价已收到" in done.text
    again = rate(visitor, page, "5")
    assert again.status_code == 409 and "已经评价过" in again.text
    page = ask(visitor, case.id).text
    assert "您的评价：满意" in page and 'name="ticket"' not in page
    assert rate(visitor, ask(visitor, slip_text(case), "").text, "1").status_code == 200
    place.network.settle(3)
    for node in (CITY, TOWN, VILLAGE):
        with place.network.nodes[node].db.reading() as tx:
            ratings = place.offices[node].casebook.get(tx, case.id).ratings
        assert sorted((one.body.level, one.mark.actor.officer) for one in ratings) == [
            (1, "public-slip"),
            (2, "public-digits"),
        ]
    assert [line[:2] for line in place.audit_lines(CITY)].count(("public-digits", "case.rated")) == 1


def test_a_case_that_is_not_completed_is_not_rated(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    assert "评价这次服务" not in ask(visitor, case.id).text
    ticket = office(place).doorkeeper.ticket(Claim(case.id, Proof.DIGITS, LAST_FOUR))
    answer = visitor.post("/public/rate", data={"ticket": ticket, "level": "1"})
    assert answer.status_code == 409 and "还没有办结" in answer.text


@pytest.mark.parametrize("level", ["", "0", "6", "1.5", "满意", "9" * 5000])
def test_a_rating_is_one_of_five_levels(place: Place, visitor: TestClient, level: str) -> None:
    page = ask(visitor, completed(place).id).text
    assert rate(visitor, page, level).status_code == 400
    assert rate(visitor, page, "1", "长" * 301).status_code == 400
    assert rate(visitor, page, "1", "\x00").status_code == 400


def test_a_ticket_cannot_be_made_changed_or_kept(place: Place, visitor: TestClient) -> None:
    case, other = completed(place), completed(place)
    ticket = hidden(ask(visitor, case.id).text, "ticket")
    for forged in ("", "x", "a.b.c.d", ticket[:-1], ticket.replace(case.id, other.id), "九" * 300):
        answer = visitor.post("/public/rate", data={"ticket": forged, "level": "1"})
        assert answer.status_code == 400 and "已过期" in answer.text
    place.network.world.pass_time(seconds=TICKET_S + 1)
    assert visitor.post("/public/rate", data={"ticket": ticket, "level": "1"}).status_code == 400


def test_rating_is_limited_as_looking_is(place: Place, visitor: TestClient) -> None:
    answers = [
        visitor.post("/public/rate", data={"ticket": "x"}).status_code for _ in range(PER_ADDRESS.burst + 1)
    ]
    assert answers[-1] == 429 and set(answers[:-1]) == {400}


def test_a_confidential_item_is_not_named(place: Place, visitor: TestClient) -> None:
    case = place.at_city()
    with place.desks[CITY].db.transaction() as tx:
        place.offices[CITY].casebook._write(tx, replace(case, confidential=True))
    page = ask(visitor, case.id).text
    assert "保密事项" in page and "最低生活保障" not in page


def test_the_public_address_has_no_desk_and_the_desk_has_the_public_pages(
    place: Place, visitor: TestClient
) -> None:
    assert visitor.get("/sign-in").status_code == 404 and visitor.get("/case/1").status_code == 404
    assert visitor.get("/", follow_redirects=False).headers["location"] == "/public"
    desk = TestClient(desk_app(place.desks[CITY], wing(place)), base_url="http://desk")
    assert desk.get("/public").status_code == 200
    assert "Where is my case" in desk.get("/public?lang=en").text


def test_ratings_are_counted_by_department_and_place_and_none_of_before_is_lost(
    place: Place, visitor: TestClient
) -> None:
    for level in ("1", "3", "5"):
        assert rate(visitor, ask(visitor, completed(place).id).text, level).status_code == 200
    since = place.network.world.now().astimezone(CHINA).replace(hour=0)
    db, register = place.desks[CITY].db, office(place).ratings
    with db.transaction() as tx:
        before = counted(tx, "department", since)
        tx.execute(sa.delete(RATING))
    again = Register(place.offices[CITY])
    assert again.catch_up(db) == 3 and again.catch_up(db) == 0
    with db.reading() as tx:
        assert counted(tx, "department", since) == before
        assert sum(counted(tx, "origin", since)[VILLAGE].values()) == 3
    desk = TestClient(desk_app(place.desks[CITY], RatingPages(register).wing()), base_url="http://desk")
    sign_in(desk, "cw", PASSWORD)
    page = desk.get("/ratings").text
    assert "66.7%" in page and "沅江市民政局" in page and "非常不满意" in page
    assert desk.get("/ratings?format=xlsx").content[:2] == b"PK"


def test_catching_up_goes_on_where_it_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("city_node.ratings.register.BATCH", 2)
    for _ in range(3):
        completed(place)
    db = place.desks[CITY].db
    register = Register(place.offices[CITY])
    assert [register.catch_up(db), Register(place.offices[CITY]).catch_up(db), register.catch_up(db)] == [
        2,
        1,
        0,
    ]
