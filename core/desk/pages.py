"""The pages beside the case: the queue, the neighbours, and what needs people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from core.case import Case
from core.clock import CHINA
from core.desk.clockface import ClockFace, clock_face
from core.desk.context import DeskContext
from core.desk.facts import item_of
from core.desk.queue import Filter, queue
from core.desk.visit import Visit
from core.desk.words import say
from core.errors import InputError, Lang, StateError
from core.identifiers import Tier, parse_case_id
from core.people import mask_name
from core.regions import load_yuanjiang
from core.states import State

SOON_DAYS = 3
_STATES = tuple(state for state in State if state is not State.DRAFT)


def queue_page(visit: Visit) -> Response:
    """Cases by time left, in pages of fifty; a whole case number in ``number`` opens the case."""
    context, officer = visit.context, visit.signed_in.officer
    if visit.query("number").strip():
        return _open_by_number(visit, visit.query("number"))
    scope = visit.query("scope") if visit.query("scope") in ("todo", "me", "all") else "todo"
    state = visit.query("state") if visit.query("state") in set(_STATES) else ""
    origin = visit.query("origin") if visit.query("origin").isdigit() else ""
    due = visit.query("due") if visit.query("due") in ("soon", "over") else ""
    states = (State(state),) if state else ()
    wanted = Filter(scope, states, origin, _due_before(context, due), visit.query("after"))
    with context.db.reading() as tx:
        page = queue(context, tx, officer, wanted)
    chosen = {"scope": scope, "state": state, "origin": origin, "due": due}
    return visit.page(
        "queue.html",
        rows=[_row(context, case, visit.lang) for case in page.cases],
        total=page.total,
        chosen=chosen,
        states=[(one, say(f"state.{one}", visit.lang)) for one in _STATES],
        origins=_origins(context),
        next="?" + urlencode(chosen | {"after": page.next}) if page.next else "",
        first="?" + urlencode(chosen) if visit.query("after") else "",
    )


def nodes_page(visit: Visit) -> Response:
    with visit.context.db.reading() as tx:
        found = visit.context.neighbours(tx)
    empty: dict[str, Any] = {
        "last_contact_at": None,
        "failures": 0,
        "error": None,
        "carrier": None,
        "clock_offset_s": None,
    }
    return visit.page("nodes.html", nodes=[empty | dict(one) for one in found])


def attention_page(visit: Visit) -> Response:
    context, lang = visit.context, visit.lang
    with context.db.reading() as tx:
        troubles = [
            {
                "kind": one["kind"],
                "case": one["subject"] if _is_about_a_case(one) else "",
                "subject": one["subject"],
                "type": one["type"],
                "at": one["at"],
                "why": one[lang],
            }
            for one in context.troubles(tx)
        ]
        for held in context.office.casebook.attention(tx):
            words = held.en if lang == "en" else held.zh
            troubles.append(
                {
                    "kind": held.standing,
                    "case": held.case_id,
                    "subject": held.case_id,
                    "type": say(f"message.{held.type}", lang),
                    "at": None,
                    "why": words,
                }
            )
        mended = [
            {
                "case": one["subject"] if one["subject"].isdigit() and len(one["subject"]) > 16 else "",
                "subject": one["subject"],
                "at": one["at"],
                "what": one[lang],
            }
            for one in context.mended(tx)
        ]
    return visit.page("attention.html", troubles=troubles, mended=mended)


def _is_about_a_case(trouble: Mapping[str, Any]) -> bool:
    if trouble["kind"] == "damage":
        return trouble["type"] in {"case", "message", "chunk"}
    return trouble["kind"] in {"quarantine", "difference"}


def time_left(face: ClockFace, case: Case, lang: Lang) -> str:
    """The clock in words."""
    if face.is_calendar_unknown:
        return say("left.unknown", lang)
    if face.is_standing:
        return say("left.standing", lang)
    if face.days_left is None:
        return say("left.ended" if case.completed_at else "left.none", lang)
    if not face.is_running:
        return say("left.ended", lang)
    if face.days_left < 0:
        return say("left.over", lang, days=-face.days_left)
    return say("left.days", lang, days=face.days_left) if face.days_left else say("left.today", lang)


def _row(context: DeskContext, case: Case, lang: Lang) -> dict[str, Any]:
    face = clock_face(case, context.office.shelf.calendar, context.world.now())
    item = item_of(context, case)
    return {
        "case": case,
        "item": item.title(lang) if item is not None else case.item,
        "applicant": mask_name(case.applicant.name),
        "state": say(f"state.{case.state}", lang),
        "card": face.card,
        "left": time_left(face, case, lang),
        "due_at": face.due_at if face.is_running else None,
    }


def _open_by_number(visit: Visit, text: str) -> Response:
    try:
        return visit.go(f"/case/{parse_case_id(text)}")
    except InputError as error:
        return visit.refusal(error)


def _due_before(context: DeskContext, due: str) -> datetime | None:
    now = context.world.now()
    if due == "over":
        return now
    if due != "soon":
        return None
    today = now.astimezone(CHINA).date()
    try:
        last = context.office.shelf.calendar.add_workdays(today, SOON_DAYS)
    except StateError:
        # Next year's calendar is not out: plain days, which can only show too few and never hide what is over.
        last = today + timedelta(days=SOON_DAYS)
    return datetime(last.year, last.month, last.day, tzinfo=CHINA) + timedelta(days=1)


def _origins(context: DeskContext) -> list[tuple[str, str]]:
    """The villages of a township; the townships of the city, by the beginning of their codes."""
    divisions = load_yuanjiang()
    if context.node not in divisions:
        return []
    keep = 12 if context.tier is Tier.TOWNSHIP else 9
    return [(one.code[:keep], one.name) for one in divisions.children(context.node)]
