"""The book of cases: every message of a case as it came, and the case that they make.

The case row is what replaying the messages gives, and holds nothing of when or how they arrived; two nodes with
the same messages have the same bytes in it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import sqlalchemy as sa

from core.bodies import CaseSubmitted, DayUnit
from core.calendar import WorkCalendar
from core.case import Case, case_from_json, case_to_json
from core.clock import iso
from core.errors import InputError, LiandongError, StateError
from core.identifiers import CaseId
from core.limits import Mode, Suspension, Unit, due_at
from core.merge import Folded, ItemLookup, Outcome, OutcomeKind, content_digest, fold, merge
from core.messages import CaseMessage, decode, encode
from core.states import COUNTING
from core.store.engine import METADATA, may_write
from core.store.prepared import Prepared, insert, put, update
from core.store.rotten import message_rot, refused, row_rot
from core.store.summary import entry_key, mark_stale
from core.store.walk import Care, Rot
from core.workflow_terms import ItemRules

CASE = sa.Table(
    "case_file",
    METADATA,
    sa.Column("region", sa.String(12), primary_key=True),
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("holder", sa.String(16)),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("submitted_at", sa.String(24), nullable=False),
    sa.Column("accepted_at", sa.String(24)),
    sa.Column("completed_at", sa.String(24)),
    sa.Column("due_at", sa.String(24)),
    sa.Column("moved_at", sa.String(24), nullable=False),
    sa.Column("hold", sa.String(16)),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.String(32)),
    comment="one row a case; region is its township's division, or the city's; entry is the key under which neighbours "
    "compare it, empty for a confidential one",
)
sa.Index("ix_case_file_queue", CASE.c.holder, CASE.c.state, CASE.c.due_at, CASE.c.id)
sa.Index("ix_case_file_moved", CASE.c.origin, CASE.c.moved_at, CASE.c.id, CASE.c.holder)
sa.Index("ix_case_file_whose", CASE.c.origin, CASE.c.holder)
sa.Index("ix_case_file_entry", CASE.c.entry, CASE.c.digest)
# All that a queue is sorted and chosen by: it is walked, and counted, without touching the cases.
_DESK = CASE.c.due_at, CASE.c.id, CASE.c.state, CASE.c.holder, CASE.c.department, CASE.c.item
sa.Index("ix_case_file_desk", *_DESK)

CASE_MESSAGE = sa.Table(
    "case_message",
    METADATA,
    sa.Column("region", sa.String(12), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(32), nullable=False, index=True),
    sa.Column("case_id", sa.String(26), nullable=False, index=True),
    sa.Column("standing", sa.String(12), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    comment="every message of a case: applied, parked (why = what it waits for), conflict or illegal (why = words)",
)
NOT_APPLIED = CASE_MESSAGE.c.standing != sa.literal_column(f"'{OutcomeKind.APPLIED}'")
"""Spelt out: the index of these few serves only who asks in these very words."""
# A server's word for the same stands in the migration: naming it here would load that dialect on every laptop.
sa.Index("ix_case_message_open", CASE_MESSAGE.c.standing, sqlite_where=NOT_APPLIED)

_UNITS = {DayUnit.WORKING: Unit.WORKDAY, DayUnit.CALENDAR: Unit.CALENDAR}

_LINES = Prepared(
    sa.select(CASE_MESSAGE.c.id, CASE_MESSAGE.c.digest, CASE_MESSAGE.c.standing).where(
        CASE_MESSAGE.c.case_id == sa.bindparam("of")
    )
)
_MESSAGES = Prepared(sa.select(CASE_MESSAGE).where(CASE_MESSAGE.c.case_id == sa.bindparam("of")))
_OPEN = Prepared(
    sa.select(CASE_MESSAGE)
    .where(NOT_APPLIED)
    # By no column of its own, or the index of that would be walked through all the others.
    .order_by(sa.func.coalesce(CASE_MESSAGE.c.case_id, ""), CASE_MESSAGE.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_CASE = Prepared(
    sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
        CASE.c.region == sa.bindparam("region"), CASE.c.id == sa.bindparam("id")
    )
)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Attention:
    """A message that is here but not in effect, and why."""

    case_id: CaseId
    message_id: str
    type: str
    standing: str
    zh: str
    en: str


class Casebook:
    """Reads and writes cases inside the caller's transaction.

    Every row is held against its digest before anybody reads it. One that has rotted is made again: a case from its
    messages, a message from where it came. Where there is no truth left it is refused in words (``LocalError``,
    ``case.row_rotten`` or ``case.message_rotten``), and never shown.
    """

    def __init__(self, items: ItemLookup, calendar: WorkCalendar) -> None:
        self.items = items
        self.calendar = calendar
        self.care: Care | None = None
        self.watchers: list[Callable[[sa.Connection, Case], None]] = []
        """Told of every case that was written, in the same transaction."""

    def record(self, tx: sa.Connection, message: CaseMessage) -> Outcome:
        """Let a message meet its case. Whatever the order of arrival, the outcome for the case is the same."""
        rows = _LINES.all(tx, of=message.case_id)
        case = self.find(tx, message.case_id)
        if content_digest(message) in {row.digest for row in rows}:
            return Outcome(OutcomeKind.DUPLICATE, case)
        outcome = merge(case, message, {row.id: row.digest for row in rows}, self._item(case, message))
        why = _why(outcome.error) if outcome.error else outcome.waits_for or ""
        self._keep(tx, message, outcome.kind, why)
        waiting = any(row.standing != OutcomeKind.APPLIED for row in rows)
        if outcome.kind is OutcomeKind.CONFLICT or (outcome.kind is OutcomeKind.APPLIED and waiting):
            return self._refolded(tx, message)
        if outcome.kind is OutcomeKind.APPLIED:
            assert outcome.case is not None
            self._write(tx, outcome.case)
        return outcome

    def refold(self, tx: sa.Connection, case_id: CaseId) -> Folded:
        """Replay every message of a case: the truth, when the short way cannot tell."""
        folded = fold(self.messages(tx, case_id), self.items)
        if folded.case is not None:
            self._write(tx, folded.case)
        for message_id in folded.applied:
            self._mark(tx, case_id, message_id, OutcomeKind.APPLIED, "")
        for parked in folded.parked:
            self._mark(tx, case_id, parked.message.id, OutcomeKind.PARKED, parked.waits_for)
        for illegal in folded.illegal:
            self._mark(tx, case_id, illegal.message.id, OutcomeKind.ILLEGAL, _why(illegal.error))
        for conflict in folded.conflicts:
            for branch in conflict.branches:
                for message_id in branch:
                    if message_id not in folded.applied:
                        self._mark(tx, case_id, message_id, OutcomeKind.CONFLICT, "")
        return folded

    def refold_waiting(self, tx: sa.Connection, waits_for: str) -> int:
        """Replay the cases that waited for ``waits_for`` (``catalogue:3``); returns how many."""
        query = sa.select(CASE_MESSAGE.c.case_id).where(
            CASE_MESSAGE.c.standing == OutcomeKind.PARKED, CASE_MESSAGE.c.why == waits_for
        )
        case_ids = sorted(set(tx.scalars(query)))
        for case_id in case_ids:
            if self.refold_apart(tx, CaseId(case_id)) is None:
                # The others go on; this one is named.
                self._note(tx, row_rot(case_id, mended=False))
        return len(case_ids)

    def refold_apart(self, tx: sa.Connection, case_id: CaseId) -> Folded | None:
        """Replay a case; None, and nothing is changed, if its messages are not all whole."""
        step = tx.begin_nested()
        try:
            folded = self.refold(tx, case_id)
        except (LiandongError, ValueError):
            step.rollback()
            return None
        step.commit()
        return folded

    def recount_due(self, tx: sa.Connection) -> int:
        """Count the limits of running cases anew by the calendar held now; returns how many changed."""
        changed = 0
        query = sa.select(CASE.c.region, CASE.c.id, CASE.c.due_at, CASE.c.digest, CASE.c.data)
        for row in tx.execute(query.where(CASE.c.state.in_([*COUNTING]))).all():
            case = self._sound(tx, row)
            # One that cannot be made again is in the register of damage; the others are counted all the same.
            due = row.due_at if case is None else self._due(case)
            if due != row.due_at:
                where = (CASE.c.region == row.region) & (CASE.c.id == row.id)
                tx.execute(sa.update(CASE).where(where).values(due_at=due))
                changed += 1
        return changed

    def find(self, tx: sa.Connection, case_id: CaseId) -> Case | None:
        row = _CASE.first(tx, region=region_of(case_id), id=case_id)
        return None if row is None else self.read(tx, row)

    def read(self, tx: sa.Connection, row: Any) -> Case:
        """The case in a row that has at least ``id``, ``digest`` and ``data``. Raises ``LocalError``."""
        case = self._sound(tx, row)
        if case is None:
            raise refused("case.row_rotten", row_rot(row.id, mended=False))
        return case

    def get(self, tx: sa.Connection, case_id: CaseId) -> Case:
        """Raises ``InputError`` (``case.unknown``)."""
        case = self.find(tx, case_id)
        if case is None:
            raise InputError(
                "case.unknown",
                zh=f"本机没有办件 {case_id}。请核对编号；刚登记的可能还在传输途中。",
                en=f"Case {case_id} is not on this machine. Check the number; a new one may still be in transit.",
            )
        return case

    def messages(self, tx: sa.Connection, case_id: CaseId) -> list[CaseMessage]:
        """Every message of a case that is here, in effect or not. Raises ``LocalError`` (``case.message_rotten``)."""
        found = []
        for row in _MESSAGES.all(tx, of=case_id):
            message = self._sound_message(tx, row)
            if message is None:
                raise refused("case.message_rotten", message_rot(row.digest, row.case_id, mended=False))
            found.append(message)
        return found

    def listing(
        self,
        tx: sa.Connection,
        *,
        holder: str | None = None,
        states: tuple[str, ...] = (),
        origin: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = 50,
    ) -> list[Case]:
        """A page of cases, the most urgent first; ``after`` is ``(due_at or '~', id)`` of the last one seen."""
        order = sa.func.coalesce(CASE.c.due_at, "~")
        query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).order_by(order, CASE.c.id).limit(limit)
        if holder is not None:
            query = query.where(CASE.c.holder == holder)
        if states:
            query = query.where(CASE.c.state.in_(states))
        if origin is not None:
            query = query.where(CASE.c.origin == origin)
        if after is not None:
            query = query.where(sa.tuple_(order, CASE.c.id) > sa.tuple_(*after))
        return [self.read(tx, row) for row in tx.execute(query).all()]

    def counts(self, tx: sa.Connection) -> dict[tuple[str, str], int]:
        """How many cases by origin and state."""
        query = sa.select(CASE.c.origin, CASE.c.state, sa.func.count()).group_by(CASE.c.origin, CASE.c.state)
        return {(origin, state): count for origin, state, count in tx.execute(query)}

    def all_ids(self, tx: sa.Connection) -> Iterator[CaseId]:
        yield from (CaseId(id_) for id_ in tx.scalars(sa.select(CASE.c.id).order_by(CASE.c.id)))

    def attention(self, tx: sa.Connection, case_id: str = "", limit: int = 200) -> list[Attention]:
        """Messages that are here and not in effect, of one case or of all."""
        rows = _MESSAGES.all(tx, of=case_id) if case_id else _OPEN.all(tx, most=limit)
        waiting = sorted(
            (row for row in rows if row.standing != OutcomeKind.APPLIED),
            key=lambda row: (row.case_id, row.id),
        )
        return [_attention(row, self._sound_message(tx, row)) for row in waiting]

    def _message_again(self, tx: sa.Connection, row: Any) -> CaseMessage | None:
        """A rotten line of the table of messages, read again from where it came and mended; None if nothing has it."""
        body = None if self.care is None else self.care.body_again(tx, row.id)
        message = None if body is None else as_said(body, row.digest)
        if body is not None and message is not None:
            put_right(tx, row, message, body)
        return message

    def _sound(self, tx: sa.Connection, row: Any) -> Case | None:
        data = bytes(row.data)
        if row_digest(data) == row.digest:
            return case_from_json(data)

        def again(own: sa.Connection) -> Case | None:
            folded = self.refold_apart(own, CaseId(row.id))
            case = None if folded is None else folded.case
            self._note(own, row_rot(row.id, mended=case is not None))
            return case

        return self._in_writing(tx, again)

    def _sound_message(self, tx: sa.Connection, row: Any) -> CaseMessage | None:
        message = as_said(bytes(row.data), row.digest)
        if message is not None:
            return message

        def again(own: sa.Connection) -> CaseMessage | None:
            found = self._message_again(own, row)
            self._note(own, message_rot(row.digest, row.case_id, mended=found is not None))
            return found

        return self._in_writing(tx, again)

    def _in_writing(self, tx: sa.Connection, again: Callable[[sa.Connection], Found | None]) -> Found | None:
        """``again`` in a transaction that may write: this one, or one of its own for somebody who only reads."""
        if may_write(tx):
            return again(tx)
        if self.care is None:
            return None
        with self.care.apart() as own:
            return again(own)

    def _note(self, tx: sa.Connection, rot: Rot) -> None:
        if self.care is not None:
            self.care.note_rot(tx, rot)

    def _refolded(self, tx: sa.Connection, message: CaseMessage) -> Outcome:
        folded = self.refold(tx, message.case_id)
        if message.id in folded.applied:
            return Outcome(OutcomeKind.APPLIED, folded.case)
        for parked in folded.parked:
            if parked.message.id == message.id:
                return Outcome(OutcomeKind.PARKED, folded.case, waits_for=parked.waits_for)
        for illegal in folded.illegal:
            if illegal.message.id == message.id:
                return Outcome(OutcomeKind.ILLEGAL, folded.case, error=illegal.error)
        return Outcome(OutcomeKind.CONFLICT, folded.case)

    def _item(self, case: Case | None, message: CaseMessage) -> ItemRules | None:
        named = case if case is not None else message.body
        if not isinstance(named, Case | CaseSubmitted):
            return None
        try:
            return self.items(named.item, named.catalogue_version)
        except LiandongError:
            return None

    def _keep(self, tx: sa.Connection, message: CaseMessage, kind: OutcomeKind, why: str) -> None:
        insert(
            tx,
            CASE_MESSAGE,
            region=region_of(message.case_id),
            digest=content_digest(message),
            id=message.id,
            case_id=message.case_id,
            standing=kind,
            why=why,
            data=encode(message),
        )

    def _mark(self, tx: sa.Connection, case_id: CaseId, message_id: str, kind: OutcomeKind, why: str) -> None:
        update(tx, CASE_MESSAGE, {"case_id": case_id, "id": message_id}, standing=kind, why=why)

    def _write(self, tx: sa.Connection, case: Case) -> None:
        values = self.row_of(case)
        put(tx, CASE, {"region": region_of(case.id), "id": case.id}, **values)
        if values["entry"] is not None:
            mark_stale(tx, values["entry"])
        for watch in self.watchers:
            watch(tx, case)

    def row_of(self, case: Case) -> dict[str, Any]:
        """The columns of a case but its key: all that stands in its row follows from it and the calendar."""
        data = case_to_json(case)
        return {
            "item": case.item,
            "origin": case.origin,
            "state": case.state,
            "holder": case.holder,
            "department": case.department,
            "version": case.version,
            "submitted_at": iso(case.submitted_at),
            "accepted_at": iso(case.accepted_at) if case.accepted_at else None,
            "completed_at": iso(case.completed_at) if case.completed_at else None,
            "due_at": self._due(case),
            "moved_at": iso(case.steps[-1].at),
            "hold": case.hold.kind if case.hold else None,
            "digest": row_digest(data),
            "data": data,
            "entry": None if case.confidential else entry_key(case.origin, case.id),
        }

    def _due(self, case: Case) -> str | None:
        if case.state not in COUNTING or case.accepted_at is None or case.promised_days is None:
            return None
        try:
            mode = Mode(case.limit_mode or Mode.EXACT)
            return iso(
                due_at(self.calendar, mode, case.accepted_at, case.promised_days, suspensions_of(case))
            )
        except StateError:
            # The calendar of that year has not been published yet: no due date rather than a guess.
            return None


def suspensions_of(case: Case) -> tuple[Suspension, ...]:
    """The case's special procedures as the limit clock takes them."""
    return tuple(
        Suspension(taken.start, taken.end, taken.granted_days, _UNITS[taken.unit], taken.name)
        for taken in case.suspensions
    )


