"""The city publishes a catalogue or a calendar: checked first, numbered upwards, said to every node."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from city_node.app import City
from city_node.publishing import BYTES_MAX, check, publish
from core.catalogue import CatalogueErrors, encode_catalogue, load_catalogue
from core.errors import InputError
from sync.installation import Installation
from sync.settings import Settings
from tests.unit.desk_kit import CITY, VILLAGE, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def city_of(place: Place) -> City:
    node = place.network.nodes[CITY]
    return City(Installation(place.network.folder, Settings(node=CITY), node.db, node), place.offices[CITY])


def second() -> bytes:
    first = load_catalogue()
    changed = replace(first.items[0], notes="改过")
    return encode_catalogue(replace(first, version=2, items=(changed, *first.items[1:-1])))


def test_a_published_catalogue_reaches_every_village(place: Place) -> None:
    report = publish(city_of(place), "catalogue", second())
    assert report.published and report.version == 2
    place.network.settle(3)
    assert place.offices[VILLAGE].shelf.version == 2
    assert place.audit_lines(CITY)[-1] == ("command line", "catalogue.published", "2")


def test_the_check_names_what_changes_and_publishes_nothing(place: Place) -> None:
    report = check(city_of(place), "catalogue", second())
    words = report.text()
    assert load_catalogue().items[0].name in words and "变更 1 个" in words and "取消 1 个" in words
    assert place.offices[CITY].shelf.version == 1


def test_an_old_version_a_faulty_file_and_one_too_large_are_refused(place: Place) -> None:
    city = city_of(place)
    with pytest.raises(InputError, match=r"publish\.version"):
        publish(city, "catalogue", encode_catalogue(load_catalogue()))
    faulty = json.loads(second())
    faulty["items"][0]["promised_days"] = 3000
    with pytest.raises(CatalogueErrors):
        publish(city, "catalogue", json.dumps(faulty).encode())
    with pytest.raises(InputError, match=r"publish\.too_large"):
        publish(city, "catalogue", b" " * (BYTES_MAX + 1))
    assert place.offices[CITY].shelf.version == 1
