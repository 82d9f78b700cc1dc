"""A window takes in an application itself: find the item, fill in the form that the catalogue asks for, hand it in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.application import Checked, HandedIn, IntakeProblems, Part, Problem, Sheet, check, item_for
from core.catalogue import Catalogue
from core.desk import scans
from core.desk.acting import readable_case
from core.desk.sections import Bounds
from core.desk.visit import Answer, Visit
from core.errors import Lang
from core.identifiers import parse_case_id
from core.items import FieldType, FormField, Item
from core.messages import Role
from core.regions import load_yuanjiang
from core.shape import to_plain
from core.store import pending_scans

BOUNDS = Bounds(files=20, bytes=24 << 20, fields=400)
"""One go; scans that came before are kept, so more can follow."""
ROWS = 6
"""Lines of a table that are offered; empty ones are left out."""
_COUNT = re.compile(r"[0-9]{1,2}")
_DRAWN = {
    FieldType.TEXT: "lines",
    FieldType.CHOICE: "choice",
    FieldType.BOOL: "yes_no",
    FieldType.DATE: "date",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One field on the page. ``name`` is that of the form, ``value`` what was typed."""

    name: str
    label: str
    drawn: str
    required: bool
    value: str
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table to fill in: headings, and rows of boxes. ``name`` is what a problem in it leads to."""

    name: str
    label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Box, ...], ...]


def items_page(visit: Visit) -> Answer:
    """What this tier takes in, found by a part of its name."""
    context, wanted = visit.context, visit.query("q").strip()
    catalogue = _catalogue(visit)
    items = [item for item in catalogue.items if context.tier in item.accept_tiers and wanted in item.name]
    return visit.page("intake_items.html", items=items, wanted=wanted)


def form_page(visit: Visit) -> Answer:
    """The form of an item; of a project's next case with the applicant of the one before."""
    project = visit.query("project")
    return _page(visit, _item(visit), {"project": project} | _applicant_like(visit, visit.query("like")), ())


def submit(visit: Visit) -> Answer:
    """Hand it in; where something is wrong all of it is told, and nothing typed is lost."""
    item = _item(visit)
    typed = {name: values[0] for name, values in visit.form.items() if values}
    kept, problems = scans.received(visit, len(item.materials))
    if typed.get("go") == "more" and not problems:
        return _page(visit, item, typed, (), kept=kept)
    try:
        application = checked(visit, _sheet(item, typed, kept))
    except IntakeProblems as error:
        problems = [*error.problems, *problems]
    if problems:
        return _page(visit, item, typed, problems, 400, kept)
    project = typed.get("project", "")
    case_id = take_in(visit, application, project)
    return visit.go(f"/projects/{project}" if project else f"/case/{case_id}?done=submitted")


def checked(visit: Visit, sheet: Sheet) -> Checked:
    """Raises ``IntakeProblems``."""
    context = visit.context
    return check(sheet, _catalogue(visit), context.tier, context.office.shelf.today, load_yuanjiang())


def take_in(visit: Visit, application: Checked, project: str = "") -> str:
    """Register it under a number of this node. Raises ``LiandongError``."""
    context, officer = visit.context, visit.signed_in.officer
    with context.db.transaction() as tx:
        context.db.require_room()
        case = context.office.casework.submit(tx, officer.actor(Role.WINDOW), application.submission(project))
        for scan in application.files:
            pending_scans.let_go(tx, officer.id, scan.id)
        context.audit(tx, actor=officer.id, action="case.submitted", subject=case.id, via="page")
    return case.id


def _applicant_like(visit: Visit, number: str) -> dict[str, str]:
    """The applicant of another case, for the next one of the same person; who looked is written down."""
    if not number:
        return {}
    context, officer = visit.context, visit.signed_in.officer
    with context.db.transaction() as tx:
        known = readable_case(context, tx, officer, parse_case_id(number))
        context.audit(
            tx, actor=officer.id, action="case.viewed_in_full", subject=known.id, why="intake", via="page"
        )
    return {f"applicant.{key}": str(value) for key, value in to_plain(known.applicant).items()}


def _catalogue(visit: Visit) -> Catalogue:
    with visit.context.db.reading() as tx:
        visit.context.office.refresh(tx)
    shelf = visit.context.office.shelf
    return shelf.catalogues.current(shelf.today)


