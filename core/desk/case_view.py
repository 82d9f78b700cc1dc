"""A case made ready for its page: every value in words, in one language."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.bodies import Delivery
from core.case import Case
from core.clock import local
from core.desk.clockface import ClockFace, clock_face
from core.desk.context import DeskContext
from core.desk.facts import applicant_facts, mask_answer, place_name
from core.desk.given import Input, Matter
from core.desk.pages import time_left
from core.desk.rights import barred, open_steps
from core.desk.verbs import VERBS, Verb
from core.desk.words import say
from core.documents.kinds import Document, documents_of
from core.errors import Lang
from core.items import FormField, Item, Need
from core.materials import check_materials
from core.messages import MessageType
from core.numbers import yuan_of
from core.people import mask_name

_NEEDS = {Need.REQUIRED: "need.required", Need.CONDITIONAL: "need.conditional"}
_DELIVERIES = {
    Delivery.WINDOW: "delivery.window",
    Delivery.VILLAGE: "delivery.village",
    Delivery.POST: "delivery.post",
}
_ASIDE = frozenset({"suspend", "withdraw", "void", "note", "paid"})
"""Steps that are not the usual next one: their forms stay folded."""


@dataclass(frozen=True, slots=True)
class Action:
    """A step on offer. ``barred`` says why this person may not take it; empty if they may."""

    verb: Verb
    barred: str
    inputs: tuple[tuple[Input, tuple[tuple[str, str], ...], str], ...]
    """Input, its options (value and words), its default."""
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class FileRow:
    id: str
    name: str
    size: int
    have: int
    parts: int

    @property
    def is_whole(self) -> bool:
        return self.parts > 0 and self.have == self.parts


@dataclass(frozen=True, slots=True)
class View:
    """``answers`` are pairs of label and value; a table's value is a list of rows, the first its headings."""

    case: Case
    item: Item
    lang: Lang
    full: bool
    face: ClockFace
    left: str
    applicant: Mapping[str, str]
    answers: tuple[tuple[str, Any], ...]
    materials: tuple[dict[str, Any], ...]
    findings: tuple[str, ...]
    files: tuple[FileRow, ...]
    asides: tuple[dict[str, Any], ...]
    id_type: str
    delivery: str
    delivered: str
    missing: tuple[str, ...]
    actions: tuple[Action, ...]
    documents: tuple[Document, ...]

    def say(self, key: str, **values: object) -> str:
        return say(key, self.lang, **values)

    @property
    def whole_files(self) -> int:
        return sum(row.is_whole for row in self.files)


def view_of(
    context: DeskContext, matter: Matter, parts: Mapping[str, tuple[int, int]], lang: Lang, *, full: bool
) -> View:
    """``parts`` gives for each attachment how much of it is here; ``full`` shows what is otherwise covered."""
    case, item = matter.case, matter.item
    face = clock_face(case, context.office.shelf.calendar, context.world.now())
    check = check_materials(item, case.materials)
    return View(
        case=case,
        item=item,
        lang=lang,
        full=full,
        face=face,
        left=time_left(face, case, lang),
        applicant=applicant_facts(case, full=full),
        answers=tuple(_answers(case, item, lang, full)),
        materials=tuple(_materials(case, item, lang)),
        findings=check.words(lang) or (say("case.materials_whole", lang),),
        files=tuple(
            FileRow(one.id, one.name, one.size, *parts.get(one.id, (0, 0))) for one in case.attachments
        ),
        asides=tuple(_asides(case, lang)),
        id_type=say(f"id_type.{case.applicant.id_type}", lang),
        delivery=say(_DELIVERIES[case.applicant.delivery], lang),
        delivered=_delivered(case, lang, full=full),
        missing=_missing(case, item, lang),
        actions=_actions(context, matter, lang),
        documents=documents_of(case),
    )


def _delivered(case: Case, lang: Lang, *, full: bool) -> str:
    """How the result was handed over, who signed and when; the name covered as the applicant's is."""
    if case.delivery is None:
        return ""
    step = next(one for one in reversed(case.steps) if one.type is MessageType.RESULT_DELIVERED)
    name = case.delivery.received_by if full else mask_name(case.delivery.received_by)
    method = say(_DELIVERIES[case.delivery.method], lang)
    words = say("case.delivered_to", lang, method=method, name=name, at=local(step.at)[:16])
    proof = case.delivery.signature
    return words + (say("case.delivered_proof", lang, proof=proof) if proof else "")


