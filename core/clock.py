"""Time and chance as things that are passed in: the simulator and a real node run the same code."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

CHINA = timezone(timedelta(hours=8), "CST")
"""China Standard Time, UTC+8 all year since 1991; every legal limit is counted in it."""


class World(Protocol):
    """What a node may know of the outside besides its disk and its neighbours."""

    def now(self) -> datetime:
        """Wall clock, aware, UTC. May jump; decides nothing but legal limits and display."""

    def monotonic_s(self) -> float:
        """Seconds that never go back; decides timeouts and retries."""

    def random_bytes(self, count: int) -> bytes:
        """``count`` unpredictable bytes."""


def iso(instant: datetime) -> str:
    """``2015-10-10T08:30:00.000Z``: UTC, milliseconds; sorts as text in order of time."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def from_iso(text: str) -> datetime:
    """The instant that :func:`iso` wrote. Raises ``ValueError`` on anything else."""
    # A missing mark would let another of the forms of ISO 8601 through.
    if len(text) != 24 or text[4:20:3] != "--T::." or text[23] != "Z":
        raise ValueError(f"not an instant: {text[:40]!r}")
    return datetime.fromisoformat(text)


def local(instant: datetime) -> str:
    """``2015-10-10 16:30:00 +08:00`` for people."""
    return instant.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S +08:00")
