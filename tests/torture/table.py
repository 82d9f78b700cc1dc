"""The report for people, and as JSON."""

from collections.abc import Mapping
from typing import Any

from tests.torture.judge import ALTERED, DOUBLED, LOST, STRANGE
from tests.torture.run import Report

WORST_MAX = 30


def table(report: Report) -> str:
    """What was acknowledged to people, and what was found at the city."""
    tally, verdict = report.tally, report.verdict
    rows = [
        ("种子 seed", str(report.seed)),
        ("章节 chapters", ", ".join(report.chapters)),
        *_counts("杀进程 killed -9", tally.kills),
        *_counts("断线 line", report.cuts),
        *_counts("拒绝 refused", tally.refusals),
        *_counts("自行退出 ended by itself", tally.ended),
        *_counts("查对 looked up", tally.found_after),
        *_counts("命令 commands", tally.commands),
        ("已告知 acknowledged", str(verdict.acknowledged)),
        ("市里查到 found at the city", str(verdict.found)),
        ("未打印已登记 recorded, never printed", str(verdict.silent)),
        ("丢失 lost", str(verdict.count(LOST))),
        ("重复 doubled", str(verdict.count(DOUBLED))),
        ("走样 altered", str(verdict.count(ALTERED))),
        ("来历不明 strange", str(verdict.count(STRANGE))),
        ("用时 took", f"{report.took_s:.0f} s, quiet {report.settled_s:.0f} s after healing"),
    ]
    lines = [f"{name}: {value}" for name, value in rows]
    lines += [f"  {words}" for words in tally.notes]
    if tally.unworded_count:
        lines.append(f"无提示语退出 ended without words: {tally.unworded_count}")
        lines += [f"  {words}" for words in tally.unworded[:WORST_MAX]]
    wrong = [f"{one.kind}: {one.what}" for one in verdict.violations]
    wrong += tally.broken + [f"still open: {words}" for words in report.open]
    wrong += [f"doctor: {words}" for words in report.doctor]
    lines += [f"✗ {words}" for words in wrong[:WORST_MAX]]
    if len(wrong) > WORST_MAX:
        lines.append(f"✗ … {len(wrong) - WORST_MAX} more")
    good = "每一份告知的编号都在市里，恰好一次 / every number told is at the city, exactly once"
    bad = "有承诺没有守住 / a promise was broken"
    return "\n".join([*lines, f"✓ {good}" if report.is_good else f"✗ {bad}"])


def as_plain(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    tally, verdict = report.tally, report.verdict
    return {
        "seed": report.seed,
        "minutes": report.minutes,
        "chapters": list(report.chapters),
        "kills": dict(tally.kills),
        "line": dict(report.cuts),
        "refusals": dict(tally.refusals),
        "ended": dict(tally.ended),
        "looked_up": dict(tally.found_after),
        "commands": dict(tally.commands),
        "acknowledged": verdict.acknowledged,
        "found": verdict.found,
        "silent": verdict.silent,
        "lost": verdict.count(LOST),
        "doubled": verdict.count(DOUBLED),
        "altered": verdict.count(ALTERED),
        "strange": verdict.count(STRANGE),
        "violations": [f"{one.kind}: {one.what}" for one in verdict.violations] + tally.broken,
        "open": report.open,
        "doctor": report.doctor,
        "unworded": {"count": tally.unworded_count, "first": tally.unworded},
        "notes": tally.notes,
        "settled_s": round(report.settled_s, 1),
        "took_s": round(report.took_s, 1),
        "good": report.is_good,
    }


def _counts(name: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    if not counts:
        return [(name, "0")]
    total = sum(counts.values())
    parts = ", ".join(f"{what} {count}" for what, count in sorted(counts.items(), key=lambda one: -one[1]))
    return [(name, f"{total} ({parts})")]
