"""The official papers that a village prints: the proof of delivery, to be signed at the counter."""

import sqlalchemy as sa

from core.case import Case
from core.documents.compose import Facts, compose
from core.documents.kinds import DocumentKind, document_of
from core.documents.office import Letterhead
from core.documents.paper import Paper
from core.errors import Lang, StateError
from core.regions import Divisions
from sync.workplace import letterhead
from village_agent.app import Village
from village_agent.outlook import place_name


def office_of(village: Village) -> Letterhead:
    """How the settings say this village agent is reached."""
    return Letterhead.read(letterhead(village.installation.settings))


def proof_of_delivery(
    tx: sa.Connection, village: Village, case: Case, divisions: Divisions, lang: Lang = "zh"
) -> Paper:
    """送达回证: blank lines to sign before the result is handed over, the record of it afterwards.

    Raises ``InputError`` (``document.none``) while there is nothing to hand over, ``StateError``
    (``paper.no_catalogue``).
    """
    document = document_of(case, DocumentKind.RECEIPT)
    shelf = village.office.shelf
    item = shelf.item(case.item, case.catalogue_version)
    if item is None:
        raise StateError(
            "paper.no_catalogue",
            zh=f"本机还没有第 {case.catalogue_version} 版事项目录，暂不能打印。请先同步。",
            en=f"Version {case.catalogue_version} of the catalogue is not here yet; make contact first.",
        )
    facts = Facts(
        case=case,
        item=item,
        catalogue_title=shelf.catalogues.at(case.catalogue_version).title,
        office=office_of(village),
        place=place_name(village.installation.node.place.node, divisions, lang),
    )
    return compose(document, facts, lang)
