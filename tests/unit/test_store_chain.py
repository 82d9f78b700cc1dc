"""The shared chain of migrations, link by link: what a later one names it finds, and what cannot be undone says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from core.store.engine import METADATA, Database, open_sqlite
from core.store.migrate import HERE, SHARED, metadata_differences


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_sqlite(tmp_path / "node.db")
    yield made
    made.close()


def go(db: Database, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(SHARED))
    config.set_main_option("path_separator", "newline")
    with db.transaction() as tx:
        config.attributes["connection"] = tx
        (command.downgrade if down else command.upgrade)(config, revision)


def tables(db: Database) -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def _case(tx: sa.Connection, id_: str, origin: str, confidential: bool) -> None:
    row = dict.fromkeys(
        ("region", "item", "state", "department", "version", "submitted_at", "moved_at", "digest"), "x"
    )
    row |= {"id": id_, "origin": origin, "data": json.dumps({"confidential": confidential}).encode()}
    names = ", ".join(row)
    tx.execute(sa.text(f"INSERT INTO case_file ({names}) VALUES ({', '.join(f':{n}' for n in row)})"), row)


def test_cases_from_before_neighbours_compared_get_their_keys_unless_they_are_confidential(
    db: Database,
) -> None:
    go(db, "0002")
    first, second, secret = (f"4309811022012015101000{n}141" for n in ("01", "10", "02"))
    with db.transaction() as tx:
        _case(tx, first, "430981102201", False)
        _case(tx, second, "430981102201-2", False)
        _case(tx, secret, "430981102201", True)
    go(db, "0003")
    with db.reading() as tx:
        keys = {row.id: row.entry for row in tx.execute(sa.text("SELECT id, entry FROM case_file"))}
    assert keys == {
        first: f"{first[:12]}1{first[12:]}",
        second: f"{second[:12]}2{second[12:]}",
        secret: None,
    }


def test_what_neighbours_compare_can_be_taken_back_and_an_epoch_cannot(db: Database) -> None:
    go(db, "0002")
    before = tables(db)
    go(db, "0003")
    assert tables(db) > before
    go(db, "0002", down=True)
    assert tables(db) == before
    with pytest.raises(NotImplementedError, match="restore the copy"):
        go(db, "0001", down=True)
    assert tables(db) == before


def columns(db: Database, table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(db.engine).get_columns(table)}


def test_the_digests_beside_recorded_messages_can_be_taken_back_and_what_was_said_stays(db: Database) -> None:
    go(db, "0003")
    before = columns(db, "message")
    with db.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO stream VALUES (1, x'00', '430981102201', 'e', '[]', 0, 0, 0, x'', 0, NULL)"
        )
        row = (1, 1, "5c" * 16, "NoteAdded", 1, "案", b"{}", "2026-01-01T00:00:00Z", None)
        tx.exec_driver_sql("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    go(db, "0004")
    assert columns(db, "message") == before | {"digest"}
    go(db, "0003", down=True)
    assert columns(db, "message") == before
    with db.reading() as tx:
        assert [tuple(said) for said in tx.exec_driver_sql("SELECT * FROM message")] == [row]


def test_the_first_tables_can_be_taken_back_whole(db: Database) -> None:
    go(db, "0001")
    assert "case_file" in tables(db)
    go(db, "base", down=True)
    assert tables(db) == set()


def indexes(db: Database) -> set[str]:
    found = sa.inspect(db.engine)
    return {str(one["name"]) for table in tables(db) for one in found.get_indexes(table)}


@pytest.mark.parametrize(
    ("link", "before", "made", "replaced"),
    [
        ("0005", "0004", {"officer_leave", "ix_officer_leave_stand_in"}, set()),
        ("0006", "0005", {"sheet_day", "ix_sheet_day_due", "sheet_said"}, set()),
        ("0007", "0006", {"ix_case_file_desk", "ix_audit_actor", "ix_audit_action"}, set()),
        ("0008", "0007", {"pending_scan"}, set()),
        ("0009", "0008", {"ix_case_file_moved", "ix_case_file_whose"}, {"ix_case_file_origin"}),
    ],
)
def test_what_a_link_added_beside_the_cases_can_be_taken_back_and_the_cases_stay(
    db: Database, link: str, before: str, made: set[str], replaced: set[str]
) -> None:
    go(db, before)
    with db.transaction() as tx:
        _case(tx, "430981102201201510100001410", "430981102201", False)
    there = tables(db) | indexes(db)
    go(db, link)
    assert tables(db) | indexes(db) == (there | made) - replaced
    go(db, before, down=True)
    assert tables(db) | indexes(db) == there
    with db.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM case_file").scalar() == 1


def test_a_declared_table_that_no_migration_makes_is_named(db: Database) -> None:
    go(db, "head")
    declared = sa.MetaData()
    for table in METADATA.sorted_tables:
        if table.name in tables(db):
            table.to_metadata(declared)
    assert "forgotten" not in str(metadata_differences(db, declared))
    sa.Table("forgotten", declared, sa.Column("id", sa.Integer, primary_key=True))
    added = {
        d[1].name for d in metadata_differences(db, declared) if isinstance(d, tuple) and d[0] == "add_table"
    }
    assert added == {"forgotten"}
