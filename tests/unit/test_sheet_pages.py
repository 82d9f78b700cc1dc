"""The sheet and the nodes as an officer of the city sees them: drilled down to an envelope, signed, acted on, refused."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from city_node.nodes.pages import NodePages
from city_node.office import CityOffice
from city_node.sheet.pages import SheetPages
from city_node.sheet.tables import PAIR, PERSON
from core.clock import CHINA
from core.desk.web import desk_app
from core.identifiers import NodeId
from core.messages import Role
from core.store.reporting import Reporter
from sync.held import held
from sync.node import store_keys
from sync.own_figures import OwnFigures
from sync.primitives import SealingKey
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN
from tests.unit.desk_kit import PASSWORD, VILLAGE, Place
from tests.unit.test_desk_pages import hidden, sign_in


class City:
    """A place whose village and townships report, and a browser at the city."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        place = self.place
        for id_, name, role in (
            ("du", "督查", Role.SUPERVISOR),
            ("gl", "管理员", Role.ADMINISTRATOR),
            ("au", "审计", Role.AUDITOR),
        ):
            place.hire(CITY, id_, name, role)
        self.reporters = {}
        for name in (TOWN, OTHER_TOWN, VILLAGE):
            node = place.network.nodes[name]
            self.reporters[name] = Reporter.join(name, node, place.offices[name], OwnFigures(node, folder))
        office = place.offices[CITY]
        assert isinstance(office, CityOffice)
        self.office = office
        node = place.network.nodes[CITY]
        with node.db.transaction() as tx:
            registration = SealingKey.generate(node.world.random_bytes)
            store_keys(tx, node.keyring.add_authority(place.network.founding.issuing_key, registration))
        wings = (SheetPages(office, node).wing(), NodePages(office, node, folder).wing())
        self.app = desk_app(place.desks[CITY], *wings)
        self.browser = partial(TestClient, self.app, base_url="http://desk")

    def tell(self, *names: NodeId) -> None:
        for _ in range(2):
            self.place.network.world.pass_time(minutes=10)
            for name in names or self.reporters:
                self.reporters[name].beat(self.place.network.nodes[name].db)
            self.place.network.settle(2, *names)
        self.office.bookkeeper.catch_up(self.place.network.nodes[CITY].db, now=True)

    @property
    def today(self) -> str:
        return f"{self.place.network.world.now().astimezone(CHINA):%Y%m%d}"

    def signed_in(self, who: str) -> TestClient:
        browser = self.browser()
        sign_in(browser, who, PASSWORD)
        return browser


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    made.tell()
    yield made
    made.place.network.close()


def post(browser: TestClient, page: str, address: str, **data: str) -> Any:
    return browser.post(address, data={"csrf": hidden(browser.get(page).text, "csrf"), **data})


def test_from_the_city_to_one_envelope_and_its_receipts(city: City) -> None:
    case = city.place.submit()
    city.tell()
    browser, day = city.signed_in("du"), city.today
    whole = browser.get("/sheet").text
    assert "相符" in whole and f"/sheet/{day}/{TOWN}" in whole
    assert f"/sheet/{day}/{VILLAGE}" in browser.get(f"/sheet/{day}/{TOWN}").text
    line = browser.get(f"/sheet/{day}/{VILLAGE}").text
    assert f"/case/{case.id}" in line and line.count("有</span>") >= 3
    address = line.split('href="/envelope/')[1].split('"')[0]
    paper = browser.get(f"/envelope/{address}").text
    assert "作者签名有效" in paper and "原文与账本摘要一致" in paper and str(case.id)[:12] in paper
    assert "收存" in paper and "采用" in paper and "无效" not in paper
    for page in (
        "/sheet?format=xlsx",
        f"/sheet/{day}/{TOWN}?format=xlsx",
        f"/sheet/{day}/{VILLAGE}?format=xlsx",
        "/nodes?format=xlsx",
    ):
        assert browser.get(page).content[:2] == b"PK", page


def test_a_receipt_or_an_envelope_that_rotted_is_not_called_valid(city: City) -> None:
    city.place.submit()
    city.tell()
    db = city.place.desks[CITY].db
    browser, day = city.signed_in("du"), city.today
    line = browser.get(f"/sheet/{day}/{VILLAGE}").text
    address = line.split('href="/envelope/')[1].split('"')[0]
    key, seq = address.split("/")
    with db.transaction() as tx:
        row = tx.exec_driver_sql("select id from stream where hex(key) = ?", (key.upper(),)).scalar()
        data = tx.exec_driver_sql(
            "select data from envelope where stream_id = ? and seq = ?", (row, seq)
        ).scalar()
        bad = bytes(data[:-1]) + bytes([data[-1] ^ 1])
        tx.exec_driver_sql("update envelope set data = ? where stream_id = ? and seq = ?", (bad, row, seq))
        for one in tx.exec_driver_sql("select rowid, data from receipt where stream_id = ?", (row,)).all():
            tx.exec_driver_sql(
                "update receipt set data = ? where rowid = ?",
                (bytes(one[1][:-1]) + bytes([one[1][-1] ^ 1]), one[0]),
            )
    paper = browser.get(f"/envelope/{address}").text
    assert "已损坏" in paper and "作者签名无法确认" in paper
    assert "无效：receipt.forged" in paper and ">有效<" not in paper


