"""After a commit whose outcome is unknown: everything that was composed is dropped, and opened again from the disk.

The database hands out nothing more by itself; what was in memory, keys and published tables, may tell of a change
that the disk does not hold, so the whole program is composed anew. No supervisor is needed for it.
"""

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from core.clock import World
from core.store.refusals import CommitUnknown
from sync.installation import Installation

log = logging.getLogger(__name__)

REOPENINGS_MAX = 3
WITHIN_S = 600.0


class Opened(Protocol):
    """What a tier's program opens."""

    @property
    def installation(self) -> Installation: ...


App = TypeVar("App", bound=Opened)


def keep_serving(app: App, reopen: Callable[[App], App], serve: Callable[[App], None], world: World) -> None:
    """Serve until told to stop, on a fresh composition after every commit in doubt.

    Raises ``CommitUnknown`` after more than ``REOPENINGS_MAX`` of them within ``WITHIN_S`` seconds: such a disk has to
    be looked at by people. ``app`` and what ``reopen`` makes of it are closed here.
    """
    doubts: list[float] = []
    while True:
        try:
            serve(app)
            if app.installation.db.in_doubt is not None:
                raise app.installation.db.in_doubt
            return
        except CommitUnknown as error:
            now_s = world.monotonic_s()
            doubts = [at for at in doubts if now_s - at < WITHIN_S] + [now_s]
            if len(doubts) > REOPENINGS_MAX:
                raise
            log.error("a commit is in doubt (%s): everything is opened again from the disk", error.en)
        finally:
            app.installation.close()
        app = reopen(app)
