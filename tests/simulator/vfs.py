"""An SQLite VFS in Python: the production driver's own SQLite on a :class:`tests.simulator.platter.Platter`.

The driver's shared object exports ``sqlite3_vfs_register``, so one VFS named ``platter`` is registered in the very
SQLite that production uses; :func:`mount` says under which folder a platter is found. Simulated: the write-ahead log
with its shared memory (process memory: the connections of one process work together), every lock they need
of each other, unsynced writes lost, torn or kept, EIO, a full disk, rotten bits. Not simulated: other processes,
memory-mapped I/O, faults when reading (but for a disk without power).

A callback never raises through ctypes: what a defect of this file raises is kept in ``DEFECTS`` and given to SQLite
as an I/O error; :func:`require_no_defects` tells of it.
"""

import ctypes
import itertools
import threading
import time
import weakref
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

import sqlcipher3._sqlite3 as driver_object

from tests.simulator.platter import DiskRefused, Inode, Platter

NAME = "platter"
OK, BUSY, FULL, CANTOPEN, NOTFOUND = 0, 5, 13, 14, 12
IOERR, SHORT_READ, DELETE_NOENT = 10, 522, 5898
OPEN_CREATE, OPEN_DELETE_ON_CLOSE = 0x4, 0x8
SHARED, RESERVED, PENDING, EXCLUSIVE = 1, 2, 3, 4
SHM_UNLOCK, SHM_SHARED = 1, 4
POWERSAFE_OVERWRITE = 0x1000
"""As the VFS for Unix says: a torn sector is part old and part new, never garbage."""
PAGE_BYTES = 4096
PATH_BYTES_MAX = 512
JULIAN_MS = 212_000_000_000_000
PRNG_SEED = 28

DEFECTS: list[BaseException] = []
_MOUNTS: "weakref.WeakValueDictionary[str, Platter]" = weakref.WeakValueDictionary()
_NUMBERS = itertools.count(1)
_LOCK = threading.RLock()


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("path_bytes_max", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        *((f"f{number}", c_void_p) for number in range(16)),
    )


class _Methods(ctypes.Structure):
    _fields_ = (("version", c_int), *((f"f{number}", c_void_p) for number in range(18)))


class _File:
    """One open handle. ``inode`` lives on ``platter``; a temporary file has a name of nobody."""

    __slots__ = ("inode", "key", "life", "name", "platter", "removed_on_close", "shared")

    def __init__(self, platter: Platter, name: str, inode: Inode, key: int, removed_on_close: bool) -> None:
        self.platter, self.name, self.inode, self.key = platter, name, inode, key
        self.removed_on_close = removed_on_close
        self.life, self.shared = platter.life, inode.shared

    def require_life(self) -> None:
        """Raises ``DiskRefused``: without power, and to a program that was killed, nothing answers."""
        if self.platter.off or self.life != self.platter.life:
            raise DiskRefused("off")


_FILES: dict[int, _File] = {}
"""Open handles by the address of SQLite's own structure."""
_KEPT: list[Any] = []
"""Whatever C holds a pointer to."""


def _keep(held: Any) -> Any:
    """Keep ``held`` for ever: connections may be closed when the interpreter is being taken down."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
    _KEPT.append(held)
    return held


def mount(platter: Platter) -> Path:
    """The folder under which SQLite finds ``platter`` for as long as that lives."""
    _install()
    name = f"{NAME}-{next(_NUMBERS)}"
    _MOUNTS[name] = platter
    return Path("/") / name


def located(path: str) -> tuple[Platter, str]:
    """The platter on which a path lies, and the file's name there."""
    _, name, rest = path.split("/", 2)
    return _MOUNTS[name], f"/{rest}"


def seed_sqlite(seed: int) -> None:
    """Let SQLite's own source of chance (salts of the log) follow from ``seed``, 1 to 2**31 - 1."""
    control = _library().sqlite3_test_control
    control.argtypes, control.restype = [c_int, c_int, c_void_p], c_int
    control(PRNG_SEED, seed, None)


def require_no_defects() -> None:
    """Raises the first error that a callback met by a fault of its own."""
    if DEFECTS:
        raise AssertionError(f"the simulated disk itself failed: {DEFECTS[0]!r}") from DEFECTS[0]


def _library() -> ctypes.CDLL:
    # The same file is the same loaded instance, with the driver's own global state.
    return ctypes.CDLL(driver_object.__file__)


def _guard(function: Callable[..., int]) -> Callable[..., int]:
    def guarded(*arguments: Any) -> int:
        try:
            return function(*arguments)
        except DiskRefused as refused:
            return FULL if refused.reason == "full" else IOERR
        except BaseException as error:  # noqa: BLE001 - C must not see it; a test will
            DEFECTS.append(error)
            return IOERR

    return guarded


