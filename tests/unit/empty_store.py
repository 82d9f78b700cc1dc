"""A database with every table and no row, as a copy of one that was made once: making it takes longer than many a test."""

import tempfile
from functools import cache
from pathlib import Path

from core.store.engine import METADATA, Database, open_sqlite


def empty_store(path: Path) -> Database:
    """A new file at ``path`` with the tables that are declared by now; closed by the caller."""
    path.write_bytes(_made(frozenset(METADATA.tables)))
    return open_sqlite(path)


@cache
def _made(tables: frozenset[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made = open_sqlite(Path(folder) / "empty.db")
        METADATA.create_all(made.engine)
        made.close()
        return (Path(folder) / "empty.db").read_bytes()
