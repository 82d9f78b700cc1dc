"""The two deeds on a whole database: bringing it to a newer schema, and copying it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

import village_agent.app
from core.errors import LocalError
from core.store import backup
from core.store.engine import Database, open_sqlite
from core.store.migrate import upgrade
from tests.simulator import vfs
from tests.simulator.deed import Deed
from tests.simulator.platter import DiskRefused, Platter

OLD = village_agent.app.CHAINS
ROWS = 12
NEXT = """
revision = "v9999"
down_revision = "v0003"
branch_labels = None
depends_on = None

def upgrade():
    import sqlalchemy as sa
    from alembic import op
    with op.batch_alter_table("draft") as batch:
        batch.add_column(sa.Column("channel", sa.String(length=16), nullable=False, server_default="counter"))
    op.execute("UPDATE draft SET channel = 'window' WHERE operator = 'a1'")
    op.create_index("ix_draft_channel", "draft", ["channel"])
"""


class PlatterPath(PurePosixPath):
    """A path on a platter, with the verbs of ``pathlib.Path`` that copying a database needs."""

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """A platter has no folders to make."""

    def chmod(self, mode: int) -> None:
        """A platter has no modes."""

    def absolute(self) -> "PlatterPath":
        """Every name on a platter is whole."""
        return self

    def exists(self) -> bool:
        platter, name = vfs.located(str(self))
        with _as_os_error():
            platter.require_power()
        return name in platter.names

    is_file = exists

    def stat(self) -> SimpleNamespace:
        platter, name = vfs.located(str(self))
        return SimpleNamespace(st_size=len(platter.names[name].data))

    def unlink(self, *, missing_ok: bool = False) -> None:
        platter, name = vfs.located(str(self))
        if name in platter.names or not missing_ok:
            with _as_os_error():
                platter.delete(name)

    def replace(self, target: "PlatterPath") -> None:
        platter, name = vfs.located(str(self))
        with _as_os_error():
            platter.rename(name, vfs.located(str(target))[1])

    def sync(self) -> None:
        platter, name = vfs.located(str(self))
        with _as_os_error():
            platter.sync(platter.names[name])

    def sync_folder(self) -> None:
        platter, name = vfs.located(str(self / "any"))
        with _as_os_error():
            platter.sync_folder(name.rpartition("/")[0] or "/")


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except DiskRefused as refused:
        raise OSError({"full": 28}.get(refused.reason, 5), refused.reason) from refused


@contextmanager
def _syncing_platters() -> Iterator[None]:
    """``os.fsync`` knows no platter; these two are the only places of a copy that call it."""
    before = backup._sync, backup.sync_folder
    backup._sync, backup.sync_folder = PlatterPath.sync, PlatterPath.sync_folder  # type: ignore[assignment]
    try:
        yield
    finally:
        backup._sync, backup.sync_folder = before


class BookDeed(Deed):
    """``work`` is a real folder for what is not on the platter."""

    def __init__(self, work: Path) -> None:
        self._platter = Platter(self.name)
        self.mount = vfs.mount(self._platter)
        self.db = self._open()
        upgrade(self.db, OLD, None)
        with self.db.transaction() as tx:
            for number in range(ROWS):
                tx.exec_driver_sql(
                    "INSERT INTO draft VALUES (?, NULL, 'a1', '', ?, '', '', NULL)",
                    (f"d{number}", bytes([number]) * 2000),
                )
        self.db.close()
        self.image = self._platter.image()
        self.copy = PlatterPath(self.mount / "backups" / "copy.db")
        folder = work / "next"
        folder.mkdir(parents=True)
        (folder / "v9999_channel.py").write_text(NEXT)
        self.new = (*OLD, folder)

    @property
    def platter(self) -> Platter:
        return self._platter

    def _open(self, path: Any = None) -> Database:
        return open_sqlite(path or self.mount / "node.db", vfs=vfs.NAME)

    def put_back(self, seed: str) -> None:
        self._platter.cut_power()
        self.db.close()
        self._platter.random.seed(seed)
        self._platter.power_on(self.image)
        vfs.seed_sqlite(1)
        self.db = self._open()

    def reopen(self, *, killed: bool = False) -> None:
        if killed:
            self._platter.kill_program()
        else:
            self._platter.cut_power()
        self.db.close()
        if not killed:
            self._platter.reborn()
        self.db = self._open()

    def wrong_rows(self, db: Database) -> list[str]:
        """What is wrong with a database that should hold every draft."""
        with db.reading() as tx:
            found = (
                [] if tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok" else ["integrity_check"]
            )
            rows = {id_: bytes(data) for id_, data in tx.exec_driver_sql("SELECT id, data FROM draft")}
        whole = {f"d{number}": bytes([number]) * 2000 for number in range(ROWS)}
        return found if rows == whole else [*found, f"{len(rows)} drafts, or other bytes"]

    def wrong_copy(self) -> list[str]:
        """What is wrong with the copy, if it is there under its own name."""
        if vfs.located(str(self.copy))[1] not in self._platter.names:
            return []
        db = self._open(self.copy)
        try:
            return [f"copy: {w}" for w in self.wrong_rows(db)]
        except LocalError as error:
            return [f"copy: {error.code}"]
        finally:
            db.close()

    def has_copy(self) -> bool:
        return vfs.located(str(self.copy))[1] in self._platter.names and not self.wrong_copy()


class Upgrading(BookDeed):
    """A newer program starts: a copy first, then every step of the migration, or none."""

    name = "upgrade"

    def do(self) -> Any:
        with _syncing_platters():
            return upgrade(self.db, self.new, self.copy)  # type: ignore[arg-type]

    def is_done(self) -> bool:
        with self.db.reading() as tx:
            return "channel" in {column["name"] for column in sa.inspect(tx).get_columns("draft")}

    def look(self, said: Any) -> list[str]:
        done = self.is_done()
        found = self.wrong_rows(self.db) + self.wrong_copy()
        if said is not None and not done:
            found.append("was told as done, and is not there")
        if done and not self.has_copy():
            found.append("changed without a copy of what was before")
        # The version that fits what is there starts and finds nothing to do.
        if upgrade(self.db, self.new if done else OLD, None):
            found.append("the schema is of neither version")
        return found

    def finish(self, said: Any) -> list[str]:
        self.do()
        return self.look(True)


class BackingUp(BookDeed):
    """A copy of a live database."""

    name = "backup"

    def do(self) -> Any:
        with _syncing_platters():
            return backup.back_up(self.db, self.copy)  # type: ignore[arg-type]

    def is_done(self) -> bool:
        return self.has_copy()

    def look(self, said: Any) -> list[str]:
        found = self.wrong_rows(self.db) + self.wrong_copy()
        if said is not None and not self.has_copy():
            found.append("was told as done, and is not there")
        return found

    def finish(self, said: Any) -> list[str]:
        self.do()
        return self.look(True)


BOOK_DEEDS: tuple[type[BookDeed], ...] = (Upgrading, BackingUp)
