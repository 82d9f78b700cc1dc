"""What survives a crash: a node's database file and its chunks, with a hook at every point of persistence."""

import hashlib
import random
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from core.errors import LocalError
from core.identifiers import NodeId
from core.store.engine import Database, open_sqlite
from core.store.refusals import CommitUnknown
from tests.simulator.faults import Misfortune

PAGES_UNBOUNDED = 0xFFFFFFFE
NEARLY_FULL_BYTES = 32 << 20
EMPTY_BYTES = 1 << 36


class SimulatedCrash(BaseException):
    """The power went at this instruction; no production code may catch it."""

    def __init__(self, node: NodeId, point: str) -> None:
        super().__init__(f"{node} {point}")
        self.node = node
        self.point = point


class CrashingDatabase(Database):
    """The production database, which may lose its power at either side of a commit, or not know of one."""

    def __init__(self, inner: Database, disk: "Disk") -> None:
        super().__init__(inner.engine, inner.path, raw_key=inner.raw_key, vfs=inner.vfs)
        self._disk = disk

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        disk = self._disk
        with super().transaction() as tx:
            disk.bound_pages(tx)
            yield tx
            disk.may_crash("crash.before_commit")
            unknown = disk.misfortune.strikes("commit.unknown")
            if unknown and disk.misfortune.random.random() < 0.5:
                raise _commit_unknown()
        if unknown:
            raise _commit_unknown()
        disk.may_crash("crash.after_commit")


@dataclass(frozen=True, slots=True)
class Copy:
    """What somebody may put back one day."""

    path: Path
    chunks: dict[str, bytes]


class Disk:
    """One machine's disk. A crash copies database and log as they lie, so that reopening recovers from the log."""

    def __init__(self, folder: Path, node: NodeId, misfortune: Misfortune, template: Path) -> None:
        self.folder, self.node, self.misfortune = folder, node, misfortune
        self.chunks: dict[str, bytes] = {}
        self.free_bytes = EMPTY_BYTES
        self.is_full = False
        self.copies: list[Copy] = []
        self.aside: set[str] = set()
        self.spoilt: set[str] = set()
        """Chunks that rotted on this disk one day: it may sign for them again after a restore, until it looks."""
        self._life = 0
        folder.mkdir(parents=True)
        self._lay(template)

    def _lay(self, template: Path) -> None:
        """A new machine: the empty database."""
        shutil.copyfile(template, self.path)

    @property
    def path(self) -> Path:
        return self.folder / f"node-{self._life}.db"

    def open(self) -> CrashingDatabase:
        return CrashingDatabase(one_dialect(open_sqlite(self.path)), self)

    def look(self) -> driver.Connection:
        """The judge's own connection: committed rows only, no production code in between."""
        return driver.connect(str(self.path), isolation_level=None)

    def crash(self, db: Database) -> None:
        """Leave the file as a power cut leaves it; what ``db`` still held in memory is gone."""
        before = self.path
        self._life += 1
        for suffix in ("", "-wal"):
            source = Path(f"{before}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{self.path}{suffix}")
        db.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{before}{suffix}").unlink(missing_ok=True)

    def copy(self) -> "Copy":
        """A backup of the database as it is now, and which chunks there were."""
        target = self.folder / f"copy-{len(self.copies)}.db"
        source, copy = self.look(), driver.connect(str(target), isolation_level=None)
        try:
            source.backup(copy)
        finally:
            source.close()
            copy.close()
        made = Copy(target, self.held_chunks())
        self.copies.append(made)
        return made

    def held_chunks(self) -> dict[str, bytes]:
        """Every chunk on this disk, by its digest."""
        return dict(self.chunks)

    def spoil_chunk(self, digest: str, chance: random.Random) -> None:
        """One bit of a chunk turns."""
        data = bytearray(self.chunks[digest])
        data[chance.randrange(len(data))] ^= 1
        self.chunks[digest] = bytes(data)
        self.spoilt.add(digest)

    def names(self, part: str) -> list[str]:
        """Digests of the chunks here that begin with ``part``."""
        return sorted(digest for digest in self.held_chunks() if digest.startswith(part))

    def moved_aside(self) -> list[str]:
        """Chunks that were found rotted and not acknowledged yet."""
        return sorted(self.aside)

    def acknowledge(self, digests: Iterable[str]) -> None:
        self.aside -= set(digests)

    def put_back(self, copy: "Copy", *, chunks: bool) -> None:
        """The database is ``copy`` again; with ``chunks`` the whole disk is. Call it while the program is off."""
        before = self.path
        self._life += 1
        shutil.copyfile(copy.path, self.path)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{before}{suffix}").unlink(missing_ok=True)
        if chunks:
            self.chunks = dict(copy.chunks)

    def heal(self) -> None:
        """There is room, and nothing fails."""
        self.free_bytes = EMPTY_BYTES
        self.is_full = False

    def may_crash(self, kind: str) -> None:
        if self.misfortune.strikes(kind):
            raise SimulatedCrash(self.node, kind)

    def bound_pages(self, tx: sa.Connection) -> None:
        """While the disk is full the file may not grow by a page."""
        if self.is_full == bool(tx.info.get("is_full")):
            return
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar() if self.is_full else PAGES_UNBOUNDED
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        tx.info["is_full"] = self.is_full

    def put(self, digest: str, data: bytes) -> None:
        """The chunk store's port."""
        if self.get(digest) is not None:
            return
        if self.is_full:
            raise LocalError(
                "store.full", zh="磁盘已满，未保存。", en="The disk is full; this was not saved."
            )
        if self.misfortune.strikes("crash.at_chunk"):
            if self.misfortune.random.random() < 0.5:
                self.chunks[digest] = data
            raise SimulatedCrash(self.node, "crash.at_chunk")
        self.chunks[digest] = data

    def get(self, digest: str) -> bytes | None:
        """As production's: what has rotted is moved aside, and is not here any more."""
        data = self.chunks.get(digest)
        if data is None or hashlib.sha256(data).hexdigest() == digest:
            return data
        del self.chunks[digest]
        self.aside.add(digest)
        return None

    def has(self, digest: str) -> bool:
        return digest in self.chunks


_SHARED: dict[str, Any] = {}


def one_dialect(db: Database) -> Database:
    """Every machine of a city would put the same statements together anew, and again after every start.

    What was put together for one database of this kind is right for all: nothing in it depends on the file.
    """
    if not _SHARED:
        with db.engine.connect():
            # The dialect learns at its first connection what this SQLite can do.
            _SHARED.update(dialect=db.engine.dialect, statements=db.engine._compiled_cache)
    db.engine.dialect = _SHARED["dialect"]
    # There is no other door to it.
    db.engine._compiled_cache = _SHARED["statements"]
    return db


def _commit_unknown() -> CommitUnknown:
    return CommitUnknown(
        "store.commit_unknown",
        zh="写盘结果未知（模拟）。请重新打开程序后按编号查对，不要重复录入。",
        en="It is not known whether the write reached the disk (simulated). Reopen and look it up.",
    )
