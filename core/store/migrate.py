"""Brings a database to the schema of this program; a copy of it is made before anything changes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.errors import LocalError
from core.store.backup import back_up
from core.store.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent / "migrations"
SHARED = HERE / "versions"
_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_DOWN = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


def upgrade(db: Database, chains: Sequence[Path], backup: Path | None) -> bool:
    """Run what is missing of the shared chain and the tier's ``chains``; true if anything changed.

    ``backup`` is the file for a copy of an older database, made before the first change (SQLite). Raises
    ``LocalError`` (``store.newer``, ``store.backup``, ``store.full`` …); the old version can then still be started.
    """
    _, wanted = _revisions((SHARED, *chains))
    with db.reading() as tx:
        current = _current(tx)
        if current == wanted:
            return False
        require_not_newer(tx, chains)
    if current and backup is not None and db.path is not None:
        back_up(db, backup)
    # Alembic takes a third of a second to import; almost every start has nothing to upgrade.
    from alembic import command

    config = _config(chains)
    with db.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
    return True


def require_not_newer(tx: sa.Connection, chains: Sequence[Path]) -> None:
    """Raises ``LocalError`` (``store.newer``) if this program does not know the schema of the database."""
    known, _ = _revisions((SHARED, *chains))
    if unknown := sorted(_current(tx) - known):
        raise LocalError(
            "store.newer",
            zh=f"数据库是更新版本的程序写的（{', '.join(unknown)}）。请安装新版本，不要用旧版本打开。",
            en=f"The database was written by a newer program ({', '.join(unknown)}). Install that version.",
        )


def _revisions(folders: Sequence[Path]) -> tuple[set[str], set[str]]:
    """Every revision of the chains, and those at their ends."""
    texts = [path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.glob("*.py"))]
    known = {name for text in texts for name in _REVISION.findall(text)}
    return known, known - {name for text in texts for name in _DOWN.findall(text)}


def _current(tx: sa.Connection) -> set[str]:
    if not sa.inspect(tx).has_table("alembic_version"):
        return set()
    return set(tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def _config(chains: Sequence[Path]) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", "\n".join(str(path) for path in (SHARED, *chains)))
    config.set_main_option("path_separator", "newline")
    return config


def metadata_differences(db: Database, metadata: sa.MetaData) -> list[object]:
    """What the migrations and the declared tables disagree about; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
