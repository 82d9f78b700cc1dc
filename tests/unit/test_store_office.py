"""What the city publishes takes hold at once, once, and in every process of the node."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.calendar import encode as encode_calendar
from core.calendar import load_calendar, parse_calendar
from core.canonical import canonical_json, parse_json
from core.catalogue import encode_catalogue, load_catalogue
from core.messages import Actor, Role
from core.store.casebook import CASE
from core.store.engine import Database
from core.store.office import Office
from core.store.shelf import CALENDAR_PUBLISHED, CATALOGUE_PUBLISHED
from tests.unit.cases import CITY, VILLAGE
from tests.unit.empty_store import empty_store
from tests.unit.sealing_kit import StillWorld

WINDOW = Actor("w1", "窗口", Role.WINDOW)
CATALOGUE = encode_catalogue(load_catalogue())


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = empty_store(tmp_path / "node.db")
    yield made
    made.close()


def office() -> Office:
    """One process of the city's node."""
    return Office(
        CITY, StillWorld(), post=lambda tx, **message: None, offer_files=lambda tx, manifests, readers: None
    )


def hear(db: Database, one: Office, type_: str, data: bytes) -> None:
    take, _ = one.handlers()[type_]
    with db.transaction() as tx:
        take(tx, CITY, "", data)


def calendar(version: int, *off: str) -> bytes:
    table = parse_json(encode_calendar(load_calendar()), bytes_max=1 << 20)
    table["version"] = version
    table["off"] |= dict.fromkeys(off, "停电")
    return encode_calendar(parse_calendar(canonical_json(table)))


def accepted_case(db: Database, one: Office) -> str:
    """A case that the city registered and accepted; it is due in some days."""
    item = next(
        i
        for i in load_catalogue().items
        if not i.is_immediate and not i.confidential and i.decide_tier == "city"
    )
    applicant = b.Applicant(
        "王小明", b.IdType.OTHER, "A1", "", b.DivisionCode(VILLAGE), "", b.Delivery.WINDOW
    )
    body = b.CaseSubmitted(item.code, 1, applicant, {}, (), (), False)
    with db.transaction() as tx:
        case = one.casework.submit(tx, WINDOW, body)
        one.casework.act(tx, case.id, WINDOW, b.CaseAccepted("齐全", 900, b.LimitMode.EXACT, 5, 20))
    return case.id


def test_a_published_catalogue_is_known_to_every_process_of_the_node(db: Database) -> None:
    one, other = office(), office()
    hear(db, one, CATALOGUE_PUBLISHED, CATALOGUE)
    assert (one.shelf.version, other.shelf.version) == (1, 0)
    code = load_catalogue().items[0].code
    assert other.shelf.item(code, 1) is None
    with db.reading() as tx:
        for _ in range(2):
            other.refresh(tx)
            assert other.facts(tx) == one.facts(tx) == {"catalogue": 1, "calendar": load_calendar().version}
    assert other.shelf.item(code, 1) == one.shelf.item(code, 1) is not None


def test_a_new_calendar_moves_running_limits_and_is_known_to_every_process(db: Database) -> None:
    one, other = office(), office()
    hear(db, one, CATALOGUE_PUBLISHED, CATALOGUE)
    case_id = accepted_case(db, one)
    due = sa.select(CASE.c.due_at).where(CASE.c.id == case_id)
    with db.reading() as tx:
        before = tx.scalar(due)
    newer = load_calendar().version + 1
    hear(db, one, CALENDAR_PUBLISHED, calendar(newer, "2015-10-12", "2015-10-13"))
    with db.reading() as tx:
        assert tx.scalar(due) > before
        other.refresh(tx)
        assert other.casebook.calendar == one.casebook.calendar
        assert other.facts(tx)["calendar"] == newer


def test_an_older_calendar_that_comes_late_is_kept_and_changes_nothing(db: Database) -> None:
    one = office()
    base = load_calendar().version
    for version in (base + 2, base + 1, base + 2):
        hear(db, one, CALENDAR_PUBLISHED, calendar(version, "2015-10-12"))
        assert one.shelf.calendar.version == base + 2
    fresh = office()
    with db.reading() as tx:
        fresh.refresh(tx)
    assert fresh.shelf.calendar.version == base + 2


def test_the_same_catalogue_heard_twice_is_one_catalogue(db: Database) -> None:
    one = office()
    for _ in range(2):
        hear(db, one, CATALOGUE_PUBLISHED, CATALOGUE)
    second = encode_catalogue(replace(load_catalogue(), version=2))
    hear(db, one, CATALOGUE_PUBLISHED, second)
    assert [held.version for held in one.shelf.catalogues.versions] == [1, 2]


def test_a_case_is_open_until_it_is_closed_and_an_unknown_number_is_not(db: Database) -> None:
    one = office()
    hear(db, one, CATALOGUE_PUBLISHED, CATALOGUE)
    case_id = accepted_case(db, one)
    with db.transaction() as tx:
        assert one.is_open(tx, case_id)
        assert not one.is_open(tx, case_id[:-1])
        one.casework.act(tx, case_id, WINDOW, b.CaseVoided("重复"))
        assert not one.is_open(tx, case_id)
