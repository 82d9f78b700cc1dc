"""One step on many cases: the same answers, each case judged by itself, and a line for each that says what came of it."""

from dataclasses import dataclass

from core.case import Case
from core.desk.acting import open_matter, perform_one_of_many
from core.desk.given import Kind
from core.desk.rights import barred, open_steps
from core.desk.verbs import VERBS, Verb
from core.desk.visit import Answer, Visit
from core.errors import InputError
from core.identifiers import CaseId, parse_case_id

CASES_MAX = 200
VIA = "batch"
BATCH_VERBS = ("forward", "accept", "assign", "handle", "review", "decide", "resume", "deliver", "note")
"""Steps that make sense with the same words for many; those that need a case's own reason are taken one by one."""


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one case; ``words`` say why not."""

    case_id: CaseId
    done: bool
    words: str


def choose(visit: Visit) -> Answer:
    """The ticked cases and the steps that every one of them allows this officer."""
    cases = _cases(visit)
    return visit.page(
        "batch.html",
        cases=cases,
        verbs=_common(visit, cases),
        lines=(),
        verb="",
        inputs=_inputs(visit, cases),
    )


def act(visit: Visit) -> Answer:
    """Take the step on each case; a refusal of one keeps no other from being done."""
    cases = _cases(visit)
    verb = VERBS.get(visit.request.path_params["verb"])
    if verb is None or verb.name not in BATCH_VERBS:
        raise InputError(
            "desk.verb", zh="这一步不能批量办理。", en="This step cannot be taken on many cases."
        )
    values = {field.name: list(visit.form.get(field.name, [])) for field in verb.inputs}
    versions = dict(pair.split("=", 1) for pair in visit.form.get("version", []) if "=" in pair)
    lines = [_one(visit, case.id, verb, values, versions.get(case.id)) for case in cases]
    return visit.page("batch.html", cases=(), verbs=(), lines=lines, verb=verb.text(visit.lang), inputs={})


def _one(
    visit: Visit, case_id: CaseId, verb: Verb, values: dict[str, list[str]], version: str | None
) -> Line:
    officer = visit.signed_in.officer
    refusal = perform_one_of_many(visit.context, officer.id, case_id, verb.name, values, VIA, version or "")
    if refusal is not None:
        return Line(case_id, False, refusal.text(visit.lang))
    return Line(case_id, True, visit.say("case.done", verb=verb.text(visit.lang)))


def _cases(visit: Visit) -> list[Case]:
    numbers = list(dict.fromkeys(visit.form.get("case", [])))
    if not 1 <= len(numbers) <= CASES_MAX:
        raise InputError(
            "desk.batch",
            zh=f"请勾选 1 到 {CASES_MAX} 件再批量办理，没有生效。",
            en=f"Tick 1 to {CASES_MAX} cases first; nothing was done.",
        )
    ids = [parse_case_id(number) for number in numbers]
    officer = visit.signed_in.officer
    with visit.context.db.reading() as tx:
        return [open_matter(visit.context, tx, officer.id, case_id).case for case_id in ids]


def _common(visit: Visit, cases: list[Case]) -> list[Verb]:
    """Steps open to this officer on each of the cases."""
    officer, shelf = visit.signed_in.officer, visit.context.office.shelf
    found: list[Verb] = []
    for name in BATCH_VERBS:
        verb = VERBS[name]
        items = [(case, shelf.item(case.item, case.catalogue_version)) for case in cases]
        if all(
            item is not None
            and verb.type in open_steps(visit.context, officer, case, item)
            and not barred(officer, case, verb.type)
            for case, item in items
        ):
            found.append(verb)
    return found


def _inputs(visit: Visit, cases: list[Case]) -> dict[str, list[tuple[object, list[tuple[str, str]], str]]]:
    """For each step its inputs with the options that all the cases share."""
    officer = visit.signed_in.officer
    with visit.context.db.reading() as tx:
        matters = [open_matter(visit.context, tx, officer.id, case.id) for case in cases]
    drawn: dict[str, list[tuple[object, list[tuple[str, str]], str]]] = {}
    for verb in _common(visit, cases):
        rows: list[tuple[object, list[tuple[str, str]], str]] = []
        for field in verb.inputs:
            if field.kind is Kind.AMOUNTS:
                continue
            shared = [
                option
                for option in field.options(matters[0])
                if all(option in field.options(one) for one in matters)
            ]
            defaults = {field.default(one) for one in matters}
            words = [(value, en if visit.lang == "en" else zh) for value, zh, en in shared]
            rows.append((field, words, defaults.pop() if len(defaults) == 1 else ""))
        drawn[verb.name] = rows
    return drawn
