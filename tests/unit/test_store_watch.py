"""A database says that it was changed without a table being read."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import LocalError
from core.store.engine import Database, open_sqlite
from core.store.watch import Watch


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_sqlite(tmp_path / "node.db")
    with database.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE said (words TEXT)")
    yield database
    database.close()


def test_a_commit_is_seen_and_reading_is_not(db: Database) -> None:
    watch = Watch(db)
    before = watch.version()
    with db.reading() as tx:
        tx.exec_driver_sql("SELECT count(*) FROM said").scalar()
    assert watch.version() == before
    with db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO said VALUES ('new')")
        assert watch.version() == before, "not committed yet"
    assert watch.version() != before
    watch.close()


def test_what_was_taken_back_changed_nothing(db: Database) -> None:
    watch = Watch(db)
    before = watch.version()
    with pytest.raises(RuntimeError), db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO said VALUES ('never')")
        raise RuntimeError("never mind")
    assert watch.version() == before
    watch.close()


def test_what_another_program_committed_is_seen(db: Database) -> None:
    watch = Watch(db)
    before = watch.version()
    code = (
        "import sys; from pathlib import Path; from core.store.engine import open_sqlite\n"
        "db = open_sqlite(Path(sys.argv[1]))\n"
        "with db.transaction() as tx: tx.exec_driver_sql(\"INSERT INTO said VALUES ('there')\")"
    )
    subprocess.run([sys.executable, "-c", code, str(db.path)], check=True)
    assert watch.version() != before
    watch.close()


def test_after_a_reopening_all_is_looked_at_anew(db: Database) -> None:
    watch = Watch(db)
    before = watch.version()
    db.reopen()
    assert watch.version() != before
    assert watch.version() == watch.version()
    watch.close()


def test_a_disk_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    db = open_sqlite(tmp_path / "node.db", raw_key=bytes(32))
    (tmp_path / "node.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(LocalError) as refused:
        Watch(db).version()
    assert refused.value.code == "store.unreadable"
