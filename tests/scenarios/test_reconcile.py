"""What two neighbours hold differently is found by the next contact and put right from the streams, nothing else."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.identifiers import CaseId, NodeId
from core.messages import Role
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.rebuild import Shares
from core.store.shares import ShareIndex, share_of
from core.store.summary import entry_key
from core.tally import END, START
from sync import repair
from sync.bundle import Frame, Kind, read_bundle, write_bundle
from sync.compose import compose
from sync.contact import take
from sync.doctor import differences_found
from sync.meeting import answer as answer_bundle
from sync.reconcile import digest_of
from sync.reconcile_wire import Statement, encode_message
from sync.tables import ENVELOPE
from tests.scenarios.offices import NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN

ALL = (CITY, TOWN, VILLAGE, NEIGHBOUR)


@pytest.fixture(scope="module")
def evening(morning: Offices, tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Cases of two villages at several stages, a confidential one among them, and everybody level."""
    net = Offices.like(morning, tmp_path_factory.mktemp("evening") / "city", 3)
    for number, village in enumerate((VILLAGE, VILLAGE, NEIGHBOUR, VILLAGE)):
        case_id = net.submit(village, net.items()[0])
        net.settle(1)
        if number:
            net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    net.submit(VILLAGE, net.items(confidential=True)[0])
    net.settle(3)
    net.close()
    return net


@pytest.fixture
def day(evening: Offices, tmp_path: Path) -> Iterator[Offices]:
    net = Offices.like(evening, tmp_path / "city", 4)
    yield net
    net.close()


def _ids(net: Offices, name: NodeId = TOWN) -> list[CaseId]:
    with net.nodes[name].db.reading() as tx:
        return list(net.office[name].casebook.all_ids(tx))


def _by_hand(net: Offices, name: NodeId, statement: sa.Executable) -> None:
    with net.nodes[name].db.transaction() as tx:
        assert tx.execute(statement).rowcount == 1


def _books(net: Offices, name: NodeId) -> dict[str, Sequence[object]]:
    """Every case row and message of a node, byte for byte."""
    with net.nodes[name].db.reading() as tx:
        rows = tx.execute(sa.select(CASE).order_by(CASE.c.id)).all()
        messages = tx.execute(sa.select(CASE_MESSAGE).order_by(CASE_MESSAGE.c.digest)).all()
    return {"rows": [tuple(row) for row in rows], "messages": [tuple(row) for row in messages]}


def _audited(net: Offices, name: NodeId, action: str) -> list[tuple[str, dict[str, object]]]:
    with net.nodes[name].db.reading() as tx:
        query = sa.text("SELECT subject, detail FROM audit WHERE action = :a ORDER BY number")
        return [(row.subject, json.loads(row.detail)) for row in tx.execute(query, {"a": action})]


def _open(net: Offices) -> dict[NodeId, int]:
    found = {}
    for name in ALL:
        with net.nodes[name].db.reading() as tx:
            found[name] = repair.counts(tx)["open"]
    return found


