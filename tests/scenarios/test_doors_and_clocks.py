"""Who is let in, clocks that lie, and tables that come late."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.catalogue import Catalogue, encode_catalogue, load_catalogue, parse_catalogue
from core.errors import LiandongError, PeerError
from core.identifiers import NodeId
from core.store.casebook import CASE_MESSAGE
from core.store.office import Office
from sync import enrol, meeting, registrar
from sync.authority import Issuer, issue_pair
from sync.chunkstore import FileChunkStore
from sync.doctor import Level, examine
from sync.enrolment_code import parse_code
from sync.identity import write_fact
from sync.installation import Installation
from sync.node import Node, store_keys
from sync.primitives import SealingKey, SigningKey
from sync.settings import Settings
from sync.transport.base import LineDown
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN, Line, TestWorld
from tests.unit.empty_store import empty_store

NEW_VILLAGE = NodeId("430981102203")


class City:
    """A city with its authority and enrolment desk, and a way to make machines that are not enrolled yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = TestWorld(sum(str(folder).encode()))
        self.node = self.machine(CITY)
        registrar.found_authority(self.node)

    def machine(self, name: NodeId) -> Node:
        epoch = self.world.random_bytes(16).hex()
        db = empty_store(self.folder / f"{name}-{epoch[:6]}.db")
        with db.transaction() as tx:
            write_fact(tx, "node", name)
            write_fact(tx, "epoch", epoch)
        return Node.load(db, self.world, FileChunkStore(self.folder / epoch), "test")

    def code(self, name: NodeId) -> str:
        return registrar.new_code(self.node, name)[1]

    def door(self, path: str, data: bytes) -> bytes:
        given = registrar.give_anchor if path == enrol.ANCHOR_PATH else registrar.admit
        return given(self.node, data)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


def _refused(city: City, node: Node, code: str, why: str) -> None:
    with pytest.raises(LiandongError) as refused:
        enrol.enrol(node, parse_code(code), city.door)
    assert refused.value.code == why
    assert "注册码" in refused.value.zh
    assert node.keyring.nodes() == ()


def test_a_new_node_is_enrolled_by_its_code_and_can_speak_at_once(city: City) -> None:
    town, village = city.machine(TOWN), city.machine(NEW_VILLAGE)
    for node in (town, village):
        enrol.enrol(node, parse_code(city.code(node.place.node)), city.door)
    assert set(village.keyring.nodes()) == {CITY, TOWN, NEW_VILLAGE}
    done = meeting.meet(village, Line(town, village), TOWN)
    assert done.rounds >= 1
    again = Node.load(village.db, city.world, village.chunks, "test")
    assert again.keyring.pair == village.keyring.pair


def test_a_code_that_nobody_issued_is_refused(city: City) -> None:
    (city.folder / "other").mkdir()
    other = City(city.folder / "other")
    _refused(city, city.machine(TOWN), other.code(TOWN), "enrolment.unknown_code")


def test_a_used_code_is_refused_for_a_second_machine(city: City) -> None:
    code = city.code(TOWN)
    enrol.enrol(city.machine(TOWN), parse_code(code), city.door)
    _refused(city, city.machine(TOWN), code, "enrolment.used_code")


def test_an_expired_code_is_refused(city: City) -> None:
    code = city.code(TOWN)
    city.world.pass_time(days=8)
    _refused(city, city.machine(TOWN), code, "enrolment.expired_code")


def test_a_code_for_another_node_is_refused(city: City) -> None:
    _refused(city, city.machine(NEW_VILLAGE), city.code(TOWN), "enrolment.other_node")


def test_a_lost_answer_to_an_application_gives_the_same_certificate_when_asked_again(city: City) -> None:
    town, code = city.machine(TOWN), parse_code(city.code(TOWN))
    answers: list[bytes] = []

    def losing(path: str, data: bytes) -> bytes:
        answer = city.door(path, data)
        if path == enrol.APPLY_PATH:
            answers.append(answer)
            if len(answers) == 1:
                raise LineDown("line.down", zh="线路断开。", en="The line is down.")
        return answer

    with pytest.raises(LineDown):
        enrol.enrol(town, code, losing)
    restarted = Node.load(town.db, city.world, town.chunks, "test")
    enrol.enrol(restarted, code, losing)
    assert answers[0] == answers[1]
    assert restarted.keyring.pair == city.node.keyring.pair_of(TOWN)
    with city.node.db.reading() as tx:
        admitted = tx.scalar(sa.text("SELECT count(*) FROM audit WHERE action = 'node.admitted'"))
    assert admitted == 1


