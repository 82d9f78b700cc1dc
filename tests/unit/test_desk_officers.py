"""Officers prove who they are; guessing gets slower and slower, and nothing tells a name from a password."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InputError, StateError
from core.messages import Role
from core.store.engine import Database
from core.store.officers import OFFICER, Roster
from core.store.sessions import LONGEST_S, SESSION, Sessions, check_csrf
from sync.primitives import argon2id
from tests.scenarios.world import TestWorld
from tests.unit.desk_kit import PASSWORD, quick_stretch
from tests.unit.empty_store import empty_store

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def world() -> TestWorld:
    return TestWorld(3, START)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = empty_store(tmp_path / "x.db")
    yield made
    made.close()


@pytest.fixture
def roster(world: TestWorld, db: Database) -> Roster:
    made = Roster(world, quick_stretch)
    with db.transaction() as tx:
        made.add(tx, "wang", "王敏", [Role.WINDOW, Role.REVIEWER], "民政局", PASSWORD)
    return made


def test_an_officer_signs_in_with_their_password_and_is_who_was_entered(roster: Roster, db: Database) -> None:
    officer = roster.sign_in(db, "wang", PASSWORD)
    assert (officer.name, officer.roles, officer.department) == (
        "王敏",
        (Role.WINDOW, Role.REVIEWER),
        "民政局",
    )


def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(
    roster: Roster, db: Database
) -> None:
    said = []
    for id_, password in (("wang", "wrong-password"), ("nobody", PASSWORD)):
        with pytest.raises(InputError) as refused:
            roster.sign_in(db, id_, password)
        said.append((refused.value.code, refused.value.zh))
    assert said[0] == said[1]


def test_failed_tries_grow_the_wait_until_even_the_right_password_has_to_wait(
    roster: Roster, db: Database, world: TestWorld
) -> None:
    for _ in range(3):
        with pytest.raises(InputError):
            roster.sign_in(db, "wang", "wrong-password")
    with pytest.raises(StateError, match=r"officer\.locked"):
        roster.sign_in(db, "wang", PASSWORD)
    world.pass_time(seconds=6)
    assert roster.sign_in(db, "wang", PASSWORD).id == "wang"


def test_after_many_failures_the_lock_out_lasts_half_an_hour_and_a_new_password_ends_it(
    roster: Roster, db: Database, world: TestWorld
) -> None:
    for _ in range(9):
        world.pass_time(hours=1)
        with pytest.raises(InputError):
            roster.sign_in(db, "wang", "wrong-password")
    world.pass_time(minutes=29)
    with pytest.raises(StateError, match=r"officer\.locked"):
        roster.sign_in(db, "wang", PASSWORD)
    with db.transaction() as tx:
        roster.set_password(tx, "wang", "another-password")
    assert roster.sign_in(db, "wang", "another-password").id == "wang"


def test_there_is_no_default_password_but_a_one_time_one_that_has_to_be_changed(
    roster: Roster, db: Database
) -> None:
    with db.transaction() as tx:
        first = roster.add(tx, "li", "李华", [Role.HANDLER])
        second = roster.add(tx, "zhao", "赵强", [Role.HANDLER])
    assert first and second and first != second
    assert roster.sign_in(db, "li", first).must_change
    with db.transaction() as tx:
        roster.set_password(tx, "li", "my-own-password")
    assert not roster.sign_in(db, "li", "my-own-password").must_change


@pytest.mark.parametrize("password", ["short", "x" * 129, "wang-wang-wang", "Wang1234567"])
def test_a_password_that_is_short_endless_or_holds_the_id_is_refused(
    roster: Roster, db: Database, password: str
) -> None:
    with pytest.raises(InputError, match=r"officer\.password"), db.transaction() as tx:
        roster.set_password(tx, "wang", password)


def test_the_stored_secret_is_stretched_with_a_salt_of_its_own(world: TestWorld, db: Database) -> None:
    roster = Roster(world, argon2id)
    with db.transaction() as tx:
        roster.add(tx, "a1", "甲", [Role.WINDOW], "", PASSWORD)
        roster.add(tx, "b1", "乙", [Role.WINDOW], "", PASSWORD)
        rows = tx.execute(OFFICER.select()).all()
    assert rows[0].secret != rows[1].secret
    assert PASSWORD.encode() not in b"".join(bytes(row.secret) + bytes(row.salt) for row in rows)
    assert roster.sign_in(db, "a1", PASSWORD).id == "a1"


def test_an_id_cannot_be_entered_twice_nor_without_a_role(roster: Roster, db: Database) -> None:
    for id_, roles, code in (
        ("wang", [Role.WINDOW], "officer.taken"),
        ("x", [], "officer.roles"),
        ("a b", [Role.WINDOW], "officer.id"),
    ):
        with pytest.raises(InputError) as refused, db.transaction() as tx:
            roster.add(tx, id_, "某", roles, "", PASSWORD)
        assert refused.value.code == code


def test_a_disabled_officer_can_neither_sign_in_nor_use_an_open_session(
    roster: Roster, db: Database, world: TestWorld
) -> None:
    sessions = Sessions(world, roster)
    with db.transaction() as tx:
        token = sessions.begin(tx, "wang")
        assert sessions.find(tx, token) is not None
        roster.set_disabled(tx, "wang", True)
        assert sessions.find(tx, token) is None
    with pytest.raises(InputError, match=r"officer\.sign_in"):
        roster.sign_in(db, "wang", PASSWORD)


def test_a_session_ends_by_idleness_and_at_the_latest_after_a_working_day(
    roster: Roster, db: Database, world: TestWorld
) -> None:
    sessions = Sessions(world, roster)
    with db.transaction() as tx:
        idle, used = sessions.begin(tx, "wang"), sessions.begin(tx, "wang")
        for _ in range(LONGEST_S // 1500 - 1):
            world.pass_time(seconds=1500)
            session = sessions.find(tx, used)
            assert session is not None and session.is_stale
            sessions.touch(tx, session)
        assert sessions.find(tx, idle) is None
        world.pass_time(seconds=1500)
        world.pass_time(seconds=1500)
        assert sessions.find(tx, used) is None


def test_the_token_of_a_session_is_not_in_the_database(
    roster: Roster, db: Database, world: TestWorld
) -> None:
    sessions = Sessions(world, roster)
    with db.transaction() as tx:
        token = sessions.begin(tx, "wang")
        row = tx.execute(SESSION.select()).one()
        assert token not in "".join(str(value) for value in row)
        session = sessions.find(tx, token)
        assert session is not None
        with pytest.raises(StateError, match=r"desk\.csrf"):
            check_csrf(session, "0" * 64)
        check_csrf(session, session.csrf)


def test_nobody_is_disabled_who_was_never_entered(roster: Roster, db: Database) -> None:
    for change in (True, False):
        with pytest.raises(InputError, match=r"officer\.unknown"), db.transaction() as tx:
            roster.set_disabled(tx, "nobody", change)


@pytest.mark.parametrize(
    ("name", "department"), [("", ""), ("甲" * 101, ""), ("甲\n乙", ""), ("甲", "局" * 101)]
)
def test_a_name_that_is_empty_endless_or_unprintable_is_refused(
    roster: Roster, db: Database, name: str, department: str
) -> None:
    with pytest.raises(InputError, match=r"officer\.name"), db.transaction() as tx:
        roster.add(tx, "x1", name, [Role.WINDOW], department, PASSWORD)
