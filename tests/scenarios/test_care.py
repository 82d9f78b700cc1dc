"""A node that its disk fails: rot is found, never handed on, fetched again; a full disk still drains; held things go on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import InputError, LocalError, StateError
from core.identifiers import CaseId, NodeId, new_id
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.engine import open_sqlite
from core.store.office import Office
from sync import attachments, audit, damage, held, scrub
from sync.chunkstore import FileChunkStore
from sync.doctor import Level, examine
from sync.installation import Installation
from sync.node import Node
from sync.outbox import queue_of
from sync.overview import troubles
from sync.packing import Message
from sync.reserve import Reserve
from sync.settings import Settings
from sync.status import status
from sync.stream import append
from sync.stream_id import Lane
from sync.tables import ATTACHMENT, AUDIT, ENVELOPE, QUARANTINE, STREAM
from tests.scenarios.offices import CITY, VILLAGE, Offices
from tests.scenarios.world import TOWN, Line
from tests.unit.small_disk import fill, small_disk

INTAKE = (ENVELOPE.c.seq == 1) & ENVELOPE.c.stream_id.in_(
    sa.select(STREAM.c.id).where(STREAM.c.origin == VILLAGE, STREAM.c.lane == Lane.INTAKE)
)
"""The envelope that carries the village's first case."""
FILE = b"a scanned page " * 5000


def _rot(node: Node, column: sa.Column[Any], where: sa.ColumnElement[bool]) -> bytes:
    """Flip one bit in a stored value, as a bad disk does; returns what was there."""
    with node.db.transaction() as tx:
        before = bytes(tx.execute(sa.select(column).where(where)).scalars().first() or b"")
        bad = bytes([before[0] ^ 1]) + before[1:]
        tx.execute(sa.update(column.table).where(where).values({column.name: bad}))
    return before


def _value(node: Node, query: sa.Select[Any]) -> Any:
    with node.db.reading() as tx:
        return tx.scalar(query)


def _codes(node: Node, folder: Path, level: Level = Level.BAD) -> list[str]:
    folder.mkdir(exist_ok=True)
    installation = Installation(folder, Settings(node=node.place.node), node.db, node)
    return [finding.code for finding in examine(installation) if finding.level is level]


def _audited(node: Node, action: str) -> list[tuple[str, str]]:
    with node.db.reading() as tx:
        rows = tx.execute(sa.select(AUDIT).where(AUDIT.c.action == action).order_by(AUDIT.c.number))
        return [(row.subject, json.loads(row.detail)["kind"]) for row in rows]


def _chunk_path(net: Offices, name: NodeId, digest: str) -> Path:
    return net.folder / f"{name}-chunks" / digest[:2] / digest


def _first_chunk(net: Offices, name: NodeId) -> str:
    return str(json.loads(_value(net.nodes[name], sa.select(ATTACHMENT.c.chunks)))[0])


def _whole(net: Offices, name: NodeId, case_id: CaseId) -> bool:
    manifest = net.case(CITY, case_id).attachments[0]
    return attachments.open_file(manifest, net.nodes[name].chunks) == FILE


def test_a_sound_node_is_walked_through_to_the_end_and_nothing_is_found(net: Offices) -> None:
    net.submit(VILLAGE, files=(FILE,))
    net.settle(3)
    for node in net.nodes.values():
        cycle = scrub.scrub(node, None)
        assert (cycle.part, cycle.found) == ("", 0)
        assert cycle.checked > (10 if node.place.node in (VILLAGE, TOWN) else 0)
        assert cycle.finished_at is not None


def test_a_walk_that_is_cut_off_goes_on_where_it_was(net: Offices) -> None:
    net.submit(VILLAGE, files=(FILE,))
    net.settle(2)
    town = net.nodes[TOWN]
    first = scrub.scrub(town, None, steps_max=3)
    assert first.part != ""
    steps: list[scrub.Cycle] = []
    again = Node.load(town.db, net.world, town.chunks, "test")
    whole = scrub.scrub(again, None, progress=steps.append)
    assert whole.started_at == first.started_at
    assert whole.part == ""
    assert all(step.checked >= first.checked for step in steps)
    assert [step.part for step in steps] == ["file", "message", "case", "said", ""][-len(steps) :]
    assert scrub.scrub(again, None, steps_max=1).started_at > first.started_at


