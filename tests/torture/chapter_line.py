"""Chapter line: between every two tiers lines are cut mid-stream, stall, reset, and answer with login pages."""

import time
from collections import Counter

from tests.torture.scene import Scene, pause

CUT_S_MIN, CUT_S_MAX = 0.2, 2.5
OFF_SHARE = 0.3
"""Of cuts after which the line stays off for a moment."""
OFF_S_MAX = 3.0
FIRST_CALL_S_MAX = 60


async def line(scene: Scene, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    lines = scene.network.lines
    for node, one in lines.items():
        one.chance = scene.chance(f"line/{node}")
    chance = scene.chance("line")
    try:
        while await pause(chance.uniform(CUT_S_MIN, CUT_S_MAX), until_s):
            one = lines[chance.choice(sorted(lines))]
            one.cut()
            if chance.random() < OFF_SHARE:
                await pause(chance.uniform(0, OFF_S_MAX), until_s)
            one.is_cut = False
        # On a slow machine nobody may have called yet.
        while not _harm(scene).total() and await pause(0.5, until_s + FIRST_CALL_S_MAX):
            pass
    finally:
        scene.calm()
    scene.note("line: " + ", ".join(f"{count} {kind}" for kind, count in sorted(_harm(scene).items())))


def _harm(scene: Scene) -> Counter[str]:
    return sum((one.done for one in scene.network.lines.values()), Counter[str]())
