"""What people outside were told: slips in citizens' hands and steps that a clerk saw done. The judge goes by it alone."""

import json
from dataclasses import dataclass, field

from core.identifiers import CaseId, NodeId

NAME_MARK = "甪赟"
ID_MARK = "43098119"
"""Region and century of every invented citizen's number; no division of the city begins so."""
MOBILE_MARK = "13800139"
PERSONAL = tuple(mark.encode() for mark in (NAME_MARK, ID_MARK, MOBILE_MARK))
"""None of these may ever be seen on a wire or in a log."""


@dataclass(frozen=True, slots=True)
class Person:
    """An invented applicant and what they bring; ``scans`` are the plain bytes of their papers."""

    number: int
    name: str
    id_no: str
    mobile: str
    item: str
    delivery: str
    scans: tuple[bytes, ...]


@dataclass(slots=True)
class Slip:
    """A case that the applicant carries home on paper. ``submission`` are the message's bytes on that day."""

    case_id: CaseId
    person: Person
    village: NodeId
    printed_s: float
    confidential: bool
    submission: bytes
    best_wording: str = ""
    lost: bool = False
    """No disk has it any more: see :mod:`tests.simulator.disaster`."""

    @property
    def message_id(self) -> str:
        return str(json.loads(self.submission)["id"])


@dataclass(slots=True)
class Done:
    """A step that the screen reported as done."""

    node: NodeId
    case_id: CaseId
    message_id: str
    type: str
    lost: bool = False


@dataclass(slots=True)
class Ledger:
    """Kept by the world; no node can read it."""

    slips: dict[CaseId, Slip] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    applicants: dict[str, Person] = field(default_factory=dict)
    poison: dict[str, tuple[NodeId, tuple[NodeId, ...]]] = field(default_factory=dict)
    """Message id -> author and readers of what cannot be applied anywhere."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, by its name in the list of invariants."""

    promise: str
    at_s: float
    node: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise} at {self.at_s:.3f} s, {self.node}: {self.what}"
