"""What the screens say beyond the shared labels, Chinese and English side by side."""

from textual.content import Content

from village_agent.tui.words_care import CARE_WORDS
from village_agent.tui.words_doctor import DOCTOR_WORDS
from village_agent.tui.words_service import SERVICE_WORDS
from village_agent.tui.words_setup import SETUP_WORDS
from village_agent.widths import safe

_WORDS: dict[str, tuple[str, str]] = {
    "app": ("联动 村级代办", "Liandong village agent"),
    "home": ("首页", "Home"),
    "new": ("新建申请：查找事项", "New application: find the item"),
    "part.applicant": ("申请人", "Applicant"),
    "part.form": ("申请表", "Form"),
    "part.materials": ("材料", "Materials"),
    "part.check": ("核对", "Check your answers"),
    "slip": ("收件回执", "Slip"),
    "outbox": ("待发件", "Outbox"),
    "cases": ("办件", "Cases"),
    "search": ("搜索（仅查本机）", "Search (on this device only)"),
    "case": ("办件经过", "Case"),
    "drafts": ("草稿箱", "Drafts"),
    "abandoned": ("已放弃的草稿（30 天内可恢复）", "Abandoned drafts (kept 30 days)"),
    "contact": ("同步", "Contact"),
    "help": ("帮助", "Help"),
    "lock": ("请输入口令", "Enter your PIN"),
    "commands": ("命令", "Commands"),
    "key.help": ("帮助", "help"),
    "key.new": ("新建", "new"),
    "key.search": ("搜索", "search"),
    "key.drafts": ("草稿", "drafts"),
    "key.contact": ("同步", "contact"),
    "key.outbox": ("待发", "outbox"),
    "key.submit": ("提交", "submit"),
    "key.check": ("核对提交", "check, submit"),
    "key.back": ("返回", "back"),
    "key.leave": ("离开(已保存)", "leave (saved)"),
    "key.undo": ("撤销", "undo"),
    "key.next": ("下一页", "next page"),
    "key.previous": ("上一页", "page before"),
    "key.quit": ("退出", "quit"),
    "key.open": ("打开", "open"),
    "key.choose": ("选择", "choose"),
    "key.commands": ("命令", "commands"),
    "key.lock": ("锁屏", "lock"),
    "key.resume": ("继续上次", "go on"),
    "key.abandon": ("放弃", "abandon"),
    "key.abandoned": ("已放弃的", "abandoned"),
    "key.restore": ("恢复", "restore"),
    "key.handed_in": ("照单收齐", "as asked"),
    "key.originals": ("/- 原件", "/- originals"),
    "key.copies": ("/] 复印件", "/] copies"),
    "key.file": ("扫描件", "scan"),
    "key.remove_file": ("去掉", "drop"),
    "key.qr": ("二维码", "QR"),
    "key.slip": ("回执", "slip"),
    "key.supplement": ("补正", "supplement"),
    "key.deliver": ("送达", "deliver"),
    "key.rate": ("评价", "rate"),
    "key.note": ("备注", "note"),
    "key.withdraw": ("申请撤回", "withdraw"),
    "key.all": ("全部", "all"),
    "key.waiting": ("待上传", "waiting"),
    "key.start": ("开始", "start"),
    "key.pause": ("暂停自动同步", "pause"),
    "key.unpause": ("恢复自动同步", "resume"),
    "key.again": ("再做一次", "again"),
    "key.stick_export": ("导出到U盘", "to a stick"),
    "key.stick_import": ("从U盘导入", "from a stick"),
    "key.stop": ("停止", "stop"),
    "key.add_row": ("添加一行", "add a row"),
    "count.drafts": ("草稿", "drafts"),
    "count.waiting": ("待上传", "waiting to be sent"),
    "count.in_transit": ("在办（镇、市）", "with township or city"),
    "count.back": ("退回本村：待补正、待送达", "back here: to supplement or hand over"),
    "resume": (
        "上次未完成：{who} {item}，{time}。Enter 继续 / D 放弃（30 天内可恢复）",
        "Unfinished: {who} {item}, {time}. Enter: go on / D: abandon (kept 30 days)",
    ),
    "facts": (
        "可用空间 {free}；事项目录第 {catalogue} 版；工作日历至 {year} 年；操作员 {name}",
        "{free} free; catalogue {catalogue}; calendar up to {year}; operator {name}",
    ),
    "no_catalogue": (
        "还没有收到事项目录，暂不能新建申请。请按 F5 同步。",
        "No catalogue has been received yet, so nothing can be taken in. Press F5 to make contact.",
    ),
    "find_hint": (
        "输入编码、拼音首字母或名称",
        "code, pinyin initials or name",
    ),
    "nothing": ("没有。", "Nothing here."),
    "required": ("必要", "required"),
    "if_needed": ("视情", "if needed"),
    "next": ("下一步 (Enter)", "Next (Enter)"),
    "hint.date": ("年-月-日，如 2015-10-10", "year-month-day, 2015-10-10"),
    "hint.money": ("元，如 1200.50", "yuan, 1200.50"),
    "hint.int": ("整数", "whole number"),
    "hint.decimal": ("数字，可有小数", "number"),
    "hint.id_no": ("18 位身份证号", "18 characters"),
    "hint.uscc": ("18 位统一社会信用代码", "18 characters"),
    "hint.phone": ("手机或区号-电话", "mobile or landline"),
    "hint.division": ("输入村名查找", "type the village's name"),
    "hint.choice": ("数字或左右键选择", "digits or arrows"),
    "hint.table": ("Enter 编辑或添加，Delete 删除", "Enter edits, Delete removes"),
    "add_row": ("添加一行", "add a row"),
    "row": ("第 {number} 行", "row {number}"),
    "rows": ("{count} 行", "rows: {count}"),
    "done": ("完成 (Enter)", "Done (Enter)"),
    "person": ("{birth} 出生，{sex}", "born {birth}, {sex}"),
    "sex.male": ("男", "male"),
    "sex.female": ("女", "female"),
    "earlier": ("本机有此人 {count} 件：{list}", "earlier cases here, {count}: {list}"),
    "duplicate": ("注意：30 天内已登记过同一事项（{number}）", "Note: same item within 30 days ({number})"),
    "in_person": (
        "本事项须申请人本人到场。",
        "The applicant has to be present in person.",
    ),
    "asked": ("应交", "asked"),
    "given": ("已收", "given"),
    "path_of_scan": (
        "扫描件的路径（可粘贴或拖入）",
        "Path of the scan (paste or drop it)",
    ),
    "sealed": (
        "已加密保存 {name}（{size}），原文件可以拿走。",
        "{name} ({size}) is sealed here; the stick may go.",
    ),
    "sealing": ("正在加密保存 {name}  {bar}", "Sealing {name}  {bar}"),
    "sealing_wait": (
        "扫描件还在保存，保存好才能离开这一页，请稍候。",
        "The scan is still being sealed; this page can be left when it is done.",
    ),
    "problems": ("{count} 处需要改正，Enter 前往：", "{count} to mend; Enter goes there:"),
    "ready": ("可以提交：按 F9。", "Ready: press F9 to submit."),
    "submitted": ("已登记 {number}。", "Recorded: {number}."),
    "undone": ("已撤销：{field}", "Undone: {field}"),
    "nothing_to_undo": ("没有可撤销的改动。", "There is nothing to undo."),
    "abandoned_one": (
        "已放弃。Ctrl+Z 撤销；30 天内也可在草稿箱恢复。",
        "Abandoned. Ctrl+Z undoes; it can be restored for 30 days.",
    ),
    "restored_one": ("已恢复。", "Restored."),
    "who_received": ("签收人姓名", "Who received it"),
    "rating": ("评价 1 非常满意 … 5 非常不满意", "Rating, 1 very satisfied ... 5 very dissatisfied"),
    "note_text": ("备注内容", "Note"),
    "reason": ("理由", "Reason"),
    "contact_idle": ("按 Enter 与镇便民服务中心联络。", "Press Enter to meet the township."),
    "contact_working": (
        "正在联络……Esc 停止，已签收的不会丢。",
        "In contact... Esc stops; what was signed for stays.",
    ),
    "contact_done": ("联络完成。", "Contact done."),
    "contact_stopped": ("已停止，下次接着传。", "Stopped; the next contact goes on from here."),
    "contact_sent": (
        "已上传：{envelopes} 封、{chunks} 块附件、{size}",
        "sent: {envelopes} envelopes, {chunks} file parts, {size}",
    ),
    "contact_received": (
        "已接收：{envelopes} 封、{chunks} 块附件、{size}",
        "received: {envelopes} envelopes, {chunks} file parts, {size}",
    ),
    "stick_export": ("导出到U盘", "Export to a stick"),
    "stick_import": ("从U盘导入", "Import from a stick"),
    "stick_which": ("输入序号或路径（可粘贴）：", "number or path (paste it):"),
    "stick_none_found": (
        "没有找到U盘，请插好后再来，或输入路径（可粘贴）：",
        "no stick is found; plug one in and come again, or give a path:",
    ),
    "stick_working": (
        "正在读写U盘，请不要拔出……Esc 停止。",
        "Working on the stick, do not pull it out... Esc stops.",
    ),
    "stick_stopped": (
        "已停止。写完整的、已接收的都算数，没写完的文件已删去。可以拔出U盘，也可以按 Enter 再做一次。",
        "Stopped. What was written whole, or taken, counts; the unfinished file was removed. The stick may be "
        "removed, or press Enter to do it again.",
    ),
    "paste_too_long": (
        "粘贴后有 {count} 字，这里最多 {most} 字，没有粘贴。请分次粘贴或删减。",
        "With it there would be {count} characters, at most {most} fit here; nothing was pasted. Paste less.",
    ),
    "operator": ("操作员", "operator"),
    "pin": ("口令", "PIN"),
    "unlocking": ("正在打开……", "Opening..."),
    "doubt.look": (
        "刚才写盘的结果不明，数据库已重新打开。请看一看刚才的内容还在不在，不在再做一次。",
        "It was not clear whether the last write reached the disk; the database was opened anew. See whether what you "
        "did is there; if not, do it again.",
    ),
    "doubt.not_saved": (
        "刚才写盘的结果不明；数据库已重新打开，按编号查过：没有登记。草稿还在，请再提交一次。",
        "It was not clear whether the last write reached the disk. The database was opened anew and looked up by number: "
        "nothing was registered. The draft is here; submit it again.",
    ),
    "locked": ("长时间未操作，已锁屏，草稿已保存。", "Locked after a while without a key; drafts are saved."),
    "supplement_of": ("补正：", "To be supplied: "),
    "search_hint": (
        "姓名、证件号开头，或办件编号末几位",
        "name, start of the number, or end of the case number",
    ),
    "terminal_small": ("窗口太小，请放大到 80×24 以上。", "The window is too small; make it at least 80x24."),
    "help_text": (
        "F1 帮助   F2 新建   F3 搜索   F4 草稿   F5 同步   F6 待发   F9 核对、提交\n"
        "Ctrl+Z 撤销上一处改动   Ctrl+P 全部命令   Ctrl+L 锁屏   Esc 返回（已保存）\n\n"
        "填写：Enter 或 下箭头 到下一项，上箭头 到上一项，F8 下一页，F7 上一页。\n"
        "选择题按数字或左右键。表格按 Enter 添加或编辑一行，Delete 删除一行。\n"
        "每打一个字都已存盘，断电后从原处继续。离开一项时才检查，并说明怎样改正。\n\n"
        "材料：Enter 照单收齐，+ - 改原件数，[ ] 改复印件数，F 加扫描件，Delete 去掉。\n\n"
        "回执上的话：\n"
        "  已登记·仅本机  只有这台机器上有，请尽快同步\n"
        "  已转交         镇便民服务中心已签收\n"
        "  已受理         已正式受理，开始计算办理时限\n\n"
        "待发件：待上传 - 已送达镇 - 已送达市 - 已受理。\n"
        "没有线路时照常收件，线路恢复后自动上传。\n"
        "也可以用U盘：按 F5，再按 E 导出、I 导入。\n",
        "F1 help  F2 new  F3 search  F4 drafts  F5 contact  F6 outbox  F9 submit\n"
        "Ctrl+Z undo   Ctrl+P all commands   Ctrl+L lock   Esc back (all is saved)\n\n"
        "Filling in: Enter or Down to the next field, Up to the one before;\n"
        "F8 and F7 turn the page. Choices by digit or arrow. In a table Enter adds or\n"
        "edits a row, Delete removes it. Every key is saved as you type; after a power\n"
        "cut you go on where you were. A field is checked when you leave it, and you\n"
        "are told how to mend it.\n\n"
        "Materials: Enter takes what is asked, + - change originals, [ ] copies,\n"
        "F adds a scan, Delete drops one.\n\n"
        "Words on the slip:\n"
        "  recorded, on this device only   make contact soon\n"
        "  handed over                     the township has signed for it\n"
        "  accepted                        the time limit is running\n\n"
        "Outbox: waiting - received by the township - received by the city - accepted.\n"
        "Without a line you go on as usual; what waits is sent when the line is back,\n"
        "or goes by stick: F5, then E to export, I to import.\n",
    ),
}


