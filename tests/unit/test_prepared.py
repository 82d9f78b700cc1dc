"""Prepared statements give what SQLAlchemy gives, whichever way they are handed over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import LocalError
from core.store import prepared
from core.store.engine import Database, open_sqlite
from core.store.prepared import Prepared, Savepoint, insert, put, update

THING = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(16), nullable=False, unique=True),
    sa.Column("data", sa.LargeBinary),
)
NAMED = Prepared(sa.select(THING).where(THING.c.name == sa.bindparam("called")))
AFTER = Prepared(
    sa.select(THING.c.id, sa.func.length(THING.c.data).label("size"))
    .where(THING.c.id > sa.bindparam("id"), THING.c.name != "left out")
    .order_by(THING.c.id)
    .limit(2)
)


@pytest.fixture(params=["plainly", "the usual way"])
def db(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    if request.param != "plainly":
        monkeypatch.setattr(prepared, "PLAIN", "no database")
    made = open_sqlite(tmp_path / "node.db")
    THING.metadata.create_all(made.engine)
    with made.transaction() as tx:
        for id_, name, data in (
            (1, "one", b"1"),
            (2, "left out", None),
            (3, "three", b"333"),
            (4, "four", None),
        ):
            insert(tx, THING, id=id_, name=name, data=data)
    yield made
    made.close()


def test_rows_have_the_names_and_values_of_their_columns(db: Database) -> None:
    with db.reading() as tx:
        row = NAMED.first(tx, called="three")
        assert row is not None
        assert (row.id, row.name, bytes(row.data)) == (3, "three", b"333")
        assert NAMED.first(tx, called="nobody") is None
        assert [(row.id, row.size) for row in AFTER.all(tx, id=0)] == [(1, 1), (3, 3)]
        assert [(row.id, row.size) for row in AFTER.pages(tx, 1, id=1)] == [(3, 3), (4, None)]
        assert AFTER.scalars(tx, id=3) == [4]
        assert AFTER.scalar(tx, id=4) is None


def test_what_a_statement_changes_is_gone_when_its_transaction_fails(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:
        assert update(tx, THING, {"id": 1}, name="uno") == 1
        assert NAMED.scalar(tx, called="uno") == 1
        raise ZeroDivisionError
    with db.reading() as tx:
        assert NAMED.scalar(tx, called="one") == 1
        assert NAMED.scalar(tx, called="uno") is None


def test_a_reader_sees_one_state_from_its_first_statement_on(db: Database) -> None:
    with db.reading() as reader:
        assert NAMED.scalar(reader, called="one") == 1
        with db.transaction() as tx:
            update(tx, THING, {"id": 1}, name="uno")
        assert NAMED.scalar(reader, called="one") == 1
    with db.reading() as reader:
        assert NAMED.scalar(reader, called="one") is None


def test_put_changes_a_row_or_makes_it(db: Database) -> None:
    with db.transaction() as tx:
        put(tx, THING, {"id": 4}, name="vier")
        put(tx, THING, {"id": 5}, name="five", data=b"5")
        assert NAMED.scalar(tx, called="vier") == 4
        assert NAMED.scalar(tx, called="five") == 5
        assert NAMED.scalar(tx, called="four") is None


def test_a_step_is_taken_back_alone_and_those_around_it_stay(db: Database) -> None:
    with db.transaction() as tx:
        outer = Savepoint(tx)
        update(tx, THING, {"id": 1}, name="uno")
        inner = Savepoint(tx)
        update(tx, THING, {"id": 3}, name="tre")
        inner.rollback()
        outer.commit()
        after = Savepoint(tx)
        update(tx, THING, {"id": 4}, name="quattro")
        after.rollback()
    with db.reading() as tx:
        assert [NAMED.scalar(tx, called=name) for name in ("uno", "three", "four")] == [1, 3, 4]


def test_a_refusal_is_sqlalchemys_and_says_no_value(db: Database) -> None:
    with pytest.raises(LocalError) as told, db.transaction() as tx:
        with pytest.raises(sa.exc.IntegrityError):
            insert(tx, THING, id=9, name="one")
        insert(tx, THING, id=9, name="one")
    assert told.value.code == "store.failed"
    assert isinstance(told.value.__cause__, sa.exc.IntegrityError)


def test_a_value_that_is_missing_is_an_error(db: Database) -> None:
    with pytest.raises((KeyError, sa.exc.StatementError)), db.reading() as tx:
        NAMED.first(tx)


def test_a_list_in_a_prepared_statement_is_refused(tmp_path: Path) -> None:
    some = Prepared(sa.select(THING).where(THING.c.id.in_((1, 2))))
    made = open_sqlite(tmp_path / "node.db")
    with pytest.raises(ValueError, match="a list"), made.reading() as tx:
        some.all(tx)
    made.close()
