"""The desk's pages as one ASGI application: routes, sessions, form tokens, and refusals in words."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.desk import audit_page, batch, case_page, documents_page, intake_page, pages, people_page, sign_in
from core.desk.acting import log_refusal
from core.desk.context import DeskContext
from core.desk.sections import Page, Section, Wing, require_role
from core.desk.upload import brings_a_file, read_upload
from core.desk.visit import (
    COOKIE,
    LANG_COOKIE,
    VISIT_COOKIE,
    House,
    Visit,
    read_form,
    static,
)
from core.errors import InputError, LiandongError, LocalError
from core.labels import LANGS
from core.messages import CASE_ROLES, Role
from core.store.sessions import Sessions, check_csrf

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
DeskApp = Starlette
"""What serves the pages; the tiers need not know the web framework."""

_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
SHARED = Wing(
    "core.desk",
    (
        Section(
            "nav.queue",
            (
                Page("/", pages.queue_page),
                Page("/batch", batch.choose, "POST"),
                Page("/batch/{verb}", batch.act, "POST"),
                Page("/case/{case}", case_page.show),
                Page("/case/{case}/full", case_page.show_in_full, "POST"),
                Page("/case/{case}/do/{verb}", case_page.act, "POST"),
                Page("/case/{case}/file/{file}", case_page.download),
                Page("/case/{case}/document/{document}", documents_page.document_page),
            ),
            CASE_ROLES | {Role.WINDOW_HEAD},
        ),
        Section(
            "nav.intake",
            (
                Page("/intake", intake_page.items_page),
                Page("/intake/{item}", intake_page.form_page),
                Page("/intake/{item}", intake_page.submit, "POST", bounds=intake_page.BOUNDS),
            ),
            frozenset({Role.WINDOW}),
        ),
        Section("nav.nodes", (Page("/nodes", pages.nodes_page),)),
        Section("nav.attention", (Page("/attention", pages.attention_page),)),
        Section(
            "nav.people",
            (
                Page("/people", people_page.people_page),
                Page("/people", people_page.add, "POST", _ADMINISTRATORS),
                Page("/people/leave", people_page.begin_leave, "POST"),
                Page("/people/leave/{leave}/end", people_page.end_leave, "POST"),
                Page("/people/{officer}/{what}", people_page.change, "POST", _ADMINISTRATORS),
            ),
            _ADMINISTRATORS | {Role.WINDOW_HEAD},
        ),
        Section("nav.audit", (Page("/audit", audit_page.audit_page),), _ADMINISTRATORS | {Role.AUDITOR}),
        Section(
            "",
            (
                Page("/password", sign_in.password_page),
                Page("/password", sign_in.change_password, "POST"),
                Page("/sign-out", sign_in.sign_out, "POST"),
                Page("/sign-in", sign_in.sign_in_page, public=True),
                Page("/sign-in", sign_in.sign_in, "POST", public=True),
            ),
        ),
    ),
)
"""What every desk has."""


def desk_app(context: DeskContext, *wings: Wing) -> DeskApp:
    """The pages of one node's desk: those that every desk has, and those of its tier."""
    return _app(context, (SHARED, *wings))


def public_app(context: DeskContext, wing: Wing) -> DeskApp:
    """The pages of one wing alone, for an address that everybody may reach: no officer signs in there."""
    home = Page("/", lambda visit: visit.go(wing.sections[0].address), public=True)
    return _app(context, (Wing(SHARED.package, (Section("", (home,)),)), wing))


def _app(context: DeskContext, wings: tuple[Wing, ...]) -> DeskApp:
    sessions = Sessions(context.world, context.roster)
    desk = _Desk(House(context, sessions, wings))
    return Starlette(
        routes=[
            *(
                Route(page.path, desk.endpoint(section, page), methods=[page.method])
                for section in desk.house.sections
                for page in section.pages
            ),
            _static("desk.css", "text/css; charset=utf-8"),
            _static("desk.svg", "image/svg+xml"),
        ],
        exception_handlers={HTTPException: desk.not_found, Exception: desk.failed},
    )


