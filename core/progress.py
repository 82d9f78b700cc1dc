"""What a message found legal changes in its case."""

from dataclasses import replace
from typing import Any

from core import bodies
from core.case import (
    Addition,
    Case,
    Mark,
    Note,
    Payment,
    Rating,
    Step,
    Suspension,
    WithdrawalRequest,
    origin_of,
)
from core.messages import CaseMessage
from core.states import CLOSED, DECIDED, State
from core.workflow import Move


def advance(case: Case | None, message: CaseMessage, move: Move) -> Case:
    """The case after a chain message that ``workflow.check`` allowed with ``move``."""
    if case is None:
        return _opened(message, move)
    changes = _changes(case, message)
    if move.next in CLOSED | DECIDED and case.completed_at is None:
        changes["completed_at"] = message.at
    return replace(
        case,
        state=move.next,
        holder=move.holder,
        version=message.id,
        steps=(*case.steps, _step(message, move)),
        **changes,
    )


def add(case: Case, message: CaseMessage) -> Case:
    """The case with a side message that ``workflow.check_side`` allowed, wherever it stands in time."""
    mark = Mark(message.id, message.at, message.node, message.actor)
    match message.body:
        case bodies.NoteAdded():
            return replace(case, notes=_sorted((*case.notes, Note(mark, message.body))))
        case bodies.FeePaid():
            return replace(case, payments=_sorted((*case.payments, Payment(mark, message.body))))
        case bodies.CaseRated():
            return replace(case, ratings=_sorted((*case.ratings, Rating(mark, message.body))))
        case bodies.WithdrawalRequested():
            requests = (*case.withdrawal_requests, WithdrawalRequest(mark, message.body))
            return replace(case, withdrawal_requests=_sorted(requests))
        case bodies.MaterialAdded():
            return replace(case, additions=_sorted((*case.additions, Addition(mark, message.body))))
        case _:
            raise TypeError(f"{message.type} is not added to a case")


def _opened(message: CaseMessage, move: Move) -> Case:
    body = message.body
    assert isinstance(body, bodies.CaseSubmitted)
    township, city = origin_of(message.node)
    return Case(
        id=message.case_id,
        item=body.item,
        catalogue_version=body.catalogue_version,
        project=body.project,
        confidential=body.confidential,
        origin=message.node,
        township=township,
        city=city,
        state=move.next,
        state_before_suspension=None,
        holder=move.holder,
        version=message.id,
        steps=(_step(message, move),),
        applicant=body.applicant,
        form=body.form,
        submitted_materials=body.materials,
        submitted_attachments=body.attachments,
        submitted_at=message.at,
    )


def _changes(case: Case, message: CaseMessage) -> dict[str, Any]:
    match message.body:
        case bodies.SupplementRequested() as body:
            return {"supplement": body}
        case bodies.CaseResubmitted() as body:
            given = {
                "form": body.form,
                "submitted_materials": body.materials,
                "submitted_attachments": body.attachments,
            }
            return {"supplement": None} | {name: part for name, part in given.items() if part is not None}
        case bodies.CaseRefused() as body:
            return {"refusal": body}
        case bodies.CaseAccepted() as body:
            return {
                "accepted_at": message.at,
                "bill_fen": body.bill_fen,
                "limit_mode": body.limit_mode,
                "promised_days": body.promised_days,
                "statutory_days": body.statutory_days,
                "officers": replace(case.officers, accepting=message.actor.officer),
            }
        case bodies.CaseAssigned() as body:
            officers = replace(case.officers, handling=body.officer)
            return {"department": body.department, "officers": officers}
        case bodies.CaseReviewed():
            return {"officers": replace(case.officers, reviewing=message.actor.officer)}
        case bodies.CaseSentBack():
            # The round begins again: only those of the last round are compared.
            return {"officers": replace(case.officers, reviewing="")}
        case bodies.CaseDecided() as body:
            return {"decision": body, "officers": replace(case.officers, deciding=message.actor.officer)}
        case bodies.CaseSuspended() as body:
            suspension = Suspension(body.procedure, body.kind, body.granted_days, body.unit, message.at, None)
            return {
                "state_before_suspension": case.state,
                "suspensions": (*case.suspensions, suspension),
            }
        case bodies.CaseResumed():
            return {"state_before_suspension": None, "suspensions": _ended(case, message)}
        case bodies.CaseWithdrawn() | bodies.CaseVoided() if case.state is State.SUSPENDED:
            return {"state_before_suspension": None, "suspensions": _ended(case, message)}
        case bodies.ResultDelivered() as body:
            return {"delivery": body}
        case _:
            return {}


def _ended(case: Case, message: CaseMessage) -> tuple[Suspension, ...]:
    return (*case.suspensions[:-1], replace(case.suspensions[-1], end=message.at))


def _step(message: CaseMessage, move: Move) -> Step:
    return Step(
        message.id,
        message.type,
        message.node,
        message.actor,
        message.at,
        move.next,
        move.holder,
        _words(message.body),
    )


def _words(body: bodies.Body) -> str:
    """What the officer wrote, under whichever name the body has it."""
    return next((str(getattr(body, name)) for name in ("reason", "note") if hasattr(body, name)), "")


def _sorted(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.mark.at, entry.mark.id)))
