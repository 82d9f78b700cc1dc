"""The stick as a medium: what lies on it is read within bounds, what is written is read back before it counts.

Only regular files directly in the folder ``LIANDONG`` are opened; links, devices and sub-folders are not followed.
"""

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, LocalError
from core.store.durable import put_in_place, sync_folder, take_away
from sync.stick_layout import (
    ENTRIES_MAX,
    FILE_BYTES_MAX,
    FOLDER,
    LABEL_CHARS_MAX,
    PART_SUFFIX,
    PEEK_BYTES,
    inert,
)

CARRIER = "usb"
UNREADABLE = "stick.unreadable"
PIECE_BYTES = 1024 * 1024
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_WRITE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
Written = Callable[[int], None]
"""Told how many bytes of the file are written and how many read back, together."""


class StickError(LocalError):
    """The stick could not be read or written; what this machine holds is whole and still waits."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file on the stick. ``name`` comes from the stick: use it to open, show only ``inert(name)``."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """``skipped`` are names that are no regular files; ``more`` says that the folder holds over ``ENTRIES_MAX``."""

    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()
    more: bool = False


class Stick:
    """The folder ``LIANDONG`` of one plugged-in stick, or of any folder that stands for one."""

    def __init__(self, root: Path) -> None:
        """``root``: where the stick is mounted, or its folder ``LIANDONG`` itself.

        Raises ``InputError`` (``stick.no_folder``) if there is no such folder.
        """
        try:
            there = root.is_dir()
        except OSError as error:
            raise _reading(error) from error
        if not there:
            raise InputError(
                "stick.no_folder",
                zh=f"找不到文件夹“{root}”。请插好U盘，等系统打开它，再给出它的路径。",
                en=f"There is no folder {str(root)!r}. Plug the stick in, wait until it is mounted, and give its path.",
            )
        self.root = root.parent if root.name == FOLDER else root
        self.folder = self.root / FOLDER

    @property
    def label(self) -> str:
        """What people call it: the name of the folder where it is mounted, or the letter of its drive."""
        place = self.root.resolve()
        return inert(place.name or place.drive, LABEL_CHARS_MAX)

    def is_on_disk_of(self, path: Path | None) -> bool:
        """Whether it lies on the same disk as ``path``: then nobody carries it anywhere."""
        try:
            return path is not None and self.root.stat().st_dev == path.stat().st_dev
        except OSError as error:
            raise _reading(error) from error

    def listing(self) -> Listing:
        """The files in the folder by name, unopened; nothing if there is no such folder. Raises ``StickError``."""
        entries: list[Entry] = []
        skipped: list[str] = []
        try:
            if not self._has_folder():
                return Listing(())
            with os.scandir(self.folder) as found:
                for count, item in enumerate(found):
                    if count == ENTRIES_MAX:
                        return Listing(_sorted(entries), tuple(sorted(skipped)), more=True)
                    facts = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        entries.append(Entry(item.name, facts.st_size))
                    else:
                        skipped.append(item.name)
        except OSError as error:
            raise _reading(error) from error
        return Listing(_sorted(entries), tuple(sorted(skipped)))

    def head(self, entry: Entry) -> bytes:
        """The first ``PEEK_BYTES`` of a file. Raises ``StickError``."""
        return self._read(entry.name, PEEK_BYTES)

    def read(self, entry: Entry) -> bytes:
        """The whole file, of which the caller has checked the size; never more than a byte beyond the bound.

        Raises ``StickError`` (``stick.gone``, ``stick.failing``, ``stick.unreadable``).
        """
        return self._read(entry.name, FILE_BYTES_MAX + 1)

    def write(self, name: str, data: bytes, told: Written = lambda count: None, *, mark: str = "0") -> None:
        """Write ``data``, sync, rename, and read it back from the medium; it is there, whole, when this returns.

        ``mark`` makes the temporary name one of a kind. Raises ``StickError`` (``stick.full``,
        ``stick.read_only``, ``stick.gone``, ``stick.failing``, ``stick.bad_copy``); then nothing of it is left, unless the
        stick itself is gone.
        """
        target, partial = self.folder / name, self.folder / f"{name}.{mark}{PART_SUFFIX}"
        try:
            self._make_folder()
            try:
                _write_synced(partial, data, told)
                put_in_place(partial, target)
                _sync_folder(self.folder)
                whole = _digest(target, len(data), lambda count: told(len(data) + count))
            except BaseException:
                for unconfirmed in (partial, target):
                    unconfirmed.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _writing(error) from error
        if whole != hashlib.sha256(data).digest():
            self.remove(name)
            raise StickError(
                "stick.bad_copy",
                zh="写入后重新读出的内容不一致，这个U盘不可靠，已删去写坏的文件。请换一个U盘再导出；本机数据完好。",
                en="What was read back differs from what was written: the stick is unreliable, and the bad file was "
                "removed. Export again to another stick; the data here are whole.",
            )

    def remove(self, name: str) -> None:
        """Take a file off the stick. Raises ``StickError``."""
        try:
            with suppress(FileNotFoundError):
                take_away(self.folder / name)
            _sync_folder(self.folder)
        except OSError as error:
            raise _writing(error) from error

    def _has_folder(self) -> bool:
        try:
            facts = self.folder.lstat()
        except FileNotFoundError:
            if not self.root.is_dir():
                raise
            return False
        if not stat.S_ISDIR(facts.st_mode):
            raise StickError(
                "stick.not_a_folder",
                zh=f"U盘上的“{FOLDER}”不是文件夹（可能是链接），未读写。请把它改名后再试。",
                en=f"{FOLDER!r} on the stick is not a folder (perhaps a link); nothing was read or written. Rename it "
                "and try again.",
            )
        return True

    def _make_folder(self) -> None:
        if not self._has_folder():
            self.folder.mkdir()
            _sync_folder(self.root)

    def _read(self, name: str, count: int) -> bytes:
        try:
            handle = os.open(self.folder / name, _READ_FLAGS)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise FileNotFoundError(errno.ENOENT, "not a regular file")
                return file.read(count)
        except OSError as error:
            raise _reading(error) from error


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _write_synced(path: Path, data: bytes, told: Written) -> None:
    handle = os.open(path, _WRITE_FLAGS, 0o644)
    try:
        at = 0
        while at < len(data):
            at += os.write(handle, data[at : at + PIECE_BYTES])
            told(at)
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path, size: int, told: Written) -> bytes:
    """SHA-256 of what the medium gives back, read past the page cache where the system lets us drop it."""
    handle = os.open(path, _READ_FLAGS)
    with os.fdopen(handle, "rb", buffering=0) as file:
        if sys.platform != "win32" and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        digest, at = hashlib.sha256(), 0
        while at <= size and (piece := file.read(PIECE_BYTES)):
            digest.update(piece)
            at += len(piece)
            told(at)
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    try:
        sync_folder(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
        # Some file systems of sticks cannot sync a folder alone; Windows never comes here.
        if sys.platform != "win32":
            os.sync()


_OF_WINDOWS = {
    **dict.fromkeys((2, 3, 15, 21, 55, 433, 1006, 1112, 1167, 1617), errno.ENODEV),
    **dict.fromkeys((23, 27, 29, 30, 31, 1110, 1117, 1392, 1393), errno.EIO),
    19: errno.EROFS,
    39: errno.ENOSPC,
    112: errno.ENOSPC,
}
"""What Windows tells of a medium, by its own numbers: C knows most of them as EACCES or EINVAL alone."""
_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ENOTDIR)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def _kind(error: OSError) -> int | None:
    return _OF_WINDOWS.get(getattr(error, "winerror", None) or 0, error.errno)


def _reading(error: OSError) -> StickError:
    kind = _kind(error)
    if kind in _GONE:
        return _gone()
    if kind in _CLOSED or kind == errno.ELOOP:
        return StickError(
            UNREADABLE,
            zh=f"没有权限读取U盘上的文件（{error.strerror}）。请检查U盘的挂载权限。",
            en=f"There is no permission to read the stick ({error.strerror}). Check how it is mounted.",
        )
    return _failing(error)


def _writing(error: OSError) -> StickError:
    kind = _kind(error)
    if kind in _FULL:
        return StickError(
            "stick.full",
            zh="U盘空间不够。请删去U盘上别的文件，或换一个U盘再导出；本机数据完好，仍在等待。",
            en="The stick is full. Free some space on it or use another one and export again; the data here are "
            "whole and still wait.",
        )
    if kind in _CLOSED:
        return StickError(
            "stick.read_only",
            zh="U盘是只读的，写不进去。请打开写保护开关，或换一个U盘；本机数据完好，仍在等待。",
            en="The stick cannot be written (read-only). Move its write-protect switch or use another one; the data "
            "here are whole and still wait.",
        )
    return _gone() if kind in _GONE else _failing(error)


def _gone() -> StickError:
    return StickError(
        "stick.gone",
        zh="U盘不见了（可能被拔出）。请重新插好再做一次；本机数据完好，仍在等待。",
        en="The stick is gone (perhaps pulled out). Plug it in and do it again; the data here are whole and still wait.",
    )


def _failing(error: OSError) -> StickError:
    return StickError(
        "stick.failing",
        zh=f"U盘读写出错（{error.strerror}），可能被拔出或已损坏。请重插或换一个U盘再做一次；本机数据完好。",
        en=f"The stick failed ({error.strerror}): pulled out, or broken. Plug it in again or use another one; the data "
        "here are whole.",
    )
