"""A case as its messages have made it: one frozen value, and its one JSON form for the case table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.bodies import (
    Answers,
    Applicant,
    AttachmentManifest,
    CaseDecided,
    CaseRated,
    CaseRefused,
    CaseSubmitted,
    DayUnit,
    Delivery,
    FeePaid,
    LimitMode,
    Material,
    MaterialAdded,
    NoteAdded,
    ProcedureKind,
    ResultDelivered,
    SupplementRequested,
    WithdrawalRequested,
)
from core.canonical import canonical_json, parse_json
from core.identifiers import CaseId, NodeId, Tier, city_of, division_of, tier_of, township_of
from core.messages import Actor, MessageType
from core.shape import from_plain, to_plain
from core.states import CLOSED, State

CASE_BYTES_MAX = 32 << 20


class HoldKind(StrEnum):
    FORK = "fork"
    """Two messages follow the same one: a device was cloned or restored. The city settles it (ForkSettled)."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing may be done on the case until people have looked.

    ``base`` is the message after which the branches part; each branch is the ids of its messages, first the one
    that follows ``base``.
    """

    kind: HoldKind
    base: str | None
    branches: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain: what was said, where, by whom, and the state it led to."""

    id: str
    type: MessageType
    node: NodeId
    actor: Actor
    at: datetime
    state: State
    holder: NodeId | None
    note: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """A special procedure: the clock stood still from ``start`` to ``end``, at most ``granted_days``."""

    name: str
    kind: ProcedureKind
    granted_days: int
    unit: DayUnit
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Officers:
    """Who has each duty now; empty when nobody has it. The distinct-officer rule compares these."""

    accepting: str = ""
    handling: str = ""
    reviewing: str = ""
    deciding: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who added something beside the chain, and when."""

    id: str
    at: datetime
    node: NodeId
    actor: Actor


@dataclass(frozen=True, slots=True)
class Note:
    mark: Mark
    body: NoteAdded


@dataclass(frozen=True, slots=True)
class Payment:
    mark: Mark
    body: FeePaid


@dataclass(frozen=True, slots=True)
class Rating:
    mark: Mark
    body: CaseRated


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    mark: Mark
    body: WithdrawalRequested


@dataclass(frozen=True, slots=True)
class Addition:
    mark: Mark
    body: MaterialAdded


@dataclass(frozen=True, slots=True)
class Case:
    """``version`` is the id of the last chain message. What is added beside the chain is sorted by time and id."""

    id: CaseId
    item: str
    catalogue_version: int
    project: str
    confidential: bool
    origin: NodeId
    township: NodeId | None
    """None for a case that the city registered itself."""
    city: NodeId
    state: State
    state_before_suspension: State | None
    holder: NodeId | None
    version: str
    steps: tuple[Step, ...]
    applicant: Applicant
    form: Answers
    submitted_materials: tuple[Material, ...]
    submitted_attachments: tuple[AttachmentManifest, ...]
    submitted_at: datetime
    accepted_at: datetime | None = None
    completed_at: datetime | None = None
    """Decided, refused, withdrawn or voided: where the legal clock stops."""
    promised_days: int | None = None
    statutory_days: int | None = None
    limit_mode: LimitMode | None = None
    suspensions: tuple[Suspension, ...] = ()
    officers: Officers = Officers()
    department: str = ""
    bill_fen: int = 0
    supplement: SupplementRequested | None = None
    """What is missing, while it is missing."""
    refusal: CaseRefused | None = None
    decision: CaseDecided | None = None
    delivery: ResultDelivered | None = None
    notes: tuple[Note, ...] = ()
    payments: tuple[Payment, ...] = ()
    ratings: tuple[Rating, ...] = ()
    withdrawal_requests: tuple[WithdrawalRequest, ...] = ()
    additions: tuple[Addition, ...] = ()
    hold: Hold | None = None

    @property
    def deliver(self) -> Delivery:
        return self.applicant.delivery

    @property
    def materials(self) -> tuple[Material, ...]:
        """Handed in with the application, then what came later."""
        return self.submitted_materials + tuple(addition.body.material for addition in self.additions)

    @property
    def attachments(self) -> tuple[AttachmentManifest, ...]:
        """Of the application, then of what came later."""
        later = (manifest for addition in self.additions for manifest in addition.body.attachments)
        return self.submitted_attachments + tuple(later)

    @property
    def paid_fen(self) -> int:
        return sum(payment.body.fen for payment in self.payments)

    @property
    def rating(self) -> Rating | None:
        """The latest; a person may think again."""
        return self.ratings[-1] if self.ratings else None

    @property
    def withdrawal_requested(self) -> WithdrawalRequest | None:
        """The latest request that the holder has not answered, if the case is still open."""
        is_open = self.withdrawal_requests and self.state not in CLOSED
        return self.withdrawal_requests[-1] if is_open else None


def origin_of(node: NodeId) -> tuple[NodeId | None, NodeId]:
    """The township's node (None for the city itself) and the city's node of a case registered at ``node``."""
    division = division_of(node)
    township = None if tier_of(division) is Tier.CITY else NodeId(township_of(division))
    return township, NodeId(city_of(division))


def parties(origin: NodeId, *, confidential: bool) -> frozenset[NodeId]:
    """Every node that may read the case: where it was registered, its township, the city.

    The township is left out of a confidential case, unless it registered it.
    """
    township, city = origin_of(origin)
    between = set() if confidential or township is None else {township}
    return frozenset({origin, city} | between)


def readers(case: Case | CaseSubmitted, author: NodeId) -> frozenset[NodeId]:
    """To whom a message of this case is sealed: the parties other than its author.

    For a submission that is no case yet the author is where it is registered.
    """
    origin = case.origin if isinstance(case, Case) else author
    return parties(origin, confidential=case.confidential) - {author}


def case_to_json(case: Case) -> bytes:
    """Canonical JSON: equal cases give equal bytes."""
    return canonical_json(to_plain(case))


def case_from_json(data: bytes) -> Case:
    """The case that :func:`case_to_json` wrote. Raises ``InputError`` on anything else."""
    return from_plain(Case, parse_json(data, bytes_max=CASE_BYTES_MAX), "case")
