"""A name that must outlive a power cut: a file's name is durable only when its folder is."""

import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_TRIES, PATIENCE_S = 40, 0.05
"""How often, and seconds apart, what another program holds open is asked for."""


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
    put_in_place(partial, path)
    sync_folder(path.parent)


def put_in_place(partial: Path, path: Path) -> None:
    """Give ``partial`` the name ``path``, whoever has that now. Raises ``OSError`` as the system does."""
    patiently(lambda: partial.replace(path))


def take_away(path: Path) -> None:
    """Remove the file at ``path``. Raises ``OSError`` as the system does."""
    patiently(path.unlink)


def patiently(
    do: Callable[[], object],
    *,
    is_windows: bool = os.name == "nt",
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Rename or remove a file; on Windows again and again for two seconds while another program has it open.

    Nobody there may rename or remove what is open, and what looks for viruses opens whatever has just been written.
    """
    for _ in range(PATIENCE_TRIES if is_windows else 0):
        try:
            do()
        except PermissionError:
            wait(PATIENCE_S)
        else:
            return
    do()


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
