"""Is this database the one that was last used in this folder, on this machine? A copy must not speak in its epoch."""

import json
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import windows
from core.clock import World
from core.identifiers import new_id
from core.store.durable import write_whole
from core.store.engine import Database
from sync import epoch
from sync.identity import read_fact, read_place, write_fact

FILE_NAME = "home.json"
FILE_BYTES_MAX = 4096
COPY = "copy"
"""What a backup says of itself instead of naming a home."""
_FACT = "home"
_MACHINE_ID = Path("/etc/machine-id")


def settle(db: Database, folder: Path, world: World) -> bool:
    """Begin a new epoch if the database was restored or copied to here; returns whether it was.

    Raises ``LocalError`` (``node.not_initialised``, ``store.*``).
    """
    here = _here(db)
    with db.reading() as tx:
        read_place(tx)
        known = read_fact(tx, _FACT)
        if isinstance(known, dict) and known == {**here, "token": _token(folder)}:
            return False
    fact = {**here, "token": new_id(world)}
    with db.transaction() as tx:
        # A database from before homes were noted, in a folder that never had one, is at home.
        is_new = known is None and _token(folder) is None
        if not is_new:
            epoch.begin(tx, read_place(tx), world, epoch.Reason.RESTORED)
        write_fact(tx, _FACT, fact)
    # After the commit: were the power cut here, the next start would only begin one more epoch.
    _write(folder, fact["token"])
    return not is_new


def mark_copy(tx: sa.Connection) -> None:
    """Let a backup say that it is one, wherever it is put."""
    write_fact(tx, _FACT, COPY)


def _here(db: Database) -> dict[str, Any]:
    inode = 0 if db.path is None else db.path.stat().st_ino
    return {"machine": _machine(), "inode": inode}


def _machine() -> str:
    try:
        if sys.platform == "win32":
            return windows.machine_guid(import_module("winreg"))[:64]
        return _MACHINE_ID.read_text(encoding="ascii").strip()[:64]
    except (OSError, UnicodeDecodeError):
        # Not on every system; the name still tells most machines apart.
        return platform.node()[:64]


def _token(folder: Path) -> str | None:
    """The token in the folder's file, None where there is no file; what cannot be read is no token of ours."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            value = json.loads(file.read(FILE_BYTES_MAX))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return ""
    token = value.get("token") if isinstance(value, dict) else None
    return token if isinstance(token, str) else ""


def _write(folder: Path, token: str) -> None:
    write_whole(folder / FILE_NAME, json.dumps({"token": token}))