def test_a_good_receipt_for_another_envelope_is_not_called_valid(city: City) -> None:
    city.place.submit()
    city.tell()
    browser, day = city.signed_in("du"), city.today
    key, seq = (
        browser.get(f"/sheet/{day}/{VILLAGE}").text.split('href="/envelope/')[1].split('"')[0].split("/")
    )
    with city.place.desks[CITY].db.transaction() as tx:
        row = tx.exec_driver_sql("select id from stream where hex(key) = ?", (key.upper(),)).scalar()
        tx.exec_driver_sql("update envelope set digest = ? where stream_id = ?", (bytes(32), row))
    assert "无效：receipt.other_digest" in browser.get(f"/envelope/{key}/{seq}").text


def test_a_supervisor_signs_for_the_figures_and_what_changes_later_shows(city: City) -> None:
    city.place.submit()
    city.tell()
    browser, day = city.signed_in("du"), city.today
    page = browser.get("/sheet").text
    answer = browser.post(
        f"/sheet/{day}/{CITY}/sign",
        data={"csrf": hidden(page, "csrf"), "seen": hidden(page, "seen"), "words": ""},
    )
    assert (
        answer.status_code == 200 and "督查 于此签字" in answer.text and "签字之后有变化" not in answer.text
    )
    stale = hidden(page, "seen")
    city.place.submit()
    city.tell()
    later = browser.get("/sheet").text
    assert "签字之后有变化" in later and "收件: 签字时 1 → 现在 2" in later
    answer = browser.post(
        f"/sheet/{day}/{CITY}/sign", data={"csrf": hidden(later, "csrf"), "seen": stale, "words": "核过"}
    )
    assert answer.status_code == 409 and "没有签字" in answer.text
    assert ("du", "sheet.signed", str(CITY)) in city.place.audit_lines(CITY)


def test_a_day_that_is_not_level_is_signed_only_with_words(city: City) -> None:
    city.place.network.world.pass_time(days=4)
    city.tell(OTHER_TOWN)
    browser, day = city.signed_in("du"), city.today
    page = browser.get("/sheet").text
    assert "失联" in page
    form = {"csrf": hidden(page, "csrf"), "seen": hidden(page, "seen")}
    assert browser.post(f"/sheet/{day}/{CITY}/sign", data={**form, "words": " "}).status_code == 400
    assert browser.post(f"/sheet/{day}/{CITY}/sign", data={**form, "words": "停电检修"}).status_code == 200


def test_two_supervisors_at_once_the_second_is_told_and_others_may_not_act(city: City) -> None:
    city.place.network.world.pass_time(days=4)
    city.tell(OTHER_TOWN)
    browser, day = city.signed_in("du"), city.today
    line = browser.get(f"/sheet/{day}/{VILLAGE}").text
    address = line.split('href="/sheet/difference/')[1].split('"')[0]
    page = browser.get(f"/sheet/difference/{address}").text
    assert "沉默的时间比平时长" in page and f"/nodes/node/{VILLAGE}" in page
    form = {"csrf": hidden(page, "csrf"), "seen": hidden(page, "seen"), "words": "已电话联系"}
    first = browser.post(f"/sheet/difference/{address}/do/accept", data=form)
    assert first.status_code == 200 and "已认可" in first.text
    second = browser.post(f"/sheet/difference/{address}/do/resend", data=form)
    assert second.status_code == 409 and "已有变化" in second.text
    auditor = city.signed_in("au")
    looked = auditor.get(f"/sheet/difference/{address}")
    assert looked.status_code == 200 and "/do/" not in looked.text
    refused = auditor.post(f"/sheet/difference/{address}/do/undo", data={"csrf": hidden(looked.text, "csrf")})
    assert refused.status_code == 403
    assert city.place.audit_lines(CITY)[-1][:2] == ("au", "desk.refused")


def test_the_sheet_is_no_business_of_a_handler(city: City) -> None:
    assert city.signed_in("ch").get("/sheet").status_code == 403


