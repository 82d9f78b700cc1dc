"""The queue of a desk: cases by time left, filtered, in pages that begin after the last one seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.case import Case
from core.clock import iso
from core.desk.context import DeskContext
from core.errors import InputError
from core.identifiers import CaseId, Tier
from core.states import State
from core.store.casebook import CASE, region_of
from core.store.officers import Officer
from core.workflow import TRANSITIONS

PAGE = 50
_LAST = "~"
"""Sorts after every instant: cases without a due date come last."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show. ``holder`` is ``me`` (this node), ``todo`` (this node, and a step for my roles) or ``all``."""

    holder: str = "todo"
    states: tuple[State, ...] = ()
    origin: str = ""
    """A division code or its beginning."""
    due_before: datetime | None = None
    after: str = ""
    """``due_at,id`` of the last case of the page before."""


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the ``after`` of the following page, empty on the last one."""

    cases: tuple[Case, ...]
    next: str
    total: int


def queue(
    context: DeskContext, tx: sa.Connection, officer: Officer | None, wanted: Filter, limit: int = PAGE
) -> Page:
    """A page of what the officer may see, the most urgent first. Raises ``InputError`` (``desk.page``)."""
    where = _conditions(context, officer, wanted)
    marks = _marks(tx, where, wanted.after, limit + 1)
    shown = marks[:limit]
    total = tx.scalar(sa.select(sa.func.count()).select_from(CASE).where(*where)) or 0
    following = f"{shown[-1].due_at or _LAST},{shown[-1].id}" if len(marks) > limit else ""
    return Page(_cases(context, tx, [CaseId(mark.id) for mark in shown]), following, total)


def _marks(tx: sa.Connection, where: list[Any], after: str, limit: int) -> list[Any]:
    """Due date and number of the cases of a page. Those without a due date come last, by number: so each half stands
    in the order of an index, and a deep page costs no more than the first.
    """
    due, id_ = _mark(after) if after else ("", "")
    query = sa.select(CASE.c.due_at, CASE.c.id).where(*where)
    found: list[Any] = []
    if due != _LAST:
        timed = query.where(sa.tuple_(CASE.c.due_at, CASE.c.id) > sa.tuple_(due, id_))
        found += tx.execute(timed.order_by(CASE.c.due_at, CASE.c.id).limit(limit)).all()
        id_ = ""
    if len(found) < limit:
        untimed = query.where(CASE.c.due_at.is_(None), CASE.c.id > id_)
        found += tx.execute(untimed.order_by(CASE.c.id).limit(limit - len(found))).all()
    return found


def _cases(context: DeskContext, tx: sa.Connection, ids: list[CaseId]) -> tuple[Case, ...]:
    keys = [(region_of(id_), id_) for id_ in ids]
    query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
        sa.tuple_(CASE.c.region, CASE.c.id).in_(keys)
    )
    rows = {row.id: row for row in tx.execute(query).all()} if keys else {}
    return tuple(context.office.casebook.read(tx, rows[id_]) for id_ in ids)


def states_for(officer: Officer) -> tuple[State, ...]:
    """The states in which one of the officer's roles moves a case on."""
    roles = frozenset(officer.roles)
    exits = {State.WITHDRAWN, State.VOID, State.SUSPENDED}
    return tuple(
        state
        for state, row in TRANSITIONS.items()
        if any(step.roles & roles and not exits.issuperset(step.next) for step in row.values())
    )


def _conditions(context: DeskContext, officer: Officer | None, wanted: Filter) -> list[Any]:
    found: list[Any] = []
    if wanted.holder in ("me", "todo"):
        found.append(CASE.c.holder == context.node)
    if wanted.holder == "todo" and officer is not None and not wanted.states:
        found.append(CASE.c.state.in_(states_for(officer)))
    if wanted.states:
        found.append(CASE.c.state.in_(wanted.states))
    if wanted.origin:
        found += _issued_below(wanted.origin)
    if wanted.due_before is not None:
        found.append(CASE.c.due_at < iso(wanted.due_before))
    if context.tier is Tier.TOWNSHIP:
        found += _issued_below(context.node[:9])
    if officer is not None and officer.department:
        items = _items_of(context, officer.department)
        found.append(sa.or_(CASE.c.department == officer.department, CASE.c.item.in_(items)))
    return found


def _issued_below(division: str) -> list[Any]:
    """Of cases registered in a division, given by the beginning of its code: a case's number begins with it."""
    # A colon is the character after nine.
    return [CASE.c.id >= division, CASE.c.id < division + ":"]


def _items_of(context: DeskContext, department: str) -> list[str]:
    return sorted(
        {
            item.code
            for catalogue in context.office.shelf.catalogues.versions
            for item in catalogue.items
            if department in (item.department.name, item.department.code)
        }
    )


def _mark(after: str) -> tuple[str, str]:
    due, mark, case_id = after.partition(",")
    if not mark or len(after) > 60:
        raise InputError(
            "desk.page",
            zh="翻页地址不完整，请回到第一页。",
            en="The address of this page is not whole; go back to the first page.",
        )
    return due, case_id
