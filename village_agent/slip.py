"""The slip at the village: the facts of a case here, as lines for a screen or a thermal printer, and as a paper."""

from collections.abc import Iterable

from core.documents.paper import Paper
from core.documents.qr import qr_modules
from core.documents.slip import SlipFacts, handed_in, slip_paper, slip_rows, slip_title, status_lines
from core.identifiers import division_of
from core.labels import label
from core.regions import Divisions
from village_agent.outlook import Outlook, holder_words
from village_agent.practice_mark import BANNER, is_invented
from village_agent.widths import fit, wrap

SLIP_CELLS = 46
THERMAL_CELLS = (48, 32)
"""Characters a line of printers for paper of 80 and 58 mm."""
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def slip_facts(view: Outlook, divisions: Divisions, lang: str = "zh", phone: str = "") -> SlipFacts:
    """What the slip of a case says now. ``phone`` is where the citizen may ask."""
    case = view.case
    return SlipFacts(
        case=case,
        item_title=view.item.title(lang) if view.item else case.item,
        promised_days=view.item.promised_days if view.item else None,
        origin=divisions.full_name(division_of(case.origin)),
        township=divisions.full_name(division_of(case.township or case.city)),
        holder=holder_words(view, divisions, lang),
        wording=view.wording,
        due_at=view.due_at,
        days_left=view.days_left,
        parts_sent=view.parts_sent,
        parts=view.parts,
        phone=phone,
        banner=BANNER if is_invented(case.origin) else "",
    )


def slip_lines(
    view: Outlook, divisions: Divisions, lang: str = "zh", width: int = SLIP_CELLS, phone: str = ""
) -> list[str]:
    """The slip's text, each line at most ``width`` cells; the title first."""
    facts = slip_facts(view, divisions, lang, phone)
    colon = "：" if lang == "zh" else ": "
    banner = [fit(facts.banner, width, centre=True)] if facts.banner else []
    lines = [*wrap(slip_title(facts, lang), width), *banner, "-" * width]
    for name, value in slip_rows(facts, lang):
        lines += wrap(f"{name}{colon}{value}", width)
    lines.append(f"{label('slip.handed_in', lang)}{colon}")
    for line in handed_in(facts, lang):
        lines += wrap(f"- {line}", width)
    lines.append("-" * width)
    for line in status_lines(facts, lang):
        lines += wrap(line, width)
    return [*lines, *banner]


def paper_of_slip(view: Outlook, divisions: Divisions, lang: str = "zh", phone: str = "") -> Paper:
    """The slip as it is printed on A4."""
    return slip_paper(slip_facts(view, divisions, lang, phone), lang)


def qr_text(text: str, *, colours: bool) -> list[str]:
    """The QR for a terminal: two cells a module, by background colour or (on paper) by full blocks."""
    rows = qr_modules(text, border=2)
    if colours:
        return ["".join("\x1b[40m  " if dark else "\x1b[107m  " for dark in row) + "\x1b[0m" for row in rows]
    return ["".join("██" if dark else "  " for dark in row) for row in rows]


def qr_halves(text: str) -> list[str]:
    """The QR for narrow paper: one cell a module, two rows of modules a line (29 cells for a slip)."""
    rows = qr_modules(text, border=2)
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return [
        "".join(_HALVES[above, below] for above, below in zip(upper, lower, strict=True)).rstrip()
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def thermal_text(lines: Iterable[str], width: int = SLIP_CELLS) -> str:
    """The slip as plain text, the title in the middle."""
    title, *rest = lines
    return "\n".join([fit(title, width, centre=True).rstrip(), *rest])
