"""How messages meet their case: the result depends on the set of messages, never on order or repetition.

:func:`fold` is the truth. :func:`merge` is the short way for a message that follows the case as it stands; it
answers ``conflict`` whenever only the whole set can tell, and then the case is what ``fold`` says.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from core.bodies import CaseSubmitted, ForkSettled
from core.canonical import canonical_json
from core.case import Case, Hold, HoldKind
from core.errors import LiandongError
from core.messages import CaseMessage, MessageType
from core.progress import add, advance
from core.shape import to_plain
from core.workflow import Move, check, check_settlement, check_side
from core.workflow_terms import ItemRules

ItemLookup = Callable[[str, int], ItemRules | None]
"""Item code, catalogue version -> the item; None while that version has not come; ``LiandongError`` if the
version is here and has no such item."""


_Legal = tuple[CaseMessage, Move, ItemRules]


@dataclass(frozen=True, slots=True)
class Parked:
    """``waits_for``: a message id, ``submission``, or ``catalogue:<version>``."""

    message: CaseMessage
    waits_for: str


@dataclass(frozen=True, slots=True)
class Illegal:
    message: CaseMessage
    error: LiandongError


class ConflictKind(StrEnum):
    FORK = "fork"
    """Several legal messages follow ``base``."""
    SAME_ID = "same_id"
    """Messages of one id that say different things; one of them may have been applied."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """``settled`` is the first message of the branch that the city kept, None while the case is held."""

    kind: ConflictKind
    base: str | None
    branches: tuple[tuple[str, ...], ...]
    settled: str | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """Everything the messages of one case come to. ``applied`` is in the order of application."""

    case: Case | None
    applied: tuple[str, ...]
    parked: tuple[Parked, ...]
    conflicts: tuple[Conflict, ...]
    illegal: tuple[Illegal, ...]


class OutcomeKind(StrEnum):
    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    CONFLICT = "conflict"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``case`` is the case after ``applied``, else as it was. After ``conflict``, and after ``applied`` while
    other messages are parked, fold the whole set."""

    kind: OutcomeKind
    case: Case | None
    waits_for: str | None = None
    error: LiandongError | None = None


def content_digest(message: CaseMessage) -> str:
    """SHA-256 (hex) of what the message says; equal only for the same fact."""
    return sha256(canonical_json(to_plain(message))).hexdigest()


def merge(
    case: Case | None, message: CaseMessage, known: Mapping[str, str], item: ItemRules | None
) -> Outcome:
    """The short way. ``known``: message id -> :func:`content_digest` of every message of the case that this node
    has, applied or not. ``item``: the case's item, None while its catalogue version has not come.
    """
    if message.id in known:
        same = known[message.id] == content_digest(message)
        return Outcome(OutcomeKind.DUPLICATE if same else OutcomeKind.CONFLICT, case)
    if message.type is MessageType.FORK_SETTLED:
        return Outcome(OutcomeKind.CONFLICT, case)
    if not message.is_chain:
        return _merge_side(case, message)
    if message.base not in known and message.base is not None:
        return Outcome(OutcomeKind.PARKED, case, waits_for=message.base)
    at_tip = message.base == (case.version if case else None) and not (case and case.hold)
    if item is None or not at_tip or (case is None and known):
        return Outcome(OutcomeKind.CONFLICT, case)
    try:
        return Outcome(OutcomeKind.APPLIED, advance(case, message, check(case, message, item)))
    except LiandongError as error:
        return Outcome(OutcomeKind.ILLEGAL, case, error=error)


def _merge_side(case: Case | None, message: CaseMessage) -> Outcome:
    if case is None:
        return Outcome(OutcomeKind.PARKED, None, waits_for="submission")
    try:
        check_side(case, message)
    except LiandongError as error:
        return Outcome(OutcomeKind.ILLEGAL, case, error=error)
    return Outcome(OutcomeKind.APPLIED, add(case, message))


def fold(messages: Iterable[CaseMessage], item_lookup: ItemLookup) -> Folded:
    """What the messages of one case come to.

    From the submission on the one legal message that follows is applied; where several are, the case stays at
    their common ancestor and is held, unless a ForkSettled of the city names one (the earliest word counts). Where
    two submissions bear one case number the earlier is shown, and held.
    """
    return _Folding(messages, item_lookup).run()