_WORDS |= SERVICE_WORDS
_WORDS |= SETUP_WORDS | CARE_WORDS | DOCTOR_WORDS


def say(key: str, lang: str, **values: object) -> str:
    """The words under ``key`` here, or of :mod:`core.labels`."""
    if key in _WORDS:
        return _WORDS[key][lang == "en"].format(**values)
    # The shared labels bring every message of a case with them; the door has words of its own.
    from core.labels import label

    return label(key, lang, **values)


def has_words(key: str) -> bool:
    """Whether there are words under ``key`` here."""
    return key in _WORDS


def both(key: str) -> tuple[str, str]:
    """Chinese and English as they stand in the table, with the names of what is put in."""
    return _WORDS[key]


def keys() -> tuple[str, ...]:
    """Every key, for the test that both languages are whole."""
    return tuple(_WORDS)


def size(count: int) -> str:
    """``1.4 MB``: bytes for people."""
    if count < 1024:
        return f"{count} B"
    if count < 1 << 20:
        return f"{count / 1024:.0f} KB"
    return f"{count / (1 << 20):.1f} MB" if count < 1 << 30 else f"{count / (1 << 30):.1f} GB"


def painted(words: str) -> Content:
    """Words as a widget takes them: no markup, no glyph whose width consoles disagree about."""
    return Content(safe(words))