DAMAGES = {
    "the row is gone": lambda id_: sa.delete(CASE).where(CASE.c.id == id_),
    "the content is changed": lambda id_: (
        sa.update(CASE)
        .where(CASE.c.id == id_)
        .values(data=sa.func.replace(sa.cast(CASE.c.data, sa.Text), "王桂兰", "王桂花"))
    ),
    "the content is no case": lambda id_: sa.update(CASE).where(CASE.c.id == id_).values(data=b"\0"),
    "its digest is changed": lambda id_: sa.update(CASE).where(CASE.c.id == id_).values(digest="0" * 64),
    "its digest is none": lambda id_: sa.update(CASE).where(CASE.c.id == id_).values(digest="?"),
    "its state is changed": lambda id_: sa.update(CASE).where(CASE.c.id == id_).values(state="GRANTED"),
    "its key is changed": lambda id_: sa.update(CASE).where(CASE.c.id == id_).values(entry=None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_case_changed_by_hand_is_found_by_the_next_contact_and_made_anew_from_the_streams(
    day: Offices, damage: str
) -> None:
    before = {name: _books(day, name) for name in ALL}
    case_id = _ids(day)[1]
    _by_hand(day, TOWN, DAMAGES[damage](case_id))
    assert _books(day, TOWN) != before[TOWN]
    day.meet(VILLAGE)
    assert {name: _books(day, name) for name in ALL} == before
    [(subject, detail)] = _audited(day, TOWN, "case.repaired")
    assert subject == case_id
    assert detail["cause"] in {"differs", "unsound"}
    day.settle(2)
    assert set(_open(day).values()) == {0}
    assert [_audited(day, name, "case.repaired") for name in (CITY, VILLAGE, NEIGHBOUR)] == [[], [], []]


def test_a_row_that_is_lost_is_found_by_comparing_with_the_neighbour_even_if_no_row_is_looked_at(
    day: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "check_own", lambda tx, node, peer: 0)
    before = _books(day, TOWN)
    case_id = _ids(day)[0]
    _by_hand(day, TOWN, sa.delete(CASE).where(CASE.c.id == case_id))
    day.meet(VILLAGE)
    assert _books(day, TOWN) == before
    assert _audited(day, TOWN, "case.repaired") == [(case_id, {"cause": "differs", "peer": VILLAGE})]
    # The village saw it too; for it the matter is closed when both are equal.
    assert _open(day)[VILLAGE] == 1
    day.meet(VILLAGE)
    assert set(_open(day).values()) == {0}
    assert len(_audited(day, VILLAGE, "difference.settled")) == 1


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_message_that_its_case_is_made_of_is_put_back_from_the_streams(day: Offices, how: str) -> None:
    before = _books(day, TOWN)
    case_id = _ids(day)[1]
    with day.nodes[TOWN].db.reading() as tx:
        digests = tx.scalars(sa.select(CASE_MESSAGE.c.digest).where(CASE_MESSAGE.c.case_id == case_id)).all()
    assert len(digests) >= 2
    where = CASE_MESSAGE.c.digest == digests[0]
    lost = sa.delete(CASE_MESSAGE).where(where)
    _by_hand(day, TOWN, lost if how == "gone" else sa.update(CASE_MESSAGE).where(where).values(data=b"{"))
    day.meet(VILLAGE)
    assert _books(day, TOWN) == before
    # Whoever meets a damaged line mends it on the spot; one that is gone is missed by the comparison only.
    action = "case.repaired" if how == "gone" else "damage.mended"
    assert [subject for subject, _ in _audited(day, TOWN, action)] == [case_id]


def test_what_the_streams_no_longer_hold_is_listed_for_people_and_nothing_is_wiped(day: Offices) -> None:
    case_id = _ids(day)[0]
    with day.nodes[TOWN].db.transaction() as tx:
        tx.execute(sa.update(ENVELOPE).values(data=None))
        tx.execute(sa.delete(CASE_MESSAGE).where(CASE_MESSAGE.c.case_id == case_id))
        tx.execute(sa.update(CASE).where(CASE.c.id == case_id).values(digest="0" * 64))
    before = _books(day, TOWN)
    day.settle(2)
    assert _books(day, TOWN) == before
    with day.nodes[TOWN].db.reading() as tx:
        listed = repair.differences(tx, settled=False)
        findings = list(differences_found(tx))
    assert {entry["subject"] for entry in listed} == {case_id}
    assert {entry["peer"] for entry in listed} == {VILLAGE, CITY, TOWN}
    assert next(entry["mine"] for entry in listed if entry["peer"] == VILLAGE) == "00" * 32
    assert any(case_id in finding.zh and case_id in finding.en for finding in findings)
    # The village sees the same difference from its side, with both digests.
    with day.nodes[VILLAGE].db.reading() as tx:
        [entry] = repair.differences(tx, settled=False)
    assert (entry["peer"], entry["theirs"]) == (TOWN, "00" * 32)
    assert entry["mine"] not in {None, entry["theirs"]}


def test_two_neighbours_that_are_level_and_equal_exchange_one_digest_and_nothing_more(day: Offices) -> None:
    met = day.meet(VILLAGE)
    assert met.rounds == 1
    assert met.refused == ()
    node, town = day.nodes[VILLAGE], day.nodes[TOWN]
    with_digest = compose(node, TOWN, budget_bytes=65536).data
    assert [frame.kind for frame in read_bundle(with_digest)] == [Kind.HELLO]
    node.shares = None
    without = compose(node, TOWN, budget_bytes=65536).data
    # The key, 32 hex digits and their CBOR heads.
    assert len(with_digest) - len(without) == len("shared") + 1 + 32 + 2
    answer = answer_bundle(town, node.keyring.pair.signing.der, with_digest)
    assert [frame.kind for frame in read_bundle(answer)] == [Kind.HELLO]


def test_while_something_is_owed_no_digest_is_told_and_no_question_answered(day: Offices) -> None:
    village = day.nodes[VILLAGE]
    with village.db.transaction() as tx:
        question = repair.question_for(tx, village, TOWN)
    assert question is not None
    day.submit(VILLAGE, day.items()[0])
    with village.db.transaction() as tx:
        assert repair.shared_digest(tx, village, TOWN) == ""
        assert repair.question_for(tx, village, TOWN) is None
        assert repair.take_message(tx, village, TOWN, question) is None


def test_neighbours_hold_the_same_share_and_confidential_cases_are_in_none(day: Offices) -> None:
    pairs = [(VILLAGE, TOWN), (NEIGHBOUR, TOWN), (TOWN, CITY)]
    for pair in pairs:
        digests = set()
        for me, peer in (pair, pair[::-1]):
            with day.nodes[me].db.transaction() as tx:
                digests.add(digest_of(Shares(day.office[me].casebook, me).index(tx, peer)))
        assert len(digests) == 1, pair
    with day.nodes[VILLAGE].db.transaction() as tx:
        assert len(day.case_rows(VILLAGE)) == 4
        index = ShareIndex(tx, share_of(VILLAGE, TOWN))
        assert index.count_and_sum(START, END).count == 3
        rows = [entry.key for entry in index.entries(START, END, 10)]
    shared = [entry_key(VILLAGE, id_) for id_ in _ids(day, VILLAGE)]
    assert set(rows) < set(shared)


def test_a_reconciliation_message_that_is_malformed_or_about_others_cases_is_refused_and_the_rest_taken(
    day: Offices,
) -> None:
    town, village = day.nodes[TOWN], day.nodes[VILLAGE]
    other = next(id_ for id_ in _ids(day) if id_.startswith(NEIGHBOUR))
    about_others = encode_message([Statement(((entry_key(NEIGHBOUR, other), bytes(32)),))])
    for message, code in ((b"\x82\x01", "cbor.malformed"), (about_others, "reconcile.key")):
        bundle = compose(village, TOWN, budget_bytes=65536)
        frames = [*read_bundle(bundle.data), Frame(Kind.COMPARE, message)]
        before = _books(day, TOWN)
        taken = take(town, write_bundle(frames), carrier="extranet", expected=VILLAGE)
        assert [error.code for error in taken.refused] == [code]
        assert _books(day, TOWN) == before
        assert taken.reply is None
    assert _open(day)[TOWN] == 0