def _actions(context: DeskContext, matter: Matter, lang: Lang) -> tuple[Action, ...]:
    """The steps on offer; the first that carries the case on stands open."""
    steps = open_steps(context, matter.officer, matter.case, matter.item)
    actions = [_action(matter, verb, lang) for verb in VERBS.values() if verb.type in steps]
    onward = (number for number, one in enumerate(actions) if not one.barred and one.verb.name not in _ASIDE)
    first = next(onward, None)
    return tuple(replace(one, is_next=number == first) for number, one in enumerate(actions))


def _action(matter: Matter, verb: Verb, lang: Lang) -> Action:
    english = lang == "en"
    inputs = tuple(
        (
            field,
            tuple((value, en if english else zh) for value, zh, en in field.options(matter)),
            field.default(matter),
        )
        for field in verb.inputs
    )
    return Action(verb, barred(matter.officer, matter.case, verb.type, lang), inputs)


def _answers(case: Case, item: Item, lang: Lang, full: bool) -> list[tuple[str, Any]]:
    rows = []
    for key, value in case.form.items():
        field = item.form_field(key)
        shown = value if full else mask_answer(field, value)
        rows.append((field.name(lang) if field else key, _answer(field, shown, lang)))
    return rows


def _answer(field: FormField | None, value: Any, lang: Lang) -> Any:
    if isinstance(value, list):
        columns = field.columns if field is not None else ()
        heads = [column.name(lang) for column in columns]
        return [
            heads,
            *([_answer(column, row.get(column.key, ""), lang) for column in columns] for row in value),
        ]
    if isinstance(value, bool):
        return say("bool.yes" if value else "bool.no", lang)
    return str(value)


def _materials(case: Case, item: Item, lang: Lang) -> list[dict[str, Any]]:
    given = {material.name: material for material in case.materials}
    asked = {material.name: material for material in item.materials}
    rows = []
    for name in (*asked, *(name for name in given if name not in asked)):
        want, got = asked.get(name), given.get(name)
        rows.append(
            {
                "name": name,
                "need": say(_NEEDS[want.need], lang) if want else say("case.unasked", lang),
                "asked": _counts(want.originals, want.copies, lang) if want else "—",
                "given": _counts(got.originals, got.copies, lang) if got else say("case.not_given", lang),
                "is_given": got is not None,
                "scans": len(got.attachments) if got else 0,
                "note": got.note if got else "",
            }
        )
    return rows


def _counts(originals: int, copies: int, lang: Lang) -> str:
    words = (("case.originals", originals), ("case.copies", copies))
    return " · ".join(say(key, lang, count=count) for key, count in words if count) or "—"


def _asides(case: Case, lang: Lang) -> list[dict[str, Any]]:
    """What was added beside the chain, by time."""
    found = [(note.mark, note.body.text) for note in case.notes]
    found += [
        (
            payment.mark,
            say("case.payment", lang, amount=yuan_of(payment.body.fen), receipt=payment.body.receipt_no),
        )
        for payment in case.payments
    ]
    found += [
        (wish.mark, say("case.wish", lang, reason=wish.body.reason or "—"))
        for wish in case.withdrawal_requests
    ]
    found += [
        (
            rated.mark,
            f"{say('case.rating', lang, level=say(f'rating.{rated.body.level}', lang))} {rated.body.text}".strip(),
        )
        for rated in case.ratings
    ]
    found.sort(key=lambda pair: (pair[0].at, pair[0].id))
    return [
        {"at": mark.at, "who": mark.actor.name, "place": place_name(mark.node, lang), "text": text}
        for mark, text in found
    ]


def _missing(case: Case, item: Item, lang: Lang) -> tuple[str, ...]:
    """What the applicant was asked to supply, in words."""
    if case.supplement is None:
        return ()
    fields = (item.form_field(key) for key in case.supplement.fields)
    return (*case.supplement.missing, *(field.name(lang) for field in fields if field is not None))
