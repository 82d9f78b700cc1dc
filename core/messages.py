"""One fact about one case, authored by one node, and the one byte string it is on the wire.

Chain messages name in ``base`` the message they follow, so a case's history is one chain; side messages have
no base and commute. A message is bounded when it is written exactly as when it is read: nothing can be
authored here that another node would refuse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from core import bodies
from core.bodies import Body, Id32, Officer
from core.canonical import canonical_json, parse_json
from core.errors import InputError
from core.identifiers import CaseId, NodeId, parse_case_id, parse_node_id
from core.shape import Parsed, Text, from_plain, refuse, to_plain

SCHEMA = 1
"""The version this build writes. It reads this one and the two before it."""

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema number -> the function that turns a plain message of that number into one of the next."""

MESSAGE_BYTES_MAX = 1 << 20


class MessageType(StrEnum):
    """In the order in which a case meets them; the side messages last."""

    CASE_SUBMITTED = "CaseSubmitted"
    CASE_FORWARDED = "CaseForwarded"
    SUPPLEMENT_REQUESTED = "SupplementRequested"
    CASE_RESUBMITTED = "CaseResubmitted"
    CASE_RETURNED = "CaseReturned"
    CASE_REFUSED = "CaseRefused"
    CASE_ACCEPTED = "CaseAccepted"
    CASE_ASSIGNED = "CaseAssigned"
    CASE_HANDLED = "CaseHandled"
    CASE_REVIEWED = "CaseReviewed"
    CASE_SENT_BACK = "CaseSentBack"
    CASE_DECIDED = "CaseDecided"
    CASE_SUSPENDED = "CaseSuspended"
    CASE_RESUMED = "CaseResumed"
    CASE_WITHDRAWN = "CaseWithdrawn"
    CASE_VOIDED = "CaseVoided"
    RESULT_DELIVERED = "ResultDelivered"
    NOTE_ADDED = "NoteAdded"
    WITHDRAWAL_REQUESTED = "WithdrawalRequested"
    CASE_RATED = "CaseRated"
    FEE_PAID = "FeePaid"
    MATERIAL_ADDED = "MaterialAdded"
    FORK_SETTLED = "ForkSettled"


SIDE_TYPES = frozenset(
    {
        MessageType.NOTE_ADDED,
        MessageType.WITHDRAWAL_REQUESTED,
        MessageType.CASE_RATED,
        MessageType.FEE_PAID,
        MessageType.MATERIAL_ADDED,
        MessageType.FORK_SETTLED,
    }
)
CHAIN_TYPES = frozenset(MessageType) - SIDE_TYPES

BODY_OF: dict[MessageType, type[Any]] = {kind: getattr(bodies, kind.value) for kind in MessageType}

_GOES_UP = {
    MessageType.CASE_SUBMITTED,
    MessageType.CASE_RESUBMITTED,
    MessageType.CASE_FORWARDED,
    MessageType.MATERIAL_ADDED,
    MessageType.WITHDRAWAL_REQUESTED,
}
LANE_OF: dict[MessageType, str] = {kind: "intake" if kind in _GOES_UP else "decision" for kind in MessageType}
"""The sync lane of each type: what goes up with an application is ``intake``, all else ``decision``."""


class Role(StrEnum):
    """In what capacity someone acts."""

    AGENT = "agent"
    """代办员, in the village."""
    WINDOW = "window"
    """窗口: checks, forwards, accepts, hands over."""
    HANDLER = "handler"
    """承办."""
    REVIEWER = "reviewer"
    """审核."""
    DECIDER = "decider"
    """决定; for general items 核."""
    SUPERVISOR = "supervisor"
    """督查."""
    WINDOW_HEAD = "window_head"
    """窗口负责人: explains cards, moves work between the officers of the department; takes no step on a case."""
    CATALOGUE_EDITOR = "catalogue_editor"
    """目录管理员: catalogue and calendar."""
    AUDITOR = "auditor"
    """审计员: reads the audit log, and nothing else that is not everybody's."""
    ADMINISTRATOR = "administrator"
    """系统管理员: officers, nodes and certificates."""
    APPLICANT = "applicant"
    """The applicant, through a page or a terminal of the node."""


