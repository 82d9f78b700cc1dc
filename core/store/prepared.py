"""Statements that every contact asks, put together once: handing one over costs no more than answering it.

SQLAlchemy takes ten times as long to hand a statement to SQLite as SQLite takes to answer it, and three times that
to build one. A :class:`Prepared` statement is written with the tables like any other and compiled once; on SQLite
its text then goes straight to the driver, on every other database it goes the usual way. Both run in the caller's
transaction, and errors are SQLAlchemy's.
"""

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from core.store.engine import say_plainly

PAGE = 200
PLAIN = "sqlite"
"""The database whose driver takes the text of a statement as it is."""
_SQLITE = SQLiteDialect_pysqlite()


class Prepared:
    """One statement with named parameters (``sa.bindparam``), each of which a call gives by its name.

    Only for columns whose values the driver takes and gives as they are: text, whole numbers, bytes, none. A row has
    the names of its columns, as SQLAlchemy's have.
    """

    __slots__ = ("_fixed", "_names", "_row", "_statement", "_text")

    def __init__(
        self, statement: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete | sa.CompoundSelect[Any]
    ) -> None:
        self._statement = statement
        self._text = ""

    def all(self, tx: sa.Connection, **values: Any) -> Sequence[Any]:
        """Every row."""
        if tx.dialect.name != PLAIN:
            return tx.execute(self._statement, values).all()
        found = self._handed_over(tx, values).fetchall()
        return list(map(self._row, found))

    def pages(self, tx: sa.Connection, size: int = PAGE, /, **values: Any) -> Iterator[Any]:
        """Every row, ``size`` of them read at a time."""
        if tx.dialect.name != PLAIN:
            yield from tx.execute(self._statement, values, execution_options={"yield_per": size})
            return
        cursor = self._handed_over(tx, values)
        while page := cursor.fetchmany(size):
            yield from map(self._row, page)

    def first(self, tx: sa.Connection, **values: Any) -> Any | None:
        """The first row, None if there is none."""
        if tx.dialect.name != PLAIN:
            return tx.execute(self._statement, values).first()
        found = self._handed_over(tx, values).fetchall()
        return self._row(found[0]) if found else None

    def scalar(self, tx: sa.Connection, **values: Any) -> Any:
        """The first column of the first row, None if there is none."""
        if tx.dialect.name != PLAIN:
            return tx.scalar(self._statement, values)
        found = self._handed_over(tx, values).fetchall()
        return found[0][0] if found else None

    def scalars(self, tx: sa.Connection, **values: Any) -> list[Any]:
        """The first column of every row."""
        if tx.dialect.name != PLAIN:
            return list(tx.scalars(self._statement, values))
        return [row[0] for row in self._handed_over(tx, values).fetchall()]

    def run(self, tx: sa.Connection, **values: Any) -> int:
        """Write; returns how many rows were touched."""
        if tx.dialect.name != PLAIN:
            return tx.execute(self._statement, values).rowcount
        return int(self._handed_over(tx, values).rowcount)

    def _handed_over(self, tx: sa.Connection, values: dict[str, Any]) -> Any:
        text = self._text or self._compile()
        given = {**self._fixed, **values} if self._fixed else values
        return say_plainly(tx, text, [given[name] for name in self._names])

    def _compile(self) -> str:
        compiled = self._statement.compile(dialect=_SQLITE)
        if compiled.post_compile_params:
            raise ValueError(f"a list in a prepared statement: {compiled}")
        self._names = tuple(compiled.positiontup or ())
        self._fixed = {
            name: compiled.params[name] for name in self._names if not compiled.binds[name].required
        }
        columns = getattr(self._statement, "exported_columns", None)
        row = namedtuple("Row", () if columns is None else columns.keys(), rename=True)  # type: ignore[misc]
        self._row = row._make
        self._text = str(compiled)
        return self._text


class Savepoint:
    """A step within the transaction that can be taken back by itself."""

    __slots__ = ("_nested", "_tx")

    def __init__(self, tx: sa.Connection) -> None:
        self._tx = tx
        self._nested = tx.begin_nested() if tx.dialect.name != PLAIN else None
        if self._nested is None:
            say_plainly(tx, "SAVEPOINT step")

    def commit(self) -> None:
        if self._nested is not None:
            self._nested.commit()
        else:
            say_plainly(self._tx, "RELEASE step")

    def rollback(self) -> None:
        if self._nested is not None:
            self._nested.rollback()
        else:
            say_plainly(self._tx, "ROLLBACK TO step")
            say_plainly(self._tx, "RELEASE step")


def insert(tx: sa.Connection, table: sa.Table, **values: Any) -> None:
    """One new row."""
    _insert(table, *values).run(tx, **{f"to_{name}": value for name, value in values.items()})


def update(tx: sa.Connection, table: sa.Table, at: Mapping[str, Any], **values: Any) -> int:
    """Change the rows whose columns are as in ``at``; returns how many there are."""
    named = {f"to_{name}": value for name, value in values.items()}
    named.update((f"at_{name}", value) for name, value in at.items())
    return _update(table, tuple(at), tuple(values)).run(tx, **named)


def put(tx: sa.Connection, table: sa.Table, at: Mapping[str, Any], **values: Any) -> None:
    """Change the row whose key is ``at``, or make it."""
    if not update(tx, table, at, **values):
        insert(tx, table, **at, **values)


@cache
def _insert(table: sa.Table, *names: str) -> Prepared:
    return Prepared(sa.insert(table).values({name: sa.bindparam(f"to_{name}") for name in names}))


@cache
def _update(table: sa.Table, at: tuple[str, ...], names: tuple[str, ...]) -> Prepared:
    key = [table.c[name] == sa.bindparam(f"at_{name}") for name in at]
    return Prepared(sa.update(table).where(*key).values({name: sa.bindparam(f"to_{name}") for name in names}))
