"""How fast the simulated disk is, in one run with plain SQL, and how much of it a node's own work leaves."""

import time
from dataclasses import dataclass

import sqlcipher3.dbapi2 as driver

from tests.simulator import vfs
from tests.simulator.platter import Platter

ROWS, ROW_BYTES = 40, 3000


@dataclass(frozen=True, slots=True)
class Measured:
    """``counted`` are operations a cut may hit; ``seconds`` is processor time of everything, SQLite included."""

    counted: int
    commits: int
    megabytes: float
    seconds: float

    def table(self) -> str:
        rows = (
            ("I/O operations", self.counted),
            ("commits", self.commits),
            ("MB written", round(self.megabytes, 1)),
            ("I/O operations / CPU second", round(self.counted / self.seconds)),
            ("commits / CPU second", round(self.commits / self.seconds)),
        )
        return "\n".join(f"{name:32}{value:>12}" for name, value in rows)


def measure(operations: int) -> Measured:
    """Commits of some dozen pages, one sync each, until so many writes, syncs and truncations were counted."""
    platter = Platter("bench")
    path = vfs.mount(platter) / "bench.db"
    connection = driver.connect(f"file:{path}?vfs={vfs.NAME}", isolation_level=None, uri=True)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE page (number INTEGER PRIMARY KEY, data BLOB)")
    commits = 0
    row = bytes(ROW_BYTES)
    platter.begin_counting()
    began = time.process_time()
    while platter.operations < operations:
        first = commits % 20 * ROWS
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT OR REPLACE INTO page VALUES (?, ?)", [(first + n, row) for n in range(ROWS)]
        )
        connection.execute("COMMIT")
        commits += 1
    seconds = time.process_time() - began
    connection.close()
    vfs.require_no_defects()
    return Measured(platter.operations, commits, commits * ROWS * ROW_BYTES / 1e6, seconds)
