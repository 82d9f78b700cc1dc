"""The city's enrolment desk in effect: codes issued, anchors given, nodes admitted, each in one transaction."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from core.errors import LocalError
from core.identifiers import NodeId, Tier, division_of, parent_of, tier_of
from sync import audit, cose, neighbour
from sync.authority import Founding, Issuer, Pair, found_city, issue_pair
from sync.enrolment import Admission, Anchor, Application
from sync.enrolment_desk import (
    CODE_LIFETIME,
    Answer,
    CodeRecord,
    Judged,
    admission,
    anchor_for_stick,
    answer_anchor,
    answer_application,
    code_id_of_application,
    code_id_of_question,
    issue_code,
    judge_application,
)
from sync.keyring import KeyRecord, Keyring
from sync.node import Node, store_keys, stored_keys
from sync.primitives import SealingKey, SigningKey
from sync.stream import meet_child
from sync.tables import ENROLMENT
from sync.x509 import read_request

_RECORD_BYTES_MAX = 1 << 20


def found_authority(node: Node) -> Founding:
    """Make the city's certificate authority and the city node's own pair; the caller keeps the root key offline."""
    world, place = node.world, node.place
    founding = found_city(world, place.node)
    signing, sealing = SigningKey.generate(world.random_bytes), SealingKey.generate(world.random_bytes)
    records: list[KeyRecord] = [*node.keyring.trust(founding.root, founding.issuing)]
    records += node.keyring.add_authority(founding.issuing_key, SealingKey.generate(world.random_bytes))
    records += node.keyring.add_keys(signing, sealing, world.now())
    pair = issue_pair(
        world,
        Issuer(founding.issuing, founding.issuing_key),
        node=place.node,
        epoch=place.epoch,
        signing=signing.public(),
        sealing=sealing.public(),
    )
    records += node.keyring.take_certificates([pair.signing, pair.sealing])
    with node.db.transaction() as tx:
        store_keys(tx, records)
        audit.note(tx, world, actor="init", action="authority.founded", subject=place.node)
    return founding


def new_code(
    node: Node,
    target: NodeId,
    *,
    actor: str = "cli",
    lifetime: timedelta = CODE_LIFETIME,
    carry: Callable[[CodeRecord, bytes], None] = lambda record, anchor: None,
) -> tuple[CodeRecord, str]:
    """A one-time code for ``target``, shown once. Raises ``StateError`` (``keyring.no_authority``).

    ``carry`` is given the code's record and the anchor for who has no line; what it raises leaves no code behind.
    """
    anchor = _anchor(node)
    record, text = issue_code(node.world, target, lifetime)
    carry(record, anchor_for_stick(record, anchor))
    with node.db.transaction() as tx:
        _store(tx, record)
        audit.note(tx, node.world, actor=actor, action="enrolment.code", subject=target, code=record.code_id)
    return record, text


def give_anchor(node: Node, data: bytes) -> bytes:
    """The city's answer to a node that asks whom to trust."""
    anchor = _anchor(node)
    return _in_transaction(
        node, code_id_of_question(data), lambda record: answer_anchor(node.world, record, data, anchor)
    ).data


def admit(node: Node, data: bytes) -> bytes:
    """The city's answer to an application; the same application again gets the same answer."""
    return decide(node, data).data


def judge(node: Node, data: bytes) -> Judged:
    """What :func:`decide` would come to; nothing is changed, a wrong try is not counted."""
    code_id = code_id_of_application(data)
    with node.db.reading() as tx:
        record = _find(tx, code_id)
    return judge_application(node.world, record, data, node.keyring.registration_key)


def decide(node: Node, data: bytes) -> Answer:
    """The answer to an application with what it rests on, in effect. Raises ``PeerError`` for what is no application."""
    fresh: list[Pair] = []

    def issue(application: Application) -> Admission:
        with node.db.reading() as tx:
            told = neighbour.epochs_of(tx, application.node)
            # Another program of this node may have admitted others since this one began.
            known = Keyring(node.place.node, stored_keys(tx))
        lives = max(told, known.installations_of(application.node))
        request = read_request(application.request)
        pair = issue_pair(
            node.world,
            node.keyring.issuer,
            node=application.node,
            epoch=application.epoch,
            signing=request.key,
            sealing=application.sealing,
        )
        fresh.append(pair)
        above = _above(node, known, application.node)
        return admission(node.world, pair, above, known.revocations_signed, lives)

    def answer(record: CodeRecord | None) -> Answer:
        return answer_application(node.world, record, data, node.keyring.registration_key, issue)

    def effect(tx: sa.Connection, given: Answer) -> None:
        for pair in fresh:
            store_keys(tx, node.keyring.take_certificates([pair.signing, pair.sealing]))
            if parent_of(division_of(pair.signing.node)) == node.place.division:
                meet_child(tx, node.place, pair.signing.node)
            audit.note(
                tx,
                node.world,
                actor="enrolment",
                action="node.admitted",
                subject=pair.signing.node,
                serial=pair.signing.serial,
            )

    return _in_transaction(node, code_id_of_application(data), answer, effect)


def _anchor(node: Node) -> Anchor:
    """Only the city can give one: who holds no registration key is refused."""
    keyring = node.keyring
    registration = keyring.registration_key.public()
    return Anchor(keyring.root, keyring.issuing, keyring.pair, registration)


def _above(node: Node, known: Keyring, applicant: NodeId) -> tuple[Pair, ...]:
    nodes = [node.place.node]
    if tier_of(division_of(applicant)) is Tier.VILLAGE:
        nodes.append(NodeId(parent_of(division_of(applicant))))
    return tuple(known.pair_of(name) for name in nodes if name in known.nodes())


def _in_transaction(
    node: Node,
    code_id: str,
    answer: Callable[[CodeRecord | None], Answer],
    effect: Callable[[sa.Connection, Answer], None] = lambda tx, given: None,
) -> Answer:
    with node.lock, node.db.transaction() as tx:
        given = answer(_find(tx, code_id))
        if given.record is not None:
            _store(tx, given.record)
        effect(tx, given)
        if given.refused is not None:
            audit.note(
                tx,
                node.world,
                actor="enrolment",
                action="enrolment.refused",
                subject=given.record.node if given.record else "",
                code=given.refused.code,
            )
    return given


def _find(tx: sa.Connection, code_id: str) -> CodeRecord | None:
    row = tx.execute(sa.select(ENROLMENT).where(ENROLMENT.c.code_id == code_id)).one_or_none()
    if row is None:
        return None
    fields = cose.decode(bytes(row.record), bytes_max=_RECORD_BYTES_MAX)
    if not isinstance(fields, list) or len(fields) != 6:
        raise LocalError(
            "enrolment.record",
            zh=f"注册码记录 {code_id} 无法识别，请重新签发注册码。",
            en=f"The record of code {code_id} is not understood; issue a new code.",
        )
    node, secret, expires, wrong_tries, digest, given = fields
    return CodeRecord(code_id, NodeId(node), secret, expires, wrong_tries, digest, given)


def _store(tx: sa.Connection, record: CodeRecord) -> None:
    data = cose.encode(
        [
            record.node,
            record.secret,
            record.expires,
            record.wrong_tries,
            record.application_digest,
            record.answer,
        ]
    )
    where = ENROLMENT.c.code_id == record.code_id
    if tx.execute(sa.update(ENROLMENT).where(where).values(record=data)).rowcount == 0:
        tx.execute(sa.insert(ENROLMENT).values(code_id=record.code_id, record=data))
