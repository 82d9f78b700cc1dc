"""What a citizen is told of a case: where it stands in plain words, and nothing of a person but a covered name."""

from dataclasses import dataclass

from core.case import Case
from core.clock import from_iso, local
from core.desk.clockface import ClockFace, clock_face
from core.desk.context import DeskContext, Facts
from core.desk.facts import item_of, place_name
from core.desk.public.claim import Proof
from core.desk.public.words import told
from core.errors import Lang
from core.identifiers import display_case_id
from core.items import Item
from core.people import mask_name
from core.states import State
from core.workflow_names import state_name

MATERIALS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Standing:
    """``rows`` are label and value; ``slip`` what a slip may be held against, empty unless one was shown."""

    rows: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    slip: tuple[str, ...]
    may_rate: bool
    rated: int
    """The level that was given with the same proof, 0 if none."""


def standing_of(
    context: DeskContext, case: Case, proof: Proof, signed: Facts | None, lang: Lang = "zh"
) -> Standing:
    """``signed`` tells who signed for the envelope that brought the case, where one did."""
    item = item_of(context, case)
    face = clock_face(case, context.office.shelf.calendar, context.world.now())
    rated = rating_by(case, proof)
    return Standing(
        rows=tuple(_rows(case, item, face, lang)),
        missing=_missing(case, item, lang),
        slip=tuple(_slip(case, signed, lang)) if proof is Proof.SLIP else (),
        may_rate=case.completed_at is not None and not rated,
        rated=rated,
    )


def rater(proof: Proof) -> str:
    """The name under which a rating by this proof stands: one a case and proof."""
    return f"public-{proof}"


def rating_by(case: Case, proof: Proof) -> int:
    """The level given with this proof, 0 if none."""
    given = (rating for rating in case.ratings if rating.mark.actor.officer == rater(proof))
    return next((rating.body.level for rating in given), 0)


def _rows(case: Case, item: Item | None, face: ClockFace, lang: Lang) -> list[tuple[str, str]]:
    def row(key: str, value: str) -> tuple[str, str]:
        return told(f"public.{key}", lang), value

    name = told("public.confidential", lang)
    if not case.confidential:
        name = item.title(lang) if item is not None else case.item
    rows = [
        row("number", display_case_id(case.id)),
        row("item", name),
        row("applicant", mask_name(case.applicant.name)),
        row("state", told("public.held", lang) if case.hold else state_name(case.state, lang)),
        row("submitted_at", local(case.submitted_at)[:16]),
    ]
    if case.accepted_at is not None:
        rows.append(row("accepted_at", local(case.accepted_at)[:16]))
    if case.decision is not None:
        rows.append(row("result", state_name(State.GRANTED if case.decision.granted else State.DENIED, lang)))
    if case.completed_at is not None:
        rows.append(row("completed_at", local(case.completed_at)[:16]))
    elif face.due_at is not None and face.days_left is not None:
        days = told("public.days", lang, days=max(0, face.days_left))
        rows.append(row("due_at", local(face.due_at)[:16]))
        rows.append(row("left", told("public.standing", lang) if face.is_standing else days))
    if case.holder:
        rows.append(row("holder", place_name(case.holder, lang)))
    return rows


def _missing(case: Case, item: Item | None, lang: Lang) -> tuple[str, ...]:
    if case.supplement is None or case.state is not State.SUPPLEMENT_REQUESTED:
        return ()
    fields = (item.form_field(key) if item is not None else None for key in case.supplement.fields)
    return (*case.supplement.missing, *(field.name(lang) for field in fields if field is not None))


def _slip(case: Case, signed: Facts | None, lang: Lang) -> list[str]:
    """What the nodes' books say of the slip, line by line, to be held against the paper."""
    lines = [
        told("public.slip_true", lang, place=place_name(case.origin, lang), at=local(case.submitted_at)[:16])
    ]
    if signed is not None:
        at = local(from_iso(signed["at"]))[:16]
        lines.append(told("public.slip_arrived", lang, at=at, seq=signed["seq"]))
        lines += [
            told(
                f"public.slip_{receipt['kind']}",
                lang,
                signer=place_name(receipt["signer"], lang),
                at=local(from_iso(receipt["at"]))[:16],
            )
            for receipt in signed["receipts"]
        ]
    lines.append(told("public.slip_materials", lang, count=len(case.submitted_materials)))
    lines += [
        told("public.slip_material", lang, name=one.name, originals=one.originals, copies=one.copies)
        for one in case.submitted_materials[:MATERIALS_SHOWN]
    ]
    return lines
