"""One whole run: set up, the chapters with applicants coming all the time, heal, wait until all is quiet, judge."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from core.clock import CHINA
from core.errors import LocalError
from deploy.demo.crew import Crew
from deploy.demo.plan import plan
from sync.environment import SystemWorld
from tests.torture import leftovers
from tests.torture.chapter_clock import clock, look
from tests.torture.chapter_eio import eio
from tests.torture.chapter_full import SMALL_DISK_BYTES, full
from tests.torture.chapter_kills import kills
from tests.torture.chapter_line import line
from tests.torture.city import City, Keeper, facts, waiting
from tests.torture.clerk import Clerk, Counter
from tests.torture.judge import Found, Verdict, judge
from tests.torture.ledger import Ledger, read_ledger
from tests.torture.parts import mount_small_disk, unmount
from tests.torture.scene import Scene
from tests.torture.tally import Tally

CHAPTERS: dict[str, Callable[[Scene, float], Awaitable[None]]] = {
    "kills": kills,
    "line": line,
    "full": full,
    "clock": clock,
    "eio": eio,
}
SHARES = {"kills": 0.3, "line": 0.2, "full": 0.15, "clock": 0.2, "eio": 0.15}
"""Of the run's minutes; of the chosen chapters the shares are scaled up to the whole."""
PLANNED = 4000
CLERKS = 2
"""At each village, so that intakes run in parallel with each other and with the background sync."""
CATALOGUE_S_MAX = 60
SERVED_S_MAX = 120
SETTLE_S_MAX = 600


@dataclass(slots=True)
class Report:
    """Everything there is to say at the end. ``open`` are words for what was not quiet in time, ``doctor`` findings."""

    seed: int
    minutes: float
    chapters: Sequence[str]
    verdict: Verdict
    tally: Tally
    cuts: dict[str, int]
    open: list[str] = field(default_factory=list)
    doctor: list[str] = field(default_factory=list)
    settled_s: float = 0.0
    took_s: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.verdict.violations or self.tally.broken or self.open or self.doctor)


async def torture(
    seed: int, minutes: float, chapters: Sequence[str], watch: Callable[[Scene], Awaitable[None]], keep: bool
) -> Report:
    """Live through it all. Ends every process, mount and folder it made, however it ends."""
    leftovers.sweep()
    folder = Path(tempfile.mkdtemp(prefix=leftovers.PREFIX))
    leftovers.mark(folder)
    (folder / "logs").mkdir()
    env = {
        "LIANDONG_PIN_FILE": str(folder / "pin"),
        "LIANDONG_OPERATOR_NAME": "代办员",
        "LIANDONG_LANG": "zh",
    }
    crew = Crew(folder / "logs", env)
    network = City(folder, crew)
    ledger = Ledger(folder / "ledger.jsonl")
    tally = Tally()
    keeper = Keeper(network, tally)
    scene = Scene(folder, network, keeper, {}, ledger, tally, seed)
    background = [asyncio.create_task(watch(scene))]
    small = network.villages[1].folder
    try:
        if "full" in chapters and await mount_small_disk(small, SMALL_DISK_BYTES):
            scene.small_disk = network.villages[1].node
        await _set_up(scene)
        background.append(asyncio.create_task(keeper.watch()))
        await _chapters(scene, minutes, chapters)
        scene.chapter = "settling"
        report = Report(seed, minutes, chapters, judge((), (), ()), tally, {})
        began_s = time.monotonic()
        report.open = await _settle(scene)
        report.settled_s = time.monotonic() - began_s
        scene.chapter = "judging"
        report.verdict = judge(*read_ledger(ledger.path), [_found(one) for one in await look(scene)])
        report.doctor = await _doctors(scene)
        for one in network.lines.values():
            for kind, count in one.done.items():
                report.cuts[kind] = report.cuts.get(kind, 0) + count
        report.took_s = scene.elapsed_s
        return report
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        network.close()
        await crew.stop()
        ledger.close()
        if keep:
            leftovers.unmark(folder)
            print(f"kept: {folder}", file=sys.stderr)
        else:
            await unmount(small)
            shutil.rmtree(folder, ignore_errors=True)


