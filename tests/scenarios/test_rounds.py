"""How long neighbours go on meeting: while something gets across, and no longer."""

from pathlib import Path

from core.identifiers import NodeId
from sync import attachments, meeting
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import CITY

TOWN = NodeId(VILLAGE[:9] + "000")
SCAN = bytes(range(256)) * 1600
ROUNDS_ENOUGH = 8
"""Case and offer, receipts, wishes, one more look."""


def _city_where_a_scan_stays_behind(tmp_path: Path) -> Offices:
    """Everything of a case has reached the township but the parts of its scan."""
    city = Offices(tmp_path, 1, VILLAGE)
    city.submit(VILLAGE, files=(SCAN,))
    chunks = tmp_path / f"{VILLAGE}-chunks"
    chunks.rename(tmp_path / "elsewhere")
    chunks.mkdir()
    return city


def test_parts_that_are_not_here_yet_do_not_keep_two_nodes_asking_each_other(tmp_path: Path) -> None:
    city = _city_where_a_scan_stays_behind(tmp_path)
    below = meeting.meet(city.nodes[VILLAGE], city.lines[VILLAGE], TOWN)
    above = meeting.meet(city.nodes[TOWN], city.lines[TOWN], CITY)
    assert below.rounds <= ROUNDS_ENOUGH
    assert above.rounds <= ROUNDS_ENOUGH


def test_parts_that_come_later_go_all_the_way_in_the_next_meetings(tmp_path: Path) -> None:
    city = _city_where_a_scan_stays_behind(tmp_path)
    city.settle()
    (tmp_path / f"{VILLAGE}-chunks").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / f"{VILLAGE}-chunks")
    meeting.meet(city.nodes[VILLAGE], city.lines[VILLAGE], TOWN)
    meeting.meet(city.nodes[TOWN], city.lines[TOWN], CITY)
    for name in (VILLAGE, TOWN):
        parent = city.nodes[name].place.parent
        assert parent is not None
        assert not meeting.is_owing(city.nodes[name], parent)


def test_a_part_that_rotted_on_the_way_is_sent_a_few_times_and_not_all_night(tmp_path: Path) -> None:
    city = Offices(tmp_path, 1, VILLAGE)
    city.submit(VILLAGE, files=(SCAN,))
    part = next((tmp_path / f"{VILLAGE}-chunks").rglob("*/*"))
    data = part.read_bytes()
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = meeting.meet(city.nodes[VILLAGE], city.lines[VILLAGE], TOWN)
    assert done.rounds <= ROUNDS_ENOUGH
    assert done.sent_bytes < 3 * len(SCAN)


def test_a_part_that_was_signed_for_and_lost_comes_in_the_meeting_that_tells_of_it(tmp_path: Path) -> None:
    city = Offices(tmp_path, 1, VILLAGE)
    case_id = city.submit(VILLAGE, files=(SCAN,))
    city.settle(2)
    (manifest,) = city.case(CITY, case_id).attachments
    node = city.nodes[CITY]
    lost = manifest.chunks[0]
    next((tmp_path / f"{CITY}-chunks").rglob(lost)).unlink()
    with node.db.transaction() as tx:
        assert attachments.lose_chunk(tx, lost) == [manifest.id]
    meeting.meet(city.nodes[TOWN], city.lines[TOWN], CITY)
    assert attachments.open_file(manifest, node.chunks) == SCAN
