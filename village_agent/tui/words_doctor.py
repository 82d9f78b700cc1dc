"""What to do about a finding of the doctor's for who sits before the terminal: keys and pages, a command only where there is no page.

The key is ``doctor_do.`` and the finding's code; a finding that stands not here says itself what to do.
"""

_MEET = (
    "按 F5 再按 Enter 联络一次；没有线路，就在那一页按 E 用U盘带出、按 I 带入。",
    "Press F5, then Enter, to make contact; without a line press E there to carry a stick out, I to bring one in.",
)
_DISK = (
    "删去这台电脑上不用的大文件（不要动数据目录），再按 R 重新检查；空间够了会自动恢复。",
    "Delete large files that nobody needs (never the data folder), then press R to look again; taking in resumes by itself.",
)
DOCTOR_WORDS: dict[str, tuple[str, str]] = {
    "doctor_do": ("怎么办：{words}", "What to do: {words}"),
    "doctor_do.node.not_enrolled": (
        "向市中心要注册码，然后按 Ctrl+P，选“加入本市”。加入并收到事项目录后才能收件。",
        "Ask the city centre for a code, then press Ctrl+P and choose Join the city. Cases can be taken in once the catalogue is here.",
    ),
    "doctor_do.node.code_gone": (
        "已登记的照常办。今后的新件请向市中心要新代码的注册码；换代码要另用一个数据目录，退出终端后运行 village-agent --data 新目录。",
        "Go on with what was taken in. For new cases ask the city centre for a code of the new division; it needs a folder of "
        "its own: leave the terminal and run village-agent --data FOLDER.",
    ),
    "doctor_do.clock.off": (
        "在这台电脑的系统设置里校准日期和时间，再按 R 重新检查。",
        "Set date and time in this computer's settings, then press R to look again.",
    ),
    "doctor_do.disk.full": _DISK,
    "doctor_do.disk.reserve_out": _DISK,
    "doctor_do.peer.never_met": _MEET,
    "doctor_do.peer.silent": _MEET,
    "doctor_do.line.down": (
        "可继续登记，线路恢复后自动上传。着急的，按 F5 再按 E 用U盘带出。",
        "Go on taking cases; they are sent later. If it is urgent press F5, then E, to carry them on a stick.",
    ),
    "doctor_do.backup.none": (
        "按 B 现在备份。终端开着过夜，会自动备份。",
        "Press B to back up now. If the terminal stays open over night, it is done by itself.",
    ),
    "doctor_do.backup.stale": (
        "按 B 现在备份；做不成的，先清理磁盘。终端开着过夜，会自动备份。",
        "Press B to back up now; if that fails, free some disk. If the terminal stays open over night, it is done by itself.",
    ),
    "doctor_do.scrub.stale": (
        "终端开着过夜，会自动核对。要马上核对，退出终端后运行 village-agent scrub。",
        "If the terminal stays open over night, it is done by itself. To do it now leave the terminal and run village-agent "
        "scrub.",
    ),
    "doctor_do.epoch.recovering": (
        f"{_MEET[0]}对方那台如已报废，先问市中心，再退出终端运行 village-agent epoch waive 和它的编号。",
        f"{_MEET[1]} If that machine is gone for good ask the city centre first, then leave the terminal and run village-agent "
        "epoch waive with its number.",
    ),
    "doctor_do.message.quarantined": (
        "多数会自动重试，不用管。总不消失的，把这一行告诉市中心；要人工放行，退出终端后运行 village-agent held 查看、"
        "village-agent release 编号。",
        "Most are tried again by themselves. If it stays, tell the city centre this line; to let it count by hand leave the "
        "terminal and run village-agent held to see it, village-agent release with its id.",
    ),
    "doctor_do.database.damaged": (
        "请不要再登记，保留原盘，告诉市中心。恢复要退出终端后运行 village-agent restore 和备份文件名。",
        "Take in nothing more, keep the disk and tell the city centre. To restore leave the terminal and run village-agent "
        "restore with the name of a copy.",
    ),
}
