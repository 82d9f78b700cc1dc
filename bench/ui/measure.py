"""What is measured of the terminal: the start, keys, memory, and what a kill leaves."""

import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ui.pty_program import PtyProgram
from sync.environment import SystemWorld
from tests.unit.village_kit import PIN
from village_agent.session import open_session
from village_agent.vault import choose_operator

PROGRAM = [sys.executable, "-m", "village_agent.entry"]
MINIMAL = [sys.executable, "-m", "bench.ui.minimal"]
DOWN, UP, PAGE_DOWN, PAGE_UP, ENTER, F2, F3 = (
    b"\x1b[B",
    b"\x1b[A",
    b"\x1b[6~",
    b"\x1b[5~",
    b"\r",
    b"\x1bOQ",
    b"\x1bOR",
)
LETTERS = b"bcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``aim`` empty where there is none."""

    what: str
    values: Sequence[float]
    unit: str
    aim: str = ""

    def line(self) -> str:
        ordered = sorted(self.values)
        shown = f"{statistics.median(ordered):8.1f}"
        worst = (
            f"{ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]:8.1f}"
            if len(ordered) > 1
            else " " * 8
        )
        return f"{self.what:52} {shown} {worst} {self.unit:3} {self.aim}"


def terminal(folder: Path) -> PtyProgram:
    return PtyProgram([*PROGRAM, "--data", str(folder), "tui"], {"LIANDONG_PIN": PIN, "LANG": "C.UTF-8"})


def starts(folder: Path, times: int) -> list[Figure]:
    """First paint, usable page, and the smallest program in turn with it."""
    splash, usable, least, minimal_mb, mb = [], [], [], [], []
    for _ in range(times):
        program = PtyProgram(MINIMAL, {"LANG": "C.UTF-8"})
        least.append(program.shown_s("ready") * 1000)
        program.rest()
        minimal_mb.append(program.memory_mb())
        program.kill()
        program = terminal(folder)
        splash.append(program.first_write_s() * 1000)
        usable.append(program.shown_s("F2") * 1000)
        program.rest()
        mb.append(program.memory_mb())
        program.kill()
    return [
        Figure("smallest program: first paint", least, "ms"),
        Figure("smallest program: memory", minimal_mb, "MB"),
        Figure("terminal: splash", splash, "ms", "50"),
        Figure("terminal: home, usable", usable, "ms", "600"),
        Figure("terminal: memory at home", mb, "MB"),
    ]


def keys(folder: Path, times: int) -> list[Figure]:
    """Typing into the smallest program and into the first field of an application; moving in the list of all cases."""
    figures = []
    program = PtyProgram(MINIMAL, {"LANG": "C.UTF-8"})
    program.shown_s("ready")
    figures.append(Figure("smallest program: a key to its echo", _echoes(program, times), "ms"))
    program.kill()
    program = terminal(folder)
    program.shown_s("F2")
    _to_applicant(program)
    figures.append(Figure("typing a name, committed at every key", _echoes(program, times), "ms", "30"))
    program.kill()
    program = terminal(folder)
    program.shown_s("F2")
    program.press_ms(F3, "搜索".encode())
    program.write("王".encode())
    program.rest()
    figures.append(
        Figure("search: a letter to the list", [_search(program) for _ in range(times)], "ms", "50")
    )
    program.kill()
    program = terminal(folder)
    program.shown_s("F2")
    program.press_ms(b"3", b"Esc")
    for name, there, back, aim in (("arrow", DOWN, UP, "50"), ("page", PAGE_DOWN, PAGE_UP, "60")):
        moves = [program.press_ms(there if at % 4 < 3 else back, b"\x1b[") for at in range(times)]
        figures.append(Figure(f"list of all cases: {name} key", moves, "ms", aim))
    figures.append(Figure("terminal: memory after the list", [program.memory_mb()], "MB", "60"))
    program.kill()
    return figures


def kills(folder: Path, times: int, seed: int, say: Callable[[int], None]) -> tuple[int, int]:
    """Type a name, pull the plug as soon as the last letter was painted; ``(kills, names with a letter lost)``."""
    chance, lost = random.Random(seed), 0
    for number in range(times):
        program = terminal(folder)
        program.shown_s("F2")
        _to_applicant(program)
        typed = "".join(chr(chance.choice(LETTERS)) for _ in range(chance.randrange(1, 12)))
        program.rest()
        for letter in typed:
            program.press_at_once(letter.encode())
        program.kill()
        lost += _latest_name(folder) != typed
        say(number + 1)
    return times, lost


def _to_applicant(program: PtyProgram) -> None:
    program.press_ms(F2, "新建".encode())
    program.press_ms(b"lsjz", "临时救助".encode())
    program.press_ms(ENTER, b"1/4")
    program.rest()


def _echoes(program: PtyProgram, times: int) -> list[float]:
    took = []
    for at in range(times):
        letter = bytes([LETTERS[at % len(LETTERS)]])
        took.append(program.press_ms(letter, letter))
        if at % 20 == 19:
            # A field that is full takes nothing more.
            program.write(b"\x7f" * 20)
            program.rest()
    return took


def _search(program: PtyProgram) -> float:
    took = program.press_ms("秀".encode(), "秀".encode())
    program.write(b"\x7f")
    program.rest()
    return took


def _latest_name(folder: Path) -> str:
    world = SystemWorld()
    desk = open_session(folder, world, choose_operator(folder, None), PIN)
    try:
        with desk.village.installation.db.transaction() as tx:
            latest = desk.intake.drafts.listing(tx, limit=1)[0]
            desk.intake.drafts.abandon(tx, latest.id)
        return str(latest.sheet.applicant.get("name", ""))
    finally:
        desk.close()
