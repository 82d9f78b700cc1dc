"""A disk in memory that keeps only what was synced: lost and torn sectors, EIO, a full disk, rotten bits.

Each file has what programs read back (the page cache) and what would be there after a power cut (the durable bytes);
between them lie the writes since its last sync. A cut leaves, by the seed, any version of each unsynced sector, whole
or torn in the middle, any of the sizes the file had, and a prefix of the unsynced changes of names. Syncing a file
makes its own creation durable, as ext4 does; a rename or a deletion needs its folder synced.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

SECTOR_BYTES = 512
MOODS = ("all lost", "all kept", "by chance", "by chance", "torn")


class Operation(StrEnum):
    """What is counted, and what a power cut may hit."""

    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    SYNC_FOLDER = "sync_folder"


class DiskRefused(Exception):
    """``reason`` is ``off`` (no power), ``io`` (EIO) or ``full`` (ENOSPC)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Shared:
    """What the connections of one process share of one file: locks, and the memory beside the log."""

    __slots__ = ("levels", "mappers", "regions", "slots")

    def __init__(self) -> None:
        self.levels: dict[int, int] = {}
        self.mappers: set[int] = set()
        self.regions: list[object] = []
        self.slots: list[tuple[int | None, set[int]]] = [(None, set()) for _ in range(8)]


class Inode:
    """One file. ``pending`` are ``(offset, bytes)`` in order; bytes None: cut to offset."""

    __slots__ = ("data", "durable", "pending", "shared")

    def __init__(self, data: bytes = b"") -> None:
        self.data, self.durable = bytearray(data), bytearray(data)
        self.pending: list[tuple[int, bytes | None]] = []
        self.shared = Shared()


@dataclass(frozen=True, slots=True)
class NameChange:
    """``old`` loses its name (None: nothing did), ``new`` names ``inode`` (None: nothing does)."""

    old: str | None
    new: str | None
    inode: Inode


@dataclass(slots=True)
class Faults:
    """What goes wrong in this life. Operations and failures are counted from 1, in the order in which they come."""

    cut_at: int | None = None
    failing: Operation | None = None
    fail_at: int = 0
    """The how-manieth operation of the kind ``failing`` gives EIO."""
    fail_on: bool = False
    """Whether all that follow of that kind fail too."""
    capacity: int | None = None
    """Bytes all files together may have."""
    counts: Counter[Operation] = field(default_factory=Counter)


