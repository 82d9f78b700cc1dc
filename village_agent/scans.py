"""Scanned files at a path: read once, whole, and sealed; wherever the stick with them goes then."""

import stat
from pathlib import Path

from core.bodies import AttachmentManifest
from core.clock import World
from core.errors import InputError
from sync import scans
from sync.attachments import FILE_BYTES_MAX, ChunkStore, Told


def seal_scan(
    world: World, path: Path, store: ChunkStore, told: Told = lambda done, total: None
) -> AttachmentManifest:
    """Seal the file at ``path``; durable when this returns.

    Raises ``InputError`` (``scan.*``, ``attachment.*``), ``LocalError`` (``store.full``).
    """
    scans.media_type_of(path.name)
    return AttachmentManifest(**scans.seal_scan(world, path.name, _read(path), store, told))


def _read(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise InputError(
                "scan.not_a_file",
                zh=f"“{path.name}”不是文件，请给出扫描件的完整路径。",
                en=f"{path.name!r} is not a file; please give the full path of the scan.",
            )
        # Read no more than could ever be taken; seal_file says in words what is too large.
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(
            "scan.unreadable",
            zh=f"读不到文件“{path}”（{error.strerror}），请检查路径，或重新插入 U 盘。",
            en=f"The file {str(path)!r} cannot be read ({error.strerror}); check the path or plug the stick "
            "in again.",
        ) from error