def region_of(number: str) -> str:
    """The partition of a case: the township's division of its number or of its node, or the city's."""
    return number[:9] + "000"


def row_digest(data: bytes) -> str:
    """Hex SHA-256 that stands beside the row, so that a flipped bit in it is found."""
    return sha256(data).hexdigest()


def _why(error: LiandongError) -> str:
    return json.dumps({"zh": error.zh, "en": error.en}, ensure_ascii=False)


def as_said(data: bytes, digest: str) -> CaseMessage | None:
    """The message that was kept under ``digest``; None if these are not its bytes."""
    try:
        message = decode(data)
    except (LiandongError, ValueError):
        return None
    return message if content_digest(message) == digest else None


def put_right(tx: sa.Connection, row: Any, message: CaseMessage, data: bytes) -> None:
    """Let a line of the table of messages be again what was written: all but its digest and its standing."""
    where = (CASE_MESSAGE.c.region == row.region) & (CASE_MESSAGE.c.digest == row.digest)
    names = {"id": message.id, "case_id": message.case_id, "region": region_of(message.case_id)}
    tx.execute(sa.update(CASE_MESSAGE).where(where).values(data=data, **names))


def _attention(row: Any, message: CaseMessage | None) -> Attention:
    if message is None:
        rot = message_rot(row.digest, row.case_id, mended=False)
        return Attention(CaseId(row.case_id), row.id, "", row.standing, rot.zh, rot.en)
    if row.standing == OutcomeKind.ILLEGAL:
        words = json.loads(row.why)
    elif row.standing == OutcomeKind.PARKED:
        words = {"zh": f"等待前一步到达（{row.why}）", "en": f"waits for an earlier step ({row.why})"}
    else:
        words = {
            "zh": "同一步之后有两种办理记录，已挂起待核",
            "en": "two histories follow the same step; held for people to look at",
        }
    return Attention(CaseId(row.case_id), row.id, message.type, row.standing, words["zh"], words["en"])
