"""The verbs of a desk as data: what each asks for, and the message it makes of the answers.

The command line draws its options from this table and the pages their forms, so that both ask for the same things.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core import bodies as b
from core.desk.given import Given, Input, Kind, Matter, Option
from core.errors import Lang
from core.fees import bill
from core.messages import MessageType, Role
from core.numbers import fen_of, parse_money
from core.workflow_names import message_name

Build = Callable[[Given], b.Body]
SIGNATURE_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Verb:
    """``name`` is the word on the command line and in addresses; ``example`` its options in the help."""

    name: str
    type: MessageType
    inputs: tuple[Input, ...]
    build: Build
    example: str = ""

    def text(self, lang: Lang = "zh") -> str:
        return message_name(self.type, lang)


def _materials(matter: Matter) -> Sequence[Option]:
    here = {material.name for material in matter.case.materials}
    return [
        (
            name,
            name if name in here else f"{name}（未交）",
            name if name in here else f"{name} (not handed in)",
        )
        for name in (material.name for material in matter.item.materials)
    ]


def _fields(matter: Matter) -> Sequence[Option]:
    return [(field.key, field.name("zh"), field.name("en")) for field in matter.item.form_fields]


def _fees(matter: Matter) -> Sequence[Option]:
    return [
        (fee.name, f"{fee.name}（{fee.amount} 元/{fee.unit}）", f"{fee.name} ({fee.amount} yuan/{fee.unit})")
        for fee in matter.item.fees
    ]


def _handlers(matter: Matter) -> Sequence[Option]:
    able = [one for one in matter.colleagues if Role.HANDLER in one.roles and not one.disabled]
    return [(one.id, f"{one.name}（{one.id}）", f"{one.name} ({one.id})") for one in able]


def _procedures(matter: Matter) -> Sequence[Option]:
    return [
        (
            procedure.name,
            f"{procedure.name}（至多 {procedure.days_max} {_unit(procedure.unit, 'zh')}）",
            f"{procedure.name} (at most {procedure.days_max} {_unit(procedure.unit, 'en')})",
        )
        for procedure in matter.item.special_procedures
    ]


def _unit(unit: b.DayUnit, lang: Lang) -> str:
    words = {b.DayUnit.WORKING: ("个工作日", "working days"), b.DayUnit.CALENDAR: ("天", "calendar days")}
    return words[unit][lang == "en"]


def _deliveries(matter: Matter) -> Sequence[Option]:
    english = {
        b.Delivery.WINDOW: "at the window",
        b.Delivery.VILLAGE: "by the village",
        b.Delivery.POST: "by post",
    }
    return [(str(way), str(way), english[way]) for way in b.Delivery]


def _advice(matter: Matter) -> Sequence[Option]:
    return [
        (str(b.Advice.GRANT), "建议准予", "recommend granting"),
        (str(b.Advice.DENY), "建议不予批准", "recommend denying"),
    ]


def _outcomes(matter: Matter) -> Sequence[Option]:
    return [("grant", "准予", "grant"), ("deny", "不予批准", "deny")]


def _branches(matter: Matter) -> Sequence[Option]:
    hold = matter.case.hold
    return [] if hold is None else [(branch[0], branch[0], branch[0]) for branch in hold.branches if branch]


def _line(name: str, zh: str, en: str, *, required: bool = False) -> Input:
    return Input(name, Kind.LINE, zh, en, required)


_NOTE = Input("note", Kind.LINES, "意见", "opinion")
_REASON = Input("reason", Kind.LINES, "理由", "reason", required=True)
_RECOMMEND = Input("recommend", Kind.CHOICE, "建议", "recommendation", required=True, options=_advice)


def _accept(given: Given) -> b.CaseAccepted:
    item = given.matter.item
    total_fen = bill(item, given.amounts("fee")).total_fen
    return b.CaseAccepted(
        given.text("note"), total_fen, item.limit_mode, item.promised_days, item.statutory_days
    )


def _supplement(given: Given) -> b.SupplementRequested:
    missing, fields = given.many("missing"), given.many("field")
    note = given.text("note")
    if not missing and not fields and not note:
        given.refuse("missing", "desk.missing", "请至少指明一项要补正的内容", "name at least one thing")
    return b.SupplementRequested(missing, fields, note)


def _suspend(given: Given) -> b.CaseSuspended:
    name = given.text("procedure")
    procedure = next(one for one in given.matter.item.special_procedures if one.name == name)
    days = given.number("days")
    if not 1 <= days <= procedure.days_max:
        given.refuse(
            "days",
            "desk.days",
            f"“{name}”应为 1 到 {procedure.days_max} {_unit(procedure.unit, 'zh')}",
            f"{name} may take 1 to {procedure.days_max} {_unit(procedure.unit, 'en')}",
        )
    return b.CaseSuspended(name, procedure.kind, days, procedure.unit)


def _decide(given: Given) -> b.CaseDecided:
    granted = given.text("outcome") == "grant"
    result = given.text("result") if granted else ""
    return b.CaseDecided(granted, result, given.text("reason"), given.text("document"))


def _deliver(given: Given) -> b.ResultDelivered:
    method, signature = b.Delivery(given.text("method")), given.text("signature")
    if method is b.Delivery.POST and not signature:
        given.refuse(
            "signature", "desk.missing", "邮寄送达请填写邮件号", "for delivery by post give the mail's number"
        )
    if len(signature) > SIGNATURE_CHARS_MAX:
        given.refuse(
            "signature",
            "desk.too_long",
            f"最多 {SIGNATURE_CHARS_MAX} 字",
            f"at most {SIGNATURE_CHARS_MAX} characters",
        )
    return b.ResultDelivered(method, given.text("received-by"), signature)


_M = MessageType
_ALL = (
    Verb(
        "settle",
        _M.FORK_SETTLED,
        (
            Input("keep", Kind.CHOICE, "保留的一支", "branch to keep", required=True, options=_branches),
            _REASON,
        ),
        lambda given: b.ForkSettled(given.text("keep"), given.text("reason")),
        '--keep 0123456789abcdef0123456789abcdef --reason "另一台为克隆设备"',
    ),
    Verb(
        "forward",
        _M.CASE_FORWARDED,
        (_NOTE,),
        lambda given: b.CaseForwarded(given.text("note")),
        '--note "初审齐全"',
    ),
    Verb(
        "accept",
        _M.CASE_ACCEPTED,
        (Input("fee", Kind.AMOUNTS, "收费数量", "fee quantities", options=_fees), _NOTE),
        _accept,
        '--note "材料齐全"',
    ),
    Verb(
        "supplement",
        _M.SUPPLEMENT_REQUESTED,
        (
            Input("missing", Kind.CHOICES, "缺少的材料", "missing materials", options=_materials),
            Input("field", Kind.CHOICES, "需改正的填写项", "answers to mend", options=_fields),
            Input("note", Kind.LINES, "说明", "explanation"),
        ),
        _supplement,
        '--missing "户口簿" --note "请补户口簿首页"',
    ),
    Verb(
        "return",
        _M.CASE_RETURNED,
        (_REASON,),
        lambda given: b.CaseReturned(given.text("reason")),
        '--reason "选错事项，请改报"',
    ),
    Verb(
        "refuse",
        _M.CASE_REFUSED,
        (_line("ground", "法律依据", "legal ground", required=True), _REASON),
        lambda given: b.CaseRefused(given.text("ground"), given.text("reason")),
        '--ground "行政许可法第三十二条" --reason "不属于本机关职权"',
    ),
    Verb(
        "handle",
        _M.CASE_HANDLED,
        (_RECOMMEND, _NOTE),
        lambda given: b.CaseHandled(given.text("note"), b.Advice(given.text("recommend"))),
        '--recommend grant --note "经查属实"',
    ),
    Verb(
        "assign",
        _M.CASE_ASSIGNED,
        (
            Input("officer", Kind.CHOICE, "承办人", "handler", required=True, options=_handlers),
            Input(
                "department",
                Kind.LINE,
                "承办部门",
                "department",
                default=lambda matter: matter.item.department.name,
            ),
        ),
        lambda given: b.CaseAssigned(given.text("officer"), given.text("department")),
        "--officer zhang",
    ),
    Verb(
        "review",
        _M.CASE_REVIEWED,
        (_RECOMMEND, _NOTE),
        lambda given: b.CaseReviewed(given.text("note"), b.Advice(given.text("recommend"))),
        "--recommend grant",
    ),
    Verb(
        "decide",
        _M.CASE_DECIDED,
        (
            Input("outcome", Kind.CHOICE, "决定", "decision", required=True, options=_outcomes),
            Input(
                "result",
                Kind.LINE,
                "结果文书名称",
                "name of the document",
                default=lambda matter: matter.item.result_name,
            ),
            _line("document", "文书编号", "document number"),
            Input("reason", Kind.LINES, "理由（不予批准时必填）", "reason (needed for a denial)"),
        ),
        _decide,
        '--outcome grant --document "沅民低保〔2026〕12号"',
    ),
    Verb(
        "send-back",
        _M.CASE_SENT_BACK,
        (_REASON,),
        lambda given: b.CaseSentBack(given.text("reason")),
        '--reason "收入核算有误"',
    ),
    Verb("resume", _M.CASE_RESUMED, (_NOTE,), lambda given: b.CaseResumed(given.text("note"))),
    Verb(
        "deliver",
        _M.RESULT_DELIVERED,
        (
            Input(
                "method",
                Kind.CHOICE,
                "送达方式",
                "delivered",
                options=_deliveries,
                default=lambda matter: str(matter.case.deliver),
            ),
            _line("received-by", "签收人", "received by", required=True),
            _line(
                "signature",
                "签收凭证（回证编号或邮件号；空则以签收人姓名和时间为凭）",
                "proof: number of the signed form or of the mail; if empty, name and time stand for it",
            ),
        ),
        _deliver,
        '--received-by "王小明" --signature "送达回证0012"',
    ),
    Verb(
        "note",
        _M.NOTE_ADDED,
        (Input("text", Kind.LINES, "备注", "note", required=True),),
        lambda given: b.NoteAdded(given.text("text")),
        '--text "已电话核实"',
    ),
    Verb(
        "paid",
        _M.FEE_PAID,
        (
            _line("amount", "金额（元）", "amount (yuan)", required=True),
            _line("receipt", "票据号", "receipt number", required=True),
        ),
        lambda given: b.FeePaid(fen_of(parse_money(given.text("amount"))), given.text("receipt")),
        "--amount 10.00 --receipt A0012345",
    ),
    Verb(
        "suspend",
        _M.CASE_SUSPENDED,
        (
            Input("procedure", Kind.CHOICE, "特别程序", "procedure", required=True, options=_procedures),
            Input("days", Kind.NUMBER, "批准天数", "days granted", required=True),
        ),
        _suspend,
        '--procedure "公示" --days 7',
    ),
    Verb(
        "withdraw",
        _M.CASE_WITHDRAWN,
        (_REASON,),
        lambda given: b.CaseWithdrawn(given.text("reason")),
        '--reason "申请人撤回"',
    ),
    Verb(
        "void",
        _M.CASE_VOIDED,
        (_REASON,),
        lambda given: b.CaseVoided(given.text("reason")),
        '--reason "重复登记"',
    ),
)
VERBS: dict[str, Verb] = {verb.name: verb for verb in _ALL}
"""In the order in which a page offers them: what carries the case on first, what ends it early last."""
