"""The documents of a case as PDF from its page; each print is written down, since it shows the applicant's name."""

from starlette.responses import Response

from core.desk.acting import open_matter
from core.desk.documents import paper_of
from core.desk.visit import Visit
from core.identifiers import parse_case_id

VIA = "page"


def document_page(visit: Visit) -> Response:
    """One document, in the language of the page."""
    context, officer = visit.context, visit.signed_in.officer
    case_id = parse_case_id(visit.request.path_params["case"])
    name = visit.request.path_params["document"]
    with context.db.reading() as tx:
        case = open_matter(context, tx, officer.id, case_id).case
        paper = paper_of(context, tx, case, name, visit.lang)
    pdf = context.printer.print(paper)
    with context.db.transaction() as tx:
        context.audit(
            tx,
            actor=officer.id,
            action="document.printed",
            subject=case_id,
            document=name[:40],
            lang=visit.lang,
            via=VIA,
        )
    shown_as = {"Content-Disposition": f'inline; filename="{name}-{case_id}.pdf"'}
    return visit.dress(Response(pdf, media_type="application/pdf", headers=shown_as))
