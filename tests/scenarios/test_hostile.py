"""Forgers, clones and poison: refused in words, written down, nothing changed."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from core import bodies as b
from core.errors import LiandongError, PeerError
from core.identifiers import CaseId, NodeId, new_id
from core.messages import SCHEMA, Actor, Role, compose, encode
from sync import contact, cose, meeting
from sync.bundle import Frame, Kind, read_bundle, write_bundle
from sync.envelope import seal
from sync.header import NO_DIGEST
from sync.hello import read_hello, sign_hello
from sync.packing import BODY_BYTES_MAX, Message
from sync.revocation import NOTHING_REVOKED, Revocation, sign_revocations
from sync.stream import append
from sync.stream_id import Lane, StreamId
from sync.tables import ENVELOPE, QUARANTINE, STREAM
from tests.scenarios.offices import FAR_VILLAGE, NEIGHBOUR, VILLAGE, Offices
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN


def _state(net: Offices, name: NodeId) -> list[object]:
    with net.nodes[name].db.reading() as tx:
        held = tx.scalar(sa.select(sa.func.count()).select_from(ENVELOPE))
        streams = [tuple(row) for row in tx.execute(sa.select(STREAM).order_by(STREAM.c.id))]
    return [held, streams, net.case_rows(name)]


def _frames(net: Offices, child: NodeId) -> list[Frame]:
    return list(read_bundle(net.upward(child)))


def _refused(net: Offices, at: NodeId, frames: list[Frame], code: str) -> None:
    before = _state(net, at)
    taken = contact.take(net.nodes[at], write_bundle(frames), carrier="usb")
    assert [error.code for error in taken.refused] == [code]
    assert taken.refused[0].zh.endswith("。")
    assert net.codes(at)[-1] == code
    assert _state(net, at) == before


def _envelope(frames: list[Frame]) -> Frame:
    return next(frame for frame in frames if frame.kind is Kind.ENVELOPE)


def _sealed(net: Offices, author: NodeId, origin: NodeId, readers: tuple[NodeId, ...]) -> Frame:
    """An envelope that ``author`` made in the name of ``origin``."""
    node, victim = net.nodes[author], net.nodes[origin]
    keys = {name: net.nodes[name].keyring.pair.sealing.sealing_key() for name in readers}
    sealed = seal(
        net.world,
        StreamId(origin, victim.place.epoch, tuple(sorted(readers)), Lane.INTAKE),
        [Message(new_id(net.world), "NoteAdded", 1, "", b"{}")],
        seq=1,
        previous=NO_DIGEST,
        first=1,
        signing_key=node.keyring.signing_key,
        readers=keys,
    )
    return Frame(Kind.ENVELOPE, sealed.data)


def test_an_envelope_for_someone_else_has_no_business_here(net: Offices) -> None:
    net.submit(FAR_VILLAGE)
    foreign = _envelope(_frames(net, FAR_VILLAGE))
    _refused(net, TOWN, [_frames(net, VILLAGE)[0], foreign], "envelope.misrouted")


def test_an_envelope_signed_by_another_node_is_forged(net: Offices) -> None:
    forged = _sealed(net, NEIGHBOUR, VILLAGE, (CITY, TOWN))
    _refused(net, TOWN, [_frames(net, VILLAGE)[0], forged], "envelope.forged")


def test_an_envelope_of_another_node_signed_anew_is_forged(net: Offices) -> None:
    net.submit(VILLAGE)
    good = cose.decode_sign1(_envelope(_frames(net, VILLAGE)).payload, bytes_max=1 << 21)
    thief = net.nodes[TOWN].keyring.signing_key
    signature = thief.sign(cose.sig_structure(good.protected, good.payload))
    again = cose.encode_sign1(cose.Sign1(good.protected, good.payload, signature))
    _refused(net, CITY, [_frames(net, TOWN)[0], Frame(Kind.ENVELOPE, again)], "envelope.forged")


def test_an_altered_envelope_is_refused_and_the_true_one_still_taken(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    frames = _frames(net, VILLAGE)
    good = _envelope(frames)
    bad = bytearray(good.payload)
    bad[-100] ^= 1
    _refused(net, TOWN, [frames[0], Frame(Kind.ENVELOPE, bytes(bad))], "envelope.forged")
    contact.take(net.nodes[TOWN], write_bundle(frames), carrier="usb")
    assert net.find(TOWN, case_id) is not None


def test_a_village_cannot_speak_to_all_in_the_name_of_the_city(net: Offices) -> None:
    node = net.nodes[VILLAGE]
    sealed = seal(
        net.world,
        StreamId(VILLAGE, node.place.epoch, (NodeId("*"),), Lane.CATALOGUE),
        [Message(new_id(net.world), "CataloguePublished", 1, "", b"{}")],
        seq=1,
        previous=NO_DIGEST,
        first=1,
        signing_key=node.keyring.signing_key,
        readers={},
    )
    frames = [_frames(net, VILLAGE)[0], Frame(Kind.ENVELOPE, sealed.data)]
    _refused(net, TOWN, frames, "envelope.misrouted")


def test_a_bundle_addressed_to_another_node_is_refused_whole(net: Offices) -> None:
    net.submit(VILLAGE)
    before = _state(net, OTHER_TOWN)
    with pytest.raises(PeerError) as refused:
        contact.take(net.nodes[OTHER_TOWN], net.upward(VILLAGE), carrier="usb")
    assert refused.value.code == "contact.misaddressed"
    assert TOWN in refused.value.zh
    assert _state(net, OTHER_TOWN) == before


def test_a_bundle_readdressed_by_its_carrier_is_forged(net: Offices) -> None:
    frames = _frames(net, VILLAGE)
    hello = replace(read_hello(frames[0].payload), receiver=OTHER_TOWN, sender=FAR_VILLAGE)
    forged = Frame(Kind.HELLO, sign_hello(hello, net.nodes[VILLAGE].keyring.signing_key))
    with pytest.raises(PeerError) as refused:
        contact.take(net.nodes[OTHER_TOWN], write_bundle([forged, *frames[1:]]), carrier="usb")
    assert refused.value.code in {"hello.forged", "certificate.wrong_issuer"}


def test_a_bundle_of_a_stranger_is_refused(net: Offices) -> None:
    frames = _frames(net, FAR_VILLAGE)
    hello = replace(read_hello(frames[0].payload), receiver=TOWN)
    head = Frame(Kind.HELLO, sign_hello(hello, net.nodes[FAR_VILLAGE].keyring.signing_key))
    with pytest.raises(PeerError) as refused:
        contact.take(net.nodes[TOWN], write_bundle([head]), carrier="usb")
    assert refused.value.code == "contact.stranger"


def test_a_bundle_over_a_connection_of_another_node_is_refused(net: Offices) -> None:
    certificate = net.nodes[NEIGHBOUR].keyring.pair.signing.der
    with pytest.raises(PeerError) as refused:
        meeting.answer(net.nodes[TOWN], certificate, net.upward(VILLAGE))
    assert refused.value.code == "contact.other_sender"


def test_a_receipt_for_a_stream_that_is_not_owed_relieves_nobody(net: Offices) -> None:
    net.submit(VILLAGE)
    net.settle(1)
    receipts = [f for f in _frames(net, NEIGHBOUR) if f.kind is Kind.RECEIPT]
    assert receipts == []
    with net.nodes[TOWN].db.reading() as tx:
        row = tx.execute(sa.select(STREAM).where(STREAM.c.origin == VILLAGE).limit(1)).one()
    from sync.receipt import Receipt, sign_receipt
    from sync.stream import stream_row

    stream = stream_row(row)
    neighbour = net.nodes[NEIGHBOUR]
    receipt = Receipt(
        "custody",
        NEIGHBOUR,
        neighbour.place.epoch,
        stream.stream,
        stream.head_seq,
        stream.head_digest,
        (),
        1,
        1,
    )
    data = sign_receipt(receipt, neighbour.keyring.signing_key)
    _refused(net, TOWN, [_frames(net, NEIGHBOUR)[0], Frame(Kind.RECEIPT, data)], "receipt.not_owed")


def _say(net: Offices, name: NodeId, type_: str, body: bytes = b"{}") -> None:
    node = net.nodes[name]
    with node.db.transaction() as tx:
        message = Message(new_id(net.world), type_, 1, "", body)
        append(tx, node.place, net.world, readers=[CITY, TOWN], lane=Lane.INTAKE, message=message)


def _quarantine(net: Offices, name: NodeId) -> list[tuple[str, str, int, str | None]]:
    with net.nodes[name].db.reading() as tx:
        columns = (QUARANTINE.c.type, QUARANTINE.c.code, QUARANTINE.c.tries, QUARANTINE.c.released_at)
        return [tuple(row) for row in tx.execute(sa.select(*columns))]


def test_a_message_of_unknown_type_is_held_while_the_next_goes_on_and_applied_after_an_upgrade(
    net: Offices,
) -> None:
    _say(net, VILLAGE, "SeasonGreeting", b'{"text":"hello"}')
    case_id = net.submit(VILLAGE)
    net.settle(1)
    town = net.nodes[TOWN]
    assert net.find(TOWN, case_id) is not None
    assert _quarantine(net, TOWN) == [("SeasonGreeting", "message.unknown_type", 1, None)]
    for _ in range(20):
        assert town.retry_quarantined() == 0
    heard: list[bytes] = []
    town.dispatch.on("SeasonGreeting", lambda tx, incoming: heard.append(incoming.message.body))
    assert town.retry_quarantined() == 1
    assert heard == [b'{"text":"hello"}']
    assert town.retry_quarantined() == 0
    assert _quarantine(net, TOWN)[0][3] is not None


@pytest.mark.parametrize(
    "failure", [IndexError("x"), RecursionError("deep"), ValueError("bad"), AttributeError("none")]
)
def test_a_poison_message_is_set_aside_with_its_reason_and_blocks_nothing(
    net: Offices, failure: Exception
) -> None:
    def explode(tx: sa.Connection, incoming: object) -> None:
        tx.execute(sa.text("INSERT INTO node_state (name, value) VALUES ('half', '1')"))
        raise failure

    town = net.nodes[TOWN]
    town.dispatch.on("Poison", explode)
    _say(net, VILLAGE, "Poison")
    case_id = net.submit(VILLAGE)
    net.settle(1)
    assert net.find(TOWN, case_id) is not None
    assert _quarantine(net, TOWN)[0][:3] == ("Poison", "message.failed", 1)
    with town.db.reading() as tx:
        assert tx.execute(sa.text("SELECT 1 FROM node_state WHERE name = 'half'")).all() == []
    for _ in range(10):
        town.retry_quarantined()
    assert _quarantine(net, TOWN)[0][2] == 5


def test_a_message_that_the_tables_refuse_is_poison_too(net: Offices) -> None:
    def clash(tx: sa.Connection, incoming: object) -> None:
        tx.execute(sa.text("INSERT INTO node_state (name, value) VALUES ('node', '1')"))

    net.nodes[TOWN].dispatch.on("Clash", clash)
    _say(net, VILLAGE, "Clash")
    case_id = net.submit(VILLAGE)
    net.settle(1)
    assert net.find(TOWN, case_id) is not None
    assert _quarantine(net, TOWN)[0][1] == "message.failed"


def test_no_node_can_use_up_the_number_of_anothers_message(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    with net.nodes[VILLAGE].db.reading() as tx:
        taken_id = tx.execute(sa.text("SELECT message_id FROM message WHERE subject != ''")).scalar_one()
    node = net.nodes[NEIGHBOUR]
    with node.db.transaction() as tx:
        message = Message(taken_id, "SeasonGreeting", 1, "", b"{}")
        append(tx, node.place, net.world, readers=[CITY, TOWN], lane=Lane.INTAKE, message=message)
    net.nodes[TOWN].dispatch.on("SeasonGreeting", lambda tx, incoming: None)
    net.meet(NEIGHBOUR)
    net.meet(VILLAGE)
    assert net.find(TOWN, case_id) is not None


def test_a_confidential_case_passes_the_township_unread(net: Offices) -> None:
    item = net.items(confidential=True)[0]
    case_id = net.submit(VILLAGE, item)
    net.settle(2)
    assert net.find(TOWN, case_id) is None
    assert net.case(CITY, case_id).holder == CITY
    town = net.nodes[TOWN]
    with town.db.reading() as tx:
        sealed = [
            bytes(row.data)
            for row in tx.execute(
                sa.select(ENVELOPE.c.data, STREAM.c.readers)
                .join(STREAM, STREAM.c.id == ENVELOPE.c.stream_id)
                .where(STREAM.c.origin == VILLAGE, STREAM.c.lane == Lane.INTAKE)
            )
            if row.readers == f'["{CITY}"]'
        ]
    assert sealed
    from sync.envelope import open_envelope

    for data in sealed:
        assert "王桂兰".encode() not in data
        with pytest.raises(PeerError) as refused:
            open_envelope(data, town.keyring.verify_key_of(VILLAGE), TOWN, town.keyring.sealing_key)
        assert refused.value.code == "envelope.not_for_us"


def test_a_decision_goes_to_the_owning_village_only(net: Offices) -> None:
    item = net.items()[0]
    case_id = net.submit(VILLAGE, item)
    net.settle(2)
    quiet = net.meet(NEIGHBOUR)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    net.settle(2)
    net.decide(case_id, item)
    net.meet(TOWN)
    after = net.meet(NEIGHBOUR)
    assert (after.received_envelopes, after.received_chunks) == (0, 0)
    assert after.received_bytes <= quiet.received_bytes + 16
    assert net.meet(VILLAGE).received_envelopes > 0
    with net.nodes[NEIGHBOUR].db.reading() as tx:
        epochs = tx.scalars(sa.select(STREAM.c.readers).where(STREAM.c.origin == CITY)).all()
    assert not [readers for readers in epochs if VILLAGE in readers]


def test_another_villages_word_on_a_case_is_not_applied(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(1)
    before = net.case(TOWN, case_id)
    stranger = net.nodes[NEIGHBOUR]
    actor = Actor("x", "某人", Role.AGENT)
    forged = compose(
        new_id(net.world), case_id, before.version, NEIGHBOUR, actor, net.world.now(), b.CaseWithdrawn("越权")
    )
    with stranger.db.transaction() as tx:
        stranger.post(
            tx,
            readers=[CITY, TOWN],
            lane="intake",
            message_id=forged.id,
            type_=forged.type,
            schema=SCHEMA,
            subject=case_id,
            body=encode(forged),
        )
    net.settle(2)
    for place in (TOWN, CITY):
        assert net.case(place, case_id) == before
        with net.nodes[place].db.reading() as tx:
            (noticed,) = net.office[place].casebook.attention(tx)
        assert (noticed.message_id, noticed.standing) == (forged.id, "illegal")


def test_a_revoked_reader_does_not_stop_what_goes_to_the_others(net: Offices) -> None:
    town = net.nodes[TOWN]
    mine, theirs = net.submit(VILLAGE), net.submit(NEIGHBOUR)
    net.settle(2)
    for case_id in (mine, theirs):
        net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    pair = town.keyring.pair_of(NEIGHBOUR)
    at = int(net.world.now().timestamp() * 1000)
    entries = [Revocation(c.serial, NEIGHBOUR, at, "遗失") for c in (pair.signing, pair.sealing)]
    signed = sign_revocations(NOTHING_REVOKED.with_more(at, entries), net.founding.issuing_key)
    town.keyring.take_revocations(signed)
    net.meet(VILLAGE)
    net.meet(TOWN)
    assert net.case(VILLAGE, mine).state == "RETURNED"
    with pytest.raises(PeerError) as refused:
        net.meet(NEIGHBOUR)
    assert refused.value.code == "keyring.revoked"


def test_a_case_that_the_city_registers_itself_has_nobody_to_be_sent_to(net: Offices) -> None:
    node, office = net.nodes[CITY], net.office[CITY]
    case_id = net.submit(VILLAGE)
    body = replace(_submission(net, case_id), catalogue_version=office.shelf.version)
    with node.db.transaction() as tx:
        office.casework.submit(tx, Actor("w1", "王", Role.WINDOW), body)
    net.settle(2)
    assert net.find(CITY, case_id) is not None


def _submission(net: Offices, case_id: str) -> b.CaseSubmitted:
    with net.nodes[VILLAGE].db.reading() as tx:
        body = net.office[VILLAGE].casebook.messages(tx, CaseId(case_id))[0].body
    assert isinstance(body, b.CaseSubmitted)
    return body


def test_a_message_that_no_envelope_could_carry_is_refused_when_it_is_recorded(net: Offices) -> None:
    node = net.nodes[VILLAGE]
    for readers, body in (([CITY], b"x" * (BODY_BYTES_MAX + 1)), ([], b"{}"), ([CITY] * 2, b"{}")):
        with pytest.raises(LiandongError), node.db.transaction() as tx:
            message = Message(new_id(net.world), "NoteAdded", 1, "", body)
            append(tx, node.place, net.world, readers=readers, lane=Lane.INTAKE, message=message)
    case_id = net.submit(VILLAGE)
    net.settle(1)
    assert net.find(TOWN, case_id) is not None
