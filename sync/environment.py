"""The real world: this machine's clock and its source of chance."""

import os
import time
from datetime import UTC, datetime


class SystemWorld:
    """Implements :class:`core.clock.World` for a running node."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)
