"""What holds for every test of a run."""

import gc

import pytest

OBJECTS_BETWEEN_LOOKS = 20_000


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported stays to the end: looking through it for garbage again and again takes a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 20)
