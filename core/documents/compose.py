"""What each document says: a pure function of case, item, letterhead and the step it stands for."""

from dataclasses import dataclass
from datetime import datetime

from core.bodies import Delivery, IdType, SupplementRequested
from core.case import Case
from core.clock import local
from core.documents import wording as w
from core.documents.dates import china_date, date_in_characters, date_in_numerals
from core.documents.kinds import NAMES, Document, DocumentKind, documents_of
from core.documents.office import Letterhead
from core.documents.paper import Block, Paper, Shape
from core.errors import Lang
from core.identifiers import display_case_id
from core.items import Item
from core.labels import label
from core.numbers import yuan_of

_DELIVERIES = {
    Delivery.WINDOW: "delivery.window",
    Delivery.VILLAGE: "delivery.village",
    Delivery.POST: "delivery.post",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document is made of.

    ``catalogue_title`` is that of the case's version; ``place`` where the step was taken, in words; ``asked`` what the
    step asked for, given for a notice of what is missing; ``due_at`` the end of the promised limit, where the calendar
    knows it.
    """

    case: Case
    item: Item
    catalogue_title: str
    office: Letterhead
    place: str
    asked: SupplementRequested | None = None
    due_at: datetime | None = None


def compose(document: Document, facts: Facts, lang: Lang = "zh") -> Paper:
    """The document on paper, whole, in one language."""
    writer = _Writer(document, facts, lang)
    write = {
        DocumentKind.ACCEPTANCE: writer.acceptance,
        DocumentKind.SUPPLEMENT: writer.supplement,
        DocumentKind.REFUSAL: writer.refusal,
        DocumentKind.DECISION: writer.decision,
        DocumentKind.RECEIPT: writer.receipt,
    }[document.kind]
    return Paper(writer.title(document), writer.number(document), lang, tuple(write()))


class _Writer:
    def __init__(self, document: Document, facts: Facts, lang: Lang) -> None:
        self.document, self.facts, self.lang = document, facts, lang
        self.case, self.item, self.office = facts.case, facts.item, facts.office
        is_person = self.case.applicant.id_type is not IdType.USCC
        self.you = "你" if is_person else "你单位"

    def title(self, document: Document) -> str:
        if document.kind is not DocumentKind.DECISION:
            return NAMES[document.kind][self.lang == "en"]
        assert self.case.decision is not None
        granted = self.case.decision.granted
        if self.lang == "en":
            return "Decision to grant" if granted else "Decision to deny"
        return f"{'准予' if granted else '不予'}{self._matter()}决定书"

    def number(self, document: Document) -> str:
        """Given with the decision, or made of the case's own number: unique without a register."""
        decision = self.case.decision
        if document.kind is DocumentKind.DECISION and decision is not None and decision.document_no:
            return decision.document_no
        year = china_date(document.step.at).year
        word = f"{self.office.numbered_by}{w.NUMBER_WORDS[document.kind]}"
        which = document.name.partition("-")[2]
        return f"{word}〔{year}〕{display_case_id(self.case.id)}{f'-{which}' if which else ''}号"

    def acceptance(self) -> list[Block]:
        case = self.case
        limit = w.LIMIT_TODAY if self.item.is_immediate else w.LIMIT
        due = ""
        if self.facts.due_at is not None:
            due = self.say(w.DUE, day=date_in_numerals(china_date(self.facts.due_at), self.lang))
        fee = w.CHARGED if case.bill_fen else w.FREE
        return [
            *self._opening(),
            self._text(w.ACCEPTED, basis=self._basis("acceptance")),
            self._text(limit, statutory=case.statutory_days, promised=case.promised_days, due=due),
            self._text(fee, sum=yuan_of(case.bill_fen)),
            self._ask(),
            *self._closing(),
        ]

    def supplement(self) -> list[Block]:
        asked = self.facts.asked or SupplementRequested((), ())
        blocks = [*self._opening(), self._text(w.MISSING, basis=self._basis("supplement"))]
        fields = (self.item.form_field(key) for key in asked.fields)
        points = [(w.MISSING_MATERIAL, name) for name in asked.missing]
        points += [(w.MISSING_FIELD, field.name(self.lang)) for field in fields if field is not None]
        blocks += [
            Block(Shape.POINT, self.say(words, number=number, name=name))
            for number, (words, name) in enumerate(points, 1)
        ]
        if asked.note:
            blocks.append(self._text(w.MISSING_NOTE, note=asked.note))
        return [
            *blocks,
            self._text(w.MISSING_CLOSE, place=self._place_to_hand_in()),
            self._ask(),
            *self._closing(),
        ]

    def refusal(self) -> list[Block]:
        refusal = self.case.refusal
        assert refusal is not None
        return [
            *self._opening(),
            self._text(w.REFUSED, reason=self._sentence(refusal.reason), ground=refusal.ground),
            self._remedies(),
            self._ask(),
            *self._closing(),
        ]

    def decision(self) -> list[Block]:
        decision = self.case.decision
        assert decision is not None
        blocks = self._opening()
        if decision.granted:
            blocks.append(self._text(w.GRANTED, basis=self._basis("grant"), what=self._matter()))
            if decision.reason:
                blocks.append(self._text(w.GRANTED_REASON, reason=decision.reason))
            if decision.result_name:
                blocks.append(self._text(w.RESULT, name=decision.result_name, delivery=self._delivery()))
        else:
            reason = self._sentence(decision.reason)
            blocks.append(self._text(w.DENIED, reason=reason, basis=self._basis("deny"), what=self._matter()))
            blocks.append(self._remedies())
        return [*blocks, self._ask(), *self._closing()]

    def receipt(self) -> list[Block]:
        cells = self._receipt_cells()
        at = self.lang == "en"
        rows = tuple((words[at], cells.get(key, ""), lines) for key, words, lines in w.RECEIPT_ROWS)
        return [Block(Shape.TABLE, rows=rows), Block(Shape.CLOSING, self._seal())]

    def _receipt_cells(self) -> dict[str, str]:
        case = self.case
        handed = [one for one in documents_of(case) if one.step.id == self.document.step.id]
        named = [one for one in handed if one.kind is not DocumentKind.RECEIPT]
        titles = [f"{self.title(one)}　{self.number(one)}" for one in named]
        if case.decision is not None and case.decision.granted and case.decision.result_name:
            titles.append(case.decision.result_name)
        cells = {
            "documents": "\n".join(titles),
            "reason": f"{self.item.title(self.lang)}（{display_case_id(case.id)}）",
            "person": case.applicant.name,
            "method": self._delivery(),
        }
        delivery = case.delivery
        if delivery is None:
            return cells
        step = next(one for one in reversed(case.steps) if one.type == "ResultDelivered")
        proof = self.say(w.PROOF, proof=delivery.signature) if delivery.signature else ""
        signed = self.say(w.SIGNED, name=delivery.received_by, at=local(step.at)[:16], proof=proof)
        key = "signature" if delivery.received_by == case.applicant.name else "instead"
        return cells | {
            key: signed,
            "method": label(_DELIVERIES[delivery.method], self.lang),
            "sender": step.actor.name,
        }

    def _opening(self) -> list[Block]:
        day = date_in_numerals(china_date(self.case.submitted_at), self.lang)
        colon = ":" if self.lang == "en" else "："
        return [
            Block(Shape.ADDRESSEE, f"{self.case.applicant.name}{colon}"),
            self._text(
                w.INTRO,
                day=day,
                item=self.item.title(self.lang),
                case=display_case_id(self.case.id),
            ),
        ]

    def _closing(self) -> list[Block]:
        step = self.document.step
        foot = self.say(w.FOOT, node=self.facts.place, officer=step.actor.name, phone=self._phone())
        day = date_in_characters(china_date(step.at), self.lang)
        return [Block(Shape.CLOSING, f"{self._seal()}\n{day}"), Block(Shape.FOOT, foot)]

    def _seal(self) -> str:
        return f"{self._organ()}{self.say(w.SEAL)}"

    def _organ(self) -> str:
        """Whose act it is: the department decides and accepts, a desk below it asks for what is missing."""
        by_department = self.document.kind in (DocumentKind.ACCEPTANCE, DocumentKind.DECISION)
        if by_department or not self.office.name:
            return self.item.department.name.partition("(")[0]
        return self.office.name

    def _basis(self, what: str) -> str:
        at = self.lang == "en"
        if self.item.item_type.name == w.LICENCE:
            return w.BASIS[what][at]
        return w.OTHER_BASIS[at].format(title=self.facts.catalogue_title, version=self.case.catalogue_version)

    def _matter(self) -> str:
        """What is granted or denied: 行政许可, 行政给付 …, or 办理 where the kind of item names no act."""
        if self.lang == "en":
            return self.item.title("en")
        name = self.item.item_type.name
        return name if name.startswith("行政") else "办理"

    def _remedies(self) -> Block:
        return self._text(w.REMEDIES, review=self.office.reviewed_by, court=self.office.judged_by)

    def _ask(self) -> Block:
        return self._text(w.ASK, phone=self._phone(), address=self.office.address or w.BLANK)

    def _phone(self) -> str:
        return self.office.phone or w.BLANK

    def _place_to_hand_in(self) -> str:
        return self.office.name or self.facts.place

    def _delivery(self) -> str:
        return label(_DELIVERIES[self.case.deliver], self.lang)

    def _sentence(self, text: str) -> str:
        """``text`` closed by a full stop, on one line as a sentence of the document."""
        line = " ".join(text.split()) if self.lang == "en" else "".join(text.split("\n")).strip()
        stops = "。！？.!?；;"
        return line if line.endswith(tuple(stops)) else line + ("." if self.lang == "en" else "。")

    def _text(self, words: w.Words, **values: object) -> Block:
        return Block(Shape.TEXT, self.say(words, **values))

    def say(self, words: w.Words, **values: object) -> str:
        return words[self.lang == "en"].format(**{"you": self.you} | values)
