"""What holds for every test of a run."""

import gc

import pytest

LONG_FIRST = ("torture", "pages", "simulator", "scenarios", "screens")
"""Folders whose tests take longest, or start programs that work while others wait: a long one at the end would run alone."""
OBJECTS_BETWEEN_LOOKS = 20_000


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
