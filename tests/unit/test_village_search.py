"""Search on the device finds the same whichever way it goes through the index."""

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from core.clock import iso
from core.store.engine import Database
from tests.scenarios.world import TestWorld
from tests.unit.village_kit import open_desk
from village_agent import people_seen
from village_agent.people_seen import PERSON_CASE, find_cases, known_people

ENTRIES = 300
SEED = 5


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    world, chance = TestWorld(SEED), random.Random(SEED)
    desk = open_desk(tmp_path_factory.mktemp("search") / "village", world)
    database = desk.village.installation.db
    with database.transaction() as tx:
        for number in range(ENTRIES):
            world.pass_time(days=chance.random())
            values = {
                "case_id": f"430981102202{20261126 + number % 7:08}{chance.randrange(1000000):06}",
                "id_no": f"4309811{chance.randrange(10**6):06}{number:04}X"[:18],
                "name": chance.choice("王李张") + chance.choice("秀英强") + chance.choice("华明"),
                "item": "x",
                "submitted_at": iso(world.now()),
            }
            tx.execute(sa.insert(PERSON_CASE).values(values))
    yield database
    desk.close()


def plainly(db: Database, text: str, limit: int) -> list[str]:
    """The same by looking at every entry."""
    with db.reading() as tx:
        rows = tx.execute(sa.select(PERSON_CASE).order_by(PERSON_CASE.c.submitted_at.desc())).all()
    found = [
        row.case_id
        for row in rows
        if row.name.startswith(text)
        or row.id_no.startswith(text)
        or row.case_id.startswith(text)
        or (text.isdigit() and len(text) >= 4 and row.case_id.endswith(text))
    ]
    return found[:limit]


@pytest.mark.parametrize("broad", [0, 5, 60, 2_000])
def test_a_broad_search_and_a_narrow_one_give_the_latest_that_fit(
    db: Database, broad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_seen, "BROAD", broad)
    with db.reading() as tx:
        some = tx.execute(sa.select(PERSON_CASE.c.case_id, PERSON_CASE.c.id_no)).all()[17]
    for text in (
        "王",
        "王秀",
        "李强明",
        "4309",
        "4309811",
        some.id_no[:10],
        some.case_id,
        some.case_id[-4:],
        "赵",
    ):
        for limit in (3, 50, 500):
            with db.reading() as tx:
                assert find_cases(tx, text, limit) == plainly(db, text, limit), (SEED, text, limit)


@pytest.mark.parametrize("broad", [0, 2_000])
def test_everybody_known_comes_once_and_the_last_seen_first(
    db: Database, broad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_seen, "BROAD", broad)
    with db.reading() as tx:
        latest: dict[str, str] = {}
        for row in tx.execute(sa.select(PERSON_CASE).order_by(PERSON_CASE.c.submitted_at.desc())):
            latest.setdefault(row.id_no, row.case_id)
        assert known_people(tx, "", ENTRIES) == list(latest.values())
        named = {
            row.id_no for row in tx.execute(sa.select(PERSON_CASE).where(PERSON_CASE.c.name.like("王%")))
        }
        assert known_people(tx, "王", ENTRIES) == [case for who, case in latest.items() if who in named]


def test_neither_way_reads_every_entry(db: Database) -> None:
    with db.reading() as tx:
        for query in (
            sa.select(PERSON_CASE.c.case_id).where(people_seen._begins(PERSON_CASE.c.name, "王")),
            sa.select(PERSON_CASE.c.case_id).order_by(PERSON_CASE.c.submitted_at.desc()).limit(5),
        ):
            text = str(query.compile(tx.engine, compile_kwargs={"literal_binds": True}))
            plan = " ".join(row.detail for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
            assert "USING" in plan and "INDEX" in plan and "TEMP B-TREE" not in plan, plan


def test_signs_between_digits_alone_are_no_number_that_everybody_has(db: Database) -> None:
    with db.reading() as tx:
        assert find_cases(tx, "-") == known_people(tx, "- -") == []
