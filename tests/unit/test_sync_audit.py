"""The log that cannot be edited unseen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.desk.context import AuditWanted
from core.errors import LocalError
from core.store.engine import METADATA, Database, open_sqlite
from sync import audit
from sync.tables import AUDIT
from tests.scenarios.world import TestWorld

NUMBER = AUDIT.c.number


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_sqlite(tmp_path / "node.db")
    METADATA.create_all(made.engine, [AUDIT])
    world = TestWorld(1)
    with made.transaction() as tx:
        for day in range(5):
            audit.note(tx, world, actor="w1", action="case.seen", subject=f"case {day}", why="电话查询")
    yield made
    made.close()


def test_lines_chain_and_the_head_names_the_last(db: Database) -> None:
    with db.reading() as tx:
        assert audit.verify(tx) == 5
        number, digest = audit.head(tx)
        last = tx.execute(sa.select(AUDIT).where(NUMBER == 5)).one()
    assert (number, digest) == (5, bytes(last.digest))


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    empty = open_sqlite(tmp_path / "empty.db")
    METADATA.create_all(empty.engine, [AUDIT])
    with empty.reading() as tx:
        assert audit.verify(tx) == 0
        assert audit.head(tx) == (0, audit.FIRST)
    empty.close()


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail"])
def test_a_changed_word_is_found_at_its_line(db: Database, column: str) -> None:
    with db.transaction() as tx:
        tx.execute(sa.update(AUDIT).where(NUMBER == 3).values({column: "other"}))
    _broken_at(db, 3)


def test_a_line_cut_out_is_found_where_it_is_missing(db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(sa.delete(AUDIT).where(NUMBER == 2))
    _broken_at(db, 2)


def test_a_line_written_anew_with_its_own_digest_breaks_the_next(db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(sa.delete(AUDIT).where(NUMBER >= 4))
        kept = tx.execute(sa.select(AUDIT).where(NUMBER == 3)).one()
        tx.execute(sa.delete(AUDIT).where(NUMBER == 3))
        audit.note(tx, TestWorld(2), actor="w1", action="case.seen", subject="another")
        tx.execute(sa.insert(AUDIT).values(**{**kept._asdict(), "number": 4}))
    _broken_at(db, 4)


def test_a_log_is_verified_in_parts_as_it_is_whole(db: Database) -> None:
    with db.reading() as tx:
        assert audit.verify_after(tx, 0, 2) == 2
        assert audit.verify_after(tx, 2, 2) == 4
        assert audit.verify_after(tx, 4, 2) == 5
        assert audit.verify_after(tx, 5, 2) == 5


def test_a_part_does_not_begin_after_a_line_that_is_gone(db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(sa.delete(AUDIT).where(NUMBER == 5))
    with db.reading() as tx, pytest.raises(LocalError, match=r"audit\.broken") as refused:
        audit.verify_after(tx, 5)
    assert "第 5 行" in refused.value.zh


def test_a_part_finds_that_the_line_before_it_was_written_anew(db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(sa.update(AUDIT).where(NUMBER == 2).values(digest=bytes(32)))
    with db.reading() as tx, pytest.raises(LocalError, match=r"audit\.broken") as refused:
        audit.verify_after(tx, 2)
    assert "第 3 行" in refused.value.zh


def _broken_at(db: Database, number: int) -> None:
    with db.reading() as tx, pytest.raises(LocalError) as refused:
        audit.verify(tx)
    assert refused.value.code == "audit.broken"
    assert f"第 {number} 行" in refused.value.zh


def test_actions_that_begin_alike_are_found_together_the_newest_first(db: Database) -> None:
    world = TestWorld(1)
    with db.transaction() as tx:
        for number in range(30):
            action = ("case.accept", "case.decide", "desk.signed_in")[number % 3]
            audit.note(tx, world, actor=f"o{number % 2}", action=action)
    with db.reading() as tx:
        found = audit.search(tx, AuditWanted(action="case.", limit=7))
        assert [line["number"] for line in found] == [34, 33, 31, 30, 28, 27, 25]
        found = audit.search(tx, AuditWanted(action="case.", actor="o1", before=20, limit=3))
        assert [line["number"] for line in found] == [19, 15, 13]
        assert [line["action"] for line in audit.search(tx, AuditWanted(action="desk", limit=1))] == [
            "desk.signed_in"
        ]
        assert audit.search(tx, AuditWanted(action="case_")) == []
