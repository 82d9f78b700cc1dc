"""A city on PostgreSQL between townships and villages on SQLite: the same promises, kept by a server of its own."""

import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from starlette.testclient import TestClient

from city_node.app import CHAINS, compose, open_city
from city_node.desk import build_desk
from core.errors import LocalError
from core.identifiers import NodeId
from core.messages import Role
from core.states import State
from core.store.casebook import CASE
from core.store.engine import WRITER_LOCK, Database, open_url
from core.store.migrate import _config, upgrade
from core.store.officers import Roster
from core.store.refusals import CommitUnknown
from sync import doctor, registrar
from sync.identity import next_count, read_fact, write_fact
from sync.installation import create
from sync.primitives import argon2id
from sync.receipt import ACCEPTANCE, verify_receipt
from sync.settings import Settings
from sync.tables import RECEIPT
from tests.scenarios.postgres_server import NoServer, Server, postgres
from tests.scenarios.world import CITY, TOWN, Network, TestWorld
from tests.unit.desk_kit import PASSWORD, VILLAGE, Place
from tests.unit.test_desk_pages import sign_in

AGREE = """
import sys
import city_node.app, city_node.cli, city_node.desk
import core.store.officers, core.store.pending_scans, core.store.reporting, core.store.sessions
from core.store.engine import METADATA, open_url
from core.store.migrate import metadata_differences
db = open_url(sys.argv[1])
print(len(METADATA.tables), metadata_differences(db, METADATA))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with postgres() as started:
            yield started
    except NoServer as error:
        pytest.fail(str(error))


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own."""
    return server.make(f"t{zlib.crc32(request.node.name.encode()):x}")


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    opened = open_url(url)
    upgrade(opened, CHAINS, None)
    yield opened
    opened.close()


class CityOnServer(Network):
    """The small world, its city's database on the server."""

    def __init__(self, folder: Path, seed: int, url: str) -> None:
        self.url = url
        super().__init__(folder, seed)

    def _database(self, name: NodeId) -> Database:
        if name != CITY:
            return super()._database(name)
        made = open_url(self.url)
        upgrade(made, CHAINS, None)
        return made


def test_a_village_s_case_is_decided_by_a_city_on_a_server_and_comes_back_with_receipts(
    url: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, CityOnServer(tmp_path, 7, url))
    place.hire(CITY, "du", "督查", Role.SUPERVISOR, Role.WINDOW_HEAD, Role.AUDITOR)
    case = place.at_city(place.item())
    place.do(CITY, "cw", "accept", case)
    place.do(CITY, "cw", "assign", case, officer="ch")
    place.network.world.pass_time(days=20)
    place.do(CITY, "ch", "handle", case, recommend="grant")
    place.do(CITY, "cr", "review", case, recommend="grant")
    place.do(CITY, "cd", "decide", case, outcome="grant", document="沅民〔2026〕1号")
    place.do(CITY, "cw", "deliver", case, method="窗口自取", received_by="王小明")
    place.network.settle(3)
    rows = {name: _case_rows(place, name) for name in (VILLAGE, TOWN, CITY)}
    assert rows[VILLAGE] == rows[TOWN] == rows[CITY] and len(rows[CITY]) == 1
    found = place.offices[VILLAGE].casebook
    with place.network.nodes[VILLAGE].db.reading() as tx:
        assert found.get(tx, case.id).state is State.DELIVERED
    assert _verified(place, VILLAGE, ACCEPTANCE) and _verified(place, TOWN, ACCEPTANCE)
    _pages_answer(place, case.id)
    place.network.close()


def _case_rows(place: Place, name: NodeId) -> list[tuple[str, str, str]]:
    with place.network.nodes[name].db.reading() as tx:
        return [tuple(row) for row in tx.execute(sa.select(CASE.c.id, CASE.c.version, CASE.c.digest)).all()]


def _verified(place: Place, name: NodeId, kind: str) -> int:
    """How many receipts of the city for what ``name`` said it holds; each is verified with the city's key."""
    node = place.network.nodes[name]
    with node.db.reading() as tx:
        rows = tx.execute(sa.select(RECEIPT).where(RECEIPT.c.signer == CITY, RECEIPT.c.kind == kind)).all()
    read = [verify_receipt(bytes(row.data), node.keyring.verify_key_of(CITY)) for row in rows]
    return sum(receipt.stream.origin == name and receipt.upto > 0 for receipt in read)


