"""Chores by the calendar: the nightly copy, the walk through everything that is kept, another try for what was set aside.

Nothing that moves a case depends on these. A scheduler stands still when the clock jumps, so the monotonic loop of
the service watches it and starts it again.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from core.clock import CHINA, from_iso
from core.errors import LiandongError
from sync import backups, scrub
from sync.installation import BACKUPS, Installation

log = logging.getLogger(__name__)

RETRY_EVERY = timedelta(hours=1)
MEND_EVERY = timedelta(minutes=10)
DAILY = timedelta(days=1)
SLACK_S = 120
"""A chore may be so late, by the clock that cannot jump, before the scheduler counts as standing still."""


@dataclass(slots=True)
class Watch:
    """Tells by two clocks whether a scheduler stands still."""

    _due: dict[str, tuple[datetime, float]] = field(default_factory=dict)

    def standing(
        self, planned: Mapping[str, tuple[datetime, timedelta]], now: datetime, monotonic_s: float
    ) -> str:
        """The chore whose next run is absurdly far away, or overdue; empty if all is well.

        ``planned`` gives each chore's next run and its period; ``monotonic_s`` is a clock that never goes back.
        """
        for name, (next_run, period) in planned.items():
            wait_s = (next_run - now).total_seconds()
            if wait_s > period.total_seconds() + SLACK_S:
                return name
            known, due_s = self._due.get(name, (None, 0.0))
            if known != next_run:
                self._due[name] = (next_run, monotonic_s + max(0.0, wait_s))
            elif monotonic_s > due_s + SLACK_S:
                return name
        return ""


class Chores:
    """The chores of one running node, and the watch over them."""

    def __init__(
        self,
        installation: Installation,
        scheduler: Callable[[], Any] = lambda: BackgroundScheduler(timezone=CHINA),
    ) -> None:
        self._installation = installation
        self._make = scheduler
        self._running: Any = None
        self._watch = Watch()

    def start(self) -> None:
        """Plan the chores; what a night passed over while the node was off is done at once."""
        settings, now = self._installation.settings, self._installation.node.world.now()
        self._running = running = self._make()
        self._watch = Watch()
        night: dict[str, Any] = {"coalesce": True, "misfire_grace_time": 3600}
        hour = settings.backup_hour
        at_once = {"next_run_time": now}
        if self._installation.db.path is not None:
            missed = backups.is_due(self._installation.folder / BACKUPS, now, hour)
            when = {"hour": hour, "minute": backups.MINUTE} | (at_once if missed else {})
            running.add_job(self.back_up, "cron", id="backup", **when, **night)
        when = {"hour": (hour + 1) % 24, "minute": backups.MINUTE} | (
            at_once if self._is_scrub_due(now) else {}
        )
        running.add_job(self.scrub, "cron", id="scrub", **when, **night)
        running.add_job(
            self.retry, "interval", id="retry", seconds=RETRY_EVERY.total_seconds(), coalesce=True
        )
        running.add_job(self.mend, "interval", id="mend", seconds=MEND_EVERY.total_seconds(), coalesce=True)
        running.start()

    def watch(self) -> bool:
        """Called from a loop on the monotonic clock: start anew a scheduler that stands still. True if it did."""
        world = self._installation.node.world
        periods = {"backup": DAILY, "scrub": DAILY, "retry": RETRY_EVERY, "mend": MEND_EVERY}
        planned = {
            job.id: (job.next_run_time, periods[job.id])
            for job in self._running.get_jobs()
            if job.id in periods and job.next_run_time is not None
        }
        standing = self._watch.standing(planned, world.now(), world.monotonic_s())
        if not standing:
            return False
        log.warning("the clock jumped and the chore %s stands still: planning all anew", standing)
        self._running.shutdown(wait=False)
        self.start()
        return True

    def stop(self) -> None:
        """Wait for the chore that is under way, and end."""
        self._running.shutdown(wait=True)

    def back_up(self) -> None:
        """The nightly copy."""
        inst = self._installation
        self._do(
            "backup",
            lambda: backups.nightly(
                inst.db, inst.node.world, inst.folder / BACKUPS, inst.settings.backups_kept
            ),
        )

    def scrub(self) -> None:
        """One whole walk through everything that is kept, or the rest of the one that was cut off."""
        inst = self._installation
        self._do("scrub", lambda: scrub.scrub(inst.node, inst.folder / BACKUPS))

    def retry(self) -> None:
        """Another try for what was set aside."""
        self._do("retry", self._installation.node.retry_quarantined)

    def mend(self) -> None:
        """Chunks that were found rotted while somebody read them are asked for again."""
        self._do("mend", lambda: scrub.mend_known(self._installation.node))

    def _do(self, name: str, chore: Callable[[], object]) -> None:
        try:
            log.info("chore %s: %s", name, chore())
        except LiandongError as error:
            # Said by doctor as well: a copy that is missing, a walk that did not end.
            log.error("chore %s was not done: %s", name, error)

    def _is_scrub_due(self, now: datetime) -> bool:
        node = self._installation.node
        with node.db.reading() as tx:
            at = scrub.last_finished_at(tx)
        return at is None or scrub.unfinished(node) is not None or now - from_iso(at) > DAILY
