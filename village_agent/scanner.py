"""The folder in which a scanner leaves its files: the newest first, only what can be handed in."""

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from sync.scans import MEDIA_TYPES

SHOWN_MAX = 200
LOOKED_AT_MAX = 20_000
"""Entries of the folder that are looked at; a folder with more is not one of scans."""
SETTING = "set.scan_folder"


@dataclass(frozen=True, slots=True)
class Scan:
    """``written_s`` is the file's time, in seconds since 1970."""

    path: Path
    size: int
    written_s: float


def newest_scans(folder: Path) -> list[Scan]:
    """Files of the kinds that are taken, the newest first, at most 200. Raises ``InputError`` (``scan.folder``)."""
    found: list[Scan] = []
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= LOOKED_AT_MAX:
                    raise InputError(
                        "scan.folder_full",
                        zh=f"文件夹 {folder} 里超过 {LOOKED_AT_MAX} 个文件，请另选只放扫描件的文件夹。",
                        en=f"The folder {folder} holds more than {LOOKED_AT_MAX} files; choose one for scans alone.",
                    )
                if Path(entry.name).suffix.lower() in MEDIA_TYPES and entry.is_file():
                    facts = entry.stat()
                    found.append(Scan(Path(entry.path), facts.st_size, facts.st_mtime))
    except OSError as error:
        raise InputError(
            "scan.folder",
            zh=f"读不到扫描文件夹 {folder}（{error.strerror}）。请检查扫描仪或共享是否连好，或另设文件夹。",
            en=f"The scanner's folder {folder} cannot be read ({error.strerror}). Check the scanner or the share, or set "
            "another folder.",
        ) from error
    found.sort(key=lambda scan: (-scan.written_s, scan.path.name))
    return found[:SHOWN_MAX]
