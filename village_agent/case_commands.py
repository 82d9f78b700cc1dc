"""The village's verbs as commands: apply, list, show, resubmit, ask-withdraw, deliver, rate, note, drafts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from core.application import Checked, IntakeProblems, Sheet
from core.case import Case
from core.clock import from_iso, local
from core.identifiers import display_case_id, parse_case_id
from core.labels import label
from core.people import mask_name
from sync import audit
from sync.command_line import emit, folder_of, json_option
from village_agent import unlock
from village_agent.case_words import case_words, list_words, problem_words
from village_agent.drafts import sheet_of
from village_agent.handing_over import (
    LAST_DIGITS,
    Receiver,
    ReceiverRefused,
    Relation,
    Wrong,
    check_receiver,
    hand_over,
    require_due,
)
from village_agent.outlook import facts, outlook
from village_agent.request_file import read_request, sheet_of_request
from village_agent.scans import seal_scan
from village_agent.session import Session
from village_agent.splash import is_at_terminal

LIST_MAX = 1000
EXIT_PROBLEMS = 2
_SCAN = click.Path(path_type=Path, exists=True, dir_okay=False)
_file = click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)


@contextmanager
def _desk(ctx: click.Context) -> Iterator[Session]:
    desk = unlock.open_desk(folder_of(ctx))
    try:
        yield desk
    finally:
        desk.close()


def add_case_commands(group: click.Group) -> None:
    """Add the verbs to the group of the program."""
    for command in (apply, list_cases, show, resubmit, ask_withdraw, deliver, rate, note, drafts):
        group.add_command(command)


@click.command(help="登记申请：JSON 文件，或“-”从标准输入 / register an application from a JSON file or -")
@_file
@click.option("--check", "only_check", is_flag=True, help="只检查，不登记 / check only")
@json_option
@click.pass_context
def apply(ctx: click.Context, file: Path | None, only_check: bool, as_json: bool) -> None:
    plain, folder = read_request(None if file is None or str(file) == "-" else file)
    with _desk(ctx) as desk:
        node = desk.village.installation.node
        sheet = sheet_of_request(plain, folder, node.world, node.chunks)
        checked = _checked(ctx, desk, sheet, as_json)
        with node.db.reading() as tx:
            earlier = desk.intake.earlier(tx, checked.applicant.id_no, sheet.item)
        alike = [display_case_id(seen.case.id) for seen in earlier if seen.duplicate]
        if only_check:
            found = {
                "ok": True,
                "problems": [],
                "notes": list(checked.notes_zh),
                "possible_duplicates": alike,
            }
            emit(ctx, found, as_json, lambda f, lang: _fine(checked, alike, lang))
            return
        with node.db.transaction() as tx:
            case = desk.intake.submit(tx, desk.actor, sheet)
        with node.db.reading() as tx:
            view = outlook(tx, desk.village, case)
        told = facts(view, desk.intake) | {"possible_duplicates": alike}
        emit(ctx, told, as_json, lambda f, lang: _registered(case, alike, lang))


@click.command(name="list", help="本机的办件，最近变动的在前 / cases on this device, the last moved first")
@click.option("--state", multiple=True, help="只列这些状态，如 SUBMITTED / only these states")
@click.option("--mine", is_flag=True, help="只列在本村桌上的 / only those on this desk")
@click.option("--find", "text", default="", help="姓名、证件号开头或办件编号 / name, number or case number")
@click.option("--limit", default=50, type=click.IntRange(1, LIST_MAX), show_default=True)
@json_option
@click.pass_context
def list_cases(
    ctx: click.Context, state: tuple[str, ...], mine: bool, text: str, limit: int, as_json: bool
) -> None:
    from village_agent.case_list import CaseList

    with _desk(ctx) as desk, desk.village.installation.db.reading() as tx:
        chosen = CaseList(desk.village, states=state, mine=mine, text=text)
        views = [outlook(tx, desk.village, case) for case in chosen.window(tx, 0, limit)]
        told = {"total": chosen.count(tx), "cases": [facts(view, desk.intake) for view in views]}
        emit(ctx, told, as_json, lambda f, lang: list_words(views, f["total"], desk.intake.divisions, lang))


@click.command(help="一件的经过、现在何处、还缺什么 / one case: its path, who holds it, what is missing")
@click.argument("case")
@click.option(
    "--full", is_flag=True, help="显示完整证件号和电话（会记入审计）/ unmasked; written to the audit log"
)
@click.option("--why", default="", help="查看完整信息的事由 / why the full view is needed")
@json_option
@click.pass_context
def show(ctx: click.Context, case: str, full: bool, why: str, as_json: bool) -> None:
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        db = desk.village.installation.db
        if full:
            with db.transaction() as tx:
                desk.village.office.casebook.get(tx, id_)
                audit.note(
                    tx,
                    desk.world,
                    actor=desk.actor.officer,
                    action="case.viewed_full",
                    subject=id_,
                    why=why[:200],
                )
        with db.reading() as tx:
            view = outlook(tx, desk.village, desk.village.office.casebook.get(tx, id_))
        told = facts(view, desk.intake, full=full)
        emit(ctx, told, as_json, lambda f, lang: case_words(view, desk.intake.divisions, lang))


@click.command(
    help="补正后再提交：JSON 只写要改的部分 / answer a supplement request; the JSON holds what changes"
)
@click.argument("case")
@_file
@click.option("--note", "words", default="", help="给经办人的说明 / a word to the officer")
@json_option
@click.pass_context
def resubmit(ctx: click.Context, case: str, file: Path | None, words: str, as_json: bool) -> None:
    plain, folder = read_request(None if file is None or str(file) == "-" else file)
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        node = desk.village.installation.node
        with node.db.reading() as tx:
            before = sheet_of(desk.village.office.casebook.get(tx, id_))
        patched = dict(plain) | {"form": {**before.form, **plain.get("form", {})}}
        sheet = sheet_of_request(patched, folder, node.world, node.chunks, before)
        _checked(ctx, desk, sheet, as_json)
        _step(ctx, desk, as_json, lambda tx: desk.intake.resubmit(tx, desk.actor, id_, sheet, note=words))


@click.command(name="ask-withdraw", help="转达申请人撤回的意愿 / pass on the wish to withdraw")
@click.argument("case")
@click.option("--reason", default="", help="理由 / reason")
@json_option
@click.pass_context
def ask_withdraw(ctx: click.Context, case: str, reason: str, as_json: bool) -> None:
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        _step(ctx, desk, as_json, lambda tx: desk.intake.ask_withdraw(tx, desk.actor, id_, reason))


@click.command(
    help="把结果送交签收人：核对证件，签收人本人再输入一遍姓名；与终端的送达页同一规则 / hand the result over: the "
    "document is checked and the receiver types their own name, by the rule of the terminal's page\n\n"
    "没有写出的，在终端窗口里会询问；证件号不必写在命令行上 / at a terminal what is left out is asked for\n\n"
    "例 / examples:\n\n  village-agent deliver 43098110220120261103000148\n\n"
    "  village-agent deliver 43098110220120261103000148 --id-no 021X --acknowledged 王秀英 --sheet 签收页.jpg\n\n"
    "  village-agent deliver 43098110220120261103000148 --relation family --received-by 李强\n\n"
    "  village-agent deliver 43098110220120261103000148 --dry-run"
)
@click.argument("case")
@click.option(
    "--relation",
    type=click.Choice([str(one) for one in Relation]),
    default=str(Relation.SELF),
    show_default=True,
    help="签收人：self 本人，family 同住成年家属，agent 受委托人 / who receives it",
)
@click.option(
    "--received-by",
    default="",
    help="签收人姓名；本人签收时不必写 / the receiver's name, if not the applicant",
)
@click.option(
    "--id-no",
    default="",
    help=f"本人写证件号后 {LAST_DIGITS} 位，他人写全号 / the applicant's last {LAST_DIGITS} characters, of others all",
)
@click.option("--acknowledged", default="", help="签收人亲自再输入的姓名 / the name, typed by the receiver")
@click.option(
    "--sheet",
    type=_SCAN,
    default=None,
    help="签收页的扫描件 / the signed sheet, scanned",
)
@click.option("--dry-run", is_flag=True, help="只看不做 / change nothing")
@json_option
@click.pass_context
def deliver(
    ctx: click.Context,
    case: str,
    relation: str,
    received_by: str,
    id_no: str,
    acknowledged: str,
    sheet: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        village, db = desk.village, desk.village.installation.db
        with db.reading() as tx:
            found = village.office.casebook.get(tx, id_)
        require_due(found, village.installation.node.place.node)
        name = received_by or (found.applicant.name if relation == Relation.SELF else _asked("姓名 / name"))
        receiver = Receiver(
            name,
            Relation(relation),
            id_no or _asked("签收人证件号（本人后 4 位）/ document number", hidden=True),
            acknowledged or _asked("请签收人输入自己的姓名 / the receiver's own name"),
        )
        wrong = check_receiver(found, receiver, village.office.shelf.today)
        if wrong or dry_run:
            _tell_receiver(ctx, wrong, as_json)
            ctx.exit(EXIT_PROBLEMS if wrong else 0)
        node = village.installation.node
        signed = None if sheet is None else seal_scan(node.world, sheet, node.chunks)
        _step(ctx, desk, as_json, lambda tx: hand_over(tx, desk.intake, desk.actor, id_, receiver, signed))


def _asked(words: str, *, hidden: bool = False) -> str:
    """From whoever sits before a terminal; elsewhere nothing, which is refused in words."""
    if not is_at_terminal():
        return ""
    return str(click.prompt(words, default="", show_default=False, hide_input=hidden, err=True))


def _tell_receiver(ctx: click.Context, wrong: list[Wrong], as_json: bool) -> None:
    told: dict[str, Any] = {"ok": not wrong, "problems": [asdict(one) for one in wrong]}
    if wrong:
        error = ReceiverRefused(wrong)
        told["error"] = {"code": error.code, "zh": error.zh, "en": error.en}
    fine = {"zh": "可以送达，没有记录任何内容。", "en": "It may be handed over; nothing was recorded."}
    emit(ctx, told, as_json, lambda f, lang: problem_words(wrong, lang) if wrong else fine[lang])


@click.command(help="申请人评价：1 非常满意 … 5 非常不满意 / rating by the applicant")
@click.argument("case")
@click.argument("level", type=int)
@click.option("--text", default="", help="评语 / words")
@json_option
@click.pass_context
def rate(ctx: click.Context, case: str, level: int, text: str, as_json: bool) -> None:
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        _step(ctx, desk, as_json, lambda tx: desk.intake.rate(tx, desk.actor, id_, level, text))


@click.command(help="加备注，各级都能看到 / add a note that every desk can read")
@click.argument("case")
@click.argument("text")
@json_option
@click.pass_context
def note(ctx: click.Context, case: str, text: str, as_json: bool) -> None:
    id_ = parse_case_id(case)
    with _desk(ctx) as desk:
        _step(ctx, desk, as_json, lambda tx: desk.intake.note(tx, desk.actor, id_, text))


@click.command(help="草稿；放弃的 30 天内可恢复 / drafts; abandoned ones can be restored for 30 days")
@click.option("--abandoned", is_flag=True, help="列出已放弃的 / those abandoned")
@click.option("--abandon", "abandon_id", default=None, metavar="ID", help="放弃一份 / abandon one")
@click.option("--restore", "restore_id", default=None, metavar="ID", help="恢复一份 / restore one")
@json_option
@click.pass_context
def drafts(
    ctx: click.Context, abandoned: bool, abandon_id: str | None, restore_id: str | None, as_json: bool
) -> None:
    with _desk(ctx) as desk:
        db, book = desk.village.installation.db, desk.intake.drafts
        if abandon_id or restore_id:
            with db.transaction() as tx:
                if abandon_id:
                    book.abandon(tx, abandon_id)
                if restore_id:
                    book.restore(tx, restore_id)
        with db.reading() as tx:
            found = book.listing(tx, abandoned=abandoned)
        told = [
            {
                "id": draft.id,
                "item": draft.sheet.item,
                "applicant": mask_name(str(draft.sheet.applicant.get("name", ""))),
                "case": draft.case_id,
                "saved_at": local(from_iso(draft.saved_at)),
            }
            for draft in found
        ]
        empty = {"zh": "没有草稿。", "en": "No drafts."}
        emit(ctx, told, as_json, lambda f, lang: "\n".join(_draft_words(d) for d in f) or empty[lang])


def _checked(ctx: click.Context, desk: Session, sheet: Sheet, as_json: bool) -> Checked:
    try:
        return desk.intake.checked(sheet)
    except IntakeProblems as error:
        told = {
            "ok": False,
            "error": {"code": error.code, "zh": error.zh, "en": error.en},
            "problems": [asdict(problem) for problem in error.problems],
        }
        problems = error.problems
        emit(ctx, told, as_json, lambda f, lang: problem_words(problems, lang))
        ctx.exit(EXIT_PROBLEMS)


def _step(ctx: click.Context, desk: Session, as_json: bool, do: Callable[[sa.Connection], Case]) -> None:
    db = desk.village.installation.db
    with db.transaction() as tx:
        case = do(tx)
    with db.reading() as tx:
        told: dict[str, Any] = facts(outlook(tx, desk.village, case), desk.intake)
    emit(ctx, told, as_json, lambda f, lang: f"{f['display']} {label('state.' + f['state'], lang)}")


def _fine(checked: Checked, alike: list[str], lang: str) -> str:
    lines = ["可以登记。" if lang == "zh" else "This may be registered."]
    lines += checked.notes_zh if lang == "zh" else checked.notes_en
    return "\n".join(lines + _alike(alike, lang))


def _registered(case: Case, alike: list[str], lang: str) -> str:
    number = display_case_id(case.id)
    words = f"已登记（仅本机）：{number}" if lang == "zh" else f"Recorded, on this device only: {number}"
    return "\n".join([words, *_alike(alike, lang)])


def _alike(alike: list[str], lang: str) -> list[str]:
    if not alike:
        return []
    numbers = ", ".join(alike)
    return [f"可能重复：30 天内同人同事项 {numbers}" if lang == "zh" else f"Possible duplicate of {numbers}"]


def _draft_words(draft: dict[str, Any]) -> str:
    return f"{draft['id']}  {draft['saved_at'][:16]}  {draft['item'] or '-'}  {draft['applicant'] or '-'}"
