"""What chapters need of the system: a false clock, a tracer, a small disk. Each is had, or said in words to be missing."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_FALSE_CLOCKS = ("libfaketimeMT.so.1", "libfaketime.so.1")
APT_S_MAX = 120
MEGABYTE = 1 << 20


async def false_clock(scratch: Path) -> Path | None:
    """The library that gives a process another wall clock: the system's, else from a private environment."""
    found = _installed_clock()
    if found is None and await _install("faketime"):
        found = _installed_clock()
    if found is None:
        await _call(sys.executable, "-m", "venv", str(scratch / "clock"))
        await _call(str(scratch / "clock/bin/pip"), "install", "--quiet", "libfaketime")
        found = next((scratch / "clock").rglob("libfaketime*.so*"), None)
    return found


def clock_env(library: Path, offset_file: Path) -> Mapping[str, str]:
    """Environment under which the wall clock follows the offset in a file, also while the program runs."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


async def tracer() -> str | None:
    """The tracer that can make a system call fail."""
    if shutil.which("strace") is None:
        await _install("strace")
    program = shutil.which("strace")
    # Present is not permitted: some machines forbid tracing.
    return program if program and await _call(program, "-qq", "-o", os.devnull, "true") == 0 else None


async def mount_small_disk(folder: Path, size_bytes: int) -> bool:
    """A file system of its own at ``folder``, so small that it can be filled."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    options = f"size={size_bytes},mode=0700"
    return await _call("mount", "-t", "tmpfs", "-o", options, "liandong-torture", str(folder)) == 0


async def unmount(folder: Path) -> None:
    if folder.is_mount():
        await _call("umount", "-l", str(folder))


class Ballast:
    """A file that takes up the space of a disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "ballast"

    def leave(self, free_bytes: int) -> None:
        """Grow until about so much is free; 0 takes the last block."""
        with self._file.open("ab") as file:
            for step in (MEGABYTE, 64 * 1024, 4096):
                while shutil.disk_usage(self._folder).free >= free_bytes + step:
                    size = file.seek(0, os.SEEK_END)
                    try:
                        os.posix_fallocate(file.fileno(), size, step)
                    except OSError:
                        # Somebody else took it a moment ago.
                        break

    def drop(self) -> None:
        self._file.unlink(missing_ok=True)


def _installed_clock() -> Path | None:
    for root in (Path("/usr/lib"), Path("/usr/local/lib")):
        for name in _FALSE_CLOCKS:
            for place in (*root.glob(f"faketime/{name}"), *root.glob(f"*/faketime/{name}")):
                return place
    return None


async def _install(package: str) -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    return await _call("apt-get", "install", "-y", "-qq", "--no-install-recommends", package) == 0


async def _call(*words: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    try:
        return await asyncio.wait_for(process.wait(), APT_S_MAX)
    except TimeoutError:
        process.kill()
        return await process.wait()
