"""The reconciliation sheet on the screen: the table, the fees and files, the receipts, and every difference."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.clock import from_iso, local
from core.identifiers import CaseId, NodeId, Tier, display_case_id, division_of, tier_of
from core.states import CLOSED, State
from core.workflow_names import state_name
from deploy.demo.handovers import CUSTODY
from deploy.demo.judge import Count, Row, Verdict, place, readers_of
from deploy.demo.scene import Scene

DIFFERENCES_SHOWN = 60


def show_sheet(console: Console, verdict: Verdict, lang: str) -> None:
    """Table, sums, and what does not agree."""
    zh = lang == "zh"
    console.print()
    console.print(
        Text(
            "对账单（各节点各读自己的账，逐件核对）"
            if zh
            else "Reconciliation (each node's own book, case by case)",
            "bold",
        )
    )
    console.print(_table(verdict.rows, lang))
    relayed = sum(
        row.relayed for row in verdict.rows if tier_of(division_of(NodeId(row.place))) is Tier.VILLAGE
    )
    console.print(_sums(verdict, relayed, lang), soft_wrap=True, highlight=False)
    for one in verdict.differences[:DIFFERENCES_SHOWN]:
        console.print(Text(f"✗ {one.text(lang)}", "red"), soft_wrap=True)
    more = len(verdict.differences) - DIFFERENCES_SHOWN
    if more > 0:
        console.print(f"  另有 {more} 处" if zh else f"  and {more} more")


def show_receipts(console: Console, verdict: Verdict, lang: str) -> None:
    """Every hand-over of every case with the receipt that proves it."""
    case = ""
    for one in sorted(verdict.handovers, key=lambda one: (one.case, one.at, one.kind != CUSTODY)):
        if one.case != case:
            case = one.case
            console.print(Text(f"\n{display_case_id(CaseId(case))}", "bold"))
        mark = "✓" if one.is_good else "✗"
        at = local(from_iso(one.at))[11:19] if one.at else "--:--:--"
        words = f"  {mark} {at}  {one.what(lang)}  {place(one.giver, lang)} -> {place(one.taker, lang)}  {one.kind_text(lang)}"
        console.print(Text(words, "" if one.is_good else "red"), soft_wrap=True)


def missing_words(scene: Scene, lang: str) -> list[str]:
    """For every application that has not ended: which, at whose desk, and which book lags."""
    words = []
    if not scene.plans:
        words.append("节点还没有装好，尚未开始收件" if lang == "zh" else "the nodes are not set up yet")
    handed_in = {plan.number for plan in scene.cases.values()}
    for plan in scene.plans:
        if plan.number not in handed_in:
            where = place(plan.village, lang)
            words.append(
                f"第 {plan.number} 件还没有在{where}收件"
                if lang == "zh"
                else f"No. {plan.number} was not handed in at {where}"
            )
    for case in scene.cases:
        words += _case_words(scene, case, lang)
    return words


def _case_words(scene: Scene, case: str, lang: str) -> list[str]:
    zh = lang == "zh"
    said = []
    for node in readers_of(case, scene.cases[case].item.confidential):
        entry = scene.entry(node, case)
        if entry is None:
            said.append(f"{place(node, lang)}{'还没有收到' if zh else ' does not have it'}")
        elif entry.state not in CLOSED:
            said.append(f"{place(node, lang)} {state_name(State(entry.state), lang)}")
        elif due := [file for file in entry.files if file.have < file.count]:
            said.append(f"{place(node, lang)} {'附件未到齐' if zh else 'files due'} {len(due)}")
    latest = scene.latest(case)
    if not said or latest is None:
        return []
    number, mark = display_case_id(CaseId(case)), "，" if zh else ", "
    if not latest.holder:
        return [f"{number} {'已办结，' if zh else 'closed, but: '}{mark.join(said)}"]
    desk = place(latest.holder, lang)
    words = f"在{desk}的桌上" if zh else f"at the desk of {desk}"
    return [f"{number} {words}（{mark.join(said)}）" if zh else f"{number} {words} ({mark.join(said)})"]


def _table(rows: tuple[Row, ...], lang: str) -> Table:
    zh = lang == "zh"
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    headings = (
        (
            "单位",
            "收件",
            "转报",
            "市收到",
            "受理",
            "退补",
            "不予受理",
            "撤回作废",
            "决定",
            "送达",
            "在途",
            "相符",
        )
        if zh
        else (
            "place",
            "in",
            "fwd",
            "recvd",
            "accept",
            "return",
            "refuse",
            "ended",
            "decide",
            "deliver",
            "transit",
            "level",
        )
    )
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=True)
    for row in sorted(rows, key=lambda row: row.place):
        table.add_row(*_row(row, lang))
    villages = [row for row in rows if tier_of(division_of(NodeId(row.place))) is Tier.TOWNSHIP]
    table.add_row(*_total(villages, lang))
    return table


def _row(row: Row, lang: str) -> list[Text]:
    is_village = tier_of(division_of(NodeId(row.place))) is Tier.VILLAGE
    name = ("  " if is_village else "") + place(row.place, lang).rpartition("·")[2]
    style = "" if is_village else "bold"
    cells = [str(row.village.taken_in), str(row.township.forwarded), str(row.city.taken_in)]
    cells += [
        _both(row, name_) for name_ in ("accepted", "returned", "refused", "ended", "decided", "delivered")
    ]
    cells.append(str(row.in_transit))
    mark = Text("✓", "green") if row.is_level else Text("✗", "bold red")
    return [Text(name, style), *(Text(cell, "red" if "/" in cell else style) for cell in cells), mark]


def _both(row: Row, name: str) -> str:
    """One number where the village's and the city's books agree, else ``village/city``."""
    ours, theirs = getattr(row.village, name), getattr(row.city, name)
    return str(ours) if ours == theirs else f"{ours}/{theirs}"


def _total(rows: list[Row], lang: str) -> list[Text]:
    sums = Row(
        "",
        _add(row.village for row in rows),
        _add(row.township for row in rows),
        _add(row.city for row in rows),
        0,
        sum(row.in_transit for row in rows),
        all(row.is_level for row in rows),
    )
    cells = [str(sums.village.taken_in), str(sums.township.forwarded), str(sums.city.taken_in)]
    cells += [
        _both(sums, name) for name in ("accepted", "returned", "refused", "ended", "decided", "delivered")
    ]
    mark = Text("✓", "green") if sums.is_level else Text("✗", "bold red")
    name = "合计" if lang == "zh" else "total"
    return [Text(name, "bold"), *(Text(cell, "bold") for cell in [*cells, str(sums.in_transit)]), mark]


def _add(counts: Iterable[Count]) -> Count:
    listed = list(counts)
    return Count(*(sum(getattr(one, name) for one in listed) for name in Count.__dataclass_fields__))


def _sums(verdict: Verdict, relayed: int, lang: str) -> str:
    billed, paid = f"{verdict.billed_fen / 100:.2f}", f"{verdict.paid_fen / 100:.2f}"
    good, needed = sum(one.is_good for one in verdict.handovers), len(verdict.handovers)
    size = f"{verdict.files_bytes / 1e6:.1f} MB"
    if lang == "zh":
        lines = (
            f"费用  应收 {billed} 元，实收 {paid} 元",
            f"附件  {verdict.files} 个，共 {size}，各级解密后与村里交来的核对 SHA-256",
            f"回执  应有 {needed} 份（逐手保管、各级入账），验签相符 {good} 份",
            f"保密  {relayed} 件，镇只过手，不能拆看，不在镇账",
        )
    else:
        lines = (
            f"Fees      {billed} yuan billed, {paid} paid",
            f"Files     {verdict.files} of {size}, decrypted at each tier, SHA-256 as handed in at the village",
            f"Receipts  {needed} needed (custody hand by hand, acceptance by each reader), {good} verified",
            f"Sealed    {relayed} confidential, relayed unread and not in a township's book",
        )
    return "\n".join(lines)
