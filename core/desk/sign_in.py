"""Signing in and out, and the password that has to be changed the first time."""

import hmac

from starlette.responses import Response

from core.desk.visit import COOKIE, VISIT_COOKIE, Visit, status_of
from core.desk.words import say
from core.errors import InputError, LiandongError, StateError


def sign_in_page(visit: Visit) -> Response:
    if visit.session is not None:
        return visit.go("/")
    return _sign_in_form(visit)


def sign_in(visit: Visit) -> Response:
    """The form is tied to the browser by a cookie of its own, since there is no session yet."""
    context, id_ = visit.context, visit.typed("id").strip()[:32]
    try:
        _check_visit(visit)
        officer = context.roster.sign_in(context.db, id_, visit.typed("password")[:200])
    except LiandongError as error:
        with context.db.transaction() as tx:
            context.audit(tx, actor=id_ or "?", action="desk.sign_in_refused", code=error.code)
        return _sign_in_form(visit, error)
    with context.db.transaction() as tx:
        visit.cookies[COOKIE] = visit.sessions.begin(tx, officer.id)
        context.audit(tx, actor=officer.id, action="desk.signed_in")
    return visit.go("/password" if officer.must_change else _goal(visit.typed("next")))


def sign_out(visit: Visit) -> Response:
    session = visit.signed_in
    with visit.context.db.transaction() as tx:
        visit.sessions.end(tx, session)
        visit.context.audit(tx, actor=session.officer.id, action="desk.signed_out")
    visit.cookies[COOKIE] = ""
    return visit.go("/sign-in")


def password_page(visit: Visit) -> Response:
    return visit.page("password.html", words="")


def change_password(visit: Visit) -> Response:
    """Everybody of this name is signed out: whoever knew the old password is out too."""
    context, officer = visit.context, visit.signed_in.officer
    try:
        new = visit.typed("new")
        if new != visit.typed("again"):
            raise InputError(
                "officer.password_twice",
                zh="两次输入的新密码不一样，请重新输入。",
                en="The two new passwords differ; please type them again.",
            )
        if new == visit.typed("now"):
            raise InputError(
                "officer.password_same",
                zh="新密码与现在的相同，请换一个。",
                en="The new password is the old one; choose another.",
            )
        context.roster.sign_in(context.db, officer.id, visit.typed("now")[:200])
        with context.db.transaction() as tx:
            context.roster.set_password(tx, officer.id, new)
            visit.sessions.end_all_of(tx, officer.id)
            context.audit(tx, actor=officer.id, action="officer.password_changed", subject=officer.id)
    except LiandongError as error:
        return visit.page("password.html", status_of(error), words=error.text(visit.lang))
    visit.cookies[COOKIE] = ""
    visit.session = None
    return visit.go("/sign-in?done=password")


def _sign_in_form(visit: Visit, error: LiandongError | None = None) -> Response:
    return visit.page(
        "sign_in.html",
        200 if error is None else status_of(error),
        words=error.text(visit.lang) if error else "",
        done=say("password.done", visit.lang) if visit.query("done") == "password" else "",
        token=visit.request.cookies.get(VISIT_COOKIE) or visit.cookies.get(VISIT_COOKIE, ""),
        id=visit.typed("id")[:32],
        next=_goal(visit.typed("next") or visit.query("next")),
    )


def _check_visit(visit: Visit) -> None:
    kept = visit.request.cookies.get(VISIT_COOKIE, "")
    if not kept or not hmac.compare_digest(kept.encode(), visit.typed("visit").encode()):
        raise StateError(
            "desk.csrf",
            zh="登录页已过期，请重新输入（浏览器须允许 cookie）。",
            en="The sign-in page has expired; please try again (the browser must allow cookies).",
        )


def _goal(address: str) -> str:
    """Where to go after signing in: a page of this desk and no other."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside and not address.startswith("/sign-in") else "/"
