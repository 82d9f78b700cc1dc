"""A case as facts for the command line: plain values, the applicant masked unless the look is logged."""

from typing import Any

from core.case import Case
from core.clock import local
from core.desk.clockface import clock_face
from core.desk.context import DeskContext
from core.errors import Lang
from core.identifiers import NodeId, display_case_id, division_of
from core.items import FieldType, FormField, Item
from core.people import mask_id, mask_name, mask_phone
from core.regions import load_yuanjiang
from core.shape import to_plain
from core.workflow_names import message_name, role_name, state_name

_MASKS = {FieldType.ID_NO: mask_id, FieldType.PHONE: mask_phone}


def brief(context: DeskContext, case: Case) -> dict[str, Any]:
    """One line of a list. Times local with zone; ``None`` where there is no such thing yet."""
    face = clock_face(case, context.office.shelf.calendar, context.world.now())
    item = item_of(context, case)
    return {
        "case": case.id,
        "number": display_case_id(case.id),
        "item": case.item,
        "item_name": item.name if item is not None else case.item,
        "applicant": mask_name(case.applicant.name),
        "state": case.state,
        "state_zh": state_name(case.state),
        "holder": case.holder,
        "origin": case.origin,
        "submitted_at": local(case.submitted_at),
        "due_at": local(face.due_at) if face.due_at else None,
        "days_left": face.days_left,
        "card": face.card,
        "department": case.department,
        "hold": case.hold.kind if case.hold else None,
        "version": case.version,
    }


def whole(context: DeskContext, case: Case, *, full: bool) -> dict[str, Any]:
    """Everything on a case; ``full`` shows names and numbers as they are, and has to be logged by the caller."""
    plain: dict[str, Any] = to_plain(case)
    item = item_of(context, case)
    for name in ("submitted_attachments", "additions"):
        plain.pop(name)
    plain["applicant"] = applicant_facts(case, full=full)
    plain["form"] = dict(case.form) if full else masked_answers(case, item)
    plain["attachments"] = [
        {"id": one.id, "name": one.name, "size": one.size, "media_type": one.media_type}
        for one in case.attachments
    ]
    plain["materials"] = [to_plain(material) for material in case.materials]
    plain["steps"] = [
        {
            "type": step.type,
            "what": message_name(step.type),
            "node": step.node,
            "officer": step.actor.officer,
            "name": step.actor.name,
            "role": role_name(step.actor.role),
            "at": local(step.at),
            "state": step.state,
            "holder": step.holder,
            "note": step.note,
        }
        for step in case.steps
    ]
    return plain | brief(context, case) | {"applicant": plain["applicant"], "paid_fen": case.paid_fen}


def applicant_facts(case: Case, *, full: bool) -> dict[str, str]:
    """Who applies; numbers, phone and address covered unless ``full``."""
    facts: dict[str, str] = to_plain(case.applicant)
    if not full:
        facts["name"] = mask_name(facts["name"])
        facts["agent_name"] = mask_name(facts["agent_name"])
        facts["id_no"] = mask_id(facts["id_no"])
        facts["agent_id_no"] = mask_id(facts["agent_id_no"])
        facts["mobile"] = mask_phone(facts["mobile"])
        facts["address"] = "***" if facts["address"] else ""
    return facts


def masked_answers(case: Case, item: Item | None) -> dict[str, Any]:
    """The answers of the form, numbers of people covered; all covered where the form itself is not known here."""
    if item is None:
        return dict.fromkeys(case.form, "***")
    return {key: mask_answer(item.form_field(key), value) for key, value in case.form.items()}


def mask_answer(field: FormField | None, value: Any) -> Any:
    """One answer with identity and phone numbers covered, in the cells of a table as well."""
    if field is None:
        return "***"
    if isinstance(value, list):
        columns = {column.key: column for column in field.columns}
        return [{key: mask_answer(columns.get(key), cell) for key, cell in row.items()} for row in value]
    mask = _MASKS.get(field.type)
    return mask(value) if mask is not None and isinstance(value, str) else value


def item_of(context: DeskContext, case: Case) -> Item | None:
    return context.office.shelf.item(case.item, case.catalogue_version)


def place_name(node: str, lang: Lang = "zh") -> str:
    """``琼湖街道·和平社区``, with the device where there are several; the code where it is not in the table."""
    divisions = load_yuanjiang()
    division = division_of(NodeId(node)) if node else ""
    if division not in divisions:
        return node
    device = node.removeprefix(division)
    return divisions.full_name(division) + device
