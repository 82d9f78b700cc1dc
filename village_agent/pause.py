"""The background's contact put off by the operator, until it is taken up again: kept over restarts, never silently."""

import sqlalchemy as sa

from core.clock import World
from village_agent.notepad import KEPT, Notepad

_KEY = "set.pause"


def is_paused(tx: sa.Connection) -> bool:
    """Whether only the operator's own contacts are wanted."""
    return tx.scalar(sa.select(KEPT.c.key).where(KEPT.c.key == _KEY)) is not None


def set_pause(tx: sa.Connection, world: World, paused: bool) -> None:
    """From now on, at this terminal and the next time it is opened."""
    if paused:
        Notepad(world).keep(tx, _KEY, {})
    else:
        Notepad(world).forget(tx, _KEY)