def _open(_: int, name: bytes | None, address: int, flags: int, out_flags: int | None) -> int:
    c_void_p.from_address(address).value = None
    key = address
    if name is None:
        nobody = Platter("temporary")
        _FILES[address] = _File(nobody, "", nobody.open("/temporary", create=True), key, False)
    else:
        platter, path = located(name.decode())
        try:
            inode = platter.open(path, create=bool(flags & OPEN_CREATE))
        except FileNotFoundError:
            return CANTOPEN
        _FILES[address] = _File(platter, path, inode, key, bool(flags & OPEN_DELETE_ON_CLOSE))
    if out_flags:
        c_int.from_address(out_flags).value = flags
    c_void_p.from_address(address).value = ctypes.addressof(_METHODS)
    return OK


def _close(address: int) -> int:
    file = _FILES.pop(address)
    with _LOCK:
        file.shared.levels.pop(file.key, None)
        _leave_memory(file)
    if file.removed_on_close and file.life == file.platter.life and not file.platter.off:
        file.platter.delete(file.name)
    return OK


def _read(address: int, buffer: int, count: int, offset: int) -> int:
    file = _FILES[address]
    file.require_life()
    data = bytes(file.inode.data[offset : offset + count])
    ctypes.memmove(buffer, data, len(data))
    if len(data) < count:
        ctypes.memset(buffer + len(data), 0, count - len(data))
        return SHORT_READ
    return OK


def _write(address: int, buffer: int, count: int, offset: int) -> int:
    file = _FILES[address]
    file.require_life()
    file.platter.write(file.inode, offset, ctypes.string_at(buffer, count))
    return OK


def _truncate(address: int, size: int) -> int:
    file = _FILES[address]
    file.require_life()
    file.platter.truncate(file.inode, size)
    return OK


def _sync(address: int, flags: int) -> int:
    file = _FILES[address]
    file.require_life()
    file.platter.sync(file.inode)
    return OK


def _file_size(address: int, out: int) -> int:
    file = _FILES[address]
    file.require_life()
    c_int64.from_address(out).value = len(file.inode.data)
    return OK


def _lock(address: int, level: int) -> int:
    file = _FILES[address]
    file.require_life()
    with _LOCK:
        levels = file.shared.levels
        mine = levels.get(file.key, 0)
        if mine >= level:
            return OK
        others = max((held for key, held in levels.items() if key != file.key), default=0)
        if level == SHARED and others >= PENDING:
            return BUSY
        if level >= RESERVED and others >= RESERVED:
            return BUSY
        if level == EXCLUSIVE and others >= SHARED:
            levels[file.key] = PENDING
            return BUSY
        levels[file.key] = level
        return OK


def _unlock(address: int, level: int) -> int:
    file = _FILES[address]
    with _LOCK:
        levels = file.shared.levels
        if level == 0:
            levels.pop(file.key, None)
        elif levels.get(file.key, 0) > level:
            levels[file.key] = level
    return OK


def _check_reserved(address: int, out: int) -> int:
    file = _FILES[address]
    with _LOCK:
        held = any(level >= RESERVED for level in file.shared.levels.values())
    c_int.from_address(out).value = int(held)
    return OK


def _shm_map(address: int, number: int, count: int, extend: int, out: int) -> int:
    file = _FILES[address]
    file.require_life()
    with _LOCK:
        shared = file.shared
        shared.mappers.add(file.key)
        if number >= len(shared.regions) and not extend:
            c_void_p.from_address(out).value = None
            return OK
        while len(shared.regions) <= number:
            shared.regions.append(ctypes.create_string_buffer(count))
        c_void_p.from_address(out).value = ctypes.addressof(shared.regions[number])  # type: ignore[arg-type]
    return OK


def _shm_lock(address: int, first: int, count: int, flags: int) -> int:
    file = _FILES[address]
    key = file.key
    with _LOCK:
        slots = file.shared.slots
        wanted = range(first, first + count)
        if flags & SHM_UNLOCK:
            for number in wanted:
                owner, readers = slots[number]
                readers.discard(key)
                slots[number] = (None if owner == key else owner, readers)
            return OK
        file.require_life()
        for number in wanted:
            owner, readers = slots[number]
            if owner not in (None, key) or (not flags & SHM_SHARED and readers - {key}):
                return BUSY
        for number in wanted:
            owner, readers = slots[number]
            if flags & SHM_SHARED:
                readers.add(key)
            else:
                slots[number] = (key, readers)
    return OK


