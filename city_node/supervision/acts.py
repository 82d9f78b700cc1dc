"""What people may say about a card: explain it, appeal, uphold, withdraw, urge; who may when stands in one table."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from city_node.supervision.supervisor import step, watch
from city_node.supervision.tables import CARD, MATTER
from core.clock import World, iso
from core.desk.context import Audit
from core.errors import InputError, StateError
from core.identifiers import CaseId, NodeId, new_id
from core.limits import check_days
from core.messages import Role
from core.store.officers import Officer
from core.supervision import Subject

WORDS_MAX = 2000
MATTERS = (Subject.CONSULT, Subject.COMPLAINT)
LIMIT_DAYS = {Subject.CONSULT: 5, Subject.COMPLAINT: 15}
"""Working days to answer in, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Act:
    """``status``: where the card stands afterwards, empty if it stays; ``by_supervisor``, or by those it concerns."""

    name: str
    what: str
    zh: str
    en: str
    allowed_from: frozenset[str]
    status: str
    by_supervisor: bool


_ALIVE = frozenset({"issued", "explained", "appealed", "upheld"})
ACTS = {
    act.name: act
    for act in (
        Act(
            "explain",
            "explained",
            "说明情况",
            "explain",
            _ALIVE - {"appealed"},
            "explained",
            by_supervisor=False,
        ),
        Act(
            "appeal",
            "appealed",
            "申诉",
            "appeal",
            frozenset({"issued", "explained"}),
            "appealed",
            by_supervisor=False,
        ),
        Act(
            "uphold",
            "upheld",
            "维持",
            "uphold",
            frozenset({"explained", "appealed"}),
            "upheld",
            by_supervisor=True,
        ),
        Act("withdraw", "withdrawn", "撤牌", "withdraw", _ALIVE, "withdrawn", by_supervisor=True),
        Act("urge", "urged", "督办", "urge", _ALIVE, "", by_supervisor=True),
    )
}


def open_acts(officer: Officer, card: sa.Row[Any]) -> list[Act]:
    """What this officer may say about the card now."""
    return [
        act for act in ACTS.values() if card.status in act.allowed_from and not _barred(officer, card, act)
    ]


def act_on(
    tx: sa.Connection,
    world: World,
    audit: Audit,
    officer: Officer,
    card_id: str,
    name: str,
    words: str,
    seen: str,
) -> None:
    """Say something about a card. ``seen`` is its status as the officer saw it.

    Raises ``InputError`` (``card.unknown``, ``card.act``, ``card.words``), ``StateError`` (``card.moved``,
    ``card.not_yours``, ``card.status``).
    """
    card = find_card(tx, card_id)
    act = ACTS.get(name)
    if act is None:
        raise InputError("card.act", zh="没有这种操作。", en="There is no such act.")
    words = words.strip()
    if not 1 <= len(words) <= WORDS_MAX:
        raise InputError(
            "card.words",
            zh=f"请写明内容（1 到 {WORDS_MAX} 字），没有生效。",
            en=f"Say it in 1 to {WORDS_MAX} characters; nothing was done.",
        )
    if card.status != seen:
        raise StateError(
            "card.moved",
            zh="这张牌在您打开页面之后已有新的处理，本次操作没有生效。请看过再办。",
            en="Something was done about this card since you opened it; this did not take effect. Look at it again.",
        )
    if why := _barred(officer, card, act):
        raise StateError("card.not_yours", zh=why[0], en=why[1])
    if card.status not in act.allowed_from:
        raise StateError(
            "card.status",
            zh=f"这张牌现在不能{act.zh}。",
            en=f"This card cannot be acted on so now: {act.en}.",
        )
    step(tx, card_id, act.what, officer, iso(world.now()), words, status=act.status)
    audit(tx, actor=officer.id, action=f"card.{act.name}", subject=card.case_id or card.key, card=card_id)


def find_card(tx: sa.Connection, card_id: str) -> sa.Row[Any]:
    """Raises ``InputError`` (``card.unknown``)."""
    row = tx.execute(sa.select(CARD).where(CARD.c.id == card_id)).one_or_none()
    if row is None:
        raise InputError("card.unknown", zh="没有这张牌。", en="There is no such card.")
    return row


