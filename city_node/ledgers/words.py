"""What the report says."""

from core.desk.sections import Words

WORDS: Words = {
    "nav.reports": ("统计", "Reports"),
    "reports.title": ("办件统计", "Reports"),
    "reports.total": ("合计", "Total"),
    "reports.by": ("分组", "Grouped by"),
    "reports.by_month": ("受理月份", "Month of acceptance"),
    "reports.by_region": ("镇街", "Township"),
    "reports.by_department": ("部门", "Department"),
    "reports.by_item": ("事项", "Item"),
    "reports.by_node": ("登记网点", "Where it was registered"),
    "reports.accepted": ("受理", "Accepted"),
    "reports.completed": ("办结", "Completed"),
    "reports.completed_share": ("办结率", "Completed %"),
    "reports.late": ("超时", "Late"),
    "reports.in_time": ("按时办结", "In time"),
    "reports.in_time_share": ("按时率", "In time %"),
    "reports.delivered": ("已送达", "Delivered"),
    "reports.open": ("在办", "Open"),
    "reports.used_s": ("平均用时（计时内）", "Average of the limit used"),
    "reports.transit_s": ("平均在途", "Average in transit"),
    "reports.bill_fen": ("应收（元）", "Billed (yuan)"),
    "reports.paid_fen": ("已收（元）", "Paid (yuan)"),
    "reports.satisfied_share": ("满意率", "Satisfied %"),
    "reports.handed_in": ("收件", "Handed in"),
    "reports.chart_volume": ("受理量", "Cases accepted"),
    "reports.chart_handed_in": ("收件量（按登记月份）", "Cases handed in, by month"),
    "reports.chart_transit": ("平均在途（小时）", "Average in transit (hours)"),
    "reports.none": ("这段时间没有受理办件。", "No case was accepted in this time."),
    "reports.since_first": ("最早的办件登记于 {day}。", "The first case was registered on {day}."),
}
