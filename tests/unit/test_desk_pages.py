"""The desk's pages: nobody without a session, no step without its token, no full record without a reason."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.desk.web import desk_app
from core.errors import PeerError
from core.messages import Role
from core.states import State
from tests.unit.desk_kit import CITY, ID_NO, PASSWORD, TOWN, VILLAGE, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def client(place: Place, node: str = CITY) -> TestClient:
    return TestClient(desk_app(place.desks[node]), base_url="http://desk")


def signed_in(place: Place, id_: str, node: str = CITY) -> TestClient:
    browser = client(place, node)
    answer = sign_in(browser, id_, PASSWORD)
    assert answer.status_code == 200, answer.text
    return browser


def sign_in(browser: TestClient, id_: str, password: str) -> object:
    page = browser.get("/sign-in").text
    return browser.post("/sign-in", data={"visit": hidden(page, "visit"), "id": id_, "password": password})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no {name} in the page"
    return found[1]


def step(browser: TestClient, case_id: str, verb: str, **values: object) -> object:
    page = browser.get(f"/case/{case_id}").text
    data = {"csrf": hidden(page, "csrf"), "version": hidden(page, "version"), **values}
    return browser.post(f"/case/{case_id}/do/{verb}", data=data)


@pytest.mark.parametrize("path", ["/", "/nodes", "/attention", "/password", "/case/1"])
def test_nobody_sees_a_page_without_signing_in(place: Place, path: str) -> None:
    answer = client(place).get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(place: Place) -> None:
    browser = client(place)
    page = browser.get("/sign-in").text
    data = {"visit": hidden(page, "visit"), "id": "cw", "password": PASSWORD}
    cookie = browser.post("/sign-in", data=data, follow_redirects=False).headers["set-cookie"]
    assert "liandong_desk=" in cookie
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie


def test_every_answer_forbids_scripts_frames_and_outside_addresses(place: Place) -> None:
    browser = signed_in(place, "cw")
    case = place.at_city()
    for path in ("/", f"/case/{case.id}", "/nodes", "/attention", "/none", "/case/1"):
        answer = browser.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "<script" not in answer.text
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def test_a_wrong_password_is_answered_in_words_and_written_down(place: Place) -> None:
    answer = sign_in(client(place), "cw", "not-the-password")
    assert answer.status_code == 401
    assert "工号或密码不对" in answer.text
    assert ("cw", "desk.sign_in_refused", "") in place.audit_lines(CITY)


def test_a_sign_in_form_from_elsewhere_is_refused(place: Place) -> None:
    browser = client(place)
    browser.get("/sign-in")
    answer = browser.post("/sign-in", data={"visit": "0" * 64, "id": "cw", "password": PASSWORD})
    assert answer.status_code == 403


def test_after_signing_in_nobody_is_sent_to_another_site(place: Place) -> None:
    browser = client(place)
    page = browser.get("/sign-in").text
    for goal in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        data = {"visit": hidden(page, "visit"), "id": "cw", "password": PASSWORD, "next": goal}
        assert browser.post("/sign-in", data=data, follow_redirects=False).headers["location"] == "/"


def test_a_one_time_password_opens_nothing_but_the_page_that_changes_it(place: Place) -> None:
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        first = desk.roster.add(tx, "new", "新来", [Role.WINDOW])
    browser = client(place)
    page = sign_in(browser, "new", first)
    assert "一次性密码" in page.text
    assert browser.get("/", follow_redirects=False).headers["location"] == "/password"
    data = {"csrf": hidden(page.text, "csrf"), "now": first, "new": "my-own-secret", "again": "my-own-secret"}
    assert "密码已修改" in browser.post("/password", data=data).text
    assert sign_in(browser, "new", "my-own-secret").status_code == 200
    assert browser.get("/", follow_redirects=False).status_code == 200


def test_a_case_is_accepted_through_its_page_and_shows_the_clock(place: Place) -> None:
    case = place.at_city()
    answer = step(signed_in(place, "cw"), case.id, "accept", note="齐全")
    assert answer.status_code == 200
    assert "已办理：受理" in answer.text
    assert "个工作日" in answer.text
    with place.desks[CITY].db.reading() as tx:
        assert place.offices[CITY].casebook.get(tx, case.id).state is State.ACCEPTED


def test_a_form_without_its_token_does_nothing(place: Place) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")
    answer = browser.post(f"/case/{case.id}/do/accept", data={"csrf": "0" * 64})
    assert answer.status_code == 403
    with place.desks[CITY].db.reading() as tx:
        assert place.offices[CITY].casebook.get(tx, case.id).state is State.SUBMITTED
    assert place.audit_lines(CITY)[-1][1] == "desk.refused"


def test_a_refused_form_comes_back_with_what_was_typed(place: Place) -> None:
    case = place.at_city()
    answer = step(signed_in(place, "cw"), case.id, "refuse", ground="", reason="写了很久的理由")
    assert answer.status_code == 400
    assert "法律依据：请填写" in answer.text
    assert "写了很久的理由" in answer.text


def test_a_page_that_is_out_of_date_does_not_overwrite_a_newer_step(place: Place) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")
    page = browser.get(f"/case/{case.id}").text
    place.do(CITY, "cw", "accept", case)
    data = {"csrf": hidden(page, "csrf"), "version": hidden(page, "version"), "reason": "重复"}
    answer = browser.post(f"/case/{case.id}/do/void", data=data)
    assert answer.status_code == 409
    assert "已有新的办理" in answer.text


def test_the_applicant_is_covered_until_somebody_says_why_and_that_is_logged(place: Place) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")
    page = browser.get(f"/case/{case.id}").text
    for secret in (ID_NO, "13800138000", "王小明", "三组十二号"):
        assert secret not in page
    token = hidden(page, "csrf")
    assert browser.post(f"/case/{case.id}/full", data={"csrf": token, "reason": " "}).status_code == 400
    full = browser.post(f"/case/{case.id}/full", data={"csrf": token, "reason": "电话核实"}).text
    assert ID_NO in full and "王小明" in full
    assert ("cw", "case.viewed_in_full", case.id) in place.audit_lines(CITY)


def test_an_officer_of_another_department_gets_neither_list_nor_case_and_the_try_is_logged(
    place: Place,
) -> None:
    place.hire(CITY, "zz", "他局", Role.WINDOW, department="没有的局")
    case = place.at_city()
    browser = signed_in(place, "zz")
    assert case.id not in browser.get("/?scope=all").text
    assert browser.get(f"/case/{case.id}").status_code == 403
    assert place.audit_lines(CITY)[-1][:2] == ("zz", "desk.refused")


def test_the_queue_is_in_order_of_time_left_and_pages_by_fifty(place: Place) -> None:
    late = place.at_city()
    place.do(CITY, "cw", "accept", late)
    for _ in range(51):
        node = place.network.nodes[CITY]
        submit_at_city(place, node)
    browser = signed_in(place, "cw")
    first = browser.get("/?scope=me").text
    numbers = re.findall(r'href="/case/(\d+)"', first)
    assert len(numbers) == 50
    assert numbers[0] == late.id
    following = re.search(r'class="button" href="([^"]+)"', first)
    assert following
    rest = re.findall(r'href="/case/(\d+)"', browser.get("/" + following[1].replace("&amp;", "&")).text)
    assert len(rest) == 2
    assert not set(rest) & set(numbers)


def submit_at_city(place: Place, node: object) -> None:
    from core import bodies as b
    from core.messages import Actor

    item = place.item()
    applicant = b.Applicant("李", b.IdType.OTHER, "A1", "", b.DivisionCode(VILLAGE), "", b.Delivery.WINDOW)
    body = b.CaseSubmitted(item.code, 1, applicant, {}, (), (), item.confidential)
    with node.db.transaction() as tx:
        place.offices[CITY].casework.submit(tx, Actor("cw", "市窗口", Role.WINDOW), body)


def test_a_scan_can_be_downloaded_once_it_is_whole_and_that_is_logged(place: Place) -> None:
    scan = b"%PDF-1.7 " + bytes(range(256)) * 300
    case = place.submit(scan=scan)
    browser = signed_in(place, "tw", TOWN)
    page = browser.get(f"/case/{case.id}").text
    link = re.search(r'href="(/case/\d+/file/[0-9a-f]{32})"', page)
    assert link
    answer = browser.get(link[1])
    assert answer.content == scan
    assert answer.headers["content-disposition"].startswith("attachment")
    assert ("tw", "attachment.opened", case.id) in place.audit_lines(TOWN)


def test_a_scan_on_its_way_says_how_much_of_it_is_here(place: Place) -> None:
    case = place.submit(scan=b"x" * 100_000)
    place.do(TOWN, "tw", "forward", case)
    place.network.meet(TOWN)
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        tx.exec_driver_sql("update attachment set have = zeroblob(length(have)), complete_at = null")
    page = signed_in(place, "cw").get(f"/case/{case.id}").text
    assert "传输中 0/4" in page
    assert "材料在途 0/1" in page


def test_english_is_chosen_by_the_address_and_kept(place: Place) -> None:
    browser = signed_in(place, "cw")
    assert "Cases" in browser.get("/?lang=en").text
    assert "Neighbouring nodes" in browser.get("/nodes").text


def test_a_neighbour_that_cannot_be_met_is_shown_with_its_reason(place: Place) -> None:
    down = PeerError("line.down", zh="线路断开，稍后再试。", en="The line is down.")
    place.network.nodes[TOWN].note_failure(CITY, down, 65_536)
    browser = signed_in(place, "tw", TOWN)
    page = browser.get("/nodes").text
    assert "沅江市" in page and "线路断开，稍后再试。" in page and "连续 1 次未联络上" in page
    assert "The line is down." in browser.get("/nodes?lang=en").text


def test_a_message_that_could_not_be_applied_is_on_the_attention_page_with_its_case(place: Place) -> None:
    case = place.submit()
    with place.desks[TOWN].db.transaction() as tx:
        tx.exec_driver_sql(
            "insert into quarantine(message_id, stream_id, seq, type, schema, subject, body, code, zh, en, tries, at)"
            " select hex(randomblob(16)), min(id), 1, 'CaseDecided', 1, ?, x'', 'x', '本节点还不认识', 'not known', 1,"
            " '2026-03-02T01:00:00.000Z' from stream",
            (case.id,),
        )
    page = signed_in(place, "tw", TOWN).get("/attention").text
    assert "本节点还不认识" in page and "已隔离" in page and f"/case/{case.id}" in page


def test_a_form_larger_than_any_form_is_refused(place: Place) -> None:
    browser = signed_in(place, "cw")
    answer = browser.post("/sign-out", content=b"a=" + b"x" * 300_000)
    assert answer.status_code == 400


def test_signing_out_ends_the_session_at_the_server(place: Place) -> None:
    browser = signed_in(place, "cw")
    token = browser.cookies["liandong_desk"]
    browser.post("/sign-out", data={"csrf": hidden(browser.get("/").text, "csrf")})
    again = client(place)
    again.cookies.set("liandong_desk", token)
    assert again.get("/", follow_redirects=False).status_code == 303
