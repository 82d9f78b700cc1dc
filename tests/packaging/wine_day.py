"""A village's day under Wine: Windows' own Python and wheels, run by hand since no Windows is here to run it.

    python -m pytest -n 0 -s tests/packaging/wine_day.py --basetemp=FOLDER

``LIANDONG_WINE_PYTHON`` names a folder with an embeddable Python 3.11 for Windows, ``LIANDONG_WINE_WHEELS`` the unpacked folder
that ``make dist-wheels`` made for Windows; ``LIANDONG_WINE`` the program, ``wine64`` unless it is set. Wine before 9 needs
``bcryptprimitives.dll`` (``ProcessPrng``) beside that Python. City and township run on this machine.
"""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from core.documents.fonts import BOLD, FOLDERS, REGULAR, first_of
from tests.scenarios.programs import Programs
from tests.scenarios.village_day import VillageMachine, a_day

WINE = os.environ.get("LIANDONG_WINE", "wine64")
PYTHON, WHEELS = (os.environ.get(f"LIANDONG_WINE_{name}", "") for name in ("PYTHON", "WHEELS"))
USER = "张 三"


def to_windows(path: Path) -> str:
    """What Wine calls a path of this machine."""
    return "Z:" + str(path.absolute()).replace("/", "\\")


@pytest.fixture
def village(tmp_path: Path) -> VillageMachine:
    """Windows with a user whose name is Chinese and holds a space, its code page 936 where this machine has that locale."""
    if not (PYTHON and WHEELS and shutil.which(WINE)):
        pytest.fail("LIANDONG_WINE, LIANDONG_WINE_PYTHON, LIANDONG_WINE_WHEELS: see the docstring")
    python, site = tmp_path / "python 3.11", tmp_path / "包 site"
    shutil.copytree(PYTHON, python)
    for wheel in sorted((Path(WHEELS) / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    # Below Python's own folder paths are given from there; the rest has to be whole.
    (python / "python311._pth").write_text(f"python311.zip\n.\n{to_windows(site)}\n", encoding="utf-8")
    prefix = tmp_path / "prefix"
    environment = os.environ | {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all"}
    subprocess.run([WINE, "wineboot", "-i"], env=environment, check=True, capture_output=True, timeout=300)
    home = prefix / "drive_c" / "users" / USER
    home.mkdir(parents=True)
    for fonts in (REGULAR[:1], BOLD[:1]):
        found = first_of(fonts, FOLDERS)
        assert found is not None
        (prefix / "drive_c/windows/Fonts").mkdir(exist_ok=True)
        shutil.copy(found[0], prefix / "drive_c/windows/Fonts")
    command = (WINE, to_windows(python / "python.exe"))
    return VillageMachine(command, environment, home, to_windows)


def test_a_village_has_its_whole_day_with_the_python_and_the_wheels_of_windows(
    village: VillageMachine, tmp_path: Path
) -> None:
    told = village.run(
        "-c", "import os, sys; print(os.name, sys.platform, sys.stdout.encoding)"
    ).stdout.decode()
    print(told)
    assert told.startswith("nt win32 ")
    town = Programs(tmp_path)
    try:
        a_day(town, village)
    finally:
        town.stop()
