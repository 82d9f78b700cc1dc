"""The second depth of a machine's disk: database and chunks on a platter that keeps only what was synced.

What :class:`tests.simulator.disk.Disk` copies as a file, this one leaves as a power cut would. A power cut may also
hit in the middle of a transaction, at any operation of the disk.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from core.errors import LocalError
from core.identifiers import NodeId
from core.store.engine import Database, open_sqlite
from tests.simulator import vfs
from tests.simulator.disk import Copy, CrashingDatabase, Disk, SimulatedCrash, one_dialect
from tests.simulator.faults import Misfortune
from tests.simulator.platter import DiskRefused, Faults, Platter

OPERATIONS_AHEAD = 120
"""A cut that struck falls on one of the next operations, somewhere in the commits to come."""
ASIDE = "/damaged/"


class PlatterDatabase(CrashingDatabase):
    """The production database on a platter; once the power is off, nothing of the program runs on."""

    def __init__(self, inner: Database, disk: "PlatterDisk") -> None:
        super().__init__(inner, disk)
        self._platters = disk

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        self._platters.may_arm()
        with self._platters.powered(), super().transaction() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._platters.powered(), super().reading() as tx:
            yield tx


class PlatterDisk(Disk):
    """Chunks are files too: written and synced under a name of their own, renamed, the folder synced."""

    def __init__(self, folder: Path, node: NodeId, misfortune: Misfortune, template: Path, seed: str) -> None:
        self.platter = Platter(f"{seed}/platter/{node}", {"/node.db": template.read_bytes()})
        self.mount = vfs.mount(self.platter)
        super().__init__(folder, node, misfortune, template)

    @property
    def path(self) -> Path:
        return self.mount / "node.db"

    def _lay(self, template: Path) -> None:
        """The platter holds the template already."""

    def open(self) -> PlatterDatabase:
        return PlatterDatabase(one_dialect(open_sqlite(self.path, vfs=vfs.NAME)), self)

    def look(self) -> driver.Connection:
        return driver.connect(f"file:{self.path}?vfs={vfs.NAME}", isolation_level=None, uri=True)

    def crash(self, db: Database) -> None:
        """The power goes: unsynced sectors are lost, torn or kept, by the seed."""
        self.platter.cut_power()
        db.close()
        self.platter.reborn()

    def kill_program(self, db: Database) -> None:
        """``kill -9``: what was written lies in the cache of the system, synced or not."""
        self.platter.kill_program()
        db.close()

    def may_arm(self) -> None:
        """At the beginning of a transaction: whether the power will go at one of the next operations."""
        if self.misfortune.strikes("crash.at_operation"):
            ahead = 1 + self.misfortune.random.randrange(OPERATIONS_AHEAD)
            self.platter.faults.cut_at = self.platter.operations + ahead

    def heal(self) -> None:
        super().heal()
        self.platter.faults = Faults()

    @contextmanager
    def powered(self) -> Iterator[None]:
        """Whatever comes of an access without power, to the program it is the end."""
        try:
            yield
        except BaseException as error:
            if self.platter.off and not isinstance(error, SimulatedCrash):
                raise SimulatedCrash(self.node, "power") from error
            raise
        if self.platter.off:
            raise SimulatedCrash(self.node, "power")

    def put(self, digest: str, data: bytes) -> None:
        """As :class:`sync.chunkstore.FileChunkStore`: write, sync, rename, sync the folder."""
        if self.get(digest) is not None:
            return
        if self.is_full:
            raise _refused("full")
        platter, target = self.platter, self._chunk(digest)
        partial = f"{target}.part"
        with self.powered():
            try:
                inode = platter.open(partial, create=True)
                platter.write(inode, 0, data)
                platter.sync(inode)
                platter.rename(partial, target)
                platter.sync_folder(str(Path(target).parent))
            except DiskRefused as refused:
                if not platter.off and partial in platter.names:
                    platter.delete(partial)
                raise _refused(refused.reason) from refused

    def get(self, digest: str) -> bytes | None:
        with self.powered():
            self.platter.require_power()
            inode = self.platter.names.get(self._chunk(digest))
            if inode is None or hashlib.sha256(inode.data).hexdigest() == digest:
                return None if inode is None else bytes(inode.data)
            self._rename(self._chunk(digest), ASIDE + digest)
        return None

    def has(self, digest: str) -> bool:
        return self._chunk(digest) in self.platter.names

    def spoil_chunk(self, digest: str, chance: random.Random) -> None:
        name = self._chunk(digest)
        self.platter.rot(name, chance.randrange(len(self.platter.names[name].data)), 0)
        self.spoilt.add(digest)

    def moved_aside(self) -> list[str]:
        return sorted(
            name.removeprefix(ASIDE)
            for name in self.platter.names
            if name.startswith(ASIDE) and "." not in name
        )

    def acknowledge(self, digests: Iterable[str]) -> None:
        with self.powered():
            for digest in digests:
                self._rename(ASIDE + digest, f"{ASIDE}{digest}.noted")

    def _rename(self, old: str, new: str) -> None:
        try:
            self.platter.rename(old, new)
        except DiskRefused as refused:
            raise _refused(refused.reason) from refused

    def held_chunks(self) -> dict[str, bytes]:
        names = [name for name in self.platter.names if name.startswith("/chunks/") and "." not in name]
        return {name.rpartition("/")[2]: bytes(self.platter.names[name].data) for name in names}

    def put_back(self, copy: Copy, *, chunks: bool) -> None:
        """Another disk stands in the machine: the copy's database, and its chunks or those of today."""
        kept = copy.chunks if chunks else self.held_chunks()
        files = {self._chunk(digest): data for digest, data in kept.items()}
        self.platter.power_on({"/node.db": copy.path.read_bytes(), **files})

    def _chunk(self, digest: str) -> str:
        return f"/chunks/{digest[:2]}/{digest}"

    def damaged_chunks(self) -> list[str]:
        """Chunks whose name is not their content's digest: a name that counts before its content does."""
        whole = [name for name in self.platter.names if name.startswith("/chunks/") and "." not in name]
        return [
            name
            for name in whole
            if hashlib.sha256(self.platter.names[name].data).hexdigest() != name.rpartition("/")[2]
        ]


def _refused(reason: str) -> LocalError:
    if reason == "full":
        return LocalError("store.full", zh="磁盘已满，未保存。", en="The disk is full; this was not saved.")
    return LocalError("store.failed", zh="写盘失败，未保存。", en="The disk refused; this was not saved.")
