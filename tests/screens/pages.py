"""Walks through every page of the village terminal in families, for what has to hold of all of them.

Time stands and chance has a seed, so that the same page is the same text every day.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from textual import events
from textual.pilot import Pilot

from core.clock import World
from core.identifiers import NodeId
from sync.doctor import Finding, Level
from sync.enrol_stick import Enrolment, Stage
from sync.enrolment_code import EnrolmentCode
from sync.enrolment_refusals import refusal
from tests.unit.sealing_kit import StillWorld
from tests.unit.village_kit import ITEM, PIN, VILLAGE, open_desk, person, sheet
from village_agent.founding import Carried
from village_agent.practice import open_practice
from village_agent.sticks import Lying
from village_agent.tui.app import DeskApp
from village_agent.tui.screens import doctor, home, setup_join, setup_machine, stick_choice

LANGS = ("zh", "en")
SIZES = ((80, 24), (120, 36))
FREE_BYTES = 42 << 30
KINGSTON = Path("/media/li/KINGSTON")
CODE = EnrolmentCode("K7Q2M", "9F3TX0123456789ABCD")

Seen = Callable[[DeskApp, str], None]
"""Given the app with a page painted, and the page's name."""


class Hand:
    """A person at the keys: presses, waits until it is quiet, and shows the page."""

    def __init__(self, app: DeskApp, pilot: Pilot[None], seen: Seen) -> None:
        self.app, self._pilot, self._seen = app, pilot, seen

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def paste(self, text: str) -> None:
        self.app.post_message(events.Paste(text))
        await self._pilot.pause()

    async def quiet(self) -> None:
        """Until no work runs beside the page."""
        await self.app.workers.wait_for_complete()
        await self._pilot.pause()

    def see(self, name: str) -> None:
        self._seen(self.app, name)


class Family(NamedTuple):
    """``open`` makes the app on a folder; ``walk`` goes through its pages."""

    open: Callable[[Path, World, str], DeskApp]
    walk: Callable[[Hand], Awaitable[None]]


def still() -> StillWorld:
    return StillWorld(instant=datetime(2026, 3, 2, 1, 12, tzinfo=UTC))


def walk(family: Family, folder: Path, lang: str, size: tuple[int, int], seen: Seen) -> None:
    """Go through a family of pages. Disk, sticks and doctor are those of no machine in particular."""
    usage = mock.Mock(free=FREE_BYTES)
    found = [
        Finding(
            Level.GOOD,
            "database",
            "数据库完好（SQLite 3.53.4），审计日志 12 行相连。",
            "The database is sound.",
        ),
        Finding(
            Level.WARN,
            "backup.none",
            "还没有备份。",
            "There is no copy yet.",
            "请运行 backup。",
            "Run backup.",
        ),
        Finding(
            Level.BAD,
            "clock.off",
            "本机时钟与镇相差 3 天。",
            "This clock differs by 3 days.",
            "请校准时间。",
            "Set it.",
        ),
    ]
    lying = Lying(3 << 30, 2, 1, 0, 1, 4, 1)
    applied = Enrolment(Stage.APPLIED, NodeId(VILLAGE), CODE.code_id)
    joined = Enrolment(Stage.ENROLLED, NodeId(VILLAGE), CODE.code_id)
    refused = dataclasses.replace(applied, error=refusal("enrolment.expired_code"))
    carried = [Carried(one, KINGSTON.name) for one in (refused, applied, joined)]

    async def run() -> None:
        with (
            mock.patch.object(home.shutil, "disk_usage", return_value=usage),
            mock.patch.object(setup_machine, "probe", return_value=FREE_BYTES),
            mock.patch.object(stick_choice, "plugged_sticks", return_value=(KINGSTON,)),
            mock.patch.object(stick_choice, "look_at", return_value=lying),
            mock.patch.object(setup_join.founding, "join_by_stick", side_effect=carried),
            mock.patch.object(doctor, "examine", return_value=found),
        ):
            app = family.open(folder, still(), lang)
            try:
                async with app.run_test(size=size) as pilot:
                    await pilot.pause()
                    await family.walk(Hand(app, pilot, seen))
            finally:
                if app.is_open:
                    app.desk.close()

    asyncio.run(run())


def _open_setup(folder: Path, world: World, lang: str) -> DeskApp:
    return DeskApp(folder, world, lang)


