"""What is painted before the program is there, and when it is not."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from bench.ui.pty_program import PtyProgram
from tests.scenarios.world import TestWorld
from tests.unit.village_kit import PIN, open_desk
from village_agent import splash


@pytest.mark.parametrize(
    ("words", "opens"),
    [
        ([], True),
        (["tui"], True),
        (["--data", "status", "--lang", "en"], True),
        (["--data", "x", "practice", "--reset"], True),
        (["--data", "tui", "status"], False),
        (["-v", "tui"], True),
        (["--help"], False),
        (["tui", "--help"], False),
        (["submit", "tui"], False),
    ],
)
def test_the_splash_is_for_command_lines_that_open_the_screens(words: list[str], opens: bool) -> None:
    assert splash.opens_screens(words) is opens


def test_it_is_centred_by_cells() -> None:
    assert cell_len(splash.WORDS) == splash._CELLS


def test_nothing_slow_is_read_before_it_is_painted() -> None:
    code = "import sys, village_agent.entry; print(sorted(set(sys.modules) & {'click', 'sqlalchemy', 'textual', 'core'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_door_needs_neither_the_database_nor_a_cipher() -> None:
    code = (
        "import sys, village_agent.screens_command, village_agent.tui.start; "
        "print(sorted(set(sys.modules) & {'sqlalchemy', 'cryptography', 'requests', 'alembic', 'village_agent.app'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_pin_typed_before_the_door_is_there_is_not_shown_and_opens_it(tmp_path: Path) -> None:
    open_desk(tmp_path / "village", TestWorld(1)).close()
    program = PtyProgram(
        [sys.executable, "-m", "village_agent.entry", "--data", str(tmp_path / "village")],
        {"LANG": "C.UTF-8"},
    )
    try:
        program.first_write_s()
        program.write(PIN.encode())
        program.shown_s("请输入口令")
        program.rest()
        program.press_ms(b"\r", b"F2")
    finally:
        program.kill()
    assert PIN.encode() not in program.all_written
