"""The desk's pages in the cases that are not everyday: held, behind, broken, in another language."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from starlette.testclient import TestClient

from city_node.app import City
from city_node.desk import desk_context
from core import bodies as b
from core.case import Case
from core.catalogue import CatalogueHistory, load_catalogue
from core.desk.rights import may_see
from core.desk.web import desk_app
from core.errors import LocalError, StateError
from core.identifiers import NodeId, case_id, new_id
from core.messages import Actor, Role, compose
from core.states import State
from core.store.shelf import PUBLICATION
from sync.installation import Installation
from sync.settings import Settings
from tests.unit.desk_kit import CITY, ID_NO, OTHER_TOWN, PASSWORD, TOWN, Place
from tests.unit.test_desk_pages import client, hidden, sign_in, signed_in, step

MEMBERS = [{"name": "王大明", "relation": "子", "id_no": ID_NO, "monthly_income": "100.00", "health": "良好"}]
FORM = {"household_members": MEMBERS, "is_urgent": True, "not_asked": "秘密"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all: every test takes in a case of its own."""
    made = Place(tmp_path_factory.mktemp("desk"))
    made.hire(CITY, "su", "督办", Role.SUPERVISOR)
    yield made
    made.network.close()


def at_hand(place: Place, case: Case, node: NodeId = CITY) -> Case:
    with place.desks[node].db.reading() as tx:
        return place.offices[node].casebook.get(tx, case.id)


# The answers of the form


def test_the_answers_of_a_form_are_shown_with_numbers_covered_and_whole_when_somebody_says_why(
    place: Place,
) -> None:
    case = place.at_city(form=FORM)
    browser = signed_in(place, "cw")
    page = browser.get(f"/case/{case.id}?lang=zh").text
    assert "100.00" in page
    assert ID_NO not in page and "秘密" not in page
    full = browser.post(f"/case/{case.id}/full", data={"csrf": hidden(page, "csrf"), "reason": "核实"}).text
    assert ID_NO in full and "秘密" in full and "王大明" in full
    assert "是" in re.sub(r"<[^>]+>", "", full)


# Supplements


def test_what_the_applicant_was_asked_for_is_shown_with_the_names_of_the_fields(place: Place) -> None:
    item = place.item()
    case = place.submit()
    field = item.form_fields[0]
    place.do(TOWN, "tw", "supplement", case, missing=[item.materials[0].name], field=[field.key], note="请补")
    page = signed_in(place, "tw", TOWN).get(f"/case/{case.id}").text
    assert item.materials[0].name in page
    assert field.name() in page


# Held


def forked(place: Place) -> tuple[Case, str, str]:
    """A case that the city accepted twice, as a cloned disk would."""
    case = at_hand(place, place.at_city())
    office, desk = place.offices[CITY], place.desks[CITY]
    ids = []
    with desk.db.transaction() as tx:
        for _ in range(2):
            body = b.CaseAccepted("齐全", 0, b.LimitMode.EXACT, 5, 20)
            actor = Actor("cw", "市窗口", Role.WINDOW)
            message = compose(new_id(desk.world), case.id, case.version, CITY, actor, desk.world.now(), body)
            office.casebook.record(tx, message)
            ids.append(message.id)
    return at_hand(place, case), *ids


def test_a_held_case_is_on_the_attention_page_and_its_branches_are_offered_to_the_supervisor(
    place: Place,
) -> None:
    case, one, other = forked(place)
    browser = signed_in(place, "su")
    attention = browser.get("/attention?lang=zh").text
    assert "已挂起待核" in attention and f"/case/{case.id}" in attention
    assert "held for people to look at" in browser.get("/attention?lang=en").text
    page = browser.get(f"/case/{case.id}?lang=en").text
    assert one in page and other in page
    settled = place.do(CITY, "su", "settle", case, keep=one, reason="先受理的算")
    assert (settled.hold, settled.state, settled.version) == (None, State.ACCEPTED, one)


# Fees


def test_a_payment_is_offered_where_something_was_billed(place: Place) -> None:
    case = place.at_city()
    assert "/do/paid" not in signed_in(place, "cw").get(f"/case/{case.id}").text
    desk, actor = place.desks[CITY], Actor("cw", "市窗口", Role.WINDOW)
    with desk.db.transaction() as tx:
        body = b.CaseAccepted("齐全", 900, b.LimitMode.EXACT, 5, 20)
        place.offices[CITY].casework.act(tx, case.id, actor, body)
    browser = signed_in(place, "cw")
    assert "/do/paid" in browser.get(f"/case/{case.id}").text
    assert "9.00" in step(browser, case.id, "paid", amount="9", receipt="A1").text


def test_no_special_procedure_is_offered_where_the_item_has_none(place: Place) -> None:
    items = load_catalogue().items
    usual = [i for i in items if i.decide_tier == "city" and not i.confidential and not i.is_immediate]
    for some, is_offered in ((True, True), (False, False)):
        item = next((i for i in usual if bool(i.special_procedures) is some), None)
        assert item is not None
        case = place.do(CITY, "cw", "accept", place.at_city(item))
        page = signed_in(place, "cw").get(f"/case/{case.id}").text
        assert ("/do/suspend" in page) is is_offered


