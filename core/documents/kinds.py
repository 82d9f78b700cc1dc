"""Which documents a case has: they follow from its steps, each from one."""

from dataclasses import dataclass
from enum import StrEnum

from core.case import Case, Step
from core.errors import InputError
from core.messages import MessageType


class DocumentKind(StrEnum):
    """The word in addresses and on the command line."""

    ACCEPTANCE = "acceptance"
    """受理通知书."""
    SUPPLEMENT = "supplement"
    """补正告知书: one for every time something was asked for."""
    REFUSAL = "refusal"
    """不予受理决定书."""
    DECISION = "decision"
    """准予或不予决定书."""
    RECEIPT = "receipt"
    """送达回证: to be signed as soon as there is something to hand over."""


NAMES = {
    DocumentKind.ACCEPTANCE: ("受理通知书", "Notice of acceptance"),
    DocumentKind.SUPPLEMENT: ("补正告知书", "Notice of what is missing"),
    DocumentKind.REFUSAL: ("不予受理决定书", "Decision not to accept"),
    DocumentKind.DECISION: ("决定书", "Decision"),
    DocumentKind.RECEIPT: ("送达回证", "Proof of delivery"),
}
_OF_STEP = {
    MessageType.CASE_ACCEPTED: DocumentKind.ACCEPTANCE,
    MessageType.SUPPLEMENT_REQUESTED: DocumentKind.SUPPLEMENT,
    MessageType.CASE_REFUSED: DocumentKind.REFUSAL,
    MessageType.CASE_DECIDED: DocumentKind.DECISION,
}
_TO_HAND_OVER = frozenset({DocumentKind.REFUSAL, DocumentKind.DECISION})


@dataclass(frozen=True, slots=True)
class Document:
    """One that exists. ``name`` is its kind, with a number from the second of its kind on (``supplement-2``)."""

    kind: DocumentKind
    name: str
    step: Step

    def text(self, lang: str = "zh") -> str:
        """What the document is called, with its number where there are several."""
        at = lang == "en"
        number = self.name.partition("-")[2]
        return NAMES[self.kind][at] + (f" {number}" if at else f"（{number}）") * bool(number)


def documents_of(case: Case) -> tuple[Document, ...]:
    """In the order of the case's steps; the proof of delivery last."""
    found: list[Document] = []
    for step in case.steps:
        kind = _OF_STEP.get(step.type)
        if kind is not None:
            count = sum(one.kind is kind for one in found) + 1
            found.append(Document(kind, kind if count == 1 else f"{kind}-{count}", step))
    results = [one for one in found if one.kind in _TO_HAND_OVER]
    if results:
        found.append(Document(DocumentKind.RECEIPT, DocumentKind.RECEIPT, results[-1].step))
    return tuple(found)


def document_of(case: Case, name: str) -> Document:
    """The case's document of this name. Raises ``InputError`` (``document.none``) that says which there are."""
    there = documents_of(case)
    for one in there:
        if one.name == name:
            return one
    zh = "、".join(f"{one.text()}（{one.name}）" for one in there) or "无"
    en = ", ".join(one.name for one in there) or "none"
    shown = "".join(c if c.isprintable() else "?" for c in name[:40])
    raise InputError(
        "document.none",
        zh=f"本件没有文书“{shown}”。现有：{zh}。",
        en=f"The case has no document {shown!r}. There are: {en}.",
    )
