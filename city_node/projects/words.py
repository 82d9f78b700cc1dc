"""What the pages of parallel approval say."""

from core.desk.sections import Words

WORDS: Words = {
    "nav.projects": ("并联", "Projects"),
    "projects.title": ("并联审批", "Parallel approval"),
    "projects.new": ("新建项目", "New project"),
    "projects.name": ("项目名称", "Name of the project"),
    "projects.kind": ("类别", "Kind"),
    "projects.none": ("还没有项目。", "There is no project yet."),
    "projects.stage": ("进展", "Stage"),
    "projects.counts": (
        "已受理 {accepted}，已决定 {decided}，共 {all} 件",
        "{accepted} accepted, {decided} decided of {all}",
    ),
    "projects.due": ("共同时限", "Joint limit"),
    "projects.bill": ("联审收费（应收/已收）", "One bill (billed / paid)"),
    "projects.start": ("同时受理全部申请", "Accept all applications together"),
    "projects.add": ("加入申请", "Add an application"),
    "projects.meetings": ("联审会议", "Joint meetings"),
    "projects.no_meetings": ("还没有开过联审会议。", "No joint meeting yet."),
    "projects.attendees": ("参加人", "Who took part"),
    "projects.minutes": ("纪要（写入每一件）", "Minutes (a note on every case)"),
    "projects.meet": ("记录会议", "Record a meeting"),
    "projects.cases": ("各部门办件", "Cases of the departments"),
    "projects.complete": ("本类别的事项都已加入。", "Every item of this kind has been added."),
    "stage.gathering": ("收件中", "gathering"),
    "stage.running": ("并联审批中", "running"),
    "stage.granted": ("全部准予", "all granted"),
    "stage.denied": ("未全部准予", "not all granted"),
}
