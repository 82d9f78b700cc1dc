"""A new node's side of enrolment in effect: keys are kept before anything is sent, so a lost answer costs nothing."""

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from sync import audit, epoch
from sync.enrolment import apply, ask_anchor, read_admission, read_anchor
from sync.enrolment_code import EnrolmentCode
from sync.identity import read_fact, write_fact
from sync.node import Node, store_keys
from sync.primitives import SealingKey, SigningKey
from sync.tables import NODE_STATE
from sync.transport.extranet import Extranet
from sync.transport.tls import anonymous_context

ANCHOR_PATH = "/enrol/anchor"
APPLY_PATH = "/enrol"
MEDIA_TYPE = "application/cbor"
_PENDING = "enrolment_pending"

Post = Callable[[str, bytes], bytes]
"""Sends bytes to a path of the enrolment door and returns the answer."""


def door(url: str, timeout_s: float) -> Post:
    """The enrolment door at ``url``; what comes back is authenticated by the code, not by the connection."""
    line = Extranet(url, anonymous_context(), None, timeout_s)
    return lambda path, data: line.post(path, data, MEDIA_TYPE)


def enrol(node: Node, code: EnrolmentCode, post: Post) -> datetime | None:
    """Become a node of the city that issued ``code``. May be repeated until it succeeds.

    Returns the city's time as it answered; None if it answered an application of an earlier try, perhaps days ago.
    Raises ``StateError`` and ``PeerError`` (``enrolment.*``) as the city refused, ``LineDown`` without a line.
    """
    begun = _begun(node, code)
    question, anchor_answer, application, signing, sealing = begun or _begin(node, code, post)
    anchor = read_anchor(code, question, anchor_answer)
    place = node.place
    admitted = read_admission(
        code,
        anchor,
        application,
        post(APPLY_PATH, application),
        node=place.node,
        epoch=place.epoch,
        signing=signing,
        sealing=sealing,
    )
    pairs = (admitted.pair, anchor.city, *admitted.directory)
    certificates = {c.serial: c for pair in pairs for c in (pair.signing, pair.sealing)}
    with node.db.transaction() as tx:
        store_keys(tx, node.keyring.trust(anchor.root, anchor.issuing))
        store_keys(tx, node.keyring.add_keys(signing, sealing, node.world.now()))
        store_keys(tx, node.keyring.take_certificates(certificates.values()))
        if admitted.revocations:
            store_keys(tx, node.keyring.take_revocations(admitted.revocations))
        tx.execute(sa.delete(NODE_STATE).where(NODE_STATE.c.name == _PENDING))
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
    return datetime.fromtimestamp(admitted.city_time / 1000, UTC) if begun is None else None


def is_begun(node: Node) -> bool:
    """Whether an application was sent whose answer has not come."""
    with node.db.reading() as tx:
        return read_fact(tx, _PENDING) is not None


_Begun = tuple[bytes, bytes, bytes, SigningKey, SealingKey]


def _begin(node: Node, code: EnrolmentCode, post: Post) -> _Begun:
    world, place = node.world, node.place
    question = ask_anchor(place.node, code, world.random_bytes(16))
    answer = post(ANCHOR_PATH, question)
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
    kept = [code.code_id, question, answer, application, signing.to_pkcs8(), sealing.to_pkcs8()]
    with node.db.transaction() as tx:
        write_fact(tx, _PENDING, [kept[0], *(part.hex() for part in kept[1:] if isinstance(part, bytes))])
    return question, answer, application, signing, sealing


def _begun(node: Node, code: EnrolmentCode) -> _Begun | None:
    with node.db.reading() as tx:
        kept = read_fact(tx, _PENDING)
    if kept is None or kept[0] != code.code_id:
        return None
    question, answer, application, signing, sealing = (bytes.fromhex(part) for part in kept[1:])
    return question, answer, application, SigningKey.from_pkcs8(signing), SealingKey.from_pkcs8(sealing)