@pytest.mark.parametrize("column", [CASE.c.data, CASE.c.digest, CASE.c.state])
def test_a_case_row_that_rots_is_named_and_made_again_from_its_messages(
    net: Offices, column: sa.Column[Any]
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(2)
    town = net.nodes[TOWN]
    before = net.case_rows(TOWN)
    if column is CASE.c.data:
        _rot(town, column, CASE.c.id == case_id)
    else:
        with town.db.transaction() as tx:
            tx.execute(sa.update(CASE).values({column.name: "rotten"}))
    cycle = scrub.scrub(town, None)
    assert (cycle.found, cycle.mended) == (1, 1)
    assert net.case_rows(TOWN) == before
    assert _audited(town, "damage.found") == [(case_id, "case")]
    assert _audited(town, "damage.mended") == [(case_id, "case")]
    assert scrub.scrub(town, None).found == 0


@pytest.mark.parametrize("name", [VILLAGE, TOWN, CITY])
def test_a_message_that_rots_is_taken_from_its_envelope_again(net: Offices, name: NodeId) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(3)
    node = net.nodes[name]
    good = _rot(node, CASE_MESSAGE.c.data, CASE_MESSAGE.c.case_id == case_id)
    cycle = scrub.scrub(node, None)
    assert (cycle.found, cycle.mended) == (1, 1)
    assert bytes(_value(node, sa.select(CASE_MESSAGE.c.data))) == good


def test_rot_that_has_no_truth_left_is_an_alarm_until_it_is_gone(net: Offices, tmp_path: Path) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(1)
    town = net.nodes[TOWN]
    good = _rot(town, CASE_MESSAGE.c.data, CASE_MESSAGE.c.case_id == case_id)
    _rot(town, CASE.c.data, CASE.c.id == case_id)
    with town.db.transaction() as tx:
        tx.execute(sa.text("DELETE FROM applied_message"))
    for _ in range(2):
        assert scrub.scrub(town, None).mended == 0
        assert {"damage.case", "damage.message"} <= set(_codes(town, tmp_path / "doctor"))
    assert sorted(_audited(town, "damage.found")) == [(case_id, "case"), (case_id, "message")]
    with town.db.transaction() as tx:
        tx.execute(sa.update(CASE_MESSAGE).values(data=good))
    scrub.scrub(town, None)
    assert "damage.case" not in _codes(town, tmp_path / "doctor")
    assert net.find(TOWN, case_id) is not None


def test_an_envelope_that_rots_before_it_is_sent_is_never_handed_on_and_comes_again_from_its_origin(
    net: Offices, tmp_path: Path
) -> None:
    case_id = net.submit(VILLAGE)
    net.meet(VILLAGE)
    town, intake = net.nodes[TOWN], INTAKE
    good = _rot(town, ENVELOPE.c.data, intake)
    sent: list[bytes] = []
    exchange = net.lines[TOWN].exchange
    net.lines[TOWN].exchange = lambda bundle: (sent.append(bundle), exchange(bundle))[1]  # type: ignore[method-assign]
    net.meet(TOWN)
    assert net.find(CITY, case_id) is None
    assert all(good[1:] not in bundle for bundle in sent)
    assert net.codes(CITY) == []
    assert _codes(town, tmp_path / "doctor") == ["damage.envelope"]
    net.meet(VILLAGE)
    net.meet(VILLAGE)
    assert bytes(_value(town, sa.select(ENVELOPE.c.data).where(intake))) == good
    net.meet(TOWN)
    assert net.find(CITY, case_id) is not None
    assert _codes(town, tmp_path / "doctor") == []
    assert net.codes(TOWN) == net.codes(VILLAGE) == []


def test_an_own_envelope_that_rots_after_it_was_signed_for_comes_back_from_the_parent(net: Offices) -> None:
    net.submit(VILLAGE)
    net.settle(2)
    village, own = net.nodes[VILLAGE], INTAKE
    good = _rot(village, ENVELOPE.c.data, own)
    assert scrub.scrub(village, None).found == 1
    net.meet(VILLAGE)
    assert bytes(_value(village, sa.select(ENVELOPE.c.data).where(own))) == good
    with village.db.reading() as tx:
        assert damage.count(tx) == 0
    assert net.codes(TOWN) == net.codes(VILLAGE) == []


def test_a_digest_that_rots_in_the_ledger_is_put_right_by_the_next_envelope(net: Offices) -> None:
    for _ in range(2):
        net.submit(VILLAGE)
        net.settle(1)
    town = net.nodes[TOWN]
    first = INTAKE
    good = _rot(town, ENVELOPE.c.digest, first)
    cycle = scrub.scrub(town, None)
    assert (cycle.found, cycle.mended) == (1, 1)
    assert bytes(_value(town, sa.select(ENVELOPE.c.digest).where(first))) == good


def test_an_envelope_that_rots_before_it_takes_effect_is_applied_once_it_has_come_again(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    town = net.nodes[TOWN]
    apply_ready, town_apply = type(town).apply_ready, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(town), "apply_ready", lambda node: town_apply.append(node))
        net.meet(VILLAGE)
    _rot(town, ENVELOPE.c.data, INTAKE)
    scrub.scrub(town, None)
    apply_ready(town)
    assert net.find(TOWN, case_id) is None
    net.meet(VILLAGE)
    net.meet(VILLAGE)
    assert town.retry_quarantined() == 1
    assert net.find(TOWN, case_id) is not None


@pytest.mark.parametrize("name", [VILLAGE, TOWN, CITY])
@pytest.mark.parametrize("fault", ["rotted", "vanished"])
def test_a_chunk_that_rots_or_vanishes_is_moved_aside_named_and_fetched_again(
    net: Offices, tmp_path: Path, name: NodeId, fault: str
) -> None:
    case_id = net.submit(VILLAGE, files=(FILE,))
    net.settle(3)
    node, digest = net.nodes[name], _first_chunk(net, name)
    path = _chunk_path(net, name, digest)
    if fault == "rotted":
        path.write_bytes(b"rotten" + path.read_bytes()[6:])
    else:
        path.unlink()
    cycle = scrub.scrub(node, None)
    assert (cycle.found, cycle.mended) == (1, 0)
    assert _audited(node, "damage.found") == [(case_id, "chunk")]
    assert _codes(node, tmp_path / "doctor") == ["damage.chunk"]
    with pytest.raises(LocalError, match=r"attachment\.incomplete"):
        _whole(net, name, case_id)
    assert _value(node, sa.select(ATTACHMENT.c.complete_at)) is None
    net.settle(2)
    assert _whole(net, name, case_id)
    scrub.mend_known(node)
    assert _codes(node, tmp_path / "doctor") == []
    assert all(net.codes(other) == [] for other in net.nodes)
    before = sum(line.bytes for line in net.lines.values())
    net.settle(1)
    # What was given back is not given again and again.
    assert sum(line.bytes for line in net.lines.values()) - before < len(FILE)


def test_a_rotted_chunk_is_never_sent_and_is_found_by_whoever_reads_it(net: Offices) -> None:
    case_id = net.submit(VILLAGE, files=(FILE,))
    net.meet(VILLAGE)
    net.meet(VILLAGE)
    town, digest = net.nodes[TOWN], _first_chunk(net, TOWN)
    path = _chunk_path(net, TOWN, digest)
    path.write_bytes(b"rotten" + path.read_bytes()[6:])
    net.meet(TOWN)
    assert net.codes(CITY) == []
    assert not path.exists()
    assert scrub.mend_known(town) == 1
    net.settle(3)
    assert _whole(net, CITY, case_id)
    assert scrub.mend_known(town) == 0


def test_a_neighbour_that_does_not_hold_a_file_cannot_ask_for_its_chunks(net: Offices) -> None:
    net.submit(VILLAGE, files=(FILE,))
    net.settle(3)
    town = net.nodes[TOWN]
    stranger = NodeId("430981102202")
    with town.db.transaction() as tx:
        id_, have = tx.execute(sa.select(ATTACHMENT.c.id, ATTACHMENT.c.have)).one()
        for asker in (stranger, VILLAGE):
            attachments.take_want(tx, asker, id_, bytes(len(have)))
        assert list(attachments.chunks_owed(tx, stranger, None)) == []
        assert list(attachments.chunks_owed(tx, VILLAGE, None)) != []
        assert list(attachments.chunks_owed(tx, VILLAGE, None)) == []


def test_an_edited_audit_log_is_named_by_the_walk(net: Offices, tmp_path: Path) -> None:
    net.submit(VILLAGE)
    net.settle(2)
    city = net.nodes[CITY]
    with city.db.transaction() as tx:
        for _ in range(3):
            audit.note(tx, net.world, actor="a", action="b")
        tx.execute(sa.update(AUDIT).where(AUDIT.c.number == 2).values(actor="somebody"))
    scrub.scrub(city, None)
    with city.db.reading() as tx:
        assert [one.kind for one in damage.known(tx)] == ["audit"]
    assert {"damage.audit", "audit.broken"} <= set(_codes(city, tmp_path / "doctor"))


def _say(net: Offices, type_: str) -> str:
    node, id_ = net.nodes[VILLAGE], new_id(net.world)
    with node.db.transaction() as tx:
        append(
            tx,
            node.place,
            net.world,
            readers=[CITY, TOWN],
            lane=Lane.INTAKE,
            message=Message(id_, type_, 1, "", b"{}"),
        )
    return id_


def test_a_message_that_failed_five_times_is_released_by_a_person_once_its_cause_is_mended(
    net: Offices, tmp_path: Path
) -> None:
    town = net.nodes[TOWN]
    is_broken = True

    def handler(tx: sa.Connection, incoming: object) -> None:
        if is_broken:
            raise ValueError("defect")

    town.dispatch.on("Poison", handler)
    id_ = _say(net, "Poison")
    net.settle(1)
    for _ in range(20):
        assert town.retry_quarantined() == 0
    assert _value(town, sa.select(QUARANTINE.c.tries)) == 5
    one, failed = held.release(town, id_[:10], actor="cli")
    assert failed is not None
    assert failed.code == "message.failed"
    assert _value(town, sa.select(QUARANTINE.c.tries)) == 6
    is_broken = False
    assert town.retry_quarantined() == 0
    one, failed = held.release(town, id_, actor="cli", dry_run=True)
    assert failed is None
    assert _value(town, sa.select(QUARANTINE.c.released_at)) is None
    one, failed = held.release(town, id_, actor="cli")
    assert (one.id, failed) == (id_, None)
    with town.db.reading() as tx:
        lines = tx.scalars(sa.select(AUDIT.c.detail).where(AUDIT.c.action == "message.released")).all()
        assert held.held(tx) == []
    assert [json.loads(line)["code"] for line in lines] == ["message.failed", ""]
    with pytest.raises(InputError, match=r"held\.unknown"):
        held.release(town, id_, actor="cli")


def test_status_doctor_and_desk_say_the_same_of_what_is_held(net: Offices, tmp_path: Path) -> None:
    ids = {_say(net, "SeasonGreeting") for _ in range(3)}
    net.settle(1)
    town = net.nodes[TOWN]
    installation = Installation(tmp_path, Settings(node=TOWN), town.db, town)
    with town.db.reading() as tx:
        waiting = held.held(tx)
        desk = [one for one in troubles(installation, tx) if one["kind"] == "quarantine"]
    assert {one.id for one in waiting} == ids
    assert "升级" in waiting[0].do_zh
    assert status(installation)["quarantined"] == len(desk) == 3
    assert _codes(town, tmp_path, Level.WARN).count("message.quarantined") == 3


def test_a_stream_on_hold_is_listed_and_not_simply_let_go(net: Offices) -> None:
    net.submit(VILLAGE)
    net.settle(1)
    town = net.nodes[TOWN]
    with town.db.transaction() as tx:
        tx.execute(sa.text("UPDATE stream SET hold = 'two histories' WHERE origin = :o"), {"o": VILLAGE})
    with town.db.reading() as tx:
        (one, *_) = held.held(tx)
    assert (one.kind, one.subject, one.zh) == ("stream", VILLAGE, "two histories")
    with pytest.raises(StateError, match=r"held\.stream"):
        held.release(town, one.id, actor="cli")


def test_a_node_whose_reserve_is_out_refuses_what_is_new_and_still_sends_and_takes_receipts(
    net: Offices, tmp_path: Path
) -> None:
    first = net.submit(VILLAGE)
    net.meet(VILLAGE)
    town = net.nodes[TOWN]
    folder = tmp_path / "town"
    folder.mkdir()
    reserve = Reserve(folder, size=65536, room=0, low=0)
    reserve.first()
    town.db.reserve = reserve
    reserve.release()
    second = net.submit(VILLAGE)
    net.meet(VILLAGE)
    net.meet(TOWN)
    assert net.find(CITY, first) is not None
    with town.db.reading() as tx:
        assert queue_of(tx, CITY).envelopes == 0
    assert net.find(TOWN, second) is None
    assert set(net.codes(TOWN)) == {"store.short"}
    assert "disk.reserve_out" in _codes(town, folder)
    with town.db.reading() as tx:
        desk = troubles(Installation(folder, Settings(node=TOWN), town.db, town), tx)
    assert [one["kind"] for one in desk] == ["disk"]
    reserve.look()
    net.settle(1)
    assert net.find(CITY, second) is not None
    assert "disk.reserve_out" not in _codes(town, folder)


def test_a_draft_scan_that_rots_is_told_when_it_is_handed_in(net: Offices) -> None:
    village = net.nodes[VILLAGE]
    sealed = attachments.seal_file(net.world, FILE, village.chunks)
    path = _chunk_path(net, VILLAGE, sealed.chunks[0])
    path.write_bytes(b"x")
    cycle = scrub.scrub(village, None)
    assert cycle.found == 1
    assert scrub.mend_known(village) == 0
    with pytest.raises(LocalError, match=r"attachment\.missing"):
        attachments.require_whole(sealed.chunks, village.chunks)
    assert isinstance(village.chunks, FileChunkStore)
    assert village.chunks.moved_aside() == []


def test_a_township_whose_disk_is_really_full_takes_nothing_new_and_drains_to_the_last_envelope(
    net: Offices, tmp_path: Path
) -> None:
    cases = [net.submit(VILLAGE) for _ in range(5)]
    net.meet(VILLAGE)
    net.nodes[TOWN].db.close()
    with small_disk(tmp_path / "disk", "12m") as disk:
        shutil.copyfile(net.folder / f"{TOWN}.db", disk / "node.db")
        town = _move(net, TOWN, disk)
        reserve = Reserve(disk, size=4 << 20, room=1 << 20, low=0)
        reserve.first()
        town.db.reserve = reserve
        fill(disk / "photos")
        # The village brings more than fits; one contact may break on the full disk, the next ones go on.
        more = [net.submit(VILLAGE, files=(FILE,)) for _ in range(5)]
        _meet_until_quiet(net, VILLAGE)
        assert reserve.is_out
        assert all(net.find(TOWN, case_id) is None for case_id in more)
        _meet_until_quiet(net, TOWN)
        assert all(net.find(CITY, case_id) is not None for case_id in cases)
        with town.db.reading() as tx:
            assert queue_of(tx, CITY).envelopes == 0
        (disk / "photos").unlink()
        reserve.look()
        assert not reserve.is_out
        net.settle(3)
        assert all(net.find(CITY, case_id) is not None for case_id in more)
        town.db.close()


def _move(net: Offices, name: NodeId, disk: Path) -> Node:
    """The same node on another disk."""
    node = Node.load(open_sqlite(disk / "node.db"), net.world, FileChunkStore(disk / "chunks"), "test")
    net.nodes[name] = node
    for child, line in net.lines.items():
        if net.nodes[child].place.parent == name:
            line.parent = node
    net.lines[name] = Line(net.nodes[CITY], node)
    with node.db.reading() as tx:
        net.office[name] = Office.join(node, tx)
    return node


def _meet_until_quiet(net: Offices, name: NodeId) -> None:
    """As the service does it: a contact that fails is tried again, a database in doubt is opened again."""
    for _ in range(8):
        try:
            net.meet(name)
        except LocalError as error:
            print(f"{name}: {error}")
            for node in net.nodes.values():
                if node.db.in_doubt is not None:
                    node.db.reopen()
