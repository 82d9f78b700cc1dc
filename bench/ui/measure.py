"""What is measured of the terminal: the start, keys, memory, and what a kill leaves."""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.ui.figure import Figure
from bench.ui.pty_program import PtyProgram
from bench.ui.typing import ENTER, FIELD_FULL, LETTERS, echo_ms, to_applicant
from sync.environment import SystemWorld
from tests.unit.village_kit import PIN
from village_agent.session import open_session
from village_agent.vault import choose_operator

PROGRAM = [sys.executable, "-m", "village_agent.entry"]
MINIMAL = [sys.executable, "-m", "bench.ui.minimal"]
DOWN, UP, PAGE_DOWN, PAGE_UP, END, F3 = (
    b"\x1b[B",
    b"\x1b[A",
    b"\x1b[6~",
    b"\x1b[5~",
    b"\x1b[F",
    b"\x1bOR",
)
PLAIN = {"LANG": "C.UTF-8"}
HOME, DOOR = "F2", "请输入口令"
PIN_TAKES_S = 1.0
"""Nobody types six digits sooner; the program uses the time."""
REST_S = 2.0


def terminal(folder: Path, *, pin: bool = True) -> PtyProgram:
    return PtyProgram(
        [*PROGRAM, "--data", str(folder), "tui"], {**PLAIN, **({"LIANDONG_PIN": PIN} if pin else {})}
    )


def starts(folder: Path, times: int) -> list[Figure]:
    """The smallest program, the door and what lies behind it, and the way without a door, in turn."""
    least, splash, door, home, given = [], [], [], [], []
    least_mb, home_mb = [], []
    for _ in range(times):
        program = PtyProgram(MINIMAL, PLAIN)
        least.append(program.shown_s("ready") * 1000)
        program.rest()
        least_mb.append(program.memory_mb())
        program.kill()
        program = terminal(folder, pin=False)
        splash.append(program.first_write_s() * 1000)
        door.append(program.shown_s(DOOR) * 1000)
        time.sleep(PIN_TAKES_S)
        program.write(PIN.encode())
        program.rest()
        home.append(program.press_ms(ENTER, HOME.encode()))
        program.rest()
        home_mb.append(program.memory_mb())
        program.kill()
        program = terminal(folder)
        given.append(program.shown_s(HOME) * 1000)
        program.kill()
    return [
        Figure("smallest program: first paint", least, "ms"),
        Figure("smallest program: memory", least_mb, "MB"),
        Figure("splash", splash, "ms", "50"),
        Figure("door: the PIN can be typed", door, "ms", "600"),
        Figure("PIN to home, usable", home, "ms", "600"),
        Figure("start to home with a PIN that is given", given, "ms", "600"),
        Figure("memory at home", home_mb, "MB", "60"),
    ]


def keys(folder: Path, times: int) -> list[Figure]:
    """Typing into the smallest program and into the first field of an application; searching; moving in the long list."""
    program = PtyProgram(MINIMAL, PLAIN)
    program.shown_s("ready")
    figures = [
        Figure("smallest program: a key to its echo", [echo_ms(program, at) for at in range(times)], "ms")
    ]
    program.kill()
    program = terminal(folder)
    program.shown_s(HOME)
    to_applicant(program)
    typed = [echo_ms(program, at) for at in range(times)]
    figures.append(Figure("typing a name, committed at every key", typed, "ms", "30"))
    program.kill()
    program = terminal(folder)
    program.shown_s(HOME)
    program.press_ms(F3, "搜索".encode())
    program.rest()
    searched = [_search(program, at) for at in range(times)]
    figures.append(Figure("search: a letter to the list", searched, "ms", "50"))
    program.kill()
    program = terminal(folder)
    program.shown_s(HOME)
    program.press_ms(b"3", b"Esc")
    for name, there, back, aim in (("arrow", DOWN, UP, "50"), ("page", PAGE_DOWN, PAGE_UP, "60")):
        moves = [program.press_ms(there if at % 4 < 3 else back, b"\x1b[") for at in range(times)]
        figures.append(Figure(f"list of all cases: {name} key", moves, "ms", aim))
    figures.append(Figure("list of all cases: to its end", [program.press_ms(END, b"\x1b[")], "ms"))
    figures.append(Figure("memory after the list", [program.memory_mb()], "MB", "60"))
    program.kill()
    return figures


def lasting(folder: Path, minutes: float, say: Callable[[int], None]) -> list[Figure]:
    """Memory of a terminal that is worked at for so long: search, list, an application begun and left."""
    program = terminal(folder)
    program.shown_s(HOME)
    program.rest()
    first, until, seen = program.memory_mb(), time.monotonic() + minutes * 60, []
    while time.monotonic() < until:
        for keys_ in (F3, "王".encode(), DOWN, DOWN, b"\x1b", b"3", PAGE_DOWN, PAGE_DOWN, DOWN, b"\x1b"):
            program.write(keys_)
            program.rest()
        to_applicant(program)
        for at in range(8):
            echo_ms(program, at)
        for _ in range(2):
            program.write(b"\x1b")
            program.rest()
        # Left as it is, it would be the next one's to go on with.
        program.write(b"d")
        program.rest()
        seen.append(program.memory_mb())
        say(len(seen))
        time.sleep(REST_S)
    program.kill()
    return [
        Figure(f"memory, first and worked at for {minutes:g} minutes", [first, seen[-1]], "MB", "60"),
        Figure("rounds of search, list and application", [len(seen)], ""),
    ]


def kills(folder: Path, times: int, seed: int, say: Callable[[int], None]) -> tuple[int, int]:
    """Type a name, pull the plug as soon as the last letter was painted; ``(kills, names with a letter lost)``."""
    chance, lost = random.Random(seed), 0
    for number in range(times):
        program = terminal(folder)
        program.shown_s(HOME)
        to_applicant(program)
        typed = "".join(chr(chance.choice(LETTERS)) for _ in range(chance.randrange(1, 12)))
        for letter in typed:
            program.press_at_once(letter.encode())
        program.kill()
        kept = _latest_name(folder)
        if kept != typed:
            lost += 1
            print(f"\ntyped {typed}, kept {kept}; written last: {program.written[-200:]!r}", file=sys.stderr)
        say(number + 1)
    return times, lost


def _search(program: PtyProgram, at: int) -> float:
    """Now a letter that many names begin with, now one more, now one that none does."""
    for key in ("王", "秀", "q")[: at % 3]:
        program.write(key.encode())
        program.rest()
    key = ("王", "秀", "q")[at % 3].encode()
    took = program.press_ms(key, key)
    program.write(b"\x7f" * FIELD_FULL)
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