def _item(visit: Visit) -> Item:
    return item_for(_catalogue(visit), visit.context.tier, visit.request.path_params["item"])


def _sheet(item: Item, typed: Mapping[str, str], kept: scans.Kept) -> Sheet:
    applicant = {
        name.removeprefix("applicant."): value.strip()
        for name, value in typed.items()
        if name.startswith("applicant.")
    }
    form = {field.key: _answer(field, typed) for field in item.form_fields}
    materials = tuple(
        HandedIn(
            material.name,
            _number(typed.get(f"material.{at}.originals", "")),
            _number(typed.get(f"material.{at}.copies", "")),
            files=kept[at],
        )
        for at, material in enumerate(item.materials)
    )
    return Sheet(
        item.code, applicant, {key: value for key, value in form.items() if value not in ("", [])}, materials
    )


def _answer(field: FormField, typed: Mapping[str, str]) -> Any:
    name = f"form.{field.key}"
    if field.type is not FieldType.TABLE:
        return typed.get(name, "").strip()
    rows = [
        {column.key: typed.get(f"{name}.{row}.{column.key}", "").strip() for column in field.columns}
        for row in range(ROWS)
    ]
    return [{key: cell for key, cell in row.items() if cell} for row in rows if any(row.values())]


def _number(text: str) -> int:
    return int(text.strip()) if _COUNT.fullmatch(text.strip()) else 0


def _page(
    visit: Visit,
    item: Item,
    typed: Mapping[str, str],
    problems: Iterable[Problem],
    status: int = 200,
    kept: scans.Kept | None = None,
) -> Answer:
    lang, given = visit.lang, dict(typed)
    given.setdefault("applicant.id_type", "身份证")
    common = _catalogue(visit).common_fields
    plain = [field for field in item.form_fields if field.type is not FieldType.TABLE]
    tables = [field for field in item.form_fields if field.type is FieldType.TABLE]
    materials = [
        (
            material,
            Box(f"material.{at}.originals", "", "number", False, given.get(f"material.{at}.originals", "")),
            Box(f"material.{at}.copies", "", "number", False, given.get(f"material.{at}.copies", "")),
            [(scan.id, scan.name, f"{-(-scan.size // 1024)} KB") for scan in (kept or {}).get(at, ())],
        )
        for at, material in enumerate(item.materials)
    ]
    return visit.page(
        "intake.html",
        status,
        item=item,
        applicant=[_box("applicant", field, given, lang, visit) for field in common],
        answers=[_box("form", field, given, lang, visit) for field in plain],
        grids=[_grid(field, given, lang, visit) for field in tables],
        materials=materials,
        project=given.get("project", ""),
        problems=[(one.label, one.text(lang), _place(one)) for one in problems],
    )


def _box(prefix: str, field: FormField, given: Mapping[str, str], lang: Lang, visit: Visit) -> Box:
    name = f"{prefix}.{field.key}"
    options = tuple((option, option) for option in field.options)
    if field.type is FieldType.BOOL:
        options = (("是", visit.say("bool.yes")), ("否", visit.say("bool.no")))
    if field.type is FieldType.DIVISION:
        options = _villages()
    drawn = "choice" if field.type in (FieldType.BOOL, FieldType.DIVISION) else _DRAWN.get(field.type, "line")
    return Box(name, field.name(lang), drawn, field.required, given.get(name, ""), options)


def _grid(field: FormField, given: Mapping[str, str], lang: Lang, visit: Visit) -> Grid:
    rows = tuple(
        tuple(
            Box(
                f"form.{field.key}.{row}.{column.key}",
                f"{column.name(lang)} {row + 1}",
                "line",
                False,
                given.get(f"form.{field.key}.{row}.{column.key}", ""),
            )
            for column in field.columns
        )
        for row in range(ROWS)
    )
    return Grid(
        f"form.{field.key}", field.name(lang), tuple(column.name(lang) for column in field.columns), rows
    )


def _villages() -> tuple[tuple[str, str], ...]:
    divisions = load_yuanjiang()
    return tuple((one.code, divisions.full_name(one.code)) for one in divisions.villages())


def _place(problem: Problem) -> str:
    """The id of the field to mend, where there is one."""
    if problem.part is Part.APPLICANT:
        return f"applicant.{problem.key}"
    if problem.part is Part.FORM:
        return f"form.{problem.key.partition('[')[0]}"
    return problem.key if problem.key.startswith("scan.") else "materials"
