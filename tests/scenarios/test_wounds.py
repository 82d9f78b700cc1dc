"""What hurt other systems, each by a public thread: here it must not happen, or be said in words.

Three of the twelve are shown elsewhere, see docs/scenarios.md: the restored parent (medic/cht-core 8093), the lost
acknowledgement (opencrvs/opencrvs-core 7477), the slip printed from the outbox (opencrvs/opencrvs-core 10988).
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import InputError, LocalError, PeerError
from core.identifiers import CaseId, NodeId
from core.merge import Outcome
from core.messages import Role
from core.regions import load_yuanjiang
from core.states import State
from core.workflow import IllegalTransition
from sync import contact, doctor, meeting
from sync.attachments import Sealed, open_file
from sync.authority import Issuer, issue_pair
from sync.bundle import Frame, Kind, read_bundle, write_bundle
from sync.compose import compose
from sync.doctor import examine
from sync.envelope import read_header
from sync.hello import read_hello, sign_hello
from sync.installation import Installation
from sync.node import store_keys
from sync.packing import BODY_BYTES_MAX
from sync.primitives import SealingKey, SigningKey
from sync.receipt import read_receipt
from sync.settings import Settings
from sync.stream import seal_waiting
from sync.stream_id import Lane
from sync.tables import RECEIPT, STREAM
from sync.transport.base import LineDown
from sync.x509 import Certificate
from tests.scenarios.offices import CITY, VILLAGE, Offices
from tests.scenarios.world import OTHER_TOWN, TOWN, Line


def _applied(net: Offices) -> tuple[int, int]:
    """How far the township holds, and has applied, the village's submissions."""
    with net.nodes[TOWN].db.reading() as tx:
        row = tx.execute(
            sa.select(STREAM.c.head_seq, STREAM.c.applied_seq).where(
                STREAM.c.origin == VILLAGE, STREAM.c.lane == Lane.INTAKE
            )
        ).one()
    return row.head_seq, row.applied_seq


def _frames(net: Offices) -> list[Frame]:
    return list(read_bundle(net.upward(VILLAGE)))


