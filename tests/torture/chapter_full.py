"""Chapter full: a village's small disk is filled; intake is refused in words, what was taken in still drains."""

import asyncio
import shutil
import time

from deploy.demo.network import Station
from tests.torture.city import facts, waiting
from tests.torture.parts import Ballast
from tests.torture.scene import Scene, pause
from village_agent.intake import FREE_BYTES_MIN

SMALL_DISK_BYTES = 320 << 20
"""Room for what doctor asks for (200 MB) and a day's work; intake stops at 64 MB."""
LOW_BYTES = FREE_BYTES_MIN - (4 << 20)
REFUSALS_WANTED = 3
FULL_S_MAX = 4.0
KILLED_SHARE = 0.3
"""Of the times that the disk is full to the last block."""


async def full(scene: Scene, seconds: float) -> None:
    if scene.small_disk is None:
        scene.note(
            "full: SKIPPED, a small file system needs root and mount, which this machine does not give"
        )
        return
    until_s = time.monotonic() + seconds
    station = scene.network.station(scene.small_disk)
    ballast = Ballast(station.folder)
    tally, before = scene.tally, scene.tally.refusals.copy()
    try:
        await asyncio.to_thread(ballast.leave, LOW_BYTES)
        # After a restart with little space it must still send what it holds.
        await scene.keeper.restart(station)
        low_until_s = time.monotonic() + seconds / 3
        while tally.refusals["intake.disk_full"] - before["intake.disk_full"] < REFUSALS_WANTED:
            if not await pause(0.5, low_until_s):
                break
        drained = await _drains(scene, station, low_until_s + seconds / 3)
        ballast.drop()
        chance = scene.chance("full")
        times = 0
        while await pause(chance.uniform(0.3, 2.0), until_s):
            # To the last block, at any moment of whatever is being written.
            await asyncio.to_thread(ballast.leave, 0)
            times += 1
            if chance.random() < KILLED_SHARE:
                await scene.keeper.kill(station)
            await pause(chance.uniform(0.2, FULL_S_MAX), until_s)
            ballast.drop()
    finally:
        ballast.drop()
    codes = tally.refusals - before
    words = ", ".join(f"{count} {code}" for code, count in sorted(codes.items())) or "none"
    free = shutil.disk_usage(station.folder).free >> 20
    scene.note(
        f"full: below {FREE_BYTES_MIN >> 20} MB the queue {'drained' if drained else 'did NOT drain in time'}; "
        f"then filled to the last block {times} times; refusals: {words}; {free} MB free again"
    )


async def _drains(scene: Scene, station: Station, until_s: float) -> bool:
    """Whether the village's queue empties while nothing can be taken in."""
    while time.monotonic() < until_s:
        status = await facts(scene.network, scene.keeper, station, "status")
        if not waiting(station.node, status):
            return True
        await asyncio.sleep(0.5)
    return False
