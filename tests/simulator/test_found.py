"""What the simulator has found, each kept as the shortest story that shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.identifiers import NodeId
from sync import meeting
from sync.transport.base import LineDown
from tests.simulator.hpke import repeatable_sealing
from tests.simulator.plans import CALM
from tests.simulator.world import City

VILLAGE, TOWNSHIP = NodeId("430981102001"), NodeId("430981102000")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with repeatable_sealing():
        city = City(1, CALM, tmp_path)
        city.misfortune.stopped = True
        yield city
        for site in city.sites.values():
            site.close()


def _meet(city: City) -> meeting.Meeting:
    village = city.sites[VILLAGE]
    assert village.node is not None
    return meeting.meet(village.node, city.lines[VILLAGE], TOWNSHIP)


def test_a_parent_that_forgot_its_child_learns_it_again(city: City) -> None:
    _meet(city)
    township = city.sites[TOWNSHIP]
    assert township.db is not None
    with township.db.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM sync_key WHERE node = ?", (VILLAGE,))
    township.lose_power()
    township.start()
    with pytest.raises(LineDown):
        _meet(city)
    assert _meet(city).rounds > 0


def test_a_clock_between_the_beginnings_of_two_certificates_stops_no_contact(city: City) -> None:
    """Seed 37: an hour back soon after enrolment; the same befalls a slow clock when its parent renews."""
    for site in city.sites.values():
        above = city.sites.get(site.parent) if site.parent else None
        if above is None or site.node is None or above.node is None:
            continue
        meeting.meet(site.node, city.lines[site.name], above.name)
        mine, theirs = (n.keyring.pair.signing.not_before for n in (site.node, above.node))
        if mine < theirs:
            site.clock.offset += mine + (theirs - mine) / 2 - site.clock.now()
            assert meeting.meet(site.node, city.lines[site.name], above.name).rounds > 0
            return
    pytest.fail("in this seed no child was enrolled before its parent by its own clock")
