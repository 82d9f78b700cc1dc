"""The village terminal in a real terminal: real keys, real cells, a real kill."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from sync.environment import SystemWorld
from tests.screens.terminal import Terminal
from tests.unit.village_kit import PIN, open_desk, person, sheet
from tests.unit.village_screens import ambiguous

PROGRAM = [sys.executable, "-m", "village_agent.entry"]
MANY_COLOURS = re.compile(r"\x1b\[(?:\d+;)*[34](8;[25]);")
"""A colour that a console of sixteen does not have, by its number or by red, green and blue."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    desk = open_desk(tmp_path / "data", SystemWorld())
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    desk.close()
    return tmp_path / "data"


def _open(
    folder: Path, *, lang: str = "zh", columns: int = 80, rows: int = 24, pin: str = PIN, term: str = ""
) -> Terminal:
    command = [*PROGRAM, "--data", str(folder), "--lang", lang, "tui"]
    env = {"LIANDONG_PIN": pin} if pin else {}
    if term:
        env |= {"TERM": term, "COLORTERM": ""}
    return Terminal(command, columns=columns, rows=rows, **env)


def test_what_was_typed_is_there_after_the_program_was_killed(folder: Path) -> None:
    with _open(folder) as terminal:
        terminal.wait("F2 新建")
        terminal.press("F2")
        terminal.wait("新建申请")
        terminal.type("lsjz")
        terminal.wait("临时救助")
        terminal.press("Enter")
        terminal.wait("申请人 1/4")
        terminal.type("王秀英")
        terminal.wait("王秀英")
        terminal.kill()
    with _open(folder) as terminal:
        terminal.wait("上次未完成")
        terminal.press("Enter")
        text = terminal.wait("申请人 1/4")
        assert "王秀英" in terminal.wait("王秀英")
        assert not ambiguous(text)


def test_the_door_asks_for_the_pin_and_keeps_it_off_the_screen(folder: Path) -> None:
    with _open(folder, pin="") as terminal:
        text = terminal.wait("口令")
        assert "王" not in text
        terminal.type(PIN)
        terminal.press("Enter")
        assert PIN not in terminal.wait("F2 新建")


@pytest.mark.parametrize(("size", "term"), [((80, 24), "linux"), ((120, 36), "xterm-256color")])
def test_no_line_is_wider_than_the_terminal_nor_has_it_more_colours_and_the_slip_carries_its_qr(
    folder: Path, size: tuple[int, int], term: str
) -> None:
    columns, rows = size
    with _open(folder, lang="en", columns=columns, rows=rows, term=term) as terminal:
        terminal.wait("F2 new")
        colours = set(MANY_COLOURS.findall(terminal.coloured()))
        assert colours == (set() if term == "linux" else {"8;5"})
        terminal.press("3")
        terminal.wait("Esc back")
        terminal.press("Enter")
        terminal.wait("S slip")
        terminal.press("s")
        terminal.wait("recorded, on this device only")
        terminal.press("q")
        text = terminal.wait_until(
            lambda shown: "recorded" not in shown and "Esc back" in shown, "the QR alone"
        )
        assert max(cell_len(line) for line in text.splitlines()) <= columns
        assert not ambiguous(text)
        terminal.press("Escape")
        terminal.wait("recorded, on this device only")


def test_an_unknown_folder_is_refused_in_words_without_a_screen(tmp_path: Path) -> None:
    command = [*PROGRAM, "--data", str(tmp_path / "none"), "tui"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "settings.missing" in done.stderr


def test_a_card_reader_that_types_faster_than_the_focus_moves_fills_the_right_fields(folder: Path) -> None:
    with _open(folder) as terminal:
        terminal.wait("F2 新建")
        terminal.press("F2")
        terminal.wait("新建申请")
        terminal.type("lsjz")
        terminal.wait("> 01205004")
        terminal.press("Enter")
        terminal.wait("申请人 1/4")
        terminal.type(f"王秀英\r\r{person()}\r13800138000\r")
        text = terminal.wait("13800138000")
        rows = {line.split("*")[0].strip(" >"): line for line in text.splitlines() if "*" in line}
        assert rows["申请人姓名/名称"].split()[-1] == "王秀英"
        assert rows["证件号码"].split()[-1] == person()
        assert rows["联系电话"].split()[-1] == "13800138000"
