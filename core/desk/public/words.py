"""What the public pages say."""

from core.desk.sections import Words
from core.errors import Lang

WORDS: Words = {
    "public.title": ("办件查询", "Where is my case"),
    "public.lead": (
        "填写办件编号和申请人证件号码后四位；有回执的，扫描二维码，把内容粘贴到第一格即可。",
        "Give the case number and the last four characters of the applicant's document; with a slip, scan its QR code and "
        "paste what it holds into the first field.",
    ),
    "public.number_typed": ("办件编号，或回执二维码内容", "Case number, or what the slip's QR code holds"),
    "public.proof_typed": ("证件号码后四位，或回执查询码", "Last four of the document, or the slip's code"),
    "public.look": ("查询", "Look up"),
    "public.again": ("查询另一件", "Look up another"),
    "public.language": ("English", "中文"),
    "public.no_match": ("没有查到", "Nothing found"),
    "public.no_match_words": (
        "编号与后四位（或查询码）不相符，或者办件还没有送到市里。请对照回执核对；刚在村里交件的，线路不好时要等一两天。也可以打电话或到窗口询问。",
        "The number does not go with the last four (or with the code), or the case has not reached the city yet. Compare it "
        "with the slip; where a village's line is bad it may take a day or two. You may also ask by phone or at the window.",
    ),
    "public.refused": ("没有办成", "Not done"),
    "public.number": ("办件编号", "Case number"),
    "public.item": ("事项", "Item"),
    "public.confidential": ("保密事项", "a confidential item"),
    "public.applicant": ("申请人", "Applicant"),
    "public.state": ("状态", "State"),
    "public.held": ("正在核对", "being checked"),
    "public.submitted_at": ("登记时间", "Handed in"),
    "public.accepted_at": ("受理时间", "Accepted"),
    "public.result": ("结果", "Result"),
    "public.completed_at": ("办结时间", "Completed"),
    "public.due_at": ("应办结时间", "Due"),
    "public.left": ("剩余时限", "Time left"),
    "public.days": ("{days} 个工作日", "{days} working days"),
    "public.standing": ("特别程序中，暂停计时", "a special procedure is on, the clock stands"),
    "public.holder": ("现在由谁办理", "With"),
    "public.missing": ("请补交或改正", "Please supply or correct"),
    "public.slip": ("回执属实", "The slip is true"),
    "public.slip_true": ("{at} 在{place}登记。", "Handed in at {place} on {at}."),
    "public.slip_arrived": (
        "{at} 送达市级并生效（村级数据流第 {seq} 封）。",
        "Reached the city and took effect on {at} (envelope {seq} of the village's stream).",
    ),
    "public.slip_custody": (
        "{signer}于 {at} 签收（收据：已收妥）。",
        "{signer} signed for holding it on {at}.",
    ),
    "public.slip_acceptance": (
        "{signer}于 {at} 签收（收据：已入库办理）。",
        "{signer} signed for having taken it into its books on {at}.",
    ),
    "public.slip_materials": ("登记时交材料 {count} 种：", "Materials handed in: {count}"),
    "public.slip_material": (
        "{name}　原件 {originals}　复印件 {copies}",
        "{name}: originals {originals}, copies {copies}",
    ),
    "public.rate": ("评价这次服务", "How was the service"),
    "public.rate_text": ("想说的话（可不填，300 字内）", "Anything to add (300 characters, may be empty)"),
    "public.rate_send": ("提交评价", "Send"),
    "public.rated": ("您的评价：{level}。谢谢！", "Your rating: {level}. Thank you."),
    "public.rated_done": ("评价已收到，谢谢！", "Your rating was received. Thank you."),
}


def told(key: str, lang: Lang = "zh", **values: object) -> str:
    """The words under ``key``."""
    return WORDS[key][lang == "en"].format(**values)
