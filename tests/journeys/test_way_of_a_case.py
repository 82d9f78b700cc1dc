"""An application from the village's counter to the decision and into its applicant's hands, who looks it up on a phone."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from core.identifiers import display_case_id
from tests.journeys.hands import Desk, desk
from tests.journeys.tiers import World
from tests.pages.browser import Watched


def test_an_application_goes_through_the_pages_of_township_and_city_to_its_applicant_who_finds_it_on_a_phone(
    world: World, browser: Browser, shots: Path
) -> None:
    tiers = world.tiers
    case, application = world.apply(tiers.village)
    number = display_case_id(case)
    with desk(browser, tiers.township, shots) as town, desk(browser, tiers.city, shots) as city:
        town.sign_in("zhen1")
        town.wait("/", number)
        take(town, number, "转报", note="材料齐全，初审合格")

        city.sign_in("chuangkou")
        city.wait("/", number)
        take(city, number, "受理", note="材料齐全，符合受理条件")
        city.step("分派", officer="chengban")
        for officer, verb, values in (
            ("chengban", "承办", {"recommend": "grant", "note": "入户核查属实"}),
            ("shenhe", "审核", {"recommend": "grant"}),
            ("jueding", "决定", {"outcome": "grant", "document": "沅政务承〔2026〕1号"}),
        ):
            city.sign_in(officer)
            take(city, number, verb, **values)
        expect(city.page.get_by_text("沅政务承〔2026〕1号")).to_be_visible()

        city.sign_in("chuangkou")
        city.open(f"/case/{case}")
        city.step("送达", received_by=application.person.name)
        city.told("已办理：送达")
        city.picture("case-delivered")
        for _ in range(5):
            document = city.page.request.get(f"{city.watched.address}/case/{case}/document/decision")
            # Under the library that moves the clock every short sleep is refused (EINVAL), and a process that draws and is
            # slow to end is waited for by one: the page says to try again.
            if document.ok or "Errno 22" not in document.text():
                break
        assert document.ok, document.text()
        assert document.body().startswith(b"%PDF-")
        (shots / "decision.pdf").write_bytes(document.body())
        # What the city did has gone all the way down again.
        town.wait(f"/case/{case}", "已送达")

    told = world.command(tiers.village, "show", str(case), "--json")
    assert told["state"] == "DELIVERED"
    look_up(browser, world, number, application.person.id_no[-4:], shots)


def take(at: Desk, number: str, verb: str, **values: str) -> None:
    """Open a case from one's own queue and take a step on it."""
    at.open("/")
    at.follow(at.page.get_by_role("link", name=number))
    at.step(verb, **values)
    at.told(f"已办理：{verb}")


def look_up(browser: Browser, world: World, number: str, last_four: str, shots: Path) -> None:
    """On a phone: scripts are off while the citizen is at it, and on afterwards for the checks alone."""
    address = f"http://{world.tiers.city.desk}"
    for scripts in (False, True):
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, java_script_enabled=scripts, device_scale_factor=2
        )
        watched = Watched(context.new_page(), address)
        page = watched.page
        page.goto(f"{address}/public")
        page.get_by_label("办件编号").fill(number)
        page.get_by_label("证件号码后四位").fill(last_four)
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_role("main")).to_contain_text("已送达")
        if scripts:
            watched.look()
        else:
            page.screenshot(path=shots / "public-390.png", full_page=True)
            page.get_by_label("非常满意", exact=True).check()
            page.get_by_role("button", name="提交评价").click()
            expect(page.get_by_role("status")).to_contain_text("评价已收到")
        context.close()
        assert watched.complaints == []
