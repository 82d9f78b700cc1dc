"""Every way in which the books of a day can differ is made on purpose, shown with its cause, and mended by what is offered."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from city_node.sheet.tables import DIFFERENCE, STEP
from core.clock import World
from core.errors import LiandongError, StateError
from core.identifiers import NodeId
from core.messages import MessageType
from core.sheet import Side, Verdict
from core.sheet_report import RESEND_ASKED, SHEET_REPORTED, ResendAsked, encode_asked
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.engine import open_sqlite
from core.store.office import Office
from sync import contact, meeting
from sync.chunkstore import FileChunkStore
from sync.compose import compose
from sync.epoch import Reason
from sync.held import held
from sync.node import Node
from sync.stream_id import Lane
from sync.transport.usb import Stick
from tests.scenarios.books import Books
from tests.scenarios.offices import FAR_VILLAGE, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.sticks import bring, export_at
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN, Line


@pytest.fixture(scope="module")
def noon(morning: Offices, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Everybody has met and told once, and nothing has happened yet."""
    city = Books.like(morning, tmp_path_factory.mktemp("noon") / "city", 3)
    city.settle(2)
    city.told()
    city.close()
    return city


@pytest.fixture
def books(noon: Books, tmp_path: Path) -> Iterator[Books]:
    city = Books.like(noon, tmp_path / "city", 4)
    yield city
    city.close()


def test_a_case_that_all_three_hold_is_level(books: Books) -> None:
    books.submit(VILLAGE)
    books.settle()
    books.told()
    line = books.line(VILLAGE)
    assert (line.counts.taken_in, line.counts.forwarded, line.counts.received) == (1, 1, 1)
    assert len(set(line.digests.values())) == 1 and set(line.digests) == set(Side)
    assert line.unconfirmed == 0
    assert books.differences() == []
    assert books.verdict(VILLAGE) is Verdict.LEVEL
    assert books.view().city(CITY).verdict is Verdict.LEVEL


def test_the_city_learns_a_village_s_own_figures_though_it_meets_only_the_township(books: Books) -> None:
    books.submit(VILLAGE)
    books.beat(VILLAGE)
    books.meet(VILLAGE)
    books.meet(TOWN)
    books.draw()
    assert Side.VILLAGE in books.line(VILLAGE).digests


def test_a_confidential_case_is_not_missed_at_the_township_that_cannot_read_it(books: Books) -> None:
    books.submit(VILLAGE, books.items(confidential=True)[0])
    books.settle()
    books.told()
    counts = books.line(VILLAGE).counts
    assert (counts.taken_in, counts.forwarded, counts.exempt, counts.received) == (1, 0, 1, 1)
    assert books.verdict(VILLAGE) is Verdict.LEVEL