async def _set_up(scene: Scene) -> None:
    network = scene.network
    await network.found_city()
    await network.add_townships()
    await network.add_villages()
    await network.publish(Path(str(resources.files("core") / "data" / "catalogue.json")))
    until_s = time.monotonic() + CATALOGUE_S_MAX
    for village in network.villages:
        while not (await facts(network, scene.keeper, village, "status"))["catalogue"]:
            if time.monotonic() > until_s:
                raise LocalError(
                    "torture.catalogue",
                    zh=f"{CATALOGUE_S_MAX} 秒内村里没有收到事项目录，见 {network.crew.logs}。",
                    en=f"No catalogue at a village within {CATALOGUE_S_MAX} s; see {network.crew.logs}.",
                )
            await asyncio.sleep(0.3)


async def _chapters(scene: Scene, minutes: float, chapters: Sequence[str]) -> None:
    """Clerks serve all through; each chapter has its share of the time."""
    today = SystemWorld().now().astimezone(CHINA).date()
    plans = plan(scene.seed, PLANNED, today, scene.folder / "scans")
    met: set[str] = set()
    # One person, one application: the judge tells people by their number.
    plans = [one for one in plans if one.person.id_no not in met and not met.add(one.person.id_no)]  # type: ignore[func-returns-value]
    for station in scene.network.villages:
        coming = iter([one for one in plans if one.village == station.node])
        scene.counters[station.node] = Counter(station, coming)
    clerks = [
        asyncio.create_task(
            Clerk(
                counter,
                scene.network,
                scene.keeper,
                scene.ledger,
                scene.tally,
                scene.seed,
                scene.chance(f"clerk/{node}/{place}"),
            ).work()
        )
        for node, counter in scene.counters.items()
        for place in range(CLERKS)
    ]
    shares = sum(SHARES[name] for name in chapters)
    try:
        for name in chapters:
            scene.chapter = name
            chapter = asyncio.ensure_future(CHAPTERS[name](scene, minutes * 60 * SHARES[name] / shares))
            await asyncio.wait([chapter, *clerks], return_when=asyncio.FIRST_COMPLETED)
            for clerk in clerks:
                if clerk.done():
                    clerk.result()
            await chapter
        scene.chapter = "last applicants"
        for counter in scene.counters.values():
            counter.closed.set()
        _, late = await asyncio.wait(clerks, timeout=SERVED_S_MAX)
        if late:
            scene.tally.broken.append(f"{len(late)} applicants were not served within {SERVED_S_MAX} s")
        for clerk in clerks:
            if clerk.done():
                clerk.result()
    finally:
        for clerk in clerks:
            clerk.cancel()
        await asyncio.gather(*clerks, return_exceptions=True)


async def _settle(scene: Scene) -> list[str]:
    """Wait until nothing waits anywhere; what still does after ``SETTLE_S_MAX``, in words."""
    scene.calm()
    until_s = time.monotonic() + SETTLE_S_MAX
    while True:
        open_: list[str] = []
        for station in scene.network.stations:
            open_ += waiting(station.node, await facts(scene.network, scene.keeper, station, "status"))
        if not open_ or time.monotonic() > until_s:
            return open_
        await asyncio.sleep(1)


async def _doctors(scene: Scene) -> list[str]:
    """What doctor calls bad at any node; it also proves that the audit chain holds."""
    bad: list[str] = []
    for station in scene.network.stations:
        findings = await facts(scene.network, scene.keeper, station, "doctor")
        if isinstance(findings, dict):
            bad.append(f"{station.node}: doctor could not look: {findings}")
            continue
        codes = {one["code"] for one in findings}
        if "database" not in codes:
            bad.append(f"{station.node}: the database and its audit chain were not found sound: {codes}")
        bad += [f"{station.node}: {one['en']}" for one in findings if one["level"] == "bad"]
    return bad


def _found(plain: dict[str, Any]) -> Found:
    return Found(**{**plain, "files": tuple(plain["files"])})
