"""Doing a step: the message, its effect here and its way to the other tiers in one transaction."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Protocol

import sqlalchemy as sa

from core.bodies import AttachmentManifest, Body, CaseResubmitted, CaseSubmitted, MaterialAdded
from core.case import Case, parties, readers
from core.clock import CHINA, World
from core.errors import PeerError, StateError
from core.identifiers import CaseId, NodeId, case_id, counter_block, new_id
from core.merge import Outcome, OutcomeKind
from core.messages import (
    CHAIN_TYPES,
    LANE_OF,
    SCHEMA,
    Actor,
    CaseMessage,
    compose,
    decode,
    encode,
    message_type_of,
)
from core.store.casebook import Casebook
from core.store.engine import METADATA

COUNTER = sa.Table(
    "case_counter",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("day", sa.String(8), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
    comment="the last case number this installation issued on a day",
)


class Post(Protocol):
    """How a message leaves the node: recorded in its stream within the same transaction."""

    def __call__(
        self,
        tx: sa.Connection,
        *,
        readers: Iterable[NodeId],
        lane: str,
        message_id: str,
        type_: str,
        schema: int,
        subject: str,
        body: bytes,
    ) -> None: ...


class OfferFiles(Protocol):
    """How the files that a message names are offered to its readers."""

    def __call__(
        self, tx: sa.Connection, manifests: Iterable[AttachmentManifest], readers: Iterable[NodeId]
    ) -> None: ...


Ordinal = Callable[[sa.Connection], int]
"""Which of the device's blocks of case numbers is in use, 0 to 9: a disk that was restored takes the next."""

RequireRecovered = Callable[[sa.Connection, NodeId], None]
"""Raises ``StateError`` while somebody else may know more than this disk of the cases of a node."""


class Casework:
    """The verbs of a desk."""

    def __init__(
        self,
        casebook: Casebook,
        node: NodeId,
        world: World,
        *,
        post: Post,
        offer_files: OfferFiles,
        ordinal: Ordinal = lambda tx: 0,
        require_recovered: RequireRecovered = lambda tx, origin: None,
    ) -> None:
        self.casebook = casebook
        self.node = node
        self.world = world
        self._post = post
        self._offer_files = offer_files
        self._ordinal = ordinal
        self._require_recovered = require_recovered

    def submit(self, tx: sa.Connection, actor: Actor, body: CaseSubmitted) -> Case:
        """Register a case under a number of this node. Raises ``IllegalTransition``, ``StateError`` (``case_id.*``)."""
        number = self._next_number(tx)
        return self._say(tx, None, number, actor, body)

    def act(self, tx: sa.Connection, case_id_: CaseId, actor: Actor, body: Body) -> Case:
        """Take a step on a case of this node, or add to it. Raises ``IllegalTransition``, ``InputError``, and
        ``StateError`` (``node.recovering``) for a step while this disk is being completed after a restore.

        If another officer was faster, the step is judged on the case as it is now, and refused in words.
        """
        return self._say(tx, self.casebook.get(tx, case_id_), case_id_, actor, body)

    def take(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> Outcome:
        """Bring a message of another node into effect. Raises ``PeerError`` (``case.author``), ``InputError``."""
        message = decode(data)
        if message.node != origin or message.case_id != subject:
            raise PeerError(
                "case.author",
                zh=f"消息署名 {message.node}，却由 {origin} 发出，未采用。",
                en=f"The message names {message.node} as its author but was sent by {origin}; it was not applied.",
            )
        return self.casebook.record(tx, message)

    def _say(self, tx: sa.Connection, case: Case | None, id_: CaseId, actor: Actor, body: Body) -> Case:
        type_ = message_type_of(body)
        if case is not None and type_ in CHAIN_TYPES:
            self._require_recovered(tx, case.origin)
        base = case.version if case is not None and type_ in CHAIN_TYPES else None
        message = compose(new_id(self.world), id_, base, self.node, actor, self.world.now(), body)
        outcome = self.casebook.record(tx, message)
        if outcome.error is not None:
            raise outcome.error
        if outcome.kind is not OutcomeKind.APPLIED or outcome.case is None:
            raise StateError(
                "case.not_applied",
                zh="该步骤没有生效：办件已挂起，或事项目录还没有到达本机。请看办件页的说明。",
                en="The step did not take effect: the case is on hold, or its catalogue is not here yet. See the case's page.",
            )
        self._send(tx, outcome.case, message)
        return outcome.case

    def _send(self, tx: sa.Connection, case: Case, message: CaseMessage) -> None:
        to = readers(case, self.node)
        if not to:
            # The city registered the case itself: it has nobody to tell.
            return
        self._post(
            tx,
            readers=sorted(to),
            lane=LANE_OF[message.type],
            message_id=message.id,
            type_=message.type,
            schema=SCHEMA,
            subject=case.id,
            body=encode(message),
        )
        if (
            isinstance(message.body, CaseSubmitted | CaseResubmitted | MaterialAdded)
            and message.body.attachments
        ):
            self._offer_files(
                tx,
                message.body.attachments,
                sorted(parties(case.origin, confidential=case.confidential) - {self.node}),
            )

    def _next_number(self, tx: sa.Connection) -> CaseId:
        day: date = self.world.now().astimezone(CHINA).date()
        text = f"{day:%Y%m%d}"
        block = counter_block(self.node, self._ordinal(tx))
        where = (COUNTER.c.node == self.node) & (COUNTER.c.day == text)
        last = tx.scalar(sa.select(COUNTER.c.last).where(where))
        number = block.start if last is None or last not in block else last + 1
        if number not in block:
            raise StateError(
                "case_id.exhausted",
                zh=f"今天的办件编号已用完（{len(block)} 个）。请联系市中心增加设备。",
                en=f"All {len(block)} case numbers of today are used. Ask the city centre for a further device.",
            )
        if tx.execute(sa.update(COUNTER).where(where).values(last=number)).rowcount == 0:
            tx.execute(sa.insert(COUNTER).values(node=self.node, day=text, last=number))
        return case_id(self.node, day, number)
