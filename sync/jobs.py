"""Chores by the calendar: a nightly backup, and another try for what was set aside.

Nothing that moves a case depends on these: a scheduler may stand still when the clock jumps, the contact loop does not.
"""

import logging
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from core.clock import CHINA
from core.errors import LiandongError
from core.store.backup import back_up, prune
from core.store.engine import Database
from sync.node import Node

log = logging.getLogger(__name__)
RETRY_EVERY_MINUTES = 60


def chores(db: Database, node: Node, folder: Path, *, hour: int, kept: int) -> BackgroundScheduler:
    """A scheduler, not started yet."""
    scheduler = BackgroundScheduler(timezone=CHINA)

    def nightly() -> None:
        try:
            made = back_up(db, folder / f"{node.world.now():%Y%m%dT%H%M%SZ}.db")
            prune(folder, kept)
            log.info("backup written: %s", made)
        except LiandongError as error:
            log.error("no backup tonight: %s", error)

    def again() -> None:
        released = node.retry_quarantined()
        if released:
            log.info("%d messages left quarantine", released)

    scheduler.add_job(nightly, "cron", hour=hour, minute=7, coalesce=True, misfire_grace_time=3600)
    scheduler.add_job(again, "interval", minutes=RETRY_EVERY_MINUTES, coalesce=True)
    return scheduler
