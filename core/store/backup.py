"""Copies of a live database that are whole: never a copy of the file, which can miss what is in the log beside it."""

import os
from contextlib import closing, suppress
from pathlib import Path

from core.errors import LocalError
from core.store.engine import Database, DriverError


def back_up(db: Database, target: Path) -> Path:
    """Write a consistent copy to a new file, with the same key. Raises ``LocalError`` (``store.backup``)."""
    if db.path is None:
        raise LocalError(
            "store.backup_elsewhere",
            zh="数据库在 PostgreSQL 上，请用 pg_dump 或流复制备份。",
            en="The database is on PostgreSQL; back it up with pg_dump or streaming replication.",
        )
    partial = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with closing(db.engine.raw_connection()) as connection:
            connection.driver_connection.execute("VACUUM INTO ?", (str(partial),))  # type: ignore[union-attr]
        partial.chmod(0o600)
        _sync(partial)
        partial.replace(target)
        # A name is durable only when its folder is.
        _sync_folder(target.parent)
    except (DriverError, OSError) as error:
        with suppress(OSError):
            partial.unlink()
        raise LocalError(
            "store.backup",
            zh=f"备份没有做成（{error}），数据库没有受影响。请检查磁盘空间后再试。",
            en=f"The backup could not be made ({error}); the database is not affected. Check the disk's space.",
        ) from error
    return target


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        # Windows has no handle on a folder; NTFS journals the entry with the file.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune(folder: Path, kept: int) -> list[Path]:
    """Delete all but the newest ``kept`` nightly copies; returns what was deleted."""
    copies = sorted(folder.glob("[0-9]*T[0-9]*Z.db"))
    gone = copies[:-kept] if kept else []
    for path in gone:
        path.unlink()
    return gone
