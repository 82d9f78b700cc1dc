"""Cards in time: every case that moves is looked at anew, every limit at the second it passes.

A card that turns out not to have been due is withdrawn by itself: a decision made in time may arrive late, and a
calendar may change. A person withdraws one only with a reason, and both stay in its history for ever.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from city_node.history import ITSELF, add_step
from city_node.supervision.subjects import Judged, of_case, of_matter
from city_node.supervision.tables import CARD, CARD_STEP, MATTER, WATCH
from core.case import Case
from core.clock import World, iso
from core.errors import LocalError
from core.identifiers import CaseId, new_id
from core.limits import Mode
from core.messages import Role
from core.store.casebook import CASE, region_of
from core.store.engine import Database
from core.store.office import Office
from core.store.officers import OFFICER, Officer
from core.supervision import GRAVITY, Subject

SWEEP_MAX = 500
"""Subjects looked at in one transaction."""
NOW = ""
"""``look_at`` of a subject that moved: sorts before every instant."""


_DUE = (
    sa.select(WATCH.c.key, WATCH.c.subject)
    .where(WATCH.c.look_at.is_not(None), WATCH.c.look_at <= sa.bindparam("now"))
    .order_by(WATCH.c.look_at, WATCH.c.key)
    .limit(sa.bindparam("most"))
)
_STAND = (
    sa.update(WATCH)
    .where(WATCH.c.key == sa.bindparam("at"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("look_at", "card", "since", "case_id", "department", "officer", "node", "region")
        }
    )
)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did. ``more``: others wait to be looked at."""

    looked_at: int = 0
    issued: int = 0
    withdrawn: int = 0
    more: bool = False


class Supervisor:
    """Keeps the cards of one city node."""

    def __init__(self, office: Office, world: World) -> None:
        self._office = office
        self._world = world
        self._has_found_all = False
        office.casebook.watchers.append(self.notice)

    def notice(self, tx: sa.Connection, case: Case) -> None:
        """The case has moved: look at it in the next sweep."""
        if case.accepted_at is not None:
            watch(tx, case.id, Subject.CASE)

    def catch_up(self, db: Database) -> Swept:
        """A sweep of its own; the first one finds cases of before this program, or of a copy that was put back."""
        with db.transaction() as tx:
            if not self._has_found_all:
                unwatched = ~sa.exists().where(WATCH.c.key == CASE.c.id)
                missing = sa.select(CASE.c.id, sa.literal(str(Subject.CASE)), sa.literal(NOW)).where(
                    CASE.c.accepted_at.is_not(None), unwatched
                )
                tx.execute(sa.insert(WATCH).from_select(["key", "subject", "look_at"], missing))
            swept = self.sweep(tx)
        self._has_found_all = True
        return swept

    def sweep(self, tx: sa.Connection, limit: int = SWEEP_MAX) -> Swept:
        """Look at what is due, the oldest first. The cards of one instant are the same whenever it is called."""
        now = self._world.now()
        rows = tx.execute(_DUE, {"now": iso(now), "most": limit + 1}).all()
        seen, more = rows[:limit], len(rows) > limit
        cases = self._cases(tx, [row.key for row in seen if row.subject == Subject.CASE])
        found = {row.key: self._judge(tx, row.key, Subject(row.subject), cases, now) for row in seen}
        settled = self._settle(tx, [one for judged in found.values() for one in judged], now)
        if found:
            tx.execute(_STAND, [{"at": key, **_standing(judged)} for key, judged in found.items()])
        return Swept(len(seen), *settled, more)

    def look_at_all(self, tx: sa.Connection) -> None:
        """Look at everything open again: the calendar is another one."""
        is_open = WATCH.c.look_at.is_not(None) | WATCH.c.card.is_not(None)
        tx.execute(sa.update(WATCH).where(is_open).values(look_at=NOW))

    def _cases(self, tx: sa.Connection, ids: Sequence[str]) -> dict[str, Case]:
        """Those of the cases that are here and whole."""
        book, cases = self._office.casebook, {}
        keys = [(region_of(CaseId(id_)), id_) for id_ in ids]
        query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
            sa.tuple_(CASE.c.region, CASE.c.id).in_(keys)
        )
        for row in tx.execute(query).all() if keys else ():
            try:
                cases[row.id] = book.read(tx, row)
            except LocalError:
                # Its row and its messages have rotted: the register of damage names it, and it is looked at when it is whole.
                continue
        return cases

    def _judge(
        self, tx: sa.Connection, key: str, subject: Subject, cases: Mapping[str, Case], now: datetime
    ) -> list[Judged]:
        calendar = self._office.shelf.calendar
        if subject is not Subject.CASE:
            row = tx.execute(sa.select(MATTER).where(MATTER.c.id == key)).one_or_none()
            return [] if row is None else [of_matter(row, calendar, Mode.EXACT, now)]
        case = cases.get(key)
        return [] if case is None else of_case(case, self._department(case), calendar, now)

    def _department(self, case: Case) -> str:
        item = self._office.shelf.item(case.item, case.catalogue_version)
        return item.department.name if item is not None else ""

    def _settle(self, tx: sa.Connection, judged: Sequence[Judged], now: datetime) -> tuple[int, int]:
        """Bring the cards of subjects to what was found; how many were issued and withdrawn."""
        query = sa.select(CARD.c.key, CARD.c.id, CARD.c.card, CARD.c.since, CARD.c.status)
        known = {
            (row.key, row.card, row.since): row
            for row in tx.execute(query.where(CARD.c.key.in_([one.key for one in judged]))).all()
        }
        due = {(one.key, str(card), iso(since)): one for one in judged for card, since in one.course.cards}
        fresh = {key: one for key, one in due.items() if key not in known}
        if fresh:
            self._issue(tx, fresh, now)
        over = [row for key, row in known.items() if key not in due and row.status != "withdrawn"]
        for row in over:
            words = "重新核算：该时限当时并未超过（如办结消息迟到、日历更新）"
            step(tx, row.id, "withdrawn", None, iso(now), words, status="withdrawn")
        return len(fresh), len(over)

    def _issue(self, tx: sa.Connection, fresh: Mapping[tuple[str, str, str], Judged], now: datetime) -> None:
        duties, at = _duties(tx), iso(now)
        rows = [
            {
                "id": new_id(self._world),
                "key": key,
                "subject": str(one.subject),
                "card": card,
                "case_id": one.case_id,
                "since": since,
                "issued_at": at,
                "department": one.charge.department,
                "officer": one.charge.officer,
                "node": one.charge.holder,
                "region": region_of(one.charge.origin),
                "status": "issued",
                "told": json.dumps(_to_tell(duties, one)),
            }
            for (key, card, since), one in fresh.items()
        ]
        tx.execute(sa.insert(CARD), rows)
        first = {"number": 1, "what": "issued", "officer": "", "name": ITSELF, "at": at, "words": ""}
        tx.execute(sa.insert(CARD_STEP), [{"card_id": row["id"], **first} for row in rows])


