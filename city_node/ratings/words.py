"""What the page of ratings says."""

from core.desk.sections import Words

WORDS: Words = {
    "nav.ratings": ("评价", "Ratings"),
    "ratings.title": ("满意度评价", "Ratings"),
    "ratings.by_department": ("部门", "Department"),
    "ratings.by_origin": ("登记网点", "Place of registration"),
    "ratings.none": ("这段时间没有评价。", "No ratings in this time."),
    "ratings.period": ("统计时段", "Period"),
    "ratings.month": ("本月", "This month"),
    "ratings.year": ("本年", "This year"),
    "ratings.all": ("全部", "All"),
    "ratings.show": ("查看", "Show"),
    "ratings.chart": ("各等级评价数", "Ratings by level"),
    "ratings.count": ("评价数", "Ratings"),
    "ratings.content": ("好评率", "Favourable (the first three)"),
    "ratings.sum": ("合计", "All together"),
}