class _Folding:
    """The walk along one case's tree of messages; every message ends in exactly one list, twins apart."""

    def __init__(self, messages: Iterable[CaseMessage], item_lookup: ItemLookup) -> None:
        distinct = {content_digest(message): message for message in messages}
        # Sorted by what they say, so that nothing below can depend on the order of arrival.
        order = sorted(distinct, key=lambda digest: (distinct[digest].at, distinct[digest].id, digest))
        self.messages = [distinct[digest] for digest in order]
        self.lookup = item_lookup
        self.count_of_id = Counter(message.id for message in self.messages)
        self.children: dict[str | None, list[CaseMessage]] = defaultdict(list)
        for message in self.messages:
            if message.is_chain:
                self.children[message.base].append(message)
        self.applied: list[str] = []
        self.parked: list[Parked] = []
        self.conflicts: list[Conflict] = []
        self.illegal: list[Illegal] = []
        self.in_branches: set[str] = set()

    def run(self) -> Folded:
        kept = self._settlements()
        case = self._chain(kept)
        case = self._sides(case)
        self._park_what_waits()
        self.conflicts += [
            Conflict(ConflictKind.SAME_ID, message_id, ((message_id,),) * count)
            for message_id, count in self.count_of_id.items()
            if count > 1
        ]
        return Folded(
            case, tuple(self.applied), tuple(self.parked), tuple(self.conflicts), tuple(self.illegal)
        )

    def _settlements(self) -> list[str]:
        """The first messages of the branches that the city keeps, the earliest word first."""
        kept = []
        for message in self._untwinned(lambda message: isinstance(message.body, ForkSettled)):
            assert isinstance(message.body, ForkSettled)
            try:
                check_settlement(message)
            except LiandongError as error:
                self.illegal.append(Illegal(message, error))
            else:
                self.applied.append(message.id)
                kept.append(message.body.keep)
        return kept

    def _chain(self, kept: list[str]) -> Case | None:
        case: Case | None = None
        item: ItemRules | None = None
        while legal := self._legal_after(case, item):
            chosen = self._chosen(legal, kept)
            if len(legal) > 1:
                self._note_fork(case, [message for message, _, _ in legal], chosen and chosen[0].id)
            if chosen is None:
                return self._held(case, legal)
            message, move, item = chosen
            case = advance(case, message, move)
            self.applied.append(message.id)
        return case

    def _legal_after(self, case: Case | None, item: ItemRules | None) -> list[_Legal]:
        """The messages that may follow; those that may not are put aside with their reason."""
        legal = []
        for message in self.children[case.version if case else None]:
            # A twin of an applied message would lead the walk round in a circle.
            if message.id in self.applied:
                continue
            try:
                rules = item or self._item(message)
                if rules is None:
                    continue
                legal.append((message, check(case, message, rules), rules))
            except LiandongError as error:
                self.illegal.append(Illegal(message, error))
        return legal

    def _item(self, submission: CaseMessage) -> ItemRules | None:
        body = submission.body
        assert isinstance(body, CaseSubmitted)
        item = self.lookup(body.item, body.catalogue_version)
        if item is None:
            self.parked.append(Parked(submission, f"catalogue:{body.catalogue_version}"))
        return item

    def _chosen(self, legal: list[_Legal], kept: list[str]) -> _Legal | None:
        """The one that follows: the only one, or the one that the city kept."""
        if len(legal) == 1:
            return legal[0]
        for keep in kept:
            named = [entry for entry in legal if entry[0].id == keep]
            if len(named) == 1:
                return named[0]
        return None

    def _note_fork(self, case: Case | None, firsts: list[CaseMessage], settled: str | None) -> None:
        branches = tuple(self._branch(first) for first in firsts)
        set_aside = {message_id for branch in branches if branch[0] != settled for message_id in branch}
        self.in_branches |= set_aside
        base = case.version if case else None
        self.conflicts.append(Conflict(ConflictKind.FORK, base, branches, settled))

    def _branch(self, first: CaseMessage) -> tuple[str, ...]:
        """The ids of the branch that begins with ``first``, nearest first."""
        branch = [first.id]
        for message_id in branch:
            branch += [child.id for child in self.children.get(message_id, []) if child.id not in branch]
        return tuple(branch)

    def _held(self, case: Case | None, legal: list[_Legal]) -> Case:
        if case is None:
            message, move, _ = legal[0]
            case = advance(None, message, move)
        fork = self.conflicts[-1]
        return replace(case, hold=Hold(HoldKind.FORK, fork.base, fork.branches))

    def _sides(self, case: Case | None) -> Case | None:
        for message in self._untwinned(
            lambda message: not message.is_chain and not isinstance(message.body, ForkSettled)
        ):
            if case is None:
                self.parked.append(Parked(message, "submission"))
                continue
            try:
                check_side(case, message)
            except LiandongError as error:
                self.illegal.append(Illegal(message, error))
            else:
                case = add(case, message)
                self.applied.append(message.id)
        return case

    def _park_what_waits(self) -> None:
        done = {*self.applied, *self.in_branches}
        done |= {entry.message.id for entry in self.parked} | {entry.message.id for entry in self.illegal}
        self.parked += [
            Parked(message, message.base)
            for message in self._untwinned(lambda message: message.is_chain and message.id not in done)
            if message.base is not None
        ]

    def _untwinned(self, wanted: Callable[[CaseMessage], bool]) -> list[CaseMessage]:
        """Of those wanted, all whose id no other message bears."""
        return [message for message in self.messages if wanted(message) and self.count_of_id[message.id] == 1]
