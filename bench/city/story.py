"""One case told in messages, each following the last, at instants on a scale of working days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from core import bodies as b
from core.calendar import WorkCalendar
from core.clock import CHINA
from core.identifiers import CaseId, NodeId
from core.messages import SIDE_TYPES, Actor, CaseMessage, Role, message_type_of

CITY = NodeId("430981000000")
_MORNING = time(8, 30)
_MORNING_S, _REST_S, _OFFICE_S = 12_600, 7_200, 25_200
"""From 8:30 to 12:00 and from 14:00 to 17:30."""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Points of time as days of office hours since the start of ``day``: 0 is 8:30 of that day, 1.5 noon of the next."""

    calendar: WorkCalendar
    day: date

    def instant(self, point: float) -> datetime:
        """Within the hours, to the millisecond."""
        whole = int(point // 1)
        first = self.calendar.workdays_before(self.day)
        on = self.calendar.nth_workday(first + whole)
        office_s = (point - whole) * _OFFICE_S
        rest_s = _REST_S if office_s > _MORNING_S else 0
        start = datetime.combine(on, _MORNING, CHINA)
        return start + timedelta(milliseconds=round((office_s + rest_s) * 1000))


@dataclass(slots=True)
class Story:
    """Writes the messages of one case."""

    hours: OfficeHours
    chance: Random
    case_id: CaseId
    messages: list[CaseMessage] = field(default_factory=list)
    version: str | None = None

    def say(self, point: float, node: NodeId, actor: Actor, body: b.Body) -> None:
        """The next message; of the chain, or beside it."""
        id_ = f"{self.chance.getrandbits(128):032x}"
        type_ = message_type_of(body)
        beside = type_ in SIDE_TYPES
        base = None if beside else self.version
        at = self.hours.instant(point)
        self.messages.append(CaseMessage(id_, type_, self.case_id, base, node, actor, at, body))
        if not beside:
            self.version = id_


@dataclass(frozen=True, slots=True)
class Team:
    """Who works a department's cases at the city."""

    window: Actor
    handlers: Sequence[Actor]
    reviewer: Actor
    decider: Actor

    @classmethod
    def of(cls, code: str, names: Sequence[str]) -> "Team":
        """Ids are the department's code and a letter: ``012w``, ``012h1``, ``012r``, ``012d``."""
        window, first, second, reviewer, decider = names
        return cls(
            Actor(f"{code}w", window, Role.WINDOW),
            (Actor(f"{code}h1", first, Role.HANDLER), Actor(f"{code}h2", second, Role.HANDLER)),
            Actor(f"{code}r", reviewer, Role.REVIEWER),
            Actor(f"{code}d", decider, Role.DECIDER),
        )

    @property
    def everyone(self) -> tuple[Actor, ...]:
        return (self.window, *self.handlers, self.reviewer, self.decider)