def _shm_barrier(address: int) -> None:
    return None


def _shm_unmap(address: int, delete: int) -> int:
    with _LOCK:
        _leave_memory(_FILES[address])
    return OK


def _leave_memory(file: _File) -> None:
    shared = file.shared
    if file.key not in shared.mappers:
        return
    shared.mappers.discard(file.key)
    for number, (owner, readers) in enumerate(shared.slots):
        readers.discard(file.key)
        shared.slots[number] = (None if owner == file.key else owner, readers)
    if not shared.mappers:
        shared.regions.clear()


def _delete(_: int, name: bytes, sync_folder: int) -> int:
    platter, path = located(name.decode())
    try:
        platter.delete(path)
    except FileNotFoundError:
        return DELETE_NOENT
    if sync_folder:
        platter.sync_folder(path.rpartition("/")[0] or "/")
    return OK


def _access(_: int, name: bytes, flags: int, out: int) -> int:
    platter, path = located(name.decode())
    platter.require_power()
    c_int.from_address(out).value = int(path in platter.names)
    return OK


def _full_path(_: int, name: bytes, count: int, out: int) -> int:
    if len(name) >= count:
        return CANTOPEN
    ctypes.memmove(out, name + b"\0", len(name) + 1)
    return OK


def _randomness(_: int, count: int, out: int) -> int:
    # SQLite asks its default VFS; this one answers for whoever asks by name.
    ctypes.memset(out, 7, count)
    return count


def _sleep(_: int, microseconds: int) -> int:
    # Only another thread of this process can hold what is waited for: it needs the processor.
    time.sleep(microseconds / 1e6)
    return microseconds


def _current_time(_: int, out: int) -> int:
    c_int64.from_address(out).value = JULIAN_MS
    return OK


_METHOD_TABLE = (
    (_close, (c_void_p,)),
    (_read, (c_void_p, c_void_p, c_int, c_int64)),
    (_write, (c_void_p, c_void_p, c_int, c_int64)),
    (_truncate, (c_void_p, c_int64)),
    (_sync, (c_void_p, c_int)),
    (_file_size, (c_void_p, c_void_p)),
    (_lock, (c_void_p, c_int)),
    (_unlock, (c_void_p, c_int)),
    (_check_reserved, (c_void_p, c_void_p)),
    (lambda address, op, argument: NOTFOUND, (c_void_p, c_int, c_void_p)),
    (lambda address: PAGE_BYTES, (c_void_p,)),
    (lambda address: POWERSAFE_OVERWRITE, (c_void_p,)),
    (_shm_map, (c_void_p, c_int, c_int, c_int, c_void_p)),
    (_shm_lock, (c_void_p, c_int, c_int, c_int)),
    (_shm_barrier, (c_void_p,)),
    (_shm_unmap, (c_void_p, c_int)),
)
_VFS_TABLE = {
    0: (_open, (c_void_p, c_char_p, c_void_p, c_int, c_void_p)),
    1: (_delete, (c_void_p, c_char_p, c_int)),
    2: (_access, (c_void_p, c_char_p, c_int, c_void_p)),
    3: (_full_path, (c_void_p, c_char_p, c_int, c_void_p)),
    8: (_randomness, (c_void_p, c_int, c_void_p)),
    9: (_sleep, (c_void_p, c_int)),
    12: (_current_time, (c_void_p, c_void_p)),
}


def _pointer(function: Callable[..., Any], types: tuple[Any, ...]) -> int:
    kept = _keep(CFUNCTYPE(None if function is _shm_barrier else c_int, *types)(_guard(function)))
    return int(ctypes.cast(kept, c_void_p).value or 0)


_METHODS = _keep(_Methods(2, *(_pointer(function, types) for function, types in _METHOD_TABLE)))


def _install() -> None:
    """Register the VFS once a process; it stays, for SQLite may ask for it at any time."""
    library = _library()
    library.sqlite3_vfs_find.argtypes, library.sqlite3_vfs_find.restype = [c_char_p], c_void_p
    if library.sqlite3_vfs_find(NAME.encode()):
        return
    vfs = _Vfs(2, 16, PATH_BYTES_MAX, None, NAME.encode(), None)
    for number, (function, types) in _VFS_TABLE.items():
        setattr(vfs, f"f{number}", _pointer(function, types))
    _keep(vfs)
    library.sqlite3_vfs_register.argtypes, library.sqlite3_vfs_register.restype = [c_void_p, c_int], c_int
    if library.sqlite3_vfs_register(ctypes.addressof(vfs), 0) != OK:
        raise RuntimeError("SQLite did not take the simulated disk")
