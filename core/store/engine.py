"""One engine for every tier: SQLite in WAL with FULL sync and one writer, or PostgreSQL by its URL.

The driver is ``sqlcipher3``: its SQLite is past the WAL-reset bug of 3.7.0-3.51.2, and it opens keyed files. On
PostgreSQL a writer's unit of work holds an advisory lock: there too is one writer at a time, since every change adds
to a log whose lines name the one before, and readers have one consistent view and wait for nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver
from sqlalchemy import event, exc

from core.errors import LocalError, StateError
from core.store import RAW_KEY_BYTES
from core.store.refusals import (
    BUSY_TIMEOUT_MS,
    CommitUnknown,
    commit_unknown,
    has_no_room,
    in_words,
    is_full,
    reopened,
    unfit,
    was_refused,
    wrong_url,
)

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the product; each is declared beside the verbs that own it."""

SQLITE_SAFE_SINCE = (3, 51, 3)
ALONE_TIMEOUT_MS = 1_000
STATEMENTS_KEPT = 400
"""A contact asks more different ones than the driver keeps ready by itself."""
SERVER = "postgresql"
WRITER_LOCK = 0x6C69616E
"""The advisory lock that a writer's unit of work holds on a server, "lian"."""
_SESSION = (
    f"SET lock_timeout = {BUSY_TIMEOUT_MS}",
    # Whoever has set the server to answer before the log is on the disk did not know what is promised here.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
_WRITE = f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"
_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Pages begin after the last key seen, and marks sort before or after every instant.
_FITS = "SELECT current_setting('server_encoding') = 'UTF8' AND '9' < '~' AND 'Z' < 'a' AND '-2' < '0'"
DriverError = driver.Error
SQLITE_VERSION = str(driver.sqlite_version)


class SpaceReserve(Protocol):
    """Room on the disk that is kept for the day it is full."""

    @property
    def is_out(self) -> bool:
        """Whether the room was given away and has not come back."""

    def release(self) -> None:
        """Give the room away, so that what is here can still be sent."""

    def look(self) -> None:
        """Give it away when the disk is all but full, take it again when there is space."""


class Database:
    """A database that hands out transactions; nothing is written outside of one.

    After a commit whose outcome is unknown it hands out none until :meth:`reopen`: what a connection remembers may
    then differ from what the disk holds.
    """

    def __init__(
        self,
        engine: sa.Engine,
        path: Path | None = None,
        *,
        raw_key: bytes | None = None,
        vfs: str | None = None,
    ) -> None:
        self.engine = engine
        self.path = path
        self.raw_key = raw_key
        self.vfs = vfs
        self.reserve: SpaceReserve | None = None
        self.before_commit: Callable[[], None] | None = None
        self.in_doubt: CommitUnknown | None = None
        self.opened = 1
        """How often; what was read before the last time may not be what the disk holds."""

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One writer's unit of work: commits when the block ends, rolls back when it raises.

        Raises ``CommitUnknown`` (``store.commit_unknown``) if the commit itself failed, ``LocalError``
        (``store.full``, ``store.unreadable``) when the disk refuses; after either nothing is told to anyone.
        """
        try:
            with self._unit_of_work() as connection:
                yield connection
        except LocalError as error:
            if self.reserve is not None and is_full(error):
                self.reserve.release()
            raise

    @contextmanager
    def _unit_of_work(self) -> Iterator[sa.Connection]:
        self._require_certain()
        opened = self.opened
        try:
            with self.engine.connect() as connection:
                transaction = connection.begin()
                try:
                    yield connection
                    self._require_certain()
                    if opened != self.opened:
                        raise reopened()
                    if self.before_commit is not None:
                        self.before_commit()
                except BaseException:
                    transaction.rollback()
                    raise
                try:
                    transaction.commit()
                except exc.DBAPIError as error:
                    connection.invalidate()
                    if has_no_room(error) or was_refused(error):
                        # There was no room for the record that makes a commit, or the server said no: certainly not saved.
                        raise
                    self.in_doubt = commit_unknown(error)
                    raise self.in_doubt from error
        except exc.DBAPIError as error:
            raise in_words(error) from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A consistent view that takes no write lock."""
        self._require_certain()
        try:
            with self.engine.connect() as connection:
                connection.info["read_only"] = True
                try:
                    yield connection
                finally:
                    connection.rollback()
                    connection.info.pop("read_only", None)
        except exc.DBAPIError as error:
            raise in_words(error) from error

    def reopen(self) -> None:
        """Let go of every connection and read the disk anew; what was in doubt can then be looked up.

        A transaction of another thread that is still open on an old connection is rolled back. Raises ``LocalError``
        (``store.*``) if the database cannot be read, or a doubt not be settled; it then stays closed.
        """
        self.opened += 1
        self.engine.dispose()
        try:
            with self.engine.connect().execution_options(read_only=True) as connection:
                sa.inspect(connection).get_table_names()
            if self.in_doubt is not None:
                self._settle()
        except exc.DBAPIError as error:
            raise in_words(error) from error
        self.in_doubt = None

    def require_room(self) -> None:
        """Raises ``StateError`` (``store.short``) while the disk is so full that only sending may go on."""
        if self.reserve is not None and self.reserve.is_out:
            raise StateError(
                "store.short",
                zh="本机磁盘已满，已动用应急空间：暂不接收新的内容，已有的继续上传。请清理磁盘，空间够了会自动恢复。",
                en="The disk of this node is full and its reserve is in use: nothing new is taken in, what is here is "
                "still sent. Free some space; taking in resumes by itself.",
            )

    def close_alone(self) -> None:
        """Bring all of the log into the file and close it as one file, with nothing beside it.

        Raises ``LocalError`` (``store.busy``) if another program has it open, ``store.*`` if it cannot be read.
        """
        self.engine.dispose()
        try:
            with self.engine.connect() as connection:
                alone = connection.connection.driver_connection
                assert alone is not None
                alone.execute(f"PRAGMA busy_timeout = {ALONE_TIMEOUT_MS}")
                alone.execute("PRAGMA journal_mode = DELETE")
                connection.invalidate()
        except exc.DBAPIError as error:
            raise in_words(error) from error
        except DriverError as error:
            raise in_words(exc.DBAPIError("PRAGMA journal_mode", None, error)) from error
        finally:
            self.engine.dispose()

    def close(self) -> None:
        self.engine.dispose()

    def _settle(self) -> None:
        if self.path is None:
            # A server may still be at the commit that was cut off. It holds the writer's lock until it has ended.
            with self.engine.begin():
                return
        # While another program has the file open, what failed still lies in the log behind its end: a crash would
        # bring it back after people have seen that it is not there. A write of our own takes its place.
        with self.engine.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")

    def _require_certain(self) -> None:
        if self.in_doubt is not None:
            raise CommitUnknown(self.in_doubt.code, zh=self.in_doubt.zh, en=self.in_doubt.en)


def say_plainly(tx: sa.Connection, text: str, values: Sequence[Any] = ()) -> Any:
    """The driver's cursor over one statement of SQLite, in the transaction of ``tx``. Errors are SQLAlchemy's."""
    if not tx.in_transaction():
        tx.begin()
    return _hand_over(tx, text, values)


def _hand_over(tx: sa.Connection, text: str, values: Sequence[Any] = ()) -> Any:
    connection = tx.connection.driver_connection
    assert connection is not None
    try:
        return connection.execute(text, values)
    except DriverError as error:
        raise exc.DBAPIError.instance(
            text, None, error, DriverError, hide_parameters=True, dialect=tx.dialect
        ) from error


def may_write(tx: sa.Connection) -> bool:
    """Whether ``tx`` is a writer's unit of work, and not one of :meth:`Database.reading`."""
    return not (tx.info.get("read_only") or tx.get_execution_options().get("read_only"))


def open_sqlite(path: Path, *, raw_key: bytes | None = None, vfs: str | None = None) -> Database:
    """The SQLite file at ``path`` (made if missing), keyed with ``raw_key`` (32 bytes) if given.

    ``vfs`` names a registered SQLite VFS other than the system's own: a disk that tests hold in their hand. Raises
    ``LocalError`` (``store.sqlite_too_old``); a wrong key or a file that is no database is found by the first
    transaction (``store.unreadable``).
    """
    if driver.sqlite_version_info < SQLITE_SAFE_SINCE:
        raise LocalError(
            "store.sqlite_too_old",
            zh=f"SQLite {driver.sqlite_version} 有可能丢失数据的缺陷，需要 3.51.3 以上。请重新安装本程序。",
            en=f"SQLite {driver.sqlite_version} has a defect that can lose data; 3.51.3 or newer is needed. "
            "Install this program anew.",
        )
    name = str(path) if vfs is None else f"file:{quote(str(path))}?vfs={quote(vfs)}"
    connect = partial(_connect, name, raw_key, uri=vfs is not None)
    return Database(_sqlite_engine(connect), path, raw_key=raw_key, vfs=vfs)


def open_copy(path: Path, raw_key: bytes | None = None, *, vfs: str | None = None) -> Database:
    """A copy at rest, to be looked at only: neither the file nor anything beside it is written.

    A wrong key or a damaged file is found by the first reading (``store.unreadable``).
    """
    # Immutable: a log beside the copy would be left out, so what has one is no copy (see backup.verify_copy).
    name = f"{path.absolute().as_uri()}?mode=ro&immutable=1" + ("" if vfs is None else f"&vfs={quote(vfs)}")
    return Database(_sqlite_engine(lambda: _keyed(name, raw_key, uri=True)), path, raw_key=raw_key, vfs=vfs)


def open_url(url: str) -> Database:
    """The database at an SQLAlchemy URL: ``postgresql+psycopg://…`` for a busy city.

    Raises ``LocalError`` (``store.url``). Whether the server is there and fits is found by the first transaction
    (``store.unreachable``, ``store.order``).
    """
    return Database(_server_engine(url))


def _keyed(name: str, raw_key: bytes | None, *, uri: bool = False) -> Any:
    if raw_key is not None and len(raw_key) != RAW_KEY_BYTES:
        raise ValueError(f"a raw key has {RAW_KEY_BYTES} bytes, not {len(raw_key)}")
    connection = driver.connect(
        name,
        check_same_thread=False,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_MS / 1000,
        uri=uri,
        cached_statements=STATEMENTS_KEPT,
    )
    if raw_key is not None:
        connection.execute(f"PRAGMA key = \"x'{raw_key.hex()}'\"")
    return connection


def _connect(name: str, raw_key: bytes | None, *, uri: bool = False) -> Any:
    connection = _keyed(name, raw_key, uri=uri)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "trusted_schema = OFF",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _sqlite_engine(creator: Callable[[], Any]) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://",
        creator=creator,
        module=driver,
        poolclass=sa.QueuePool,
        pool_size=8,
        # The one that was used last has the pages that are wanted next; the others need not read them again.
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Without IMMEDIATE two readers that turn writers lose one update silently.
        _hand_over(connection, "BEGIN IMMEDIATE" if may_write(connection) else "BEGIN")

    return engine


def _server_engine(url: str) -> sa.Engine:
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, pool_size=8, hide_parameters=True)
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise wrong_url(str(error)) from error
    if engine.dialect.name != SERVER:
        raise wrong_url(engine.dialect.name)

    @event.listens_for(engine, "connect", insert=True)
    def _connected(connection: Any, record: Any) -> None:
        for statement in _SESSION:
            connection.execute(statement)
        (fits,) = connection.execute(_FITS).fetchone()
        connection.commit()
        if not fits:
            raise unfit()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(_WRITE if may_write(connection) else _READ)

    return engine
