"""Each way in which the books can differ is made on purpose in a running city, found on the sheet with its cause, and mended
from the page; and a late case gets its card, which is explained and taken back.

Every test begins and ends with books that agree, so that they need no order among them.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.identifiers import CaseId, display_case_id
from deploy.demo.network import Station
from tests.journeys.hands import Desk, desk
from tests.journeys.older_city import write_program
from tests.journeys.tiers import World

pytestmark = pytest.mark.journey
SUPERVISOR = "ducha"
RESEND, LEVEL = "要求补报", "已相符"
DAYS_AWAY, LOOKS_S = 15, 8


@pytest.fixture
def city(world: World, browser: Browser, shots: Path) -> Iterator[Desk]:
    with desk(browser, world.tiers.city, shots) as at:
        yield at


def test_a_village_put_back_from_a_backup_is_rewound_until_it_is_asked_to_send_again(
    world: World, city: Desk
) -> None:
    village = world.tiers.village
    backup = world.folder / "backup.db"
    world.command(village, "backup", str(backup))
    case, _ = world.apply(village)
    city.sign_in(SUPERVISOR)
    city.wait(line_of(world, village), display_case_id(case))
    world.wait(world.tiers.stop(village))
    world.command(village, "restore", str(backup))
    world.cut(village)
    world.wait(world.tiers.restart(village))
    until(lambda: waits(world, village), "the restored village has something to tell")
    world.heal(village)
    city.wait(line_of(world, village), "数据回退")
    # Whoever is asked while it is being completed would be level before anybody had pressed a button.
    world.cut(village)
    at = find(city, world, village, "数据回退")
    city.picture("sheet-rewound")
    city.step(RESEND)
    city.told("已办理")
    world.heal(village)
    is_level(city, world, village, at)
    assert world.command(village, "show", str(case), "--json")["state"] == "SUBMITTED"


def test_two_machines_of_one_village_are_a_clone_until_a_new_one_takes_their_place_by_a_code_of_the_page(
    world: World, city: Desk
) -> None:
    tiers, village = world.tiers, world.tiers.neighbour
    world.wait(tiers.stop(village))
    twin = Station(village.node, village.tier, village.folder.with_name("village-twin"))
    shutil.copytree(village.folder, twin.folder)
    world.wait(tiers.restart(village))
    world.wait(tiers.crew.start("twin", twin.program, "--data", str(twin.folder), "-v", "run"))
    log = world.folder / "logs" / "twin.log"
    until(
        lambda: f"met {tiers.township.node}" in log.read_text(encoding="utf-8"), "the twin met its township"
    )
    case, _ = world.apply(village)
    city.sign_in(SUPERVISOR)
    city.wait(line_of(world, village), "疑似双机")
    # Both are switched off at once: the later one would be given the case back and report it.
    for running in ("twin", village.run_name):
        world.wait(tiers.crew.kill(running))
    at = find(city, world, village, "疑似双机")
    city.picture("sheet-cloned")
    city.step(RESEND, words="两台都已停用，换新设备")
    city.told("已办理")

    city.sign_in("guanli")
    city.open(at)
    city.follow(city.page.get_by_role("link", name="到节点页更换或吊销"))
    city.unfold("更换设备")
    form = city.page.locator("#actions details[open]")
    form.get_by_label("理由").fill("整盘复制，两台都停用")
    form.get_by_label("为确认").fill(village.node)
    city.follow(form.get_by_role("button", name="签发注册码"))
    code = city.page.get_by_role("status").locator("code").inner_text()
    world.wait(tiers.replace(village, code))
    city.sign_in(SUPERVISOR)
    is_level(city, world, village, at)
    assert world.command(village, "show", str(case), "--json")["case"] == case


def test_a_message_that_an_older_city_set_aside_is_released_from_the_sheet_after_its_upgrade(
    world: World, city: Desk
) -> None:
    tiers, village = world.tiers, world.tiers.village
    world.wait(tiers.run_as(tiers.city, write_program(world.folder)))
    case, _ = world.apply(village)
    city.sign_in(SUPERVISOR)
    at = find(city, world, village, "有隔离")
    city.open("/sheet")
    expect(city.page.locator(".heads .badge").first).to_have_text("有隔离")
    city.picture("sheet-quarantined")
    world.wait(tiers.run_as(tiers.city, ""))
    city.open(at)
    city.step("重试放行", words="市级已升级")
    city.told("已办理")
    is_level(city, world, village, at, by="重试放行")
    city.open(f"/case/{case}")


@dataclass(frozen=True, slots=True)
class Fortnight:
    """What had been begun before the machines were off: ``late`` is with a handler, the others never left their village."""

    late: CaseId
    at_stopped: CaseId
    on_lost_stick: CaseId
    stick: Path


@pytest.fixture(scope="module")
def fortnight(world: World, browser: Browser, shots: Path) -> Fortnight:
    """A village has stopped, the other one's line is down and its stick got lost; two weeks pass."""
    tiers = world.tiers
    late, _ = world.apply(tiers.village)
    number = display_case_id(late)
    with desk(browser, tiers.township, shots) as town, desk(browser, tiers.city, shots) as city:
        town.sign_in("zhen1")
        town.wait("/", number)
        town.open(f"/case/{late}")
        town.step("转报")
        city.sign_in("chuangkou")
        city.wait("/", number)
        city.open(f"/case/{late}")
        city.step("受理")
        city.step("分派", officer="chengban")
    world.wait(tiers.stop(tiers.village))
    at_stopped, _ = world.apply(tiers.village)
    world.cut(tiers.neighbour)
    on_lost_stick, _ = world.apply(tiers.neighbour)
    stick = world.folder / "KINGSTON"
    stick.mkdir()
    world.command(tiers.neighbour, "export", str(stick))
    assert any(stick.rglob("*"))
    empty(stick)
    world.wait(tiers.pass_days(DAYS_AWAY))
    return Fortnight(late, at_stopped, on_lost_stick, stick)


