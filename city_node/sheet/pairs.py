"""Possible duplicates across villages: one person, one item, within some days."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from city_node.sheet.steps import step
from city_node.sheet.tables import PAIR, PERSON
from core.case import Case
from core.clock import World, from_iso, iso
from core.identifiers import NodeId, division_of
from core.states import State

WITHIN = timedelta(days=30)
PAIRS_MAX = 20
"""Pairs entered for one new case; somebody who applies everywhere every day is seen by the first ones."""
_GONE = (State.WITHDRAWN, State.VOID)


def notice(tx: sa.Connection, world: World, case: Case) -> None:
    """Enter who applied for what, and pair it with what looks the same; what was voided or withdrawn settles itself."""
    known = tx.execute(sa.select(PERSON).where(PERSON.c.case_id == case.id)).one_or_none()
    if known is not None:
        if known.state != case.state:
            tx.execute(sa.update(PERSON).where(PERSON.c.case_id == case.id).values(state=case.state))
        return
    values = {
        "person": person_of(case),
        "item": case.item,
        "origin": case.origin,
        "submitted_at": iso(case.submitted_at),
        "state": case.state,
    }
    tx.execute(sa.insert(PERSON).values(case_id=case.id, **values))
    if case.state not in _GONE:
        for other in _like(tx, case, values["person"]):
            _pair(tx, world, case, other)


def person_of(case: Case) -> str:
    """Stands for the applicant: hex SHA-256 of kind and number of the identity document."""
    return sha256(f"{case.applicant.id_type}\n{case.applicant.id_no.upper()}".encode()).hexdigest()


def open_pairs(tx: sa.Connection, status: str = "open", limit: int = 200) -> list[sa.Row[Any]]:
    """Pairs with both cases' origins and states, the oldest first; open ones only while both cases stand."""
    one, two = PERSON.alias(), PERSON.alias()
    query = (
        sa.select(
            PAIR,
            one.c.origin.label("first_origin"),
            two.c.origin.label("second_origin"),
            one.c.state.label("first_state"),
            two.c.state.label("second_state"),
            one.c.item,
            one.c.submitted_at.label("first_at"),
            two.c.submitted_at.label("second_at"),
        )
        .join(one, one.c.case_id == PAIR.c.first)
        .join(two, two.c.case_id == PAIR.c.second)
        .where(PAIR.c.status == status)
        .order_by(PAIR.c.found_at, PAIR.c.first)
        .limit(limit)
    )
    if status == "open":
        query = query.where(one.c.state.not_in(_GONE), two.c.state.not_in(_GONE))
    return list(tx.execute(query).all())


def key_of(first: str, second: str) -> str:
    """Under which a pair's history stands."""
    return f"{first}/{second}"


def _like(tx: sa.Connection, case: Case, person: str) -> list[str]:
    low, high = _window(case.submitted_at)
    query = (
        sa.select(PERSON.c.case_id, PERSON.c.origin)
        .where(
            PERSON.c.person == person,
            PERSON.c.item == case.item,
            PERSON.c.case_id != case.id,
            PERSON.c.submitted_at.between(low, high),
            PERSON.c.state.not_in(_GONE),
        )
        .order_by(PERSON.c.submitted_at)
    )
    mine = division_of(case.origin)
    rows = tx.execute(query).all()
    return [row.case_id for row in rows if division_of(NodeId(row.origin)) != mine][:PAIRS_MAX]


def _window(at: datetime) -> tuple[str, str]:
    return iso(at - WITHIN), iso(at + WITHIN)


def _pair(tx: sa.Connection, world: World, case: Case, other: str) -> None:
    at = tx.scalar(sa.select(PERSON.c.submitted_at).where(PERSON.c.case_id == other))
    assert at is not None
    mine = (case.submitted_at, str(case.id))
    first, second = sorted([mine, (from_iso(at), other)])
    where = (PAIR.c.first == first[1]) & (PAIR.c.second == second[1])
    if tx.scalar(sa.select(PAIR.c.first).where(where)) is None:
        now = iso(world.now())
        tx.execute(sa.insert(PAIR).values(first=first[1], second=second[1], status="open", found_at=now))
        step(tx, key_of(first[1], second[1]), "found", None, now, "")
