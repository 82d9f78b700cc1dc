"""Offices without a line: a stick may be lost, old, doubled or late, and nothing is lost or entered twice."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.messages import Role
from core.states import State
from sync import compose as compose_module
from sync import stick_words
from sync.attachments import CHUNK_BYTES
from sync.bundle import Kind, read_bundle
from sync.stick import neighbours
from sync.stick_import import Fate, import_from
from sync.stick_layout import EXPORT_BYTES
from sync.stick_record import on_stick
from sync.tables import ENVELOPE
from sync.transport.usb import Stick
from tests.scenarios.offices import NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.sticks import bring, carry, contents, export_at, fates, files_on, state_of, waiting
from tests.scenarios.world import CITY, TOWN


def test_a_case_with_a_file_goes_up_and_its_decision_comes_back_by_stick_alone(
    net: Offices, stick: Stick
) -> None:
    item = net.items()[0]
    scan = net.world.random_bytes(5 * CHUNK_BYTES + 7)
    case_id = net.submit(VILLAGE, item, files=(scan,))
    export_at(net, VILLAGE, stick)
    carry(net, stick, TOWN, VILLAGE, TOWN)
    assert contents(net, TOWN, case_id) == scan
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    export_at(net, TOWN, stick)
    carry(net, stick, CITY)
    assert contents(net, CITY, case_id) == scan
    net.decide(case_id, item)
    export_at(net, CITY, stick)
    carry(net, stick, TOWN, VILLAGE)
    assert net.case(VILLAGE, case_id).state is State.GRANTED
    net.act(VILLAGE, case_id, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王桂兰"))
    export_at(net, VILLAGE, stick)
    carry(net, stick, TOWN, CITY, TOWN, VILLAGE, TOWN, CITY)
    rows = [net.case_rows(name) for name in (VILLAGE, TOWN, CITY)]
    assert rows[0] == rows[1] == rows[2]
    assert net.case(CITY, case_id).state is State.DELIVERED
    assert waiting(net, VILLAGE, TOWN) == 0
    assert net.lines[VILLAGE].bytes == net.lines[TOWN].bytes == 0
    with net.nodes[CITY].db.reading() as tx:
        carriers = set(tx.scalars(sa.select(ENVELOPE.c.carrier).where(ENVELOPE.c.came_from == TOWN)))
    assert carriers >= {"usb"}


def test_an_export_is_no_delivery_until_the_receipt_is_back_and_people_see_where_it_is(
    net: Offices, stick: Stick
) -> None:
    net.submit(VILLAGE)
    (export,) = export_at(net, VILLAGE, stick)
    assert export.envelopes > 0
    assert waiting(net, VILLAGE, TOWN) == export.envelopes
    node = net.nodes[VILLAGE]
    with node.db.reading() as tx:
        written = on_stick(tx, TOWN)
    assert written is not None
    assert (written["label"], written["envelopes"]) == ("KINGSTON", export.envelopes)
    assert "KINGSTON" in stick_words.on_stick_words(written, TOWN, "zh")
    bring(net, TOWN, stick)
    assert waiting(net, VILLAGE, TOWN) == export.envelopes
    bring(net, VILLAGE, stick)
    assert waiting(net, VILLAGE, TOWN) == 0
    with node.db.reading() as tx:
        assert on_stick(tx, TOWN) is None


def test_what_is_recorded_after_an_export_is_not_said_to_be_on_the_stick(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    net.settle(1)
    net.submit(VILLAGE)
    net.upward(VILLAGE)
    assert waiting(net, VILLAGE, TOWN) > 0
    with net.nodes[VILLAGE].db.reading() as tx:
        assert on_stick(tx, TOWN) is None


def test_importing_twice_has_one_effect_and_gives_the_same_receipts(
    net: Offices, stick: Stick, tmp_path: Path
) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(70_000),))
    export_at(net, VILLAGE, stick)
    first = bring(net, TOWN, stick, answer=False)
    first_receipts = _receipts(net, tmp_path / "first")
    state, rows = state_of(net.nodes[TOWN]), net.case_rows(TOWN)
    again = bring(net, TOWN, stick, answer=False)
    assert (fates(first), fates(again)) == ([Fate.TAKEN], [Fate.NOTHING_NEW])
    assert _receipts(net, tmp_path / "again") == first_receipts != []
    assert (state_of(net.nodes[TOWN]), net.case_rows(TOWN)) == (state, rows)
    assert any("都已收过" in line for line in stick_words.import_words(again, "K", "zh"))


def _receipts(net: Offices, folder: Path) -> list[bytes]:
    """The receipts that the township writes for the village now."""
    folder.mkdir()
    export_at(net, TOWN, Stick(folder), VILLAGE)
    data = [path.read_bytes() for path in files_on(Stick(folder))]
    return [frame.payload for bundle in data for frame in read_bundle(bundle) if frame.kind is Kind.RECEIPT]


def test_stick_and_line_together_make_no_duplicate_in_either_order(net: Offices, stick: Stick) -> None:
    one = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    net.meet(VILLAGE)
    late = bring(net, TOWN, stick)
    assert fates(late) == [Fate.NOTHING_NEW]
    two = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick, answer=False)
    rows = net.case_rows(TOWN)
    net.meet(VILLAGE)
    assert net.case_rows(TOWN) == rows
    assert {row[1] for row in rows} == {one, two}
    assert waiting(net, VILLAGE, TOWN) == 0


def test_receipts_for_a_stick_come_over_the_line_before_anything_is_sent_twice(
    net: Offices, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    export_at(net, TOWN, stick, VILLAGE)
    bring(net, VILLAGE, stick, answer=False)
    (bundle,) = files_on(stick)
    carried = {frame.payload for frame in read_bundle(bundle.read_bytes()) if frame.kind is Kind.ENVELOPE}
    answers: list[bytes] = []
    exchange = net.lines[VILLAGE].exchange
    monkeypatch.setattr(
        net.lines[VILLAGE], "exchange", lambda data: answers.append(exchange(data)) or answers[-1]
    )
    net.meet(VILLAGE)
    came = {frame.payload for answer in answers for frame in read_bundle(answer)}
    assert carried
    assert not carried & came
    assert waiting(net, TOWN, VILLAGE) == 0


def test_a_lost_stick_is_replaced_by_exporting_again(net: Offices, stick: Stick, tmp_path: Path) -> None:
    case_id = net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    (tmp_path / "SECOND").mkdir()
    second = Stick(tmp_path / "SECOND")
    net.submit(VILLAGE)
    export_at(net, VILLAGE, second)
    bring(net, TOWN, second)
    assert net.find(TOWN, case_id) is not None
    rows = net.case_rows(TOWN)
    assert len(rows) == 2
    # The lost one is found again, much later.
    late = bring(net, TOWN, stick)
    assert fates(late) == [Fate.NOTHING_NEW]
    assert net.case_rows(TOWN) == rows


def test_a_lost_answer_is_given_again_at_the_next_export(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    for path in files_on(stick):
        if path.name.startswith(TOWN):
            path.unlink()
    bring(net, VILLAGE, stick)
    assert waiting(net, VILLAGE, TOWN) > 0
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    bring(net, VILLAGE, stick)
    assert waiting(net, VILLAGE, TOWN) == 0
    assert len(net.case_rows(TOWN)) == 1


def test_exporting_again_replaces_our_unsigned_bundle_and_nobody_elses(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    net.submit(NEIGHBOUR)
    export_at(net, VILLAGE, stick)
    export_at(net, NEIGHBOUR, stick)
    strange = stick.folder / f"{VILLAGE}-to-{TOWN}-00000001-00000000.ldb"
    strange.write_bytes(b"not ours in spite of its name")
    before = set(files_on(stick))
    net.submit(VILLAGE)
    (export,) = export_at(net, VILLAGE, stick)
    gone = before - set(files_on(stick))
    assert export.removed == len(gone) == 1
    assert strange.exists()
    report = bring(net, TOWN, stick, answer=False)
    assert sorted(fates(report)) == sorted([Fate.FOREIGN, Fate.TAKEN, Fate.TAKEN])
    assert len(net.case_rows(TOWN)) == 3


def test_our_bundle_is_cleaned_away_once_its_addressee_has_signed(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE, files=(net.world.random_bytes(40_000),))
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    assert any(path.name.startswith(VILLAGE) for path in files_on(stick))
    report = bring(net, VILLAGE, stick)
    assert report.answers[0].removed == 1
    ours = [
        found
        for found in import_from(stick, net.nodes[VILLAGE], dry_run=True).found
        if found.fate is Fate.OWN
    ]
    # What is left of ours is at most the short note that the township's answer arrived.
    assert all(found.size < 8000 for found in ours)
    assert any("清理" in line for line in stick_words.import_words(report, "K", "zh"))


def test_two_offices_stop_answering_each_other_when_nothing_is_new(net: Offices, stick: Stick) -> None:
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    bundles = [
        sum(answer.bundles for answer in bring(net, name, stick).answers)
        for _ in range(4)
        for name in (TOWN, VILLAGE)
    ]
    assert bundles[0] == 1
    assert bundles[-4:] == [0, 0, 0, 0]


def test_a_large_backlog_is_split_and_every_bundle_counts_alone(net: Offices, stick: Stick) -> None:
    scans = [net.world.random_bytes(3 * 1024 * 1024) for _ in range(3)]
    ids = [net.submit(VILLAGE, files=(scan,)) for scan in scans]
    (export,) = export_at(net, VILLAGE, stick)
    files = files_on(stick)
    assert export.bundles == len(files) == 3
    assert all(path.stat().st_size <= EXPORT_BYTES + 64 * 1024 for path in files)
    frames = [
        frame.payload
        for path in files
        for frame in read_bundle(path.read_bytes())
        if frame.kind in (Kind.ENVELOPE, Kind.CHUNK)
    ]
    assert len(frames) == len(set(frames)) == export.envelopes + export.chunks
    middle = files[1].read_bytes()
    files[1].unlink()
    report = bring(net, TOWN, stick, answer=False)
    assert fates(report) == [Fate.TAKEN, Fate.TAKEN]
    files[1].write_bytes(middle)
    bring(net, TOWN, stick)
    assert [contents(net, TOWN, case_id) for case_id in ids] == scans
    bring(net, VILLAGE, stick)
    assert waiting(net, VILLAGE, TOWN) == 0


def test_more_files_than_a_contact_looks_at_all_go_on_the_stick(
    net: Offices, stick: Stick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_module, "FILES_MAX", 2)
    scans = [net.world.random_bytes(1000) for _ in range(5)]
    ids = [net.submit(VILLAGE, files=(scan,)) for scan in scans]
    export_at(net, VILLAGE, stick)
    bring(net, TOWN, stick)
    assert [contents(net, TOWN, case_id) for case_id in ids] == scans


def test_a_township_carries_for_the_city_and_its_villages_and_a_village_only_for_its_township(
    net: Offices, stick: Stick
) -> None:
    assert neighbours(net.nodes[VILLAGE]) == (TOWN,)
    assert set(neighbours(net.nodes[TOWN])) == {CITY, VILLAGE, NEIGHBOUR}
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    net.act(TOWN, case_id, Role.WINDOW, b.NoteAdded("已转市里"))
    exports = export_at(net, TOWN, stick)
    assert {export.peer for export in exports if export.bundles} == {CITY, VILLAGE}
    at_city, at_village = bring(net, CITY, stick), bring(net, VILLAGE, stick)
    assert sorted(fates(at_city)) == sorted([Fate.TAKEN, Fate.FOR_ANOTHER])
    assert at_village.count(Fate.TAKEN) == 1
    assert net.find(CITY, case_id) is not None