def test_a_case_on_its_way_is_in_transit_and_level_once_it_has_come(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.beat(VILLAGE)
    # The village's words have got to the township, and from there to the city; the township has not told yet.
    books.meet(VILLAGE)
    books.meet(TOWN)
    assert books.verdict(VILLAGE) is Verdict.TRANSIT, case
    books.told()
    assert books.verdict(VILLAGE) is Verdict.LEVEL


def test_what_a_township_holds_back_is_in_transit_while_it_owes_it(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.beat(VILLAGE)
    books.meet(VILLAGE)
    books.beat(TOWN)
    # The control lane comes first: the line breaks before the case is across.
    _only_control(books, TOWN)
    books.draw()
    assert books.differences(VILLAGE) == [(case, "transit", "open")]
    books.do(VILLAGE, "resend", case=case)
    books.told()
    assert books.differences() == []
    assert _history(books, case) == ["found", "resend", "level"]


def _only_control(books: Books, child: NodeId) -> None:
    """One bundle gets across that is too small for more than what goes first."""
    node = books.nodes[child]
    assert node.place.parent is not None
    bundle = compose(node, node.place.parent, budget_bytes=1)
    contact.take(books.nodes[node.place.parent], bundle.data, carrier="extranet", expected=child)


def _history(books: Books, case: str) -> list[str]:
    with books.nodes[CITY].db.reading() as tx:
        id_ = sa.select(DIFFERENCE.c.id).where(DIFFERENCE.c.case_id == case).scalar_subquery()
        return list(tx.scalars(sa.select(STEP.c.what).where(STEP.c.about == id_).order_by(STEP.c.number)))


def test_a_village_that_has_stopped_is_silent_and_nothing_is_called_level(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.world.pass_time(days=4)
    books.told(TOWN, NEIGHBOUR, OTHER_TOWN, FAR_VILLAGE)
    assert books.verdict(VILLAGE) is Verdict.LOST
    assert books.view().city(CITY).verdict is Verdict.LOST
    assert books.verdict(NEIGHBOUR) is Verdict.LEVEL
    assert ("", "lost", "open") in books.differences(VILLAGE)
    books.do(VILLAGE, "resend")
    # It is started again, hears the question, and tells.
    books.settle()
    books.told()
    assert books.differences() == []
    assert books.verdict(VILLAGE) is Verdict.LEVEL
    assert books.find(CITY, case) is not None


def test_a_silence_that_goes_on_stays_on_each_of_its_days_until_somebody_tells_of_them(books: Books) -> None:
    books.world.pass_time(days=4)
    others = (TOWN, NEIGHBOUR, OTHER_TOWN, FAR_VILLAGE)
    books.told(*others)
    first = books.today
    books.world.pass_time(days=1)
    books.told(*others)
    assert books.differences(VILLAGE) == [("", "lost", "open")] * 2
    assert books.verdict(VILLAGE, first) is books.verdict(VILLAGE) is Verdict.LOST
    books.told()
    assert books.differences() == []
    assert books.verdict(VILLAGE, first) is books.verdict(VILLAGE) is Verdict.LEVEL


def test_a_city_of_an_older_version_keeps_the_reports_and_takes_them_after_its_upgrade(books: Books) -> None:
    city = books.nodes[CITY]
    handler = city.dispatch._handlers[SHEET_REPORTED]
    city.dispatch.forget(SHEET_REPORTED)
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    assert Side.VILLAGE not in books.line(VILLAGE).digests or books.line(VILLAGE).counts.taken_in == 0
    assert books.find(CITY, case) is not None, "a report that is not understood stops nothing"
    city.dispatch._handlers[SHEET_REPORTED] = handler
    assert city.retry_quarantined() >= 2
    books.draw()
    assert books.verdict(VILLAGE) is Verdict.LEVEL
    assert books.line(VILLAGE).counts.taken_in == 1


def test_a_township_that_has_stopped_silences_its_villages(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.beat(VILLAGE)
    books.meet(VILLAGE)
    books.world.pass_time(days=4)
    books.told(OTHER_TOWN, FAR_VILLAGE)
    assert books.verdict(TOWN) is books.verdict(VILLAGE) is books.verdict(NEIGHBOUR) is Verdict.LOST
    assert books.verdict(FAR_VILLAGE) is Verdict.LEVEL
    books.do(TOWN, "resend")
    books.told()
    assert books.differences() == []
    assert books.find(CITY, case) is not None


def test_a_village_put_back_from_a_copy_is_rewound_until_it_is_completed(books: Books) -> None:
    copy = books.back_up(VILLAGE)
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    assert books.differences() == []
    books.put_back(VILLAGE, copy).begin_epoch(Reason.RESTORED)
    books.beat(VILLAGE)
    books.meet(VILLAGE)
    books.meet(TOWN)
    books.draw()
    assert books.differences(VILLAGE) == [(case, "rewound", "open")]
    assert books.verdict(VILLAGE) is Verdict.REWOUND
    books.do(VILLAGE, "resend", case=case)
    books.told()
    assert books.differences() == []
    assert books.verdict(VILLAGE) is Verdict.LEVEL


def test_a_case_that_died_with_a_restored_disk_is_named_by_what_its_earlier_life_had_told(
    books: Books,
) -> None:
    copy = books.back_up(VILLAGE)
    case = books.submit(VILLAGE)
    books.beat(VILLAGE)
    # Its report gets across; before the case does, the disk dies and yesterday's copy is put back.
    _only_control(books, VILLAGE)
    books.put_back(VILLAGE, copy).begin_epoch(Reason.RESTORED)
    books.told()
    assert books.differences(VILLAGE) == [(case, "rewound", "open")]
    with pytest.raises(LiandongError, match=r"sheet\.words"):
        books.do(VILLAGE, "accept", "", case=case)
    books.do(VILLAGE, "accept", "村里凭纸质材料重新登记为另一件", case=case)
    assert books.differences(VILLAGE) == [(case, "rewound", "accepted")]
    assert books.verdict(VILLAGE) is Verdict.ACCEPTED
    books.do(VILLAGE, "undo", "核错了", case=case)
    assert books.verdict(VILLAGE) is Verdict.REWOUND
    assert _history(books, case) == ["found", "accept", "undo"]


def test_two_devices_of_one_village_are_a_clone_until_one_of_them_is_put_away(books: Books) -> None:
    copy = books.back_up(VILLAGE)
    twin = Node.load(open_sqlite(copy), books.world, FileChunkStore(copy.with_suffix(".chunks")), "test")
    with twin.db.reading() as tx:
        Office.join(twin, tx)
    twin.begin_epoch(Reason.RESTORED)
    meeting.meet(twin, Line(books.nodes[TOWN], twin), TOWN)
    books.submit(VILLAGE)
    for _ in range(3):
        books.meet(VILLAGE)
    books.told()
    assert books.verdict(VILLAGE) is Verdict.CLONED
    assert {cause for _, cause, _ in books.differences(VILLAGE)} == {"cloned"}
    # People put the copy away, and the first device goes on.
    twin.db.close()
    books.nodes[VILLAGE].begin_epoch(Reason.RENEWED)
    books.settle()
    books.told()
    assert books.differences() == []
    assert books.verdict(VILLAGE) is Verdict.LEVEL


def test_a_message_that_the_city_set_aside_is_quarantined_until_it_is_released(books: Books) -> None:
    city = books.nodes[CITY]
    handler = city.dispatch._handlers[MessageType.CASE_SUBMITTED]
    # The city runs an older program for an hour.
    city.dispatch.forget(MessageType.CASE_SUBMITTED)
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    assert books.differences() == [(case, "quarantined", "open")]
    assert books.view().city(CITY).verdict is Verdict.QUARANTINED
    with pytest.raises(StateError, match=r"sheet\.still"):
        books.do(VILLAGE, "release")
    city.dispatch._handlers[MessageType.CASE_SUBMITTED] = handler
    books.do(VILLAGE, "release")
    assert books.differences() == []
    assert books.verdict(VILLAGE) is Verdict.LEVEL


def test_a_stick_that_was_lost_leaves_silence_and_the_next_one_mends_it(books: Books, stick: Stick) -> None:
    by_line = books.lines[VILLAGE].bytes
    case = books.submit(VILLAGE)
    books.beat(VILLAGE)
    export_at(books, VILLAGE, stick)
    for path in sorted(stick.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    books.world.pass_time(days=5)
    books.told(TOWN, NEIGHBOUR, OTHER_TOWN, FAR_VILLAGE)
    assert books.verdict(VILLAGE) is Verdict.LOST
    books.do(VILLAGE, "resend")
    books.settle(2, TOWN)
    # A second stick goes all the way: to the township with the case, back with the question, and up with the answer.
    for _ in range(3):
        books.beat(VILLAGE)
        export_at(books, VILLAGE, stick)
        bring(books, TOWN, stick)
        export_at(books, TOWN, stick)
        bring(books, VILLAGE, stick)
    books.told(TOWN)
    assert books.find(CITY, case) is not None
    assert books.verdict(VILLAGE) is Verdict.LEVEL
    assert books.differences() == []
    assert books.lines[VILLAGE].bytes == by_line


class _Late:
    """A world whose wall clock is wrong."""

    def __init__(self, world: World, by: timedelta) -> None:
        self._world, self.by = world, by

    def now(self) -> datetime:
        return self._world.now() + self.by

    def monotonic_s(self) -> float:
        return self._world.monotonic_s()

    def random_bytes(self, count: int) -> bytes:
        return self._world.random_bytes(count)


def test_a_clock_that_is_a_day_late_is_named_as_the_cause_until_it_is_set(books: Books) -> None:
    late = _Late(books.world, timedelta(hours=-24))
    office, node = books.office[VILLAGE], books.nodes[VILLAGE]
    node.world = office.casework.world = late
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    day = case[12:20]
    assert day != books.today
    assert (case, "clock", "open") in books.differences(VILLAGE)
    assert books.verdict(VILLAGE, day) is Verdict.CLOCK
    books.do(VILLAGE, "resend", case=case)
    late.by = timedelta()
    books.settle()
    books.told()
    assert books.differences() == []
    assert books.verdict(VILLAGE, day) is Verdict.LEVEL


def test_a_case_that_vanished_from_the_city_is_unknown_and_comes_back_from_the_streams(books: Books) -> None:
    case = books.submit(VILLAGE)
    books.settle()
    books.told()
    with books.nodes[CITY].db.transaction() as tx:
        tx.execute(sa.delete(CASE).where(CASE.c.id == case))
        tx.execute(sa.delete(CASE_MESSAGE).where(CASE_MESSAGE.c.case_id == case))
        books.city.bookkeeper.draw(tx, case[12:20], VILLAGE)
    assert books.differences() == [(case, "unknown", "open")]
    assert books.view().city(CITY).verdict is Verdict.UNKNOWN
    books.do(VILLAGE, "resend")
    books.told()
    books.settle()
    assert books.find(CITY, case) is not None
    books.told()
    assert books.differences() == []


def test_only_the_city_may_ask_and_nobody_speaks_in_another_s_name(books: Books) -> None:
    town = books.nodes[TOWN]
    with town.db.transaction() as tx:
        town.say(tx, [VILLAGE], Lane.CONTROL, RESEND_ASKED, encode_asked(ResendAsked(())))
    books.settle()
    with books.nodes[VILLAGE].db.reading() as tx:
        assert [one.code for one in held(tx)] == ["sheet.stranger"]
