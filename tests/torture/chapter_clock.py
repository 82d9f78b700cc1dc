"""Chapter clock: the wall clock of a township and of a village jumps ten years on and an hour back; sync goes on."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.torture.parts import clock_env, false_clock
from tests.torture.scene import Scene

JUMPS = (("+10 years", "+315576000"), ("-1 hour", "-3600"))
LOOK_S = 2.0
ARRIVES_S_MAX = 240
"""A jump may stall the sync for two minutes; the rest is for a machine with much else to do."""
SERVED_AT_THE_JUMP = 2


async def clock(scene: Scene, seconds: float) -> None:
    library = await false_clock(scene.folder)
    if library is None:
        scene.note("clock: SKIPPED, no library for a false clock (faketime) can be had on this machine")
        return
    shifted = [scene.network.township, scene.network.villages[0]]
    offsets = {station.node: scene.folder / f"clock-{station.node}" for station in shifted}
    for station in shifted:
        offsets[station.node].write_text("+0\n")
        scene.keeper.env[station.node] = clock_env(library, offsets[station.node])
        await scene.keeper.restart(station)
    try:
        for name, offset in JUMPS:
            for path in offsets.values():
                _set(path, offset)
            await _goes_on(scene, name, seconds / len(JUMPS))
    finally:
        for station in shifted:
            _set(offsets[station.node], "+0")
            # The programs keep the false clock, now a right one, until they are started again without it.
            scene.keeper.env.pop(station.node)
    for station in shifted:
        await scene.keeper.restart(station)


async def _goes_on(scene: Scene, name: str, seconds: float) -> None:
    """A case taken in under the false clock reaches the city; the chapter stays at least for its whole time."""
    began_s = time.monotonic()
    counter = scene.counters[scene.network.villages[0].node]
    seen = counter.slips
    case, told_s, arrived_s = "", 0.0, None
    while (now_s := time.monotonic() - began_s) < seconds or (arrived_s is None and now_s < ARRIVES_S_MAX):
        await asyncio.sleep(LOOK_S)
        # Those who were being served at the jump may have their number from before it.
        if not case and counter.slips > seen + SERVED_AT_THE_JUMP:
            case, told_s = counter.latest, time.monotonic() - began_s
        if case and arrived_s is None and any(one["case"] == case for one in await look(scene)):
            arrived_s = time.monotonic() - began_s
    if arrived_s is None:
        words = f"{case or 'no case'} was taken in after the jump, and nothing of it reached the city in {ARRIVES_S_MAX} s"
        scene.tally.broken.append(f"clock {name}: {words}")
    else:
        words = f"{case}, told {told_s:.0f} s after the jump, was seen at the city {arrived_s:.0f} s after it"
    scene.note(f"clock {name}: {words}; {counter.slips - seen} slips at this village")


async def look(scene: Scene) -> list[dict[str, Any]]:
    """The city's book, by a process of its own that ends at once: an open reader would ease every recovery."""
    crew = scene.network.crew
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.torture.look", str(scene.network.city.folder)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=crew.env,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the city's book cannot be read: {err.decode()[-500:]}")
    found: list[dict[str, Any]] = json.loads(out)
    return found


def _set(path: Path, offset: str) -> None:
    # Replaced, not rewritten: a program may be reading it now.
    fresh = path.with_suffix(".new")
    fresh.write_text(offset + "\n")
    fresh.replace(path)
