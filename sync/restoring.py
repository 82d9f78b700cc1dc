"""A folder put back to one of its copies: judged first, put in place whole, and speaking in a new epoch from then on."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core import windows
from core.clock import World
from core.errors import InputError, LocalError
from core.store.backup import restore, verify_copy
from core.store.engine import Database, open_copy
from core.store.migrate import require_not_newer, upgrade
from sync import audit, home
from sync.identity import Place, read_place
from sync.installation import DATABASE
from sync.settings import load_settings
from sync.tables import AUDIT

RUN_FILE = "run.json"
Begin = Callable[[sa.Connection, Place, World], object]
"""Sees to it that the restored database speaks in a new epoch; in a transaction of it, before it is put in place."""


def speak_anew(tx: sa.Connection, place: Place, world: World) -> None:
    """The database is a copy wherever it lies: its epoch begins when the folder is opened next, before anything else."""
    home.mark_copy(tx)


@dataclass(frozen=True, slots=True)
class Restored:
    """``made_at``: the newest line of the copy's audit log; ``replaced``: where the old database lies now."""

    node: str
    made_at: str
    audit_lines: int
    replaced: Path | None


def restore_folder(
    folder: Path,
    source: Path,
    raw_key: bytes | None,
    world: World,
    chains: Sequence[Path],
    begin: Begin,
    *,
    dry_run: bool = False,
) -> Restored:
    """Put the copy ``source`` in the place of the folder's database. ``dry_run`` only judges it.

    Raises ``InputError`` (``settings.*``, ``store.no_copy``, ``restore.other_node``), ``LocalError``
    (``restore.running``, ``store.busy``, ``store.bad_copy``, ``store.newer``, ``store.restore``); nothing is changed
    then.
    """
    settings = load_settings(folder)
    if settings.database_url:
        raise LocalError(
            "store.backup_elsewhere",
            zh="数据库在 PostgreSQL 上：请用 pg_restore 恢复到空库，再照操作手册开始新的纪元。",
            en="The database is on PostgreSQL: bring it back with pg_restore into an empty one, then follow the manual.",
        )
    _require_still(folder)

    def is_ours(tx: sa.Connection) -> None:
        require_not_newer(tx, chains)
        place = read_place(tx)
        if place.node != settings.node:
            raise InputError(
                "restore.other_node",
                zh=f"这份备份属于节点 {place.node}，本机是 {settings.node}，未作改动。请换本机自己的备份。",
                en=f"This copy belongs to node {place.node}, this is {settings.node}; nothing was changed. Use a copy "
                "of this node.",
            )
        audit.verify(tx)

    def prepare(db: Database) -> None:
        upgrade(db, chains, None)
        with db.transaction() as tx:
            place = read_place(tx)
            audit.note(
                tx, world, actor="restore", action="node.restored", subject=place.node, copy=source.name
            )
            begin(tx, place, world)

    verify_copy(source, raw_key, [is_ours])
    at, lines = _look(source, raw_key)
    replaced = None
    if not dry_run:
        replaced = restore(source, folder / DATABASE, raw_key, world.now(), [is_ours], prepare)
    return Restored(settings.node, at, lines, replaced)


def running_pid(folder: Path) -> int | None:
    """The process that runs this node now, None if there is none; a file left by a crash counts for nothing."""
    try:
        pid = int(json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["pid"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LocalError(
            "restore.run_file",
            zh=f"{folder / RUN_FILE} 无法识别。请确认本节点没有在运行，再删除该文件。",
            en=f"{folder / RUN_FILE} is not understood. Make sure that this node is not running, then delete it.",
        ) from error
    if sys.platform == "win32":
        # Signal 0 would end the process there; and a number is soon given to another program.
        program = windows.program_of(pid, windows.kernel())
        return pid if program in ("", Path(sys.executable).name.lower()) else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return pid


def _require_still(folder: Path) -> None:
    pid = running_pid(folder)
    if pid is not None:
        raise LocalError(
            "restore.running",
            zh=f"本节点正在运行（进程 {pid}），未作改动。请先停止它，并关闭终端界面，再恢复。",
            en=f"This node is running (process {pid}); nothing was changed. Stop it, close its terminal, and try again.",
        )


def _look(source: Path, raw_key: bytes | None) -> tuple[str, int]:
    copy = open_copy(source, raw_key)
    try:
        with copy.reading() as tx:
            at = tx.scalar(sa.select(sa.func.max(AUDIT.c.at)))
            return str(at or ""), audit.head(tx)[0]
    finally:
        copy.close()
