"""One case on a page: what it is, how it came here, what was handed in, and what may be done with it now."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from core.bodies import AttachmentManifest
from core.desk.acting import log_refusal, open_matter, perform
from core.desk.case_view import View, view_of
from core.desk.given import Matter
from core.desk.verbs import VERBS
from core.desk.visit import Visit, status_of
from core.errors import InputError, LiandongError, LocalError
from core.identifiers import parse_case_id

VIA = "page"
_INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain"})


def show(visit: Visit) -> Response:
    view = _view(visit, full=False)
    verb = VERBS.get(visit.query("done"))
    done = view.say("case.done", verb=verb.text(visit.lang)) if verb is not None else ""
    is_new = visit.query("done") == "submitted"
    if is_new:
        done = view.say("intake.done")
    return _page(visit, view, done=done, is_new=is_new)


def show_in_full(visit: Visit) -> Response:
    """Names and numbers as they are; who looked and why is written down first."""
    reason = visit.typed("reason").strip()[:200]
    if not reason:
        raise InputError(
            "desk.why",
            zh="请填写查看完整信息的理由；理由会记入审计。",
            en="Please say why you need the full record; it goes into the audit log.",
        )
    view = _view(visit, full=True)
    with visit.context.db.transaction() as tx:
        visit.context.audit(
            tx,
            actor=visit.signed_in.officer.id,
            action="case.viewed_in_full",
            subject=view.case.id,
            why=reason,
            via=VIA,
        )
    return _page(visit, view, done=view.say("case.full_shown"))


def act(visit: Visit) -> Response:
    """Take the step that the form names; where it is refused, the form comes back with what was typed."""
    case_id = parse_case_id(visit.request.path_params["case"])
    name = visit.request.path_params["verb"]
    verb = VERBS.get(name)
    if verb is None:
        raise InputError("desk.verb", zh="没有这种办理步骤。", en="There is no such step.")
    officer = visit.signed_in.officer
    values = {field.name: list(visit.form.get(field.name, [])) for field in verb.inputs}
    for field in verb.inputs:
        # One box for each fee; what is left empty counts 0.
        prefix = f"{field.name}:"
        values[field.name] += [
            f"{key.removeprefix(prefix)}={texts[0]}"
            for key, texts in visit.form.items()
            if key.startswith(prefix)
        ]
    try:
        perform(
            visit.context, officer.id, case_id, name, values, via=VIA, seen_version=visit.typed("version")
        )
    except LocalError:
        raise
    except LiandongError as error:
        view = _view(visit, full=False)
        return _page(
            visit, view, status_of(error), refused=error.text(visit.lang), failed=name, typed=dict(visit.form)
        )
    return visit.go(f"/case/{case_id}?done={name}")


def download(visit: Visit) -> Response:
    """A scanned file that is whole; each look is written down."""
    matter = _matter(visit)
    wanted = visit.request.path_params["file"]
    manifest = next((one for one in matter.case.attachments if one.id == wanted), None)
    if manifest is None:
        raise InputError("desk.no_file", zh="本件没有这个附件。", en="The case has no such file.")
    data = visit.context.files.open(manifest)
    with visit.context.db.transaction() as tx:
        visit.context.audit(
            tx,
            actor=visit.signed_in.officer.id,
            action="attachment.opened",
            subject=matter.case.id,
            attachment=manifest.id,
            via=VIA,
        )
    return visit.dress(Response(data, media_type=_media_type(manifest), headers=_as_download(manifest)))


def _view(visit: Visit, *, full: bool) -> View:
    matter = _matter(visit)
    with visit.context.db.reading() as tx:
        parts = {one.id: visit.context.files.progress(tx, one.id) for one in matter.case.attachments}
    return view_of(visit.context, matter, parts, visit.lang, full=full)


def _matter(visit: Visit) -> Matter:
    case_id = parse_case_id(visit.request.path_params["case"])
    officer = visit.signed_in.officer
    try:
        with visit.context.db.reading() as tx:
            return open_matter(visit.context, tx, officer.id, case_id)
    except InputError as error:
        log_refusal(visit.context, officer.id, "show", case_id, error, VIA)
        raise


def _page(
    visit: Visit,
    view: View,
    status: int = 200,
    *,
    done: str = "",
    is_new: bool = False,
    refused: str = "",
    failed: str = "",
    typed: dict[str, Any] | None = None,
) -> Response:
    return visit.page(
        "case.html",
        status,
        view=view,
        case=view.case,
        done=done,
        is_new=is_new,
        refused=refused,
        failed=failed,
        typed=typed or {},
    )


def _media_type(manifest: AttachmentManifest) -> str:
    return manifest.media_type if manifest.media_type in _INLINE else "application/octet-stream"


def _as_download(manifest: AttachmentManifest) -> dict[str, str]:
    name = manifest.name.replace("/", "_").replace("\\", "_")
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
