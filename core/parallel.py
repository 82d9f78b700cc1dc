"""Parallel approval (并联审批): several cases of one project run side by side, with one limit, one bill, one joint meeting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.case import Case
from core.states import CLOSED, DECIDED, State


class Stage(StrEnum):
    """Where a project stands, taken from its cases."""

    GATHERING = "gathering"
    """Not every application has been accepted."""
    RUNNING = "running"
    """All accepted: their limits run side by side."""
    GRANTED = "granted"
    DENIED = "denied"
    """At least one was decided against, or refused, withdrawn or voided; no other is still open."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``accepted_at`` is the last acceptance, from which the joint limit is told; ``due_at`` the latest limit, None while
    one is not accepted or its calendar is unknown.
    """

    stage: Stage
    accepted: int
    decided: int
    accepted_at: datetime | None
    due_at: datetime | None
    bill_fen: int
    paid_fen: int


_ENDED_WITHOUT = frozenset({State.REFUSED, State.WITHDRAWN, State.VOID})


def standing(cases: Sequence[Case], due: Sequence[datetime | None]) -> Standing:
    """What the cases of a project come to together; ``due`` gives the promised limit of each, in the same order."""
    accepted = [case.accepted_at for case in cases if case.accepted_at is not None]
    decided = [case for case in cases if case.state in DECIDED | CLOSED]
    known = [instant for instant in due if instant is not None]
    waiting = [case for case in cases if case.accepted_at is None and case.state not in _ENDED_WITHOUT]
    if not cases or waiting:
        stage = Stage.GATHERING
    elif len(decided) < len(cases):
        stage = Stage.RUNNING
    else:
        stage = Stage.GRANTED if all(_is_granted(case) for case in cases) else Stage.DENIED
    whole = bool(accepted) and not waiting
    return Standing(
        stage,
        len(accepted),
        len(decided),
        max(accepted) if whole else None,
        max(known) if whole and len(known) == len(accepted) else None,
        sum(case.bill_fen for case in cases),
        sum(case.paid_fen for case in cases),
    )


def _is_granted(case: Case) -> bool:
    return case.decision is not None and case.decision.granted
