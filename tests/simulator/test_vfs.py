"""The simulated disk keeps what was synced and nothing else for certain, and the production engine works on it."""

import hashlib
import os
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from core.errors import LocalError
from core.store.engine import Database, open_sqlite
from sync.chunkstore import FileChunkStore
from tests.simulator import vfs
from tests.simulator.depth import PlatterDisk
from tests.simulator.faults import Misfortune
from tests.simulator.platter import SECTOR_BYTES, DiskRefused, Operation, Platter
from tests.simulator.vfs_bench import measure

OLD, NEW = b"o" * SECTOR_BYTES * 3, b"n" * SECTOR_BYTES * 3
KEY = bytes(range(32))


def _overwritten(seed: str) -> bytes:
    platter = Platter(seed, {"/f": OLD})
    platter.write(platter.open("/f", create=False), 0, NEW)
    return platter.survivors()["/f"]


def _book(platter: Platter, raw_key: bytes | None = None) -> Database:
    db = open_sqlite(vfs.mount(platter) / "node.db", raw_key=raw_key, vfs=vfs.NAME)
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE IF NOT EXISTS person (number INTEGER PRIMARY KEY, name TEXT)")
    return db


def _names(db: Database) -> list[str]:
    with db.reading() as tx:
        return [name for (name,) in tx.exec_driver_sql("SELECT name FROM person ORDER BY number")]


def test_an_unsynced_write_may_be_lost_kept_or_torn_in_a_sector() -> None:
    left = {_overwritten(f"{seed}") for seed in range(200)}
    assert OLD in left and NEW in left
    sectors = {data[i : i + SECTOR_BYTES] for data in left for i in range(0, len(data), SECTOR_BYTES)}
    torn = [sector for sector in sectors if len(set(sector)) == 2]
    assert torn and all(sector == bytes(sorted(sector)) for sector in torn)


def test_the_same_seed_leaves_the_same_bytes_and_what_was_synced_is_there() -> None:
    assert _overwritten("7") == _overwritten("7")
    for seed in range(50):
        platter = Platter(f"{seed}")
        inode = platter.open("/f", create=True)
        platter.write(inode, 0, NEW)
        platter.sync(inode)
        assert platter.survivors() == {"/f": NEW}


def test_a_rename_is_durable_with_its_folder_and_never_half() -> None:
    seen = set()
    for seed in range(50):
        platter = Platter(f"{seed}", {"/c/a.part": NEW})
        platter.rename("/c/a.part", "/c/a")
        seen.add(tuple(platter.survivors()))
        platter.sync_folder("/c")
        assert platter.survivors() == {"/c/a": NEW}
    assert seen == {("/c/a.part",), ("/c/a",)}


def test_a_file_made_anew_under_a_name_just_deleted_is_not_deleted_by_a_cut() -> None:
    for seed in range(50):
        platter = Platter(f"{seed}", {"/wal": OLD})
        platter.delete("/wal")
        inode = platter.open("/wal", create=True)
        platter.write(inode, 0, NEW)
        platter.sync(inode)
        assert platter.survivors() == {"/wal": NEW}


def test_after_a_failed_sync_a_later_one_brings_nothing_down() -> None:
    """As Linux does: the pages are called clean."""
    lost = 0
    for seed in range(50):
        platter = Platter(f"{seed}", {"/f": OLD})
        platter.faults.failing, platter.faults.fail_at = Operation.SYNC, 1
        inode = platter.open("/f", create=False)
        platter.write(inode, 0, NEW)
        with pytest.raises(DiskRefused):
            platter.sync(inode)
        platter.sync(inode)
        assert bytes(inode.data) == NEW
        lost += platter.survivors()["/f"] != NEW
    assert lost


