"""What contact, sticks, the doctor's page, help and practice say, Chinese and English side by side."""

CARE_WORDS: dict[str, tuple[str, str]] = {
    "key.doctor": ("检查本机", "look for trouble"),
    "key.join": ("加入本市", "Join the city"),
    "key.other_path": ("输入路径", "type a path"),
    "key.try_again": ("再试", "try again"),
    "key.go_on_carrying": ("接着做", "go on"),
    "key.practice_reset": ("练习：从头开始", "Practice: begin anew"),
    "short.outbox.waiting": ("待上传", "waiting"),
    "short.outbox.at_township": ("已送达镇", "at the township"),
    "short.outbox.at_city": ("已送达市", "at the city"),
    "short.outbox.accepted": ("已受理", "accepted"),
    "short.outbox.attention": ("需处理", "needs attention"),
    "qr_needs_rows": (
        "二维码要 {needed} 行，窗口只有 {rows} 行。\n 请把窗口放大，或返回后打印回执。",
        "The QR needs {needed} rows, the window has {rows}.\n Make it larger, or go back and print\n the slip.",
    ),
    "operators": ("操作员", "Operators"),
    "key.operators": ("操作员和口令", "operators and PINs"),
    "key.remove_operator": ("移除", "remove"),
    "key.back_up": ("现在备份", "back up now"),
    "backing_up": ("正在备份，请稍候……", "Backing up, one moment..."),
    "backed_up": (
        "[好] 已备份到 {file}，并已读回核对。",
        "[good] Backed up to {file}, read again and found whole.",
    ),
    "operator_new": ("添加一名操作员", "Another operator"),
    "operator_new_pin": ("换口令：两遍新口令", "A new PIN, typed twice"),
    "operator_keeping": ("正在保存……", "Keeping it..."),
    "operator_kept": ("[好] {name} 的口令已设好。", "[good] The PIN of {name} is set."),
    "operator_removed": ("已移除 {name}。", "{name} is removed."),
    "operator_self": (
        "不能移除自己。请由另一名操作员打开后移除。",
        "You cannot remove yourself; let another operator do it.",
    ),
    "contact_with": (
        "对方：{name}（{node}）；{last}",
        "With {name} ({node}); {last}",
    ),
    "contact_nobody": (
        "还没有镇的地址，不能联络。请按 Ctrl+P，选“加入本市”，填好地址和注册码。",
        "There is no address of the township to meet. Press Ctrl+P, Join the city, and fill in address and code.",
    ),
    "contact_owed": ("等待上传：{parts}", "Waiting to go: {parts}"),
    "contact_sealed": (
        "{envelopes} 封、附件 {chunks} 块，约 {size}",
        "{envelopes} envelopes, {chunks} file parts, about {size}",
    ),
    "contact_new": ("新登记 {messages} 条", "new entries, {messages}"),
    "contact_nothing_owed": ("没有等待上传的。", "Nothing is waiting to go."),
    "contact_stopping": ("正在停下……已签收的不会丢。", "Stopping... what was signed for stays."),
    "contact_failed": (
        "按 Enter 再试。没有线路也可以用U盘：E 导出，I 导入；件都在本机，不会丢。",
        "Enter tries again. Without a line use a stick: E exports, I imports. Everything stays here until then.",
    ),
    "contact_paused": (
        "自动同步已暂停：只有在这里按 Enter，或用U盘，才与镇里联络。按 R 恢复。",
        "Automatic contact is paused: the township is met only when you press Enter here, or by stick. R resumes.",
    ),
    "waiting.practice": ("练习中的件不上传。", "Cases of a practice are not sent."),
    "waiting.paused": (
        "自动同步已暂停：按 F5 现在就传，或在那里按 R 恢复。",
        "Automatic contact is paused: F5 sends it now, R resumes there.",
    ),
    "waiting.failed": (
        "还没有传上去：{why}过一会儿自动再试；按 F5 现在就试，也可以在那里用U盘。",
        "Not sent yet: {why} It is tried again by itself; F5 tries now, or use a stick there.",
    ),
    "waiting.next": (
        "下一次同步时上传，最多等 {minutes} 分钟；按 F5 现在就传。",
        "It goes with the next contact, within {minutes} minutes; F5 sends it now.",
    ),
    "waiting.silent": (
        "最近没有与镇里联络。按 F5 现在联络，不成会说明原因，也可以在那里用U盘。",
        "There was no contact with the township lately. F5 makes one and says why if it fails; or use a stick there.",
    ),
    "contact_other_way": (
        "没有线路时：E 导出到U盘，I 从U盘导入。",
        "Without a line: E exports to a stick, I imports from one.",
    ),
    "stick_choose": ("选择U盘", "Choose the stick"),
    "stick_choose_out": (
        "把等待上传的写到哪个U盘？按数字，或上下键选好后按 Enter。",
        "Write what waits to which stick? A digit, or the arrows and Enter.",
    ),
    "stick_choose_in": (
        "从哪个U盘导入？按数字，或上下键选好后按 Enter。",
        "Import from which stick? A digit, or the arrows and Enter.",
    ),
    "stick_looking": ("正在看……", "looking..."),
    "stick_free": ("可用 {free}", "{free} free"),
    "stick_for_us": ("给本机的 {count} 个", "{count} for this machine"),
    "stick_ours": ("本机写的 {count} 个", "{count} of ours"),
    "stick_for_others": ("给别处的 {count} 个", "{count} for others"),
    "stick_cut": ("没复制完的 {count} 个", "{count} cut"),
    "stick_enrolment": ("注册文件 {count} 个", "{count} enrolment files"),
    "stick_foreign": ("别的文件 {count} 个", "{count} other files"),
    "stick_empty": ("没有数据包", "no bundles"),
    "stick_other": ("输入别的路径", "Type another path"),
    "stick_path": ("路径（可粘贴）", "Path (paste it)"),
    "stick_none": (
        "没有找到U盘。插好后稍等，这里会自动出现；也可以在下面输入路径（可粘贴），再按 Enter。",
        "No stick is found. Plug one in and it appears here; or type its path below (paste it) and press Enter.",
    ),
    "stick_may_go": ("[完成] 现在可以拔出U盘“{label}”。", "[done] The stick {label} may be pulled out now."),
    "stick_not_whole": (
        "[没有完成] 请看上面的说明；按 Enter 再做一次。",
        "[not done] See the words above; Enter does it again.",
    ),
    "stick_was_stopped": ("[已停止] 按 Enter 接着做。", "[stopped] Enter goes on."),
    "stick_stopping": (
        "正在停下，请先不要拔出……",
        "Stopping, do not pull it out yet...",
    ),
    "doctor": ("检查本机", "Looking for trouble"),
    "doctor_working": ("正在检查，请稍候……", "Looking, one moment..."),
    "doctor_good": ("[好]", "[good]"),
    "doctor_warn": ("[注意]", "[note]"),
    "doctor_bad": ("[问题]", "[trouble]"),
    "doctor_sum": (
        "{bad} 个问题，{warn} 个注意，{good} 项正常。",
        "{bad} in trouble, {warn} to note, {good} in order.",
    ),
    "help_keys": ("这一页的按键", "The keys of this page"),
    "help_everywhere": ("各页通用", "On every page"),
    "help.HomeScreen": (
        "首页：四个数字是草稿、待上传、在镇和市办理、退回本村的件数，按数字打开。有没填完的草稿时，第一行问要不要继续。",
        "Home: four numbers count the drafts, what waits to be sent, what township and city work on, and what came back; "
        "a digit opens each. An unfinished draft is offered in the first line.",
    ),
    "help.FindItemScreen": (
        "查找事项：输入事项编码、拼音首字母（如 lsjz）或名称，上下键选择，按 Enter 开始填写。",
        "Finding the item: type its code, pinyin initials (lsjz) or name, choose with the arrows, Enter begins.",
    ),
    "help.ApplicantScreen": (
        "申请人：证件号填完就检查，并显示生日、性别和本机上此人以前的件。打一个字存一个字。",
        "The applicant: a number is checked as you leave it, with birth date, sex and earlier cases on this device. Every "
        "key is saved.",
    ),
    "help.FormScreen": (
        "申请表：Enter 或下箭头到下一项，上箭头到上一项；选择题按数字；离开一项时才检查，并说明怎样改。",
        "The form: Enter or Down goes on, Up goes back; choices by digit; a field is checked when you leave it.",
    ),
    "help.MaterialsScreen": (
        "材料：Enter 照单收齐，+ 和 - 改原件数，[ 和 ] 改复印件数，F 加扫描件，Delete 去掉扫描件，Ctrl+Z 撤销。",
        "Materials: Enter takes what is asked, + and - change originals, [ and ] copies, F adds a scan, Delete drops one, "
        "Ctrl+Z undoes.",
    ),
    "help.CheckScreen": (
        "核对：先列出要改正的，Enter 前往那一项；没有要改的时候按 F9 提交。",
        "Checking: what is to be mended comes first, Enter goes there; F9 submits when nothing is left.",
    ),
    "help.SlipScreen": (
        "回执：交给申请人。上面的话只说到已经有凭据的程度：已登记·仅本机、已转交、已受理。Q 看二维码。",
        "The slip for the applicant. It says no more than is certain: recorded here alone, handed over, accepted. Q shows "
        "the QR.",
    ),
    "help.QrScreen": (
        "二维码：群众用手机扫一扫可查进度。",
        "The QR: scanned by telephone it shows the state.",
    ),
    "help.CasesScreen": (
        "办件列表：上下键选择，Enter 打开。搜索只查这台电脑上有的件。",
        "Cases: choose with the arrows, Enter opens. The search covers this device alone.",
    ),
    "help.CaseScreen": (
        "办件经过：经过哪些岗位、现在在谁手里、缺什么、还剩几天。能做的都在最下面一行。",
        "One case: the desks it passed, who holds it, what is missing, days left. What can be done stands below.",
    ),
    "help.DraftsScreen": (
        "草稿：Enter 接着填，D 放弃，A 看已放弃的（30 天内可恢复）。",
        "Drafts: Enter goes on, D abandons, A shows the abandoned ones (kept 30 days).",
    ),
    "help.ContactScreen": (
        "同步：打开就开始与镇里联络，Esc 停止，已签收的不会丢，下次接着传。没有线路用U盘：E 导出，I 导入。"
        "流量贵或线路要让给别人时按 P 暂停自动同步，最下面一行写着「已暂停」，R 恢复。",
        "Contact: it begins at once; Esc stops it, what was signed for stays, the next one goes on. Without a line: E to a "
        "stick, I from one. Where the line is dear or wanted by others, P pauses automatic contact (the bottom line says so), R "
        "resumes it.",
    ),
    "help.StickChoiceScreen": (
        "选择U盘：插好的会自动出现，右边写着上面有什么。也可以输入任何文件夹的路径。",
        "Choosing a stick: those plugged in appear by themselves with what is on them. Any folder's path may be typed.",
    ),
    "help.StickScreen": (
        "读写U盘：写完会重新读出核对，显示“可以拔出”才能拔。Esc 停止，Enter 接着做；U盘丢了也不要紧，本机一直留着。",
        "A stick: all is read back after writing; pull it out only when told. Esc stops, Enter goes on; a lost stick costs "
        "nothing, everything stays here.",
    ),
    "help.CommandsScreen": (
        "命令：上下键选择，Enter 执行。",
        "Commands: choose with the arrows, Enter does it.",
    ),
    "help.DoctorScreen": (
        "检查本机：数据库、磁盘、证书、时间、线路、备份逐项检查，最要紧的在前，每条下面写明按什么键、到哪一页去办。R 再查一遍，B 现在备份。",
        "Looking for trouble: database, disk, certificate, clock, line and copies, the worst first; below each stands which "
        "keys and pages mend it. R looks again, B backs up.",
    ),
    "help.ResultsScreen": (
        "结果：已经办好、等着送到申请人手里的件。Enter 打开。",
        "Results: what is decided and waits to be handed over. Enter opens.",
    ),
    "help.HandOverScreen": (
        "送达：记下谁签收、与申请人什么关系、什么时候；打印送达回证请申请人签名。",
        "Handing over: who received it, how related, when; print the receipt for the signature.",
    ),
    "help.RateScreen": (
        "评价：请申请人自己选，1 非常满意到 5 非常不满意，可以加一句话。",
        "Rating: the applicant chooses, 1 very satisfied to 5 very dissatisfied, with a word if wanted.",
    ),
    "help.AppointmentsScreen": (
        "预约和上门：按日期列出，Enter 打开，到了就记下结果。",
        "Appointments and visits by date: Enter opens one, note what came of it.",
    ),
    "help.ConsultationsScreen": (
        "群众咨询：记下问题带到镇里，答复回来也在这里。Enter 打开。",
        "Questions of citizens: passed on to the township, the answers come back here. Enter opens.",
    ),
    "help.ConsultationScreen": (
        "一条咨询：问的什么，谁答复了什么，有没有转告本人。",
        "One question: what was asked, who answered what, whether the citizen was told.",
    ),
    "help.ServiceForm": (
        "登记：Enter 到下一项，每个字都已保存；F9 或最后一行登记，有要改的会说明怎样改。",
        "Writing down: Enter goes to the next field, every key is saved; F9 or the last line ends it, and what is to be "
        "mended is said.",
    ),
    "help.PeopleScreen": (
        "以前来过的人：选中后填入申请人，再核对证件。",
        "People who came before: choosing one fills in the applicant; check the card again.",
    ),
    "help.ScansScreen": (
        "扫描文件夹：新扫的在最前，Enter 选入当前的材料。",
        "The scanner's folder, the newest first: Enter takes one for the material at hand.",
    ),
    "help.OperatorsScreen": (
        "操作员：Enter 给选中的人换口令，最后一行添加一人，Delete 移除。忘了口令的人由另一人在这里重新设置。",
        "Operators: Enter gives a new PIN, the last line adds somebody, Delete removes. Who forgot a PIN gets a new one here.",
    ),
    "help.HelpScreen": ("帮助：Esc 回到原来的页面。", "Help: Esc goes back to where you were."),
    "help.other": ("能用的按键都在最下面一行。", "The keys that do something stand in the last line."),
    "practice.mark": ("练习", "PRACTICE"),
    "practice.no_contact": (
        "练习时不联络任何人，也不能导出、导入：里面的人和件都是虚构的，不会离开这台电脑。",
        "In practice nobody is met and nothing is exported or imported: its people and cases are invented and stay here.",
    ),
    "practice.no_lock": (
        "练习没有口令，不锁屏。真正使用时 Ctrl+L 会锁上，用口令打开。",
        "Practice has no PIN and no lock. In real use Ctrl+L locks, and the PIN opens.",
    ),
    "guide": ("练习提示：{words}", "What to do: {words}"),
    "guide.HomeScreen": (
        "按 F2 新建一件申请。",
        "Press F2 for a new application.",
    ),
    "guide.HomeScreen.after": (
        "做成了一件！再按 4 看退回本村的件；想从头练，按 Ctrl+P。",
        "The first is done! Press 4 for what came back; Ctrl+P begins anew.",
    ),
    "guide.FindItemScreen": (
        "打 lsjz（临时救助的拼音首字母），再按 Enter。",
        "Type lsjz (the initials of temporary assistance), then Enter.",
    ),
    "guide.name": ("打一个姓名，比如 王练习，按 Enter。", "Type a name, for example Wang, and press Enter."),
    "guide.id_type": ("证件类型不用改，按 Enter。", "The kind of document is right: press Enter."),
    "guide.id_no": (
        "打这个练习号码 {number}，按 Enter。",
        "Type this number for practice: {number}, then Enter.",
    ),
    "guide.mobile": ("打 13800000000，按 Enter。", "Type 13800000000, then Enter."),
    "guide.village_code": ("村已经填好，按 Enter。", "The village is filled in: press Enter."),
    "guide.address": ("打住址，比如 一组，按 Enter。", "Type an address, for example No. 1, then Enter."),
    "guide.agent_name": (
        "本人来办就空着，按 F8 到下一页。",
        "Leave it empty if the applicant came; F8 turns the page.",
    ),
    "guide.delivery": ("不用改，按 F8 到下一页。", "It is right: press F8 for the next page."),
    "guide.ApplicantScreen": (
        "不用填的直接按 Enter；都填好了按 F8。",
        "Enter skips what may be empty; F8 when done.",
    ),
    "guide.FormScreen": (
        "选择题按数字，其余打字，Enter 到下一项；填完按 F8。",
        "Digits choose, the rest is typed, Enter goes on; F8 when done.",
    ),
    "guide.MaterialsScreen": (
        "每一样按 Enter 表示收齐；都收了按 F9 核对。",
        "Enter takes each material in; then F9 to check.",
    ),
    "guide.CheckScreen": ("没有要改的了，按 F9 提交。", "Nothing is left to mend: press F9 to submit."),
    "guide.CheckScreen.problems": (
        "带 ! 的要改正：上下键选中，按 Enter 前往。",
        "Mend what has a !: choose it and press Enter.",
    ),
    "guide.SlipScreen": (
        "这就是给群众的回执。按 Q 看二维码，按 Esc 返回。",
        "This is the slip for the applicant. Q shows the QR, Esc goes back.",
    ),
    "guide.CasesScreen": ("上下键选一件，按 Enter 打开。", "Choose one with the arrows, Enter opens it."),
    "guide.CaseScreen": ("看完按 Esc 返回。", "Esc goes back."),
    "guide.CaseScreen.supplement": (
        "镇里要求补正：按 B，光标就停在要补的那一项。",
        "The township asks for more: B opens the field in question.",
    ),
    "guide.CaseScreen.deliver": (
        "已经办好：按 D 登记送到申请人手里。",
        "It is decided: D records that it was handed over.",
    ),
    "guide.HandOverScreen": ("填好签收人，按 F9 登记送达。", "Fill in who received it, F9 records it."),
    "guide.RateScreen": (
        "请申请人自己按 1 到 5 中的一个数字。",
        "The applicant presses one of the digits 1 to 5.",
    ),
    "guide.ResultsScreen": ("选一件，按 Enter 打开。", "Choose one, Enter opens it."),
    "guide.DraftsScreen": ("选一份草稿，按 Enter 接着填。", "Choose a draft, Enter goes on with it."),
    "guide.other": ("按 Esc 返回。", "Esc goes back."),
}
