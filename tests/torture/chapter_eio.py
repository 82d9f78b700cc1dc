"""Chapter eio: a sync to disk fails with EIO in the middle of an intake; its outcome is unknown until looked up."""

import os
import time
from random import Random

from sync.installation import DATABASE
from tests.torture.clerk import CALM, Treatment
from tests.torture.parts import tracer
from tests.torture.scene import Scene, pause

SYNCS_MAX = 24
"""Syncs of a usual intake: two for the vault, two or three for every part of a scan, a few for the transactions."""
JOURNAL_SYNCS_MAX = 3
JOURNAL_SHARE = 0.5
HIT_SHARE = 0.8
STAYS_BAD_SHARE = 0.3
"""Of the hits after which every further sync fails too."""


async def eio(scene: Scene, seconds: float) -> None:
    program = await tracer()
    if program is None:
        scene.note("eio: SKIPPED, no tracer (strace) can be used on this machine")
        return
    until_s = time.monotonic() + seconds
    before, entered = scene.tally.refusals.copy(), scene.tally.commands["apply"]
    for node, counter in scene.counters.items():
        chance = scene.chance(f"eio/{node}")
        journal = str(counter.station.folder / f"{DATABASE}-wal")
        counter.treat = lambda chance=chance, journal=journal: _treatment(program, journal, chance)  # type: ignore[misc]
    try:
        while await pause(1.0, until_s):
            pass
    finally:
        scene.calm()
    codes = scene.tally.refusals - before
    words = ", ".join(f"{count} {code}" for code, count in sorted(codes.items())) or "no refusals"
    scene.note(f"eio: {scene.tally.commands['apply'] - entered} intakes with failing syncs: {words}")


def _treatment(program: str, journal: str, chance: Random) -> Treatment:
    if chance.random() >= HIT_SHARE:
        return CALM
    lot = chance.random()
    # Of the whole intake the syncs of vault and scans are most; the commit's own need aiming at.
    aimed = ("-P", journal) if lot < JOURNAL_SHARE else ()
    number = chance.randint(1, JOURNAL_SYNCS_MAX if aimed else SYNCS_MAX)
    inject = f"inject=fsync,fdatasync:error=EIO:when={number}"
    if chance.random() < STAYS_BAD_SHARE:
        inject += "+"
    traced = (*aimed, "-e", "trace=fsync,fdatasync", "-e", inject)
    return Treatment(through=(program, "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, *traced))