# Behind


def test_a_catalogue_that_another_process_received_is_taken_up_when_a_case_needs_it(place: Place) -> None:
    case = place.at_city()
    shelf = place.offices[CITY].shelf
    shelf.catalogues = CatalogueHistory()
    assert place.do(CITY, "cw", "accept", case).state is State.ACCEPTED
    assert shelf.version == 1


def test_a_case_whose_catalogue_is_not_here_says_what_it_waits_for(place: Place) -> None:
    case = place.at_city()
    desk, shelf = place.desks[CITY], place.offices[CITY].shelf
    with desk.db.transaction() as tx:
        kept = tx.execute(PUBLICATION.select()).mappings().all()
        tx.execute(PUBLICATION.delete())
    shelf.catalogues = CatalogueHistory()
    try:
        with pytest.raises(StateError, match=r"desk\.no_catalogue") as refused:
            place.do(CITY, "cw", "accept", case)
        assert "第 1 版" in refused.value.zh
    finally:
        with desk.db.transaction() as tx:
            tx.execute(PUBLICATION.insert(), [dict(row) for row in kept])
            shelf.load(tx)
    assert place.do(CITY, "cw", "accept", case).state is State.ACCEPTED


# Not theirs


def test_a_case_of_another_township_is_no_business_of_this_one_even_if_it_is_on_its_disk(
    place: Place,
) -> None:
    case = place.submit()
    place.hire(OTHER_TOWN, "ow", "外镇", Role.WINDOW)
    desk = place.desks[OTHER_TOWN]
    with desk.db.reading() as tx:
        assert not may_see(desk, desk.roster.get(tx, "ow"), at_hand(place, case, TOWN))


def test_a_try_at_a_case_that_is_not_here_or_a_step_or_file_that_is_none_is_refused(place: Place) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")
    unknown = case_id(CITY, date(2015, 10, 10), 14)
    assert browser.get(f"/case/{unknown}").status_code == 404
    assert place.audit_lines(CITY)[-1] == ("cw", "desk.refused", unknown)
    assert step(browser, case.id, "nonsense").status_code == 400
    assert browser.get(f"/case/{case.id}/file/{'0' * 32}").status_code == 400


# The queue


def test_the_queue_opens_a_case_by_its_number_as_people_type_it(place: Place) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")
    typed = f"{case.id[:12]}-{case.id[12:20]}-{case.id[20:25]}-{case.id[25:]}"
    page = browser.get("/", params={"number": typed})
    assert page.url.path == f"/case/{case.id}"
    assert browser.get("/", params={"number": "123"}).status_code == 400


def test_the_queue_shows_what_is_due_soon_and_what_is_over(place: Place) -> None:
    case = place.do(CITY, "cw", "accept", place.at_city())
    browser = signed_in(place, "cw")
    due = {name: browser.get(f"/?scope=me&due={name}").text for name in ("soon", "over", "never")}
    assert case.id in due["never"]
    assert case.id not in due["over"]
    world = place.network.world
    before = world.now()
    try:
        world.pass_time(days=20)
        later = signed_in(place, "cw")
        assert case.id in later.get("/?scope=me&due=over").text
        assert case.id in later.get("/?scope=me&due=soon").text
        # A year whose calendar is not out: what is over is still shown.
        world.pass_time(days=3660)
        assert case.id in signed_in(place, "cw").get("/?scope=me&due=soon").text
    finally:
        world._now = before


def test_a_case_accepted_in_a_year_whose_calendar_is_not_out_has_a_dash_for_its_due_date(
    place: Place,
) -> None:
    case = place.at_city()
    world = place.network.world
    before = world.now()
    try:
        world.pass_time(days=3660)
        assert place.do(CITY, "cw", "accept", case).accepted_at is not None
        page = signed_in(place, "cw").get(f"/case/{case.id}?lang=zh").text
    finally:
        world._now = before
    assert "工作日历未公布，暂不能算" in page
    assert "<dt>应办结时间</dt><dd>—</dd>" in page


def test_a_page_of_the_queue_that_does_not_exist_is_refused(place: Place) -> None:
    browser = signed_in(place, "cw")
    for after in ("nonsense", "~," + "4" * 60):
        answer = browser.get("/", params={"after": after})
        assert answer.status_code == 400
        assert "回到第一页" in answer.text


def test_a_city_whose_divisions_are_not_known_here_has_no_list_of_origins(place: Place) -> None:
    elsewhere = replace(place.desks[CITY], node=NodeId("430982000000"))
    browser = TestClient(desk_app(elsewhere), base_url="http://desk")
    assert sign_in(browser, "cw", PASSWORD).status_code == 200
    assert "南大膳镇" not in browser.get("/").text
    assert "南大膳镇" in signed_in(place, "cw").get("/").text


# Signing in, and passwords


def test_who_is_signed_in_is_not_asked_again(place: Place) -> None:
    browser = signed_in(place, "cw")
    assert browser.get("/sign-in", follow_redirects=False).headers["location"] == "/"


