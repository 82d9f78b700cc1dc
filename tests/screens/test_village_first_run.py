"""A new machine in a real terminal: the first set-up survives a kill at any step, and practice stays apart."""

import subprocess
import sys
from pathlib import Path

from tests.screens.terminal import Terminal
from tests.unit.village_kit import PIN, VILLAGE
from tests.unit.village_screens import ambiguous
from village_agent.first_run import has_node
from village_agent.practice_mark import MARK_NAME

PROGRAM = [sys.executable, "-m", "village_agent.entry"]


def _open(folder: Path, *words: str) -> Terminal:
    return Terminal([*PROGRAM, "--data", str(folder), *words])


def test_a_new_machine_is_led_home_through_a_kill_at_two_steps(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with _open(folder) as terminal:
        terminal.wait("1/10")
        terminal.press("Enter")
        terminal.wait("2/10")
        terminal.press("1")
        terminal.wait("3/10")
        terminal.type("你好")
        terminal.wait("你好")
        terminal.press("Enter")
        terminal.wait("写入 1 MB")
        terminal.kill()
    with _open(folder, "tui") as terminal:
        terminal.wait("写入 1 MB")
        terminal.press("Enter")
        terminal.wait("5/10")
        terminal.press("3")
        terminal.wait("6/10")
        terminal.type(VILLAGE)
        terminal.wait("> " + VILLAGE)
        terminal.press("Enter")
        terminal.wait("7/10")
        terminal.press("F8")
        terminal.wait("8/10")
        terminal.type("李代办")
        terminal.press("Enter")
        terminal.type(PIN)
        terminal.press("Enter")
        terminal.type(PIN)
        assert PIN not in terminal.wait("******")
        terminal.press("Enter")
        terminal.wait("9/10")
        terminal.kill()
    assert has_node(folder)
    with _open(folder) as terminal:
        terminal.wait("请输入口令")
        terminal.type(PIN)
        terminal.press("Enter")
        terminal.wait("9/10")
        terminal.press("F8")
        terminal.wait("10/10")
        terminal.press("Enter")
        assert not ambiguous(terminal.wait("F2 新建"))


def test_practice_opens_from_the_door_marked_and_leads_back_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with _open(folder) as terminal:
        terminal.wait("1/10")
        terminal.press("F9")
        text = terminal.wait("练习提示")
        assert "[练习]" in text
        assert (tmp_path / "data-practice" / MARK_NAME).exists()
        assert not has_node(folder)
        terminal.press("C-q")
        terminal.wait("1/10")


def test_without_a_terminal_the_program_alone_lists_its_commands(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "--data", str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "practice" in done.stdout
    assert not (tmp_path / "none").exists()
