"""Questions that villages pass on become consultations here, with their clock; the answer goes back to who asked."""

from typing import Any

import sqlalchemy as sa

from city_node.supervision.acts import LIMIT_DAYS
from city_node.supervision.supervisor import watch
from city_node.supervision.tables import MATTER
from core.clock import World, from_iso, iso
from core.consultation import (
    CONSULTATION_ANSWERED,
    SCHEMA,
    ConsultationAnswered,
    decode_asked,
    encode_consultation,
)
from core.errors import PeerError
from core.identifiers import NodeId, new_id
from core.store.casework import Post
from core.store.officers import Officer
from core.supervision import Subject


class Consultations:
    """Of one city node."""

    def __init__(self, node: NodeId, world: World, post: Post) -> None:
        self._node, self._world, self._post = node, world, post

    def take(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        """A question has come; its clock runs from now. Raises ``PeerError`` (``consultation.author``), ``InputError``."""
        asked = decode_asked(data)
        known = tx.scalar(sa.select(MATTER.c.node).where(MATTER.c.id == asked.id))
        if asked.node != origin or known is not None:
            raise PeerError(
                "consultation.author",
                zh=f"{origin} 发来的咨询署名 {asked.node}，或编号已被使用，未采用。请报告市级管理员。",
                en=f"The consultation from {origin} names {asked.node} as its author, or its number is used; it was not taken. "
                "Tell the city's administrator.",
            )
        tx.execute(
            sa.insert(MATTER).values(
                id=asked.id,
                subject=Subject.CONSULT,
                node=origin,
                case_id=None,
                person=asked.person,
                phone=asked.phone,
                words=asked.words,
                department=asked.department,
                officer="",
                opened_at=iso(self._world.now()),
                limit_days=LIMIT_DAYS[Subject.CONSULT],
                answer="",
            )
        )
        watch(tx, asked.id, Subject.CONSULT)

    def tell_answer(self, tx: sa.Connection, officer: Officer, id_: str) -> bool:
        """Send the answer to the node that asked; False if it was asked here."""
        row: Any = tx.execute(sa.select(MATTER).where(MATTER.c.id == id_)).one()
        if row.node == self._node or not row.answered_at:
            return False
        body = ConsultationAnswered(id_, officer.name, from_iso(row.answered_at), row.answer)
        self._post(
            tx,
            readers=[NodeId(row.node)],
            lane="decision",
            message_id=new_id(self._world),
            type_=CONSULTATION_ANSWERED,
            schema=SCHEMA,
            subject="",
            body=encode_consultation(body),
        )
        return True