async def _walk_setup(hand: Hand) -> None:
    hand.see("language")
    await hand.press("2" if hand.app.lang == "en" else "1")
    hand.see("frame")
    await hand.press("2")
    hand.see("frame-mend")
    await hand.press("1")
    await hand.paste("ab")
    await hand.press("enter")
    hand.see("typing-refused")
    await hand.press("f8")
    await hand.quiet()
    hand.see("machine")
    await hand.press("enter")
    hand.see("clock")
    await hand.press("2")
    hand.see("clock-mend")
    await hand.press("3")
    hand.see("village")
    await hand.paste("和平")
    hand.see("village-found")
    await hand.press("ctrl+u")
    await hand.paste("430981102999")
    await hand.press("enter")
    hand.see("village-refused")
    await hand.press("ctrl+u")
    await hand.paste(VILLAGE)
    await hand.press("enter")
    hand.see("address")
    await hand.paste("10.0.0/x")
    await hand.press("enter", "enter")
    hand.see("address-refused")
    await hand.press("f8")
    hand.see("operator")
    await hand.paste("李代办")
    await hand.press("enter")
    await hand.paste("123456")
    await hand.press("enter")
    await hand.paste("123456")
    await hand.press("enter")
    hand.see("operator-refused")
    await hand.press("ctrl+u")
    await hand.paste(PIN)
    await hand.press("enter", "ctrl+u")
    await hand.paste(PIN)
    await hand.press("enter")
    await hand.quiet()
    hand.see("join")
    await hand.press("f7")
    hand.see("join-no-code")
    await hand.paste(CODE.text)
    await hand.press("f7")
    await hand.quiet()
    hand.see("join-stick")
    for outcome in ("refused", "applied", "joined"):
        await hand.press("enter")
        await hand.quiet()
        hand.see(f"join-{outcome}")
        await hand.press("f7")
        await hand.quiet()
    await hand.press("escape")
    await hand.press("escape")
    hand.see("operator-set")
    await hand.press("enter", "enter", "enter")
    await hand.quiet()
    await hand.press("f8")
    hand.see("done")
    await hand.press("enter")
    hand.see("home-not-joined")


def _open_desk(folder: Path, world: World, lang: str) -> DeskApp:
    desk = open_desk(folder, world)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    return DeskApp(folder, world, lang, desk)


async def _walk_intake(hand: Hand) -> None:
    hand.see("home")
    await hand.press("f2")
    hand.see("find-item")
    await hand.paste(ITEM)
    await hand.press("enter")
    hand.see("applicant")
    await hand.paste("王秀英")
    await hand.press("enter", "enter")
    await hand.paste(person())
    await hand.press("enter")
    hand.see("applicant-number")
    await hand.press("f8")
    hand.see("form")
    await hand.press("f8")
    hand.see("materials")
    await hand.press("f9")
    hand.see("check-problems")
    await hand.press("escape")
    hand.see("home-unfinished")
    await hand.press("f4")
    hand.see("drafts")
    await hand.press("escape", "f6")
    hand.see("outbox")
    await hand.press("enter")
    hand.see("case")
    await hand.press("s")
    hand.see("slip")
    await hand.press("q")
    hand.see("qr")
    await hand.press("escape", "escape", "escape", "escape", "f3")
    hand.see("search")


async def _walk_care(hand: Hand) -> None:
    await hand.press("f1")
    hand.see("help")
    await hand.press("escape", "ctrl+p")
    hand.see("commands")
    await hand.press("escape", "f5")
    hand.see("contact")
    await hand.press("e")
    await hand.quiet()
    hand.see("stick-choice")
    await hand.press("enter")
    await hand.quiet()
    hand.see("stick-not-there")
    await hand.press("escape", "escape", "f10")
    await hand.quiet()
    hand.see("doctor")
    await hand.press("escape")
    await hand.app.run_action("operators")
    await hand.press("enter")
    hand.see("operators")
    await hand.press("escape", "escape", "ctrl+l")
    hand.see("lock")


def _open_practice(folder: Path, world: World, lang: str) -> DeskApp:
    return DeskApp(folder, world, lang, open_practice(folder, world))


async def _walk_practice(hand: Hand) -> None:
    hand.see("home")
    await hand.press("4")
    hand.see("cases")
    await hand.press("enter")
    hand.see("case")
    await hand.press("n")
    hand.see("question")
    await hand.press("escape", "escape", "escape", "f5")
    hand.see("contact")
    await hand.press("escape", "ctrl+p")
    hand.see("commands")


FAMILIES = {
    "setup": Family(_open_setup, _walk_setup),
    "intake": Family(_open_desk, _walk_intake),
    "care": Family(_open_desk, _walk_care),
    "practice": Family(_open_practice, _walk_practice),
}
