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

from core.desk import case_page, pages, sign_in
from core.desk.acting import log_refusal
from core.desk.context import DeskContext
from core.desk.visit import (
    COOKIE,
    LANG_COOKIE,
    VISIT_COOKIE,
    Visit,
    read_form,
    static,
)
from core.desk.words import say
from core.errors import InputError, LiandongError, LocalError
from core.labels import LANGS
from core.store.sessions import Sessions, check_csrf

log = logging.getLogger(__name__)

Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]
DeskApp = Starlette
"""What serves the pages; the tiers need not know the web framework."""


def desk_app(context: DeskContext) -> DeskApp:
    """The pages of one node's desk."""
    desk = _Desk(context)
    get, post = ["GET"], ["POST"]
    return Starlette(
        routes=[
            Route("/", desk.endpoint(pages.queue_page), methods=get),
            Route("/case/{case}", desk.endpoint(case_page.show), methods=get),
            Route("/case/{case}/full", desk.endpoint(case_page.show_in_full), methods=post),
            Route("/case/{case}/do/{verb}", desk.endpoint(case_page.act), methods=post),
            Route("/case/{case}/file/{file}", desk.endpoint(case_page.download), methods=get),
            Route("/nodes", desk.endpoint(pages.nodes_page), methods=get),
            Route("/attention", desk.endpoint(pages.attention_page), methods=get),
            Route("/password", desk.endpoint(sign_in.password_page), methods=get),
            Route("/password", desk.endpoint(sign_in.change_password), methods=post),
            Route("/sign-out", desk.endpoint(sign_in.sign_out), methods=post),
            Route("/sign-in", desk.endpoint(sign_in.sign_in_page, public=True), methods=get),
            Route("/sign-in", desk.endpoint(sign_in.sign_in, public=True), methods=post),
            _static("desk.css", "text/css; charset=utf-8"),
            _static("desk.svg", "image/svg+xml"),
        ],
        exception_handlers={HTTPException: desk.not_found, Exception: desk.failed},
    )


class _Desk:
    def __init__(self, context: DeskContext) -> None:
        self._context = context
        self._sessions = Sessions(context.world, context.roster)

    def endpoint(self, handler: Handler, *, public: bool = False) -> Endpoint:
        """The handler behind its guards, in the thread pool: databases and passwords block."""

        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            try:
                if request.method == "POST":
                    visit.form = await read_form(request)
            except InputError as error:
                return visit.refusal(error)
            return await run_in_threadpool(self._answer, handler, visit, public)

        return endpoint

    def _answer(self, handler: Handler, visit: Visit, public: bool) -> Response:
        try:
            self._find_session(visit)
            if not public:
                away = self._turned_away(visit)
                if away is not None:
                    return away
            return handler(visit)
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
        visit = Visit(self._context, self._sessions, request, lang, {})
        if asked in LANGS:
            visit.cookies[LANG_COOKIE] = lang
        if VISIT_COOKIE not in request.cookies:
            visit.cookies[VISIT_COOKIE] = self._context.world.random_bytes(32).hex()
        return visit

    async def not_found(self, request: Request, error: Exception) -> Response:
        visit = self._visit(request)
        status = error.status_code if isinstance(error, HTTPException) else 404
        return visit.page("error.html", status, words=say("error.not_found", visit.lang), code=str(status))

    async def failed(self, request: Request, error: Exception) -> Response:
        log.error("a page failed", exc_info=error)
        visit = self._visit(request)
        return visit.page("error.html", 500, words=say("error.inside", visit.lang), code="500")


def _static(name: str, media_type: str) -> Route:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

    async def give(request: Request) -> Response:
        return Response(static(name), media_type=media_type, headers=headers)

    return Route(f"/{name}", give, methods=["GET"])
