"""Brings a database to the schema of this program; a copy of it is made before anything changes."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.errors import LocalError
from core.store.backup import back_up
from core.store.engine import Database

HERE = Path(__file__).parent / "migrations"
SHARED = HERE / "versions"


def upgrade(db: Database, chains: Sequence[Path], backup: Path | None) -> bool:
    """Run what is missing of the shared chain and the tier's ``chains``; true if anything changed.

    ``backup`` is the file for a copy of an older database, made before the first change (SQLite). Raises
    ``LocalError`` (``store.newer``, ``store.backup``, ``store.full`` …); the old version can then still be started.
    """
    config = _config(chains)
    script = ScriptDirectory.from_config(config)
    wanted = set(script.get_heads())
    with db.reading() as connection:
        current = set(MigrationContext.configure(connection).get_current_heads())
    if current == wanted:
        return False
    unknown = [revision for revision in current if not _is_known(script, revision)]
    if unknown:
        raise LocalError(
            "store.newer",
            zh=f"数据库是更新版本的程序写的（{', '.join(unknown)}）。请安装新版本，不要用旧版本打开。",
            en=f"The database was written by a newer program ({', '.join(unknown)}). Install that version.",
        )
    if current and backup is not None and db.path is not None:
        back_up(db, backup)
    with db.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
    return True


def _is_known(script: ScriptDirectory, revision: str) -> bool:
    return any(known.revision == revision for known in script.walk_revisions())


def _config(chains: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", "\n".join(str(path) for path in (SHARED, *chains)))
    config.set_main_option("path_separator", "newline")
    return config


def metadata_differences(db: Database, metadata: sa.MetaData) -> list[object]:
    """What the migrations and the declared tables disagree about; empty when they agree."""
    from alembic.autogenerate import compare_metadata

    with db.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
