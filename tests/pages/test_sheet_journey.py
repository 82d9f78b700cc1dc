"""A supervisor goes from the city down to one envelope and signs; an administrator gives a code: in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from core.messages import MessageType, Role
from tests.pages.browser import WIDTHS, Watched, served
from tests.scenarios.world import CITY, TOWN
from tests.unit.desk_kit import PASSWORD, VILLAGE
from tests.unit.test_sheet_pages import City


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    made.tell()
    made.place.hire(CITY, "zong", "总值班", Role.SUPERVISOR, Role.ADMINISTRATOR)
    yield made
    made.place.network.close()


def follow(link: Locator) -> None:
    """Click, and wait until the page that it leads to is there."""
    with link.page.expect_navigation():
        link.click()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_sheet_and_the_nodes_work_at_a_desk_and_on_a_phone_in_both_languages(
    city: City, browser: Browser, width: int, lang: str
) -> None:
    city.place.submit()
    # The city runs an older program for a while and has to set a case aside.
    city.place.network.nodes[CITY].dispatch.forget(MessageType.CASE_SUBMITTED)
    city.place.submit()
    city.tell()
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    with served(city.app) as address:
        watched = Watched(page, address)
        watched.open("/sign-in")
        page.get_by_label("工号").fill("zong")
        page.get_by_label("密码").fill(PASSWORD)
        follow(page.get_by_role("button", name="登录"))
        watched.open(f"/sheet?lang={lang}&with={city.today}")
        follow(page.locator(f'a[href^="/sheet/{city.today}/{TOWN}"]'))
        watched.look()
        follow(page.locator(f'a[href^="/sheet/{city.today}/{VILLAGE}"]'))
        watched.look()
        here = page.url
        follow(page.locator('a[href^="/envelope/"]').first)
        watched.look()
        expect(page.locator("h1")).to_have_count(1)
        page.goto(here)
        follow(page.locator('a[href^="/sheet/difference/"]').first)
        watched.look()
        page.locator("#actions details").filter(has=page.locator("[name=words][required]")).locator(
            "summary"
        ).click()
        page.locator("#actions details[open] textarea").fill("已核对纸质材料")
        follow(page.locator("#actions details[open] button"))
        watched.look()
        expect(page.get_by_role("status")).to_be_visible()
        watched.open("/sheet/pairs")
        watched.open("/sheet")
        page.locator("#sign-words").fill("一件待市级升级后放行")
        follow(page.locator("#sign button"))
        expect(page.locator("#sign")).to_contain_text("总值班")
        watched.look()
        watched.open("/nodes")
        watched.open("/nodes?only=absent")
        watched.open("/nodes/node/430981102203")
        page.locator("#actions summary").click()
        page.locator("#reason-code").fill("新设代办点")
        page.locator("#confirm-code").fill("430981102203")
        follow(page.locator("#actions details[open] button"))
        expect(page.locator("code")).to_be_visible()
        watched.look()
    assert watched.complaints == []
