"""A person at the keys of the village terminal: walks through a family of pages and shows each one.

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
from tests.unit.village_kit import VILLAGE
from village_agent.founding import Carried
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
