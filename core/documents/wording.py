"""The sentences of each document, in Chinese as administrative offices write them and in English; data, no rules.

Sources: 行政许可法 art. 32, 38, 42, 44; 行政复议法 art. 20 (60 days); 行政诉讼法 art. 46 (six months).
"""

from core.documents.kinds import DocumentKind

Words = tuple[str, str]
"""Chinese and English."""

LICENCE = "行政许可"

NUMBER_WORDS = {
    DocumentKind.ACCEPTANCE: "受",
    DocumentKind.SUPPLEMENT: "补",
    DocumentKind.REFUSAL: "不受",
    DocumentKind.DECISION: "决",
    DocumentKind.RECEIPT: "送",
}
"""What stands between the organ's word and the year in a number."""

BASIS: dict[str, Words] = {
    "acceptance": (
        "《中华人民共和国行政许可法》第三十二条第一款第（五）项",
        "article 32 (1) 5 of the Administrative Licensing Law",
    ),
    "supplement": (
        "《中华人民共和国行政许可法》第三十二条第一款第（四）项",
        "article 32 (1) 4 of the Administrative Licensing Law",
    ),
    "grant": (
        "《中华人民共和国行政许可法》第三十八条第一款",
        "article 38 (1) of the Administrative Licensing Law",
    ),
    "deny": (
        "《中华人民共和国行政许可法》第三十八条第二款",
        "article 38 (2) of the Administrative Licensing Law",
    ),
}
"""For a licence. Every other item rests on the catalogue that names it:"""
OTHER_BASIS: Words = (
    "有关法律、法规、规章以及《{title}》（第 {version} 版）",
    "the laws and rules of the matter and the catalogue “{title}” (version {version})",
)

INTRO: Words = (
    "{you}于{day}提出的“{item}”申请（办件编号：{case}）收悉。",
    "We have received your application of {day} for “{item}” (case {case}).",
)
ACCEPTED: Words = (
    "经审查，申请材料齐全、符合法定形式，属于本机关职权范围。依据{basis}的规定，决定予以受理。",
    "It is complete and in due form, and it lies within our competence. By {basis} it is accepted.",
)
LIMIT: Words = (
    "本事项法定办理时限为 {statutory} 个工作日，承诺办理时限为 {promised} 个工作日，自受理之日起计算{due}。依法需要听证、招标、拍卖、"
    "检验、检测、检疫、鉴定、专家评审、公示等的，所需时间不计算在期限内，将另行书面告知。",
    "The statutory limit is {statutory} working days and the promised one {promised} working days from acceptance{due}. "
    "Hearings, inspections, expert opinions, public notice and the like are not counted; you would be told in writing.",
)
LIMIT_TODAY: Words = (
    "本事项为即办件，自受理之日当日办结（法定办理时限 {statutory} 个工作日）。",
    "This is an immediate item, decided on the day of acceptance (statutory limit {statutory} working days).",
)
DUE: Words = ("，应于{day}前办结", ", that is by {day}")
FREE: Words = ("本事项不收费。", "There is no charge.")
CHARGED: Words = ("本事项应缴费用合计人民币 {sum} 元。", "The charge is {sum} yuan in all.")
ASK: Words = (
    "办理进度可凭办件编号和证件号码后四位，或凭收件回执查询。联系电话：{phone}。地址：{address}。",
    "Follow the case with its number and the last four characters of the document, or with the slip. Phone: {phone}. "
    "Address: {address}.",
)
MISSING: Words = (
    "经审查，申请材料不齐全或者不符合法定形式。依据{basis}的规定，现一次性告知需要补正的全部内容如下：",
    "It is not complete or not in due form. By {basis} you are told at once all that has to be supplied:",
)
MISSING_MATERIAL: Words = ("{number}．补交材料：{name}；", "{number}. Hand in: {name};")
MISSING_FIELD: Words = ("{number}．改正填写项：{name}；", "{number}. Correct in the form: {name};")
MISSING_NOTE: Words = ("说明：{note}", "Note: {note}")
MISSING_CLOSE: Words = (
    "请补正后提交{place}。本机关自收到全部补正材料之日起受理。",
    "Please hand it in at {place}. We accept the case on the day on which everything is there.",
)
REFUSED: Words = (
    "经审查，{reason}依据{ground}的规定，决定不予受理。",
    "{reason} By {ground} it is not accepted.",
)
GRANTED: Words = (
    "经审查，申请符合法定条件、标准。依据{basis}的规定，决定准予{what}。",
    "It meets the conditions of the law. By {basis} it is granted.",
)
GRANTED_REASON: Words = ("决定意见：{reason}", "Opinion: {reason}")
RESULT: Words = (
    "结果文书：{name}。本机关自作出决定之日起十日内向{you}颁发、送达（{delivery}）。",
    "Result: {name}. It is issued and delivered within ten days of this decision ({delivery}).",
)
DENIED: Words = (
    "经审查，{reason}依据{basis}的规定，决定不予{what}。",
    "{reason} By {basis} it is denied.",
)
REMEDIES: Words = (
    "如不服本决定，可以自收到本决定书之日起六十日内向{review}申请行政复议，也可以自收到本决定书之日起六个月内依法向{court}提起行政诉讼。",
    "Against this decision you may within sixty days of receiving it apply to {review} for administrative review, or within "
    "six months of receiving it bring an action before {court}.",
)
SEAL: Words = ("（印章）", "(seal)")
FOOT: Words = (
    "本文书一式两份，一份送达申请人，一份存档。承办：{node}　经办人：{officer}　电话：{phone}",
    "In two copies, one for the applicant and one for the file. By: {node}, {officer}, phone {phone}",
)
BLANK = "＿＿＿＿＿＿"
"""A line to be filled in by hand."""

RECEIPT_ROWS: tuple[tuple[str, Words, int], ...] = (
    ("documents", ("送达文书名称及文号", "Documents delivered"), 2),
    ("reason", ("案由", "Matter"), 1),
    ("person", ("受送达人", "To"), 1),
    ("place", ("送达地点", "Place"), 1),
    ("method", ("送达方式", "By"), 1),
    ("signature", ("受送达人签名或盖章、收到日期", "Signature or seal of the receiver, and date"), 4),
    (
        "instead",
        ("代收人签名、与受送达人关系及代收理由", "If received by another: signature, relation, reason"),
        3,
    ),
    ("refusal", ("拒收事由、见证人签名", "If refused: why; signatures of witnesses"), 2),
    ("sender", ("送达人签名", "Signature of who delivered"), 2),
    ("note", ("备注", "Notes"), 2),
)
"""Key, label, and how many lines high."""
SIGNED: Words = (
    "{name}　　签收于 {at}　（本机电子登记{proof}）",
    "{name}, received {at} (recorded here{proof})",
)
PROOF: Words = ("，凭证：{proof}", ", proof: {proof}")
