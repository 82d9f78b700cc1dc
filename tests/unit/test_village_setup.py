"""The first set-up by keys alone: every step goes back, nothing typed is lost, the power may go at any step."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.errors import StateError
from core.identifiers import NodeId
from sync import enrol as enrolment
from sync import registrar
from sync.enrol import ANCHOR_PATH, APPLY_PATH
from sync.enrolment_code import parse_code
from sync.environment import SystemWorld
from sync.installation import Installation
from sync.settings import load_settings
from sync.status import is_enrolled
from tests.unit.enrolled_kit import found_city
from tests.unit.village_kit import PIN, VILLAGE, open_desk, sheet
from tests.unit.village_screens import Journey, ambiguous, painted, paste, until
from village_agent import founding
from village_agent.first_run import Plan, Step, has_node, is_begun, read_plan, write_plan
from village_agent.founding import Joined, secure, take_back
from village_agent.tui.app import DeskApp
from village_agent.tui.screens.setup_join import joined_words
from village_agent.vault import create_vault, open_vault, operators


def run(folder: Path, journey: Journey, *, lang: str = "zh", size: tuple[int, int] = (80, 24)) -> DeskApp:
    """Open the screens on a folder without a node and walk; the desk is closed."""
    app = DeskApp(folder, SystemWorld(), lang)

    async def walk() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await journey(app, pilot)

    asyncio.run(walk())
    if app.is_open:
        app.desk.close()
    return app


def plan_at(folder: Path, step: Step, **known: str) -> None:
    """The record of a first run that came as far as ``step``."""
    values: dict[str, Any] = {
        "node": VILLAGE,
        "contact": "https://127.0.0.1:9",
        "enrol": "https://127.0.0.1:8",
        "operator": "李代办",
    }
    write_plan(folder, Plan(step, **{**values, **known}))


async def type_pin(pilot: Pilot[None], pin: str, again: str) -> None:
    await paste(pilot, pin)
    await pilot.press("enter")
    await paste(pilot, again)
    await pilot.press("enter")


def test_the_steps_before_the_village_are_answered_and_kept_one_by_one(tmp_path: Path) -> None:
    seen: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "语言" in painted(app)
        await pilot.press("f2", "f5")
        seen.append(painted(app))
        await pilot.press("enter")
        await pilot.pause()
        assert read_plan(tmp_path).step is Step.FRAME
        await pilot.press("2")
        assert "NSimSun" in painted(app)
        await pilot.press("1")
        await pilot.pause()
        await paste(pilot, "ab")
        await pilot.press("enter")
        await pilot.pause()
        assert "不足两个汉字" in painted(app)
        assert app.screen.query_one(Input).value == "ab"
        await paste(pilot, "你好")
        await pilot.press("enter")
        seen.append(await until(app, pilot, "写入 1 MB"))
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("2")
        assert "日期和时间" in painted(app)
        await pilot.press("1")
        await pilot.pause()
        assert "哪个村" in painted(app)

    run(tmp_path, journey)
    plan = read_plan(tmp_path)
    assert (plan.step, plan.frame, plan.typing) == (Step.VILLAGE, "yes", "yes")
    assert not has_node(tmp_path)
    assert "新建申请" not in seen[0]


def test_a_village_is_found_by_name_and_a_code_outside_the_table_goes_no_further(tmp_path: Path) -> None:
    plan_at(tmp_path, Step.VILLAGE, node="")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await paste(pilot, "430981102999")
        await pilot.press("enter")
        await pilot.pause()
        assert "不在沅江市的区划表中" in painted(app)
        assert app.screen.query_one(Input).value == "430981102999"
        await pilot.press("ctrl+u")
        await paste(pilot, "和平")
        await pilot.pause()
        assert "泗湖山镇" in painted(app)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "镇便民服务中心的地址" in painted(app)

    run(tmp_path, journey)
    assert read_plan(tmp_path).node == "430981105224"


def test_going_back_and_forth_clears_nothing_that_was_typed(tmp_path: Path) -> None:
    plan_at(tmp_path, Step.ADDRESS, contact="", enrol="")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert "没有地址" in painted(app)
        await pilot.press("up")
        await paste(pilot, "10.1.2.3/x")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert "重新输入" in painted(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.query_one(Input).value == VILLAGE
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query_one("#contact", Input).value == "10.1.2.3/x"
        await pilot.press("backspace", "backspace", "enter", "enter")
        await pilot.pause()
        assert "操作员和口令" in painted(app)

    run(tmp_path, journey)
    plan = read_plan(tmp_path)
    assert (plan.contact, plan.enrol) == ("https://10.1.2.3:8443", "https://10.1.2.3:8442")


def test_the_operator_step_refuses_in_words_and_then_sets_up_an_encrypted_node(tmp_path: Path) -> None:
    plan_at(tmp_path, Step.OPERATOR, operator="")
    seen: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await type_pin(pilot, PIN, PIN)
        await pilot.pause()
        assert "姓名应为" in painted(app)
        await paste(pilot, "李代办")
        await pilot.press("down", "down")
        await paste(pilot, "1")
        await pilot.press("enter")
        await pilot.pause()
        seen.append(painted(app))
        assert "两次输入的口令不一样" in painted(app)
        await pilot.press("backspace", "enter")
        seen.append(await until(app, pilot, "加入本市"))

    run(tmp_path, journey)
    assert PIN not in "".join(seen)
    assert not ambiguous("".join(seen))
    assert operators(tmp_path)[0].name == "李代办"
    assert load_settings(tmp_path).parent_enrol == "https://127.0.0.1:8"
    assert not (tmp_path / "node.db").read_bytes().startswith(b"SQLite")
    assert read_plan(tmp_path).step is Step.JOIN


def test_a_power_cut_between_pin_and_node_goes_on_with_that_pin(tmp_path: Path) -> None:
    plan_at(tmp_path, Step.OPERATOR)
    key = create_vault(tmp_path, "a1", "李代办", PIN, SystemWorld())

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "已经为 李代办 设好口令" in painted(app)
        await paste(pilot, "100200")
        await pilot.press("enter")
        await until(app, pilot, "口令不对")
        await pilot.press("ctrl+u")
        await paste(pilot, PIN)
        await pilot.press("enter")
        await until(app, pilot, "加入本市")

    run(tmp_path, journey)
    assert has_node(tmp_path)
    assert open_vault(tmp_path, "a1", PIN, SystemWorld()) == key


def test_a_power_cut_after_the_node_asks_for_the_pin_and_goes_on_at_joining(tmp_path: Path) -> None:
    plan_at(tmp_path, Step.JOIN)
    secure(tmp_path, Plan(node=VILLAGE, operator="李代办"), PIN, SystemWorld()).close()

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "请输入口令" in painted(app)
        await paste(pilot, PIN)
        await pilot.press("enter")
        await until(app, pilot, "还没有填镇的地址")
        await pilot.press("f8")
        await pilot.pause()
        assert "还没有加入本市" in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "F2 新建" in painted(app)
        assert "还没有加入本市" in painted(app)

    run(tmp_path, journey)
    assert not is_begun(tmp_path)


@dataclass(frozen=True)
class Door:
    """A city that issues codes, reached without a line; ``late`` is by how much its clock differs from ours."""

    city: Installation
    code: Callable[[str], str]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    city = found_city(tmp_path / "city", SystemWorld())
    doors = {ANCHOR_PATH: registrar.give_anchor, APPLY_PATH: registrar.admit}
    monkeypatch.setattr(
        enrolment, "door", lambda url, timeout_s: lambda path, data: doors[path](city.node, data)
    )
    yield Door(city, lambda node: registrar.new_code(city.node, NodeId(node))[1])
    city.close()


def test_a_one_time_code_joins_the_city_and_the_missing_line_to_the_township_is_said_in_words(
    tmp_path: Path, door: Door
) -> None:
    folder = tmp_path / "d"
    plan_at(folder, Step.JOIN)
    secure(folder, read_plan(folder), PIN, SystemWorld()).close()
    code = door.code(VILLAGE)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await paste(pilot, PIN)
        await pilot.press("enter")
        await until(app, pilot, "注册码")
        await paste(pilot, wrong)
        await pilot.press("enter")
        await pilot.pause()
        assert "校验不符" in painted(app)
        await pilot.press("backspace")
        await paste(pilot, code[-1])
        await pilot.press("enter")
        text = await until(app, pilot, "第一次同步没有成功")
        assert "已加入本市" in text
        assert "本机时间与镇里相差 0 秒" in text
        await pilot.press("enter")
        await pilot.pause()
        assert "请记住三件事" in painted(app)
        assert "还没有加入" not in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "F2 新建" in painted(app)
        assert is_enrolled(app.desk.village.installation)

    run(folder, journey)
    assert not is_begun(folder)


def test_a_code_of_another_village_is_refused_and_the_village_can_still_be_changed(
    tmp_path: Path, door: Door
) -> None:
    folder = tmp_path / "d"
    other = "430981105224"
    plan_at(folder, Step.JOIN)
    secure(folder, read_plan(folder), PIN, SystemWorld()).close()
    code = door.code(other)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await paste(pilot, PIN)
        await pilot.press("enter")
        await until(app, pilot, "注册码")
        await paste(pilot, code)
        await pilot.press("enter")
        await until(app, pilot, "该注册码是发给另一个节点的")
        for words in ("操作员和口令", "镇便民服务中心的地址", "哪个村"):
            await pilot.press("escape")
            await until(app, pilot, words)
        await pilot.press("ctrl+u")
        await paste(pilot, other)
        await pilot.press("enter")
        await until(app, pilot, "镇便民服务中心的地址")
        await pilot.press("enter", "enter")
        await until(app, pilot, "已设好")
        await pilot.press("enter", "enter", "enter")
        await until(app, pilot, "注册码")
        assert app.screen.query_one(Input).value == code
        await pilot.press("enter")
        await until(app, pilot, "已加入本市")
        assert app.desk.village.installation.node.place.node == other

    run(folder, journey)


def test_a_node_that_was_used_is_not_taken_back(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, SystemWorld())
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    with pytest.raises(StateError, match=r"setup\.in_use"):
        take_back(desk)
    with desk.village.installation.db.reading() as tx:
        assert len(list(desk.village.office.casebook.all_ids(tx))) == 1
    desk.close()


def test_an_enrolment_whose_answer_was_lost_says_nothing_of_the_clock(tmp_path: Path, door: Door) -> None:
    folder = tmp_path / "d"
    desk = secure(folder, Plan(node=VILLAGE, operator="李"), PIN, SystemWorld())
    code = parse_code(door.code(VILLAGE))
    post = enrolment.door("", 1)

    def losing(path: str, data: bytes) -> bytes:
        answer = post(path, data)
        if path == APPLY_PATH:
            raise StateError("line.down", zh="断了。", en="Down.")
        return answer

    with pytest.raises(StateError, match=r"line\.down"):
        founding.join(desk, code, post=losing)
    with pytest.raises(StateError, match=r"setup\.in_use"):
        take_back(desk)
    joined = founding.join(desk, code, post=post)
    assert joined.behind_s is None
    assert is_enrolled(desk.village.installation)
    desk.close()


def test_a_wrong_clock_is_said_with_its_direction() -> None:
    slow, fast = timedelta(days=3).total_seconds(), -timedelta(hours=2).total_seconds()
    assert "慢了 3 天" in joined_words(Joined(int(slow), None, 1), "zh")[-1]
    assert "2 h fast" in joined_words(Joined(int(fast), None, 1), "en")[-1]
    assert Joined(301, None, 1).is_clock_wrong
    assert not Joined(-300, None, 1).is_clock_wrong
    assert not Joined(None, None, 1).is_clock_wrong


def test_english_is_chosen_at_the_first_step_and_kept(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await pilot.pause()
        assert "straight line" in painted(app)
        await pilot.press("f12")
        await pilot.pause()
        assert "看一看边框" in painted(app)
        await pilot.press("f12", "1")
        await pilot.pause()
        assert "Does the input method work?" in painted(app)

    run(tmp_path, journey)
    assert read_plan(tmp_path).lang == "en"


def test_a_damaged_record_begins_anew_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "setup.json").write_text("{")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "读不出来" in painted(app)
        assert "请选择语言" in painted(app)

    run(tmp_path, journey)
