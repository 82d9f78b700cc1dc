"""What enrolment by stick came to, as facts for ``--json`` and as sentences for people."""

from collections.abc import Iterable
from typing import Any

from core.errors import LiandongError, StateError
from sync.admitting import Admitting, Applicant, Fate
from sync.enrol_stick import Enrolment, Spoilt, Stage


def enrolment_facts(outcome: Enrolment, label: str) -> dict[str, Any]:
    return {
        "stick": label,
        "node": outcome.node,
        "code": outcome.code_id,
        "stage": outcome.stage,
        "before": outcome.before,
        "error": _error(outcome.error),
        "spoilt": _spoilt_facts(outcome.spoilt),
        "more": outcome.more,
    }


def enrolment_words(outcome: Enrolment, label: str, lang: str) -> list[str]:
    """Where this node stands and where the stick has to go next; sentences, one a line."""
    zh = lang == "zh"
    lines = _spoilt_words(outcome.spoilt, lang)
    if outcome.more:
        lines.append(_more_words(zh))
    if outcome.error is not None:
        lines.append("! " + outcome.error.text(lang))
    if outcome.stage is Stage.APPLIED:
        return lines + _applied_words(outcome, label, zh)
    if outcome.before:
        lines.append(
            f"节点 {outcome.node} 早已用这个注册码注册成功，没有改动。"
            if zh
            else f"Node {outcome.node} was enrolled by this code before; nothing was changed."
        )
    else:
        lines.append(f"节点 {outcome.node} 注册成功。" if zh else f"Node {outcome.node} is enrolled.")
    if outcome.error is None:
        lines.append(
            f"U盘上本次注册的文件已清理，现在可以拔出U盘“{label}”。"
            if zh
            else f"The files of this enrolment were taken off; the stick {label} may now be removed safely."
        )
    lines.append(
        "没有线路时，用 export 把待传的内容写到U盘，带到上级导入，事项目录随回执带回。"
        if zh
        else "Without a line, export what waits to the stick and have it imported above; the catalogue comes back with "
        "the receipt."
    )
    return lines


def _applied_words(outcome: Enrolment, label: str, zh: bool) -> list[str]:
    if isinstance(outcome.error, StateError):
        # The city has said no: carrying the same application again changes nothing.
        return [f"现在可以拔出U盘“{label}”。" if zh else f"The stick {label} may now be removed safely."]
    return [
        f"{outcome.node} 的注册申请已写在U盘“{label}”上，并已重新读出核对。现在可以拔出。"
        if zh
        else f"The application of {outcome.node} is on the stick {label} and was read back. It may now be removed safely.",
        "下一步：把U盘带到市里，由市里运行 admit；带回后在本机用同一个注册码再做一次。在那之前本机还不是本市的节点。"
        if zh
        else "Next: carry the stick to the city, where admit is run; when it is back, do the same again here with the same "
        "code. Until then this is no node of the city.",
    ]


def admitting_facts(report: Admitting, label: str, *, dry_run: bool) -> dict[str, Any]:
    return {
        "stick": label,
        "dry_run": dry_run,
        "safe_to_remove": report.error is None,
        "applications": [
            {
                "name": one.name,
                "node": one.node,
                "code": one.code_id,
                "fate": one.fate,
                "answered": one.is_answered,
                "refused": _error(one.refused),
            }
            for one in report.applicants
        ],
        "spoilt": _spoilt_facts(report.spoilt),
        "others": report.others,
        "more": report.more,
        "error": _error(report.error),
    }


def admitting_words(report: Admitting, label: str, lang: str, *, dry_run: bool) -> list[str]:
    """Node by node what became of its application, and where the stick has to go next."""
    zh = lang == "zh"
    lines = [text for one in report.applicants for text in _applicant_words(one, lang, dry_run=dry_run)]
    lines += _spoilt_words(report.spoilt, lang)
    if report.others:
        lines.append(
            f"另有 {report.others} 个与注册无关的文件，没有动（数据包请用 import）。"
            if zh
            else f"{report.others} other files were left alone (bundles are taken by import)."
        )
    if report.more:
        lines.append(_more_words(zh))
    if not report.applicants:
        lines.append(
            "U盘上没有注册申请。请确认U盘没有拿错；新节点要先用 enrol --stick 把申请写上去。"
            if zh
            else "There is no application on the stick. Check that it is the right one; the new node writes it by enrol --stick."
        )
    if dry_run:
        return lines
    if report.error is not None:
        lines.append("! " + report.error.text(lang))
        lines.append(
            "已准许的算数；处理好后用同一个U盘再做一次，会写上同样的答复。"
            if zh
            else "Who was admitted stays so; mend this and do it again with the same stick: the answers will be the same."
        )
        return lines
    if report.applicants:
        lines.append(
            f"答复已写在U盘“{label}”上，并已重新读出核对。现在可以拔出，请带回各节点，用原来的注册码再做一次 enrol --stick。"
            if zh
            else f"The answers are on the stick {label} and were read back. It may now be removed safely; carry it back and do "
            "enrol --stick there again with the same code."
        )
    return lines


def _applicant_words(one: Applicant, lang: str, *, dry_run: bool) -> list[str]:
    zh = lang == "zh"
    who = (
        f"{one.node or one.name}（注册码 {one.code_id}-…）"
        if zh
        else f"{one.node or one.name} (code {one.code_id}-...)"
    )
    if one.refused is not None:
        return [f"! {who}：{'将' if dry_run else ''}不准许。" if zh else f"! {who}: {'would be ' if dry_run else ''}refused.",
                f"  {one.refused.text(lang)}"]  # fmt: skip
    if one.fate is Fate.ANSWERED:
        return [
            f"{who}：此前已准许，答复照旧。" if zh else f"{who}: admitted before, the answer is the same."
        ]
    if dry_run:
        return [f"{who}：将准许加入。" if zh else f"{who}: would be admitted."]
    return [f"{who}：已准许加入本市。" if zh else f"{who}: admitted to the city."]


def notice_words(node: str, label: str, lang: str) -> str:
    """What stands on the stick beside a code that was issued for it."""
    if lang == "zh":
        return (
            f"给 {node} 的注册通知已写在U盘“{label}”上（不含注册码），现在可以拔出。"
            "请把U盘和抄下的注册码分开带去，在新节点上运行 enrol --stick。"
        )
    return (
        f"The enrolment notice for {node} is on the stick {label}, without the code; it may now be removed safely. Carry the "
        "stick and the code that you copied apart, and run enrol --stick at the new node."
    )


def _spoilt_words(spoilt: Iterable[Spoilt], lang: str) -> list[str]:
    return [
        f"! “{one.name}”：{one.error.text(lang)}" if lang == "zh" else f"! {one.name}: {one.error.text(lang)}"
        for one in spoilt
    ]


def _spoilt_facts(spoilt: Iterable[Spoilt]) -> list[dict[str, Any]]:
    return [{"name": one.name, "error": _error(one.error)} for one in spoilt]


def _more_words(zh: bool) -> str:
    return (
        "! U盘上的文件太多，只看了一部分。请把无关文件移走后再做一次。"
        if zh
        else "! There are too many files on the stick; only some were looked at. Move the others away and do it again."
    )


def _error(error: LiandongError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "zh": error.zh, "en": error.en}
