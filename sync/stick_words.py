"""What an export and an import came to, as facts for ``--json`` and as sentences for people."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from core.clock import from_iso, local
from core.errors import LiandongError
from sync.stick import Export, Progress, Waiting
from sync.stick_import import Fate, Found, Import

REFUSALS_SHOWN_MAX = 5


def size_words(count: int) -> str:
    """``1.4 MB``."""
    if count < 1 << 20:
        return f"{count / 1024:.1f} KB" if count >= 1024 else f"{count} B"
    return f"{count / (1 << 20):.1f} MB"


def progress_words(progress: Progress, lang: str) -> str:
    """One line: bytes and items done so far."""
    size = size_words(progress.bytes)
    if progress.bytes_total:
        size += f" / {size_words(progress.bytes_total)}"
    if lang == "zh":
        return f"{size}，{progress.envelopes} 封，附件 {progress.chunks} 块"
    return f"{size}, {progress.envelopes} envelopes, {progress.chunks} file parts"


def export_facts(exports: Iterable[Export], label: str) -> dict[str, Any]:
    exports = tuple(exports)
    return {
        "stick": label,
        "safe_to_remove": is_safe(exports),
        "exports": [
            {
                "for": export.peer,
                "bundles": export.bundles,
                "envelopes": export.envelopes,
                "chunks": export.chunks,
                "bytes": export.bytes,
                "removed": export.removed,
                "error": _error(export.error),
            }
            for export in exports
        ],
    }


def is_safe(exports: Iterable[Export]) -> bool:
    """Whether everything was written and read back."""
    return all(export.error is None for export in exports)


def export_words(exports: Iterable[Export], label: str, lang: str) -> list[str]:
    """What stands on the stick now, for whom, and whether it may be pulled out; sentences, one a line."""
    exports, zh = tuple(exports), lang == "zh"
    lines: list[str] = []
    for export in exports:
        lines += _one_export(export, zh)
    if not any(export.bundles for export in exports) and is_safe(exports):
        lines.append("没有要带的：都已签收。" if zh else "Nothing to carry: everything is signed for.")
    if is_safe(exports):
        lines.append(f"现在可以拔出U盘“{label}”。" if zh else f"The stick {label} may now be removed safely.")
    return lines


def _one_export(export: Export, zh: bool) -> list[str]:
    lines: list[str] = []
    size = size_words(export.bytes)
    if export.bundles and export.error is None:
        lines.append(
            f"给 {export.peer}：{export.envelopes} 封、附件 {export.chunks} 块，{size}，"
            f"已写成 {export.bundles} 个数据包并重新读出核对无误。回执带回之前，本机继续保留。"
            if zh
            else f"For {export.peer}: {export.envelopes} envelopes, {export.chunks} file parts, {size} in "
            f"{export.bundles} bundles, written and read back. They are kept here until the receipt comes back."
        )
    if export.removed:
        lines.append(
            f"清理了 {export.removed} 个本机以前写给 {export.peer} 的数据包（已签收，或已被新的代替）。"
            if zh
            else f"Removed {export.removed} older bundles of ours for {export.peer} (signed for, or replaced)."
        )
    if export.error is not None:
        lines.append("! " + export.error.text("zh" if zh else "en"))
        if export.bundles:
            lines.append(
                f"给 {export.peer} 的已写好 {export.bundles} 个数据包（{export.envelopes} 封），可以照常带走；其余没有写下。"
                if zh
                else f"{export.bundles} bundles ({export.envelopes} envelopes) for {export.peer} are good and may be "
                "carried; the rest was not written."
            )
    return lines


def waiting_facts(waiting: Iterable[Waiting]) -> dict[str, Any]:
    return {
        "dry_run": True,
        "exports": [
            {
                "for": one.peer,
                "messages": one.messages,
                "envelopes": one.envelopes,
                "chunks": one.chunks,
                "bytes": one.bytes,
                "receipts": one.receipts,
                "introduction": one.unmet,
            }
            for one in waiting
        ],
    }


def waiting_words(waiting: Iterable[Waiting], lang: str) -> list[str]:
    zh = lang == "zh"
    lines = [
        f"给 {one.peer}：将写 {one.envelopes} 封（另有 {one.messages} 条待封）、附件 {one.chunks} 块，约 {size_words(one.bytes)}。"
        if zh
        else f"For {one.peer}: would write {one.envelopes} envelopes ({one.messages} messages still to be sealed), "
        f"{one.chunks} file parts, about {size_words(one.bytes)}."
        for one in waiting
        if one.is_something
    ]
    nothing = "没有要带的：都已签收。" if zh else "Nothing to carry: everything is signed for."
    return lines or [nothing]


def import_facts(report: Import, label: str) -> dict[str, Any]:
    return {
        "stick": label,
        "safe_to_remove": report.error is None and report.answer_error is None,
        "files": [
            {
                "name": found.name,
                "fate": found.fate,
                "size": found.size,
                "from": found.sender,
                "for": found.receiver,
                "envelopes": found.envelopes,
                "chunks": found.chunks,
                "receipts": found.receipts,
                "refused": [_error(error) for error in found.refused],
            }
            for found in report.found
        ],
        "skipped": list(report.skipped),
        "more": report.more,
        "answers": export_facts(report.answers, label)["exports"],
        "answer_error": _error(report.answer_error),
        "error": _error(report.error),
    }


def import_words(report: Import, label: str, lang: str, *, dry_run: bool = False) -> list[str]:
    """File by file what became of it and what to do, then the answers, and whether the stick may be pulled out."""
    zh = lang == "zh"
    lines: list[str] = []
    for found in report.found:
        lines += _one_found(found, zh)
    for name in report.skipped:
        lines.append(
            f"“{name}”是链接、子文件夹或设备，未打开。"
            if zh
            else f"{name}: a link, sub-folder or device; it was not opened."
        )
    if report.more:
        lines.append(
            "! U盘上的文件太多，只看了一部分。请把无关文件移走后再导入一次。"
            if zh
            else "! There are too many files on the stick; only some were looked at. Move the others away and import again."
        )
    if not report.count(*_FOR_HERE):
        lines.append(
            "U盘上没有给本机的数据包。请确认U盘没有拿错，或请对方重新导出。"
            if zh
            else "There is no bundle for this node on the stick. Check that it is the right stick, or have it exported again."
        )
    if report.error is not None:
        lines.append("! " + report.error.text(lang))
        lines.append(
            "已接收的不会丢；处理好后用同一个U盘再导入一次。"
            if zh
            else "What was taken stays; mend this and import the same stick again."
        )
        return lines
    return lines if dry_run else lines + _answer_words(report, label, zh)


_FOR_HERE = (Fate.TAKEN, Fate.NOTHING_NEW, Fate.CUT, Fate.FOR_US, Fate.REFUSED)


def _answer_words(report: Import, label: str, zh: bool) -> list[str]:
    lines: list[str] = []
    for answer in report.answers:
        if answer.bundles:
            lines.append(
                f"回执和答复（{answer.envelopes} 封、附件 {answer.chunks} 块，{size_words(answer.bytes)}）已写回U盘并核对，"
                f"请把U盘带回 {answer.peer}。"
                if zh
                else f"Receipts and answers ({answer.envelopes} envelopes, {answer.chunks} file parts, "
                f"{size_words(answer.bytes)}) are on the stick and were read back; please carry it to {answer.peer}."
            )
        lines += _one_export(Export(answer.peer, removed=answer.removed), zh)
    if report.answer_error is not None:
        lines.append("! " + report.answer_error.text("zh" if zh else "en"))
        lines.append(
            "内容已接收，只是回执没有写到U盘上：可以另换U盘导出，或等线路恢复自动送出。"
            if zh
            else "Everything was taken; only the receipts are not on the stick. Export them to another stick, or the "
            "line will bring them."
        )
        return lines
    lines.append(f"现在可以拔出U盘“{label}”。" if zh else f"The stick {label} may now be removed safely.")
    return lines


def _one_found(found: Found, zh: bool) -> list[str]:
    brought = (
        f"{found.envelopes} 封、附件 {found.chunks} 块、回执 {found.receipts} 份"
        if zh
        else f"{found.envelopes} envelopes, {found.chunks} file parts, {found.receipts} receipts"
    )
    at = local(datetime.fromtimestamp(found.at / 1000, UTC)) if found.at else ""
    name, sender, receiver = found.name, found.sender, found.receiver
    words = {
        Fate.TAKEN: (f"已接收 {sender} 的数据包：{brought}。", f"Taken from {sender}: {brought}."),
        Fate.NOTHING_NEW: (
            f"{sender} 写于 {at} 的数据包没有新内容，都已收过；没有重复登记。",
            f"The bundle {sender} wrote at {at} has nothing new: all of it had come before. Nothing was entered twice.",
        ),
        Fate.CUT: (
            f"{sender} 的数据包没有复制完或已损坏，完整的部分已接收：{brought}。缺的部分请 {sender} 重新导出，线路也会补送。"
            if sender
            else f"“{name}”：",
            f"The bundle of {sender} was cut or damaged; what came whole was taken: {brought}. Have {sender} export "
            "the rest again; the line brings it too."
            if sender
            else f"{name}:",
        ),
        Fate.FOR_US: (
            f"{sender} 给本机的数据包，{size_words(found.size)}，写于 {at}，尚未接收。",
            f"A bundle of {sender} for this node, {size_words(found.size)}, written at {at}; not taken yet.",
        ),
        Fate.OWN: (
            f"本机写给 {receiver} 的数据包还在U盘上，请带到 {receiver} 导入。",
            f"A bundle of ours for {receiver} is still on the stick; please carry it to {receiver}.",
        ),
        Fate.FOR_ANOTHER: (
            f"有 {sender} 给 {receiver} 的数据包，不是给本机的，未动。请带到 {receiver} 导入。",
            f"There is a bundle of {sender} for {receiver}, not for this node; it was left alone. Please carry it there.",
        ),
        Fate.FOREIGN: (f"“{name}”：", f"{name}:"),
        Fate.REFUSED: (f"“{name}”：", f"{name}:"),
    }[found.fate]
    mark = "! " if found.fate in (Fate.CUT, Fate.REFUSED) else ""
    told = [error.text("zh" if zh else "en") for error in found.refused[:REFUSALS_SHOWN_MAX]]
    if left_out := len(found.refused) - len(told):
        told.append(f"另有 {left_out} 处未采用。" if zh else f"{left_out} more parts were not taken.")
    first = mark + words[0 if zh else 1]
    if found.fate in (Fate.FOREIGN, Fate.REFUSED) or (found.fate is Fate.CUT and not sender):
        first, told = f"{first}{'' if zh else ' '}{told[0]}", told[1:]
    return [first, *(f"  {text}" for text in told)]


def on_stick_words(written: dict[str, Any], peer: str, lang: str) -> str:
    """``2026-03-02 09:12 起在U盘“KINGSTON”上`` of what :func:`sync.stick_record.on_stick` gives."""
    at = local(from_iso(written["at"]))
    if lang == "zh":
        return f"给 {peer} 的 {written['envelopes']} 封自 {at} 起在U盘“{written['label']}”上，等回执；本机继续保留。"
    return (
        f"{written['envelopes']} envelopes for {peer} are on the stick {written['label']} since {at}, the receipt not "
        "back yet; they are kept here."
    )


def same_disk_words(lang: str) -> str:
    """The warning when the folder lies on this machine's own disk."""
    if lang == "zh":
        return "! 这个文件夹与本机数据在同一块磁盘上，不像是U盘。请核对路径，或把其中的 LIANDONG 文件夹复制到U盘。"
    return (
        "! This folder lies on the same disk as this machine's data and does not look like a stick. Check the path, "
        "or copy its folder LIANDONG to a stick."
    )


def _error(error: LiandongError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "zh": error.zh, "en": error.en}
