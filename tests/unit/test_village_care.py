"""Help, language, lock, operators, the doctor's page and undo: what a person needs besides the cases."""

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.errors import InputError
from sync.doctor import examine
from sync.environment import SystemWorld
from sync.installation import BACKUPS
from sync.settings import load_settings
from tests.unit.sealing_kit import StillWorld
from tests.unit.village_kit import ITEM, PIN, open_desk
from tests.unit.village_screens import painted, paste, until, walk
from village_agent.tui import screens as pages
from village_agent.tui.app import IDLE_LOCK_S, DeskApp
from village_agent.tui.base import DeskScreen, keys_of
from village_agent.tui.fields import Field
from village_agent.tui.screens.help import help_key
from village_agent.tui.screens.home import HomeScreen
from village_agent.tui.screens.lock import LockScreen
from village_agent.tui.wizard import WizardScreen
from village_agent.vault import open_vault, operators


def _subclasses(cls: type) -> set[type]:
    return {cls}.union(*(_subclasses(one) for one in cls.__subclasses__()))


def test_every_page_of_the_desk_has_its_own_words_of_help() -> None:
    folder = Path(pages.__file__).parent
    for file in folder.glob("*.py"):
        __import__(f"village_agent.tui.screens.{file.stem}")
    made = [cls for cls in _subclasses(DeskScreen) if cls.__module__.startswith(pages.__name__)]
    assert len(made) >= 15
    for cls in made:
        about = cls.__new__(cls)
        assert help_key(about) != "help.other", cls.__name__


def test_help_tells_the_page_one_came_from_and_every_key_that_works_there(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        await pilot.pause()
        asked = keys_of(app.screen, "zh")
        await pilot.press("f1")
        await pilot.pause()
        text = painted(app)
        assert "草稿：Enter 接着填" in text
        for name, words in asked:
            assert any(name in line and words in line for line in text.splitlines()), (name, words)
        await pilot.press("f1", "escape")
        await pilot.pause()
        assert "草稿箱" in painted(app)

    walk(tmp_path / "d", journey).close()


def test_the_language_changes_at_the_field_one_is_in_and_is_kept_for_the_next_start(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await pilot.pause()
        await paste(pilot, ITEM)
        await pilot.press("enter")
        await pilot.pause()
        await paste(pilot, "王秀英")
        await pilot.press("f12")
        await pilot.pause()
        text = painted(app)
        assert "Applicant's name" in text
        assert "王秀英" in text
        assert isinstance(app.screen, WizardScreen)
        assert app.focused is not None
        assert app.focused.query_ancestor(Field).asked.key == "name"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)
        assert "Unfinished" in painted(app)
        assert load_settings(tmp_path / "d").lang == "en"
        await pilot.press("f3", "f12")
        await pilot.pause()
        assert "F2 新建" in painted(app)
        assert len(app.screen_stack) == 2

    walk(tmp_path / "d", journey).close()
    assert load_settings(tmp_path / "d").lang == "zh"


def test_the_screens_lock_when_nobody_types_and_speak_either_language_at_the_door(tmp_path: Path) -> None:
    world = StillWorld()

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        world.pass_time(seconds=IDLE_LOCK_S - 1)
        app._lock_if_idle()
        assert not isinstance(app.screen, LockScreen)
        world.pass_time(seconds=2)
        app._lock_if_idle()
        await pilot.pause()
        assert "已锁屏" in painted(app)
        await pilot.press("f2", "f10", "ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, LockScreen)
        await pilot.press("f12")
        await pilot.pause()
        assert "Enter your PIN" in painted(app)
        await paste(pilot, PIN)
        assert "******" in painted(app)
        await pilot.press("enter")
        await until(app, pilot, "drafts")

    walk(tmp_path / "d", journey, world=world).close()


def test_another_operator_is_added_and_a_forgotten_pin_is_set_anew(tmp_path: Path) -> None:
    folder = tmp_path / "d"

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await app.run_action("operators")
        await pilot.pause()
        await pilot.press("end", "enter")
        await paste(pilot, "张书记")
        await pilot.press("enter")
        await paste(pilot, "111111")
        await pilot.press("enter")
        await paste(pilot, "111111")
        await pilot.press("enter")
        await pilot.pause()
        assert "连续的数字" in painted(app)
        for _ in range(2):
            await pilot.press("ctrl+u")
            await paste(pilot, "806357")
            await pilot.press("enter")
        await until(app, pilot, "张书记 的口令已设好")
        await pilot.press("home", "delete")
        await pilot.pause()
        assert "不能移除自己" in painted(app)

    walk(folder, journey).close()
    assert [one.name for one in operators(folder)] == ["李代办", "张书记"]
    world = SystemWorld()
    assert open_vault(folder, "a2", "806357", world) == open_vault(folder, "a1", PIN, world)
    with pytest.raises(InputError, match=r"vault\.wrong_pin"):
        open_vault(folder, "a2", "111111", world)


def test_the_doctor_shows_what_it_finds_with_words_for_grave_and_makes_a_copy(tmp_path: Path) -> None:
    folder = tmp_path / "d"

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f10")
        text = await until(app, pilot, "项正常")
        assert "[问题] 节点" in text
        assert "还没有注册" in text
        assert "[注意] 还没有备份" in text
        assert "[好] 数据库完好" in text
        await pilot.press("b")
        await until(app, pilot, "已读回核对")
        assert len(list((folder / BACKUPS).glob("*.db"))) == 1
        await pilot.press("r")
        await until(app, pilot, "[好] 共 1 份备份")

    desk = open_desk(folder, SystemWorld())
    assert any(found.code == "backup.none" for found in examine(desk.village.installation))
    walk(folder, journey, desk=desk).close()


def test_an_abandoned_draft_comes_back_by_undo_at_once(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await pilot.pause()
        await paste(pilot, ITEM)
        await pilot.press("enter", "escape")
        await pilot.pause()
        await pilot.press("d")
        await pilot.pause()
        assert "Ctrl+Z 撤销" in painted(app)
        assert "上次未完成" not in painted(app)
        await pilot.press("ctrl+z")
        await until(app, pilot, "已恢复")
        assert "上次未完成" in painted(app)
        await pilot.press("f4", "d", "ctrl+z")
        await until(app, pilot, "临时救助")
        await pilot.press("ctrl+z")
        await until(app, pilot, "没有可撤销的改动")

    walk(tmp_path / "d", journey).close()


def test_a_language_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "d"

    async def run() -> None:
        desk = open_desk(folder, SystemWorld())
        app = DeskApp(folder, SystemWorld(), "zh", desk)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            (folder / "settings.toml").write_text("node = 3\n")
            await pilot.press("f12")
            await until(app, pilot, "node = 3")
            assert app.lang == "en"
        desk.close()

    asyncio.run(run())
