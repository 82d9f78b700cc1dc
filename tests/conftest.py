"""What holds for every test of a run: where its files lie, which comes first, and how often garbage is looked for."""

import gc
import os
import shutil
from pathlib import Path

import pytest

MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 << 30
TEMPROOT = "PYTEST_DEBUG_TEMPROOT"
LONG_FIRST = ("torture", "pages", "simulator", "scenarios", "screens")
"""Folders whose tests take longest, or start programs that work while others wait: a long one at the end would run alone."""
OBJECTS_BETWEEN_LOOKS = 20_000


def pytest_configure() -> None:
    """Files of tests lie in memory where there is room: they are written by many thousand commits, each waiting for its disk.

    What a disk does when it is full, fails or loses power is tested on disks made for it.
    """
    if MEMORY.is_dir() and _may_lie_in(MEMORY):
        os.environ.setdefault(TEMPROOT, str(MEMORY))


def _may_lie_in(folder: Path) -> bool:
    """Whether there is room, and programs may be started from there."""
    has_room = shutil.disk_usage(folder).free >= ROOM_BYTES
    return has_room and not os.statvfs(folder).f_flag & os.ST_NOEXEC


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of the files, but folders of long tests before the others."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported stays to the end: looking through it for garbage again and again takes a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 20)
