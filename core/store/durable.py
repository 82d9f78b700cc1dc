"""A name that must outlive a power cut: a file's name is durable only when its folder is."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o666) -> None:
    """Put ``text`` in place of the file at ``path``, whole or not at all; durable when this returns.

    ``mode`` as the system's mask leaves it. Raises ``OSError`` as the system does.
    """
    partial = path.with_name(f"{path.name}.part")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Raises ``OSError`` as the system does."""
    if os.name == "nt":
        # Windows has no handle on a folder; NTFS journals the entry with the file.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
