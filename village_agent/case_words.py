"""Cases in words for a terminal without screens: a list, one case, what has to be mended."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from core.case import Case
from core.clock import local
from core.identifiers import display_case_id
from core.labels import label
from core.people import mask_id, mask_name, mask_phone
from core.regions import Divisions
from village_agent.outlook import Outlook, clock_words, holder_words, place_name
from village_agent.transit import Leg, span_words
from village_agent.widths import fit


def list_words(views: Sequence[Outlook], total: int, divisions: Divisions, lang: str) -> str:
    """One line a case, then how many there are."""
    lines = [list_line(view, lang) for view in views]
    shown = (
        f"共 {total} 件，列出 {len(views)} 件（仅查本机）"
        if lang == "zh"
        else (f"{len(views)} of {total} cases (on this device only)")
    )
    return "\n".join([*lines, shown])


def list_line(view: Outlook, lang: str) -> str:
    """Number, name, item, state, how far it has come."""
    item = view.item.title(lang) if view.item else view.case.item
    return "  ".join(
        (
            display_case_id(view.case.id),
            fit(mask_name(view.case.applicant.name), 8),
            fit(item, 28),
            fit(label(f"state.{view.case.state}", lang), 10 if lang == "zh" else 20),
            label(view.stage, lang),
        )
    )


def case_words(
    view: Outlook,
    divisions: Divisions,
    lang: str,
    on_the_way: Mapping[str, Leg] | None = None,
    why_waiting: str = "",
) -> str:
    """Everything an agent tells an applicant who asks; ``on_the_way`` as of :func:`village_agent.transit.legs`.

    ``why_waiting``: why it has not been sent, and what to do, said where it waits.
    """
    case, zh = view.case, lang == "zh"
    item = view.item.title(lang) if view.item else case.item
    who = case.applicant
    lines = [
        f"{display_case_id(case.id)}  {item}",
        f"{mask_name(who.name)}  {mask_id(who.id_no)}  {mask_phone(who.mobile)}",
        f"{label('heading.state', lang)}: {label(f'state.{case.state}', lang)}  "
        f"{label('heading.holder', lang)}: {holder_words(view, divisions, lang)}",
        "  ".join(dict.fromkeys((label(view.wording, lang), label(view.stage, lang)))),
        *([f"  {why_waiting}"] if why_waiting else []),
        *limit_lines(view, lang),
        *missing_lines(view, lang),
        *(f"! {found.zh if zh else found.en}" for found in view.attention),
        f"{label('heading.history', lang)}:",
    ]
    lines += path_lines(view, divisions, lang, on_the_way or {})
    lines += note_lines(view.case, lang)
    if case.decision is not None:
        word = ("准予" if zh else "granted") if case.decision.granted else ("不予批准" if zh else "denied")
        lines.append(
            f"{label('heading.result', lang)}: {word} {case.decision.document_no} {case.decision.reason}"
        )
    return "\n".join(lines)


def path_lines(
    view: Outlook, divisions: Divisions, lang: str, on_the_way: Mapping[str, Leg] | None = None
) -> list[str]:
    """The path as a line of desks with times, between them how long it travelled; ``>`` is where it lies now."""
    zh, known, lines = lang == "zh", on_the_way or {}, []
    for stay in view.path:
        place = place_name(stay.node, divisions, lang)
        if stay.node is None:
            lines.append(f"  {clock_words(stay.since)}  {place}")
            continue
        leg = known.get(stay.by_step)
        if leg is not None:
            span = span_words(leg.took, lang)
            open_ = "" if leg.arrived_at else "，尚未签收" if zh else ", not signed for yet"
            lines.append(f"     |  {f'在途 {span}' if zh else f'in transit {span}'}{open_}")
        until = clock_words(stay.until) if stay.until else ("至今" if zh else "now")
        done = f"{label(stay.what, lang)} {stay.by}" if stay.what else ("等待办理" if zh else "waiting")
        note = f"  {stay.note}" if stay.note else ""
        sign = ">" if stay.until is None else " "
        lines.append(f"{sign} {clock_words(stay.since)} - {until}  {place}  {done}{note}")
    if known:
        total = span_words(sum((leg.took for leg in known.values()), timedelta()), lang)
        lines.append(f"  本机所知在途合计：{total}" if zh else f"  in transit, as far as known here: {total}")
    return lines


def note_lines(case: Case, lang: str) -> list[str]:
    """What people of any desk wrote beside the path, and the wishes to withdraw, by time."""
    said = [(note.mark, "message.NoteAdded", note.body.text) for note in case.notes]
    said += [
        (wish.mark, "message.WithdrawalRequested", wish.body.reason) for wish in case.withdrawal_requests
    ]
    said.sort(key=lambda one: (one[0].at, one[0].id))
    return [
        f"  {clock_words(mark.at)}  {mark.actor.name}  {label(what, lang)}: {text}".rstrip(": ")
        for mark, what, text in said
    ]


def limit_lines(view: Outlook, lang: str) -> list[str]:
    """When it must be done, while the clock runs; how far the scans have come, while they travel."""
    lines = []
    if view.due_at is not None:
        left = "" if view.days_left is None else str(view.days_left)
        unit = label("unit.working_day", lang)
        lines.append(
            f"{label('heading.due_at', lang)}: {local(view.due_at)[:16]}  {label('limit.left', lang)}: "
            f"{left} {unit}"
        )
    if view.materials_in_transit:
        lines.append(f"{label('outbox.materials_in_transit', lang)}: {view.parts_sent}/{view.parts}")
    return lines


def missing_lines(view: Outlook, lang: str) -> list[str]:
    """What the applicant is asked for, told at once."""
    if view.case.supplement is None:
        return []
    names = list(view.missing)
    if view.item is not None:
        fields = [view.item.form_field(key) for key in view.case.supplement.fields]
        names += [field.name(lang) for field in fields if field is not None]
    asked = "需补正" if lang == "zh" else "to be supplied"
    mark = "、" if lang == "zh" else ", "
    return [f"{asked}: {mark.join(names)}  {view.case.supplement.note}".rstrip()]


class Told(Protocol):
    """Something to mend, in words."""

    def text(self, lang: str) -> str: ...


def problem_words(problems: Sequence[Told], lang: str) -> str:
    """Everything to mend, one line each."""
    head = f"有 {len(problems)} 处需要改正：" if lang == "zh" else f"{len(problems)} to mend:"
    return "\n".join(
        [head, *(f"  {number}. {problem.text(lang)}" for number, problem in enumerate(problems, 1))]
    )
