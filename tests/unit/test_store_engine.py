"""One transaction, one promise: what the engine keeps, and what it says when the disk does not."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from core.errors import LocalError, StateError
from core.store import engine
from core.store.engine import Database, open_sqlite
from core.store.refusals import CommitUnknown

KEY = bytes(range(32))
TALLY = sa.table("tally", sa.column("name", sa.Text), sa.column("count", sa.Integer))


def _with_table(db: Database) -> Database:
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL, note TEXT)")
        tx.execute(sa.insert(TALLY).values(name="cases", count=0))
    return db


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = _with_table(open_sqlite(tmp_path / "node.db"))
    yield made
    made.close()


def _count(db: Database) -> int:
    with db.reading() as tx:
        return int(tx.execute(sa.select(TALLY.c.count)).scalar_one())


def test_the_file_is_in_wal_with_full_sync_and_keeps_foreign_keys(db: Database) -> None:
    with db.reading() as tx:
        read = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert read == PRAGMAS


PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "trusted_schema": 0,
}


def test_two_hundred_increments_from_four_threads_lose_none(db: Database) -> None:
    def work() -> None:
        for _ in range(50):
            with db.transaction() as tx:
                seen = tx.execute(sa.select(TALLY.c.count)).scalar_one()
                tx.execute(sa.update(TALLY).values(count=seen + 1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(db) == 200


def test_two_programs_on_one_file_lose_nothing(db: Database, tmp_path: Path) -> None:
    other = open_sqlite(tmp_path / "node.db")

    def work(mine: Database) -> None:
        for _ in range(25):
            with mine.transaction() as tx:
                seen = tx.execute(sa.select(TALLY.c.count)).scalar_one()
                tx.execute(sa.update(TALLY).values(count=seen + 1))

    threads = [threading.Thread(target=work, args=(each,)) for each in (db, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert _count(db) == 50


def test_what_raises_is_rolled_back_whole(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:
        tx.execute(sa.update(TALLY).values(count=7))
        _ = 1 // 0
    assert _count(db) == 0


def test_a_reader_sees_one_moment_and_does_not_keep_the_writer_waiting(db: Database) -> None:
    with db.reading() as tx:
        before = tx.execute(sa.select(TALLY.c.count)).scalar_one()
        with db.transaction() as writer:
            writer.execute(sa.update(TALLY).values(count=5))
        assert tx.execute(sa.select(TALLY.c.count)).scalar_one() == before
    assert _count(db) == 5


def test_a_connection_that_read_writes_again_afterwards(db: Database) -> None:
    _count(db)
    with db.transaction() as tx:
        tx.execute(sa.update(TALLY).values(count=1))
    assert _count(db) == 1


def test_a_commit_that_fails_is_unknown_never_success_or_failure(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, connection: Any) -> None:
        raise engine.driver.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(type(db.engine.dialect), "do_commit", fail)
        with pytest.raises(CommitUnknown) as refused, db.transaction() as tx:
            tx.execute(sa.update(TALLY).values(count=9))
    assert refused.value.code == "store.commit_unknown"
    assert "不要重复录入" in refused.value.zh
    for use in (db.transaction, db.reading):
        with pytest.raises(CommitUnknown), use():
            pass
    db.reopen()
    assert _count(db) in (0, 9)
    with db.transaction() as tx:
        tx.execute(sa.update(TALLY).values(count=2))
    assert _count(db) == 2


def test_a_step_that_was_under_way_when_the_database_was_reopened_is_not_saved(
    db: Database, tmp_path: Path
) -> None:
    with pytest.raises(StateError) as refused, db.transaction() as tx:
        tx.execute(sa.update(TALLY).values(count=9))
        db.reopen()
    assert refused.value.code == "store.reopened"
    assert _count(db) == 0


def test_a_full_disk_is_said_in_words_and_changes_nothing(db: Database) -> None:
    with db.reading() as tx:
        pages = int(tx.exec_driver_sql("PRAGMA page_count").scalar() or 0)
    with pytest.raises(LocalError) as refused, db.transaction() as tx:
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        tx.exec_driver_sql("UPDATE tally SET count = 3, note = hex(randomblob(200000))")
    assert refused.value.code == "store.full"
    assert "磁盘已满" in refused.value.zh
    assert _count(db) == 0


def test_a_writer_that_waits_too_long_is_told_that_another_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    db = _with_table(open_sqlite(tmp_path / "busy.db"))
    other = open_sqlite(tmp_path / "busy.db")
    with db.transaction() as tx:
        tx.execute(sa.update(TALLY).values(count=1))
        with pytest.raises(LocalError) as refused, other.transaction():
            pass
    assert refused.value.code == "store.busy"
    db.close()
    other.close()


def test_a_keyed_file_opens_with_its_key_only(tmp_path: Path) -> None:
    path = tmp_path / "keyed.db"
    _with_table(open_sqlite(path, raw_key=KEY)).close()
    assert b"tally" not in path.read_bytes()
    again = open_sqlite(path, raw_key=KEY)
    assert _count(again) == 0
    again.close()
    for wrong in (bytes(32), None):
        with pytest.raises(LocalError) as refused, open_sqlite(path, raw_key=wrong).reading() as tx:
            tx.exec_driver_sql("SELECT 1 FROM tally")
        assert refused.value.code == "store.unreadable"
        assert "口令不对" in refused.value.zh


def test_a_key_of_the_wrong_length_is_a_fault_of_the_program(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="32 bytes"),
        open_sqlite(tmp_path / "k.db", raw_key=b"x").reading() as tx,
    ):
        tx.exec_driver_sql("SELECT 1")


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "photo.db"
    path.write_bytes(b"\x89PNG" * 4096)
    with pytest.raises(LocalError) as refused, open_sqlite(path).reading() as tx:
        tx.exec_driver_sql("SELECT 1 FROM sqlite_master")
    assert refused.value.code == "store.unreadable"


def test_any_other_refusal_of_the_database_is_a_sentence(db: Database) -> None:
    with pytest.raises(LocalError) as refused, db.transaction() as tx:
        tx.execute(sa.insert(TALLY).values(name="cases", count=1))
    assert refused.value.code == "store.failed"
    assert isinstance(refused.value.__cause__, exc.IntegrityError)


def test_an_sqlite_that_can_lose_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.driver, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(LocalError) as refused:
        open_sqlite(tmp_path / "old.db")
    assert refused.value.code == "store.sqlite_too_old"


def test_a_url_opens_the_database_of_a_busy_city() -> None:
    db = engine.open_url("postgresql+psycopg://city@db.example/liandong")
    assert db.path is None
    assert db.engine.dialect.name == "postgresql"
    db.close()