class Skewed:
    """The world as a machine with a wrong clock sees it."""

    def __init__(self, world: TestWorld, wrong: timedelta) -> None:
        self._world, self._wrong = world, wrong

    def now(self) -> datetime:
        return self._world.now() + self._wrong

    def monotonic_s(self) -> float:
        return self._world.monotonic_s()

    def random_bytes(self, count: int) -> bytes:
        return self._world.random_bytes(count)


@pytest.mark.parametrize("wrong", [timedelta(days=3650), timedelta(days=-365), timedelta(hours=-1)])
def test_with_a_wrong_clock_the_sync_goes_on_and_doctor_says_so(
    net: Offices, tmp_path: Path, wrong: timedelta
) -> None:
    net.submit(VILLAGE)
    village = net.nodes[VILLAGE]
    village.world = Skewed(net.world, wrong)
    net.office[VILLAGE].casework.world = village.world
    case_id = net.submit(VILLAGE)
    net.settle(3)
    assert net.find(CITY, case_id) is not None
    folder = tmp_path / "doctor"
    folder.mkdir()
    findings = examine(Installation(folder, Settings(node=VILLAGE), village.db, village))
    clock = [finding for finding in findings if finding.code == "clock.off"]
    assert [finding.level for finding in clock] == [Level.BAD]
    assert "校准时间" in clock[0].zh


def test_past_its_grace_a_certificate_is_refused_with_its_date_and_the_cases_are_kept(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    village = net.nodes[VILLAGE]
    ended = village.keyring.pair.signing.not_after
    net.world.pass_time(days=90 + 31)
    # The parents have renewed in the meantime; only the village was away.
    for name in (CITY, TOWN):
        node, random_bytes = net.nodes[name], net.world.random_bytes
        signing, sealing = SigningKey.generate(random_bytes), SealingKey.generate(random_bytes)
        pair = issue_pair(
            net.world,
            Issuer(net.founding.issuing, net.founding.issuing_key),
            node=name,
            epoch=node.place.epoch,
            signing=signing.public(),
            sealing=sealing.public(),
        )
        with node.db.transaction() as tx:
            store_keys(tx, node.keyring.add_keys(signing, sealing, net.world.now()))
            store_keys(tx, node.keyring.take_certificates([pair.signing, pair.sealing]))
    with pytest.raises(PeerError) as refused:
        net.meet(VILLAGE)
    assert refused.value.code == "certificate.expired"
    assert f"{ended + timedelta(hours=8):%Y-%m-%d}" in refused.value.zh
    assert net.find(TOWN, case_id) is None
    assert net.find(VILLAGE, case_id) is not None


def test_within_its_grace_a_certificate_still_works(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.world.pass_time(days=91)
    net.settle(2)
    assert net.find(CITY, case_id) is not None


def test_a_case_whose_catalogue_comes_later_waits_for_it_and_then_counts(net: Offices) -> None:
    first = parse_catalogue(encode_catalogue(load_catalogue()))
    second = encode_catalogue(_version(first, 2))
    village, city = net.nodes[VILLAGE], net.nodes[CITY]
    with village.db.transaction() as tx:
        net.office[VILLAGE].shelf.put_catalogue(tx, second)
    case_id = net.submit(VILLAGE)
    net.settle(2)
    assert net.find(CITY, case_id) is None
    with city.db.reading() as tx:
        waiting = tx.execute(sa.select(CASE_MESSAGE.c.standing, CASE_MESSAGE.c.why)).all()
    assert [tuple(row) for row in waiting] == [("parked", "catalogue:2")]
    net.publish(second)
    with city.db.transaction() as tx:
        net.office[CITY].casebook.refold_waiting(tx, "catalogue:2")
    net.settle(2)
    assert net.case(CITY, case_id).catalogue_version == 2
    assert net.case(TOWN, case_id) == net.case(CITY, case_id)


def _version(catalogue: Catalogue, number: int) -> Catalogue:
    return replace(catalogue, version=number)


def test_a_catalogue_published_by_another_program_of_the_city_is_taken_up_with_the_next_case(
    net: Offices,
) -> None:
    second = encode_catalogue(_version(load_catalogue(), 2))
    city = net.nodes[CITY]
    publisher = Office(CITY, net.world, post=city.post, offer_files=city.offer)
    with city.db.transaction() as tx:
        publisher.shelf.put_catalogue(tx, second)
    for name in (TOWN, VILLAGE):
        with net.nodes[name].db.transaction() as tx:
            net.office[name].shelf.put_catalogue(tx, second)
    case_id = net.submit(VILLAGE)
    assert net.case(VILLAGE, case_id).catalogue_version == 2
    net.settle(2)
    assert net.find(CITY, case_id) is not None
