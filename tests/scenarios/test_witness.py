"""Audit logs that were edited, cut or swapped: found by the head that a neighbour remembers, and said to people."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from sync import audit, damage, witness
from sync.compose import compose
from sync.contact import take
from sync.doctor import Level, examine
from sync.epoch import Reason
from sync.installation import Installation
from sync.node import Node
from sync.overview import troubles
from sync.settings import Settings
from sync.status import status
from sync.tables import AUDIT
from sync.transport.usb import Stick
from tests.scenarios.offices import NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.sticks import bring, export_at
from tests.scenarios.world import CITY, TOWN


def _alarms(node: Node) -> list[tuple[str, str]]:
    with node.db.reading() as tx:
        kinds = (witness.THEIRS, witness.OURS)
        return [(one.kind, one.subject) for kind in kinds for one in damage.known(tx, kind)]


def _lines(node: Node) -> int:
    with node.db.reading() as tx:
        return audit.head(tx)[0]


def _say(node: Node, action: str = "test.line", count: int = 3) -> None:
    with node.db.transaction() as tx:
        for _ in range(count):
            audit.note(tx, node.world, actor="t", action=action)


def _write_anew(node: Node, number: int) -> None:
    """What somebody with the key of the database can do: edit a line and chain all later ones to it."""
    with node.db.transaction() as tx:
        previous = tx.scalar(sa.select(AUDIT.c.previous).where(AUDIT.c.number == number))
        rows = tx.execute(sa.select(AUDIT).where(AUDIT.c.number >= number).order_by(AUDIT.c.number)).all()
        for row in rows:
            actor = "nobody" if row.number == number else row.actor
            digest = audit.digest_of(
                row.number, row.at, actor, row.action, row.subject, row.detail, bytes(previous)
            )
            values = {"actor": actor, "previous": previous, "digest": digest}
            tx.execute(sa.update(AUDIT).where(AUDIT.c.number == row.number).values(**values))
            previous = digest
        audit.verify(tx)


def test_a_log_edited_and_chained_anew_is_found_by_the_neighbours_memory_on_both_sides(net: Offices) -> None:
    village, town = net.nodes[VILLAGE], net.nodes[TOWN]
    _say(village)
    net.settle(2, VILLAGE, TOWN)
    assert _alarms(village) == _alarms(town) == []
    _write_anew(village, 2)
    _say(village)
    net.meet(VILLAGE)
    assert (witness.THEIRS, VILLAGE) in _alarms(town)
    assert (witness.OURS, TOWN) in _alarms(village)
    assert _alarms(net.nodes[NEIGHBOUR]) == []


def test_a_log_cut_at_its_end_is_found_though_what_is_left_is_in_order(net: Offices, tmp_path: Path) -> None:
    village, town = net.nodes[VILLAGE], net.nodes[TOWN]
    _say(village, count=20)
    net.settle(2, VILLAGE, TOWN)
    with village.db.transaction() as tx:
        tx.execute(sa.delete(AUDIT).where(AUDIT.c.number > 5))
        audit.verify(tx)
    net.meet(VILLAGE)
    assert _alarms(town) == [(witness.THEIRS, VILLAGE)]
    assert _alarms(village) == [(witness.OURS, TOWN)]
    # It stays, whatever is added later, and everybody is told: doctor, status, the desk.
    _say(village, count=40)
    net.meet(VILLAGE)
    assert _alarms(town) == [(witness.THEIRS, VILLAGE)]
    for node, kind in ((town, witness.THEIRS), (village, witness.OURS)):
        folder = tmp_path / node.place.node
        folder.mkdir()
        installation = Installation(folder, Settings(node=node.place.node), node.db, node)
        (finding,) = [found for found in examine(installation) if found.code == f"damage.{kind}"]
        assert finding.level is Level.BAD
        assert "审计日志" in finding.zh and "audit log" in finding.en
        assert status(installation)["damaged"] == 1
        with node.db.reading() as tx:
            assert [one["type"] for one in troubles(installation, tx)] == [kind]


def test_a_database_swapped_for_an_older_one_is_found_and_a_restore_says_so_itself(
    net: Offices, tmp_path: Path
) -> None:
    town = net.nodes[TOWN]
    net.settle(1, VILLAGE, TOWN)
    copy = net.back_up(VILLAGE)
    _say(net.nodes[VILLAGE], count=30)
    for _ in range(4):
        net.meet(VILLAGE)
    before = _lines(net.nodes[VILLAGE])
    village = net.put_back(VILLAGE, copy)
    # Its first words are still those of the epoch that was longer.
    take(town, compose(village, TOWN, budget_bytes=0, introduce=True).data, carrier="extranet")
    assert _alarms(town) == [(witness.THEIRS, VILLAGE)]
    # A restored disk begins a new epoch: the shorter log is explained, and where the old one ended is kept.
    net.meet(VILLAGE)
    net.meet(VILLAGE)
    assert _alarms(town) == _alarms(village) == []
    with town.db.reading() as tx:
        known = witness.remembered(tx, VILLAGE)
        noted = tx.scalars(sa.select(AUDIT.c.subject).where(AUDIT.c.action == "neighbour.log_anew")).all()
    assert known is not None and known.before is not None
    assert known.before.number >= before - 5 > known.head.number
    assert noted == [VILLAGE]
    installation = Installation(tmp_path, Settings(node=TOWN), town.db, town)
    (told,) = [found for found in examine(installation) if found.code == "audit.anew"]
    assert told.level is Level.WARN and VILLAGE in told.zh
    net.world.pass_time(days=31)
    assert "audit.anew" not in [found.code for found in examine(installation)]


def test_a_node_that_begins_a_new_epoch_by_a_persons_decision_raises_no_alarm(net: Offices) -> None:
    net.settle(1, VILLAGE, TOWN)
    net.nodes[TOWN].begin_epoch(Reason.RENEWED)
    net.settle(3, VILLAGE, TOWN)
    assert [_alarms(node) for node in net.nodes.values()] == [[]] * len(net.nodes)


def test_bundles_that_come_late_by_stick_raise_no_alarm(net: Offices, stick: Stick) -> None:
    net.settle(1, VILLAGE, TOWN)
    net.submit(VILLAGE)
    export_at(net, VILLAGE, stick)
    _say(net.nodes[VILLAGE], count=20)
    net.settle(1, VILLAGE, TOWN)
    bring(net, TOWN, stick)
    assert _alarms(net.nodes[TOWN]) == []
    bring(net, VILLAGE, stick)
    assert _alarms(net.nodes[VILLAGE]) == []
    net.settle(1, VILLAGE, TOWN)
    assert _alarms(net.nodes[TOWN]) == _alarms(net.nodes[VILLAGE]) == []


def test_a_head_out_of_form_or_of_older_software_is_passed_over(
    net: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.settle(1, VILLAGE, TOWN)
    for claim in (None, 7, [], [1], ["1", "ab"], [-1, "00" * 32], [1, "zz" * 32], [1, 5]):
        values = {"audit": claim, "audit_known": claim, "audit_again": claim}
        monkeypatch.setattr(witness, "told", lambda tx, peer, values=values: values)
        net.meet(VILLAGE)
    assert _alarms(net.nodes[TOWN]) == _alarms(net.nodes[VILLAGE]) == []


def test_a_neighbour_that_remembers_wrongly_is_named_and_forgotten_once_it_agrees(net: Offices) -> None:
    net.settle(2, VILLAGE, TOWN)
    town, village = net.nodes[TOWN], net.nodes[VILLAGE]
    with town.db.transaction() as tx:
        tx.exec_driver_sql(
            "UPDATE node_state SET value = replace(value, '\"head\": [', '\"head\": [9') WHERE name = ?",
            (f"audit_head.{VILLAGE}",),
        )
    net.meet(VILLAGE)
    assert _alarms(village) == [(witness.OURS, TOWN)]
    with town.db.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM node_state WHERE name = ?", (f"audit_head.{VILLAGE}",))
        damage.mended(tx, town.world, witness.THEIRS, VILLAGE)
    net.meet(VILLAGE)
    net.meet(VILLAGE)
    assert _alarms(village) == _alarms(town) == []
    assert _alarms(net.nodes[CITY]) == []
