"""The history of a difference or a pair: what happened, in order, never changed."""

from typing import Any

import sqlalchemy as sa

from city_node.sheet.tables import STEP
from core.store.officers import Officer

ITSELF = "—"
"""Who acts where no person does."""


def step(tx: sa.Connection, about: str, what: str, officer: Officer | None, at: str, words: str) -> None:
    """Add to a history; ``officer`` none where it happened by itself."""
    last = tx.scalar(sa.select(sa.func.max(STEP.c.number)).where(STEP.c.about == about)) or 0
    tx.execute(
        sa.insert(STEP).values(
            about=about,
            number=last + 1,
            what=what,
            officer=officer.id if officer else "",
            name=officer.name if officer else ITSELF,
            at=at,
            words=words,
        )
    )


def steps(tx: sa.Connection, about: str) -> list[sa.Row[Any]]:
    """A history, in order."""
    return list(tx.execute(sa.select(STEP).where(STEP.c.about == about).order_by(STEP.c.number)).all())