def _pages_answer(place: Place, case_id: str) -> None:
    from city_node.ledgers import pages as ledgers
    from city_node.supervision.pages import SupervisionPages
    from core.desk.web import desk_app

    supervisor = place.offices[CITY].supervisor  # type: ignore[attr-defined]
    wings = SupervisionPages(supervisor).wing(), ledgers.wing()
    browser = TestClient(desk_app(place.desks[CITY], *wings), base_url="http://desk")
    sign_in(browser, "du", PASSWORD)
    for path, words in (
        ("/?scope=all", case_id),
        ("/?scope=all&origin=430981102&due=over", "430981102"),
        ("/supervision?period=all", "2026-03"),
        ("/supervision/cards?card=yellow", case_id),
        ("/reports?by=month&since=2026-01-01&until=2026-12-31", "100.0%"),
        ("/reports?by=region&since=2026-01-01&until=2026-12-31", "四季红镇"),
        ("/audit?action=case.", case_id),
        ("/nodes", TOWN),
        ("/attention", "<h1"),
        (f"/case/{case_id}", "沅民〔2026〕1号"),
    ):
        answer = browser.get(path)
        assert answer.status_code == 200 and words in answer.text, path


def test_a_city_on_a_server_is_made_opened_and_found_healthy(
    server: Server, url: str, tmp_path: Path
) -> None:
    world = TestWorld(3)
    made = compose(create(tmp_path / "city", Settings(node=CITY, database_url=url), world, CHAINS))
    registrar.found_authority(made.installation.node)
    made.installation.close()
    city = open_city(tmp_path / "city", world)
    with city.installation.db.transaction() as tx:
        Roster(world, argon2id).add(tx, "du", "督查", (Role.SUPERVISOR,), "", PASSWORD)
    browser = TestClient(build_desk(city), base_url="http://desk")
    sign_in(browser, "du", PASSWORD)
    assert browser.get("/supervision").status_code == 200
    assert _judged(city.installation)["database"] == "good"
    server.ask("postgres", "ALTER SYSTEM SET fsync = off")
    server.ask("postgres", "SELECT pg_reload_conf()")
    try:
        city.installation.db.close()
        assert _judged(city.installation)["database.forgetful"] == "bad"
    finally:
        server.ask("postgres", "ALTER SYSTEM RESET fsync")
        server.ask("postgres", "SELECT pg_reload_conf()")
        city.installation.close()


def _judged(installation: object) -> dict[str, str]:
    return {one.code: str(one.level) for one in doctor.examine(installation)}  # type: ignore[arg-type]


def test_migrations_from_empty_and_the_declared_tables_agree(db: Database, url: str) -> None:
    done = subprocess.run([sys.executable, "-c", AGREE, url], capture_output=True, text=True, check=False)
    assert done.stdout.split(" ", 1)[1:] == ["[]\n"], done.stdout + done.stderr
    with db.reading() as tx:
        names = tx.scalars(sa.text("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '% WHERE %'")).all()
    assert len(names) >= 4, "the indexes of open things hold open things only"


def test_what_an_older_city_holds_is_still_there_after_the_migrations(url: str) -> None:
    db = open_url(url)
    with db.transaction() as tx:
        config = _config(CHAINS)
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        for statement in (
            "INSERT INTO stream VALUES (1, '\\x00', 'o', 'e', '[]', 0, 0, 0, '', 0, NULL)",
            "INSERT INTO receipt VALUES (1, 's', 'custody', 1, 5, '[]', '\\x01', '2026-01-01T00:00:00Z')",
            "INSERT INTO attachment VALUES ('a', 1, 2, 3, 4, '[]', '\\x02', NULL)",
            "INSERT INTO attachment_delivery VALUES ('a', 'p', '\\x03')",
            "INSERT INTO message VALUES (1, 1, 'm', 't', 1, 's', '\\x04', '2026-01-01T00:00:00Z', NULL)",
        ):
            tx.exec_driver_sql(statement)
    assert upgrade(db, CHAINS, None)
    with db.reading() as tx:
        kept = "SELECT (SELECT upto FROM receipt), (SELECT seq FROM attachment_offer), (SELECT have FROM attachment_delivery)"
        assert tuple(tx.exec_driver_sql(kept).one()) == (5, 2, b"\x03")
        assert len(tx.exec_driver_sql("SELECT digest FROM message").scalar()) == 32
    db.close()


