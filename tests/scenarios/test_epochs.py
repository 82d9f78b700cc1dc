"""Disks that were restored, copied or replaced: nothing that was handed on is lost, no number is used twice."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import StateError
from core.identifiers import CaseId, NodeId
from core.messages import Role
from core.states import State
from core.store.casebook import CASE_MESSAGE
from core.store.engine import open_sqlite
from core.store.office import Office
from sync import contact, epoch, meeting, neighbour
from sync.bundle import Kind, read_bundle, write_bundle
from sync.chunkstore import FileChunkStore
from sync.envelope import read_header
from sync.epoch import Reason
from sync.held import held
from sync.lives import LIFE
from sync.node import Node
from sync.tables import ENVELOPE, QUARANTINE, STREAM
from sync.transport.base import LineDown
from tests.scenarios.offices import AGENT, VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN, Line


def _epoch(net: Offices, name: NodeId) -> str:
    node = net.nodes[name]
    with node.db.reading() as tx:
        return node.refresh(tx).epoch


def _settled(net: Offices, *cases: CaseId) -> None:
    """Everybody who may read a case has the same bytes of it, every message in effect, and nothing waits."""
    net.settle(5)
    for case_id in cases:
        rows = {name: net.find(name, case_id) for name in (VILLAGE, TOWN, CITY)}
        assert None not in rows.values(), (
            f"{case_id}: {[name for name, case in rows.items() if case is None]}"
        )
        assert len({repr(case) for case in rows.values()}) == 1
        assert all(case is not None and case.hold is None for case in rows.values())
    for name in (VILLAGE, TOWN, CITY):
        node = net.nodes[name]
        with node.db.reading() as tx:
            assert node.streams_on_hold(tx) == []
            assert tx.scalar(sa.select(sa.func.count()).select_from(QUARANTINE)) == 0
            standings = set(tx.scalars(sa.select(CASE_MESSAGE.c.standing)))
            assert standings <= {"applied"}, (name, standings)
            assert epoch.recovering(tx) == []
        if node.place.parent is not None:
            assert not meeting.is_owing(node, node.place.parent), name


def _one_envelope_a_number(net: Offices) -> None:
    seen: dict[tuple[bytes, int], bytes] = {}
    for node in net.nodes.values():
        with node.db.reading() as tx:
            query = sa.select(STREAM.c.key, ENVELOPE.c.seq, ENVELOPE.c.digest).join(
                STREAM, STREAM.c.id == ENVELOPE.c.stream_id
            )
            for key, seq, digest in tx.execute(query):
                assert seen.setdefault((bytes(key), seq), bytes(digest)) == bytes(digest)


def _forward(net: Offices, case_id: CaseId) -> None:
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded("材料齐全"))


@pytest.mark.parametrize("known", [True, False], ids=["by the restore command", "by its neighbour alone"])
def test_a_restored_village_gets_back_what_it_had_handed_on(net: Offices, known: bool) -> None:
    old = net.submit(VILLAGE, files=(b"\xff\xd8" + net.world.random_bytes(70_000),))
    net.settle()
    copy = net.back_up(VILLAGE)
    net.world.pass_time(days=30)
    forgotten = net.submit(VILLAGE, files=(b"\xff\xd8" + net.world.random_bytes(50_000),))
    net.settle()
    _forward(net, old)
    net.act(TOWN, forgotten, Role.WINDOW, b.SupplementRequested(("户口簿",), ()))
    net.settle()
    before = _epoch(net, VILLAGE)
    node = net.put_back(VILLAGE, copy)
    if known:
        node.begin_epoch(Reason.RESTORED)
    net.act(VILLAGE, old, Role.AGENT, b.NoteAdded("恢复后联络之前说的话"))
    _settled(net, old, forgotten)
    assert _epoch(net, VILLAGE) != before
    fresh = net.submit(VILLAGE)
    assert fresh not in {old, forgotten}
    net.act(VILLAGE, forgotten, Role.AGENT, b.CaseResubmitted(note="已补齐"))
    _settled(net, old, forgotten, fresh)
    _one_envelope_a_number(net)


def test_a_disk_put_back_by_a_few_bundles_is_noticed_however_many_answers_are_lost(net: Offices) -> None:
    net.meet(VILLAGE)
    copy = net.back_up(VILLAGE)
    case_id = net.submit(VILLAGE)
    net.meet(VILLAGE)
    before = _epoch(net, VILLAGE)
    net.put_back(VILLAGE, copy)
    net.lines[VILLAGE].lose_answer = True
    for _ in range(12):
        with pytest.raises(LineDown):
            net.meet(VILLAGE)
    net.lines[VILLAGE].lose_answer = False
    _settled(net, case_id)
    assert _epoch(net, VILLAGE) != before


def test_until_it_is_completed_a_restored_node_takes_no_step_that_it_may_have_taken_before(
    net: Offices,
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle()
    copy = net.back_up(TOWN)
    _forward(net, case_id)
    net.settle()
    net.put_back(TOWN, copy).begin_epoch(Reason.RESTORED)
    with pytest.raises(StateError, match=r"node\.recovering") as refused:
        net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("又看了一遍"))
    assert CITY in refused.value.zh
    assert set(_troubles(net.nodes[TOWN])) == {"recovering"}
    _settled(net, case_id)
    assert net.case(TOWN, case_id).holder == CITY


@pytest.mark.parametrize("known", [True, False], ids=["by the restore command", "by its neighbours alone"])
def test_a_restored_township_is_offered_again_what_it_signed_for(net: Offices, known: bool) -> None:
    first = net.submit(VILLAGE)
    net.settle()
    copy = net.back_up(TOWN)
    second = net.submit(VILLAGE, files=(b"\xff\xd8" + net.world.random_bytes(90_000),))
    # Signed for by the township, and not handed on to the city yet.
    net.meet(VILLAGE)
    net.act(TOWN, first, Role.WINDOW, b.SupplementRequested(("户口簿",), ()))
    net.meet(VILLAGE)
    node = net.put_back(TOWN, copy)
    if known:
        node.begin_epoch(Reason.RESTORED)
    _settled(net, first, second)
    assert net.case(CITY, first).state is State.SUPPLEMENT_REQUESTED
    _forward(net, second)
    _settled(net, first, second)
    _one_envelope_a_number(net)


def test_a_city_restored_from_yesterday_is_offered_everything_again(net: Offices) -> None:
    first = net.submit(VILLAGE)
    net.settle()
    copy = net.back_up(CITY)
    item = net.items()[0]
    _forward(net, first)
    second = net.submit(VILLAGE)
    net.settle()
    net.decide(first, item)
    net.settle()
    net.put_back(CITY, copy)
    _settled(net, first, second)
    assert net.case(CITY, first).state is State.GRANTED


def test_a_confidential_case_comes_back_to_its_village_by_way_of_a_township_that_cannot_read_it(
    net: Offices,
) -> None:
    copy = net.back_up(VILLAGE)
    case_id = net.submit(VILLAGE, net.items(confidential=True)[0])
    net.settle()
    net.put_back(VILLAGE, copy)
    net.settle(5)
    assert net.case(VILLAGE, case_id) == net.case(CITY, case_id)
    assert net.find(TOWN, case_id) is None


def test_when_all_tiers_are_restored_differently_each_gets_the_union(net: Offices) -> None:
    first = net.submit(VILLAGE)
    net.settle()
    city = net.back_up(CITY)
    second = net.submit(VILLAGE)
    net.settle()
    village = net.back_up(VILLAGE)
    _forward(net, first)
    net.settle()
    town = net.back_up(TOWN)
    net.act(TOWN, second, Role.WINDOW, b.CaseReturned("填写有误"))
    net.settle()
    net.put_back(CITY, city)
    net.put_back(TOWN, town)
    net.put_back(VILLAGE, village)
    net.settle(5)
    _settled(net, first, second)
    # What the township had said after every copy was made is gone everywhere, and nobody claims otherwise.
    assert net.case(VILLAGE, second).holder == TOWN


def _troubles(node: Node) -> list[str]:
    """What people are told of lives, in words that say what to do."""
    with node.db.reading() as tx:
        found = [one for one in held(tx) if one.kind == LIFE]
    assert all(one.zh and one.en and one.do_zh and one.do_en for one in found)
    return [one.type for one in found]


def _open_copy(net: Offices, copy: Path) -> tuple[Node, Office]:
    node = Node.load(open_sqlite(copy), net.world, FileChunkStore(copy.with_suffix(".chunks")), "test")
    with node.db.reading() as tx:
        return node, Office.join(node, tx)


def test_of_two_copies_of_a_village_the_later_goes_on_and_the_earlier_is_told_and_emptied(
    net: Offices,
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle()
    twin, office = _open_copy(net, net.back_up(VILLAGE))
    # The copy is opened on another machine: it knows that it is one.
    twin.begin_epoch(Reason.RESTORED)
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    with twin.db.transaction() as tx:
        office.casework.act(tx, case_id, AGENT, b.NoteAdded("在新机上说的"))
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    # The first machine is still in use: what it takes in arrives, and it is told.
    net.act(VILLAGE, case_id, Role.AGENT, b.NoteAdded("在旧机上说的"))
    mine = net.submit(VILLAGE)
    for _ in range(3):
        net.meet(VILLAGE)
    first = net.nodes[VILLAGE]
    assert not meeting.is_owing(first, TOWN)
    with first.db.reading() as tx:
        told = epoch.superseded(tx)
    assert told is not None and told.by == TOWN
    assert _troubles(first) == ["superseded"]
    assert _troubles(net.nodes[TOWN]) == ["double"]
    with net.nodes[TOWN].db.reading() as tx:
        assert [node for node, _, _ in neighbour.doubles(tx, net.nodes[TOWN].place)] == [VILLAGE]
    assert net.find(TOWN, mine) is not None
    assert len(net.case(TOWN, case_id).notes) == 2
    # Answers go to the machine that goes on, and to it alone.
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    net.meet(VILLAGE)
    assert net.case(VILLAGE, case_id).holder == TOWN
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    with twin.db.reading() as tx:
        assert office.casebook.get(tx, case_id).holder == VILLAGE
    # A person decides otherwise: the first machine is the one to go on.
    first.begin_epoch(Reason.RENEWED)
    net.settle(3)
    assert net.case(VILLAGE, case_id).holder == VILLAGE
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    with twin.db.reading() as tx:
        assert epoch.superseded(tx) is not None
    _settled(net, case_id, mine)
    twin.db.close()


def test_a_neighbour_cannot_make_a_node_begin_anew_by_a_lie(net: Offices) -> None:
    net.settle(1)
    town = net.nodes[TOWN]
    before = _epoch(net, TOWN)
    with net.nodes[VILLAGE].db.transaction() as tx:
        tx.exec_driver_sql(
            "UPDATE epoch SET run = ?, number = number + 1000 WHERE node = ?", ("ab" * 16, TOWN)
        )
    net.meet(VILLAGE)
    assert _epoch(net, TOWN) == before
    with town.db.reading() as tx:
        lines = tx.execute(sa.text("SELECT subject FROM audit WHERE action = 'contact.false_witness'")).all()
    assert [row.subject for row in lines] == [VILLAGE]


def test_a_new_machine_under_an_old_name_takes_over_the_open_cases_and_no_others(net: Offices) -> None:
    item = net.items()[0]
    done, returned = net.submit(VILLAGE), net.submit(VILLAGE)
    secret = net.submit(VILLAGE, net.items(confidential=True)[0])
    net.settle()
    _forward(net, done)
    net.settle()
    net.decide(done, item)
    net.settle()
    net.act(VILLAGE, done, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王桂兰"))
    net.act(TOWN, returned, Role.WINDOW, b.CaseReturned("填写有误"))
    net.settle()
    waiting = net.submit(VILLAGE)
    net.meet(VILLAGE)
    net.nodes[VILLAGE].db.close()
    (net.folder / f"{VILLAGE}.db").rename(net.folder / "stolen.db")
    node = net.add(VILLAGE)
    with node.db.transaction() as tx:
        epoch.announce(tx, node.place, net.world, Reason.INSTALLED)
    net.settle(6)
    for case_id in (returned, secret, waiting):
        assert net.case(VILLAGE, case_id) == net.case(CITY, case_id)
    assert net.find(VILLAGE, done) is None
    with node.db.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(QUARANTINE)) == 0
    net.act(VILLAGE, returned, Role.AGENT, b.CaseResubmitted(note="已补齐"))
    _settled(net, returned, waiting)


def test_what_a_copy_says_at_the_same_number_takes_nothing_away_from_what_the_first_machine_said(
    net: Offices,
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle()
    twin, office = _open_copy(net, net.back_up(VILLAGE))
    # The first machine seals its words, and the bundle with them is lost.
    net.act(VILLAGE, case_id, Role.AGENT, b.NoteAdded("在旧机上说的"))
    net.lines[VILLAGE].cut = True
    with pytest.raises(LineDown):
        net.meet(VILLAGE)
    net.lines[VILLAGE].cut = False
    # The copy, which nobody knows to be one, says something else at the same number.
    with twin.db.transaction() as tx:
        office.casework.act(tx, case_id, AGENT, b.NoteAdded("在新机上说的"))
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    twin.db.close()
    net.settle(3)
    for name in (CITY, TOWN):
        said = {note.body.text for note in net.case(name, case_id).notes}
        assert said == {"在旧机上说的", "在新机上说的"}, name


def test_another_envelope_at_a_number_that_is_taken_is_refused_and_people_are_told(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.settle()
    twin, office = _open_copy(net, net.back_up(VILLAGE))
    net.act(VILLAGE, case_id, Role.AGENT, b.NoteAdded("在旧机上说的"))
    on_its_way = net.upward(VILLAGE)
    with twin.db.transaction() as tx:
        office.casework.act(tx, case_id, AGENT, b.NoteAdded("在新机上说的"))
    meeting.meet(twin, Line(net.nodes[TOWN], twin), TOWN)
    twin.db.close()
    taken = contact.take(net.nodes[TOWN], on_its_way, carrier="usb")
    assert [error.code for error in taken.refused] == ["stream.fork"]
    with net.nodes[TOWN].db.reading() as tx:
        assert [(one.kind, one.subject) for one in held(tx)] == [("stream", VILLAGE)]
    assert {note.body.text for note in net.case(TOWN, case_id).notes} == {"在新机上说的"}
    net.settle(3)
    said = {note.body.text for note in net.case(CITY, case_id).notes}
    assert said == {"在旧机上说的", "在新机上说的"}
    with net.nodes[TOWN].db.reading() as tx:
        assert net.nodes[TOWN].streams_on_hold(tx) == [], "the first machine has said everything again"


class Holed:
    """A line that brings a village everything but one envelope of its township."""

    carrier = "extranet"

    def __init__(self, net: Offices, nth: int) -> None:
        self._line, self._nth = net.lines[VILLAGE], nth
        self._seen: list[tuple[int, int]] = []

    def exchange(self, bundle: bytes) -> bytes:
        kept = []
        for frame in read_bundle(self._line.exchange(bundle)):
            if frame.kind is Kind.ENVELOPE:
                header = read_header(frame.payload)
                if header.origin == TOWN:
                    place = (header.stream.lane, header.seq)
                    if place not in self._seen:
                        self._seen.append(place)
                    if self._seen.index(place) == self._nth:
                        continue
            kept.append(frame)
        return write_bundle(kept)


def test_what_a_village_gives_back_over_a_gap_does_not_close_the_gap(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.settle()
    copy = net.back_up(TOWN)
    for text in ("一", "二", "三"):
        net.act(TOWN, case_id, Role.WINDOW, b.NoteAdded(text))
        net.meet(TOWN)
    meeting.meet(net.nodes[VILLAGE], Holed(net, 1), TOWN)
    assert {note.body.text for note in net.case(VILLAGE, case_id).notes} == {"一"}
    net.put_back(TOWN, copy).begin_epoch(Reason.RESTORED)
    net.settle(4)
    for name in (VILLAGE, TOWN, CITY):
        assert {note.body.text for note in net.case(name, case_id).notes} == {"一", "二", "三"}, name
