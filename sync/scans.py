"""Scanned files: of a kind that every office can open, named safely, sealed before any message names them."""

import unicodedata
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from core.clock import World
from core.errors import InputError
from sync.attachments import ChunkStore, Told, seal_file

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


def media_type_of(name: str) -> str:
    """By the ending of the name. Raises ``InputError`` (``scan.kind``)."""
    suffix = PurePath(name).suffix
    media_type = MEDIA_TYPES.get(suffix.lower())
    if media_type is None:
        known = " ".join(sorted(suffix[1:] for suffix in MEDIA_TYPES))
        raise InputError(
            "scan.kind",
            zh=f"不支持这种文件（{suffix[:10] or '无扩展名'}），可用：{known}。",
            en=f"This kind of file ({suffix[:10] or 'no extension'}) is not supported; use {known}.",
        )
    return media_type


def seal_scan(
    world: World, name: str, data: bytes, store: ChunkStore, told: Told = lambda done, total: None
) -> dict[str, Any]:
    """Seal a file that was read whole, durable when this returns: the fields of the manifest that a case names it by.

    Raises ``InputError`` (``scan.kind``, ``attachment.*``), ``LocalError`` (``store.full``).
    """
    media_type = media_type_of(name)
    sealed = seal_file(world, data, store, told)
    return {"name": safe_name(name), "media_type": media_type, **asdict(sealed)}


def safe_name(name: str) -> str:
    """The file's name for people: printable, short, never a path."""
    plain = unicodedata.normalize("NFC", name).replace("/", "_").replace("\\", "_")
    shown = "".join(char if char.isprintable() else "_" for char in plain).strip(". ") or "scan"
    stem, dot, suffix = shown.rpartition(".")
    return shown if len(shown) <= NAME_CHARS_MAX else stem[: NAME_CHARS_MAX - len(suffix) - 1] + dot + suffix
