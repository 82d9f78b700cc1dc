"""What a receipt relieves of, and what it does not: only the neighbour's own word, of this life, for these very bytes."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from core.identifiers import NodeId
from sync import contact, epoch, outbox
from sync.attachments import open_file
from sync.bundle import Frame, Kind, read_bundle, write_bundle
from sync.compose import compose
from sync.envelope import read_header
from sync.epoch import Reason
from sync.primitives import sha256
from sync.receipt import CUSTODY, Receipt, sign_receipt
from sync.stream import stream_row
from sync.stream_id import Lane
from sync.tables import STREAM
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN


def _custody(net: Offices, at: NodeId, signer: NodeId) -> Receipt:
    """What ``signer`` would sign if it held all that ``at`` holds of the village's cases."""
    with net.nodes[at].db.reading() as tx:
        query = sa.select(STREAM).where(
            STREAM.c.origin == VILLAGE, STREAM.c.lane == Lane.INTAKE, STREAM.c.head_seq > 0
        )
        stream = stream_row(tx.execute(query.order_by(STREAM.c.id.desc()).limit(1)).one())
    life = net.nodes[signer].place.epoch
    return Receipt(
        CUSTODY, signer, life, stream.stream, stream.head_seq, stream.head_digest, (), 1_000_000, 1
    )


def _bring(net: Offices, receipt: Receipt, to: NodeId, *, signed_by: NodeId) -> contact.Taken:
    """Give ``to`` a bundle of the receipt's signer that carries nothing but the receipt."""
    whole = compose(net.nodes[receipt.signer], to, budget_bytes=4 << 20, with_certificates=True)
    head = next(iter(read_bundle(whole.data)))
    data = sign_receipt(receipt, net.nodes[signed_by].keyring.signing_key)
    return contact.take(
        net.nodes[to], write_bundle([head, Frame(Kind.RECEIPT, data)]), carrier="usb", expected=receipt.signer
    )


def _owed(net: Offices, at: NodeId, to: NodeId) -> int:
    with net.nodes[at].db.reading() as tx:
        return outbox.queue_of(tx, to).envelopes


def _epoch(net: Offices, name: NodeId) -> str:
    node = net.nodes[name]
    with node.db.reading() as tx:
        return node.refresh(tx).epoch


