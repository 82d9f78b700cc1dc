"""Keys while the background sends: a village with scans that wait, its township and the city, all real programs on this machine."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from bench.ui.figure import Figure
from bench.ui.pty_program import PtyProgram
from bench.ui.typing import echo_ms, to_applicant
from sync.environment import SystemWorld
from tests.scenarios.programs import PIN, TOWN, Programs
from tests.unit.village_kit import sheet
from village_agent.scans import seal_scan
from village_agent.session import Session, open_session
from village_agent.vault import choose_operator

CASES = 150
SCAN_BYTES = 1_500_000
LEAST = 19


def keys_while_sending(folder: Path, times: int) -> list[Figure]:
    """Type a name while the scans leave; only what was typed before the last one had arrived is counted.

    Raises ``RuntimeError`` if they had left before anything was typed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    programs = Programs(folder)
    try:
        programs.found_city()
        programs.found_township()
        programs.enrolled("township", TOWN)
        programs.start("township")
        programs.found_village()
        programs.publish()
        programs.do("township", "sync")
        programs.do("village", "sync")
        _give_way(programs)
        waiting = _take_in(folder / "village")
        return _type(programs, waiting, times)
    finally:
        programs.stop()


def _give_way(programs: Programs) -> None:
    """City and township stand for other machines, and are not to take this one's time."""
    for process in programs.running:
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), LEAST)


def _take_in(folder: Path) -> int:
    """Applications with a scan each; returns how many parts the scans have."""
    world = SystemWorld()
    desk = open_session(folder, world, choose_operator(folder, None), PIN)
    try:
        _submit(desk, folder.parent / "scan.jpg")
    finally:
        desk.close()
    return _parts(folder)


def _submit(desk: Session, file: Path) -> None:
    like, installation = sheet(desk.intake), desk.village.installation
    for _ in range(CASES):
        # Nothing that could be packed smaller, and nothing that is there already.
        file.write_bytes(b"\xff\xd8\xff" + os.urandom(SCAN_BYTES))
        manifest = seal_scan(desk.world, file, installation.node.chunks)
        first, *others = like.materials
        with installation.db.transaction() as tx:
            materials = (replace(first, files=(manifest,)), *others)
            desk.intake.submit(tx, desk.actor, replace(like, materials=materials))


def _type(programs: Programs, waiting: int, times: int) -> list[Figure]:
    village, township = programs.folder / "village", programs.folder / "township"
    program = PtyProgram(programs.command("village", "tui"), {**programs.environment, "LANG": "C.UTF-8"})
    took: list[float] = []
    try:
        program.shown_s("F2")
        to_applicant(program)
        program.read_until(lambda: _parts(township) > 0, "the first part at the township")
        begun = _parts(township)
        while len(took) < times and _parts(township) < waiting:
            took.append(echo_ms(program, len(took)))
        sent = _parts(township) - begun
    finally:
        program.kill()
    if not took:
        raise RuntimeError(f"all {waiting} parts had left before a key was pressed in {village}")
    return [
        Figure("typing a name while scans are sent", took, "ms", "30"),
        Figure("parts that left meanwhile", [sent], ""),
    ]


def _parts(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder / "chunks"))
