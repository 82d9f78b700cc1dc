"""A day of a city's three tiers, and the same day delivered in every wrong way."""

import random
import shutil
from pathlib import Path

import sqlalchemy as sa

from core import bodies as b
from core.identifiers import CaseId, NodeId
from core.messages import MessageType, Role, decode
from core.states import State
from core.store.engine import open_sqlite
from core.store.office import Office
from sync import contact
from sync.bundle import Frame, Kind, write_bundle
from sync.chunkstore import FileChunkStore
from sync.hello import Hello, sign_hello, sign_token
from sync.node import Node
from sync.tables import ENVELOPE, MESSAGE, STREAM
from tests.scenarios.offices import FAR_VILLAGE, NEIGHBOUR, VILLAGE, Offices, case_rows
from tests.scenarios.world import CITY, OTHER_TOWN, TOWN

VILLAGES = (VILLAGE, NEIGHBOUR, FAR_VILLAGE)


def test_an_application_travels_all_the_way_and_back(net: Offices) -> None:
    item = net.items()[0]
    case_id = net.submit(VILLAGE, item)
    net.settle(2)
    assert net.case(TOWN, case_id).holder == TOWN
    net.act(TOWN, case_id, Role.WINDOW, b.CaseForwarded())
    net.settle(2)
    net.decide(case_id, item)
    net.settle(2)
    assert net.case(VILLAGE, case_id).holder == VILLAGE
    net.act(VILLAGE, case_id, Role.AGENT, b.ResultDelivered(b.Delivery.VILLAGE, "王桂兰"))
    net.settle(2)
    rows = [net.case_rows(name) for name in (VILLAGE, TOWN, CITY)]
    assert rows[0] == rows[1] == rows[2]
    assert net.case(CITY, case_id).state is State.DELIVERED


def _busy_day(net: Offices, seed: int, *, cases: int = 40, hours: int = 14) -> list[CaseId]:
    chance = random.Random(seed)
    ids = []
    for number in range(cases):
        village = VILLAGES[number % 3]
        item = chance.choice(net.items(confidential=number % 8 == 0))
        files = (net.world.random_bytes(40_000),) if number % 10 == 3 else ()
        ids.append(net.submit(village, item, files=files))
    for _ in range(hours):
        for case_id in ids:
            for name in net.nodes:
                if chance.random() < 0.8 and net.step(chance, name, case_id):
                    break
            if chance.random() < 0.1:
                at = chance.choice([name for name in net.nodes if net.find(name, case_id)])
                role = Role.AGENT if at in VILLAGES else Role.WINDOW
                net.act(at, case_id, role, b.NoteAdded(f"电话联系 {chance.randrange(1000)}"))
        net.world.pass_time(minutes=20)
        net.settle(1)
    net.settle(3)
    return ids


def test_every_envelope_of_a_busy_day_ten_times_and_shuffled_gives_the_same_case_table(
    morning: Offices, tmp_path: Path
) -> None:
    seed = 20151010
    net = Offices.like(morning, tmp_path / "day", seed)
    ids = _busy_day(net, seed)
    city = net.nodes[CITY]
    ordered = net.case_rows(CITY)
    seen = {step.type for case_id in ids for step in net.case(CITY, case_id).steps}
    assert len(ordered) == len(ids)
    assert seen >= {
        MessageType.SUPPLEMENT_REQUESTED,
        MessageType.CASE_RESUBMITTED,
        MessageType.CASE_RETURNED,
        MessageType.CASE_REFUSED,
        MessageType.CASE_SUSPENDED,
        MessageType.CASE_WITHDRAWN,
        MessageType.CASE_DECIDED,
        MessageType.RESULT_DELIVERED,
    }
    with city.db.reading() as tx:
        envelopes = [
            (NodeId(row.came_from), bytes(row.data))
            for row in tx.execute(
                sa.select(ENVELOPE.c.came_from, ENVELOPE.c.data, STREAM.c.origin)
                .join(STREAM, STREAM.c.id == ENVELOPE.c.stream_id)
                .where(STREAM.c.origin != CITY)
            )
        ]
        spoken = sa.select(MESSAGE.c.body).where(MESSAGE.c.subject != "")
        own = [decode(bytes(body)) for body in tx.scalars(spoken)]
    assert len(envelopes) > 60
    again = _morning_city(net, morning.folder, tmp_path / "again")
    _deliver(net, again, random.Random(seed + 1), envelopes, own)
    assert case_rows(again[0]) == ordered
    again[0].db.close()
    net.close()


def _morning_city(net: Offices, morning: Path, folder: Path) -> tuple[Node, Office]:
    shutil.copytree(morning, folder)
    db = open_sqlite(folder / f"{CITY}.db")
    node = Node.load(db, net.world, FileChunkStore(folder / "chunks"), "test")
    with db.reading() as tx:
        return node, Office.join(node, tx)


def _deliver(
    net: Offices,
    city: tuple[Node, Office],
    chance: random.Random,
    envelopes: list[tuple[NodeId, bytes]],
    own: list[object],
) -> None:
    node, office = city
    left = [(town, data) for town, data in envelopes for _ in range(10)]
    events: list[object] = [*own]
    chance.shuffle(left)
    for town in (TOWN, OTHER_TOWN):
        mine = [data for sender, data in left if sender == town]
        while mine:
            size = chance.randint(1, 60)
            events.append((town, mine[:size]))
            mine = mine[size:]
    chance.shuffle(events)
    for number, event in enumerate(events, 1):
        if isinstance(event, tuple):
            town, several = event
            contact.take(node, _bundle(net, town, number, several), carrier="usb", expected=town)
        else:
            with node.db.transaction() as tx:
                office.casebook.record(tx, event)  # type: ignore[arg-type]


def _bundle(net: Offices, sender: NodeId, number: int, envelopes: list[bytes]) -> bytes:
    node = net.nodes[sender]
    pair = node.keyring.pair
    hello = Hello(
        sender=sender,
        epoch=node.place.epoch,
        run=node.run,
        token=sign_token(node.keyring.signing_key, sender, node.place.epoch, node.run, number),
        receiver=CITY,
        number=number,
        reply_to=0,
        at=int(net.world.now().timestamp() * 1000),
        software="test",
        knows="",
        certificates=(pair.signing.der, pair.sealing.der),
    )
    head = Frame(Kind.HELLO, sign_hello(hello, node.keyring.signing_key))
    return write_bundle([head, *(Frame(Kind.ENVELOPE, data) for data in envelopes)])


def test_a_case_has_the_same_bytes_at_every_tier_that_reads_it(net: Offices) -> None:
    _busy_day(net, 77, cases=6, hours=8)
    rows = {name: {row[1]: row for row in net.case_rows(name)} for name in net.nodes}
    for case_id, row in rows[CITY].items():
        village = NodeId(str(case_id)[:12])
        town = NodeId(str(case_id)[:9] + "000")
        assert rows[village][case_id] == row
        assert rows[town].get(case_id) in (
            (None,) if net.case(CITY, CaseId(str(case_id))).confidential else (row,)
        )
