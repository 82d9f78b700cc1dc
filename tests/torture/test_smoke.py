"""A few kills and cuts on real processes in every test run; the long one is ``make torture``."""

import asyncio
from pathlib import Path

from tests.torture import leftovers
from tests.torture.run import torture
from tests.torture.scene import Scene
from tests.torture.table import table

SEED, MINUTES = 3, 0.1


def test_after_kills_and_cuts_every_number_that_was_printed_is_at_the_city_exactly_once() -> None:
    folders: list[Path] = []

    async def watch(scene: Scene) -> None:
        folders.append(scene.folder)

    report = asyncio.run(torture(SEED, MINUTES, ["kills", "line"], watch, keep=False))
    print(table(report))
    assert report.tally.kills.total() > 0
    assert sum(report.cuts.values()) > 0
    assert report.verdict.acknowledged == report.verdict.found > 0
    assert report.is_good
    (folder,) = folders
    assert not folder.exists()
    assert folder.name.startswith(leftovers.PREFIX)
    assert not [one for one in Path("/proc").glob("[0-9]*") if _names(one, folder)]


def _names(process: Path, folder: Path) -> bool:
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
