"""Programs of different age in one city: what is older is raised, what is newer is held, relays carry what they cannot read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

import core.messages as messages
from core import bodies as b
from core.canonical import canonical_json
from core.identifiers import CaseId, NodeId, new_id
from core.messages import CaseMessage, Role, encode
from core.store import casework, office
from core.store.casebook import CASE_MESSAGE
from sync.envelope import open_envelope
from sync.packing import Message
from sync.stream import append
from sync.stream_id import Lane
from sync.tables import APPLIED, ENVELOPE, QUARANTINE, STREAM
from tests.scenarios.offices import AGENT, CITY, VILLAGE, Offices
from tests.scenarios.world import TOWN


def _to_two(message: dict[str, Any]) -> dict[str, Any]:
    body = dict(message["body"])
    if "words" in body:
        body["wording"] = body.pop("words")
    return message | {"body": body}


def _to_three(message: dict[str, Any]) -> dict[str, Any]:
    body = dict(message["body"])
    if "wording" in body:
        body["text"] = body.pop("wording")
    return message | {"body": body}


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_two, 2: _to_three, 3: lambda m: m}
"""A note's text was called ``words`` in schema 1 and ``wording`` in schema 2."""
NOTE_KEY = {1: "words", 2: "wording", 3: "text", 4: "text"}


def _upgrade(net: Offices, monkeypatch: pytest.MonkeyPatch, schema: int, *names: NodeId) -> None:
    """Stop the programs of ``names`` and start those of a version whose newest schema is ``schema``."""
    monkeypatch.setattr(messages, "SCHEMA", schema)
    monkeypatch.setattr(messages, "UPGRADES", UPGRADES)
    monkeypatch.setattr(office, "SCHEMA", schema)
    monkeypatch.setattr(casework, "SCHEMA", schema)
    for name in names:
        net.nodes[name].db.close()
        node = net.open(name)
        for child, line in net.lines.items():
            if net.nodes[child].place.parent == name:
                line.parent = node


def _note(net: Offices, case_id: CaseId, schema: int, text: str) -> str:
    """Put a note in the village's outbox as a program of that schema wrote it; returns its message id."""
    id_, village = new_id(net.world), net.nodes[VILLAGE]
    message = CaseMessage(
        id_,
        messages.MessageType.NOTE_ADDED,
        case_id,
        None,
        VILLAGE,
        AGENT,
        net.world.now(),
        b.NoteAdded(text),
    )
    plain = json.loads(encode(message)) | {"schema": schema, "body": {NOTE_KEY[schema]: text}}
    with village.db.transaction() as tx:
        village.post(
            tx,
            readers=[CITY, TOWN],
            lane="intake",
            message_id=id_,
            type_="NoteAdded",
            schema=schema,
            subject=case_id,
            body=canonical_json(plain),
        )
    return id_


def _held(net: Offices, name: NodeId) -> list[tuple[str, int, str]]:
    with net.nodes[name].db.reading() as tx:
        columns = (QUARANTINE.c.type, QUARANTINE.c.schema, QUARANTINE.c.code)
        rows = tx.execute(sa.select(*columns).where(QUARANTINE.c.released_at.is_(None)))
        return sorted(tuple(row) for row in rows)


def _in_effect(net: Offices, name: NodeId, *ids: str) -> list[bool]:
    with net.nodes[name].db.reading() as tx:
        known = set(tx.scalars(sa.select(APPLIED.c.message_id)))
        texts = [json.loads(data) for data in tx.scalars(sa.select(CASE_MESSAGE.c.data))]
    assert all("text" in plain["body"] for plain in texts if plain["type"] == "NoteAdded")
    return [id_ in known for id_ in ids]


