"""Axe and our own checks find nothing on any page of the city's, a township's and the citizens' desk, all unfolded."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.testclient import TestClient

from city_node.app import City as CityNode
from city_node.desk import wings_of
from city_node.nodes.pages import NodePages
from city_node.publishing import publish
from city_node.sheet.pages import SheetPages
from core.case import Case
from core.desk.public.pages import PublicPages
from core.desk.web import desk_app, public_app
from core.identifiers import NodeId
from core.messages import MessageType, Role
from core.slip_code import slip_text
from core.states import State
from sync.installation import Installation
from sync.settings import Settings
from tests.pages import axe
from tests.pages.browser import WIDTHS, Watched, served
from tests.pages.crawl import Crawl, look
from tests.scenarios.world import CITY, TOWN
from tests.unit.desk_kit import ID_NO, PASSWORD, VILLAGE
from tests.unit.test_city_publishing import second
from tests.unit.test_desk_intake import filled, hand_in, open_project, project_items
from tests.unit.test_desk_pages import hidden, sign_in
from tests.unit.test_sheet_pages import City

ALL_ROLES = tuple(role for role in Role if role not in (Role.AGENT, Role.APPLICANT))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Something of everything: cards, a complaint, a difference, a project, drafts, somebody on leave, an ended case."""
    made = City(tmp_path_factory.mktemp("city"))
    place = made.place
    for node in (CITY, TOWN):
        place.hire(node, "zong", "总管", *ALL_ROLES)
    made.tell()
    place.submit(scan=b"%PDF-1.7 scan")
    place.do(TOWN, "tw", "supplement", place.submit(), missing=["户口簿"])
    place.do(CITY, "cw", "refuse", place.at_city(), ground="第三十二条", reason="不属于本机关职权")
    place.do(CITY, "cw", "assign", place.do(CITY, "cw", "accept", place.at_city()), officer="ch")
    place.network.world.pass_time(days=60)
    for _ in range(3):
        made.tell()
    # The city runs an older program for a while and has to set a case aside.
    dispatch = place.network.nodes[CITY].dispatch
    handler = dispatch._handlers[MessageType.CASE_SUBMITTED]
    dispatch.forget(MessageType.CASE_SUBMITTED)
    place.submit()
    made.tell()
    dispatch._handlers[MessageType.CASE_SUBMITTED] = handler
    publish(city_node(made), "catalogue", second())
    _at_the_desk(made)
    yield made
    place.network.close()


def _at_the_desk(city: City) -> None:
    """What is begun on the pages themselves."""
    desk = TestClient(city_desk(city), base_url="http://desk")
    sign_in(desk, "zong", PASSWORD)

    def post(page: str, to: str, **values: str) -> None:
        csrf = hidden(desk.get(page).text, "csrf")
        assert desk.post(to, data={"csrf": csrf, **values}).status_code == 200, to

    item = project_items(city.place)[0]
    hand_in(desk, item, filled(item), project=open_project(desk))
    for kind in ("catalogue", "calendar"):
        post("/catalogue", f"/catalogue/draft/{kind}/open")
    matter = {
        "person": "王女士",
        "phone": "13800138000",
        "words": "等了很久",
        "department": item.department.name,
    }
    post("/supervision/matters", "/supervision/matters", subject="complaint", **matter)
    leave = {
        "officer": "ch",
        "stand_in": "cr",
        "since": "2026-05-04",
        "until": "2026-06-30",
        "reason": "休假",
    }
    post("/people", "/people/leave", **leave)


def city_desk(city: City) -> Starlette:
    place, node = city.place, city.place.network.nodes[CITY]
    own = (SheetPages(city.office, node).wing(), NodePages(city.office, node, place.network.folder).wing())
    return desk_app(place.desks[CITY], *wings_of(city_node(city)), *own)


def city_node(city: City) -> CityNode:
    folder, node = city.place.network.folder, city.place.network.nodes[CITY]
    return CityNode(Installation(folder, Settings(node=CITY), node.db, node), city.office)


