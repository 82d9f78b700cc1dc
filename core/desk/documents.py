"""A case's documents made ready to print: the facts gathered from this node, the case still unchanged."""

import sqlalchemy as sa

from core.bodies import SupplementRequested
from core.case import Case
from core.desk.clockface import clock_face
from core.desk.context import DeskContext
from core.desk.facts import item_of, place_name
from core.desk.given import no_catalogue
from core.documents.compose import Facts, compose
from core.documents.kinds import Document, DocumentKind, document_of
from core.documents.paper import Paper
from core.documents.slip import SLIP, SlipFacts, Wording, slip_paper
from core.errors import Lang


def paper_of(context: DeskContext, tx: sa.Connection, case: Case, name: str, lang: Lang = "zh") -> Paper:
    """The case's document of this name, or its slip. Raises ``InputError`` (``document.none``), ``StateError``
    (``desk.no_catalogue``).
    """
    if name == SLIP:
        return slip_paper(_slip_facts(context, case, lang), lang)
    document = document_of(case, name)
    item = item_of(context, case)
    if item is None:
        raise no_catalogue(case)
    facts = Facts(
        case=case,
        item=item,
        catalogue_title=context.office.shelf.catalogues.at(case.catalogue_version).title,
        office=context.letterhead,
        place=place_name(document.step.node, lang),
        asked=_asked(context, tx, case, document),
        due_at=clock_face(case, context.office.shelf.calendar, context.world.now()).due_at,
    )
    return compose(document, facts, lang)


def _slip_facts(context: DeskContext, case: Case, lang: Lang) -> SlipFacts:
    item, face = item_of(context, case), clock_face(case, context.office.shelf.calendar, context.world.now())
    return SlipFacts(
        case=case,
        item_title=item.title(lang) if item is not None else case.item,
        promised_days=item.promised_days if item is not None else None,
        origin=place_name(case.origin, lang),
        township=place_name(case.township or case.city, lang),
        holder=place_name(case.holder, lang) if case.holder else "-",
        wording=_wording(context, case),
        due_at=face.due_at,
        days_left=face.days_left if face.due_at is not None else None,
        phone=context.letterhead.phone,
    )


def _wording(context: DeskContext, case: Case) -> Wording:
    """Another office is known to have a copy where it has taken a step, or where the case came here from."""
    if case.accepted_at is not None:
        return Wording.ACCEPTED
    if case.origin == case.city:
        return Wording.AT_CITY
    is_elsewhere = case.origin != context.node or any(step.node != case.origin for step in case.steps)
    return Wording.HANDED_OVER if is_elsewhere else Wording.LOCAL_ONLY


def _asked(
    context: DeskContext, tx: sa.Connection, case: Case, document: Document
) -> SupplementRequested | None:
    """What a step asked for: the case itself forgets it once it is supplied."""
    if document.kind is not DocumentKind.SUPPLEMENT:
        return None
    said = (one for one in context.office.casebook.messages(tx, case.id) if one.id == document.step.id)
    body = next(said).body
    assert isinstance(body, SupplementRequested)
    return body