class Platter:
    """``image`` is what the disk holds at first; the seed decides what a power cut leaves."""

    def __init__(self, seed: str, image: Mapping[str, bytes] | None = None) -> None:
        self.random = random.Random(seed)
        self.life = 0
        self.off = False
        self.operations = 0
        self.faults = Faults()
        self.log: list[tuple[Operation, str]] | None = None
        self.names: dict[str, Inode] = {}
        self._durable_names: dict[str, Inode] = {}
        self._renamed: list[NameChange] = []
        self.used = 0
        self.power_on(image or {})

    def power_on(self, image: Mapping[str, bytes]) -> None:
        """A new life, with these files and nothing unsynced; faults and counts begin anew."""
        self.life += 1
        self.names = {name: Inode(data) for name, data in image.items()}
        self._durable_names = dict(self.names)
        self._renamed = []
        self.used = sum(map(len, image.values()))
        self.off = False
        self.begin_counting()

    def begin_counting(self) -> None:
        """What comes now is operation 1; nothing fails yet."""
        self.operations, self.faults = 0, Faults()

    def cut_power(self) -> None:
        """From here on every access fails, until the disk is powered on again."""
        self.off = True

    def survivors(self) -> dict[str, bytes]:
        """What the platter holds after a power cut now; each call draws anew."""
        names = dict(self._durable_names)
        for change in self._renamed[: self.random.randint(0, len(self._renamed))]:
            _rename(names, change)
        return {name: self._survivor(inode) for name, inode in sorted(names.items())}

    def image(self) -> dict[str, bytes]:
        """What programs read, as if everything were synced."""
        return {name: bytes(inode.data) for name, inode in sorted(self.names.items())}

    def kill_program(self) -> None:
        """``kill -9``: handles, locks and shared memory are gone; what was written is still read back, synced or not."""
        self.life += 1
        for inode in {id(i): i for i in (*self.names.values(), *self._durable_names.values())}.values():
            inode.shared = Shared()
        self.begin_counting()

    def reborn(self) -> None:
        """The power went and came again."""
        self.power_on(self.survivors())

    def open(self, name: str, *, create: bool) -> Inode:
        """Raises ``FileNotFoundError``, ``DiskRefused``."""
        self.require_power()
        found = self.names.get(name)
        if found is None:
            if not create:
                raise FileNotFoundError(name)
            found = Inode()
            self._rename(Operation.CREATE, NameChange(None, name, found))
        return found

    def write(self, inode: Inode, offset: int, data: bytes) -> None:
        self.require_power()
        grown = offset + len(data) - len(inode.data)
        capacity = self.faults.capacity
        if grown > 0 and capacity is not None and self.used + grown > capacity:
            raise DiskRefused("full")
        last = self._begin(Operation.WRITE, inode)
        if grown > 0:
            self.used += grown
            if offset > len(inode.data):
                inode.data.extend(bytes(offset - len(inode.data)))
        inode.data[offset : offset + len(data)] = data
        inode.pending.append((offset, data))
        self._end(last)

    def truncate(self, inode: Inode, size: int) -> None:
        self.require_power()
        last = self._begin(Operation.TRUNCATE, inode)
        self.used += size - len(inode.data)
        _resize(inode.data, size)
        inode.pending.append((size, None))
        self._end(last)

    def sync(self, inode: Inode) -> None:
        """All that was written to the file is durable when this returns, and that it exists."""
        self.require_power()
        self._end(self._begin(Operation.SYNC, inode))
        created = {c.new for c in self._renamed if c.inode is inode and c.old is None}
        self._settle(lambda change: bool({change.old, change.new} & created - {None}))
        for offset, data in inode.pending:
            _apply(inode.durable, offset, data)
        inode.pending.clear()

    def delete(self, name: str) -> None:
        """Raises ``FileNotFoundError``."""
        self.require_power()
        if name not in self.names:
            raise FileNotFoundError(name)
        self.used -= len(self.names[name].data)
        self._rename(Operation.DELETE, NameChange(name, None, self.names[name]))

    def rename(self, old: str, new: str) -> None:
        """Atomic, and durable once the folder is synced. Raises ``FileNotFoundError``."""
        self.require_power()
        if old not in self.names:
            raise FileNotFoundError(old)
        if new in self.names:
            self.used -= len(self.names[new].data)
        self._rename(Operation.RENAME, NameChange(old, new, self.names[old]))

    def sync_folder(self, folder: str) -> None:
        """Every change of a name in ``folder`` is durable when this returns."""
        self.require_power()
        self._end(self._begin(Operation.SYNC_FOLDER, None))
        self._settle(lambda change: str(PurePosixPath(change.new or change.old or "/").parent) == folder)

    def rot(self, name: str, offset: int, bit: int) -> None:
        """Turn one durable bit."""
        inode = self.names[name]
        for held in (inode.data, inode.durable):
            held[offset] ^= 1 << bit

    def unsynced(self) -> int:
        """Writes and changes of names that a power cut may take."""
        return len(self._renamed) + sum(len(inode.pending) for inode in self.names.values())

    def require_power(self) -> None:
        if self.off:
            raise DiskRefused("off")

    def _settle(self, durable: Callable[[NameChange], bool]) -> None:
        """Let some changes of names be durable, in their order: one name's history is never turned round."""
        for change in filter(durable, self._renamed):
            _rename(self._durable_names, change)
        self._renamed = [change for change in self._renamed if not durable(change)]

    def _rename(self, kind: Operation, change: NameChange) -> None:
        last = self._begin(kind, change.inode, change.new or change.old or "")
        _rename(self.names, change)
        self._renamed.append(change)
        self._end(last)

    def _begin(self, kind: Operation, inode: Inode | None, name: str = "") -> bool:
        """Count an operation; true if the power goes while it is under way."""
        faults = self.faults
        self.operations += 1
        faults.counts[kind] += 1
        if self.log is not None:
            self.log.append((kind, name or next((n for n, i in self.names.items() if i is inode), "")))
        if kind is faults.failing:
            nth = faults.counts[kind]
            if nth == faults.fail_at or (faults.fail_on and nth > faults.fail_at):
                if kind is Operation.SYNC and inode is not None:
                    self._forget(inode)
                raise DiskRefused("io")
        return self.operations == faults.cut_at

    def _end(self, last: bool) -> None:
        if last:
            self.cut_power()
            raise DiskRefused("off")

    def _forget(self, inode: Inode) -> None:
        """A failed sync: some sectors made it, and Linux calls them all clean, so that no later sync writes the rest."""
        inode.durable = bytearray(self._survivor(inode))
        inode.pending.clear()

    def _survivor(self, inode: Inode) -> bytes:
        if not inode.pending:
            return bytes(inode.durable)
        versions, sizes = _history(inode)
        mood = self.random.choice(MOODS)
        size = {"all lost": sizes[0], "all kept": sizes[-1]}.get(mood)
        left = bytearray(inode.durable)
        _resize(left, max(sizes))
        for sector in sorted(versions):
            left[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES] = self._fate(versions[sector], mood)
        _resize(left, self.random.choice(sizes) if size is None else size)
        return bytes(left)

    def _fate(self, versions: list[bytes], mood: str) -> bytes:
        if mood == "all lost":
            return versions[0]
        if mood == "all kept":
            return versions[-1]
        at = self.random.randrange(len(versions))
        if at and (mood == "torn" or self.random.random() < 0.2):
            half = self.random.randrange(1, SECTOR_BYTES)
            return versions[at][:half] + versions[at - 1][half:]
        return versions[at]


