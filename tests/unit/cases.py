"""A small office for tests: three nodes, their officers, and the messages of whole cases."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core import bodies as b
from core.case import Case
from core.identifiers import NodeId, case_id
from core.merge import fold
from core.messages import Actor, CaseMessage, Role, message_type_of

VILLAGE, TOWNSHIP, CITY = NodeId("430981102201"), NodeId("430981102000"), NodeId("430981000000")
AT = datetime(2015, 10, 10, 0, 30, tzinfo=UTC)
DAY = date(2015, 10, 10)


@dataclass(frozen=True)
class Rules:
    """An item as the workflow sees it."""

    code: str = "43098101205001"
    chain: str = "three_level"
    decide_tier: str = "city"
    is_immediate: bool = False
    confidential: bool = False


THREE_LEVEL = Rules()
GENERAL = Rules(chain="general", is_immediate=True)
AT_TOWNSHIP = Rules(decide_tier="township")
SECRET = Rules(confidential=True)


def actor(role: Role, officer: str = "") -> Actor:
    return Actor(officer or role.value, f"{role.value}某", role)


def submission(item: Rules, deliver: b.Delivery = b.Delivery.VILLAGE, **changes: Any) -> b.CaseSubmitted:
    applicant = b.Applicant(
        name="王小明",
        id_type=b.IdType.ID_CARD,
        id_no="430981199001011234",
        mobile="13800000000",
        village_code=b.DivisionCode(VILLAGE),
        address="三组",
        delivery=deliver,
    )
    whole = b.CaseSubmitted(item.code, 1, applicant, {"reason": "困难"}, (), (), item.confidential)
    return replace(whole, **changes)


def accepted(item: Rules) -> b.CaseAccepted:
    return b.CaseAccepted("齐全", 900, b.LimitMode.EXACT, 0 if item.is_immediate else 5, 20)


class Story:
    """Writes one case's messages, one minute and one id after another, each following the last."""

    def __init__(self, item: Rules = THREE_LEVEL, origin: NodeId = VILLAGE) -> None:
        self.item = item
        self.origin = origin
        # A second device counts in its own ten thousand.
        self.case_id = case_id(origin, DAY, 10_014 if origin.endswith("-2") else 14)
        self.messages: list[CaseMessage] = []
        self.written = 0

    def write(
        self, node: NodeId, role: Role, body: Any, *, officer: str = "", base: str | None = "tip"
    ) -> CaseMessage:
        """The next message, not yet part of the story."""
        self.written += 1
        chain = [message for message in self.messages if message.is_chain]
        follows = (chain[-1].id if chain else None) if base == "tip" else base
        kind = message_type_of(body)
        message = CaseMessage(
            f"{self.written:032x}",
            kind,
            self.case_id,
            follows,
            node,
            actor(role, officer),
            AT + timedelta(minutes=self.written),
            body,
        )
        return message if message.is_chain else replace(message, base=None)

    def say(self, node: NodeId, role: Role, body: Any, **options: Any) -> "Story":
        self.messages.append(self.write(node, role, body, **options))
        return self

    def submit(self, **options: Any) -> "Story":
        role = Role.AGENT if self.origin == VILLAGE else Role.WINDOW
        return self.say(self.origin, role, submission(self.item, **options))

    def accept(self) -> "Story":
        """Submitted, forwarded where the city decides, accepted."""
        self.submit()
        if self.item.decide_tier == "city" and not self.item.confidential and self.origin != CITY:
            self.say(TOWNSHIP, Role.WINDOW, b.CaseForwarded("齐全"))
        return self.say(self.desk, Role.WINDOW, accepted(self.item))

    def handle(self) -> "Story":
        self.say(self.desk, Role.WINDOW, b.CaseAssigned("handler", "民政局"))
        return self.say(self.desk, Role.HANDLER, b.CaseHandled("属实", b.Advice.GRANT))

    def review(self) -> "Story":
        return self.say(self.desk, Role.REVIEWER, b.CaseReviewed("同意", b.Advice.GRANT))

    def decide(self, granted: bool = True) -> "Story":
        body = b.CaseDecided(granted, "低保证" if granted else "", "" if granted else "不符合", "1号")
        return self.say(self.desk, Role.DECIDER, body)

    @property
    def desk(self) -> NodeId:
        """The desk that decides."""
        return TOWNSHIP if self.item.decide_tier == "township" and self.origin != CITY else CITY

    @property
    def case(self) -> Case:
        folded = fold(self.messages, self.lookup)
        assert folded.case is not None
        assert not folded.illegal, folded.illegal[0].error
        return folded.case

    def lookup(self, code: str, version: int) -> Rules:
        return self.item
