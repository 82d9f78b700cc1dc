"""Chunks as files: written once under their digest, synced before they count, read back only if they still have it."""

import errno
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from core.errors import LocalError
from core.store.durable import put_in_place, sync_folder

DAMAGED = "damaged"
log = logging.getLogger(__name__)


class FileChunkStore:
    """Chunks under ``root/ab/abcdef…``; a name is made here from a checked digest, never taken from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, digest: str, data: bytes) -> None:
        """Durable when this returns; idempotent. Raises ``LocalError`` (``store.full``, ``store.failed``)."""
        target = self._path(digest)
        if target.exists() and self.get(digest) is not None:
            return
        try:
            if not target.parent.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(self._root)
            _write_synced(target, data)
            sync_folder(target.parent)
        except OSError as error:
            raise LocalError(
                "store.full" if error.errno == errno.ENOSPC else "store.failed",
                zh=f"附件写盘失败（{error.strerror}），未保存。请清理或检查磁盘后再试。",
                en=f"A file could not be written ({error.strerror}); it was not saved. Free or check the disk.",
            ) from error

    def get(self, digest: str) -> bytes | None:
        """The chunk, or None if it is not here. Raises ``LocalError`` (``store.failed``).

        One whose content has rotted is moved aside into ``damaged`` and is not here any more.
        """
        path = self._path(digest)
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == digest:
                return data
            self._move_aside(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalError(
                "store.failed",
                zh=f"附件读盘失败（{error.strerror}）。请检查本机（doctor，村级终端按 F10）和磁盘。",
                en=f"A file could not be read ({error.strerror}). Run doctor (F10 in the village's terminal) and check the disk.",
            ) from error
        return None

    def moved_aside(self) -> list[str]:
        """Digests of chunks that were found rotted and not acknowledged yet, in order."""
        return sorted(path.name for path in (self._root / DAMAGED).glob("*") if len(path.name) == 64)

    def acknowledge(self, digests: Iterable[str]) -> None:
        """The register of damage names these now; what is left of them stays in ``damaged``, for whoever looks."""
        for digest in digests:
            path = self._root / DAMAGED / self._path(digest).name
            path.replace(path.with_suffix(".noted"))

    def names(self, part: str) -> list[str]:
        """Digests of the chunks here that begin with ``part``, two hexadecimal digits; in order."""
        return sorted(path.name for path in (self._root / part).glob(part + "*") if len(path.name) == 64)

    def _move_aside(self, path: Path) -> None:
        log.error("a chunk of a file has rotted on the disk: %s", path.name)
        (self._root / DAMAGED).mkdir(exist_ok=True)
        put_in_place(path, self._root / DAMAGED / path.name)

    def has(self, digest: str) -> bool:
        """Whether the chunk is here."""
        return self._path(digest).exists()

    def _path(self, digest: str) -> Path:
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError("not a digest")
        return self._root / digest[:2] / digest


def _write_synced(target: Path, data: bytes) -> None:
    # A name of its own each time: two threads may bring the same chunk.
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
