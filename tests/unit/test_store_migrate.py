"""The schema of this program, reached from nothing and from before, with a copy made first."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from core.errors import LocalError
from core.store.engine import Database, open_sqlite
from core.store.migrate import SHARED, _config, upgrade
from sync.packing import Message, fingerprint
from sync.tables import MESSAGE

AGREE = """
import sys
from importlib import import_module
from pathlib import Path
import sqlalchemy as sa
from core.store.engine import METADATA, open_sqlite
from core.store.migrate import metadata_differences, upgrade

app = import_module(sys.argv[1] + ".app")
import_module(sys.argv[1] + ".cli")
for shared in ("officers", "pending_scans", "reporting", "sessions"):
    import_module("core.store." + shared)
db = open_sqlite(Path(sys.argv[2]))
upgrade(db, app.CHAINS, None)
differences = metadata_differences(db, METADATA)
found = sa.inspect(db.engine)
keys = {
    table.name: [[c.name for c in table.primary_key], found.get_pk_constraint(table.name)["constrained_columns"]]
    for table in METADATA.sorted_tables
}
differences += [name for name, (declared, made) in keys.items() if declared != made]
print(len(keys), differences)
"""

NEXT = """
revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None

def upgrade():
    from alembic import op
    op.execute("CREATE TABLE added (id INTEGER PRIMARY KEY)")
    {more}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


def _chain(folder: Path, revision: str, more: str = "pass") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{revision}.py").write_text(NEXT.format(revision=revision, down=None, more=more))
    return folder


def _tables(db: Database) -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


@pytest.mark.parametrize("tier", ["city_node", "township_node", "village_agent"])
def test_migrations_and_declared_tables_agree_in_every_tier(tier: str, path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AGREE, tier, str(path)], capture_output=True, text=True, check=False
    )
    count, differences = done.stdout.split(" ", 1) if done.stdout else ("0", done.stderr)
    assert differences.strip() == "[]"
    assert int(count) >= 19


def test_a_fresh_database_gets_every_table_and_a_second_start_changes_nothing(
    path: Path, tmp_path: Path
) -> None:
    db = open_sqlite(path)
    assert upgrade(db, (), tmp_path / "before.db")
    assert {"stream", "envelope", "case_file", "audit"} <= _tables(db)
    assert not upgrade(db, (), tmp_path / "before.db")
    assert not (tmp_path / "before.db").exists()
    db.close()


def test_an_older_database_is_copied_before_it_is_changed(path: Path, tmp_path: Path) -> None:
    db, before = open_sqlite(path), tmp_path / "backups" / "before.db"
    upgrade(db, (), None)
    assert upgrade(db, (_chain(tmp_path / "chain", "t0001"),), before)
    assert "added" in _tables(db)
    copy = open_sqlite(before)
    assert "added" not in _tables(copy)
    assert "stream" in _tables(copy)
    copy.close()
    db.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    db = open_sqlite(path)
    upgrade(db, (_chain(tmp_path / "chain", "t0001"),), None)
    tables = _tables(db)
    with pytest.raises(LocalError) as refused:
        upgrade(db, (), None)
    assert refused.value.code == "store.newer"
    assert "t0001" in refused.value.zh
    assert _tables(db) == tables
    db.close()


def test_a_migration_that_fails_half_way_leaves_the_old_version_startable(path: Path, tmp_path: Path) -> None:
    db = open_sqlite(path)
    upgrade(db, (), None)
    tables = _tables(db)
    broken = _chain(tmp_path / "chain", "t0001", 'op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises(LocalError):
        upgrade(db, (broken,), tmp_path / "before.db")
    assert _tables(db) == tables
    assert not upgrade(db, (), None)
    db.close()


def test_a_disk_that_fills_up_during_a_migration_is_said_in_words(path: Path, tmp_path: Path) -> None:
    db = open_sqlite(path)
    upgrade(db, (), None)
    tables = _tables(db)
    full = (
        'op.execute("PRAGMA max_page_count = 1"); [op.execute(f"CREATE TABLE t{i} (x)") for i in range(50)]'
    )
    with pytest.raises(LocalError) as refused:
        upgrade(db, (_chain(tmp_path / "chain", "t0001", full),), None)
    assert refused.value.code == "store.full"
    assert _tables(db) == tables
    db.close()


def test_a_wrong_key_is_found_before_anything_is_migrated(path: Path) -> None:
    db = open_sqlite(path, raw_key=bytes(range(32)))
    upgrade(db, (), None)
    db.close()
    with pytest.raises(LocalError) as refused:
        upgrade(open_sqlite(path, raw_key=bytes(32)), (), None)
    assert refused.value.code == "store.unreadable"


def test_messages_recorded_before_they_had_a_digest_get_that_of_what_they_say(path: Path) -> None:
    db = open_sqlite(path)
    said = [Message(f"{n:032x}", "NoteAdded", 1, "案" * (n % 3), bytes([n % 256]) * n) for n in range(1200)]
    with db.transaction() as tx:
        config = _config(())
        config.attributes["connection"] = tx
        command.upgrade(config, "0003")
        tx.exec_driver_sql(
            "INSERT INTO stream VALUES (1, x'00', 'o', 'e', '[]', 0, 0, 0, x'', 0, NULL), "
            "(2, x'01', 'o', 'e', '[]', 1, 0, 0, x'', 0, NULL)"
        )
        for n, m in enumerate(said):
            row = (1 + n % 2, n, m.id, m.type, m.schema, m.subject, m.body, "2026-01-01T00:00:00Z")
            tx.exec_driver_sql("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
    upgrade(db, (), None)
    with db.reading() as tx:
        held = {row.message_id: bytes(row.digest) for row in tx.execute(sa.select(MESSAGE))}
    assert held == {message.id: fingerprint(message) for message in said}
    db.close()


def test_the_shared_chain_travels_with_the_package() -> None:
    assert list(SHARED.glob("0001_*.py"))