def concerns(officer: Officer, card: sa.Row[Any]) -> bool:
    """Whether the card is this officer's own, or of the department whose head the officer is."""
    if card.officer and card.officer in (officer.id, *officer.stands_in_for):
        return True
    of_department = not officer.department or officer.department == card.department
    return Role.WINDOW_HEAD in officer.roles and of_department


def _barred(officer: Officer, card: sa.Row[Any], act: Act) -> tuple[str, str] | None:
    if not act.by_supervisor:
        if concerns(officer, card):
            return None
        return (
            f"这张牌不是 {officer.name} 经办的，也不在其负责的窗口，不能{act.zh}。",
            f"This card is neither of {officer.name} nor of that window; it is not for you to {act.en} it.",
        )
    if Role.SUPERVISOR not in officer.roles:
        return (f"{act.zh}由督查员办理。", f"To {act.en} a card is for a supervisor.")
    if officer.id == card.officer:
        return (
            f"这张牌发给您本人，须由另一位督查员{act.zh}。",
            f"This card is your own; another supervisor has to {act.en} it.",
        )
    return None


def open_matter(
    tx: sa.Connection,
    world: World,
    audit: Audit,
    officer: Officer,
    node: NodeId,
    *,
    subject: str,
    person: str,
    phone: str,
    words: str,
    department: str,
    limit_days: int | None = None,
    case_id: CaseId | None = None,
) -> str:
    """Take in a consultation or complaint; its clock runs from now. Returns its id. Raises ``InputError`` (``matter.*``)."""
    if subject not in MATTERS:
        raise InputError("matter.subject", zh="请选择咨询或投诉。", en="Choose consultation or complaint.")
    if not 1 <= len(person.strip()) <= 100 or not 1 <= len(words.strip()) <= WORDS_MAX or len(phone) > 32:
        raise InputError(
            "matter.words",
            zh=f"请填写姓名（100 字内）和内容（{WORDS_MAX} 字内），未登记。",
            en=f"Give a name (100 characters) and what it is about ({WORDS_MAX}); nothing was recorded.",
        )
    if not 1 <= len(department.strip()) <= 100:
        raise InputError(
            "matter.department", zh="请写明由哪个部门答复。", en="Say which department has to answer."
        )
    days = LIMIT_DAYS[Subject(subject)] if limit_days is None else limit_days
    check_days(days)
    id_ = new_id(world)
    tx.execute(
        sa.insert(MATTER).values(
            id=id_,
            subject=subject,
            node=node,
            case_id=case_id,
            person=person.strip(),
            phone=phone.strip(),
            words=words.strip(),
            department=department.strip(),
            officer="",
            opened_at=iso(world.now()),
            limit_days=days,
            answer="",
        )
    )
    watch(tx, id_, Subject(subject))
    audit(tx, actor=officer.id, action="matter.opened", subject=id_, kind=subject)
    return id_


def answer_matter(
    tx: sa.Connection, world: World, audit: Audit, officer: Officer, id_: str, answer: str
) -> None:
    """Answer it; its clock stops. Raises ``InputError`` (``matter.*``), ``StateError`` (``matter.*``)."""
    row = tx.execute(sa.select(MATTER).where(MATTER.c.id == id_)).one_or_none()
    if row is None:
        raise InputError(
            "matter.unknown", zh="没有这件咨询或投诉。", en="There is no such consultation or complaint."
        )
    if row.answered_at is not None:
        raise StateError(
            "matter.answered",
            zh="已经答复过了，没有改动。",
            en="It has been answered already; nothing was changed.",
        )
    if officer.department and officer.department != row.department:
        raise StateError(
            "matter.not_yours",
            zh=f"这件由{row.department}答复，{officer.name} 不能代答。",
            en=f"This is for {row.department} to answer; {officer.name} may not.",
        )
    if not 1 <= len(answer.strip()) <= WORDS_MAX:
        raise InputError(
            "matter.words",
            zh=f"请填写答复（{WORDS_MAX} 字内）。",
            en=f"Give the answer ({WORDS_MAX} characters).",
        )
    values = {"answer": answer.strip(), "answered_at": iso(world.now()), "officer": officer.id}
    tx.execute(sa.update(MATTER).where(MATTER.c.id == id_).values(**values))
    watch(tx, id_, Subject(row.subject))
    audit(tx, actor=officer.id, action="matter.answered", subject=id_)
