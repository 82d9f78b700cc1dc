"""Histories of the city: what happened to a card, a difference or a pair, in order, never changed.

A history is the rows of one table that share a key; its other columns are ``number`` ``what`` ``officer`` ``name`` ``at``
``words``.
"""

from typing import Any

import sqlalchemy as sa

from core.store.officers import Officer

ITSELF = "—"
"""Who acts where no person does."""


def add_step(
    tx: sa.Connection,
    about: sa.Column[str],
    key: str,
    what: str,
    officer: Officer | None,
    at: str,
    words: str,
) -> None:
    """Add to the history of ``key``, the value of column ``about``; ``officer`` none where it happened by itself."""
    table = about.table
    last = tx.scalar(sa.select(sa.func.max(table.c.number)).where(about == key)) or 0
    tx.execute(
        sa.insert(table).values(
            {
                about.name: key,
                "number": last + 1,
                "what": what,
                "officer": officer.id if officer else "",
                "name": officer.name if officer else ITSELF,
                "at": at,
                "words": words,
            }
        )
    )


def steps_of(tx: sa.Connection, about: sa.Column[str], key: str) -> list[sa.Row[Any]]:
    """The history of ``key``, in order."""
    table = about.table
    return list(tx.execute(sa.select(table).where(about == key).order_by(table.c.number)).all())
