"""What is being written outside applications, kept at every key until it is done; and the few settings of the screens."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import InputError
from core.store.engine import METADATA

KEPT_BYTES_MAX = 64 << 10

KEPT = sa.Table(
    "kept_value",
    METADATA,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("saved_at", sa.String(24), nullable=False),
    comment="half-written forms (form.*) and settings of the screens (set.*), as JSON",
)


class Notepad:
    """Each verb in the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, tx: sa.Connection, key: str) -> dict[str, Any]:
        """What is kept under ``key``; empty if nothing is."""
        data = tx.scalar(sa.select(KEPT.c.data).where(KEPT.c.key == key))
        found: dict[str, Any] = {} if data is None else json.loads(data)
        return found

    def keep(self, tx: sa.Connection, key: str, values: Mapping[str, Any]) -> str:
        """Keep ``values`` in place of what was there; returns when. Raises ``InputError`` (``notepad.large``)."""
        data = json.dumps(dict(values), ensure_ascii=False).encode()
        if len(data) > KEPT_BYTES_MAX:
            raise InputError(
                "notepad.large",
                zh="写得太多，这次改动没有保存，请删减。",
                en="This is too long; the change was not saved. Please shorten it.",
            )
        now = iso(self._world.now())
        found = sa.update(KEPT).where(KEPT.c.key == key).values(data=data, saved_at=now)
        if tx.execute(found).rowcount == 0:
            tx.execute(sa.insert(KEPT).values(key=key, data=data, saved_at=now))
        return now

    def forget(self, tx: sa.Connection, key: str) -> None:
        """It is done."""
        tx.execute(sa.delete(KEPT).where(KEPT.c.key == key))
