"""The village's programs need nothing that Windows lacks: a whole day where it is gone, in processes of their own.

What only a Windows shows (its paths, its files that are open, its console) is not looked at here: docs/windows.md.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios import as_windows
from tests.scenarios.programs import Programs
from tests.scenarios.village_day import VillageMachine, a_day, bad_names

STAND_INS = Path(next(iter(as_windows.__path__)))
ROOT = Path(__file__).parents[2]


def village_without_posix(folder: Path) -> VillageMachine:
    """Its interpreter is this one with what Windows lacks taken away, and the code page of Chinese consoles."""
    folder.mkdir()
    path = os.pathsep.join((str(STAND_INS), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "gbk"}
    return VillageMachine((sys.executable,), environment, folder)


def test_a_village_has_its_whole_day_without_anything_that_windows_lacks(tmp_path: Path) -> None:
    town = Programs(tmp_path)
    try:
        a_day(town, village_without_posix(tmp_path / "张 三"))
    finally:
        town.stop()


@pytest.mark.parametrize(
    ("module", "lacks"),
    [
        ("core.documents.pdf", "import resource"),
        ("village_agent.prints", "import pwd"),
        ("village_agent.background", "from os import nice"),
        ("sync.service", "import signal; signal.SIGHUP"),
        ("sync.transport.tcp", "import socket; socket.AF_UNIX"),
        ("core.store.durable", "import os; os.O_DIRECTORY"),
    ],
)
def test_what_windows_lacks_is_gone_for_our_modules(tmp_path: Path, module: str, lacks: str) -> None:
    village = village_without_posix(tmp_path / "v")
    code = f"import {module} as ours; exec({lacks!r}, vars(ours))"
    done = village.run("-c", code)
    assert done.returncode == 1, done.stderr.decode()
    assert b"Error: " in done.stderr and b"No module named 'core" not in done.stderr
    assert village.run("-c", f"import {module}").returncode == 0


def test_every_module_of_the_village_can_be_imported(tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, core, sync, village_agent\n"
        "for package in (core, sync, village_agent):\n"
        "    for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if '.migrations' not in found.name: importlib.import_module(found.name); print(found.name)"
    )
    done = village_without_posix(tmp_path / "v").run("-c", code)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout.splitlines()) > 200


def test_names_that_windows_takes_for_nothing_or_for_another_are_found(tmp_path: Path) -> None:
    for name in ("a:b", "CON.txt", "end.", "twice", "Twice", "good"):
        (tmp_path / name).write_bytes(b"")
    assert bad_names(tmp_path) == ["CON.txt", "a:b", "end.", "twice"]


def test_the_stand_ins_are_started_with_every_interpreter(tmp_path: Path) -> None:
    village = village_without_posix(tmp_path / "v")
    inner = (
        "import subprocess, sys; raise SystemExit(subprocess.call([sys.executable, '-c', 'import resource']))"
    )
    assert village.run("-c", inner).returncode == 1
    assert subprocess.run([sys.executable, "-c", "import resource"], check=False).returncode == 0
