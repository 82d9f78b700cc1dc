"""A citizen's question: written down here, passed on to the department, and the answer when it comes back."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.clock import World, from_iso, iso
from core.consultation import (
    CONSULTATION_ANSWERED,
    CONSULTATION_ASKED,
    SCHEMA,
    ConsultationAsked,
    decode_answered,
    encode_consultation,
)
from core.errors import InputError, PeerError
from core.identifiers import NodeId, city_of, division_of, new_id
from core.messages import Actor
from core.people import check_phone
from core.store.casework import Post
from core.store.engine import METADATA
from core.store.office import Take
from sync import audit

CONSULTATION = sa.Table(
    "consultation",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("operator", sa.String(32), nullable=False),
    sa.Column("person", sa.String(100), nullable=False),
    sa.Column("phone", sa.String(32), nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("asked_at", sa.String(24), nullable=False),
    sa.Column("answered_at", sa.String(24)),
    sa.Column("answered_by", sa.String(100), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("told_at", sa.String(24)),
    comment="questions of citizens that were passed on; told_at = when the citizen was told the answer",
)
sa.Index("ix_consultation_order", CONSULTATION.c.told_at, CONSULTATION.c.asked_at)


@dataclass(frozen=True, slots=True)
class Consultation:
    """``answered_at`` None while the department has not answered, ``told_at`` while the citizen has not been told."""

    id: str
    operator: str
    person: str
    phone: str
    department: str
    words: str
    asked_at: str
    answered_at: str | None
    answered_by: str
    answer: str
    told_at: str | None


class Consultations:
    """Of one village; each verb in the caller's transaction."""

    def __init__(self, node: NodeId, world: World, post: Post) -> None:
        self._node, self._world, self._post = node, world, post

    def handlers(self) -> dict[str, tuple[Take, int]]:
        return {CONSULTATION_ANSWERED: (self.take_answer, SCHEMA)}

    def ask(
        self, tx: sa.Connection, actor: Actor, *, person: str, phone: str, department: str, words: str
    ) -> Consultation:
        """Write a question down and pass it on. Raises ``InputError`` (``people.phone``, ``shape.refused``)."""
        number = check_phone(phone) if phone.strip() else ""
        asked = ConsultationAsked(
            id=new_id(self._world),
            node=self._node,
            agent=actor.name,
            at=self._world.now(),
            person=person.strip(),
            phone=number,
            department=department.strip(),
            words=words.strip(),
        )
        body = encode_consultation(asked)
        tx.execute(
            sa.insert(CONSULTATION).values(
                id=asked.id,
                operator=actor.officer,
                person=asked.person,
                phone=asked.phone,
                department=asked.department,
                words=asked.words,
                asked_at=iso(asked.at),
                answered_by="",
                answer="",
            )
        )
        self._post(
            tx,
            readers=[NodeId(city_of(division_of(self._node)))],
            lane="intake",
            message_id=new_id(self._world),
            type_=CONSULTATION_ASKED,
            schema=SCHEMA,
            subject="",
            body=body,
        )
        audit.note(tx, self._world, actor=actor.officer, action="consultation.asked", subject=asked.id)
        return self.get(tx, asked.id)

    def take_answer(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        """The department has answered. Raises ``PeerError`` (``consultation.stranger``), ``InputError``."""
        answered = decode_answered(data)
        if origin != NodeId(city_of(division_of(self._node))):
            raise PeerError(
                "consultation.stranger",
                zh=f"{origin} 不是市级节点，它的咨询答复未采用。请报告市级管理员。",
                en=f"{origin} is not the city; its answer was not taken. Tell the city's administrator.",
            )
        values = {
            "answer": answered.answer,
            "answered_by": answered.officer,
            "answered_at": iso(answered.at),
        }
        tx.execute(sa.update(CONSULTATION).where(CONSULTATION.c.id == answered.id).values(**values))

    def told(self, tx: sa.Connection, actor: Actor, id_: str) -> None:
        """The citizen knows the answer."""
        if self.get(tx, id_).answered_at is None:
            raise InputError(
                "consultation.unanswered",
                zh="还没有答复，同步后再看。",
                en="There is no answer yet; look again after the next contact.",
            )
        tx.execute(
            sa.update(CONSULTATION).where(CONSULTATION.c.id == id_).values(told_at=iso(self._world.now()))
        )

    def get(self, tx: sa.Connection, id_: str) -> Consultation:
        """Raises ``InputError`` (``consultation.unknown``)."""
        row = tx.execute(sa.select(CONSULTATION).where(CONSULTATION.c.id == id_)).one_or_none()
        if row is None:
            raise InputError("consultation.unknown", zh="没有这件咨询。", en="There is no such consultation.")
        return _consultation(row)

    def listing(self, tx: sa.Connection, offset: int = 0, limit: int = 50) -> list[Consultation]:
        """Answers that nobody was told first, then what waits, then what is done; the latest first."""
        order = (
            CONSULTATION.c.told_at.is_not(None),
            CONSULTATION.c.answered_at.is_(None),
            CONSULTATION.c.asked_at.desc(),
            CONSULTATION.c.id,
        )
        query = sa.select(CONSULTATION).order_by(*order).offset(offset).limit(limit)
        return [_consultation(row) for row in tx.execute(query)]

    def count(self, tx: sa.Connection) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(CONSULTATION)) or 0)

    def to_tell(self, tx: sa.Connection) -> int:
        """How many answers nobody was told yet."""
        where = CONSULTATION.c.told_at.is_(None) & CONSULTATION.c.answered_at.is_not(None)
        return int(tx.scalar(sa.select(sa.func.count()).select_from(CONSULTATION).where(where)) or 0)


def waited_days(consultation: Consultation, world: World) -> int:
    """Whole days since the question was asked."""
    return (world.now() - from_iso(consultation.asked_at)).days


def _consultation(row: Any) -> Consultation:
    return Consultation(**dict(row._mapping))