def _history(inode: Inode) -> tuple[dict[int, list[bytes]], list[int]]:
    """Every content each touched sector had since the last sync, and every size of the file."""
    now = bytearray(inode.durable)
    sizes = [len(now)]
    versions: dict[int, list[bytes]] = {}
    for offset, data in inode.pending:
        touched = _sectors(offset, len(data) if data is not None else max(0, len(now) - offset))
        for sector in touched:
            versions.setdefault(sector, [_sector(now, sector)])
        _apply(now, offset, data)
        sizes.append(len(now))
        for sector in touched:
            versions[sector].append(_sector(now, sector))
    return versions, sizes


def _sectors(offset: int, length: int) -> range:
    return range(offset // SECTOR_BYTES, (offset + length + SECTOR_BYTES - 1) // SECTOR_BYTES)


def _sector(data: bytearray, number: int) -> bytes:
    return bytes(data[number * SECTOR_BYTES : (number + 1) * SECTOR_BYTES]).ljust(SECTOR_BYTES, b"\0")


def _apply(target: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        _resize(target, offset)
        return
    if offset > len(target):
        _resize(target, offset)
    target[offset : offset + len(data)] = data


def _resize(target: bytearray, size: int) -> None:
    if size <= len(target):
        del target[size:]
    else:
        target.extend(bytes(size - len(target)))


def _rename(names: dict[str, Inode], change: NameChange) -> None:
    if change.old is not None:
        names.pop(change.old, None)
    if change.new is not None:
        names[change.new] = change.inode


def bits_of(data: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    """``(offset, bit)`` of every bit of every place where ``needle`` lies in ``data``."""
    at = data.find(needle)
    while at >= 0:
        for offset in range(at, at + len(needle)):
            yield from ((offset, bit) for bit in range(8))
        at = data.find(needle, at + 1)
