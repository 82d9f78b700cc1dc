"""What an administrator may do with a node: give it a one-time code (to enrol, or for a new machine), and revoke it."""

from dataclasses import dataclass
from datetime import datetime

from core.errors import InputError
from core.identifiers import NodeId, Tier, division_of, parse_node_id, tier_of
from core.store.officers import Officer
from sync import audit, registrar
from sync.enrolment_desk import expires_at
from sync.node import Node
from sync.revoking import Revoked, revoke

REASON_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code; its text is shown once and kept nowhere."""

    node: NodeId
    text: str
    expires_at: datetime


def give_code(node: Node, officer: Officer, target: NodeId, reason: str, confirmed: str) -> Code:
    """A code with which a machine enrols as ``target``; an enrolled node goes on until the new machine is there.

    Raises ``InputError`` (``nodes.*``).
    """
    require_below(node, target)
    _require_sense(target, reason, confirmed)
    record, text = registrar.new_code(node, target, actor=officer.id)
    with node.db.transaction() as tx:
        audit.note(
            tx,
            node.world,
            actor=officer.id,
            action="enrolment.why",
            subject=target,
            code=record.code_id,
            why=reason.strip(),
        )
    return Code(target, text, expires_at(record))


def revoke_node(node: Node, officer: Officer, target: NodeId, reason: str, confirmed: str) -> Revoked:
    """Revoke every certificate of ``target``. Raises ``InputError`` (``nodes.*``, ``revoke.*``)."""
    require_below(node, target)
    _require_sense(target, reason, confirmed)
    return revoke(node, target, reason.strip(), actor=officer.id)


def require_below(node: Node, target: NodeId) -> None:
    """Raises ``InputError`` (``nodes.elsewhere``) for what is no township or village of this city."""
    division = division_of(target)
    if (
        parse_node_id(target) != target
        or tier_of(division) is Tier.CITY
        or division[:6] != node.place.node[:6]
    ):
        raise InputError(
            "nodes.elsewhere",
            zh=f"{target} 不是本市的镇（街道）或村，没有办理。请核对代码。",
            en=f"{target} is no township or village of this city; nothing was done. Check the code.",
        )


def _require_sense(target: NodeId, reason: str, confirmed: str) -> None:
    if confirmed.strip() != target:
        raise InputError(
            "nodes.confirm",
            zh=f"确认用的节点编号与 {target} 不符，没有办理。请原样输入该编号。",
            en=f"The number typed to confirm is not {target}; nothing was done. Type that number as it is.",
        )
    if not 1 <= len(reason.strip()) <= REASON_CHARS_MAX:
        raise InputError(
            "nodes.reason",
            zh=f"请写明理由（1 到 {REASON_CHARS_MAX} 字），没有办理。",
            en=f"Give the reason in 1 to {REASON_CHARS_MAX} characters; nothing was done.",
        )