@pytest.mark.parametrize(
    "page", ["/sheet?day=2026-02-30", "/sheet/20260302/110105000000", "/envelope/00/1", "/sheet/difference/x"]
)
def test_an_address_that_means_nothing_is_refused_in_words(city: City, page: str) -> None:
    answer = city.signed_in("du").get(page)
    assert answer.status_code in (400, 404) and "Traceback" not in answer.text


def test_one_person_in_two_villages_is_one_matter_or_is_not(city: City) -> None:
    first, second = city.place.at_city(), city.place.at_city()
    db = city.place.desks[CITY].db
    with db.transaction() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(PAIR)) == 0, (
            "one village registers what it likes"
        )
        # The second was registered in another village.
        tx.execute(sa.update(PERSON).where(PERSON.c.case_id == first.id).values(origin="430981105201"))
        tx.execute(sa.delete(PERSON).where(PERSON.c.case_id == second.id))
        city.office.bookkeeper.notice(tx, second)
    browser = city.signed_in("du")
    assert "疑似重复 1 对" in browser.get("/sheet").text
    address = f"/sheet/pairs/{first.id}/{second.id}"
    assert post(browser, "/sheet/pairs", f"{address}/different", words="兄弟二人各自办理").status_code == 200
    assert "已认定不同" in browser.get("/sheet/pairs").text
    post(browser, "/sheet/pairs", f"{address}/undo", words="看错了")
    done = post(browser, "/sheet/pairs", f"{address}/same", words="同一人重复登记", keep=first.id)
    assert done.status_code == 200 and "已合并" in done.text
    with db.reading() as tx:
        gone, kept = (city.office.casebook.get(tx, one.id) for one in (second, first))
    assert gone.state == "VOID" and kept.state == "SUBMITTED"
    assert first.id[:12] in gone.steps[-1].note and "同一人重复登记" in gone.steps[-1].note


def test_the_tree_has_every_division_and_says_who_is_silent(city: City) -> None:
    browser = city.signed_in("ch")
    page = browser.get("/nodes").text
    assert page.count('href="/nodes/node/') == 14 + 195
    assert "沉默比平时久" not in page
    city.place.network.world.pass_time(days=4)
    city.tell(OTHER_TOWN)
    browser = city.signed_in("ch")
    page = browser.get("/nodes?only=look").text
    assert page.count("沉默比平时久") == 2 and f"/nodes/node/{VILLAGE}" in page
    assert "不再" not in page
    one = browser.get(f"/nodes/node/{VILLAGE}").text
    assert "已沉默" in one and "/revoke" not in one


def test_an_administrator_gives_a_code_once_and_revokes_with_a_reason(city: City) -> None:
    browser, node = city.signed_in("gl"), f"/nodes/node/{VILLAGE}"
    wrong = post(browser, node, f"{node}/code", reason="换机", confirm="430981102999")
    assert wrong.status_code == 400
    given = post(browser, node, f"{node}/code", reason="换机", confirm=VILLAGE)
    code = given.text.split("<code>")[1].split("</code>")[0]
    assert len(code) > 10 and code not in browser.get(node).text
    fresh = post(browser, node, "/nodes/node/430981102203/code", reason="新村", confirm="430981102203")
    assert fresh.status_code == 200 and "<code>" in fresh.text
    revoked = post(browser, node, f"{node}/revoke", reason="设备失窃", confirm=VILLAGE)
    assert revoked.status_code == 200 and "已吊销" in revoked.text
    lines = city.place.audit_lines(CITY)
    assert ("gl", "enrolment.code", str(VILLAGE)) in lines and (
        "gl",
        "certificates.revoked",
        str(VILLAGE),
    ) in lines
    nobody = post(browser, node, f"/nodes/node/{CITY}/revoke", reason="x", confirm=CITY)
    assert nobody.status_code == 400
    other = city.signed_in("du")
    assert post(other, "/sheet", f"{node}/revoke", reason="x", confirm=VILLAGE).status_code == 403


def test_what_a_node_says_in_another_s_name_is_set_aside_and_used_for_nothing(city: City) -> None:
    from core.sheet_report import SHEET_REPORTED, encode_report
    from sync.stream_id import Lane

    village, other = city.place.network.nodes[VILLAGE], city.place.network.nodes[OTHER_TOWN]
    with village.db.transaction() as tx:
        tx.exec_driver_sql("update sheet_said set asked = 1")
        stolen = city.reporters[VILLAGE].report(tx)
    assert stolen is not None
    with other.db.transaction() as tx:
        other.say(tx, [CITY], Lane.CONTROL, SHEET_REPORTED, encode_report(stolen))
    city.place.network.settle(2)
    with city.place.desks[CITY].db.reading() as tx:
        assert [one.code for one in held(tx)] == ["sheet.author"]