def test_the_present_schema_and_the_two_before_it_are_taken_and_an_older_one_is_held(
    net: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(2, VILLAGE, TOWN)
    _upgrade(net, monkeypatch, 3, TOWN, CITY)
    notes = [_note(net, case_id, schema, f"第 {schema} 版") for schema in (1, 2, 3)]
    net.settle(2, VILLAGE, TOWN)
    for name in (TOWN, CITY):
        assert _in_effect(net, name, *notes) == [True] * 3
        assert _held(net, name) == []
    _upgrade(net, monkeypatch, 4, CITY)
    late = [_note(net, case_id, schema, f"再写第 {schema} 版") for schema in (1, 2)]
    net.settle(2, VILLAGE, TOWN)
    assert _in_effect(net, CITY, *late) == [False, True]
    assert _held(net, CITY) == [("NoteAdded", 1, "message.schema")]
    # What has lain here since is read however old it is: the case is made anew from it.
    with net.nodes[CITY].db.transaction() as tx:
        folded = net.office[CITY].casebook.refold(tx, case_id)
    assert folded.case == net.case(CITY, case_id)


def test_a_queued_message_keeps_the_schema_in_which_it_was_written(
    net: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = net.submit(VILLAGE)
    note = _note(net, case_id, 1, "写于升级之前")
    _upgrade(net, monkeypatch, 3, VILLAGE, TOWN, CITY)
    net.act(VILLAGE, case_id, Role.AGENT, b.NoteAdded("写于升级之后"))
    net.settle(2, VILLAGE, TOWN)
    city = net.nodes[CITY]
    with city.db.reading() as tx:
        rows = tx.execute(
            sa.select(ENVELOPE.c.data)
            .join(STREAM)
            .where(
                STREAM.c.origin == VILLAGE,
                STREAM.c.lane != Lane.ATTACHMENT,
                STREAM.c.readers.like(f"%{CITY}%"),
            )
        ).scalars()
        arrived = [
            message
            for data in rows
            for message in open_envelope(
                bytes(data), city.keyring.verify_key_of(VILLAGE), CITY, city.keyring.sealing_key
            )[1]
        ]
    schemas = {message.id: message.schema for message in arrived if message.type == "NoteAdded"}
    assert sorted(schemas.values()) == [1, 3]
    assert schemas[note] == 1
    written = {json.loads(message.body)["schema"] for message in arrived if message.id == note}
    assert written == {1}
    assert _in_effect(net, CITY, note) == [True]
    assert {note.body.text for note in net.case(CITY, case_id).notes} == {"写于升级之前", "写于升级之后"}


def test_a_township_of_an_older_version_relays_what_it_does_not_understand_and_catches_up(
    net: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    _upgrade(net, monkeypatch, 3, VILLAGE, CITY)
    case_id = net.submit(VILLAGE)
    _strange(net, b'{"text":"hello"}')
    heard: list[bytes] = []
    net.nodes[CITY].dispatch.on("SeasonGreeting", lambda tx, said: heard.append(said.message.body))
    net.settle(2, VILLAGE, TOWN)
    assert net.case(CITY, case_id) == net.case(VILLAGE, case_id)
    assert heard == [b'{"text":"hello"}']
    assert net.find(TOWN, case_id) is None
    assert _held(net, TOWN) == [
        ("CaseSubmitted", 3, "message.schema"),
        ("SeasonGreeting", 1, "message.unknown_type"),
    ]
    # However long it waits, it is neither tried to death nor forgotten.
    net.world.pass_time(days=40)
    for _ in range(20):
        assert net.nodes[TOWN].retry_quarantined() == 0
    _upgrade(net, monkeypatch, 3, TOWN)
    town = net.nodes[TOWN]
    town.dispatch.on("SeasonGreeting", lambda tx, said: heard.append(said.message.body))
    assert town.retry_quarantined() == 2
    assert net.case(TOWN, case_id) == net.case(CITY, case_id)
    assert len(heard) == 2
    assert _held(net, TOWN) == []


def test_a_relay_reads_the_header_alone(net: Offices, monkeypatch: pytest.MonkeyPatch) -> None:
    confidential = net.submit(VILLAGE, net.items(confidential=True)[0])
    net.settle(1, VILLAGE, TOWN)
    town = net.nodes[TOWN]
    with town.db.reading() as tx:
        passed = tx.execute(
            sa.select(STREAM.c.applied_seq, STREAM.c.head_seq).where(
                STREAM.c.origin == VILLAGE,
                STREAM.c.readers.not_like(f"%{TOWN}%"),
                STREAM.c.lane == Lane.INTAKE,
            )
        ).all()
    assert [tuple(row) for row in passed] == [(0, 1)]
    assert net.find(CITY, confidential) is not None


def _strange(net: Offices, body: bytes) -> None:
    village = net.nodes[VILLAGE]
    with village.db.transaction() as tx:
        message = Message(new_id(net.world), "SeasonGreeting", 1, "", body)
        append(tx, village.place, net.world, readers=[CITY, TOWN], lane=Lane.INTAKE, message=message)
