"""A node tells the city its figures when they changed, a day has passed or it is asked, and never too often."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.carriage import Figures
from core.errors import PeerError
from core.identifiers import CaseId, NodeId, case_id_parts
from core.sheet_report import SHEET_REPORTED, ResendAsked, SheetReport, decode_report, encode_asked
from core.store import reporting
from core.store.reporting import EVERY_S, LOOK_EVERY_S, Reporter
from sync.own_figures import OwnFigures
from tests.unit.desk_kit import CITY, TOWN, VILLAGE, Place


class Teller:
    """The village of a place, and what it has told."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.node = self.place.network.nodes[VILLAGE]
        self.told: list[SheetReport] = []
        office, carrying = self.place.offices[VILLAGE], OwnFigures(self.node)
        self.reporter = Reporter(VILLAGE, office, self.node.world, self.note, carrying)
        self.beat()

    def note(self, tx: sa.Connection, **said: object) -> None:
        assert said["type_"] == SHEET_REPORTED and said["readers"] == [CITY]
        body = said["body"]
        assert isinstance(body, bytes)
        self.told.append(decode_report(body))

    def beat(self, **passed: float) -> bool:
        self.place.network.world.pass_time(**passed or {"seconds": EVERY_S})
        return self.reporter.beat(self.node.db)

    def sets(self) -> Sequence[tuple[str, int]]:
        """Day and number of cases of each set in the last report."""
        return [(one.day, len(one.counters)) for one in self.told[-1].sets]

    def ask(self, *cases: CaseId, origin: NodeId = CITY) -> None:
        with self.node.db.transaction() as tx:
            self.reporter.take_asked(tx, origin, "", encode_asked(ResendAsked(cases)))


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    made = Teller(tmp_path)
    yield made
    made.place.network.close()


def test_what_did_not_change_is_not_told_again_until_the_next_day(teller: Teller) -> None:
    assert len(teller.told) == 1
    assert not teller.beat() and len(teller.told) == 1
    assert teller.beat(days=1)
    assert [one.number for one in teller.told] == [1, 2]
    assert teller.told[-1].sets == ()


def test_a_change_is_told_but_not_sooner_than_ten_minutes_after_the_last_report(teller: Teller) -> None:
    case = teller.place.submit()
    assert not teller.beat(seconds=EVERY_S / 2)
    assert not teller.beat(seconds=1), "it does not even look"
    assert teller.beat(seconds=EVERY_S)
    assert teller.sets() == [(f"{case_id_parts(case.id).day:%Y%m%d}", 1)]


def test_looking_is_not_done_at_every_beat(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Figures] = []
    look = OwnFigures.figures

    def counted(own: OwnFigures, tx: sa.Connection) -> Figures:
        looks.append(look(own, tx))
        return looks[-1]

    monkeypatch.setattr(OwnFigures, "figures", counted)
    teller.beat()
    for _ in range(10):
        teller.beat(seconds=LOOK_EVERY_S / 20)
    assert len(looks) == 1
    teller.beat(seconds=LOOK_EVERY_S)
    assert len(looks) == 2


def test_a_case_that_moved_without_a_new_one_on_its_day_is_not_told_again(teller: Teller) -> None:
    case = teller.place.submit()
    assert teller.beat()
    with teller.node.db.transaction() as tx:
        teller.reporter.notice(tx, case)
    assert not teller.beat()
    with teller.node.db.reading() as tx:
        assert not tx.scalar(sa.select(sa.func.count()).where(reporting.SHEET_DAY.c.due))


def test_more_cases_than_one_report_holds_follow_in_the_next_the_newest_day_first(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "CASES_MAX", 2)
    days = []
    for _ in range(3):
        teller.place.network.world.pass_time(days=1)
        days += [f"{case_id_parts(teller.place.submit().id).day:%Y%m%d}" for _ in range(2)][:1]
    told = []
    for _ in range(3):
        assert teller.beat()
        told += teller.sets()
    assert told == [(day, 2) for day in reversed(days)]
    assert [one.more for one in teller.told[-3:]] == [True, True, False]


def test_when_the_city_asks_the_days_of_the_named_cases_are_told_anew_at_once(teller: Teller) -> None:
    case = teller.place.submit()
    assert teller.beat() and not teller.beat()
    teller.ask(case.id)
    assert teller.beat(seconds=1)
    assert teller.sets() == [(f"{case_id_parts(case.id).day:%Y%m%d}", 1)]
    teller.ask()
    assert teller.beat(seconds=1) and teller.told[-1].sets == ()
    assert not teller.beat()


def test_only_the_city_may_ask(teller: Teller) -> None:
    with pytest.raises(PeerError, match=r"sheet\.stranger"):
        teller.ask(origin=TOWN)
    assert not teller.beat()


def test_a_new_epoch_says_every_day_anew(teller: Teller) -> None:
    case = teller.place.submit()
    assert teller.beat()
    with teller.node.db.transaction() as tx:
        tx.execute(sa.delete(reporting.SHEET_SAID))
    assert teller.beat()
    assert teller.sets() == [(f"{case_id_parts(case.id).day:%Y%m%d}", 1)]
    assert teller.told[-1].number == 1