def test_a_session_that_is_used_stays_open(place: Place) -> None:
    browser = signed_in(place, "cw")
    for _ in range(4):
        place.network.world.pass_time(minutes=20)
        assert browser.get("/", follow_redirects=False).status_code == 200
    place.network.world.pass_time(minutes=31)
    assert browser.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("now", "new", "again", "words"),
    [
        (PASSWORD, "another-secret", "other-secret", "两次输入的新密码不一样"),
        (PASSWORD, PASSWORD, PASSWORD, "新密码与现在的相同"),
        ("not-the-password", "another-secret", "another-secret", "不对"),
        (PASSWORD, "short", "short", "8"),
    ],
)
def test_a_password_that_may_not_be_changed_like_this_stays_as_it_was(
    place: Place, now: str, new: str, again: str, words: str
) -> None:
    browser = signed_in(place, "cr")
    token = hidden(browser.get("/password").text, "csrf")
    answer = browser.post("/password", data={"csrf": token, "now": now, "new": new, "again": again})
    assert answer.status_code == (401 if now != PASSWORD else 400)
    assert words in answer.text
    assert sign_in(client(place), "cr", PASSWORD).status_code == 200


# When the node itself fails


def test_a_failure_of_this_machine_is_told_as_one_and_not_logged_as_a_refusal(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = place.at_city()
    browser = signed_in(place, "cw")

    def full(*arguments: object, **named: object) -> None:
        raise LocalError("store.full", zh="磁盘已满。", en="The disk is full.")

    lines = len(place.audit_lines(CITY))
    with monkeypatch.context() as patch:
        patch.setattr(type(place.offices[CITY].casework), "act", full)
        answer = step(browser, case.id, "accept", note="齐全")
    assert answer.status_code == 503
    assert "磁盘已满" in answer.text
    assert len(place.audit_lines(CITY)) == lines
    assert at_hand(place, case).state is State.SUBMITTED


def test_a_page_that_breaks_says_so_without_telling_what_broke(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    browser = TestClient(desk_app(place.desks[CITY]), base_url="http://desk", raise_server_exceptions=False)
    sign_in(browser, "cw", PASSWORD)
    with monkeypatch.context() as patch:
        patch.setattr("core.desk.pages.queue", lambda *_: 1 // 0)
        answer = browser.get("/?lang=en")
    assert answer.status_code == 500
    assert "division" not in answer.text and "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "ZeroDivisionError" in caplog.text


def test_the_style_and_the_sign_are_served_to_everyone_and_kept(place: Place) -> None:
    browser = client(place)
    for name, kind in (("desk.css", "text/css"), ("desk.svg", "image/svg+xml")):
        answer = browser.get(f"/{name}")
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
        assert len(answer.content) > 100


def test_damage_is_on_the_attention_page_and_leads_to_its_case_if_it_has_one(place: Place) -> None:
    case = place.at_city()
    desk = place.desks[CITY]
    found = [
        {"kind": "damage", "subject": case.id, "type": "case", "at": None, "zh": "已损坏。", "en": "Rotted."},
        {
            "kind": "damage",
            "subject": "somewhere",
            "type": "envelope",
            "at": None,
            "zh": "信封。",
            "en": "E.",
        },
        {"kind": "disk", "subject": "", "type": "store.short", "at": None, "zh": "满了。", "en": "Full."},
    ]
    broken = replace(desk, troubles=lambda tx: found)
    browser = TestClient(desk_app(broken), base_url="http://desk")
    sign_in(browser, "cw", PASSWORD)
    page = browser.get("/attention").text
    assert f"/case/{case.id}" in page and "/case/somewhere" not in page
    assert all(one["zh"] in page for one in found)


def test_what_a_node_mended_by_itself_is_shown_to_people(place: Place) -> None:
    case = place.at_city()
    browser = TestClient(desk_app(place.desks[CITY]), base_url="http://desk")
    sign_in(browser, "cw", PASSWORD)
    assert case.id not in browser.get("/attention").text
    with place.network.nodes[CITY].db.transaction() as tx:
        tx.exec_driver_sql("UPDATE case_file SET data = x'00' WHERE id = ?", (case.id,))
    assert case.id in browser.get("/").text
    troubles, _, mended = browser.get("/attention").text.partition('id="mended"')
    assert case.id not in troubles
    assert "已自动修复" in mended and f"/case/{case.id}" in mended


def test_the_citys_desk_is_made_of_its_office_and_its_node(place: Place) -> None:
    node = place.network.nodes[CITY]
    installation = Installation(place.network.folder, Settings(node=CITY), node.db, node)
    desk = desk_context(City(installation, place.offices[CITY]))
    assert (desk.node, desk.db, desk.office) == (CITY, node.db, place.offices[CITY])
    with desk.db.reading() as tx:
        assert desk.roster.get(tx, "cw").name == "市窗口"
        assert {one["node"] for one in desk.neighbours(tx)} == {TOWN, OTHER_TOWN}
