"""Chapter kills: every program is killed with -9 at random moments and started again, intakes too."""

import asyncio
import time
from random import Random

from deploy.demo.network import Station
from tests.torture.clerk import CALM, Treatment
from tests.torture.scene import Scene, pause

SOON_SHARE, SOON_S_MAX = 0.8, 0.4
LATE_MIN, LATE_MAX = 0.7, 4.0
"""In undisturbed intakes, the measure of how fast this machine is at the moment."""
KILLED_SHARE = 0.6
"""Of intakes."""
DOWN_S_MAX = 1.0


async def kills(scene: Scene, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    before = scene.tally.kills.total()
    for node, counter in scene.counters.items():
        chance = scene.chance(f"kills/intake/{node}")
        counter.treat = lambda chance=chance: _treatment(scene, chance)  # type: ignore[misc]
    scene.keeper.left_alone |= {station.node for station in scene.network.stations}
    try:
        async with asyncio.TaskGroup() as group:
            for station in scene.network.stations:
                group.create_task(_kill_again_and_again(scene, station, until_s))
    finally:
        scene.keeper.left_alone.clear()
        scene.calm()
    scene.note(
        f"kills: {scene.tally.kills.total() - before} processes were killed with -9 in {seconds:.0f} s"
    )


async def _kill_again_and_again(scene: Scene, station: Station, until_s: float) -> None:
    chance = scene.chance(f"kills/{station.node}")
    keeper = scene.keeper
    is_left = True
    while is_left:
        # Just started, it opens its files; later it is at work with its neighbours.
        soon = chance.random() < SOON_SHARE
        late_s = chance.uniform(LATE_MIN, LATE_MAX) * scene.tally.typical_intake_s()
        delay_s = chance.uniform(0, SOON_S_MAX) if soon else late_s
        is_left = await pause(delay_s, until_s)
        await keeper.kill(station)
        is_left = is_left and await pause(chance.uniform(0, DOWN_S_MAX), until_s)
        await keeper.begin(station)


def _treatment(scene: Scene, chance: Random) -> Treatment:
    if chance.random() >= KILLED_SHARE:
        return CALM
    if chance.random() < 0.5:
        return Treatment(kill_after_s=chance.uniform(0, SOON_S_MAX))
    # Around the moment at which an undisturbed one writes and prints.
    return Treatment(kill_after_s=scene.tally.typical_intake_s() * chance.uniform(0.5, 1.1))
