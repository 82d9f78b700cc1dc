"""The slip in the citizen's hand: number, item, what was handed in, and no more certainty than copies exist."""

from collections.abc import Iterable

import segno

from core.clock import local
from core.identifiers import display_case_id, division_of
from core.labels import label
from core.people import mask_id
from core.regions import Divisions
from core.slip_code import slip_code
from village_agent.outlook import Outlook, Wording, holder_words
from village_agent.practice_mark import BANNER, is_invented
from village_agent.widths import fit, wrap

SLIP_CELLS = 46
QR_BORDER = 1


def slip_lines(view: Outlook, divisions: Divisions, lang: str = "zh", width: int = SLIP_CELLS) -> list[str]:
    """The slip's text, each line at most ``width`` cells; the document number is masked."""
    case, zh = view.case, lang == "zh"
    item = view.item.title(lang) if view.item else case.item
    colon, code = "：" if zh else ": ", slip_code(case)
    rows = [
        (label("heading.case_no", lang), display_case_id(case.id)),
        (label("slip.code", lang), f"{code[:4]}-{code[4:]}"),
        (label("heading.item", lang), item),
        (label("heading.applicant", lang), f"{case.applicant.name} {mask_id(case.applicant.id_no)}"),
        (label("heading.submitted_at", lang), local(case.submitted_at)),
        (label("heading.township", lang), divisions.full_name(division_of(case.township or case.city))),
        (label("limit.promised", lang), _limit_words(view, lang)),
    ]
    title = f"{divisions.full_name(division_of(case.origin))} {label('slip.title', lang)}"
    lines = [title, *([fit(BANNER, width, centre=True)] if is_invented(case.origin) else ()), "-" * width]
    for name, value in rows:
        lines += wrap(f"{name}{colon}{value}", width)
    lines.append(f"{label('slip.handed_in', lang)}{colon}")
    for record in case.materials:
        counts = _counts(record.originals, record.copies, len(record.attachments), lang)
        lines += wrap(f"- {record.name} {counts}", width)
    wording: Wording = view.wording
    note = label(f"{wording}_note", lang)
    lines += ["-" * width, *wrap(f"{label(wording, lang)}{'，' if zh else ': '}{note}", width)]
    if view.materials_in_transit:
        lines += wrap(f"{label('outbox.materials_in_transit', lang)} {view.parts_sent}/{view.parts}", width)
    lines += wrap(f"{label('heading.holder', lang)}{colon}{holder_words(view, divisions, lang)}", width)
    return [*lines, fit(BANNER, width, centre=True)] if is_invented(case.origin) else lines


def qr_modules(text: str, border: int = QR_BORDER) -> list[list[bool]]:
    """The dark modules of the QR of ``text``, row by row, with a light border."""
    code = segno.make(text, error="m", micro=False)
    return [[bool(dark) for dark in row] for row in code.matrix_iter(border=border)]


def qr_text(text: str, *, colours: bool) -> list[str]:
    """The QR for a terminal: two cells a module, by background colour or (on paper) by full blocks."""
    rows = qr_modules(text, border=2)
    if colours:
        return ["".join("\x1b[40m  " if dark else "\x1b[107m  " for dark in row) + "\x1b[0m" for row in rows]
    return ["".join("██" if dark else "  " for dark in row) for row in rows]


def thermal_text(lines: Iterable[str], width: int = SLIP_CELLS) -> str:
    """The slip as plain text, the title in the middle."""
    title, *rest = lines
    return "\n".join([fit(title, width, centre=True).rstrip(), *rest])


def _limit_words(view: Outlook, lang: str) -> str:
    if view.due_at is not None and view.days_left is not None:
        left = f"剩 {view.days_left} 个工作日" if lang == "zh" else f"{view.days_left} working days left"
        return (
            f"{local(view.due_at)[:16]}（{left}）" if lang == "zh" else f"{local(view.due_at)[:16]} ({left})"
        )
    if view.item is None:
        return "-"
    days = view.item.promised_days
    return f"受理后 {days} 个工作日" if lang == "zh" else f"{days} working days after acceptance"


def _counts(originals: int, copies: int, scans: int, lang: str) -> str:
    parts = [("unit.original", originals), ("unit.copy", copies), ("unit.scan", scans)]
    return " ".join(
        f"{label(key, lang)}{'' if lang == 'zh' else ' '}{count}" for key, count in parts if count
    )