class _Desk:
    def __init__(self, house: House) -> None:
        self.house = house
        self._context, self._sessions = house.context, house.sessions

    def endpoint(self, section: Section, page: Page) -> Endpoint:
        """The page behind its guards, in the thread pool: databases and passwords block."""

        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            try:
                if request.method == "POST" and brings_a_file(request) and not page.public:
                    # Nobody fills the memory of this machine without having signed in.
                    await run_in_threadpool(self._find_session, visit)
                    if visit.session is None:
                        return visit.go("/sign-in")
                    sent = await read_upload(request, page.bounds)
                    visit.form, visit.files = sent.fields, sent.files
                elif request.method == "POST":
                    visit.form = await read_form(request)
            except InputError as error:
                return visit.refusal(error)
            return await run_in_threadpool(self._answer, section, page, visit)

        return endpoint

    def _answer(self, section: Section, page: Page, visit: Visit) -> Response:
        try:
            if visit.session is None:
                self._find_session(visit)
            if not page.public:
                away = self._turned_away(visit)
                if away is not None:
                    return away
                if page.path == "/" and not section.is_for(visit.signed_in.officer):
                    return visit.go(self.house.sections_of(visit.signed_in.officer)[0].address)
                require_role(visit.signed_in.officer, section, page, visit.request.url.path)
            return page.handler(visit)
        except LiandongError as error:
            # A step at the desk logs its own refusal; this is for what is refused before or beside it.
            if visit.session is not None and not isinstance(error, InputError | LocalError):
                path = visit.request.url.path
                log_refusal(self._context, visit.session.officer.id, path[:60], "", error, "page")
            return visit.refusal(error)

    def _turned_away(self, visit: Visit) -> Response | None:
        request = visit.request
        if visit.session is None:
            goal = request.url.path if request.method == "GET" else "/"
            return visit.go("/sign-in" if goal == "/" else f"/sign-in?next={quote(goal)}")
        if request.method == "POST":
            check_csrf(visit.session, visit.typed("csrf"))
        if visit.session.officer.must_change and request.url.path not in ("/password", "/sign-out"):
            return visit.go("/password")
        return None

    def _find_session(self, visit: Visit) -> None:
        token = visit.request.cookies.get(COOKIE, "")
        if not token or len(token) > 100:
            return
        with self._context.db.reading() as tx:
            visit.session = self._sessions.find(tx, token)
        if visit.session is not None and visit.session.is_stale:
            with self._context.db.transaction() as tx:
                self._sessions.touch(tx, visit.session)

    def _visit(self, request: Request) -> Visit:
        asked = request.query_params.get("lang")
        kept = request.cookies.get(LANG_COOKIE)
        lang = next((one for one in (asked, kept) if one in LANGS), "zh")
        visit = Visit(self.house, request, lang, {})
        if asked in LANGS:
            visit.cookies[LANG_COOKIE] = lang
        if VISIT_COOKIE not in request.cookies:
            visit.cookies[VISIT_COOKIE] = self._context.world.random_bytes(32).hex()
        return visit

    async def not_found(self, request: Request, error: Exception) -> Response:
        visit = self._visit(request)
        status = error.status_code if isinstance(error, HTTPException) else 404
        return visit.page("error.html", status, words=visit.say("error.not_found"), code=str(status))

    async def failed(self, request: Request, error: Exception) -> Response:
        log.error("a page failed", exc_info=error)
        visit = self._visit(request)
        return visit.page("error.html", 500, words=visit.say("error.inside"), code="500")


def _static(name: str, media_type: str) -> Route:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

    async def give(request: Request) -> Response:
        return Response(static(name), media_type=media_type, headers=headers)

    return Route(f"/{name}", give, methods=["GET"])
