"""Officers work a case from acceptance to delivery in a real browser, at a desk's width and at a phone's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.case import Case
from core.desk.web import desk_app
from core.states import State
from tests.pages.browser import WIDTHS, Watched, served
from tests.unit.desk_kit import CITY, PASSWORD, TOWN, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("LIANDONG_SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sign_in(watched: Watched, id_: str) -> None:
    page = watched.page
    page.context.clear_cookies()
    watched.open("/sign-in")
    page.get_by_label("工号").fill(id_)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="办件", exact=True)).to_be_visible()
    watched.look()


def unfold(page: Page, verb: str) -> None:
    """Open the step's form, if it does not stand open already."""
    step = page.locator("#actions details").filter(has=page.locator("summary", has_text=verb))
    if not step.first.evaluate("one => one.open"):
        step.first.locator("summary").click()


def press(watched: Watched, verb: str) -> None:
    page = watched.page
    page.locator("#actions details[open]").get_by_role("button", name=verb, exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"已办理：{verb}")
    watched.look()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_case_is_accepted_handled_reviewed_decided_and_delivered_in_the_browser(
    place: Place, browser: Browser, shots: Path, width: int
) -> None:
    case = place.at_city()
    with served(desk_app(place.desks[CITY])) as address:
        page = browser.new_page(viewport={"width": width, "height": 900})
        watched = Watched(page, address)

        sign_in(watched, "cw")
        page.screenshot(path=shots / f"queue-{width}.png", full_page=True)
        page.get_by_role("link", name=case.id[:12]).click()
        page.locator("#accept-note").fill("材料齐全")
        page.screenshot(path=shots / f"accept-{width}.png", full_page=True)
        press(watched, "受理")
        page.locator("#assign-officer").select_option("ch")
        press(watched, "分派")

        sign_in(watched, "ch")
        watched.open(f"/case/{case.id}")
        page.locator("#handle-recommend").select_option("grant")
        page.locator("#handle-note").fill("入户核查属实")
        press(watched, "承办")

        sign_in(watched, "cr")
        watched.open(f"/case/{case.id}")
        page.locator("#review-recommend").select_option("grant")
        press(watched, "审核")

        sign_in(watched, "cd")
        watched.open(f"/case/{case.id}")
        page.locator("#decide-outcome").select_option("grant")
        page.locator("#decide-document").fill("沅民〔2026〕1号")
        press(watched, "决定")
        expect(page.get_by_text("沅民〔2026〕1号")).to_be_visible()

        sign_in(watched, "cw")
        watched.open(f"/case/{case.id}")
        page.locator("#deliver-received-by").fill("王小明")
        press(watched, "送达")
        page.screenshot(path=shots / f"delivered-{width}.png", full_page=True)
        page.close()
    assert watched.complaints == []
    assert state_of(place, case) is State.DELIVERED


@pytest.mark.parametrize("width", WIDTHS)
def test_a_township_asks_for_what_is_missing_and_is_told_when_it_named_nothing(
    place: Place, browser: Browser, shots: Path, width: int
) -> None:
    case = place.submit(scan=b"%PDF-1.7 scan")
    with served(desk_app(place.desks[TOWN])) as address:
        page = browser.new_page(viewport={"width": width, "height": 900})
        watched = Watched(page, address)
        sign_in(watched, "tw")
        watched.open(f"/case/{case.id}")
        unfold(page, "一次性告知补正")
        page.locator("#actions details[open]").get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("请至少指明一项")
        page.screenshot(path=shots / f"refused-{width}.png", full_page=True)
        # A refusal is a 400, which the console reports; everything else stays quiet.
        watched.complaints.clear()
        page.get_by_label("申请书").check()
        press(watched, "一次性告知补正")
        with page.expect_download() as coming:
            page.get_by_role("link", name="户口簿.pdf").click()
        assert Path(coming.value.path()).read_bytes() == b"%PDF-1.7 scan"
        for path in ("/nodes", "/attention", "/password", "/?scope=all&lang=en"):
            watched.open(path)
            page.screenshot(
                path=shots / f"town{path.split('?')[0].replace('/', '-')}-{width}.png", full_page=True
            )
        page.close()
    assert watched.complaints == []
    assert state_of(place, case, TOWN) is State.SUPPLEMENT_REQUESTED


def state_of(place: Place, case: Case, node: str = CITY) -> State:
    desk = place.desks[node]
    with desk.db.reading() as tx:
        return desk.office.casebook.get(tx, case.id).state
