"""The words in which the workflow's table is written, and what it asks of a catalogue item."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.messages import Role
from core.states import State

GENERAL = "general"
THREE_LEVEL = "three_level"


class ItemRules(Protocol):
    """What the workflow asks of an item of the catalogue."""

    @property
    def code(self) -> str: ...
    @property
    def chain(self) -> str:
        """``general`` or ``three_level``."""

    @property
    def decide_tier(self) -> str:
        """``city`` or ``township``."""

    @property
    def is_immediate(self) -> bool: ...
    @property
    def confidential(self) -> bool: ...


class Desk(StrEnum):
    """Whose desk may take a step; it must hold the case as well."""

    ANY = "any"
    WINDOW = "window"
    """A township's or the city's."""
    FORWARDING = "forwarding"
    """The township's, where the city decides."""
    DECIDING = "deciding"
    """Of the tier that decides this case."""


class Next(StrEnum):
    """Whose desk holds the case after the step."""

    SAME = "same"
    FIRST = "first"
    """The township's; the city's for what the city registered and for confidential cases."""
    CITY = "city"
    ORIGIN = "origin"
    """Where the case was registered: there the applicant can be asked."""
    ASKER = "asker"
    """The desk that had asked for the supplement, or had returned the case."""
    DELIVERY = "delivery"
    """Where the applicant wants the result: where it was registered, or the window that decided."""
    NOBODY = "nobody"


class Duty(StrEnum):
    """A part in the decision that one officer has; the values are fields of ``core.case.Officers``."""

    ACCEPTING = "accepting"
    HANDLING = "handling"
    REVIEWING = "reviewing"
    DECIDING = "deciding"


class By(StrEnum):
    """On what the next state depends where there is more than one."""

    CHAIN = "chain"
    OUTCOME = "outcome"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal step. ``next`` has one state, or those among which ``by`` chooses, in its order:

    chain: general, three-level; outcome: granted, denied; suspension: any state that counts.
    ``apart_from`` are the duties whose officer must be somebody else (distinct-officer rule).
    """

    next: tuple[State, ...]
    desk: Desk
    roles: frozenset[Role]
    holder: Next = Next.SAME
    by: By | None = None
    duty: Duty | None = None
    apart_from: tuple[Duty, ...] = ()