def test_the_checkpoint_never_passes_a_row_that_is_not_applied(
    net: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apache/pouchdb 1240: the checkpoint was written first, so rows that failed to be written were never asked for."""
    cases = []
    for _ in range(3):
        cases.append(net.submit(VILLAGE))
        net.upward(VILLAGE)  # An envelope for each.
    office, take = net.office[TOWN], net.office[TOWN].casework.take
    failing = sa.exc.OperationalError("INSERT", {}, Exception("disk I/O error"))

    def disk_fails_at_the_second(tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> Outcome:
        if subject == cases[1]:
            raise failing
        return take(tx, origin, subject, data)

    monkeypatch.setattr(office.casework, "take", disk_fails_at_the_second)
    with pytest.raises(LocalError, match=r"store\.failed"):
        net.meet(VILLAGE)
        net.meet(VILLAGE)
    assert _applied(net) == (3, 1)
    assert [net.find(TOWN, case_id) is not None for case_id in cases] == [True, False, False]
    monkeypatch.undo()
    net.settle(2, VILLAGE, TOWN)
    assert _applied(net) == (3, 3)
    assert all(net.find(TOWN, case_id) is not None for case_id in cases)


def test_a_township_that_may_not_read_a_case_still_relays_every_envelope_of_it(net: Offices) -> None:
    """learningequality/morango 144: what passed a relay through a filter was marked as had, and the third node lost it."""
    order: list[CaseId] = []
    for number in range(6):
        items = net.items(confidential=number % 2 == 0)
        order.append(net.submit(VILLAGE, items[0], files=(bytes([number]) * 3000,)))
        net.upward(VILLAGE)
    net.settle(3, VILLAGE, TOWN)
    for number, case_id in enumerate(order):
        assert (net.find(TOWN, case_id) is None) == (number % 2 == 0)
        case = net.case(CITY, case_id)
        assert case == net.case(VILLAGE, case_id)
        (manifest,) = case.attachments
        sealed = Sealed(manifest.id, manifest.size, manifest.key, manifest.chunk_size, manifest.chunks)
        assert open_file(sealed, net.nodes[CITY].chunks) == bytes([number]) * 3000


def test_a_receiver_that_fails_says_so_to_its_people_and_signs_for_nothing_it_did_not_keep(
    net: Offices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """learningequality/morango 306: the receiving side failed, nobody saw it, and the sender took it for done."""
    case_id = net.submit(VILLAGE)
    town, office = net.nodes[TOWN], net.office[TOWN]

    def fails(*args: object) -> None:
        raise ValueError("a fault of this version")

    monkeypatch.setattr(office.casework, "take", fails)
    net.settle(2, VILLAGE, TOWN)
    folder = tmp_path / "doctor"
    folder.mkdir()
    findings = examine(Installation(folder, Settings(node=TOWN), town.db, town))
    (told,) = [finding for finding in findings if finding.code == "message.quarantined"]
    assert case_id in told.zh and "日志" in told.zh
    # What was kept is signed for as kept, not as accepted; the city is not kept waiting.
    assert net.find(CITY, case_id) is not None
    with net.nodes[VILLAGE].db.reading() as tx:
        signed = set(tx.execute(sa.select(RECEIPT.c.kind).where(RECEIPT.c.signer == TOWN)).scalars())
        assert "custody" in signed
    monkeypatch.undo()
    assert town.retry_quarantined() == 1
    assert net.case(TOWN, case_id) == net.case(CITY, case_id)


def test_a_step_that_comes_before_the_one_it_follows_waits_and_is_never_forced(net: Offices) -> None:
    """getodk/central 669 and 702: updates that came out of order were applied by force, over what they had not seen."""
    case_id = net.submit(VILLAGE)
    net.meet(VILLAGE)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded("材料齐全"))
    late = []

    class Overtaken:
        """A line on which the village's envelopes fall behind those of the township."""

        carrier = "extranet"

        def exchange(self, bundle: bytes) -> bytes:
            kept = []
            for frame in read_bundle(bundle):
                if frame.kind is Kind.ENVELOPE and read_header(frame.payload).origin == VILLAGE:
                    late.append(frame)
                else:
                    kept.append(frame)
            return net.lines[TOWN].exchange(write_bundle(kept))

    meeting.meet(net.nodes[TOWN], Overtaken(), CITY)
    assert late
    assert net.find(CITY, case_id) is None
    with net.nodes[CITY].db.reading() as tx:
        (waiting,) = net.office[CITY].casebook.attention(tx)
    assert (waiting.case_id, waiting.standing) == (case_id, "parked")
    assert "等待" in waiting.zh
    net.settle(2, VILLAGE, TOWN)
    assert net.case(CITY, case_id) == net.case(TOWN, case_id)
    assert net.case(CITY, case_id).holder == CITY
    with net.nodes[CITY].db.reading() as tx:
        assert net.office[CITY].casebook.attention(tx) == []


def test_what_is_signed_for_beyond_a_gap_does_not_let_the_gap_go(net: Offices) -> None:
    """apache/pouchdb 1240, on the sender's side: a receipt for the third does not stand for the second."""
    cases = [net.submit(VILLAGE)]
    net.meet(VILLAGE)
    dropped: list[int] = []

    class Holed:
        """A line that loses the next envelope of the village, once."""

        carrier = "extranet"

        def exchange(self, bundle: bytes) -> bytes:
            kept = []
            for frame in read_bundle(bundle):
                if frame.kind is Kind.ENVELOPE and not dropped:
                    dropped.append(read_header(frame.payload).seq)
                else:
                    kept.append(frame)
            return net.lines[VILLAGE].exchange(write_bundle(kept))

    for _ in range(2):
        cases.append(net.submit(VILLAGE))
        with net.nodes[VILLAGE].db.transaction() as tx:
            # Two envelopes: what is recorded later is sealed by itself.
            seal_waiting(tx, net.nodes[VILLAGE].place, net.world, net.nodes[VILLAGE].keyring, lambda *_: None)
    meeting.meet(net.nodes[VILLAGE], Holed(), TOWN)
    with net.nodes[VILLAGE].db.reading() as tx:
        ranges = tx.scalars(sa.select(RECEIPT.c.ranges).where(RECEIPT.c.signer == TOWN)).all()
    assert dropped and any(json.loads(one) for one in ranges), "nothing was signed for beyond the gap"
    net.settle(2, VILLAGE, TOWN)
    assert all(net.case(CITY, case_id) == net.case(VILLAGE, case_id) for case_id in cases)


def test_a_village_that_moved_to_another_township_is_refused_in_words_and_goes_on_by_its_own(
    net: Offices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """medic/cht-core 5701: a place was moved in the hierarchy, and the edits of its users were refused in silence."""
    known = net.submit(VILLAGE)
    net.settle(2, VILLAGE, TOWN)
    mine = net.submit(VILLAGE)
    village = net.nodes[VILLAGE]
    # The county moved the village; somebody changed the address in the settings, but a node is its code.
    with pytest.raises(PeerError) as refused:
        meeting.meet(village, Line(net.nodes[OTHER_TOWN], village), TOWN)
    assert refused.value.code == "contact.misaddressed"
    assert TOWN in refused.value.zh and OTHER_TOWN in refused.value.zh
    with pytest.raises(PeerError) as refused:
        contact.take(net.nodes[OTHER_TOWN], _addressed_to(net, OTHER_TOWN), carrier="usb")
    assert refused.value.code == "contact.stranger"
    assert "所属的镇" in refused.value.zh and "township it belongs to" in refused.value.en
    with village.db.reading() as tx:
        words = village.peer(tx, TOWN)
    assert words is not None and words.failures == 1 and "正确的设备" in words.last_error
    # The table of divisions that comes with the next version no longer has its code: doctor says what to do.
    now = [row for row in load_yuanjiang().villages() if row.code != VILLAGE]
    names = {CITY: None} | {row.code: row for row in (*load_yuanjiang().townships(), *now)}
    monkeypatch.setattr(doctor, "load_yuanjiang", lambda: names)
    for name, told in ((VILLAGE, ["node.code_gone"]), (TOWN, [])):
        folder = tmp_path / name
        folder.mkdir()
        found = examine(Installation(folder, Settings(node=name), net.nodes[name].db, net.nodes[name]))
        assert [finding.code for finding in found if finding.code == "node.code_gone"] == told
    # What it began goes on under its old code; nothing waits unsaid.
    net.settle(3, VILLAGE, TOWN)
    for case_id in (known, mine):
        assert net.case(CITY, case_id) == net.case(VILLAGE, case_id)
    # Another township's officer is refused in words too, at once and not when it arrives.
    with pytest.raises(InputError, match=r"case\.unknown"):
        net.act(OTHER_TOWN, known, Role.WINDOW, b.CaseForwarded("代办"))


def _addressed_to(net: Offices, receiver: str) -> bytes:
    village = net.nodes[VILLAGE]
    hello = replace(read_hello(_frames(net)[0].payload), receiver=receiver)
    return write_bundle([Frame(Kind.HELLO, sign_hello(hello, village.keyring.signing_key))])


def test_an_old_copy_of_a_disk_does_not_bring_a_closed_case_back(net: Offices) -> None:
    """Old devices reviving deleted rows (a known wound of last-writer-wins): closing is a step, and a copy lacks it."""
    endings: dict[CaseId, b.Body] = {
        net.submit(VILLAGE): b.CaseWithdrawn("申请人撤回"),
        net.submit(VILLAGE): b.CaseVoided("重复登记"),
    }
    net.settle(1, VILLAGE, TOWN)
    copy = net.back_up(VILLAGE)
    for case_id, ending in endings.items():
        net.act(TOWN, case_id, Role.WINDOW, ending)
    net.settle(2, VILLAGE, TOWN)
    closed = {case_id: net.case(CITY, case_id) for case_id in endings}
    assert [case.state for case in closed.values()] == [State.WITHDRAWN, State.VOID]
    net.put_back(VILLAGE, copy)
    assert all(net.case(VILLAGE, case_id).state is State.SUBMITTED for case_id in endings)
    net.settle(3, VILLAGE, TOWN)
    for case_id, case in closed.items():
        assert [net.case(name, case_id) for name in (VILLAGE, TOWN, CITY)] == [case] * 3
        with pytest.raises(IllegalTransition):
            net.act(VILLAGE, case_id, Role.AGENT, b.CaseResubmitted(note="再来"))


def test_one_large_record_holds_up_no_small_one(net: Offices) -> None:
    """medic/cht-core 6143: one record larger than the server took wedged the whole queue of a device."""
    net.meet(VILLAGE)
    village = net.nodes[VILLAGE]
    large = net.submit(VILLAGE, files=(net.world.random_bytes(3 << 20),))
    small = net.submit(VILLAGE)
    village.set_budget(TOWN, 64 * 1024)
    # A thin line that breaks after every bundle: the small case is there long before the scan.
    for _ in range(3):
        meeting_over = _Once(net)
        with pytest.raises(LineDown):
            meeting.meet(village, meeting_over, TOWN)
    assert net.find(TOWN, small) is not None
    assert net.find(TOWN, large) is not None
    assert meeting.is_owing(village, TOWN)
    # And what no envelope could carry is refused when it is written, not found in the queue.
    with pytest.raises(LocalError) as refused, village.db.transaction() as tx:
        village.say(tx, [TOWN], Lane.INTAKE, "TooLarge", bytes(BODY_BYTES_MAX + 1))
    assert refused.value.code == "envelope.unpackable"
    net.settle(3, VILLAGE, TOWN)
    assert not meeting.is_owing(village, TOWN)


class _Once:
    """A line that carries one bundle there and back, and breaks."""

    carrier = "extranet"

    def __init__(self, net: Offices) -> None:
        self.line, self.left = net.lines[VILLAGE], 1

    def exchange(self, bundle: bytes) -> bytes:
        if not self.left:
            raise LineDown("line.down", zh="线路断开。", en="The line is down.")
        self.left -= 1
        return self.line.exchange(bundle)


def test_all_files_of_a_case_that_was_taken_in_offline_arrive(net: Offices) -> None:
    """opencrvs/opencrvs-core 5313: of several files attached offline, all but one were gone after sending."""
    net.lines[VILLAGE].cut = True
    files = tuple(net.world.random_bytes(20_000 + number) for number in range(7))
    case_id = net.submit(VILLAGE, files=files)
    with pytest.raises(LineDown):
        net.meet(VILLAGE)
    net.lines[VILLAGE].cut = False
    for _ in range(3):
        with pytest.raises(LineDown):
            meeting.meet(net.nodes[VILLAGE], _Once(net), TOWN)
    net.settle(3, VILLAGE, TOWN)
    for name in (TOWN, CITY):
        manifests = net.case(name, case_id).attachments
        opened = [
            open_file(Sealed(m.id, m.size, m.key, m.chunk_size, m.chunks), net.nodes[name].chunks)
            for m in manifests
        ]
        assert opened == list(files)


def test_a_duplicate_is_answered_with_the_original_receipt_and_the_sender_stops(net: Offices) -> None:
    """The phase4 thread 406: a duplicate was answered by an error, so the sender tried again for ever."""
    net.meet(VILLAGE)
    net.submit(VILLAGE)
    bundle = net.upward(VILLAGE)
    village, town = net.nodes[VILLAGE], net.nodes[TOWN]
    answers = [meeting.answer(town, village.keyring.pair.signing.der, bundle) for _ in range(5)]
    receipts = [[f.payload for f in read_bundle(a) if f.kind is Kind.RECEIPT] for a in answers]
    assert receipts[0] and all(given == receipts[0] for given in receipts)
    assert net.codes(TOWN) == []
    net.settle(1, VILLAGE, TOWN)
    assert not meeting.is_owing(village, TOWN)
    for _ in range(3):
        quiet = net.meet(VILLAGE)
    assert (quiet.sent_envelopes, quiet.received_envelopes, quiet.rounds) == (0, 0, 1)


def test_a_duplicate_five_years_later_changes_nothing_and_brings_the_original_receipt(net: Offices) -> None:
    """A very late duplicate: neither renewed keys nor the years make an envelope new."""
    case_id = net.submit(VILLAGE)
    old = [frame for frame in _frames(net) if frame.kind is Kind.ENVELOPE]
    net.settle(2, VILLAGE, TOWN)
    with net.nodes[TOWN].db.reading() as tx:
        own = (RECEIPT.c.signer == TOWN) & (RECEIPT.c.kind == "custody")
        query = sa.select(RECEIPT.c.data).join(STREAM, STREAM.c.id == RECEIPT.c.stream_id)
        original = {bytes(data) for data in tx.scalars(query.where(own, STREAM.c.origin == VILLAGE))}
    before = net.case_rows(TOWN), net.case_rows(CITY)
    net.world.pass_time(days=5 * 365)
    for name in (CITY, TOWN, VILLAGE):
        _renew(net, name)
    hello = _frames(net)[0]
    net.nodes[TOWN].learn_certificates(VILLAGE, [c.der for c in _pair(net, VILLAGE)])
    taken = contact.take(net.nodes[TOWN], write_bundle([hello, *old]), carrier="usb")
    assert (taken.envelopes, taken.duplicates, taken.refused) == (0, len(old), [])
    assert (net.case_rows(TOWN), net.case_rows(CITY)) == before
    given = {
        frame.payload
        for frame in read_bundle(_answer(net))
        if frame.kind is Kind.RECEIPT and read_receipt(frame.payload).stream.origin == VILLAGE
    }
    assert given and given <= original
    assert net.find(CITY, case_id) is not None


def _answer(net: Offices) -> bytes:
    return compose(net.nodes[TOWN], VILLAGE, budget_bytes=1 << 20).data


def _pair(net: Offices, name: NodeId) -> tuple[Certificate, Certificate]:
    pair = net.nodes[name].keyring.pair
    return pair.signing, pair.sealing


def _renew(net: Offices, name: NodeId) -> None:
    node, random_bytes = net.nodes[name], net.world.random_bytes
    signing, sealing = SigningKey.generate(random_bytes), SealingKey.generate(random_bytes)
    pair = issue_pair(
        net.world,
        Issuer(net.founding.issuing, net.founding.issuing_key),
        node=name,
        epoch=node.place.epoch,
        signing=signing.public(),
        sealing=sealing.public(),
    )
    with node.db.transaction() as tx:
        store_keys(tx, node.keyring.add_keys(signing, sealing, net.world.now()))
        store_keys(tx, node.keyring.take_certificates([pair.signing, pair.sealing]))
