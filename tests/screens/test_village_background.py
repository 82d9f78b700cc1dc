"""While the terminal is open, a process of its own meets the township: no key is needed, and it ends with the terminal."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.restoring import running_pid
from tests.scenarios.programs import PIN, TOWN, Programs
from tests.screens.terminal import Terminal

PATIENCE_S = 90.0


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    made.found_city()
    made.found_township()
    made.enrolled("township", TOWN)
    made.start("township")
    made.found_village()
    yield made
    made.stop()


def _until(good: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not good():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_catalogue_comes_by_itself_and_the_process_is_started_again_and_ends_with_the_terminal(
    programs: Programs,
) -> None:
    folder = programs.folder / "village"
    environment = {name: value for name, value in programs.environment.items() if name.startswith("LIANDONG")}
    with Terminal(programs.command("village", "tui"), **environment) as terminal:
        terminal.wait("F2 新建")
        programs.publish()
        terminal.wait_until(lambda text: "在线" in text and "还没有收到事项目录" not in text, "the catalogue")
        first = running_pid(folder)
        assert first is not None
        assert int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[16]) >= 10
        words = Path(f"/proc/{first}/cmdline").read_bytes() + Path(f"/proc/{first}/environ").read_bytes()
        assert b"village_agent.background" in words and PIN.encode() not in words
        os.kill(first, 9)
        _until(lambda: running_pid(folder) not in (None, first), "the background was not started again")
        second = running_pid(folder)
        assert second is not None
        terminal.press("F5")
        terminal.wait("联络完成")
        terminal.press("p")
        _until(lambda: not _is_alive(second), "the background went on while paused")
        terminal.wait("已暂停")
        terminal.press("r")
        _until(lambda: running_pid(folder) not in (None, second), "the background was not taken up again")
        second = running_pid(folder)
        assert second is not None
        terminal.kill()
        _until(lambda: not _is_alive(second), "the background outlived its terminal")
