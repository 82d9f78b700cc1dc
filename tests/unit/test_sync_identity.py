"""An installation knows who it is, or says that it must first be told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import LocalError
from core.identifiers import NodeId, Tier
from core.store.engine import METADATA, Database, open_sqlite
from sync.identity import Place, next_count, read_fact, read_place, write_fact
from sync.tables import NODE_STATE


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_sqlite(tmp_path / "node.db")
    METADATA.create_all(made.engine, [NODE_STATE])
    yield made
    made.close()


def test_a_database_that_was_never_initialised_says_what_to_run(db: Database) -> None:
    with db.reading() as tx, pytest.raises(LocalError, match=r"node\.not_initialised") as refused:
        read_place(tx)
    assert "init" in refused.value.zh


def test_an_initialised_one_knows_its_node_and_epoch(db: Database) -> None:
    with db.transaction() as tx:
        write_fact(tx, "node", "430981102201-2")
        write_fact(tx, "epoch", "0f" * 16)
    with db.reading() as tx:
        assert read_place(tx) == Place(NodeId("430981102201-2"), "0f" * 16)


@pytest.mark.parametrize(
    ("node", "tier", "parent"),
    [
        ("430981000000", Tier.CITY, None),
        ("430981102000", Tier.TOWNSHIP, "430981000000"),
        ("430981102201", Tier.VILLAGE, "430981102000"),
        ("430981102201-2", Tier.VILLAGE, "430981102000"),
    ],
)
def test_a_place_has_its_tier_its_city_and_the_neighbour_above(
    node: str, tier: Tier, parent: str | None
) -> None:
    place = Place(NodeId(node), "0f" * 16)
    assert (place.tier, place.parent, place.city) == (tier, parent, "430981000000")


def test_a_fact_is_the_last_that_was_written_and_a_counter_never_repeats(db: Database) -> None:
    with db.transaction() as tx:
        assert read_fact(tx, "carrier") is None
        assert read_fact(tx, "carrier", "usb") == "usb"
        write_fact(tx, "carrier", {"name": "外网"})
        write_fact(tx, "carrier", ["usb", 2])
        assert read_fact(tx, "carrier") == ["usb", 2]
        counts = [next_count(tx, "bundles") for _ in range(3)]
        assert counts == [1, 2, 3]
        assert next_count(tx, "other") == 1
