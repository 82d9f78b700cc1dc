"""The history of a difference or a pair: what happened, in order, never changed."""

from typing import Any

import sqlalchemy as sa

from city_node.history import add_step, steps_of
from city_node.sheet.tables import STEP
from core.store.officers import Officer


def step(tx: sa.Connection, about: str, what: str, officer: Officer | None, at: str, words: str) -> None:
    """Add to a history; ``officer`` none where it happened by itself."""
    add_step(tx, STEP.c.about, about, what, officer, at, words)


def steps(tx: sa.Connection, about: str) -> list[sa.Row[Any]]:
    """A history, in order."""
    return steps_of(tx, STEP.c.about, about)
