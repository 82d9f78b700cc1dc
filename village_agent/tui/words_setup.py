"""What the first run says, Chinese and English side by side; joined to the other words by :mod:`village_agent.tui.words`."""

SETUP_WORDS: dict[str, tuple[str, str]] = {
    "setup": ("初次设置", "First set-up"),
    "setup.step": ("{title} {number}/{count}  {step}", "{title} {number}/{count}  {step}"),
    "setup.language": ("语言", "Language"),
    "setup.frame": ("看一看边框", "Does the frame line up?"),
    "setup.typing": ("试一试输入法", "Does the input method work?"),
    "setup.machine": ("检查磁盘", "The disk"),
    "setup.clock": ("核对时间", "The clock"),
    "setup.village": ("哪个村", "Which village"),
    "setup.address": ("镇便民服务中心的地址", "The township's address"),
    "setup.operator": ("操作员和口令", "Operator and PIN"),
    "setup.join": ("加入本市", "Join the city"),
    "setup.done": ("设置完成", "Set up"),
    "key.next_step": ("下一步", "next"),
    "key.step_back": ("上一步", "step back"),
    "key.skip": ("跳过", "skip"),
    "key.by_stick": ("用U盘加入", "join by stick"),
    "key.later": ("以后再加入", "join later"),
    "key.practise": ("先练习", "practise first"),
    "key.language": ("English", "Chinese"),
    "key.home": ("进入首页", "go to the home page"),
    "setup.language_text": (
        "欢迎使用联动村级代办终端。设置分十步，大约五分钟；每一步都可以按 Esc 退回，"
        "中途断电也会从这一步继续。\n"
        "手边请准备好市中心发的通知单：村代码、镇的地址、注册码。\n\n"
        "请选择语言 / Choose your language:",
        "Welcome to the Liandong village agent. There are ten steps, about five minutes; Esc goes back one, and after a "
        "power cut you go on at the same one.\n"
        "Have the note of the city centre at hand: the village's code, the township's address, the one-time code.\n\n"
        "Choose your language:",
    ),
    "setup.frame_text": (
        "下面方框右边的竖线，是不是上下对齐成一条直线？",
        "Do the bars at the right of this frame stand in one straight line?",
    ),
    "setup.frame_yes": ("对齐了", "Yes, they do"),
    "setup.frame_no": ("没有对齐", "No, they do not"),
    "setup.frame_anyway": ("改不了，先这样用", "It cannot be mended now, go on"),
    "setup.frame_mend": (
        "请这样改：Windows 请用“Windows Terminal”，字体选“新宋体”或“NSimSun”；Linux 请把终端字体换成等宽中文字体，"
        "并确认语言环境是 UTF-8。改好后再看一遍。",
        "On Windows use Windows Terminal with the font NSimSun; on Linux choose a monospaced font with Chinese and make "
        "sure that the locale is UTF-8. Then look again.",
    ),
    "setup.typing_text": (
        "请打开输入法，打两个汉字（比如“你好”），再按 Enter。",
        "Switch the input method on, type two Chinese characters and press Enter.",
    ),
    "setup.typing_label": ("汉字", "Characters"),
    "setup.typing_good": ("收到：{text}", "Arrived: {text}"),
    "setup.machine_working": ("正在检查磁盘……", "Looking at the disk..."),
    "setup.machine_folder": ("数据目录：{folder}", "Data folder: {folder}"),
    "setup.machine_written": (
        "[好] 写入 1 MB 并重新读出，内容一致。",
        "[good] 1 MB was written and read back unchanged.",
    ),
    "setup.machine_free": (
        "[好] 可用空间 {free}，够用。",
        "[good] {free} are free, which is enough.",
    ),
    "setup.machine_little": (
        "[注意] 可用空间只有 {free}，少于 {least} 时不能收件。请清理磁盘；也可以先继续。",
        "[note] Only {free} are free; below {least} nothing can be taken in. Free some space; you may go on.",
    ),
    "setup.machine_bad": ("[问题] {why}", "[trouble] {why}"),
    "setup.machine_go_on": ("按 Enter 继续。", "Press Enter to go on."),
    "setup.clock_now": (
        "这台电脑上现在是：\n\n    {time}  {weekday}（北京时间）\n",
        "This computer says that it is:\n\n    {time}  {weekday} (Beijing time)\n",
    ),
    "setup.clock_ask": (
        "请与手机对一对。相差不超过五分钟就算对；加入本市时还会自动与镇里核对一次。",
        "Compare it with your telephone. Up to five minutes do no harm; it is compared with the township's when you join.",
    ),
    "setup.clock_yes": ("对", "It is right"),
    "setup.clock_no": ("不对", "It is not"),
    "setup.clock_anyway": ("现在改不了，先继续", "It cannot be set now, go on"),
    "setup.clock_mend": (
        "请在系统的“日期和时间”里改好（时区选“北京”），再回来看这一页；时间不对，办理时限就算不准。",
        "Set it in the system's date and time (time zone Beijing) and look again; with a wrong clock legal limits are "
        "counted wrongly.",
    ),
    "setup.clock_odd": (
        "年份 {year} 明显不对。请先在系统的“日期和时间”里改好，再选“对”。",
        "The year {year} cannot be right. Set the system's date and time first, then choose the first answer.",
    ),
    "weekday.1": ("星期一", "Monday"),
    "weekday.2": ("星期二", "Tuesday"),
    "weekday.3": ("星期三", "Wednesday"),
    "weekday.4": ("星期四", "Thursday"),
    "weekday.5": ("星期五", "Friday"),
    "weekday.6": ("星期六", "Saturday"),
    "weekday.7": ("星期日", "Sunday"),
    "setup.village_text": (
        "输入村（社区）的 12 位代码，或输入村名查找，用上下键选中后按 Enter。本村的第二台电脑在代码后加 -2。",
        "Type the village's code of 12 digits, or its name, choose with the arrows and press Enter. "
        "A second computer of the same village adds -2 to the code.",
    ),
    "setup.village_label": ("村代码或村名", "Code or name"),
    "setup.village_more": ("找到 {count} 个，请再多输几个字。", "{count} found; type more of the name."),
    "setup.village_none": (
        "没有找到这样的村。请核对通知单上的代码或村名；不在区划表中的代码不能使用。",
        "No village is found. Check the code or name on the note; a code that is not in the table cannot be used.",
    ),
    "setup.address_text": (
        "请照通知单输入镇便民服务中心的地址，如 10.20.30.40。不写端口就是 {contact}。"
        "注册地址一般不用填：空着就用同一台主机的 {enrol} 端口。",
        "Type the township's address from the note, for example 10.20.30.40. Without a port it is {contact}. "
        "The enrolment address is mostly left empty: port {enrol} of the same machine.",
    ),
    "setup.address_contact": ("地址", "Address"),
    "setup.address_enrol": ("注册地址（可空）", "Enrolment address"),
    "setup.address_without": (
        "没有地址就不能与镇里联络，也不能加入本市。现在不知道可以按 F8 跳过，以后再填。",
        "Without an address the township cannot be met and the city cannot be joined. If you do not know it now, F8 goes "
        "on; it can be filled in later.",
    ),
    "setup.operator_text": (
        "口令打开本机的数据：{least} 至 {most} 位，不能全相同或连续（如 111111、123456）。"
        "口令不会显示，也不会保存在任何地方，请记牢。",
        "The PIN opens the data here: {least} to {most} characters, not all the same, not in a row (111111, 123456). "
        "It is not shown and kept nowhere; remember it well.",
    ),
    "setup.operator_known": (
        "上次已经为 {name} 设好口令，只差最后一步。请输入那个口令继续。",
        "The PIN of {name} was chosen before and one step is left. Enter that PIN to go on.",
    ),
    "setup.operator_set": (
        "操作员 {name} 的口令已设好。要换就输入新的，不换就空着，按 Enter 继续。",
        "The PIN of {name} is set. Type a new one to change it, or leave it empty, and press Enter.",
    ),
    "setup.operator_name": ("姓名", "Name"),
    "setup.operator_pin": ("口令", "PIN"),
    "setup.operator_again": ("再输一遍", "Once more"),
    "setup.founding": (
        "正在建立本机的加密数据库，请稍候……",
        "Setting up the encrypted database of this machine, one moment...",
    ),
    "setup.join_text": (
        "请输入市中心发的一次性注册码（五组，每组五个字符；大小写、空格和横线都不要紧）。"
        "有线路按 Enter；没有线路按 F7，用U盘加入。没有注册码，可以按 F8 以后再加入。",
        "Type the one-time code from the city centre (five groups of five; case, spaces and dashes do not matter). "
        "With a line press Enter; without one F7 joins by a stick. Without a code, F8 joins later.",
    ),
    "setup.join_label": ("注册码", "Code"),
    "setup.join_as": ("本机：{node} {name}", "This machine: {node} {name}"),
    "setup.join_no_address": (
        "还没有填镇的地址，不能通过线路加入。按 F7 用U盘加入；按 Esc 退回去填地址，或按 F8 以后再加入。",
        "The township's address is not filled in, so this machine cannot join over a line. F7 joins by a stick, Esc goes back "
        "to the address, F8 joins later.",
    ),
    "setup.join_stick": ("用U盘加入本市", "Join the city by a stick"),
    "setup.join_which_stick": (
        "市中心写了注册通知（或答复）的是哪个U盘？按数字，或上下键选好后按 Enter。",
        "Which stick has the city's notice (or its answer)? A digit, or the arrows and Enter.",
    ),
    "setup.join_at_stick": (
        "正在读写U盘，请不要拔出……",
        "Working on the stick, do not pull it out...",
    ),
    "setup.join_waiting": (
        "本机已申请加入（注册码 {code}-…）。市里的答复带回后，插好U盘，输入同一个注册码，按 F7。",
        "This machine has applied (code {code}-...). When the city's answer is back, plug the stick in, type the same code and "
        "press F7.",
    ),
    "setup.join_spoilt": ("[注意] U盘上的“{name}”：{why}", "[note] {name} on the stick: {why}"),
    "setup.join_refused": ("[问题] {why}", "[trouble] {why}"),
    "setup.join_pull_out": ("现在可以拔出U盘“{label}”。", "The stick {label} may be pulled out now."),
    "setup.join_applied": (
        "[好] 注册申请已写在U盘“{label}”上，并已重新读出核对。现在可以拔出。",
        "[good] The application is on the stick {label} and was read back. It may be pulled out now.",
    ),
    "setup.join_carry": (
        "请把U盘带到市中心办理。带回后插好，按 Ctrl+P，选“加入本市”，再按 F7。",
        "Carry it to the city centre. When it is back, plug it in, press Ctrl+P, choose Join the city, then F7.",
    ),
    "setup.join_keep_code": (
        "注册码（{code}-…）请收好，那时还要输入一次。",
        "Keep the code ({code}-...): it is asked for once more then.",
    ),
    "setup.join_introduced": (
        "[好] 给镇里的第一个数据包也写在U盘“{label}”上。现在可以拔出。",
        "[good] The first bundle for the township is on the stick {label} too. It may be pulled out now.",
    ),
    "setup.join_to_township": (
        "请把U盘带到镇便民服务中心导入。带回后在首页按 F5，再按 I 导入：收到事项目录就能收件。",
        "Have the stick imported at the township. When it is back press F5 and then I on the home page: with the catalogue "
        "cases can be taken in.",
    ),
    "setup.join_not_introduced": (
        "[注意] U盘没有写完：{why} 稍后在首页按 F5，再按 E 导出，带到镇便民服务中心。",
        "[note] The stick was not finished: {why} Press F5 and then E on the home page later, and carry it to the township.",
    ),
    "setup.join_by_hand": (
        "没有填镇的地址：在首页按 F5，再按 E 导出到U盘，带到镇便民服务中心导入；带回后按 I 导入。",
        "There is no address of the township: press F5 and then E on the home page, have the stick imported there, and press I "
        "when it is back.",
    ),
    "setup.join_enrolling": ("正在向市中心申请加入……", "Asking the city centre..."),
    "setup.join_meeting": (
        "已加入。正在与镇里第一次同步，收取事项目录……",
        "Joined. Meeting the township for the first time to fetch the catalogue...",
    ),
    "setup.joined": ("[好] 本机已加入本市。", "[good] This machine has joined the city."),
    "setup.join_met": (
        "[好] 第一次同步完成，事项目录第 {version} 版。",
        "[good] The first contact is done; catalogue {version}.",
    ),
    "setup.join_no_catalogue": (
        "[注意] 第一次同步完成，但镇里还没有事项目录；收到目录以后才能收件，稍后按 F5 再同步。",
        "[note] The first contact is done, but there is no catalogue yet; press F5 later, it is needed to take in cases.",
    ),
    "setup.join_not_met": (
        "[注意] 第一次同步没有成功：{why} 稍后在首页按 F5 再试，收到事项目录才能收件。",
        "[note] The first contact failed: {why} Press F5 on the home page later; the catalogue is needed to take in cases.",
    ),
    "setup.clock_good": (
        "[好] 本机时间与镇里相差 {span}。",
        "[good] This clock and the township's differ by {span}.",
    ),
    "setup.clock_unknown": (
        "[注意] 这次没有核对到时间，下次同步时再核对。",
        "[note] The clock could not be compared this time; the next contact does.",
    ),
    "setup.clock_behind": (
        "[问题] 本机时间慢了 {span}，办理时限会算错。请在系统里改好时间，再按 Enter 核对；也可以按 F8 先继续。",
        "[trouble] This clock is {span} slow, so limits are counted wrongly. Set it and press Enter to compare again; "
        "F8 goes on.",
    ),
    "setup.clock_ahead": (
        "[问题] 本机时间快了 {span}，办理时限会算错。请在系统里改好时间，再按 Enter 核对；也可以按 F8 先继续。",
        "[trouble] This clock is {span} fast, so limits are counted wrongly. Set it and press Enter to compare again; "
        "F8 goes on.",
    ),
    "span.seconds": ("{count} 秒", "{count} s"),
    "span.minutes": ("{count} 分钟", "{count} min"),
    "span.hours": ("{count} 小时", "{count} h"),
    "span.days": ("{count} 天", "{count} days"),
    "setup.done_text": (
        "请记住三件事：\n\n"
        "一、口令找不回来。请尽快再加一名操作员（如村支书）：按 Ctrl+P，选“操作员和口令”。有人忘了口令时，由另一人打开，"
        "替他重新设置。连续输错会要求等待。\n\n"
        "二、还没有上传的件只在这台电脑上。有线路时请同步，没有线路时用U盘。\n\n"
        "三、电脑夜里开着，会自动备份到数据目录的 backups，备份同样是加密的。",
        "Three things to remember:\n\n"
        "1. A forgotten PIN cannot be found again. Add a second operator soon (Ctrl+P, operators and PINs): whoever forgets "
        "a PIN has it set anew by the other.\n\n"
        "2. What has not been sent is on this computer alone. Meet the township by line, or by a stick.\n\n"
        "3. Left on at night, it copies itself to backups in the data folder, encrypted.",
    ),
    "setup.done_later": (
        "[注意] 本机还没有加入本市：没有事项目录，不能收件，也不能上传。"
        "拿到注册码后按 Ctrl+P，选“加入本市”。在那之前可以先练习（F9）。",
        "[note] This machine has not joined the city: there is no catalogue, so nothing can be taken in or sent. "
        "When you have the code, press Ctrl+P and choose Join the city. Until then you may practise (F9).",
    ),
    "setup.done_applied": (
        "[注意] 本机已申请加入本市，等市里的答复；在那之前还不能收件、上传。U盘带回后按 Ctrl+P，选“加入本市”，"
        "输入同一个注册码，按 F7。等的时候可以先练习（F9）。",
        "[note] This machine has applied and the city's answer is not here yet; until then nothing can be taken in or sent. "
        "When the stick is back, press Ctrl+P, choose Join the city, type the same code and press F7. Meanwhile you may "
        "practise (F9).",
    ),
    "join_applied": (
        "本机已申请加入本市，等市里的答复。U盘带回后，按 Ctrl+P，选“加入本市”。",
        "This machine has applied to join the city. When the stick is back with the answer: Ctrl+P, Join the city.",
    ),
    "not_joined": (
        "本机还没有加入本市，不能收件、上传。拿到注册码后按 Ctrl+P，选“加入本市”。",
        "This machine has not joined the city; nothing can be taken in or sent. With the code: Ctrl+P, Join the city.",
    ),
    "already_joined": ("本机已经加入本市，不用再加入。", "This machine has joined the city already."),
}
