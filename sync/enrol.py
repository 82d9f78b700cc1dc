"""A new node's side of enrolment in effect: keys are kept before anything is sent, so a lost answer costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from sync import audit, epoch
from sync.enrolment import NONCE_BYTES, apply, ask_anchor, read_admission, read_anchor
from sync.enrolment_code import EnrolmentCode
from sync.identity import read_fact, write_fact
from sync.node import Node, store_keys
from sync.primitives import SealingKey, SigningKey, sha256
from sync.tables import NODE_STATE

ANCHOR_PATH = "/enrol/anchor"
APPLY_PATH = "/enrol"
MEDIA_TYPE = "application/cbor"
_PENDING = "enrolment_pending"
_DONE = "enrolment_done"

Post = Callable[[str, bytes], bytes]
"""Sends bytes to a path of the enrolment door and returns the answer."""


def door(url: str, timeout_s: float) -> Post:
    """The enrolment door at ``url``; what comes back is authenticated by the code, not by the connection."""
    # The libraries of the line are read by who has one: a terminal asks this module for less.
    from sync.transport.extranet import Extranet
    from sync.transport.tls import anonymous_context

    line = Extranet(url, anonymous_context(), None, timeout_s)
    return lambda path, data: line.post(path, data, MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Begun:
    """What is kept of an application until it is answered. ``code_id`` is the public name of its code."""

    code_id: str
    question: bytes
    anchor: bytes
    application: bytes
    signing: SigningKey = field(repr=False)
    sealing: SealingKey = field(repr=False)


def enrol(node: Node, code: EnrolmentCode, post: Post) -> datetime | None:
    """Become a node of the city that issued ``code``. May be repeated until it succeeds, and after.

    Returns the city's time as it answered; None if it answered an application of an earlier try, perhaps days ago.
    Raises ``StateError`` and ``PeerError`` (``enrolment.*``) as the city refused, ``LineDown`` without a line.
    """
    if enrolled_by(node, code) is not None:
        return None
    kept = begun(node, code)
    if kept is not None:
        finish(node, code, kept, post(APPLY_PATH, kept.application))
        return None
    question = ask_anchor(node.place.node, code, node.world.random_bytes(NONCE_BYTES))
    first = begin(node, code, question, post(ANCHOR_PATH, question))
    return finish(node, code, first, post(APPLY_PATH, first.application))


def begin(node: Node, code: EnrolmentCode, question: bytes, answer: bytes) -> Begun:
    """The application to the city whose ``answer`` to ``question`` is its anchor; kept, with its keys, when this returns.

    Raises as :func:`sync.enrolment.read_anchor`; then nothing is kept.
    """
    world, place = node.world, node.place
    anchor = read_anchor(code, question, answer)
    signing, sealing = SigningKey.generate(world.random_bytes), SealingKey.generate(world.random_bytes)
    application = apply(
        world,
        code,
        anchor,
        node=place.node,
        epoch=place.epoch,
        signing=signing,
        sealing=sealing,
        software=node.software,
    )
    parts = (question, answer, application, signing.to_pkcs8(), sealing.to_pkcs8())
    with node.db.transaction() as tx:
        write_fact(tx, _PENDING, [code.code_id, *(part.hex() for part in parts)])
    return Begun(code.code_id, question, answer, application, signing, sealing)


def finish(node: Node, code: EnrolmentCode, current: Begun, answer: bytes) -> datetime:
    """Take the city's ``answer`` to an application: this is a node of the city when this returns the city's time then.

    Raises as :func:`sync.enrolment.read_admission`; then nothing has changed and the application still waits.
    """
    anchor = read_anchor(code, current.question, current.anchor)
    place = node.place
    admitted = read_admission(
        code,
        anchor,
        current.application,
        answer,
        node=place.node,
        epoch=place.epoch,
        signing=current.signing,
        sealing=current.sealing,
    )
    pairs = (admitted.pair, anchor.city, *admitted.directory)
    certificates = {c.serial: c for pair in pairs for c in (pair.signing, pair.sealing)}
    with node.db.transaction() as tx:
        store_keys(tx, node.keyring.trust(anchor.root, anchor.issuing))
        store_keys(tx, node.keyring.add_keys(current.signing, current.sealing, node.world.now()))
        store_keys(tx, node.keyring.take_certificates(certificates.values()))
        if admitted.revocations:
            store_keys(tx, node.keyring.take_revocations(admitted.revocations))
        tx.execute(sa.delete(NODE_STATE).where(NODE_STATE.c.name == _PENDING))
        write_fact(tx, _DONE, [code.code_id, sha256(current.application).hex()])
        epoch.take_block(tx, admitted.lives)
        epoch.announce(tx, node.refresh(tx), node.world, epoch.Reason.INSTALLED)
        audit.note(
            tx,
            node.world,
            actor="enrolment",
            action="node.enrolled",
            subject=place.node,
            serial=admitted.pair.signing.serial,
        )
    return datetime.fromtimestamp(admitted.city_time / 1000, UTC)


def begun(node: Node, code: EnrolmentCode) -> Begun | None:
    """The application under ``code`` that was kept and is not answered."""
    kept = waiting(node)
    return kept if kept is not None and kept.code_id == code.code_id else None


def is_begun(node: Node) -> bool:
    """Whether an application was kept that is not answered; its keys are not read."""
    with node.db.reading() as tx:
        return read_fact(tx, _PENDING) is not None


def waiting(node: Node) -> Begun | None:
    """The application that was kept and is not answered, whatever its code."""
    with node.db.reading() as tx:
        kept = read_fact(tx, _PENDING)
    if kept is None:
        return None
    question, answer, application, signing, sealing = (bytes.fromhex(part) for part in kept[1:])
    return Begun(
        kept[0],
        question,
        answer,
        application,
        SigningKey.from_pkcs8(signing),
        SealingKey.from_pkcs8(sealing),
    )


def enrolled_by(node: Node, code: EnrolmentCode) -> bytes | None:
    """The digest of the application by which this became a node of the city under ``code``; None if it was not by it."""
    with node.db.reading() as tx:
        done = read_fact(tx, _DONE)
    return bytes.fromhex(done[1]) if done is not None and done[0] == code.code_id else None
