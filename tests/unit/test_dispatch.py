"""A message goes to the one handler of its type, in the schemas that this node reads, or it waits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import StateError
from core.store.engine import open_sqlite
from sync.dispatch import SCHEMAS_BACK, Dispatch, Incoming
from sync.packing import Message
from sync.stream_id import Lane, StreamId
from tests.unit.sealing_kit import CITY, EPOCH, VILLAGE

STREAM = StreamId(VILLAGE, EPOCH, (CITY,), Lane.INTAKE)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[sa.Connection]:
    db = open_sqlite(tmp_path / "node.db")
    with db.transaction() as connection:
        yield connection
    db.close()


def incoming(type_: str, schema: int = 1) -> Incoming:
    return Incoming(Message("0a" * 16, type_, schema, "", b"{}"), STREAM, 1)


def test_a_message_meets_its_handler_in_the_transaction_of_its_effect(tx: sa.Connection) -> None:
    heard: list[tuple[sa.Connection, Incoming]] = []
    dispatch = Dispatch()
    dispatch.on("CaseRated", lambda given, message: heard.append((given, message)))
    dispatch.handle(tx, incoming("CaseRated"))
    assert heard == [(tx, incoming("CaseRated"))]


@pytest.mark.parametrize(
    ("newest", "read"), [(1, {1}), (2, {1, 2}), (3, {1, 2, 3}), (4, {2, 3, 4}), (9, {7, 8, 9})]
)
def test_a_node_reads_the_present_schema_and_two_before_it(
    tx: sa.Connection, newest: int, read: set[int]
) -> None:
    heard: list[int] = []
    dispatch = Dispatch()
    dispatch.on("CaseRated", lambda _, given: heard.append(given.message.schema), schema=newest)
    for schema in range(12):
        assert dispatch.knows("CaseRated", schema) is (schema in read)
        if schema not in read:
            with pytest.raises(StateError, match=r"message\.schema") as refused:
                dispatch.handle(tx, incoming("CaseRated", schema))
            assert str(newest) in refused.value.zh
        else:
            dispatch.handle(tx, incoming("CaseRated", schema))
    assert set(heard) == read
    assert len(read) <= SCHEMAS_BACK + 1


def test_a_type_nobody_handles_waits_for_an_upgrade(tx: sa.Connection) -> None:
    dispatch = Dispatch()
    with pytest.raises(StateError, match=r"message\.unknown_type") as refused:
        dispatch.handle(tx, incoming("SeasonGreeting"))
    assert "升级" in refused.value.zh
    assert not dispatch.knows("SeasonGreeting", 1)


def test_a_type_that_was_forgotten_waits_like_one_never_known(tx: sa.Connection) -> None:
    dispatch = Dispatch()
    dispatch.on("CaseRated", lambda *_: None)
    dispatch.forget("CaseRated")
    dispatch.forget("NeverKnown")
    with pytest.raises(StateError, match=r"message\.unknown_type"):
        dispatch.handle(tx, incoming("CaseRated"))


def test_a_type_has_one_handler() -> None:
    dispatch = Dispatch()
    dispatch.on("CaseRated", lambda *_: None)
    with pytest.raises(ValueError, match="has a handler already"):
        dispatch.on("CaseRated", lambda *_: None)


def test_only_what_speaks_of_the_carrying_is_of_the_carrier() -> None:
    dispatch = Dispatch()
    dispatch.on("CaseRated", lambda *_: None)
    dispatch.on("CertificatesPublished", lambda *_: None, of_carrier=True)
    assert dispatch.is_of_carrier("CertificatesPublished")
    assert not dispatch.is_of_carrier("CaseRated")
    assert not dispatch.is_of_carrier("NeverKnown")
