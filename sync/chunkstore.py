"""Chunks as files: written once under their digest, synced before they count."""

import os
from pathlib import Path

from core.errors import LocalError


class FileChunkStore:
    """Chunks under ``root/ab/abcdef…``; a name is made here from a checked digest, never taken from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, digest: str, data: bytes) -> None:
        """Durable when this returns; idempotent. Raises ``LocalError`` (``store.full``, ``store.failed``)."""
        target = self._path(digest)
        if target.exists():
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(f".{os.getpid()}.part")
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise LocalError(
                "store.full" if error.errno == 28 else "store.failed",
                zh=f"附件写盘失败（{error.strerror}），未保存。请清理或检查磁盘后再试。",
                en=f"A file could not be written ({error.strerror}); it was not saved. Free or check the disk.",
            ) from error

    def get(self, digest: str) -> bytes | None:
        """The chunk, or None if it is not here."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            return None

    def _path(self, digest: str) -> Path:
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError("not a digest")
        return self._root / digest[:2] / digest


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
