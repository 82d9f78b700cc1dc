"""A stolen device: the city revokes it, every node refuses it by name, a new machine takes over, people can judge."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from city_node import cli as city_cli
from city_node.app import CHAINS as CITY_CHAINS
from core import bodies as b
from core.errors import InputError, PeerError, StateError
from core.identifiers import NodeId
from core.messages import Role
from core.states import State
from sync import epoch, held, meeting
from sync.chunkstore import FileChunkStore
from sync.environment import SystemWorld
from sync.epoch import Reason
from sync.installation import open_folder
from sync.node import Node, store_keys
from sync.primitives import SealingKey
from sync.revoking import Revoked, revoke
from sync.tables import AUDIT
from tests.scenarios.offices import FAR_VILLAGE, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN
from tests.unit.enrolled_kit import found_city, township

STOLEN = "笔记本被盗"


@pytest.fixture(autouse=True)
def authority(request: pytest.FixtureRequest) -> None:
    """The city holds its issuing key, as ``init`` leaves it."""
    if "net" in request.fixturenames:
        net: Offices = request.getfixturevalue("net")
        city, key = net.nodes[CITY], SealingKey.generate(net.world.random_bytes)
        with city.db.transaction() as tx:
            store_keys(tx, city.keyring.add_authority(net.founding.issuing_key, key))


def _revoke(net: Offices, name: NodeId = VILLAGE) -> Revoked:
    return revoke(net.nodes[CITY], name, STOLEN, actor="command line")


def _settle_without(net: Offices, absent: NodeId, rounds: int = 2) -> None:
    for _ in range(rounds):
        for name in sorted(net.lines, reverse=True):
            if name != absent:
                net.meet(name)


def test_a_revoked_node_is_refused_by_name_at_every_node_and_the_others_go_on(net: Offices) -> None:
    known = net.submit(VILLAGE)
    net.settle(2, VILLAGE, TOWN)
    done = _revoke(net)
    assert (done.number, len(done.serials)) == (1, 2)
    _settle_without(net, VILLAGE)
    for name in (CITY, TOWN, OTHER_TOWN, NEIGHBOUR, FAR_VILLAGE):
        assert net.nodes[name].keyring.revocations.number == 1, name
        if name in (CITY, TOWN):
            with pytest.raises(PeerError) as refused:
                net.nodes[name].keyring.verify_key_of(VILLAGE)
            assert refused.value.code == "keyring.revoked"
            assert VILLAGE in refused.value.zh and "人工核对" in refused.value.zh
        with net.nodes[name].db.reading() as tx:
            told = tx.execute(sa.select(AUDIT.c.actor, AUDIT.c.detail).where(AUDIT.c.subject == VILLAGE))
            assert any('"number":1' in row.detail for row in told), name
    thief = net.submit(VILLAGE)
    with pytest.raises(PeerError) as refused:
        net.meet(VILLAGE)
    assert refused.value.code == "keyring.revoked"
    honest = net.submit(NEIGHBOUR)
    _settle_without(net, VILLAGE)
    for name in (TOWN, CITY):
        assert net.find(name, thief) is None
        assert net.find(name, known) is not None
        assert net.find(name, honest) is not None


def test_a_new_machine_of_a_revoked_node_takes_over_its_open_cases(net: Offices) -> None:
    returned = net.submit(VILLAGE)
    net.settle(2, VILLAGE, TOWN)
    net.act(TOWN, returned, Role.WINDOW, b.CaseReturned("填写有误"))
    net.settle(2, VILLAGE, TOWN)
    _revoke(net)
    net.settle(2, TOWN)
    net.nodes[VILLAGE].db.close()
    (net.folder / f"{VILLAGE}.db").rename(net.folder / "stolen.db")
    node = net.add(VILLAGE)
    with node.db.transaction() as tx:
        epoch.announce(tx, node.place, net.world, Reason.INSTALLED)
    net.settle(4, VILLAGE, TOWN)
    assert net.find(VILLAGE, returned) == net.case(CITY, returned)
    net.act(VILLAGE, returned, Role.AGENT, b.CaseResubmitted(note="已补齐"))
    net.settle(2, VILLAGE, TOWN)
    assert net.case(CITY, returned).state is State.SUBMITTED


def test_what_a_township_took_before_the_revocation_reaches_the_city_and_waits_there_for_people(
    net: Offices,
) -> None:
    net.settle(1, VILLAGE, TOWN)
    case_id = net.submit(VILLAGE, files=(b"a scan " * 500,))
    net.meet(VILLAGE)
    _revoke(net)
    _settle_without(net, VILLAGE)
    town, city = net.nodes[TOWN], net.nodes[CITY]
    assert not meeting.is_owing(town, CITY)
    assert net.find(CITY, case_id) is None
    for _ in range(10):
        assert city.retry_quarantined() == 0
    with city.db.reading() as tx:
        waiting = [one for one in held.held(tx) if one.code == "keyring.revoked"]
    assert waiting and all(VILLAGE in one.zh and "人工核对" in one.do_zh for one in waiting)
    for one in waiting:
        _, failed = held.release(city, one.id, actor="supervisor")
        assert failed is None
    assert net.find(CITY, case_id) == net.case(TOWN, case_id)


def test_revoking_twice_changes_nothing_and_nonsense_is_refused_in_words(net: Offices) -> None:
    city = net.nodes[CITY]
    assert revoke(city, VILLAGE, STOLEN, actor="t", dry_run=True).serials
    assert city.keyring.revocations.number == 0
    first, again = _revoke(net), _revoke(net)
    assert (again.number, again.serials) == (first.number, ())
    for target, reason, code in (
        (CITY, STOLEN, "revoke.city"),
        (NodeId("430981199999"), STOLEN, "revoke.unknown"),
        (NEIGHBOUR, " ", "revoke.reason"),
        (NEIGHBOUR, "字" * 101, "revoke.reason"),
        (NEIGHBOUR, "换\x1b[2J行", "revoke.reason"),
    ):
        with pytest.raises(InputError) as refused:
            revoke(city, target, reason, actor="t")
        assert refused.value.code == code
    with pytest.raises(StateError, match=r"keyring\.no_authority"):
        revoke(net.nodes[TOWN], NEIGHBOUR, STOLEN, actor="t")


def test_a_program_that_runs_goes_by_a_list_that_another_program_of_its_node_took(net: Offices) -> None:
    running = net.nodes[CITY]
    other = Node.load(running.db, net.world, FileChunkStore(net.folder / "other"), "test")
    revoke(other, VILLAGE, STOLEN, actor="command line")
    assert running.keyring.revocations.number == 0
    net.meet(TOWN)
    assert running.keyring.revocations.number == 1


def test_a_city_restored_from_yesterday_hears_from_below_whom_it_had_revoked(net: Offices) -> None:
    net.settle(1, VILLAGE, TOWN)
    copy = net.back_up(CITY)
    _revoke(net)
    _settle_without(net, VILLAGE)
    city = net.put_back(CITY, copy)
    assert not city.keyring.revocations.entries
    # Before it hears of the first, it revokes another: both count in the end, at every node.
    _revoke(net, FAR_VILLAGE)
    net.settle(4, NEIGHBOUR, TOWN, OTHER_TOWN)
    for name in (CITY, TOWN, OTHER_TOWN, NEIGHBOUR):
        list_ = net.nodes[name].keyring.revocations
        assert {entry.node for entry in list_.entries} == {VILLAGE, FAR_VILLAGE}, name


def test_the_command_asks_tells_what_it_would_do_and_leaves_an_audit_line(tmp_path: Path) -> None:
    world = SystemWorld()
    city = found_city(tmp_path / "city", world)
    town = township(tmp_path / "town", world, city.node)
    city.close()

    def run(*words: str, text: str | None = None, code: int = 0) -> Result:
        done = CliRunner().invoke(
            city_cli.main, ["--data", str(tmp_path / "city"), "revoke", TOWN, *words], input=text
        )
        assert done.exit_code == code, done.output
        return done

    def number() -> int:
        opened = open_folder(tmp_path / "city", world, CITY_CHAINS)
        try:
            return opened.node.keyring.revocations.number
        finally:
            opened.close()

    dry = json.loads(run("--reason", STOLEN, "--dry-run", "--json").stdout)
    assert (dry["dry_run"], dry["list"], len(dry["serials"])) == (True, 1, 2)
    assert "未作改动" in run("--reason", STOLEN, "--dry-run").stdout
    run("--reason", STOLEN, text="n\n", code=1)
    run(code=2)
    assert number() == 0
    done = json.loads(run("--reason", STOLEN, "--yes", "--json").stdout)
    assert (done["dry_run"], done["list"], done["serials"]) == (False, 1, dry["serials"])
    assert number() == 1
    assert "此前已全部吊销" in run("--reason", STOLEN, "--yes").stdout
    assert "examples" in run("--help").stdout
    opened = open_folder(tmp_path / "city", world, CITY_CHAINS)
    with opened.db.reading() as tx:
        lines = tx.scalars(sa.select(AUDIT.c.subject).where(AUDIT.c.action == "certificates.revoked")).all()
        assert lines == [TOWN]
    # A new machine of that name is admitted, and told who is revoked.
    town.installation.close()
    fresh = township(tmp_path / "fresh", world, opened.node)
    assert fresh.installation.node.keyring.revocations.number == 1
    fresh.installation.close()
    opened.close()
