"""Calling the neighbour above, and answering those below: rounds of contact until both outboxes are empty."""

from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.errors import LiandongError
from core.identifiers import NodeId
from core.store.prepared import Prepared
from sync import attachments, audit, contact, neighbour
from sync.compose import Composed, compose
from sync.node import Node
from sync.outbox import queue_of
from sync.retry import next_budget_bytes
from sync.tables import MESSAGE, STREAM
from sync.transport.base import LineDown, Transport
from sync.visit import Visit

ROUNDS_MAX = 10_000
RECONCILE_ROUNDS_MAX = 64
"""Round trips that one meeting spends on finding what differs; the next one finds the rest."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a meeting did, both directions; bytes as sent and received."""

    rounds: int = 0
    sent_envelopes: int = 0
    sent_chunks: int = 0
    sent_bytes: int = 0
    received_envelopes: int = 0
    received_chunks: int = 0
    received_bytes: int = 0
    refused: tuple[LiandongError, ...] = ()


def meet(
    node: Node,
    transport: Transport,
    peer: NodeId,
    progress: Callable[[Meeting], None] = lambda done: None,
    *,
    in_doubt: bool | None = None,
) -> Meeting:
    """Exchange bundles with ``peer`` until nothing is owed either way.

    ``in_doubt``: whether something may have arrived that was not signed for, so that it is asked for before
    anything is sent; left open, it is so after every contact that failed.

    Raises ``LineDown`` or ``PeerError`` if the line broke or the neighbour refused; what was signed for until
    then stays done, and the next meeting first asks what arrived.
    """
    budget, failures = node.budget_of(peer)
    # Before this run of the program seals a word: has the neighbour seen what this disk does not remember?
    doubtful = failures > 0 if in_doubt is None else in_doubt
    course = _Course(introduce=doubtful or peer not in node.introduced, budget=budget)
    while not course.is_over:
        # A neighbour that was restored, or could not keep them, may have forgotten who we are.
        _round(node, transport, peer, course, with_certificates=failures > 0 and course.introduce)
        progress(course.done)
    if course.budget != budget:
        node.set_budget(peer, course.budget)
    return course.done


@dataclass(slots=True)
class _Course:
    """How far a meeting has come, and what its next round is to do."""

    introduce: bool
    budget: int
    done: Meeting = field(default_factory=Meeting)
    message: bytes | None = None
    """Of the reconciliation; ``compared`` counts those that were sent."""
    compared: int = 0
    is_last_hope: bool = False
    """Wishes alone keep it going once: wished for again, it is something that is not here or does not get across."""
    is_over: bool = False


def _round(
    node: Node, transport: Transport, peer: NodeId, course: _Course, *, with_certificates: bool
) -> None:
    with node.lock:
        bundle = compose(
            node,
            peer,
            budget_bytes=course.budget,
            introduce=course.introduce,
            with_certificates=with_certificates,
            asked_bytes=course.budget,
            message=course.message,
        )
    started_s = node.world.monotonic_s()
    try:
        answer = transport.exchange(bundle.data)
        with node.lock:
            taken = contact.take(
                node,
                answer,
                carrier=transport.carrier,
                expected=peer,
                answers=bundle.number,
                asks=not course.compared,
            )
    except LiandongError as error:
        node.compared.pop(peer, None)
        # Where nobody was reached the budget is not to blame; where a line broke, what was whole has arrived.
        failed = not isinstance(error, LineDown)
        node.note_failure(peer, error, next_budget_bytes(course.budget, took_s=0, filled=True, failed=failed))
        raise
    took_s = node.world.monotonic_s() - started_s
    filled = bundle.filled or bool(taken.envelopes or taken.chunks)
    course.budget = next_budget_bytes(course.budget, took_s=took_s, filled=filled, failed=False)
    course.done = _counted(course.done, bundle, taken, len(answer))
    _look_ahead(node, peer, course, bundle, taken)


def _counted(done: Meeting, bundle: Composed, taken: contact.Taken, answer_bytes: int) -> Meeting:
    return Meeting(
        done.rounds + 1,
        done.sent_envelopes + bundle.envelopes,
        done.sent_chunks + bundle.chunks,
        done.sent_bytes + len(bundle.data),
        done.received_envelopes + taken.envelopes,
        done.received_chunks + taken.chunks,
        done.received_bytes + answer_bytes,
        done.refused + tuple(taken.refused),
    )


def _look_ahead(node: Node, peer: NodeId, course: _Course, bundle: Composed, taken: contact.Taken) -> None:
    """Decide by what a round brought whether there is to be another, and what it does."""
    came = taken.envelopes or taken.chunks
    if not came and taken.touched and taken.touched <= bundle.signed:
        # It brings again what was just signed for: it cannot use our receipts, and asking on changes nothing.
        course.is_over = True
        return
    moved = bool(came or taken.receipts or taken.touched)
    # Its wishes tell what to send next, once; asking on would only keep both nodes from meeting anybody else.
    hopeful = course.introduce or (taken.wishes and not course.is_last_hope)
    course.is_last_hope = not moved and not course.introduce
    course.introduce = False
    course.message = taken.reply
    course.compared += taken.reply is not None
    if course.compared > RECONCILE_ROUNDS_MAX:
        course.message = None
        with node.db.transaction() as tx:
            audit.note(tx, node.world, actor="sync", action="reconcile.unfinished", subject=peer)
    if course.done.rounds >= ROUNDS_MAX:
        course.is_over = True
    elif course.message is None and not (bundle.owes and (moved or bundle.envelopes)):
        # A neighbour that was restored and is owed its own words waits to hear that it has everything back; where
        # nothing moves any more, what is missing there has to come from somebody else.
        course.is_over = not _has_more(node, peer, is_asked=bool(moved or hopeful))


def _has_more(node: Node, peer: NodeId, *, is_asked: bool) -> bool:
    with node.db.reading() as tx:
        return neighbour.has_unsent_receipts(tx, peer) or (is_asked and _owes(tx, peer))


def answer(node: Node, certificate_der: bytes, request: bytes) -> bytes:
    """The answer to a neighbour's bundle. Raises ``PeerError`` in words for who has no business here."""
    visit = Visit(node, certificate_der)
    visit.take(request)
    return visit.answer()


_UNSEALED = Prepared(sa.select(MESSAGE.c.number).where(MESSAGE.c.seq.is_(None)).limit(1))
_SUMS = Prepared(sa.select(sa.func.sum(STREAM.c.messages), sa.func.sum(STREAM.c.head_seq)))


def is_owing(node: Node, peer: NodeId) -> bool:
    """Whether anything recorded here has not been signed for by ``peer``, sealed or not, or is wished for again."""
    with node.db.reading() as tx:
        return _owes(tx, peer)


def _owes(tx: sa.Connection, peer: NodeId) -> bool:
    if _UNSEALED.scalar(tx) is not None or queue_of(tx, peer).envelopes > 0:
        return True
    # A part of a file that it had signed for and has lost since.
    return next(attachments.chunks_owed(tx, peer, None), None) is not None


def mark(node: Node) -> tuple[int, int]:
    """Changes whenever this node has recorded or taken over something new."""
    with node.db.reading() as tx:
        row = _SUMS.first(tx)
    assert row is not None
    return int(row[0] or 0), int(row[1] or 0)