@pytest.mark.parametrize("raw_key", [None, KEY])
def test_what_was_committed_outlives_the_power_plain_or_keyed(raw_key: bytes | None) -> None:
    platter = Platter("committed")
    db = _book(platter, raw_key)
    for number in range(20):
        with db.transaction() as tx:
            tx.exec_driver_sql("INSERT INTO person VALUES (?, ?)", (number, f"王桂兰{number}"))
        platter.cut_power()
        db.close()
        platter.reborn()
        if raw_key is not None:
            assert all("王桂兰".encode() not in data for data in platter.image().values())
        db = _book(platter, raw_key)
        assert len(_names(db)) == number + 1
    db.close()
    vfs.require_no_defects()


def test_a_database_that_does_not_sync_loses_what_it_said() -> None:
    """That the disk loses anything at all."""
    lost = 0
    for seed in range(10):
        platter = Platter(f"{seed}")
        db = _book(platter)
        with closing(db.engine.raw_connection()) as connection:
            for sql in ("PRAGMA synchronous = OFF", "INSERT INTO person VALUES (1, 'a')"):
                connection.driver_connection.execute(sql)  # type: ignore[union-attr]
        platter.cut_power()
        db.close()
        platter.reborn()
        db = _book(platter)
        lost += _names(db) != ["a"]
        db.close()
    assert lost


def test_connections_of_one_process_wait_for_each_other_and_lose_no_update() -> None:
    platter = Platter("threads")
    db = _book(platter)
    with db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO person VALUES (1, '0')")

    def add() -> None:
        for _ in range(25):
            with db.transaction() as tx:
                (name,) = tx.exec_driver_sql("SELECT name FROM person WHERE number = 1").one()
                tx.exec_driver_sql("UPDATE person SET name = ?", (str(int(name) + 1),))

    threads = [Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    with db.reading() as tx:
        before = tx.exec_driver_sql("SELECT name FROM person").scalar()
        for thread in threads:
            thread.join()
        assert tx.exec_driver_sql("SELECT name FROM person").scalar() == before
    assert _names(db) == ["75"]
    db.close()
    vfs.require_no_defects()


def test_a_full_disk_is_said_in_words_and_certainly_nothing_was_saved() -> None:
    platter = Platter("full")
    db = _book(platter)
    platter.faults.capacity = platter.used
    with pytest.raises(LocalError) as refused, db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO person VALUES (1, 'a')")
    assert refused.value.code == "store.full"
    platter.faults.capacity = None
    assert _names(db) == []
    with db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO person VALUES (1, 'a')")
    assert _names(db) == ["a"]
    db.close()


def test_a_program_that_was_killed_reaches_the_disk_no_more() -> None:
    platter = Platter("killed")
    db = _book(platter)
    platter.kill_program()
    with pytest.raises(LocalError):
        _names(db)
    db.close()
    assert _names(_book(platter)) == []


def test_the_chunk_store_of_production_takes_the_steps_that_are_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write, sync, rename, sync the folder: or the cut points between them would be of nothing."""
    data = b"ciphertext" * 100
    digest = hashlib.sha256(data).hexdigest()
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_sync(handle: int) -> None:
        is_folder = Path(f"/proc/self/fd/{handle}").is_dir()
        if not is_folder:
            assert os.fstat(handle).st_size == len(data)
        steps.append("sync_folder" if is_folder else "sync")
        fsync(handle)

    def note_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    (tmp_path / "chunks" / digest[:2]).mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    FileChunkStore(tmp_path / "chunks").put(digest, data)
    (tmp_path / "template").write_bytes(b"")
    disk = PlatterDisk(tmp_path / "n", "n", Misfortune("none"), tmp_path / "template", "1")  # type: ignore[arg-type]
    disk.platter.log = []
    disk.put(digest, data)
    assert [kind for kind, _ in disk.platter.log if kind not in ("create", "write")] == steps
    assert steps == ["sync", "rename", "sync_folder"]


def test_the_bench_counts_what_it_says() -> None:
    measured = measure(2000)
    assert measured.counted >= 2000 and measured.commits > 5
