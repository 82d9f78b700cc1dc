"""Room kept on the disk for the day it is full: given away then, so that what is here can still be sent and signed for.

While it is out nothing new is taken in (``Database.require_room``); it is made again once there is space.
"""

import errno
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.store.durable import put_in_place

log = logging.getLogger(__name__)

FILE = "reserve.bin"
RESERVE_BYTES = 4 << 20
"""As much as the log of the database grows to before it is brought in."""
ROOM_BYTES = 32 << 20
"""Free space beyond the reserve at which it is made again: not so near to full that it is given away at once."""
LOW_BYTES = 1 << 20
"""Free space at which the reserve is given away before the database meets the end of the disk."""
_PIECE = bytes(64 * 1024)


class Reserve:
    """Implements :class:`core.store.engine.SpaceReserve` with a file in the node's folder."""

    def __init__(
        self, folder: Path, *, size: int = RESERVE_BYTES, room: int = ROOM_BYTES, low: int = LOW_BYTES
    ) -> None:
        self._path = folder / FILE
        self._size, self._room, self._low = size, room, low

    @property
    def is_out(self) -> bool:
        """Whether the room was given away, or could never be taken."""
        try:
            return self._path.stat().st_size < self._size
        except FileNotFoundError:
            return True

    def release(self) -> None:
        """Give the room away; again and again changes nothing."""
        if self.is_out:
            return
        # Cut, not removed: an emptied file frees its blocks without needing one.
        os.truncate(self._path, 0)
        log.error("the disk is full: the reserve of %d bytes is given away", self._size)

    def look(self) -> None:
        """Give the room away when the disk is all but full, take it again when there is space."""
        free = self.free_bytes()
        if not self.is_out:
            if free < self._low:
                self.release()
        elif free >= self._size + self._room:
            self._make()

    def first(self) -> None:
        """Take the room where it was never taken, if it can be had without leaving the disk full."""
        if not self._path.exists() and self.free_bytes() >= self._size + self._low:
            self._make()

    def free_bytes(self) -> int:
        """What the disk has left."""
        return shutil.disk_usage(self._path.parent).free

    def facts(self, tx: sa.Connection) -> dict[str, Any]:
        """For the report to neighbours: that nothing is taken in here."""
        return {"disk_short": 1} if self.is_out else {}

    def _make(self) -> None:
        partial = self._path.with_suffix(".part")
        try:
            # Written, not promised: a hole in a file reserves nothing.
            with partial.open("wb") as file:
                for _ in range(self._size // len(_PIECE)):
                    file.write(_PIECE)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(partial, self._path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            log.warning("there is no room for the reserve yet: %s", error)