@dataclass(frozen=True, slots=True)
class _Duty:
    """An officer as far as cards go."""

    officer: str
    department: str
    is_head: bool
    is_supervisor: bool


def _duties(tx: sa.Connection) -> list[_Duty]:
    rows = tx.execute(sa.select(OFFICER).where(OFFICER.c.disabled.is_(False)).order_by(OFFICER.c.id)).all()
    roles = [set(json.loads(row.roles)) for row in rows]
    return [
        _Duty(row.id, row.department, Role.WINDOW_HEAD in held, Role.SUPERVISOR in held)
        for row, held in zip(rows, roles, strict=True)
    ]


def _to_tell(duties: Sequence[_Duty], one: Judged) -> list[str]:
    """Whoever has it in hand, the heads of the window, and the supervisors."""
    return [
        duty.officer
        for duty in duties
        if duty.officer == one.charge.officer
        or duty.is_supervisor
        or (duty.is_head and duty.department in ("", one.charge.department))
    ]


def _standing(found: Sequence[Judged]) -> dict[str, Any]:
    """Where a subject stands: when to look again, and its gravest card in force, if it is open."""
    open_ones = [one for one in found if one.is_open]
    ahead = [one.course.next_change_at for one in open_ones if one.course.next_change_at is not None]
    in_force = [(card, since, one) for one in open_ones for card, since in one.course.cards[-1:]]
    charge = open_ones[0].charge if open_ones else None
    worst = max(in_force, key=lambda three: (GRAVITY[three[0]], three[1]), default=None)
    return {
        "look_at": iso(min(ahead)) if ahead else None,
        "card": str(worst[0]) if worst else None,
        "since": iso(worst[1]) if worst else None,
        "case_id": open_ones[0].case_id if open_ones else None,
        "department": charge.department if charge else None,
        "officer": charge.officer if charge else None,
        "node": charge.holder if charge else None,
        "region": region_of(charge.origin) if charge else None,
    }


def watch(tx: sa.Connection, key: str, subject: Subject) -> None:
    """Look at a subject in the next sweep."""
    if tx.execute(sa.update(WATCH).where(WATCH.c.key == key).values(look_at=NOW)).rowcount == 0:
        tx.execute(sa.insert(WATCH).values(key=key, subject=subject, look_at=NOW))


def step(
    tx: sa.Connection,
    card_id: str,
    what: str,
    officer: Officer | None,
    at: str,
    words: str,
    *,
    status: str = "",
) -> None:
    """Add to a card's history; ``status`` is where it stands from now on, if that changes."""
    add_step(tx, CARD_STEP.c.card_id, card_id, what, officer, at, words)
    if status:
        tx.execute(sa.update(CARD).where(CARD.c.id == card_id).values(status=status))
