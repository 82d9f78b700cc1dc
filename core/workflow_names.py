"""What people call the states, steps, roles, desks and duties of the workflow."""

from collections.abc import Collection

from core.errors import Lang
from core.identifiers import Tier
from core.messages import MessageType, Role
from core.states import State
from core.workflow_terms import Desk, Duty, Next

_STATES = {
    State.DRAFT: ("草稿", "draft"),
    State.SUBMITTED: ("已提交", "submitted"),
    State.SUPPLEMENT_REQUESTED: ("待补正", "awaiting supplement"),
    State.RETURNED: ("已退回", "returned"),
    State.REFUSED: ("不予受理", "refused"),
    State.ACCEPTED: ("已受理", "accepted"),
    State.VERIFYING: ("待核准", "awaiting verification"),
    State.HANDLING: ("承办中", "being handled"),
    State.REVIEW: ("审核中", "under review"),
    State.DECISION: ("待决定", "awaiting decision"),
    State.SUSPENDED: ("特别程序中", "suspended"),
    State.GRANTED: ("准予", "granted"),
    State.DENIED: ("不予批准", "denied"),
    State.DELIVERED: ("已送达", "delivered"),
    State.WITHDRAWN: ("已撤回", "withdrawn"),
    State.VOID: ("已作废", "void"),
}
_MESSAGES = {
    MessageType.CASE_SUBMITTED: ("提交", "submit"),
    MessageType.CASE_FORWARDED: ("转报", "forward"),
    MessageType.SUPPLEMENT_REQUESTED: ("一次性告知补正", "request supplement"),
    MessageType.CASE_RESUBMITTED: ("补正后再提交", "resubmit"),
    MessageType.CASE_RETURNED: ("退回", "return"),
    MessageType.CASE_REFUSED: ("不予受理", "refuse"),
    MessageType.CASE_ACCEPTED: ("受理", "accept"),
    MessageType.CASE_ASSIGNED: ("分派", "assign"),
    MessageType.CASE_HANDLED: ("承办", "handle"),
    MessageType.CASE_REVIEWED: ("审核", "review"),
    MessageType.CASE_SENT_BACK: ("退回承办", "send back"),
    MessageType.CASE_DECIDED: ("决定", "decide"),
    MessageType.CASE_SUSPENDED: ("启动特别程序", "suspend"),
    MessageType.CASE_RESUMED: ("结束特别程序", "resume"),
    MessageType.CASE_WITHDRAWN: ("撤回", "withdraw"),
    MessageType.CASE_VOIDED: ("作废", "void"),
    MessageType.RESULT_DELIVERED: ("送达", "deliver"),
    MessageType.NOTE_ADDED: ("备注", "add a note"),
    MessageType.WITHDRAWAL_REQUESTED: ("申请撤回", "ask to withdraw"),
    MessageType.CASE_RATED: ("评价", "rate"),
    MessageType.FEE_PAID: ("缴费", "pay a fee"),
    MessageType.MATERIAL_ADDED: ("补交材料", "add material"),
    MessageType.FORK_SETTLED: ("核定分叉", "settle a fork"),
}
_ROLES = {
    Role.AGENT: ("代办员", "agent"),
    Role.WINDOW: ("窗口人员", "window officer"),
    Role.HANDLER: ("承办人", "handler"),
    Role.REVIEWER: ("审核人", "reviewer"),
    Role.DECIDER: ("决定人", "decider"),
    Role.SUPERVISOR: ("督查员", "supervisor"),
    Role.WINDOW_HEAD: ("窗口负责人", "head of window"),
    Role.CATALOGUE_EDITOR: ("目录管理员", "catalogue editor"),
    Role.AUDITOR: ("审计员", "auditor"),
    Role.ADMINISTRATOR: ("系统管理员", "administrator"),
    Role.APPLICANT: ("申请人", "applicant"),
}
_TIERS = {Tier.CITY: ("市级", "city"), Tier.TOWNSHIP: ("镇级", "township"), Tier.VILLAGE: ("村级", "village")}
_DESKS = {
    Desk.ANY: ("持有的一级", "whichever holds it"),
    Desk.WINDOW: ("镇级或市级", "township or city"),
    Desk.FORWARDING: ("镇级（市级决定的事项）", "township, where the city decides"),
    Desk.DECIDING: ("决定的一级", "the tier that decides"),
}
_NEXT = {
    Next.SAME: ("不变", "the same desk"),
    Next.FIRST: (
        "镇级；市级登记的和保密的在市级",
        "the township; the city for its own and for confidential cases",
    ),
    Next.CITY: ("市级", "the city"),
    Next.ORIGIN: ("登记的网点", "where it was registered"),
    Next.ASKER: ("提出补正或退回的一级", "the desk that had asked"),
    Next.DELIVERY: ("送达处：登记的网点或决定的窗口", "where it was registered, or the window that decided"),
    Next.NOBODY: ("办结", "nobody: closed"),
}
_DUTIES = {
    Duty.ACCEPTING: ("受理人", "accepting officer"),
    Duty.HANDLING: ("承办人", "handler"),
    Duty.REVIEWING: ("审核人", "reviewer"),
    Duty.DECIDING: ("决定人", "decider"),
}


def state_name(state: State, lang: Lang = "zh") -> str:
    return _STATES[state][lang == "en"]


def message_name(kind: MessageType, lang: Lang = "zh") -> str:
    return _MESSAGES[kind][lang == "en"]


def role_name(role: Role, lang: Lang = "zh") -> str:
    return _ROLES[role][lang == "en"]


def tier_name(tier: Tier, lang: Lang = "zh") -> str:
    return _TIERS[tier][lang == "en"]


def role_names(roles: Collection[Role], lang: Lang = "zh") -> str:
    """All of them, in the order of ``Role``."""
    return (", " if lang == "en" else "、").join(role_name(role, lang) for role in Role if role in roles)


def desk_name(desk: Desk, lang: Lang = "zh") -> str:
    return _DESKS[desk][lang == "en"]


def next_name(holder: Next, lang: Lang = "zh") -> str:
    return _NEXT[holder][lang == "en"]


def duty_name(duty: Duty, lang: Lang = "zh") -> str:
    return _DUTIES[duty][lang == "en"]
