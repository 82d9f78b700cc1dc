"""One visit of a page: who is signed in, in which language, what was sent; and how a page is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.clock import from_iso, local
from core.desk.context import DeskContext
from core.desk.facts import place_name
from core.desk.sections import Section, Wing
from core.desk.table import Table, shown
from core.desk.upload import Sent
from core.desk.words import WORDS, say
from core.errors import Fault, InputError, Lang, LiandongError
from core.identifiers import CaseId, NodeId, display_case_id
from core.numbers import yuan_of
from core.store.officers import Officer
from core.store.sessions import Session, Sessions

Answer = Response
"""What a page is answered with; the tiers need not know the web framework."""
FORM_BYTES_MAX = 256 * 1024
FORM_FIELDS_MAX = 400
COOKIE, LANG_COOKIE, VISIT_COOKIE = "liandong_desk", "liandong_lang", "liandong_visit"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUS = {
    "case.unknown": 404,
    "desk.not_yours": 403,
    "desk.role": 403,
    "desk.csrf": 403,
    "officer.sign_in": 401,
    "officer.locked": 429,
    "public.limited": 429,
}


class House:
    """The wings of one desk together: what a page is written with."""

    def __init__(self, context: DeskContext, sessions: Sessions, wings: Sequence[Wing]) -> None:
        self.context, self.sessions = context, sessions
        # A tier's own section takes the place of the shared one of that name.
        named = {section.key: section for wing in wings for section in wing.sections if section.key}
        unnamed = [section for wing in wings for section in wing.sections if not section.key]
        self.sections = [*named.values(), *unnamed]
        self.words = {key: words for wing in wings for key, words in wing.words.items()} | WORDS
        self.templates = _templates([wing.package for wing in wings])

    def say(self, key: str, lang: Lang = "zh", **values: object) -> str:
        """The words under ``key``. Raises ``InputError`` (``label.unknown``)."""
        words = self.words.get(key)
        return say(key, lang, **values) if words is None else words[lang == "en"].format(**values)

    def sections_of(self, officer: Officer) -> list[Section]:
        """What the navigation offers."""
        return [section for section in self.sections if section.key and section.is_for(officer)]


@dataclass(slots=True)
class Visit:
    """``form`` is what was posted and ``files`` what it brought, empty otherwise. ``cookies`` to set go out with the answer."""

    house: House
    request: Request
    lang: Lang
    form: Mapping[str, Sequence[str]]
    session: Session | None = None
    files: Mapping[str, Sequence[Sent]] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> DeskContext:
        return self.house.context

    @property
    def sessions(self) -> Sessions:
        return self.house.sessions

    def say(self, key: str, **values: object) -> str:
        """The words under ``key``, in this visit's language."""
        return self.house.say(key, self.lang, **values)

    @property
    def signed_in(self) -> Session:
        """The session of a page that nobody sees without one."""
        assert self.session is not None
        return self.session

    def typed(self, name: str) -> str:
        return (self.form.get(name) or [""])[0]

    def file(self, name: str) -> bytes:
        """The content of the one file of a field, empty where none was chosen."""
        return next((sent.data for sent in self.files.get(name, ())), b"")

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")[:200]

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page, written in this visit's language."""
        lang = self.lang
        officer = self.session.officer if self.session else None
        html = self.house.templates.get_template(template).render(
            lang=lang,
            say=self.say,
            place=lambda node: place_name(node, lang),
            officer=officer,
            sections=self.house.sections_of(officer) if officer else (),
            csrf=self.session.csrf if self.session else "",
            context=self.context,
            path=self.request.url.path,
            other_lang=self._other_language(),
            style=style_address(),
            **values,
        )
        return self.dress(HTMLResponse(html, status))

    def spreadsheet(self, *tables: Table) -> Response:
        """Tables to take along, named after the first."""
        # A third of a second and twenty megabytes that most visits do not need.
        from core.desk.xlsx import MEDIA_TYPE, write_tables

        headers = {"Content-Disposition": f'attachment; filename="{tables[0].name}.xlsx"'}
        return self.dress(Response(write_tables(tables, self.lang), media_type=MEDIA_TYPE, headers=headers))

    def go(self, address: str) -> Response:
        """Send the browser on after a form, so that reloading repeats nothing."""
        return self.dress(RedirectResponse(address, 303))

    def refusal(self, error: LiandongError) -> Response:
        return self.page("error.html", status_of(error), words=error.text(self.lang), code=error.code)

    def dress(self, response: Response) -> Response:
        """Headers and cookies of every answer."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        secure = self.request.url.scheme == "https"
        for name, value in self.cookies.items():
            if value:
                response.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/")
            else:
                response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
        return response

    def _other_language(self) -> str:
        kept = {name: value for name, value in self.request.query_params.items() if name != "lang"}
        return "?" + urlencode(kept | {"lang": "zh" if self.lang == "en" else "en"})


def status_of(error: LiandongError) -> int:
    """The HTTP status that says whose fault a refusal is."""
    by_fault = {Fault.INPUT: 400, Fault.STATE: 409, Fault.PEER: 502, Fault.LOCAL: 503}
    return _STATUS.get(error.code, by_fault[error.fault])


async def read_form(request: Request) -> dict[str, list[str]]:
    """What a form sent. Raises ``InputError`` (``desk.form``) where it is too large or no form."""
    size, parts = 0, []
    async for piece in request.stream():
        size += len(piece)
        if size > FORM_BYTES_MAX:
            break
        parts.append(piece)
    try:
        if size > FORM_BYTES_MAX:
            raise ValueError("too large")
        text = b"".join(parts).decode("utf-8")
        return parse_qs(text, keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise InputError(
            "desk.form",
            zh="提交的内容过大或无法读取，没有生效。请刷新页面后重试。",
            en="What was sent is too large or cannot be read; nothing was done. Reload the page and try again.",
        ) from error


@cache
def static(name: str) -> bytes:
    """A file of the pages: style sheet or icon."""
    return resources.files("core.desk").joinpath("static", name).read_bytes()


@cache
def style_address() -> str:
    """Changes with its content, so that it may be kept for long."""
    return f"/desk.css?{sha256(static('desk.css')).hexdigest()[:12]}"


def _templates(packages: Sequence[str]) -> Environment:
    loader = ChoiceLoader([PackageLoader(package) for package in packages])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters["local"] = _time
    made.filters["number"] = lambda case: display_case_id(CaseId(case))
    made.filters["yuan"] = yuan_of
    made.filters["shown"] = lambda value, kind, lang: shown(kind, value, lang)
    made.globals["node_of"] = NodeId
    return made


def _time(instant: datetime | str | None) -> Markup | str:
    """``2026-03-02 09:00 +08:00``, kept on one line; the seconds in the element for machines."""
    if instant is None:
        return "—"
    moment = from_iso(instant) if isinstance(instant, str) else instant
    text = local(moment)
    short = f"{text[:16]} {text[20:]}"
    return Markup('<time datetime="{}">{}</time>').format(text.replace(" ", "T", 1).replace(" ", ""), short)