def test_a_receipt_that_somebody_wrote_in_the_name_of_the_township_relieves_nobody(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.upward(VILLAGE)
    waiting = _owed(net, VILLAGE, TOWN)
    taken = _bring(net, _custody(net, VILLAGE, TOWN), VILLAGE, signed_by=VILLAGE)
    assert [error.code for error in taken.refused] == ["receipt.forged"]
    assert _owed(net, VILLAGE, TOWN) == waiting > 0
    net.settle()
    assert net.find(CITY, case_id) is not None


def test_a_true_receipt_relieves_of_what_it_names(net: Offices) -> None:
    net.submit(VILLAGE)
    net.upward(VILLAGE)
    waiting = _owed(net, VILLAGE, TOWN)
    taken = _bring(net, _custody(net, VILLAGE, TOWN), VILLAGE, signed_by=TOWN)
    assert taken.refused == []
    assert _owed(net, VILLAGE, TOWN) < waiting


def test_a_receipt_for_other_bytes_than_were_handed_over_relieves_no_relay(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.meet(VILLAGE)
    net.upward(TOWN)
    waiting = _owed(net, TOWN, CITY)
    receipt = replace(_custody(net, TOWN, CITY), digest=sha256(b"other bytes"))
    taken = _bring(net, receipt, TOWN, signed_by=CITY)
    assert [error.code for error in taken.refused] == ["receipt.other_digest"]
    assert _owed(net, TOWN, CITY) == waiting > 0
    net.settle()
    assert net.find(CITY, case_id) is not None


def test_whose_words_were_signed_for_with_other_bytes_says_them_again_in_a_new_epoch(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.upward(VILLAGE)
    before = _epoch(net, VILLAGE)
    receipt = replace(_custody(net, VILLAGE, TOWN), digest=sha256(b"other bytes"))
    assert _bring(net, receipt, VILLAGE, signed_by=TOWN).contradicted
    assert _epoch(net, VILLAGE) != before
    net.settle()
    assert net.case(CITY, case_id) == net.case(VILLAGE, case_id)


def test_what_a_township_signed_for_before_its_disk_was_put_back_is_owed_to_it_again(net: Offices) -> None:
    copy = net.back_up(TOWN)
    case_id = net.submit(VILLAGE)
    net.upward(VILLAGE)
    late = _custody(net, VILLAGE, TOWN)
    net.put_back(TOWN, copy).begin_epoch(Reason.RESTORED)
    contact.take(
        net.nodes[VILLAGE],
        compose(net.nodes[TOWN], VILLAGE, budget_bytes=4 << 20, with_certificates=True).data,
        carrier="usb",
    )
    waiting = _owed(net, VILLAGE, TOWN)
    assert _bring(net, late, VILLAGE, signed_by=TOWN).receipts == 0
    assert _owed(net, VILLAGE, TOWN) == waiting > 0
    net.settle()
    assert net.find(CITY, case_id) is not None


def test_a_restored_village_waits_until_all_of_its_own_words_are_back(net: Offices) -> None:
    copy = net.back_up(VILLAGE)
    cases = [net.submit(VILLAGE) for _ in range(8)]
    for _ in cases:
        net.meet(VILLAGE)
    node = net.put_back(VILLAGE, copy)
    node.begin_epoch(Reason.RESTORED)
    contact.take(net.nodes[TOWN], net.upward(VILLAGE), carrier="usb")
    # A line that brings no more than a piece at a time.
    part = compose(net.nodes[TOWN], VILLAGE, budget_bytes=1_000, with_certificates=True)
    assert part.filled
    contact.take(node, part.data, carrier="usb")
    with node.db.reading() as tx:
        assert epoch.recovering(tx) == [TOWN]
    net.settle(3)
    with node.db.reading() as tx:
        assert epoch.recovering(tx) == []
    assert all(net.case(VILLAGE, case_id) == net.case(CITY, case_id) for case_id in cases)


def test_a_restored_village_seals_nothing_more_under_numbers_that_its_ended_life_may_have_used(
    net: Offices,
) -> None:
    case_id = net.submit(VILLAGE)
    copy = net.back_up(VILLAGE)
    net.meet(VILLAGE)
    ended = _epoch(net, VILLAGE)
    net.put_back(VILLAGE, copy).begin_epoch(Reason.RESTORED)
    frames = read_bundle(net.upward(VILLAGE))
    lives = [read_header(frame.payload).stream.epoch for frame in frames if frame.kind is Kind.ENVELOPE]
    assert lives
    assert ended not in lives
    net.settle()
    assert net.case(CITY, case_id) == net.case(VILLAGE, case_id)


def test_a_file_of_which_the_city_has_only_heard_stays_owed_when_it_tells_a_restored_township_of_it(
    net: Offices,
) -> None:
    copy = net.back_up(TOWN)
    scan = b"\xff\xd8" + net.world.random_bytes(300_000)
    case_id = net.submit(VILLAGE, files=(scan,))
    net.meet(VILLAGE)
    # A line that brings the case and the announcement of its file, and then breaks.
    part = compose(net.nodes[TOWN], CITY, budget_bytes=12_000, with_certificates=True)
    taken = contact.take(net.nodes[CITY], part.data, carrier="usb")
    assert net.find(CITY, case_id) is not None and taken.chunks == 0
    net.put_back(TOWN, copy).begin_epoch(Reason.RESTORED)
    contact.take(net.nodes[CITY], net.upward(TOWN), carrier="usb")
    back = compose(net.nodes[CITY], TOWN, budget_bytes=4 << 20, with_certificates=True)
    assert contact.take(net.nodes[TOWN], back.data, carrier="usb").envelopes > 0
    with net.nodes[TOWN].db.reading() as tx:
        lanes = {owed.stream.lane for owed in outbox.owed(tx, CITY)}
    assert lanes == {Lane.ATTACHMENT}
    net.settle()
    (manifest,) = net.case(CITY, case_id).attachments
    assert open_file(manifest, net.nodes[CITY].chunks) == scan


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed already", "only recorded"])
def test_a_file_that_nobody_has_signed_for_goes_along_into_the_new_epoch(net: Offices, sealed: bool) -> None:
    net.submit(VILLAGE)
    net.settle()
    scan = b"\xff\xd8" + net.world.random_bytes(90_000)
    case_id = net.submit(VILLAGE, files=(scan,))
    if sealed:
        net.upward(VILLAGE)
    net.nodes[VILLAGE].begin_epoch(Reason.RENEWED)
    net.settle(5)
    (manifest,) = net.case(CITY, case_id).attachments
    assert open_file(manifest, net.nodes[CITY].chunks) == scan
