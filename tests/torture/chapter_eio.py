"""Chapter eio: a sync to disk fails with EIO in the middle of an intake; its outcome is unknown until looked up."""

import os
import time
from random import Random

from tests.torture.clerk import CALM, Treatment
from tests.torture.parts import tracer
from tests.torture.scene import Scene, pause

SYNCS_MAX = 24
"""Syncs of a usual intake: two for the vault, some for every scan, a few for the transactions."""
HIT_SHARE = 0.8


async def eio(scene: Scene, seconds: float) -> None:
    program = await tracer()
    if program is None:
        scene.note("eio: SKIPPED, no tracer (strace) can be used on this machine")
        return
    until_s = time.monotonic() + seconds
    before, entered = scene.tally.refusals.copy(), scene.tally.commands["apply"]
    for node, counter in scene.counters.items():
        chance = scene.chance(f"eio/{node}")
        counter.treat = lambda chance=chance: _treatment(program, chance)  # type: ignore[misc]
    try:
        while await pause(1.0, until_s):
            pass
    finally:
        scene.calm()
    codes = scene.tally.refusals - before
    words = ", ".join(f"{count} {code}" for code, count in sorted(codes.items())) or "no refusals"
    scene.note(f"eio: {scene.tally.commands['apply'] - entered} intakes with failing syncs: {words}")


def _treatment(program: str, chance: Random) -> Treatment:
    if chance.random() >= HIT_SHARE:
        return CALM
    # Mostly the last syncs of the transaction, whose count varies with the scans.
    number = chance.randint(1, SYNCS_MAX)
    inject = f"inject=fsync,fdatasync:error=EIO:when={number}"
    if chance.random() < 0.3:
        # A disk that stays bad from there on.
        inject += "+"
    traced = ("-e", "trace=fsync,fdatasync", "-e", inject)
    return Treatment(through=(program, "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, *traced))
