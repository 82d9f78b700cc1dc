"""Copies of a live database: whole, keyed as the book is, never half."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import LocalError
from core.store import backup, durable
from core.store.backup import back_up, prune, restore
from core.store.engine import Database, open_sqlite, open_url

KEY = bytes(range(32))


def _book(path: Path, raw_key: bytes | None) -> Database:
    db = open_sqlite(path, raw_key=raw_key)
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE person (name TEXT)")
        tx.exec_driver_sql("INSERT INTO person VALUES ('王桂兰')")
    return db


def _names(db: Database) -> list[str]:
    with db.reading() as tx:
        return list(tx.scalars(sa.text("SELECT name FROM person")))


@pytest.mark.parametrize("raw_key", [None, KEY])
def test_a_copy_made_while_people_work_holds_all_that_was_committed(
    tmp_path: Path, raw_key: bytes | None
) -> None:
    db = _book(tmp_path / "node.db", raw_key)
    with db.reading() as tx:
        tx.exec_driver_sql("SELECT count(*) FROM person").scalar()
        made = back_up(db, tmp_path / "backups" / "copy.db")
    with db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO person VALUES ('later')")
    copy = open_sqlite(made, raw_key=raw_key)
    assert _names(copy) == ["王桂兰"]
    copy.close()
    assert made.stat().st_mode & 0o077 == 0
    assert [path.name for path in made.parent.iterdir() if path.suffix == ".part"] == []
    db.close()


def test_the_copy_of_an_encrypted_book_is_encrypted_with_the_same_key(tmp_path: Path) -> None:
    db = _book(tmp_path / "node.db", KEY)
    made = back_up(db, tmp_path / "copy.db")
    data = made.read_bytes()
    assert "王桂兰".encode() not in data
    assert b"SQLite format 3" not in data
    with pytest.raises(LocalError) as refused, open_sqlite(made, raw_key=bytes(32)).reading() as tx:
        tx.exec_driver_sql("SELECT 1 FROM person")
    assert refused.value.code == "store.unreadable"
    db.close()


def test_an_older_copy_of_that_name_and_what_a_crash_left_are_replaced(tmp_path: Path) -> None:
    db = _book(tmp_path / "node.db", None)
    (tmp_path / "copy.part").write_bytes(b"half")
    (tmp_path / "copy.db").write_bytes(b"old")
    copy = open_sqlite(back_up(db, tmp_path / "copy.db"))
    assert _names(copy) == ["王桂兰"]
    copy.close()
    db.close()


def test_a_copy_that_cannot_be_written_is_refused_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = _book(tmp_path / "node.db", None)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LocalError) as refused:
        back_up(db, tmp_path / "file" / "copy.db")
    assert refused.value.code == "store.backup"

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(backup, "_sync", fail)
    with pytest.raises(LocalError):
        back_up(db, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "copy.part").exists()
    assert _names(db) == ["王桂兰"]
    db.close()


def test_a_book_on_postgresql_is_backed_up_by_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(LocalError) as refused:
        back_up(open_url("postgresql+psycopg://city@db.example/liandong"), tmp_path / "copy.db")
    assert refused.value.code == "store.backup_elsewhere"


def test_only_the_newest_nightly_copies_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        (tmp_path / f"2026030{day}T180700Z.db").write_bytes(b"")
    (tmp_path / "before-upgrade-20260301T000000Z.db").write_bytes(b"")
    gone = prune(tmp_path, 2)
    assert [path.name for path in gone] == [f"2026030{day}T180700Z.db" for day in (1, 2, 3)]
    assert len(list(tmp_path.iterdir())) == 3


NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class _Disk:
    """The system's calls, but for those that this disk or system does not have."""

    def __init__(self, **other: object) -> None:
        self.__dict__ |= other

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


def _refuse(*arguments: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_copy_is_made_on_windows_too_where_no_folder_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = _book(tmp_path / "node.db", None)
    monkeypatch.setattr(durable, "os", _Disk(name="nt", open=_refuse))
    copy = open_sqlite(back_up(db, tmp_path / "copy.db"))
    assert _names(copy) == ["王桂兰"]
    copy.close()
    db.close()


def test_a_copy_is_put_where_no_database_is_left_and_nothing_is_kept_of_one(tmp_path: Path) -> None:
    db = _book(tmp_path / "node.db", None)
    copy = back_up(db, tmp_path / "copy.db")
    db.close()
    for left in tmp_path.glob("node.db*"):
        left.unlink()
    assert restore(copy, tmp_path / "node.db", None, NOW) is None
    again = open_sqlite(tmp_path / "node.db")
    assert _names(again) == ["王桂兰"]
    again.close()


def test_on_a_disk_without_hard_links_the_replaced_database_is_kept_as_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = _book(tmp_path / "node.db", None)
    copy = back_up(db, tmp_path / "copy.db")
    with db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO person VALUES ('later')")
    db.close()
    monkeypatch.setattr(backup, "os", _Disk(link=_refuse))
    kept = restore(copy, tmp_path / "node.db", None, NOW)
    assert kept is not None
    for path, names in ((tmp_path / "node.db", ["王桂兰"]), (kept, ["王桂兰", "later"])):
        found = open_sqlite(path)
        assert _names(found) == names
        found.close()


def test_a_restore_that_the_disk_refuses_leaves_the_database_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = _book(tmp_path / "node.db", None)
    copy = back_up(db, tmp_path / "copy.db")
    db.close()
    monkeypatch.setattr(backup, "_sync", _refuse)
    with pytest.raises(LocalError, match=r"store\.restore") as refused:
        restore(copy, tmp_path / "node.db", None, NOW)
    assert "没有删除" in refused.value.zh
    assert not (tmp_path / "node.restoring").exists()
    again = open_sqlite(tmp_path / "node.db")
    assert _names(again) == ["王桂兰"]
    again.close()