CASE_ROLES = frozenset(Role) - {Role.WINDOW_HEAD, Role.CATALOGUE_EDITOR, Role.AUDITOR, Role.ADMINISTRATOR}
"""In which steps on cases are taken. The others are duties at a desk and stand in no message."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: the officer's short id (unique within the node), name as shown, role acted in."""

    officer: Officer
    name: Annotated[str, Text(100, 1)]
    role: Role


@dataclass(frozen=True, slots=True)
class CaseMessage:
    """``base`` is the id of the chain message it follows: none for the first and for side messages.

    ``at`` is the author's wall clock, kept to the millisecond in UTC.
    """

    id: Id32
    type: MessageType
    case_id: Annotated[CaseId, Parsed(parse_case_id)]
    base: Id32 | None
    node: Annotated[NodeId, Parsed(parse_node_id)]
    actor: Actor
    at: datetime
    body: Body

    def __post_init__(self) -> None:
        at = self.at.astimezone(UTC)
        object.__setattr__(self, "at", at.replace(microsecond=at.microsecond // 1000 * 1000))

    @property
    def is_chain(self) -> bool:
        return self.type in CHAIN_TYPES


@dataclass(frozen=True, slots=True)
class _Head:
    """A message as it lies on the wire, its body not yet read."""

    id: Id32
    type: MessageType
    case_id: Annotated[CaseId, Parsed(parse_case_id)]
    base: Id32 | None
    node: Annotated[NodeId, Parsed(parse_node_id)]
    actor: Actor
    at: datetime


def message_type_of(body: Body) -> MessageType:
    """The type whose body this is."""
    return MessageType(type(body).__name__)


def compose(
    message_id: str, case_id: CaseId, base: str | None, node: NodeId, actor: Actor, at: datetime, body: Body
) -> CaseMessage:
    """The message with this body. Raises ``InputError`` where another node would refuse it."""
    message = CaseMessage(message_id, message_type_of(body), case_id, base, node, actor, at, body)
    encode(message)
    return message


def encode(message: CaseMessage) -> bytes:
    """Canonical JSON. Raises ``InputError`` if :func:`decode` would refuse it."""
    try:
        data = canonical_json({"schema": SCHEMA, **to_plain(message)})
    except (ValueError, TypeError) as error:
        raise InputError(
            "message.not_json",
            zh=f"消息内容无法写出：{error}。",
            en=f"The message cannot be written: {error}.",
        ) from error
    if decode(data) != message:
        raise InputError(
            "message.not_itself",
            zh="消息写出后与原文不一致，请检查字段类型。",
            en="The message is not itself after writing; check the types of its fields.",
        )
    return data


def decode(data: bytes) -> CaseMessage:
    """The message in ``data``, which is at most 1 MiB of JSON with exactly the keys of its type, of the present schema
    or of one from which ``UPGRADES`` lead to it.

    Raises ``InputError``: ``json.*``, ``shape.refused`` (with the place), ``message.schema``.
    """
    plain = _upgraded(parse_json(data, bytes_max=MESSAGE_BYTES_MAX))
    body = plain.pop("body", None)
    head = from_plain(_Head, plain, "message")
    read = from_plain(BODY_OF[head.type], body, f"message.body[{head.type}]")
    _check_base(head)
    return CaseMessage(head.id, head.type, head.case_id, head.base, head.node, head.actor, head.at, read)


def _upgraded(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict):
        refuse("message", "应为一组字段", "a set of fields expected")
    schema = plain.pop("schema", None)
    # How old a neighbour's message may be the carrier judges; what lies here is readable however long it has lain.
    oldest = SCHEMA
    while oldest - 1 in UPGRADES:
        oldest -= 1
    if type(schema) is not int or not oldest <= schema <= SCHEMA:
        shown = str(schema)[:20]
        raise InputError(
            "message.schema",
            zh=f"消息版本 {shown} 不在本机可读的 {oldest} 到 {SCHEMA} 之内，请升级软件。",
            en=f"Message schema {shown} is not one of {oldest} to {SCHEMA} that this node reads; update it.",
        )
    message: dict[str, Any] = plain
    for number in range(schema, SCHEMA):
        message = UPGRADES[number](message)
    return message


def _check_base(head: _Head) -> None:
    follows = head.type in CHAIN_TYPES and head.type is not MessageType.CASE_SUBMITTED
    if follows and head.base is None:
        refuse("message.base", "应写明它接在哪一步之后", "it must name the message it follows")
    if not follows and head.base is not None:
        refuse("message.base", "这类消息没有前一步", "this type of message follows no other")
