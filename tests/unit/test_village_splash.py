"""What is painted before the program is there, and when it is not."""

import subprocess
import sys

import pytest
from rich.cells import cell_len

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
