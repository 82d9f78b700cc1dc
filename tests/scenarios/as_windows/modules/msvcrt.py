"""What the village's programs use of Windows' ``msvcrt``: one byte of a file locked for one process."""

import errno
import os

LK_LOCK, LK_UNLCK = 1, 0


def locking(handle: int, mode: int, count: int) -> None:
    """As there: ``LK_LOCK`` gives up with ``EDEADLOCK`` after a while; the place is that of the handle."""
    if mode == LK_UNLCK:
        os.lockf(handle, os.F_ULOCK, count)
        return
    try:
        os.lockf(handle, os.F_TLOCK, count)
    except OSError as error:
        raise OSError(errno.EDEADLOCK, os.strerror(errno.EDEADLOCK)) from error
