"""Whose cases this device has registered: found by document number or name without opening every case."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.case import Case
from core.clock import World, iso
from core.identifiers import CaseId, NodeId
from core.states import CLOSED
from core.store.casebook import CASE, Casebook
from core.store.engine import METADATA

DUPLICATE_DAYS = 30
SEEN_MAX = 50
MISSING_PAGE = 500
CASES_A_PERSON = 20
"""So many cases of one person are looked through before others would be missed."""
BROAD = 2_000
"""More than these are not fetched in order to be put in order."""

PERSON_CASE = sa.Table(
    "person_case",
    METADATA,
    sa.Column("case_id", sa.String(26), primary_key=True),
    sa.Column("id_no", sa.String(64), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("submitted_at", sa.String(24), nullable=False),
    comment="cases by applicant; the database of a village is encrypted as a whole",
)
_WHO = PERSON_CASE.c
sa.Index("ix_person_case_number", _WHO.id_no, _WHO.submitted_at, _WHO.case_id)
sa.Index("ix_person_case_called", _WHO.name, _WHO.submitted_at, _WHO.case_id, _WHO.id_no)
sa.Index("ix_person_case_time", _WHO.submitted_at)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A case of the same person. ``duplicate`` if it is of the same item, not refused or withdrawn, within 30 days."""

    case: Case
    duplicate: bool


def note_person(tx: sa.Connection, case: Case) -> None:
    """Enter a case under its applicant; belongs into the transaction that registers it."""
    values = {
        "id_no": case.applicant.id_no,
        "name": case.applicant.name,
        "item": case.item,
        "submitted_at": iso(case.submitted_at),
    }
    if (
        tx.execute(sa.update(PERSON_CASE).where(PERSON_CASE.c.case_id == case.id).values(**values)).rowcount
        == 0
    ):
        tx.execute(sa.insert(PERSON_CASE).values(case_id=case.id, **values))


def note_missing(tx: sa.Connection, casebook: Casebook, node: NodeId) -> int:
    """Enter cases that came back from the parent after this device was replaced; returns how many."""
    known = sa.select(sa.func.count()).select_from(PERSON_CASE)
    held = sa.select(sa.func.count()).select_from(CASE).where(CASE.c.origin == node)
    if tx.scalar(known) == tx.scalar(held):
        # Entered with every case and never taken out: nothing is missing, and no need to compare one by one.
        return 0
    query = (
        sa.select(CASE.c.id)
        .where(CASE.c.origin == node, CASE.c.id.not_in(sa.select(PERSON_CASE.c.case_id)))
        .limit(MISSING_PAGE)
    )
    ids = [CaseId(id_) for id_ in tx.scalars(query)]
    for id_ in ids:
        note_person(tx, casebook.get(tx, id_))
    return len(ids)


def earlier_cases(
    tx: sa.Connection, casebook: Casebook, world: World, id_no: str, item: str = ""
) -> list[Earlier]:
    """The person's cases on this device, the latest first, at most 50."""
    since = iso(world.now() - timedelta(days=DUPLICATE_DAYS))
    query = (
        sa.select(PERSON_CASE)
        .where(PERSON_CASE.c.id_no == id_no)
        .order_by(PERSON_CASE.c.submitted_at.desc())
        .limit(SEEN_MAX)
    )
    seen: list[Earlier] = []
    for row in tx.execute(query).all() if id_no else []:
        case = casebook.find(tx, CaseId(row.case_id))
        if case is not None:
            recent = row.item == item and row.submitted_at >= since
            ended = case.state in CLOSED and case.completed_at is not None and case.delivery is None
            seen.append(Earlier(case, recent and not ended))
    return seen


def known_people(tx: sa.Connection, text: str = "", limit: int = SEEN_MAX) -> list[CaseId]:
    """The latest case of each person whose name or document number begins so, the last seen first."""
    typed, digits = _typed(text)
    begins = [(PERSON_CASE.c.name, typed), (PERSON_CASE.c.id_no, digits)] if typed else []
    found: dict[str, CaseId] = {}
    for row in _latest(tx, begins, limit * CASES_A_PERSON):
        found.setdefault(row.id_no, CaseId(row.case_id))
    return list(found.values())[:limit]


def find_cases(tx: sa.Connection, text: str, limit: int = SEEN_MAX) -> list[CaseId]:
    """Cases by the beginning of a name or document number, or by part of a case number; on this device only."""
    typed, digits = _typed(text)
    if not typed:
        return []
    columns = [(PERSON_CASE.c.name, typed), (PERSON_CASE.c.id_no, digits), (PERSON_CASE.c.case_id, digits)]
    ends = digits if digits.isdigit() and len(digits) >= 4 else ""
    return [CaseId(row.case_id) for row in _latest(tx, columns, limit, ends=ends)]


def _typed(text: str) -> tuple[str, str]:
    """What was typed as a name, and as a number."""
    typed = unicodedata.normalize("NFKC", text).strip()[:64]
    return typed, "".join(char for char in typed if char not in " -").upper()


def _latest(
    tx: sa.Connection, begins: Sequence[tuple[sa.ColumnElement[str], str]], limit: int, *, ends: str = ""
) -> list[sa.Row[Any]]:
    """The last submitted of those with a column that begins so, or a case number that ends in ``ends``; all where nothing
    is asked for."""
    columns = PERSON_CASE.c.case_id, PERSON_CASE.c.id_no, PERSON_CASE.c.submitted_at
    begins = [(column, text) for column, text in begins if text]
    number = [PERSON_CASE.c.case_id.endswith(ends, autoescape=True)] if ends else []
    back_in_time = sa.select(*columns).order_by(PERSON_CASE.c.submitted_at.desc()).limit(limit)
    if not begins and not number:
        return list(tx.execute(back_in_time))
    found: dict[str, sa.Row[Any]] = {}
    for one in [*(_begins(column, text) for column, text in begins), *number]:
        rows = tx.execute(sa.select(*columns).where(one).limit(BROAD + 1)).all()
        if len(rows) > BROAD:
            # So many fit that going back in time meets enough of them soon. By no column of its own, or an index of that
            # would be chosen, and all that it finds put in order.
            loose = [_begins(sa.func.coalesce(column, ""), text) for column, text in begins]
            return list(tx.execute(back_in_time.where(sa.or_(*loose, *number))))
        found |= {row.case_id: row for row in rows}
    return sorted(found.values(), key=lambda row: row.submitted_at, reverse=True)[:limit]


def _begins(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    # A range, unlike LIKE, can use the index.
    return (column >= text) & (column < text + "\U0010ffff")
