"""The regulation as one table: in which state who may take which step, and whose desk it comes to next.

General items have one officer accept and another verify the same day (一审一核); all others are handled, reviewed
and decided by three different officers (承办、审核、决定). Only the node whose desk holds the case may act. That a
general item took longer than its day makes it late, not illegal: the clock says so, not this table.
"""

from dataclasses import dataclass
from typing import NoReturn

from core.bodies import CaseAccepted, CaseDecided, CaseSubmitted, Delivery
from core.case import Case, origin_of, parties
from core.errors import StateError
from core.identifiers import NodeId, Tier, case_id_parts, city_of, division_of, tier_of
from core.messages import CASE_ROLES, CaseMessage, MessageType, Role
from core.states import COUNTING, State
from core.workflow_names import duty_name, message_name, role_name, state_name, tier_name
from core.workflow_terms import GENERAL, By, Desk, Duty, ItemRules, Next, Transition


def _to(*states: State) -> tuple[State, ...]:
    return states


_INTAKE = frozenset({Role.AGENT, Role.WINDOW})
_WINDOW = frozenset({Role.WINDOW})
_OFFICE = frozenset({Role.WINDOW, Role.HANDLER, Role.REVIEWER, Role.DECIDER})
_VERIFIER = frozenset({Role.REVIEWER, Role.DECIDER})
_ASSIGNER = frozenset({Role.WINDOW, Role.HANDLER, Role.DECIDER})
_HANDLER = frozenset({Role.HANDLER})
_REVIEWER = frozenset({Role.REVIEWER})
_DECIDER = frozenset({Role.DECIDER})

_WITHDRAW = Transition(_to(State.WITHDRAWN), Desk.ANY, _INTAKE | _OFFICE, Next.NOBODY)
_VOID = Transition(_to(State.VOID), Desk.ANY, _INTAKE | _OFFICE | {Role.SUPERVISOR}, Next.NOBODY)
_SUSPEND = Transition(_to(State.SUSPENDED), Desk.DECIDING, _OFFICE)
_RESUBMIT = Transition(_to(State.SUBMITTED), Desk.ANY, _INTAKE, Next.ASKER)
_DELIVER = Transition(_to(State.DELIVERED), Desk.ANY, _INTAKE, Next.NOBODY)
_OUTCOME = _to(State.GRANTED, State.DENIED)
_COUNTED = tuple(state for state in State if state in COUNTING)

