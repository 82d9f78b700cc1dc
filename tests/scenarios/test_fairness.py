"""Many villages on one township's thin line: the backlog of one keeps no other waiting."""

from contextlib import suppress

import sqlalchemy as sa

from core.identifiers import CaseId, NodeId
from sync import meeting
from sync.bundle import Kind, read_bundle
from sync.envelope import read_header
from sync.outbox import queue_of
from sync.stream_id import Lane
from sync.tables import STREAM
from sync.transport.base import LineDown
from tests.scenarios.offices import CITY, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.world import TOWN

BUDGET = 4096


class Thin:
    """The township's line to the city: so many bundles a day, then it is gone."""

    carrier = "extranet"

    def __init__(self, net: Offices, bundles: int) -> None:
        self.line, self.left = net.lines[TOWN], bundles

    def exchange(self, bundle: bytes) -> bytes:
        if not self.left:
            raise LineDown("line.down", zh="线路断开。", en="The line is down.")
        self.left -= 1
        return self.line.exchange(bundle)


def _day(net: Offices, bundles: int) -> None:
    town = net.nodes[TOWN]
    town.set_budget(CITY, BUDGET)
    with suppress(LineDown):
        meeting.meet(town, Thin(net, bundles), CITY)
    net.world.pass_time(days=1)


def _arrived(net: Offices, cases: list[CaseId]) -> int:
    return sum(net.find(CITY, case_id) is not None for case_id in cases)


def _backlog(net: Offices, village: NodeId, days: int) -> list[CaseId]:
    """A village that was cut off: a case a day, each in an envelope of its own."""
    cases = []
    for _ in range(days):
        cases.append(net.submit(village))
        net.upward(village)
    return cases


def test_a_village_with_one_case_is_served_while_another_drains_a_month(net: Offices) -> None:
    net.settle(2, VILLAGE, NEIGHBOUR, TOWN)
    month = _backlog(net, VILLAGE, 30)
    net.meet(VILLAGE)
    # The month lies at the township before the neighbour's case is even taken in.
    net.world.pass_time(days=1)
    single = net.submit(NEIGHBOUR)
    net.meet(NEIGHBOUR)
    days = 0
    while net.find(CITY, single) is None:
        _day(net, bundles=3)
        days += 1
        assert days < 10, f"the single case waited {days} days"
    assert _arrived(net, month) < len(month), "the line was not thin enough to show anything"
    assert _arrived(net, month) > 0
    while _arrived(net, month) < len(month):
        _day(net, bundles=3)
        days += 1
        assert days < 90, f"{_arrived(net, month)} of {len(month)} arrived"


def test_the_scans_of_one_village_do_not_hold_up_those_of_another(net: Offices) -> None:
    net.settle(2, VILLAGE, NEIGHBOUR, TOWN)
    large = net.submit(VILLAGE, files=(net.world.random_bytes(1 << 20), net.world.random_bytes(1 << 20)))
    net.meet(VILLAGE)
    small = net.submit(NEIGHBOUR, files=(net.world.random_bytes(2000),))
    net.meet(NEIGHBOUR)
    for _ in range(20):
        town = net.nodes[TOWN]
        town.set_budget(CITY, 160 * 1024)
        with suppress(LineDown):
            meeting.meet(town, Thin(net, 2), CITY)
        if _whole(net, small):
            break
    assert _whole(net, small)
    assert not _whole(net, large)


def test_partitions_that_come_and_go_leave_nothing_waiting_once_they_end(net: Offices) -> None:
    print("seed 22")
    chance = net.world.random
    cases: list[CaseId] = []
    for day in range(20):
        for name in (VILLAGE, NEIGHBOUR):
            if chance.random() < 0.4:
                cases.append(net.submit(name))
            net.lines[name].cut = day % 7 != 6 or chance.random() < 0.5
            net.lines[name].lose_answer = chance.random() < 0.3
            with suppress(LineDown):
                net.meet(name)
        if day % 5 == 4:
            _day(net, bundles=2)
        net.world.pass_time(days=1)
    for name in (VILLAGE, NEIGHBOUR):
        net.lines[name].cut = net.lines[name].lose_answer = False
    net.settle(3, VILLAGE, NEIGHBOUR, TOWN)
    assert _arrived(net, cases) == len(cases) > 8
    assert len(net.case_rows(CITY)) == len(cases)
    for name, peer in ((VILLAGE, TOWN), (NEIGHBOUR, TOWN), (TOWN, CITY)):
        with net.nodes[name].db.reading() as tx:
            assert queue_of(tx, peer).envelopes == 0
            assert (
                tx.scalar(sa.select(sa.func.count()).select_from(STREAM).where(STREAM.c.hold.is_not(None)))
                == 0
            )


def _whole(net: Offices, case_id: CaseId) -> bool:
    case = net.find(CITY, case_id)
    if case is None:
        return False
    return all(net.nodes[CITY].chunks.has(chunk) for one in case.attachments for chunk in one.chunks)


def test_the_cases_are_on_the_line_before_the_first_byte_of_a_file(net: Offices) -> None:
    net.settle(1)
    for _ in range(3):
        net.submit(VILLAGE, files=(b"\xff\xd8" + net.world.random_bytes(3_000),))
    frames = list(read_bundle(net.upward(VILLAGE)))
    kinds = [frame.kind for frame in frames if frame.kind in (Kind.ENVELOPE, Kind.CHUNK)]
    lanes = [read_header(frame.payload).stream.lane for frame in frames if frame.kind is Kind.ENVELOPE]
    assert kinds == sorted(kinds, key=[Kind.ENVELOPE, Kind.CHUNK].index) and Kind.CHUNK in kinds
    assert lanes == sorted(lanes) and {Lane.INTAKE, Lane.ATTACHMENT} <= set(lanes)
