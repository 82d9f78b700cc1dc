"""A name that must outlive a power cut: a file's name is durable only when its folder is."""

import os
from pathlib import Path


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
