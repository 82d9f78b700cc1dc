"""A city, a township and two villages as real processes, in a time of their own that can be moved."""

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core.bodies import Delivery
from core.clock import CHINA
from core.identifiers import CaseId
from core.items import Chain, Item
from deploy.demo.crew import Crew
from deploy.demo.line import Line
from deploy.demo.network import EVERY_S, Network, Station, port_of
from deploy.demo.plan import TOWNSHIPS, VILLAGES, Application, Fate, plan, write
from sync.settings import load_settings, write_settings
from tests.torture.parts import clock_env, false_clock

SEED = 11
MORNING = datetime(2026, 3, 2, 9, tzinfo=CHINA)
"""A Monday."""
STEP_S_MAX = 180.0
SOON_S = 60
"""How soon a node tells the city of changed figures: the least that the settings allow."""
MORE_OFFICERS = (
    ("guanli", "何立", ["administrator"]),
    ("fuze", "邓英", ["window_head"]),
    ("jiancha", "袁正", ["supervisor"]),
)
Answer = TypeVar("Answer")


class Tiers(Network):
    """The demo's network, small: ``lines`` are those of the villages, and each can be cut."""

    def __init__(self, folder: Path, crew: Crew, clock: Path) -> None:
        super().__init__(folder, crew, with_desks=True, townships=TOWNSHIPS[:1], villages=VILLAGES[:2])
        self.township = self.townships[0]
        self.village, self.neighbour = self.villages
        self.lines = {one.node: Line(port_of(self.township.contact)) for one in self.villages}
        self._clock = clock
        plans = plan(SEED, 80, MORNING.date(), folder / "scans")
        self._coming = [one for one in plans if one.fate is Fate.GRANTED and _is_plain(one.item)]
        self._programs: dict[str, str] = {}

    async def found(self) -> None:
        """Set up by the nodes' own commands, with the officers of a city and the catalogue at every village."""
        await self.found_city()
        await self.add_townships()
        await self.add_villages()
        await self.publish(Path(str(resources.files("core") / "data" / "catalogue.json")))
        for station in (self.city, self.township):
            await self._hire(station)
        await self.add_officers()
        for id_, name, roles in MORE_OFFICERS:
            told = await self.city.ask("add_officer", id=id_, name=name, roles=roles)
            self.city.passwords[id_] = told["one_time_password"]
        for village in self.villages:
            while not (await self.command(village, "status", "--json"))["catalogue"]:
                await asyncio.sleep(0.3)

    async def apply(self, village: Station) -> tuple[CaseId, Application]:
        """Somebody applies at a village for what three officers decide, to be handed over at the city's window, by the
        command that the village's agent uses; returns the number and what was handed in.
        """
        wanted = next(one for one in self._coming if one.village == village.node)
        self._coming.remove(wanted)
        wanted.request["applicant"]["delivery"] = str(Delivery.WINDOW)
        write(wanted, SEED)
        told = await self.command(village, "apply", str(wanted.request_file), "--json")
        return CaseId(told["case"]), wanted

    async def stop(self, station: Station) -> None:
        await self.crew.kill(station.run_name)

    async def run_as(self, station: Station, program: str) -> None:
        """Stop a node and let another program run its folder; empty: its own again."""
        await self.stop(station)
        self._programs[station.node] = program or station.program
        await self.restart(station)

    async def begin(self, station: Station, env: Mapping[str, str] | None = None) -> None:
        program = self._programs.get(station.node, station.program)
        words = ("--data", str(station.folder), "-v", "run")
        await self.crew.start(station.run_name, program, *words, env=env)

    async def replace(self, station: Station, code: str) -> None:
        """A new machine takes a node's place, with the one-time code that was given for it."""
        station.folder = station.folder.with_name(f"{station.folder.name}-new")
        parent, door = self._way_up(station, self.township), f"https://{self.township.enrol_at}"
        words = ("init", station.node, "--parent", parent, "--parent-enrol", door, "--every", str(EVERY_S))
        await self.command(station, *words)
        self._report_soon(station)
        await self.command(station, "enrol", code)
        await self.restart(station)

    def set_clock(self, now: datetime) -> None:
        """Every program, running or not, takes it to be ``now``."""
        away_s = round((now - datetime.now(UTC)).total_seconds())
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(f"{away_s:+d}\n")
        fresh.replace(self._clock)

    async def pass_days(self, days: int, *off: Station) -> None:
        """The machines are off for so many days; then all but ``off`` start again, the upper tiers first."""
        running = [one for one in self.stations if self.crew.is_running(one.run_name)]
        for station in running:
            await self.stop(station)
        self.set_clock(self.now + timedelta(days=days))
        for station in running:
            if station not in off:
                await self.restart(station)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=int(self._clock.read_text()))

    @property
    def today(self) -> date:
        return self.now.astimezone(CHINA).date()

    async def _enrol(self, station: Station) -> None:
        self._report_soon(station)
        await super()._enrol(station)

    def _report_soon(self, station: Station) -> None:
        write_settings(station.folder, replace(load_settings(station.folder), sheet_every_s=SOON_S))


def _is_plain(item: Item) -> bool:
    return item.chain is Chain.THREE_LEVEL and not item.confidential and not item.fees


class World:
    """The tiers from the outside: everything blocks, as people wait. Ends every process it started, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.tiers = self.wait(self._make())
        try:
            self.wait(self.tiers.found())
        except BaseException:
            self.close()
            raise

    def wait(self, doing: Coroutine[Any, Any, Answer]) -> Answer:
        """Until it is done. The browser has the main thread for itself."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(STEP_S_MAX)

    def command(self, station: Station, *words: str, **options: Any) -> Any:
        return self.wait(self.tiers.command(station, *words, **options))

    def apply(self, village: Station) -> tuple[CaseId, Application]:
        return self.wait(self.tiers.apply(village))

    def cut(self, village: Station) -> None:
        self._loop.call_soon_threadsafe(self.tiers.lines[village.node].cut)

    def heal(self, village: Station) -> None:
        self._loop.call_soon_threadsafe(self.tiers.lines[village.node].heal)

    def close(self) -> None:
        for line in self.tiers.lines.values():
            self._loop.call_soon_threadsafe(line.close)
        self.wait(self.tiers.crew.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STEP_S_MAX)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _make(self) -> Tiers:
        library = await false_clock(self.folder)
        if library is None:
            pytest.fail("缺少 libfaketime：apt-get install -y faketime / libfaketime is missing")
        for name in ("logs", "scans"):
            (self.folder / name).mkdir()
        clock = self.folder / "clock"
        env = {
            "LIANDONG_PIN_FILE": str(self.folder / "pin"),
            "LIANDONG_OPERATOR_NAME": "代办员",
            "LIANDONG_LANG": "zh",
            **clock_env(library, clock),
        }
        tiers = Tiers(self.folder, Crew(self.folder / "logs", env), clock)
        tiers.set_clock(MORNING)
        return tiers
