"""A citizen on a phone, scripts off, looks a case up by the slip and rates it; an editor publishes a catalogue."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from city_node.app import City
from city_node.desk import wings_of
from city_node.office import CityOffice
from core.desk.public.pages import PublicPages
from core.desk.web import desk_app, public_app
from core.messages import Role
from core.slip_code import slip_text
from sync.installation import Installation
from sync.settings import Settings
from tests.pages.browser import WIDTHS, Watched, served
from tests.unit.desk_kit import CITY, ID_NO, PASSWORD, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    for id_, name in (("ed", "编目甲"), ("ed2", "编目乙")):
        made.hire(CITY, id_, name, Role.CATALOGUE_EDITOR)
    yield made
    made.network.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("LIANDONG_SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_citizen_looks_up_a_case_on_a_phone_without_scripts_and_rates_it(
    place: Place, browser: Browser, shots: Path
) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "refuse", case, ground="第三十二条", reason="不属于本机关职权")
    place.network.settle(2)
    office = place.offices[CITY]
    assert isinstance(office, CityOffice)
    app = public_app(place.desks[CITY], PublicPages(office.doorkeeper).wing())
    with served(app) as address:
        phone = browser.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False)
        page = phone.new_page()
        bytes_of: dict[str, int] = {}
        page.on(
            "response",
            lambda answer: bytes_of.update({answer.url: len(answer.body())}) if answer.ok else None,
        )
        page.goto(f"{address}/public")
        page.get_by_label("办件编号").fill(slip_text(case))
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_role("heading", name="回执属实")).to_be_visible()
        page.screenshot(path=shots / "public-case.png", full_page=True)
        page.get_by_label("基本满意").check()
        page.get_by_role("button", name="提交评价").click()
        expect(page.get_by_role("status")).to_contain_text("评价已收到")
        page.get_by_label("办件编号").fill(case.id)
        page.get_by_label("证件号码后四位").fill(ID_NO[-4:])
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_role("main")).to_contain_text("王××")
        assert bytes_of and max(bytes_of.values()) < 10_000
        # With scripts on, for the looks alone: labels, one heading, no wider than the screen.
        watched = Watched(browser.new_page(viewport={"width": 360, "height": 640}), address)
        watched.open("/public")
        watched.page.close()
        phone.close()
    assert watched.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_an_editor_opens_edits_and_hands_in_a_draft_and_another_publishes_it(
    place: Place, browser: Browser, shots: Path, width: int
) -> None:
    node = place.network.nodes[CITY]
    city = City(Installation(place.network.folder, Settings(node=CITY), node.db, node), place.offices[CITY])
    with served(desk_app(place.desks[CITY], *wings_of(city))) as address:
        watched = Watched(browser.new_page(viewport={"width": width, "height": 900}), address)
        page = watched.page

        def sign_in(id_: str) -> None:
            page.context.clear_cookies()
            page.goto(f"{address}/sign-in?next=/catalogue")
            page.get_by_label("工号").fill(id_)
            page.get_by_label("密码").fill(PASSWORD)
            page.get_by_role("button", name="登录").click()
            expect(page.get_by_role("heading", name="事项目录与工作日历")).to_be_visible()
            watched.look()

        sign_in("ed")
        page.get_by_role("button", name="起草下一版").first.click()
        expect(page.get_by_role("heading", name="事项目录草稿 · 第 2 版")).to_be_visible()
        watched.look()
        page.get_by_role("link", name=place.item().name, exact=True).click()
        page.get_by_label("承诺工作日").fill("4")
        watched.look()
        page.screenshot(path=shots / f"draft-item-{width}.png", full_page=True)
        page.get_by_role("button", name="保存").click()
        expect(page.get_by_role("status")).to_contain_text("已保存")
        page.locator("summary", has_text="提交核定").click()
        page.get_by_role("button", name="提交核定").click()
        expect(page.get_by_text("待核定发布")).to_be_visible()

        sign_in("ed2")
        page.get_by_role("link", name="查看草稿（第 2 版）").click()
        page.screenshot(path=shots / f"draft-{width}.png", full_page=True)
        page.get_by_role("button", name="核定并发布").click()
        expect(page.get_by_role("status")).to_contain_text("已发布第 2 版")
        watched.look()
        page.close()
    assert watched.complaints == []
    assert place.offices[CITY].shelf.catalogues.at(2).item(place.item().code).promised_days == 4