def one_that_is(city: City, node: NodeId, state: State) -> Case:
    return find(city, node, lambda case: case.state is state)


def find(city: City, node: NodeId, is_wanted: Callable[[Case], bool]) -> Case:
    book = city.place.offices[node].casebook
    with city.place.desks[node].db.reading() as tx:
        return next(one for id_ in book.all_ids(tx) if is_wanted(one := book.get(tx, id_)))


def signed_in(browser: Browser, address: str, width: int) -> Watched:
    watched = Watched(browser.new_page(viewport={"width": width, "height": 900}), address)
    page = watched.page
    page.goto(f"{address}/sign-in")
    page.get_by_label("工号").fill("zong")
    page.get_by_label("密码").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="登录").click()
    return watched


def deep_at_city(city: City) -> list[str]:
    cases = [one_that_is(city, CITY, State.REFUSED), find(city, CITY, lambda case: bool(case.attachments))]
    lines = (f"/sheet/{city.today}/{one}" for one in (TOWN, VILLAGE))
    return ["/public", *(f"/case/{one.id}" for one in cases), *lines]


def deep_at_town(city: City) -> list[str]:
    cases = (one_that_is(city, TOWN, state) for state in (State.SUPPLEMENT_REQUESTED, State.SUBMITTED))
    return [f"/case/{one.id}" for one in cases]


DEEP = {CITY: deep_at_city, TOWN: deep_at_town}
"""Where walking begins beside the first page: of several pages of a kind, those with the most on them."""


@pytest.mark.parametrize("node", [CITY, TOWN])
def test_every_page_of_a_desk_is_reached_by_links_and_has_no_findings_at_either_width(
    city: City, browser: Browser, node: str
) -> None:
    app = city_desk(city) if node == CITY else desk_app(city.place.desks[TOWN])
    with served(app) as address:
        watched = signed_in(browser, address, WIDTHS[0])
        crawl = Crawl(app, watched)
        crawl.walk("/", "/sign-in", *DEEP[node](city))
        print("\n".join(crawl.opened))
        for width in WIDTHS[1:]:
            watched.page.set_viewport_size({"width": width, "height": 844})
            for one in crawl.opened:
                look(watched, one)
        watched.page.close()
    assert watched.complaints == []
    # A slip is reached by its QR code, which is none of the desk's links.
    assert [one for one in crawl.never_opened() if one != "/public/slip/{slip}"] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_that_a_citizen_is_answered_with_has_findings(
    city: City, browser: Browser, width: int
) -> None:
    case = one_that_is(city, CITY, State.REFUSED)
    app = public_app(city.place.desks[CITY], PublicPages(city.office.doorkeeper).wing())
    with served(app) as address:
        watched = Watched(browser.new_page(viewport={"width": width, "height": 844}), address)
        page = watched.page
        for number, proof in ((case.id, ID_NO[-4:]), (slip_text(case), "")):
            watched.open("/public")
            page.get_by_label("办件编号").fill(number)
            page.get_by_label("证件号码后四位").fill(proof)
            with page.expect_navigation():
                page.get_by_role("button", name="查询").click()
            watched.look()
        assert "王××" in page.inner_text("main")
        watched.open(f"/public/slip/{slip_text(case)}")
        assert watched.complaints == []
        # What is refused answers with an error, which the console tells of; the page itself has to be sound.
        page.goto(f"{address}/public/slip/{VILLAGE}")
        watched.look()
        page.close()
    assert [one for one in watched.complaints if "Failed to load resource" not in one] == []


def test_axe_finds_what_is_wrong_with_a_page_under_the_policy_of_ours(city: City, browser: Browser) -> None:
    with served(desk_app(city.place.desks[TOWN])) as address:
        page = browser.new_page()
        page.goto(f"{address}/sign-in")
        assert axe.findings(page) == []
        page.evaluate("() => document.querySelectorAll('label').forEach(one => one.remove())")
        page.evaluate("() => document.querySelector('h1').replaceWith('登录')")
        rules = {one.split()[1] for one in axe.findings(page)}
        page.close()
    assert {"label", "page-has-heading-one"} <= rules
