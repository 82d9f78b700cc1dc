"""What somebody at a desk does next with a case, by what the demo's plan has in mind for it. Pure rules."""

from dataclasses import dataclass, field

from core.bodies import Delivery
from core.identifiers import Tier
from core.items import Chain
from core.messages import MessageType as M
from core.states import CLOSED, State
from deploy.demo.books import Entry
from deploy.demo.plan import Application, Fate
from village_agent.handing_over import LAST_DIGITS

CLERK, CITY_WINDOW, REVIEWER, DECIDER = "zhen1", "chuangkou", "shenhe", "jueding"
HANDLERS = ("chengban", "chengban2")


@dataclass(frozen=True, slots=True)
class Step:
    """A verb of the desk with its answers by input name, and the officer who takes it."""

    verb: str
    officer: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)

    def words(self) -> list[str]:
        """The answers as options of the command line."""
        return [word for name, texts in self.values.items() for text in texts for word in (f"--{name}", text)]


def desk_step(tier: Tier, node: str, entry: Entry, plan: Application) -> Step | None:
    """The next step of an officer at this node, None where it is somebody else's turn."""
    if tier is Tier.TOWNSHIP:
        return _township(node, entry, plan)
    return _city(entry, plan) if entry.holder == node else None


def village_step(node: str, entry: Entry, plan: Application) -> Step | None:
    """The next step of the village's agent."""
    state = State(entry.state)
    if plan.number == 1 and not entry.notes:
        return Step("note", values={"text": ["申请人不识字，已当面读给他听。"]})
    if plan.fate is Fate.WITHDRAWN and M.CASE_ACCEPTED in entry.steps and not entry.is_withdrawal_asked:
        return None if state in CLOSED else Step("ask-withdraw", values={"reason": ["申请人改主意了"]})
    if state is State.DELIVERED and plan.is_rated and not entry.is_rated:
        return Step("rate", values={"level": [str(1 + plan.number % 2)]})
    if entry.holder != node:
        return None
    if state in (State.SUPPLEMENT_REQUESTED, State.RETURNED):
        return Step("resubmit")
    if state in (State.GRANTED, State.DENIED):
        name, id_no = plan.person.name, plan.person.id_no
        shown = {"received-by": [name], "id-no": [id_no[-LAST_DIGITS:]], "acknowledged": [name]}
        return Step("deliver", values=shown)
    return None


def _township(node: str, entry: Entry, plan: Application) -> Step | None:
    if entry.bill_fen > entry.paid_fen:
        amount = f"{(entry.bill_fen - entry.paid_fen) / 100:.2f}"
        return Step("paid", CLERK, {"amount": [amount], "receipt": [f"P{plan.number:06d}"]})
    if entry.holder != node or entry.state != State.SUBMITTED:
        return None
    fate, steps = plan.fate, entry.steps
    if fate is Fate.VOID:
        return Step("void", CLERK, {"reason": ["同一申请重复登记"]})
    if fate is Fate.SUPPLEMENT_TOWNSHIP and M.SUPPLEMENT_REQUESTED not in steps:
        return _supplement(CLERK, plan)
    if fate is Fate.RETURNED and M.CASE_RETURNED not in steps:
        return Step("return", CLERK, {"reason": ["申请表缺本人签字，请补签后再报"]})
    return Step("forward", CLERK, {"note": ["材料齐全，初审合格"]})


def _city(entry: Entry, plan: Application) -> Step | None:
    match State(entry.state):
        case State.SUBMITTED:
            return _at_the_window(entry, plan)
        case State.ACCEPTED:
            return Step("assign", CITY_WINDOW, {"officer": [_handler(plan)]})
        case State.VERIFYING:
            return _decision(REVIEWER, entry, plan)
        case State.HANDLING:
            return _handling(entry, plan)
        case State.SUSPENDED:
            return Step("resume", CITY_WINDOW, {"note": ["程序已完成"]})
        case State.REVIEW if plan.fate is Fate.SENT_BACK and M.CASE_SENT_BACK not in entry.steps:
            return Step("send-back", REVIEWER, {"reason": ["现场照片不清，请补查"]})
        case State.REVIEW:
            return Step("review", REVIEWER, {"recommend": [_advice(plan)]})
        case State.DECISION:
            return _decision(DECIDER, entry, plan)
        case State.GRANTED | State.DENIED:
            # Whatever way it goes, something shows that it arrived: the mail's number, or the signed form's.
            proof = f"{'EMS' if plan.delivery is Delivery.POST else '回证'}{plan.number:08d}"
            return Step("deliver", CITY_WINDOW, {"received-by": [plan.person.name], "signature": [proof]})
        case _:
            return None


def _at_the_window(entry: Entry, plan: Application) -> Step:
    if plan.fate is Fate.REFUSED:
        ground = ["行政许可法第三十二条第一款"]
        return Step("refuse", CITY_WINDOW, {"ground": ground, "reason": ["机具不在补贴目录内"]})
    if plan.fate is Fate.SUPPLEMENT_CITY and M.SUPPLEMENT_REQUESTED not in entry.steps:
        return _supplement(CITY_WINDOW, plan)
    if plan.number == 2 and not entry.notes:
        return Step("note", CITY_WINDOW, {"text": ["已电话核实住址"]})
    fees = [f"{fee.name}=1" for fee in plan.item.fees]
    return Step("accept", CITY_WINDOW, {"fee": fees, "note": ["材料齐全，符合受理条件"]})


def _handling(entry: Entry, plan: Application) -> Step | None:
    if plan.fate is Fate.WITHDRAWN:
        return (
            Step("withdraw", CITY_WINDOW, {"reason": ["申请人撤回"]}) if entry.is_withdrawal_asked else None
        )
    procedures = plan.item.special_procedures
    if plan.fate is Fate.SUSPENDED and procedures and M.CASE_SUSPENDED not in entry.steps:
        return Step("suspend", _handler(plan), {"procedure": [procedures[0].name], "days": ["5"]})
    return Step("handle", _handler(plan), {"recommend": [_advice(plan)], "note": ["经查属实"]})


def _decision(officer: str, entry: Entry, plan: Application) -> Step | None:
    if entry.bill_fen != entry.paid_fen:
        return None
    if plan.fate is Fate.DENIED:
        return Step("decide", officer, {"outcome": ["deny"], "reason": ["家庭收入高于标准"]})
    kind = "即" if plan.item.chain is Chain.GENERAL else "承"
    return Step(
        "decide", officer, {"outcome": ["grant"], "document": [f"沅政务{kind}〔演示〕{plan.number} 号"]}
    )


def _supplement(officer: str, plan: Application) -> Step:
    material = plan.item.materials[0].name
    return Step("supplement", officer, {"missing": [material], "note": [f"“{material}”扫描不清，请补一份"]})


def _handler(plan: Application) -> str:
    return HANDLERS[plan.number % len(HANDLERS)]


def _advice(plan: Application) -> str:
    return "deny" if plan.fate is Fate.DENIED else "grant"
