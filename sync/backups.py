"""The nightly copy: made, read again, and stated: how far back this node can be put is a fact of the node."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.clock import CHINA, World, iso
from core.store.backup import NAME, Horizon, back_up, horizon, prune
from core.store.engine import Database
from sync import audit, home

log = logging.getLogger(__name__)

PERIOD = timedelta(days=1)
STALE_AFTER = 2 * PERIOD
MINUTE = 7


def nightly(db: Database, world: World, folder: Path, kept: int) -> Path:
    """Make tonight's copy and forget the oldest beyond ``kept``. Raises as :func:`core.store.backup.back_up`."""
    made = back_up(db, folder / f"{world.now():{NAME}}.db", [audit.verify], home.mark_copy)
    prune(folder, kept)
    log.info("backup written and verified: %s", made)
    return made


def is_due(folder: Path, now: datetime, hour: int) -> bool:
    """Whether the copy of the last night (``hour``, China time) is missing: the node may have been off."""
    local = now.astimezone(CHINA)
    last_night = local.replace(hour=hour, minute=MINUTE, second=0, microsecond=0)
    if last_night > local:
        last_night -= PERIOD
    newest = horizon(folder, now).newest
    return newest is None or newest < last_night


def is_stale(found: Horizon, now: datetime) -> bool:
    """Whether two nights have gone by without a copy that counts."""
    return found.newest is None or now - found.newest > STALE_AFTER


class BackupFacts:
    """What the report in every contact says of this node's copies; nothing where PostgreSQL keeps them."""

    def __init__(self, db: Database, world: World, folder: Path) -> None:
        self._db, self._world, self._folder = db, world, folder

    def __call__(self, tx: sa.Connection) -> dict[str, Any]:
        if self._db.path is None:
            return {}
        found = horizon(self._folder, self._world.now())
        if found.newest is None or found.oldest is None:
            return {"backups": 0}
        return {
            "backups": found.count,
            "backup_newest_at": iso(found.newest),
            "backup_oldest_at": iso(found.oldest),
        }
