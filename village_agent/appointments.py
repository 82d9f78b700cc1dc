"""Appointments at the service point and visits to people's homes: the village agent's own list, on this device only."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from core.clock import CHINA, World, iso
from core.errors import InputError, StateError
from core.identifiers import new_id
from core.messages import Actor
from core.people import check_phone
from core.store.engine import METADATA

TIME = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")
NAME_CHARS_MAX, WORDS_CHARS_MAX = 100, 500

APPOINTMENT = sa.Table(
    "appointment",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("operator", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("time", sa.String(5), nullable=False),
    sa.Column("person", sa.String(100), nullable=False),
    sa.Column("phone", sa.String(32), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("moved", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.String(24), nullable=False),
    comment="who comes or is visited when; this device only. moved = how often it was put off",
)
sa.Index("ix_appointment_day", APPOINTMENT.c.state, APPOINTMENT.c.day, APPOINTMENT.c.time)


class Kind(StrEnum):
    WINDOW = "window"
    """预约: the citizen comes to the service point."""
    HOME = "home"
    """上门服务: the agent goes to the citizen."""


class Standing(StrEnum):
    BOOKED = "booked"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Appointment:
    """``day`` is ``2026-11-27`` in China, ``time`` ``09:30`` or empty; ``item`` a code of the catalogue or empty."""

    id: str
    operator: str
    kind: Kind
    state: Standing
    day: str
    time: str
    person: str
    phone: str
    item: str
    words: str
    moved: int
    changed_at: str


class Appointments:
    """The verbs, each in the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def today(self) -> date:
        return self._world.now().astimezone(CHINA).date()

    def book(
        self,
        tx: sa.Connection,
        actor: Actor,
        *,
        kind: str,
        day: str,
        time: str = "",
        person: str,
        phone: str = "",
        item: str = "",
        words: str = "",
    ) -> Appointment:
        """Note an appointment. Raises ``InputError`` (``appointment.*``, ``people.phone``)."""
        name = person.strip()
        if not 1 <= len(name) <= NAME_CHARS_MAX or len(words) > WORDS_CHARS_MAX:
            raise InputError(
                "appointment.words",
                zh=f"请写明姓名（{NAME_CHARS_MAX} 字内），备注不超过 {WORDS_CHARS_MAX} 字。",
                en=f"Give a name (up to {NAME_CHARS_MAX} characters) and at most {WORDS_CHARS_MAX} of notes.",
            )
        id_ = new_id(self._world)
        tx.execute(
            sa.insert(APPOINTMENT).values(
                id=id_,
                operator=actor.officer,
                kind=Kind(kind),
                state=Standing.BOOKED,
                day=self._day(day),
                time=check_time(time),
                person=name,
                phone=check_phone(phone) if phone.strip() else "",
                item=item,
                words=words.strip(),
                moved=0,
                changed_at=iso(self._world.now()),
            )
        )
        return self.get(tx, id_)

    def move(self, tx: sa.Connection, id_: str, day: str, time: str = "") -> Appointment:
        """Put it off to another day, or take it up again. Raises ``InputError`` (``appointment.*``)."""
        was = self.get(tx, id_)
        self._set(
            tx, id_, day=self._day(day), time=check_time(time), moved=was.moved + 1, state=Standing.BOOKED
        )
        return self.get(tx, id_)

    def finish(self, tx: sa.Connection, id_: str) -> Appointment:
        """It took place. Raises ``StateError`` (``appointment.closed``)."""
        self._require_booked(tx, id_)
        self._set(tx, id_, state=Standing.DONE)
        return self.get(tx, id_)

    def drop(self, tx: sa.Connection, id_: str) -> Appointment:
        """It does not take place; it can be moved to another day. Raises ``StateError`` (``appointment.closed``)."""
        self._require_booked(tx, id_)
        self._set(tx, id_, state=Standing.DROPPED)
        return self.get(tx, id_)

    def get(self, tx: sa.Connection, id_: str) -> Appointment:
        """Raises ``InputError`` (``appointment.unknown``)."""
        row = tx.execute(sa.select(APPOINTMENT).where(APPOINTMENT.c.id == id_)).one_or_none()
        if row is None:
            raise InputError("appointment.unknown", zh="没有这个预约。", en="There is no such appointment.")
        return _appointment(row)

    def listing(self, tx: sa.Connection, offset: int = 0, limit: int = 50) -> list[Appointment]:
        """Booked ones by day and time, overdue first; then the others, the last changed first."""
        columns = APPOINTMENT.c
        is_closed = columns.state != Standing.BOOKED
        order = (
            is_closed,
            sa.case((is_closed, ""), else_=columns.day),
            sa.case((is_closed, ""), else_=columns.time),
            columns.changed_at.desc(),
            columns.id,
        )
        query = sa.select(APPOINTMENT).order_by(*order).offset(offset).limit(limit)
        return [_appointment(row) for row in tx.execute(query)]

    def count(self, tx: sa.Connection) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(APPOINTMENT)) or 0)

    def due(self, tx: sa.Connection) -> int:
        """How many are for today or were missed."""
        where = (APPOINTMENT.c.state == Standing.BOOKED) & (APPOINTMENT.c.day <= self.today.isoformat())
        return int(tx.scalar(sa.select(sa.func.count()).select_from(APPOINTMENT).where(where)) or 0)

    def _day(self, text: str) -> str:
        day = date.fromisoformat(text)
        if day < self.today:
            raise InputError(
                "appointment.past",
                zh=f"{day} 已经过去，请填今天或以后的日期。",
                en=f"{day} is over; give today or a later day.",
            )
        return day.isoformat()

    def _require_booked(self, tx: sa.Connection, id_: str) -> None:
        if self.get(tx, id_).state is not Standing.BOOKED:
            raise StateError(
                "appointment.closed",
                zh="这个预约已经了结。如要再约，请改期。",
                en="This appointment is closed; move it to another day to take it up again.",
            )

    def _set(self, tx: sa.Connection, id_: str, **values: object) -> None:
        now = iso(self._world.now())
        tx.execute(sa.update(APPOINTMENT).where(APPOINTMENT.c.id == id_).values(changed_at=now, **values))


def check_time(text: str) -> str:
    """``09:30``; empty stays empty. Raises ``InputError`` (``appointment.time``)."""
    typed = text.strip()
    if not typed:
        return ""
    found = TIME.fullmatch(typed)
    if found is None:
        raise InputError(
            "appointment.time",
            zh="时间写成 时:分，如 9:30；不定时间可以留空。",
            en="Write the time as hours:minutes, such as 9:30, or leave it empty.",
        )
    return f"{int(found[1]):02d}:{found[2]}"


def _appointment(row: Any) -> Appointment:
    values = dict(row._mapping)
    return Appointment(**values | {"kind": Kind(values["kind"]), "state": Standing(values["state"])})
