"""Who may see and do what: by role, by township and by department, before the workflow judges the step itself."""

from core.case import Case
from core.desk.context import DeskContext
from core.errors import StateError
from core.identifiers import Tier
from core.items import Item
from core.messages import SIDE_TYPES, MessageType, Role
from core.store.officers import Officer
from core.store.shelf import Shelf
from core.workflow import SIDE_ROLES, TRANSITIONS, allowed
from core.workflow_names import duty_name
from core.workflow_terms import Transition


def may_see(context: DeskContext, officer: Officer, case: Case) -> bool:
    """Whether the case is this officer's business: of the node's villages, and of the officer's department."""
    if context.tier is Tier.TOWNSHIP and context.node not in (case.township, case.holder, case.origin):
        return False
    if not officer.department:
        return True
    return officer.department in departments_of(context.office.shelf, case)


def ensure_may_see(context: DeskContext, officer: Officer, case: Case) -> None:
    """Raises ``StateError`` (``desk.not_yours``)."""
    if not may_see(context, officer, case):
        whose = officer.department or context.node
        raise StateError(
            "desk.not_yours",
            zh=f"办件 {case.id} 不属于 {whose}，{officer.name} 不能查看或办理。",
            en=f"Case {case.id} is not of {whose}; {officer.name} may neither see nor work it.",
        )


def departments_of(shelf: Shelf, case: Case) -> frozenset[str]:
    """The departments a case belongs to: of its item, by name and code, and where it was assigned."""
    item = shelf.item(case.item, case.catalogue_version)
    of_item = {item.department.name, item.department.code} if item is not None else set()
    return frozenset(of_item | {case.department}) - {""}


def role_for(officer: Officer, case: Case, kind: MessageType) -> Role:
    """The role in which the officer takes this step; where none fits, one that the workflow will refuse in words."""
    fitting = _roles_for(case, kind) & frozenset(officer.roles)
    return next((role for role in officer.roles if role in fitting), officer.roles[0])


def open_steps(context: DeskContext, officer: Officer, case: Case, item: Item) -> list[MessageType]:
    """What this officer's roles may do on the case now, in the order of ``MessageType``."""
    chain = allowed(case, item, context.tier) if case.holder == context.node else []
    side = [MessageType.NOTE_ADDED]
    if case.bill_fen:
        side.append(MessageType.FEE_PAID)
    if case.hold is not None and context.tier is Tier.CITY:
        side.append(MessageType.FORK_SETTLED)
    if not item.special_procedures:
        chain = [kind for kind in chain if kind is not MessageType.CASE_SUSPENDED]
    return [kind for kind in (*chain, *side) if _roles_for(case, kind) & frozenset(officer.roles)]


def barred(officer: Officer, case: Case, kind: MessageType, lang: str = "zh") -> str:
    """Why this very person may not take a step that the role allows; empty if nothing stands against it."""
    step = TRANSITIONS[case.state].get(kind)
    for duty in step.apart_from if step is not None else ():
        if getattr(case.officers, duty) == officer.id:
            if lang == "en":
                return f"needs a different officer: you are the {duty_name(duty, 'en')} of this case"
            return f"须由另一人办理：您已是本件的{duty_name(duty)}"
    if kind is MessageType.CASE_HANDLED and case.officers.handling != officer.id:
        return "assigned to somebody else" if lang == "en" else "本件分派给了他人"
    return ""


def _roles_for(case: Case, kind: MessageType) -> frozenset[Role]:
    if kind in SIDE_TYPES:
        return SIDE_ROLES[kind]
    step: Transition | None = TRANSITIONS[case.state].get(kind)
    return step.roles if step is not None else frozenset()
