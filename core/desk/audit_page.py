"""Who did what: a search through the log that cannot be edited unseen."""

from datetime import timedelta
from urllib.parse import urlencode

from core.clock import iso
from core.desk.context import AuditWanted
from core.desk.days import midnight_of
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit

PAGE, SHEET_MAX = 100, 10_000
COLUMNS = (
    Column("number", "行号", "line", Kind.COUNT),
    Column("at", "时间", "at", Kind.TIME),
    Column("actor", "人员", "who"),
    Column("action", "操作", "action"),
    Column("subject", "对象", "subject"),
    Column("detail", "细节", "detail"),
)


def audit_page(visit: Visit) -> Answer:
    """Lines that match, the newest first; each search is itself a line of the log."""
    chosen = {name: visit.query(name).strip() for name in ("actor", "action", "subject", "since", "until")}
    as_sheet = visit.query("format") == "xlsx"
    before = visit.query("before")
    wanted = AuditWanted(
        actor=chosen["actor"],
        action=chosen["action"],
        subject=chosen["subject"],
        since=_day(chosen["since"], 0),
        until=_day(chosen["until"], 1),
        before=int(before) if before.isdigit() and len(before) < 16 else None,
        limit=SHEET_MAX if as_sheet else PAGE + 1,
    )
    context = visit.context
    with context.db.reading() as tx:
        rows = list(context.audit_lines(tx, wanted))
    if any(chosen.values()) or as_sheet:
        asked = {f"by_{name}": value[:60] for name, value in chosen.items() if value}
        with context.db.transaction() as tx:
            context.audit(tx, actor=visit.signed_in.officer.id, action="audit.searched", **asked)
    table = Table("audit", "审计日志", "Audit log", COLUMNS, rows if as_sheet else rows[:PAGE])
    if as_sheet:
        return visit.spreadsheet(table)
    kept = {name: value for name, value in chosen.items() if value}
    more = urlencode(kept | {"before": rows[PAGE - 1]["number"]}) if len(rows) > PAGE else ""
    return visit.page(
        "audit.html", sheet=table, chosen=chosen, more=f"?{more}" if more else "", kept=urlencode(kept)
    )


def _day(text: str, plus: int) -> str:
    return iso(midnight_of(text, "audit.date") + timedelta(days=plus)) if text else ""
