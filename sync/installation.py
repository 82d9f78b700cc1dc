"""A node's folder on disk: made once, opened by every program of the tier."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from core.clock import World
from core.errors import LocalError
from core.identifiers import new_id
from core.store.engine import Database, open_sqlite, open_url
from core.store.migrate import upgrade
from sync import audit, epoch, home, unsent
from sync.backups import BackupFacts
from sync.chunkstore import FileChunkStore
from sync.identity import read_place, write_fact
from sync.node import Node
from sync.reserve import Reserve
from sync.settings import FILE_NAME, Settings, load_settings, write_settings

log = logging.getLogger(__name__)

DATABASE = "node.db"
CHUNKS = "chunks"
BACKUPS = "backups"
SOFTWARE = version("liandong")


@dataclass(frozen=True, slots=True)
class Installation:
    """An opened folder; ``drafts`` counts what is being written in it, where the tier has drafts."""

    folder: Path
    settings: Settings
    db: Database
    node: Node
    drafts: unsent.Count | None = None

    def close(self) -> None:
        if self.drafts is not None:
            unsent.leave_note(self.db, self.folder, self.drafts, self.node.world)
        self.db.close()


def create(
    folder: Path, settings: Settings, world: World, chains: Sequence[Path], raw_key: bytes | None = None
) -> Installation:
    """Make a new installation with a fresh epoch. Raises ``LocalError`` (``node.exists``)."""
    if (folder / FILE_NAME).exists():
        raise LocalError(
            "node.exists",
            zh=f"{folder} 里已经有一个节点，未作改动。要重新安装请换一个空目录。",
            en=f"There is a node in {folder} already; nothing was changed. Use an empty folder for a new one.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    # The keys of this node lie in it.
    folder.chmod(0o700)
    db = _database(folder, settings, raw_key)
    upgrade(db, chains, None)
    with db.transaction() as tx:
        write_fact(tx, "node", settings.node)
        write_fact(tx, "epoch", new_id(world))
        epoch.take_block(tx, 0)
        epoch.enter_first(tx, read_place(tx), world)
        audit.note(tx, world, actor="init", action="node.created", subject=settings.node, software=SOFTWARE)
    home.settle(db, folder, world)
    # Written last: a folder with settings is a whole installation.
    write_settings(folder, settings)
    # Nobody has begun a draft in it.
    return Installation(folder, settings, db, _load(db, folder, world), lambda tx: 0)


def open_folder(
    folder: Path, world: World, chains: Sequence[Path], raw_key: bytes | None = None
) -> Installation:
    """Open an installation, bringing its database up to date first (a backup is made before that).

    Raises ``InputError`` (``settings.*``), ``LocalError`` (``store.*``, ``node.not_initialised``).
    """
    settings = load_settings(folder)
    db = _database(folder, settings, raw_key)
    # Before the first write: on a full disk this program starts with the room that was kept for it.
    db.reserve = reserve = Reserve(folder)
    reserve.first()
    reserve.look()
    stamp = world.now().strftime("%Y%m%dT%H%M%SZ")
    upgrade(db, chains, folder / BACKUPS / f"before-upgrade-{stamp}.db")
    if home.settle(db, folder, world):
        log.warning("this database was restored or copied: a new epoch has begun")
    node = _load(db, folder, world)
    node.facts += [reserve.facts, BackupFacts(db, world, folder / BACKUPS)]
    return Installation(folder, settings, db, node)


def take_down(folder: Path) -> None:
    """Remove an installation's settings and database; chunks and whatever else lies there stay. Raises ``OSError``."""
    # The settings first: without them the rest is no installation, and the next start sets up anew.
    for name in (FILE_NAME, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", home.FILE_NAME):
        (folder / name).unlink(missing_ok=True)


def _database(folder: Path, settings: Settings, raw_key: bytes | None) -> Database:
    if settings.database_url:
        return open_url(settings.database_url)
    db = open_sqlite(folder / DATABASE, raw_key=raw_key)
    db.before_commit = partial(unsent.withdraw_note, folder)
    return db


def _load(db: Database, folder: Path, world: World) -> Node:
    return Node.load(db, world, FileChunkStore(folder / CHUNKS), SOFTWARE)
