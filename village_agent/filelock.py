"""One process at a time, across the programs of one machine."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError as error:
                # It waits for ten seconds; whoever holds the lock may need longer.
                if error.errno != errno.EDEADLOCK:
                    raise
            else:
                return

    def _leave(handle: int) -> None:
        # Closed with its lock the file would be freed only when the system comes to it.
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _leave(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path`` for the block; it is freed when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(handle)
        try:
            yield
        finally:
            _leave(handle)
    finally:
        os.close(handle)
