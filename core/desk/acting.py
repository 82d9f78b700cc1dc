"""Doing a verb: rights, workflow, message and audit line in one transaction; a refusal changes nothing and is logged."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from core.case import Case
from core.desk.context import DeskContext
from core.desk.given import Given, Matter, no_catalogue
from core.desk.rights import ensure_may_see, role_for
from core.desk.verbs import VERBS
from core.errors import LiandongError, LocalError, StateError
from core.identifiers import CaseId
from core.messages import CHAIN_TYPES
from core.store.officers import Officer

Values = Mapping[str, Sequence[str]]


def perform(
    context: DeskContext,
    officer_id: str,
    case_id: CaseId,
    verb_name: str,
    values: Values,
    *,
    via: str,
    seen_version: str | None = None,
) -> Case:
    """Take one step on a case and return it as it is then.

    ``seen_version`` is the version the officer had on the screen; a case that moved since is not touched. ``via``
    says in the audit log by which way it came. Raises ``InputError``, ``StateError``: the words are for the officer.
    """
    verb = VERBS[verb_name]
    try:
        with context.db.transaction() as tx:
            matter = open_matter(context, tx, officer_id, case_id)
            case = matter.case
            if seen_version is not None and verb.type in CHAIN_TYPES and seen_version != case.version:
                raise StateError(
                    "desk.case_moved",
                    zh="本件在您打开页面之后已有新的办理，本次操作没有生效。请看过最新情况再办。",
                    en="The case has moved since you opened it; this step did not take effect. Look at it again first.",
                )
            body = verb.build(Given(matter, verb.inputs, values))
            actor = matter.officer.actor(role_for(matter.officer, case, verb.type))
            done = context.office.casework.act(tx, case.id, actor, body)
            context.audit(
                tx,
                actor=matter.officer.id,
                action=f"case.{verb.name}",
                subject=case.id,
                role=actor.role,
                state=done.state,
                via=via,
            )
            return done
    except LocalError:
        raise
    except LiandongError as refusal:
        log_refusal(context, officer_id, verb_name, case_id, refusal, via)
        raise


def perform_one_of_many(
    context: DeskContext,
    officer_id: str,
    case_id: CaseId,
    verb_name: str,
    values: Values,
    via: str,
    seen_version: str,
) -> LiandongError | None:
    """:func:`perform` where others follow: a refusal is given back, so that it keeps none of them from being done.

    Raises ``LocalError``: where the disk refuses, those after it would fare no better.
    """
    try:
        perform(context, officer_id, case_id, verb_name, values, via=via, seen_version=seen_version)
    except LocalError:
        raise
    except LiandongError as refusal:
        return refusal
    return None


def open_matter(context: DeskContext, tx: sa.Connection, officer_id: str, case_id: CaseId) -> Matter:
    """The case for an officer who may see it, with its item. Raises ``InputError``, ``StateError``."""
    officer = context.roster.get(tx, officer_id)
    case = readable_case(context, tx, officer, case_id)
    shelf = context.office.shelf
    if shelf.item(case.item, case.catalogue_version) is None:
        # Another process of this node may have received it since.
        context.office.refresh(tx)
    item = shelf.item(case.item, case.catalogue_version)
    if item is None:
        raise no_catalogue(case)
    return Matter(case, item, officer, tuple(context.roster.everyone(tx)))


def readable_case(context: DeskContext, tx: sa.Connection, officer: Officer, case_id: CaseId) -> Case:
    """Raises ``InputError`` (``case.unknown``), ``StateError`` (``desk.not_yours``)."""
    case = context.office.casebook.get(tx, case_id)
    ensure_may_see(context, officer, case)
    return case


def log_refusal(
    context: DeskContext, officer_id: str, what: str, subject: str, refusal: LiandongError, via: str
) -> None:
    """Note that somebody was refused something; a transaction of its own, the refused one was rolled back."""
    with context.db.transaction() as tx:
        context.audit(
            tx,
            actor=officer_id[:32] or "?",
            action="desk.refused",
            subject=subject,
            step=what,
            code=refusal.code,
            via=via,
        )
