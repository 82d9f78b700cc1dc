"""Scanned files: read once, named safely, sealed into the chunk store before any message names them."""

import stat
import unicodedata
from pathlib import Path

from core.bodies import AttachmentManifest
from core.clock import World
from core.errors import InputError
from sync.attachments import FILE_BYTES_MAX, ChunkStore, seal_file

NAME_CHARS_MAX = 120

MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".pdf": "application/pdf",
    ".ofd": "application/ofd",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".txt": "text/plain",
}


def seal_scan(world: World, path: Path, store: ChunkStore) -> AttachmentManifest:
    """Seal the file at ``path``; durable when this returns, wherever the stick with it goes then.

    Raises ``InputError`` (``scan.*``, ``attachment.*``), ``LocalError`` (``store.full``).
    """
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        known = " ".join(sorted(suffix[1:] for suffix in MEDIA_TYPES))
        raise InputError(
            "scan.kind",
            zh=f"不支持这种文件（{path.suffix[:10] or '无扩展名'}），可用：{known}。",
            en=f"This kind of file ({path.suffix[:10] or 'no extension'}) is not supported; use {known}.",
        )
    sealed = seal_file(world, _read(path), store)
    return AttachmentManifest(
        sealed.id, safe_name(path.name), media_type, sealed.size, sealed.key, sealed.chunk_size, sealed.chunks
    )


def safe_name(name: str) -> str:
    """The file's name for people: printable, short, never a path."""
    plain = unicodedata.normalize("NFC", name).replace("/", "_").replace("\\", "_")
    shown = "".join(char if char.isprintable() else "_" for char in plain).strip(". ") or "scan"
    stem, dot, suffix = shown.rpartition(".")
    return shown if len(shown) <= NAME_CHARS_MAX else stem[: NAME_CHARS_MAX - len(suffix) - 1] + dot + suffix


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
