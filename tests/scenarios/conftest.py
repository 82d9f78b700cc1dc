"""One morning for all scenarios: a city with everybody enrolled and the catalogue published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.transport.usb import Stick
from tests.scenarios.offices import FAR_VILLAGE, NEIGHBOUR, VILLAGE, Offices


@pytest.fixture(scope="session")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    net = Offices(tmp_path_factory.mktemp("morning") / "city", 1, VILLAGE, NEIGHBOUR, FAR_VILLAGE)
    net.close()
    return net


@pytest.fixture
def net(morning: Offices, tmp_path: Path) -> Iterator[Offices]:
    """Two townships, three villages, their offices open."""
    city = Offices.like(morning, tmp_path / "city", 2)
    yield city
    city.close()


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    """A folder that stands for a stick."""
    (tmp_path / "KINGSTON").mkdir()
    return Stick(tmp_path / "KINGSTON")