def test_no_update_is_lost_when_many_write_at_once(db: Database) -> None:
    def count() -> None:
        for _ in range(25):
            with db.transaction() as tx:
                next_count(tx, "number")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as tx:
        assert read_fact(tx, "number") == 100


def test_a_reader_keeps_its_view_waits_for_no_writer_and_cannot_write(db: Database) -> None:
    with db.transaction() as tx:
        write_fact(tx, "number", 1)
    with db.reading() as reader:
        assert read_fact(reader, "number") == 1
        with db.transaction() as tx:
            write_fact(tx, "number", 2)
        assert read_fact(reader, "number") == 1
    with pytest.raises(LocalError), db.reading() as reader:
        write_fact(reader, "number", 3)
    with db.reading() as reader:
        assert read_fact(reader, "number") == 2


def test_a_server_that_dies_at_the_commit_leaves_a_doubt_that_is_settled_when_it_is_back() -> None:
    with postgres() as server:
        db = open_url(server.make("city"))
        with db.transaction() as tx:
            tx.exec_driver_sql("CREATE TABLE fact (number INTEGER)")
        with pytest.raises(CommitUnknown), db.transaction() as tx:
            tx.exec_driver_sql("INSERT INTO fact VALUES (1)")
            server.stop(signal.SIGKILL)
        with pytest.raises(CommitUnknown), db.transaction():
            pass
        with pytest.raises(LocalError) as refused:
            db.reopen()
        assert refused.value.code == "store.unreachable" and "连不上" in refused.value.zh
        server.start()
        db.reopen()
        with db.transaction() as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM fact").scalar() == 0
            tx.exec_driver_sql("INSERT INTO fact VALUES (2)")
        db.close()


def test_a_doubt_is_not_settled_before_the_commit_that_was_cut_off_has_ended(
    db: Database, server: Server, url: str
) -> None:
    name = sa.make_url(url).database
    settled = threading.Event()

    def settle() -> None:
        db.reopen()
        settled.set()

    with psycopg.connect(host=str(server.folder), user="liandong", dbname=name) as other:
        # What the server still does for a connection that nobody listens to any more.
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        other.execute("UPDATE node_state SET value = '7'")
        db.in_doubt = CommitUnknown("store.commit_unknown", zh="未知。", en="Unknown.")
        thread = threading.Thread(target=settle)
        thread.start()
        assert not settled.wait(0.3), "the doubt was settled while the other side was still at it"
        other.commit()
        thread.join()
    assert settled.is_set() and db.in_doubt is None


def test_a_step_that_the_server_refuses_is_refused_in_words_and_certainly_not_saved(db: Database) -> None:
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE later (n INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(LocalError) as refused, db.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO later VALUES (1), (1)")
    assert refused.value.code == "store.failed" and db.in_doubt is None
    with db.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM later").scalar() == 0


def test_a_database_that_sorts_text_otherwise_is_refused_before_anything_is_written(server: Server) -> None:
    db = open_url(server.make("unfit", ENCODING="'LATIN1'", LOCALE="'C'"))
    with pytest.raises(LocalError) as refused:
        upgrade(db, CHAINS, None)
    assert refused.value.code == "store.order" and "createdb" in refused.value.en
    assert server.ask("unfit", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    db.close()


@pytest.mark.parametrize(
    "wrong", ["mysql://host/name", "postgresql+nodriver://host/name", "sqlite:///city.db", "no url"]
)
def test_an_address_that_is_none_is_refused_in_words(wrong: str) -> None:
    with pytest.raises(LocalError) as refused:
        open_url(wrong)
    assert refused.value.code == "store.url" and "postgresql+psycopg" in refused.value.zh
