"""Copies of a live database that are whole: never a copy of the file, which can miss what is in the log beside it."""

import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.errors import InputError, LiandongError, LocalError
from core.store.durable import put_in_place, sync_folder
from core.store.engine import Database, DriverError, open_copy, open_sqlite

Check = Callable[[sa.Connection], object]
"""A further look at a copy; raises ``LiandongError`` for what is wrong with it."""

NAME = "%Y%m%dT%H%M%SZ"
_NAMED = re.compile(r"[0-9]{8}T[0-9]{6}Z\.db")
AHEAD_MAX = timedelta(days=1)
"""A copy named further in the future was made under a wrong clock and says nothing of today."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back this node can be put: its newest and oldest good copy (UTC), and how many there are."""

    newest: datetime | None
    oldest: datetime | None
    count: int


def back_up(
    db: Database,
    target: Path,
    checks: Iterable[Check] = (),
    mark: Callable[[sa.Connection], object] | None = None,
) -> Path:
    """Write a consistent copy to a new file, with the same key, and read it again before it counts.

    ``mark`` writes into the copy what tells it from the original.
    Raises ``LocalError`` (``store.backup``, ``store.bad_copy``); nothing of that name is left then but what was there.
    """
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
        if mark is not None:
            _write_into(partial, db, mark)
        _sync(partial)
        verify_copy(partial, db.raw_key, checks, vfs=db.vfs)
        put_in_place(partial, target)
        # A name is durable only when its folder is.
        sync_folder(target.parent)
    except LiandongError:
        with suppress(OSError):
            partial.unlink()
        raise
    except (DriverError, OSError) as error:
        with suppress(OSError):
            partial.unlink()
        raise LocalError(
            "store.backup",
            zh=f"备份没有做成（{error}），数据库没有受影响。请检查磁盘空间后再试。",
            en=f"The backup could not be made ({error}); the database is not affected. Check the disk's space.",
        ) from error
    return target


def _write_into(path: Path, db: Database, mark: Callable[[sa.Connection], object]) -> None:
    copy = open_sqlite(path, raw_key=db.raw_key, vfs=db.vfs)
    try:
        with copy.transaction() as tx:
            mark(tx)
        copy.close_alone()
    finally:
        copy.close()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def verify_copy(
    path: Path, raw_key: bytes | None, checks: Iterable[Check] = (), *, vfs: str | None = None
) -> None:
    """Raises ``LocalError`` (``store.bad_copy``) unless the copy opens with the key, is sound, and passes ``checks``."""
    if not path.is_file():
        raise InputError(
            "store.no_copy",
            zh=f"找不到备份文件 {path}，未作改动。备份在数据目录的 backups 里。",
            en=f"There is no copy {path}; nothing was changed. Copies lie in backups in the data folder.",
        )
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise _bad_copy(
            path, "-wal", "旁边有未合并的日志，是直接复制的活动文件 / a live file with a log beside it"
        )
    copy = open_copy(path, raw_key, vfs=vfs)
    try:
        with copy.reading() as tx:
            answer = str(tx.exec_driver_sql("PRAGMA quick_check(1)").scalar())
            if answer != "ok":
                raise _bad_copy(path, answer, answer)
            for check in checks:
                check(tx)
    except LiandongError as error:
        if error.code not in ("store.unreadable", "store.failed", "audit.broken"):
            raise
        raise _bad_copy(path, error.zh, error.en) from error
    finally:
        copy.close()


def horizon(folder: Path, now: datetime) -> Horizon:
    """What the folder of nightly copies holds; a name there means that the copy was verified when it was made."""
    times = [at for at in map(made_at, copies(folder)) if at <= now + AHEAD_MAX]
    return Horizon(max(times, default=None), min(times, default=None), len(times))


def copies(folder: Path) -> list[Path]:
    """The copies that count, oldest first."""
    return sorted(path for path in folder.glob("*.db") if _NAMED.fullmatch(path.name))


def made_at(copy: Path) -> datetime:
    """When a copy of :func:`copies` was made."""
    return datetime.strptime(copy.stem, NAME).replace(tzinfo=UTC)


def prune(folder: Path, kept: int) -> list[Path]:
    """Delete all but the newest ``kept`` nightly copies; returns what was deleted."""
    found = copies(folder)
    gone = found[:-kept] if kept else []
    for path in gone:
        path.unlink()
    return gone


def restore(
    source: Path,
    target: Path,
    raw_key: bytes | None,
    now: datetime,
    checks: Iterable[Check] = (),
    prepare: Callable[[Database], object] = lambda db: None,
) -> Path | None:
    """Put a copy in the place of the database at ``target``; returns under which name the replaced one is kept.

    ``prepare`` changes what has to be different in a restored database, before it takes the name. Raises
    ``InputError`` (``store.no_copy``), ``LocalError`` (``store.bad_copy``; ``store.busy`` while anybody has
    ``target`` open; ``store.restore``); the database that was there is then still in its place.
    """
    checks = tuple(checks)
    verify_copy(source, raw_key, checks)
    partial = target.with_suffix(".restoring")
    kept = target.with_name(f"{target.name}.replaced-{now:{NAME}}") if target.exists() else None
    try:
        _copy_synced(source, partial)
        verify_copy(partial, raw_key, checks)
        fresh = open_sqlite(partial, raw_key=raw_key)
        try:
            prepare(fresh)
            fresh.close_alone()
        finally:
            fresh.close()
        _sync(partial)
        if kept is not None:
            _set_aside(target, kept, raw_key)
        put_in_place(partial, target)
        sync_folder(target.parent)
    except OSError as error:
        raise LocalError(
            "store.restore",
            zh=f"恢复没有做成（{error}），原数据库没有删除。请检查磁盘后再试。",
            en=f"The copy could not be put in place ({error}); the database was not deleted. Check the disk.",
        ) from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{partial}{suffix}").unlink(missing_ok=True)
    return kept


def _set_aside(target: Path, kept: Path, raw_key: bytes | None) -> None:
    replaced = open_sqlite(target, raw_key=raw_key)
    try:
        replaced.close_alone()
    except LocalError as error:
        # One that is too damaged to be opened keeps its log beside it; one that is in use stays where it is.
        if error.code == "store.busy":
            raise
    finally:
        replaced.close()
    _double(target, kept)
    for suffix in ("-wal", "-shm"):
        beside = Path(f"{target}{suffix}")
        # The log belongs to the replaced file: beside the restored one it would be read into it.
        if beside.exists():
            beside.replace(f"{kept}{suffix}")


def _copy_synced(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    _sync(target)


def _double(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:
        # A disk without hard links.
        _copy_synced(path, name)


def _bad_copy(path: Path, zh: str, en: str) -> LocalError:
    return LocalError(
        "store.bad_copy",
        zh=f"备份 {path.name} 不能用（{zh}）。请换一份备份，并检查磁盘。",
        en=f"The copy {path.name} cannot be used ({en}). Use another one, and check the disk.",
    )
