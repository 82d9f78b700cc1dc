"""Handing a result over: who receives it, how we know, and the signed sheet, all in one transaction or nothing."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa

from core import bodies
from core.bodies import AttachmentManifest
from core.case import Case
from core.errors import InputError, StateError
from core.identifiers import CaseId, NodeId, display_case_id
from core.labels import label
from core.messages import Actor
from core.people import check_citizen_id, mask_id, normalise_id
from core.states import DECIDED
from village_agent.intake import Intake

LAST_DIGITS = 4
SHEET = "送达回证（签收页）"
"""The material's name under which the signed sheet is filed."""


class Relation(StrEnum):
    """Who stands at the counter."""

    SELF = "self"
    FAMILY = "family"
    AGENT = "agent"


RELATIONS: dict[Relation, tuple[str, str]] = {
    Relation.SELF: ("本人", "the applicant"),
    Relation.FAMILY: ("同住成年家属", "adult family of the household"),
    Relation.AGENT: ("受委托的代收人", "somebody with a written mandate"),
}
"""民事诉讼法 art. 88: served on the person; in absence on adult family of the household, or on who has a mandate."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """As typed. ``id_no``: of the applicant the last four characters suffice, of anybody else the whole number."""

    name: str
    relation: Relation
    id_no: str
    acknowledged: str
    """The receiver's name once more, typed by the receiver in acknowledgement."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What has to be mended: the field, and the words."""

    key: str
    zh: str
    en: str

    def text(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


class ReceiverRefused(InputError):
    """The result cannot be handed to this person; ``wrong`` holds everything that stands in the way."""

    def __init__(self, wrong: list[Wrong]) -> None:
        super().__init__(
            "hand_over.receiver",
            zh="".join(one.zh for one in wrong),
            en=" ".join(one.en for one in wrong),
        )
        self.wrong = tuple(wrong)


def is_due(case: Case, here: NodeId) -> bool:
    """Whether there is a result of the case to be handed over by the desk of ``here``."""
    return case.holder == here and case.state in DECIDED


def require_due(case: Case, here: NodeId) -> None:
    """Raises ``StateError`` (``hand_over.not_due``)."""
    if not is_due(case, here):
        raise StateError(
            "hand_over.not_due",
            zh=f"{display_case_id(case.id)} 现在是“{label(f'state.{case.state}')}”，本村没有可送达的结果，未作记录。请先联络一次，"
            "再看办件经过。",
            en=f"{display_case_id(case.id)} is {label(f'state.{case.state}', 'en')!r}: this village holds no result of it, and "
            "nothing was recorded. Make contact once and look at the case.",
        )


def check_receiver(case: Case, receiver: Receiver, today: date) -> list[Wrong]:
    """Everything that stands in the way of handing over to this person; empty if nothing does."""
    found: list[Wrong] = []
    name, applicant = _plain(receiver.name), _plain(case.applicant.name)
    if not name:
        found.append(Wrong("name", "请填写签收人姓名。", "Give the receiver's name."))
    elif receiver.relation is Relation.SELF and name != applicant:
        found.append(
            Wrong(
                "name",
                "与申请人姓名不符；如由他人代收，请改“签收人是”。",
                "This is not the applicant's name; if somebody else receives it, change who receives.",
            )
        )
    elif receiver.relation is not Relation.SELF and name == applicant:
        found.append(
            Wrong("relation", "填的是申请人姓名，请选“本人”。", "The name is the applicant's; choose so.")
        )
    found += _check_id(case, receiver, today)
    if name and _plain(receiver.acknowledged) != name:
        found.append(
            Wrong(
                "acknowledged",
                "请签收人亲自再输入一遍自己的姓名，须与签收人姓名一致。",
                "Let the receiver type their own name here; it must be the same as above.",
            )
        )
    return found


def _check_id(case: Case, receiver: Receiver, today: date) -> list[Wrong]:
    number = normalise_id(receiver.id_no)
    if receiver.relation is Relation.SELF:
        own = normalise_id(case.applicant.id_no)
        if number and number in (own, own[-LAST_DIGITS:]):
            return []
        return [
            Wrong(
                "id_no",
                f"与申请人证件号码不符，请看证件输入后 {LAST_DIGITS} 位。",
                f"This does not match the applicant's document; type its last {LAST_DIGITS} characters.",
            )
        ]
    try:
        check_citizen_id(number, today)
    except InputError as error:
        return [Wrong("id_no", error.zh, error.en)]
    return []


def hand_over(
    tx: sa.Connection,
    intake: Intake,
    actor: Actor,
    case_id: CaseId,
    receiver: Receiver,
    sheet: AttachmentManifest | None = None,
) -> Case:
    """Record that the result was handed over. ``sheet`` is the signed sheet, scanned or photographed, if there is one.

    Raises ``StateError`` (``hand_over.not_due``), ``ReceiverRefused`` with what has to be mended.
    """
    office = intake.village.office
    case = office.casebook.get(tx, case_id)
    require_due(case, office.casework.node)
    wrong = check_receiver(case, receiver, office.shelf.today)
    if wrong:
        raise ReceiverRefused(wrong)
    act = office.casework.act
    if sheet is not None:
        material = bodies.Material(SHEET, 1, 0, "", (sheet.id,))
        act(tx, case_id, actor, bodies.MaterialAdded(material, (sheet,)))
    name = " ".join(receiver.name.split())
    if receiver.relation is not Relation.SELF:
        who = RELATIONS[receiver.relation][0]
        words = f"代收：{name}（{who}），证件号 {mask_id(normalise_id(receiver.id_no))}，已核对。"
        act(tx, case_id, actor, bodies.NoteAdded(words))
    proof = sheet.id if sheet is not None else "核对证件，本人键入姓名确认"
    return intake.deliver(tx, actor, case_id, name, proof)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())