def test_a_case_beyond_its_limit_has_its_card_on_the_board_until_the_supervisor_takes_it_back(
    world: World, city: Desk, fortnight: Fortnight
) -> None:
    number = display_case_id(fortnight.late)
    city.sign_in("fuze")
    city.wait("/supervision", number)
    city.picture("board")
    city.follow(city.page.get_by_role("link", name="全部牌"))
    row = city.page.locator("tr").filter(has_text=number).filter(has_text="黄牌")
    city.follow(row.locator('a[href^="/supervision/card/"]').first)
    here = city.page.url.removeprefix(city.watched.address).partition("?")[0]
    city.step("说明情况", words="等待残联复核，期间停电")
    city.step("申诉", words="不可归责于承办人")
    expect(city.page.locator(".heads")).to_contain_text("申诉中")
    city.sign_in(SUPERVISOR)
    city.open(here)
    city.step("撤牌", words="申诉成立")
    city.told("已办理")
    expect(city.page.locator(".heads")).to_contain_text("已撤")
    history = city.page.locator(".path").inner_text()
    assert history.index("发牌") < history.index("说明") < history.index("申诉") < history.index("撤牌")
    city.picture("card-withdrawn")


def test_a_village_that_stopped_is_silent_on_the_sheet_until_it_runs_and_answers_what_it_was_asked(
    world: World, city: Desk, fortnight: Fortnight
) -> None:
    village = world.tiers.village
    city.sign_in(SUPERVISOR)
    at = find(city, world, village, "失联")
    city.step(RESEND, words="已电话通知开机")
    city.told("已办理")
    city.open("/nodes?only=look")
    assert village.node in city.page.content()
    city.picture("nodes")
    world.wait(world.tiers.restart(village))
    is_level(city, world, village, at)
    city.wait(line_of(world, village, fortnight.at_stopped), display_case_id(fortnight.at_stopped))


def test_a_stick_that_got_lost_is_silence_on_the_sheet_until_the_next_one_has_gone_both_ways(
    world: World, city: Desk, fortnight: Fortnight
) -> None:
    tiers, village = world.tiers, world.tiers.neighbour
    city.sign_in(SUPERVISOR)
    at = find(city, world, village, "失联")
    city.picture("sheet-lost")
    city.step(RESEND)
    city.told("已办理")
    # With the case and the report up, with the question down, and with the answer up again.
    for _ in range(3):
        for giver, taker in ((village, tiers.township), (tiers.township, village)):
            world.command(giver, "export", str(fortnight.stick))
            # Whoever owes nothing writes nothing, and the other one says that there is nothing for it.
            world.command(taker, "import", str(fortnight.stick), check=False)
        # The programs look every few seconds whether they have been asked for something.
        time.sleep(LOOKS_S)
    is_level(city, world, village, at)
    city.wait(line_of(world, village, fortnight.on_lost_stick), display_case_id(fortnight.on_lost_stick))
    world.heal(village)


def find(city: Desk, world: World, village: Station, cause: str) -> str:
    """Go down from the city's line to the difference of that cause; returns its address."""
    line = line_of(world, village)
    city.wait(line, cause)
    city.open("/sheet")
    # Never level while anything is quarantined, unknown or silent.
    assert city.page.locator(".heads .badge").first.inner_text() != "相符"
    for place in (world.tiers.township.node, village.node):
        city.follow(city.page.locator(f'main a[href*="/{place}"]').first)
    open_ones = city.page.locator("li").filter(has=city.page.locator(".badge", has_text=cause))
    city.follow(open_ones.filter(has_not_text=LEVEL).locator("a").first)
    expect(city.page.locator("h1")).to_contain_text(cause)
    return city.page.url.removeprefix(city.watched.address)


def is_level(city: Desk, world: World, village: Station, at: str, by: str = RESEND) -> None:
    """The difference says so by itself, after what was done about it; and so does the line of the day."""
    city.wait(at, LEVEL)
    history = city.page.locator(".path").inner_text()
    assert history.index("发现") < history.index(by) < history.index(LEVEL)
    city.wait(line_of(world, village), "相符", within=".heads")
    city.picture(f"level-{village.node}")


def line_of(world: World, village: Station, case: CaseId | None = None) -> str:
    """The address of a village's line, today or on the day that a case was registered."""
    day = case[12:20] if case is not None else f"{world.tiers.today:%Y%m%d}"
    return f"/sheet/{day}/{village.node}"


def waits(world: World, station: Station) -> bool:
    status = world.command(station, "status", "--json")
    return bool(status["unsealed_messages"] or any(one["waiting_envelopes"] for one in status["peers"]))


def until(is_so: Callable[[], object], words: str) -> None:
    until_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until_s, f"never: {words}"
        time.sleep(0.5)


def empty(stick: Path) -> None:
    for path in sorted(stick.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
