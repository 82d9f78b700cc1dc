"""The slip in the citizen's hand: number, item, what was handed in, and no more certainty than copies exist."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.case import Case
from core.clock import local
from core.documents.paper import Block, Paper, Shape
from core.errors import Lang
from core.identifiers import display_case_id
from core.labels import label
from core.people import mask_id
from core.slip_code import slip_code, slip_text

SLIP = "slip"
"""The word in addresses and on the command line."""


class Wording(StrEnum):
    """What the slip may say: never more than the copies that exist (see docs: wording by copies)."""

    LOCAL_ONLY = "slip.local_only"
    HANDED_OVER = "slip.handed_over"
    AT_CITY = "slip.at_city"
    """Registered by the city itself: there is no higher office to sign for it."""
    ACCEPTED = "slip.accepted"


@dataclass(frozen=True, slots=True)
class SlipFacts:
    """What a slip is made of. ``origin``, ``township`` and ``holder`` are places in words.

    ``promised_days`` None where the item is not known here; ``parts_sent`` of ``parts`` pieces of the scans have left.
    """

    case: Case
    item_title: str
    promised_days: int | None
    origin: str
    township: str
    holder: str
    wording: Wording
    due_at: datetime | None = None
    days_left: int | None = None
    parts_sent: int = 0
    parts: int = 0
    phone: str = ""
    banner: str = ""
    """Above and below everything: what the reader must know first."""


def slip_title(facts: SlipFacts, lang: Lang) -> str:
    return f"{facts.origin} {label('slip.title', lang)}"


def slip_rows(facts: SlipFacts, lang: Lang) -> list[tuple[str, str]]:
    """Label and value from top to bottom; the document number is masked."""
    case, code = facts.case, slip_code(facts.case)
    rows = [
        (label("heading.case_no", lang), display_case_id(case.id)),
        (label("slip.code", lang), f"{code[:4]}-{code[4:]}"),
        (label("heading.item", lang), facts.item_title),
        (label("heading.applicant", lang), f"{case.applicant.name} {mask_id(case.applicant.id_no)}"),
        (label("heading.submitted_at", lang), local(case.submitted_at)),
        (label("heading.township", lang), facts.township),
        (label("limit.promised", lang), _limit_words(facts, lang)),
    ]
    if facts.phone:
        rows.append((label("slip.enquiries", lang), facts.phone))
    return rows


def handed_in(facts: SlipFacts, lang: Lang) -> list[str]:
    """One line a material, with its numbers."""
    return [
        f"{record.name} {_counts(record.originals, record.copies, len(record.attachments), lang)}".rstrip()
        for record in facts.case.materials
    ]


def status_lines(facts: SlipFacts, lang: Lang) -> list[str]:
    """How far it has come, by the copies that exist; what is still on its way; who holds it."""
    colon = "：" if lang == "zh" else ": "
    comma = "，" if lang == "zh" else ": "
    lines = [f"{label(facts.wording, lang)}{comma}{label(f'{facts.wording}_note', lang)}"]
    if facts.parts_sent < facts.parts:
        lines.append(f"{label('outbox.materials_in_transit', lang)} {facts.parts_sent}/{facts.parts}")
    return [*lines, f"{label('heading.holder', lang)}{colon}{facts.holder}"]


def slip_paper(facts: SlipFacts, lang: Lang = "zh") -> Paper:
    """The slip on one sheet of paper, with its QR; drawn in one weight, for somebody waits at the counter."""
    materials = "\n".join(handed_in(facts, lang)) or "-"
    rows = [*slip_rows(facts, lang), (label("slip.handed_in", lang), materials)]
    warning = (Block(Shape.CAPTION, facts.banner),) if facts.banner else ()
    return Paper(
        label("slip.title", lang),
        facts.origin,
        lang,
        (
            *warning,
            Block(Shape.TABLE, rows=tuple((name, value, 1) for name, value in rows)),
            Block(Shape.CODE, slip_text(facts.case)),
            Block(Shape.CAPTION, label("slip.qr", lang)),
            Block(Shape.FOOT, "\n".join(status_lines(facts, lang))),
            *warning,
        ),
        one_weight=True,
    )


def _limit_words(facts: SlipFacts, lang: Lang) -> str:
    zh = lang == "zh"
    if facts.due_at is not None and facts.days_left is not None:
        left = f"剩 {facts.days_left} 个工作日" if zh else f"{facts.days_left} working days left"
        at = local(facts.due_at)[:16]
        return f"{at}（{left}）" if zh else f"{at} ({left})"
    days = facts.promised_days
    if days is None:
        return "-"
    return f"受理后 {days} 个工作日" if zh else f"{days} working days after acceptance"


def _counts(originals: int, copies: int, scans: int, lang: Lang) -> str:
    parts = [("unit.original", originals), ("unit.copy", copies), ("unit.scan", scans)]
    return " ".join(
        f"{label(key, lang)}{'' if lang == 'zh' else ' '}{count}" for key, count in parts if count
    )
