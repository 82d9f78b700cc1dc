"""Officers entered, away, stood in for; many cases at once; and who did what, found again."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.case import Case
from core.desk import audit_page
from core.desk.web import desk_app
from core.errors import LocalError
from core.messages import Role
from core.states import State
from tests.scenarios.world import CITY, TOWN
from tests.unit.desk_kit import PASSWORD, Place
from tests.unit.test_desk_pages import hidden, sign_in

DEPARTMENT = "沅江市民政局(分中心)"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.hire(CITY, "guan", "管理员", Role.ADMINISTRATOR)
    made.hire(CITY, "ch2", "承办员二", Role.HANDLER)
    yield made
    made.network.close()


def browser_of(place: Place, id_: str, node: str = CITY) -> TestClient:
    browser = TestClient(desk_app(place.desks[node]), base_url="http://desk")  # type: ignore[index]
    sign_in(browser, id_, PASSWORD)
    return browser


def post(browser: TestClient, page: str, to: str, **values: object) -> str:
    csrf = hidden(browser.get(page).text, "csrf")
    return browser.post(to, data={"csrf": csrf, **values}).text


def handling(place: Place) -> Case:
    case = place.do(CITY, "cw", "accept", place.at_city(place.item()))
    return place.do(CITY, "cw", "assign", case, officer="ch")


def now_of(place: Place, case: Case) -> Case:
    with place.desks[CITY].db.reading() as tx:
        return place.offices[CITY].casebook.get(tx, case.id)


def test_an_administrator_enters_an_officer_whose_one_time_password_is_shown_once(place: Place) -> None:
    browser = browser_of(place, "guan")
    page = post(browser, "/people", "/people", id="xin", name="新来的", role=["handler"], department="")
    one_time = page.partition("首次登录须修改）：")[2][:14]
    assert one_time.count("-") == 2
    assert one_time not in browser.get("/people").text
    fresh = TestClient(desk_app(place.desks[CITY]), base_url="http://desk")
    sign_in(fresh, "xin", one_time)
    assert "修改密码" in fresh.get("/").text


def test_a_disabled_officer_is_out_at_once(place: Place) -> None:
    worker, admin = browser_of(place, "ch"), browser_of(place, "guan")
    assert worker.get("/").status_code == 200
    post(admin, "/people", "/people/ch/disable")
    assert "登录" in worker.get("/").text and "承办员" not in worker.get("/").text
    assert place.audit_lines(CITY)[-1] == ("guan", "officer.disable", "ch") or any(
        line == ("guan", "officer.disable", "ch") for line in place.audit_lines(CITY)
    )


def test_an_administrator_does_not_lock_the_door_behind_themselves(place: Place) -> None:
    admin = browser_of(place, "guan")
    assert "不能停用本人" in post(admin, "/people", "/people/guan/disable")
    assert admin.get("/people").status_code == 200


def test_a_disabled_officer_comes_back_with_the_password_they_had(place: Place) -> None:
    admin = browser_of(place, "guan")
    post(admin, "/people", "/people/ch/disable")
    assert "不对" in sign_in(TestClient(desk_app(place.desks[CITY])), "ch", PASSWORD).text
    post(admin, "/people", "/people/ch/enable")
    assert "承办员" in browser_of(place, "ch").get("/").text


@pytest.mark.parametrize("path", ["/people", "/audit"])
def test_officers_and_the_audit_log_are_no_business_of_a_handler(place: Place, path: str) -> None:
    assert browser_of(place, "ch").get(path).status_code == 403


def away(place: Place, officer: str, stand_in: str, **more: str) -> str:
    today = place.network.world.now().date().isoformat()
    return post(
        browser_of(place, "guan"),
        "/people",
        "/people/leave",
        officer=officer,
        stand_in=stand_in,
        since=today,
        until=today,
        reason="休假",
        **more,
    )


def test_a_stand_in_has_the_roles_of_the_absent_until_the_day_is_over(place: Place) -> None:
    desk = place.desks[CITY]
    away(place, "cr", "ch2")
    with desk.db.reading() as tx:
        officer = desk.roster.get(tx, "ch2")
        assert officer.lent == (Role.REVIEWER,) and officer.stands_in_for == ("cr",)
    place.network.world.pass_time(days=1)
    with desk.db.reading() as tx:
        assert desk.roster.get(tx, "ch2").roles == (Role.HANDLER,)


def test_a_stand_in_still_cannot_review_what_they_handled(place: Place) -> None:
    case = place.do(CITY, "cw", "accept", place.at_city(place.item()))
    place.do(CITY, "cw", "assign", case, officer="ch2")
    place.do(CITY, "ch2", "handle", case, recommend="grant")
    away(place, "cr", "ch2")
    from core.errors import LiandongError

    with pytest.raises(LiandongError) as refused:
        place.do(CITY, "ch2", "review", case, recommend="grant")
    assert refused.value.code == "workflow.same_officer"


def test_what_the_absent_has_in_hand_goes_to_the_stand_in(place: Place) -> None:
    case = handling(place)
    with place.desks[CITY].db.transaction() as tx:
        tx.exec_driver_sql("UPDATE officer SET roles = '[\"administrator\",\"window\"]' WHERE id = 'guan'")
    page = away(place, "ch", "ch2", hand_over="1")
    assert "改派 1 件" in page
    assert now_of(place, case).officers.handling == "ch2"


def test_what_is_refused_on_handing_over_is_told_and_what_is_another_s_stays(place: Place) -> None:
    mine, other = handling(place), place.do(CITY, "cw", "accept", place.at_city(place.item()))
    other = place.do(CITY, "cw", "assign", other, officer="ch2")
    # An administrator who is no window officer may arrange leave, and not assign.
    page = away(place, "ch", "cd", hand_over="1")
    assert "改派 0 件" in page and f"{mine.id}: " in page and f"{other.id}: " not in page
    assert now_of(place, mine) == mine and now_of(place, other) == other


def test_two_stand_ins_at_the_same_time_are_refused_in_words(place: Place) -> None:
    away(place, "cr", "ch2")
    assert "已有委托" in away(place, "cr", "cd")


def batch(place: Place, id_: str, verb: str, cases: list[Case], **values: object) -> str:
    browser = browser_of(place, id_)
    csrf = hidden(browser.get("/").text, "csrf")
    chosen = browser.post("/batch", data={"csrf": csrf, "case": [case.id for case in cases]}).text
    assert f'action="/batch/{verb}"' in chosen, chosen[chosen.index("<main") :][:2000]
    versions = [f"{case.id}={now_of(place, case).version}" for case in cases]
    data = {"csrf": csrf, "case": [case.id for case in cases], "version": versions, **values}
    return browser.post(f"/batch/{verb}", data=data).text


def test_one_step_is_taken_on_many_cases_and_every_one_tells_what_came_of_it(place: Place) -> None:
    cases = [handling(place) for _ in range(3)]
    page = batch(place, "ch", "handle", cases, recommend="grant", note="经查属实")
    assert "3 件中办成 3 件" in page
    assert {now_of(place, case).state for case in cases} == {State.REVIEW}


def test_one_that_is_refused_keeps_no_other_from_being_done(place: Place) -> None:
    cases = [handling(place) for _ in range(2)]
    browser = browser_of(place, "ch")
    csrf = hidden(browser.get("/").text, "csrf")
    stale = [f"{case.id}={now_of(place, case).version}" for case in cases]
    place.do(CITY, "cw", "assign", cases[0], officer="ch2")
    data = {"csrf": csrf, "case": [case.id for case in cases], "version": stale, "recommend": "grant"}
    page = browser.post("/batch/handle", data=data).text
    assert "2 件中办成 1 件" in page and "已有新的办理" in page
    assert [now_of(place, case).state for case in cases] == [State.HANDLING, State.REVIEW]


def test_a_step_that_is_none_for_many_and_no_case_at_all_are_refused_in_words(place: Place) -> None:
    case = handling(place)
    browser = browser_of(place, "ch")
    csrf = hidden(browser.get("/").text, "csrf")
    for verb in ("refuse", "dance"):
        answer = browser.post(f"/batch/{verb}", data={"csrf": csrf, "case": [case.id]})
        assert answer.status_code == 400 and "不能批量办理" in answer.text
    for path in ("/batch", "/batch/handle"):
        answer = browser.post(path, data={"csrf": csrf})
        assert answer.status_code == 400 and "请勾选" in answer.text
    assert now_of(place, case) == case


def test_only_steps_that_every_case_allows_are_offered_for_many(place: Place) -> None:
    open_, accepted = place.at_city(place.item()), place.do(CITY, "cw", "accept", place.at_city(place.item()))
    browser = browser_of(place, "cw")
    csrf = hidden(browser.get("/").text, "csrf")

    def offered(*cases: Case, lang: str = "zh") -> set[str]:
        data = {"csrf": csrf, "case": [case.id for case in cases]}
        return set(re.findall(r'action="/batch/(\w+)"', browser.post(f"/batch?lang={lang}", data=data).text))

    assert "accept" in offered(open_) and "assign" in offered(accepted)
    assert offered(open_, accepted) == offered(open_) & offered(accepted) == {"note"}
    assert offered(open_, lang="en") == offered(open_)


def test_where_the_disk_refuses_one_case_none_of_those_after_it_is_tried(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, tried = [handling(place) for _ in range(2)], []

    def full(*step: object) -> Case:
        tried.append(step)
        raise LocalError("store.full", zh="磁盘已满，未保存。", en="The disk is full.")

    browser = browser_of(place, "ch")
    versions = [f"{case.id}={case.version}" for case in cases]
    data = {"csrf": hidden(browser.get("/").text, "csrf"), "case": [case.id for case in cases]}
    data |= {"version": versions, "recommend": ["grant"]}
    with monkeypatch.context() as patch:
        patch.setattr(place.offices[CITY].casework, "act", full)
        answer = browser.post("/batch/handle", data=data)
    assert answer.status_code == 503 and "磁盘已满" in answer.text and len(tried) == 1
    assert "2 件中办成 2 件" in browser.post("/batch/handle", data=data).text


def test_nobody_takes_along_cases_that_are_not_theirs(place: Place) -> None:
    case = place.submit(place.item())
    browser = browser_of(place, "tw", TOWN)
    csrf = hidden(browser.get("/").text, "csrf")
    foreign = case.id[:9] + "000" + case.id[12:]
    assert browser.post("/batch", data={"csrf": csrf, "case": [case.id, foreign]}).status_code in (400, 404)


def test_the_audit_log_is_searched_and_the_search_is_itself_a_line(place: Place) -> None:
    place.hire(CITY, "shen", "审计员", Role.AUDITOR)
    case = handling(place)
    browser = browser_of(place, "shen")
    page = browser.get(f"/audit?subject={case.id}").text
    assert "case.accept" in page and "case.assign" in page and "officer" not in page.partition("<tbody>")[2]
    assert place.audit_lines(CITY)[-1][1] == "audit.searched"
    sheet = browser.get(f"/audit?subject={case.id}&format=xlsx")
    assert sheet.content[:2] == b"PK"
    assert browser.get("/audit?since=gestern").status_code == 400
    assert "case.accept" in browser.get(f"/audit?subject={case.id}&since=2026-03-02&until=2026-03-02").text
    assert "没有符合条件" in browser.get(f"/audit?subject={case.id}&since=2026-03-03").text
    assert "没有符合条件" in browser.get(f"/audit?subject={case.id}&until=2026-03-01").text


def test_the_log_is_read_on_page_by_page_and_reading_on_is_no_search(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "PAGE", 2)
    place.hire(CITY, "shen", "审计员", Role.AUDITOR)
    handling(place)
    browser = browser_of(place, "shen")
    lines = place.audit_lines(CITY)
    page = browser.get("/audit").text
    seen = [page]
    while (following := re.search(r'class="button" href="(\?[^"]*before=\d+)"', page)) and len(seen) < 20:
        page = browser.get("/audit" + following[1]).text
        seen.append(page)
    told = [re.findall("|".join({re.escape(action) for _, action, _ in lines}), one) for one in seen]
    assert [action for page in told for action in page] == [action for _, action, _ in reversed(lines)]
    assert len(seen) == -(-len(lines) // 2)
    assert place.audit_lines(CITY) == lines


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stand_in": "cr"}, "不能委托给本人"),
        ({"until": "2026-03-01"}, "结束时间应晚于开始时间"),
        ({"until": "2028-01-01"}, "不超过 366 天"),
        ({"reason": ""}, "请写明原因"),
        ({"since": "3 月 2 日"}, "日期应写成"),
    ],
)
def test_a_leave_that_cannot_be_is_refused_in_words(place: Place, wrong: dict[str, str], words: str) -> None:
    leave = {
        "officer": "cr",
        "stand_in": "cd",
        "since": "2026-03-02",
        "until": "2026-03-03",
        "reason": "休假",
    }
    assert words in post(browser_of(place, "guan"), "/people", "/people/leave", **(leave | wrong))


def test_a_leave_ends_early_and_only_once(place: Place) -> None:
    away(place, "cr", "cd")
    admin = browser_of(place, "guan")
    page = admin.get("/people").text
    address = page.partition('action="/people/leave/')[2].partition('"')[0]
    assert "生效中" in page and address.endswith("/end")
    assert "现在没有人请假" in post(admin, "/people", f"/people/leave/{address}")
    assert "已结束" in post(admin, "/people", f"/people/leave/{address}")
    with place.desks[CITY].db.reading() as tx:
        assert place.desks[CITY].roster.get(tx, "cd").roles == (Role.DECIDER,)


def test_a_head_of_window_arranges_leave_in_that_window_and_in_no_other(place: Place) -> None:
    place.hire(CITY, "tou", "民政负责人", Role.WINDOW_HEAD, department=DEPARTMENT)
    place.hire(CITY, "m1", "民政一", Role.HANDLER, department=DEPARTMENT)
    place.hire(CITY, "m2", "民政二", Role.HANDLER, department=DEPARTMENT)
    head = browser_of(place, "tou")
    leave = {"since": "2026-03-02", "until": "2026-03-02", "reason": "休假"}
    assert "不在同一部门" in post(head, "/people", "/people/leave", officer="m1", stand_in="ch", **leave)
    assert "只能安排本部门" in post(head, "/people", "/people/leave", officer="ch", stand_in="ch2", **leave)
    assert "已安排" in post(head, "/people", "/people/leave", officer="m1", stand_in="m2", **leave)


def test_a_new_password_ends_the_sessions_of_the_old_one(place: Place) -> None:
    worker, admin = browser_of(place, "ch"), browser_of(place, "guan")
    assert "一次性密码" in post(admin, "/people", "/people/ch/reset")
    assert "承办员" not in worker.get("/").text
    assert "没有这种操作" in post(admin, "/people", "/people/ch/promote")