_M = MessageType
TRANSITIONS: dict[State, dict[MessageType, Transition]] = {
    State.DRAFT: {
        _M.CASE_SUBMITTED: Transition(_to(State.SUBMITTED), Desk.ANY, _INTAKE | {Role.APPLICANT}, Next.FIRST),
    },
    # GB/T 39046-2020 table 7: every desk a case comes to passes it on or gives it back.
    State.SUBMITTED: {
        _M.CASE_FORWARDED: Transition(_to(State.SUBMITTED), Desk.FORWARDING, _WINDOW, Next.CITY),
        _M.SUPPLEMENT_REQUESTED: Transition(
            _to(State.SUPPLEMENT_REQUESTED), Desk.WINDOW, _WINDOW, Next.ORIGIN
        ),
        _M.CASE_RETURNED: Transition(_to(State.RETURNED), Desk.WINDOW, _WINDOW, Next.ORIGIN),
        _M.CASE_REFUSED: Transition(_to(State.REFUSED), Desk.WINDOW, _WINDOW, Next.NOBODY),
        _M.CASE_ACCEPTED: Transition(
            _to(State.VERIFYING, State.ACCEPTED), Desk.DECIDING, _WINDOW, by=By.CHAIN, duty=Duty.ACCEPTING
        ),
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.SUPPLEMENT_REQUESTED: {
        _M.CASE_RESUBMITTED: _RESUBMIT,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.RETURNED: {
        _M.CASE_RESUBMITTED: _RESUBMIT,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.VERIFYING: {
        _M.CASE_DECIDED: Transition(
            _OUTCOME,
            Desk.DECIDING,
            _VERIFIER,
            Next.DELIVERY,
            By.OUTCOME,
            Duty.DECIDING,
            apart_from=(Duty.ACCEPTING,),
        ),
        _M.CASE_SUSPENDED: _SUSPEND,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.ACCEPTED: {
        _M.CASE_ASSIGNED: Transition(_to(State.HANDLING), Desk.DECIDING, _ASSIGNER),
        _M.CASE_SUSPENDED: _SUSPEND,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.HANDLING: {
        _M.CASE_ASSIGNED: Transition(_to(State.HANDLING), Desk.DECIDING, _ASSIGNER),
        _M.CASE_HANDLED: Transition(_to(State.REVIEW), Desk.DECIDING, _HANDLER, duty=Duty.HANDLING),
        _M.CASE_SUSPENDED: _SUSPEND,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.REVIEW: {
        _M.CASE_REVIEWED: Transition(
            _to(State.DECISION),
            Desk.DECIDING,
            _REVIEWER,
            duty=Duty.REVIEWING,
            apart_from=(Duty.HANDLING,),
        ),
        _M.CASE_SENT_BACK: Transition(
            _to(State.HANDLING), Desk.DECIDING, _REVIEWER, apart_from=(Duty.HANDLING,)
        ),
        _M.CASE_SUSPENDED: _SUSPEND,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.DECISION: {
        _M.CASE_DECIDED: Transition(
            _OUTCOME,
            Desk.DECIDING,
            _DECIDER,
            Next.DELIVERY,
            By.OUTCOME,
            Duty.DECIDING,
            apart_from=(Duty.HANDLING, Duty.REVIEWING),
        ),
        _M.CASE_SENT_BACK: Transition(
            _to(State.HANDLING), Desk.DECIDING, _DECIDER, apart_from=(Duty.HANDLING, Duty.REVIEWING)
        ),
        _M.CASE_SUSPENDED: _SUSPEND,
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    # 行政许可法 art. 45: hearings, inspections, reviews by experts are outside the limit.
    State.SUSPENDED: {
        _M.CASE_RESUMED: Transition(_COUNTED, Desk.DECIDING, _OFFICE, by=By.SUSPENSION),
        _M.CASE_WITHDRAWN: _WITHDRAW,
        _M.CASE_VOIDED: _VOID,
    },
    State.GRANTED: {_M.RESULT_DELIVERED: _DELIVER},
    State.DENIED: {_M.RESULT_DELIVERED: _DELIVER},
    State.REFUSED: {},
    State.DELIVERED: {},
    State.WITHDRAWN: {},
    State.VOID: {},
}

SIDE_ROLES: dict[MessageType, frozenset[Role]] = {
    _M.NOTE_ADDED: CASE_ROLES - {Role.APPLICANT},
    _M.WITHDRAWAL_REQUESTED: _INTAKE | {Role.APPLICANT},
    _M.CASE_RATED: _INTAKE | {Role.APPLICANT},
    _M.FEE_PAID: _INTAKE,
    _M.MATERIAL_ADDED: _INTAKE | {Role.APPLICANT},
    _M.FORK_SETTLED: frozenset({Role.SUPERVISOR}),
}
"""Who may add what beside the chain, in any state, at any node that may read the case."""


class IllegalTransition(StateError):
    """This step is not allowed here, now, or by this officer; the words say what is."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step found legal: where the case goes and who holds it then."""

    next: State
    holder: NodeId | None
    transition: Transition


def allowed(case: Case | None, item: ItemRules, actor_tier: Tier) -> list[MessageType]:
    """The steps open to the desk of this tier, in the order of ``MessageType``; ``case`` None for a new one.

    Empty where another tier holds the case, or where it is held for people to look at.
    """
    if case is None:
        return [MessageType.CASE_SUBMITTED]
    if case.hold or case.holder is None or tier_of(division_of(case.holder)) is not actor_tier:
        return []
    row = TRANSITIONS[case.state]
    return [kind for kind in MessageType if kind in row and _desk_fits(row[kind].desk, case, item)]


def check(case: Case | None, message: CaseMessage, item: ItemRules) -> Move:
    """Whether this chain message may follow on the case as it is, and what then; nothing is changed.

    That ``message.base`` names ``case.version`` is for the merge to see. Raises ``IllegalTransition``:
    ``workflow.step``, ``.hold``, ``.holder``, ``.desk``, ``.role``, ``.same_officer``, ``.not_assigned``,
    ``.issuer``, ``.item``, ``.confidential``, ``.limit``.
    """
    state = State.DRAFT if case is None else case.state
    transition = TRANSITIONS[state].get(message.type)
    if case is None:
        if transition is None:
            _illegal_step(None, message, item)
        return _check_submission(message, item, transition)
    if case.hold:
        _illegal(
            "hold",
            "本件已挂起待核（出现两个不一致的后续），处理完之前不能办理",
            "the case is held because two histories follow the same step; settle that first",
        )
    if message.node != case.holder:
        holder = case.holder or ""
        _illegal(
            "holder",
            f"本件现由 {holder or '（已办结，无）'} 持有，{message.node} 不能办理“{message_name(message.type)}”",
            f"the case is at the desk of {holder or 'nobody (closed)'}; {message.node} cannot take the step "
            f"{message_name(message.type, 'en')!r}",
        )
    if transition is None or not _desk_fits(transition.desk, case, item):
        _illegal_step(case, message, item)
    _check_role(transition, state, message)
    _check_officer(transition, case, message)
    if isinstance(message.body, CaseAccepted):
        _check_limit(message.body, item)
    return Move(
        _next_state(transition, case, message, item), _next_holder(transition, case, item), transition
    )


def check_side(case: Case, message: CaseMessage) -> None:
    """Whether this may be added beside the chain; the state does not matter, so order cannot.

    Raises ``IllegalTransition``: ``workflow.party``, ``workflow.role``.
    """
    if message.node not in parties(case.origin, confidential=case.confidential):
        _illegal(
            "party",
            f"{message.node} 与本件无关，不能补充内容",
            f"{message.node} is no party to this case and cannot add to it",
        )
    _check_side_role(message)


def check_settlement(message: CaseMessage) -> None:
    """Whether this settles a fork: a supervisor of the city of the case's number. Raises as check_side."""
    city = city_of(case_id_parts(message.case_id).division)
    if division_of(message.node) != city:
        _illegal("party", "分叉只能由市级核定", "only the city settles a forked case")
    _check_side_role(message)


def deciding_tier(origin: NodeId, *, confidential: bool, item: ItemRules) -> Tier:
    """The tier that accepts and decides: the item's, but the city for what never passes the township's desk."""
    at_city = confidential or origin_of(origin)[0] is None
    return Tier.CITY if at_city else Tier(item.decide_tier)


def _check_submission(message: CaseMessage, item: ItemRules, transition: Transition) -> Move:
    body = message.body
    assert isinstance(body, CaseSubmitted)
    if case_id_parts(message.case_id).node != message.node:
        _illegal(
            "issuer",
            f"办件编号不是 {message.node} 编发的，只有编发的网点可以登记",
            f"the case number was not issued by {message.node}; only its issuer may register the case",
        )
    if body.item != item.code:
        _illegal("item", f"事项 {body.item} 与目录不符", f"item {body.item} is not the catalogue's")
    if body.confidential != item.confidential:
        _illegal(
            "confidential",
            "保密标记与事项目录不一致，请按目录重新登记",
            "the confidential mark differs from the catalogue's; register the case again by the catalogue",
        )
    _check_role(transition, State.DRAFT, message)
    township, city = origin_of(message.node)
    first = city if body.confidential or township is None else township
    return Move(State.SUBMITTED, first, transition)


def _desk_fits(desk: Desk, case: Case, item: ItemRules) -> bool:
    """Whether the desk that holds the case is one that may take such a step."""
    tier = tier_of(division_of(case.holder)) if case.holder else None
    deciding = deciding_tier(case.origin, confidential=case.confidential, item=item)
    return {
        Desk.ANY: True,
        Desk.WINDOW: tier is not Tier.VILLAGE,
        Desk.FORWARDING: tier is Tier.TOWNSHIP and deciding is Tier.CITY,
        Desk.DECIDING: tier is deciding,
    }[desk]


def _check_role(transition: Transition, state: State, message: CaseMessage) -> None:
    if message.actor.role not in transition.roles:
        _illegal_role(
            transition.roles, message, f"“{state_name(state)}”的件", f"a {state_name(state, 'en')} case"
        )


def _check_side_role(message: CaseMessage) -> None:
    if message.actor.role not in SIDE_ROLES[message.type]:
        _illegal_role(SIDE_ROLES[message.type], message, "本件", "this case")


def _check_officer(transition: Transition, case: Case, message: CaseMessage) -> None:
    officer = message.actor.officer
    for duty in transition.apart_from:
        if officer == getattr(case.officers, duty):
            _illegal(
                "same_officer",
                f"“{message_name(message.type)}”须由另一人办理：{message.actor.name} 已是本件的{duty_name(duty)}",
                f"{message_name(message.type, 'en')!r} needs a different officer: {message.actor.name} is "
                f"already the {duty_name(duty, 'en')} of this case",
            )
    if transition.duty is Duty.HANDLING and officer != case.officers.handling:
        _illegal(
            "not_assigned",
            f"本件未分派给 {message.actor.name}，请先改派",
            f"the case is not assigned to {message.actor.name}; assign it first",
        )


def _check_limit(body: CaseAccepted, item: ItemRules) -> None:
    if item.is_immediate != (body.promised_days == 0) or body.promised_days > body.statutory_days:
        _illegal(
            "limit",
            "承诺时限与事项不符：即办件当日办结（0 天），承诺件至少 1 天，且不超过法定时限",
            "the promised limit does not fit the item: 0 days for an immediate item, else at least 1, "
            "and no more than the statutory limit",
        )


def _next_state(transition: Transition, case: Case, message: CaseMessage, item: ItemRules) -> State:
    match transition.by:
        case By.CHAIN:
            return transition.next[0 if item.chain == GENERAL else 1]
        case By.OUTCOME:
            assert isinstance(message.body, CaseDecided)
            return transition.next[0 if message.body.granted else 1]
        case By.SUSPENSION:
            assert case.state_before_suspension is not None
            return case.state_before_suspension
        case _:
            return transition.next[0]


def _next_holder(transition: Transition, case: Case, item: ItemRules) -> NodeId | None:
    match transition.holder:
        case Next.CITY:
            return case.city
        case Next.ORIGIN:
            return case.origin
        case Next.ASKER:
            return case.steps[-1].node
        case Next.DELIVERY:
            return case.origin if case.deliver is Delivery.VILLAGE else case.holder
        case Next.NOBODY:
            return None
        case _:
            return case.holder


def _illegal_step(case: Case | None, message: CaseMessage, item: ItemRules) -> NoReturn:
    state = State.DRAFT if case is None else case.state
    tier = tier_of(division_of(message.node))
    open_steps = allowed(case, item, tier)
    zh = "、".join(message_name(kind) for kind in open_steps) or "无"
    en = ", ".join(message_name(kind, "en") for kind in open_steps) or "none"
    role = message.actor.role
    _illegal(
        "step",
        f"“{state_name(state)}”的件在{tier_name(tier)}不能由{role_name(role)}办理“{message_name(message.type)}”，"
        f"可办：{zh}",
        f"at the {tier_name(tier, 'en')} a {role_name(role, 'en')} cannot take the step "
        f"{message_name(message.type, 'en')!r} on a {state_name(state, 'en')} case; allowed: {en}",
    )


def _illegal_role(roles: frozenset[Role], message: CaseMessage, zh: str, en: str) -> NoReturn:
    named = [role for role in Role if role in roles]
    _illegal(
        "role",
        f"{role_name(message.actor.role)}不能对{zh}办理“{message_name(message.type)}”，"
        f"须由{'、'.join(role_name(role) for role in named)}办理",
        f"a {role_name(message.actor.role, 'en')} cannot take the step {message_name(message.type, 'en')!r} on "
        f"{en}; it takes a {' or '.join(role_name(role, 'en') for role in named)}",
    )


def _illegal(code: str, zh: str, en: str) -> NoReturn:
    raise IllegalTransition(f"workflow.{code}", zh=f"{zh}。", en=f"{en[0].upper()}{en[1:]}.")
