"""Folders of runs that were themselves killed: their processes are ended, their mounts and files go."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PREFIX = "liandong-torture-"
_MARKER = "run.pid"


def mark(folder: Path) -> None:
    """Say who works in ``folder``."""
    (folder / _MARKER).write_text(str(os.getpid()), encoding="ascii")


def unmark(folder: Path) -> None:
    """What is kept on purpose is nobody's leftover."""
    (folder / _MARKER).unlink(missing_ok=True)


def sweep() -> None:
    """Remove what runs left whose process is gone; folders of running ones stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owner = int((folder / _MARKER).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if Path(f"/proc/{owner}").exists():
            continue
        _end_processes_of(folder)
        for place in folder.iterdir():
            if place.is_mount():
                subprocess.run(["umount", "-l", str(place)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _end_processes_of(folder: Path) -> None:
    """Those whose command line names the folder, which nobody else's does."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
