"""Cards in time: every case that moves is looked at anew, every limit at the second it passes.

A card that turns out not to have been due is withdrawn by itself: a decision made in time may arrive late, and a
calendar may change. A person withdraws one only with a reason, and both stay in its history for ever.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from city_node.supervision.subjects import Judged, of_case, of_matter
from city_node.supervision.tables import CARD, CARD_STEP, MATTER, WATCH
from core.case import Case
from core.clock import World, iso
from core.errors import LocalError
from core.identifiers import CaseId, new_id
from core.limits import Mode
from core.messages import Role
from core.store.casebook import CASE
from core.store.engine import Database
from core.store.office import Office
from core.store.officers import OFFICER, Officer
from core.supervision import GRAVITY, Subject

SWEEP_MAX = 500
"""Subjects looked at in one transaction."""
NOW = ""
"""``look_at`` of a subject that moved: sorts before every instant."""
ITSELF = "—"
"""Who acts where no person does."""


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
                missing = sa.select(CASE.c.id, sa.literal(str(Subject.CASE)), sa.literal(NOW)).where(
                    CASE.c.accepted_at.is_not(None), CASE.c.id.not_in(sa.select(WATCH.c.key))
                )
                tx.execute(sa.insert(WATCH).from_select(["key", "subject", "look_at"], missing))
            swept = self.sweep(tx)
        self._has_found_all = True
        return swept

    def sweep(self, tx: sa.Connection, limit: int = SWEEP_MAX) -> Swept:
        """Look at what is due, the oldest first. The cards of one instant are the same whenever it is called."""
        now = self._world.now()
        due = (
            sa.select(WATCH.c.key, WATCH.c.subject)
            .where(WATCH.c.look_at.is_not(None), WATCH.c.look_at <= iso(now))
            .order_by(WATCH.c.look_at, WATCH.c.key)
            .limit(limit + 1)
        )
        rows = tx.execute(due).all()
        issued = withdrawn = 0
        for row in rows[:limit]:
            found = self._judge(tx, row.key, Subject(row.subject), now)
            for one in found:
                more, less = self._settle(tx, one, now)
                issued, withdrawn = issued + more, withdrawn + less
            tx.execute(sa.update(WATCH).where(WATCH.c.key == row.key).values(**_standing(found)))
        return Swept(len(rows[:limit]), issued, withdrawn, len(rows) > limit)

    def look_at_all(self, tx: sa.Connection) -> None:
        """Look at everything open again: the calendar is another one."""
        is_open = WATCH.c.look_at.is_not(None) | WATCH.c.card.is_not(None)
        tx.execute(sa.update(WATCH).where(is_open).values(look_at=NOW))

    def _judge(self, tx: sa.Connection, key: str, subject: Subject, now: datetime) -> list[Judged]:
        calendar = self._office.shelf.calendar
        if subject is not Subject.CASE:
            row = tx.execute(sa.select(MATTER).where(MATTER.c.id == key)).one_or_none()
            return [] if row is None else [of_matter(row, calendar, Mode.EXACT, now)]
        try:
            case = self._office.casebook.find(tx, CaseId(key))
        except LocalError:
            # Its row and its messages have rotted: the register of damage names it, and it is looked at when it is whole.
            return []
        if case is None:
            return []
        return of_case(case, self._department(case), calendar, now)

    def _department(self, case: Case) -> str:
        item = self._office.shelf.item(case.item, case.catalogue_version)
        return item.department.name if item is not None else ""

    def _settle(self, tx: sa.Connection, one: Judged, now: datetime) -> tuple[int, int]:
        """Bring the cards of a subject to what was found; how many were issued and withdrawn."""
        query = sa.select(CARD.c.id, CARD.c.card, CARD.c.since, CARD.c.status).where(CARD.c.key == one.key)
        known = {(row.card, row.since): row for row in tx.execute(query)}
        due = {(str(card), iso(since)) for card, since in one.course.cards}
        issued = withdrawn = 0
        for card, since in one.course.cards:
            row = known.get((str(card), iso(since)))
            if row is None:
                self._issue(tx, one, str(card), iso(since), now)
                issued += 1
        for key, row in known.items():
            if key not in due and row.status != "withdrawn":
                words = "重新核算：该时限当时并未超过（如办结消息迟到、日历更新）"
                step(tx, row.id, "withdrawn", None, iso(now), words, status="withdrawn")
                withdrawn += 1
        return issued, withdrawn

    def _issue(self, tx: sa.Connection, one: Judged, card: str, since: str, now: datetime) -> None:
        id_ = new_id(self._world)
        told = sorted({officer.id for officer in self._to_tell(tx, one)})
        tx.execute(
            sa.insert(CARD).values(
                id=id_,
                key=one.key,
                subject=one.subject,
                card=card,
                case_id=one.case_id,
                since=since,
                issued_at=iso(now),
                department=one.charge.department,
                officer=one.charge.officer,
                node=one.charge.holder,
                region=one.charge.origin[:9] + "000",
                status="issued",
                told=json.dumps(told),
            )
        )
        step(tx, id_, "issued", None, iso(now), "")

    def _to_tell(self, tx: sa.Connection, one: Judged) -> Iterable[Officer]:
        """Whoever has it in hand, the heads of the window, and the supervisors."""
        for row in tx.execute(sa.select(OFFICER).where(OFFICER.c.disabled.is_(False))):
            roles = set(json.loads(row.roles))
            of_department = not row.department or row.department == one.charge.department
            head = Role.WINDOW_HEAD in roles and of_department
            if row.id == one.charge.officer or head or Role.SUPERVISOR in roles:
                yield Officer(row.id, row.name, (), row.department)


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
        "region": charge.origin[:9] + "000" if charge else None,
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
    last = tx.scalar(sa.select(sa.func.max(CARD_STEP.c.number)).where(CARD_STEP.c.card_id == card_id)) or 0
    tx.execute(
        sa.insert(CARD_STEP).values(
            card_id=card_id,
            number=last + 1,
            what=what,
            officer=officer.id if officer else "",
            name=officer.name if officer else ITSELF,
            at=at,
            words=words,
        )
    )
    if status:
        tx.execute(sa.update(CARD).where(CARD.c.id == card_id).values(status=status))
