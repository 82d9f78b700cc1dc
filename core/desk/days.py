"""Days as people write them into a field."""

from datetime import datetime

from core.clock import CHINA
from core.errors import InputError


def midnight_of(text: str, code: str) -> datetime:
    """The beginning of the day ``2026-03-02`` in China time. Raises ``InputError`` with ``code``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError as error:
        raise InputError(
            code,
            zh=f"日期应写成 2026-03-02：“{text[:20]}”。",
            en=f"Write dates as 2026-03-02: {text[:20]!r}.",
        ) from error
