"""``code``, ``enrol`` and ``admit``: how a node comes to its certificates, over a line or by a stick."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from core.clock import local
from core.errors import Fault
from core.identifiers import Tier, parse_node_id
from sync import enrol as enrolment
from sync import enrol_words
from sync.admitting import Admitting, Fate, admit_from, issue
from sync.command_line import EXIT_CODES, Program, emit, folder_of, json_option, lang_of
from sync.enrol_stick import Stage, enrol_from
from sync.enrolment_code import EnrolmentCode, parse_code
from sync.enrolment_desk import CODE_LIFETIME, CODE_LIFETIME_MAX, expires_at
from sync.stick_commands import warn_same_disk
from sync.transport.usb import Stick

ENROL_HELP = """用一次性注册码加入本市 / join the city by a one-time code

没有线路时用U盘，来回两趟：市里 code --stick 写上注册通知；本机 enrol --stick 写上申请；市里 admit 写上答复；
本机用同一个注册码再做一次 enrol --stick。每一步都可以重做，U盘丢了、拔早了不损失什么。
Without a line a stick goes there and back: code --stick at the city, enrol --stick here, admit at the city, and
enrol --stick here again with the same code. Every step may be repeated; a stick that is lost costs nothing.

\b
例 / examples:
  enrol K7Q2M-…                        有线路 / over the line
  enrol --stick /media/usb K7Q2M-…     没有线路 / by a stick
\b
退出码 / exit codes: 0 已是本市的节点 / enrolled,
  2 注册码、路径不对，或U盘上没有本机的注册通知 / wrong code or path, or no notice for this node on the stick,
  3 还不是：申请已写在U盘上，等人带到市里；或市里没有准许 / not yet: the application is on the stick; or it was refused,
  4 U盘上的答复或通知不可信 / what is on the stick cannot be trusted, 5 本机、线路或U盘有故障 / machine, line or stick fails
"""
CODE_HELP = """签发一次性注册码，只显示一次 / issue a one-time code, shown once

给没有线路的节点用 --stick：同时把注册通知写到U盘。通知里没有注册码；注册码请另外抄下带去。
For a node without a line, --stick writes the enrolment notice beside it. The code is not in it: copy it down and carry it apart.

\b
例 / examples:
  code 430981102000
  code 430981102201 --stick /media/usb
  code 430981102201 --stick /media/usb --days 14     U盘来回要一周以上 / where the way takes more than a week
"""
ADMIT_HELP = """办理U盘上的注册申请，并把答复写回同一个U盘 / decide the applications on a stick, answer on the same stick

准许与否只看注册码，文件名不算数。重做没有坏处：办过的申请得到同样的答复。
The code alone decides, names do not. Doing it again does no harm: an application gets the same answer again.

\b
例 / examples:
  admit /media/usb                           办理并写答复 / decide, and write the answers
  admit /media/usb --dry-run                 只看会怎样 / only say what would be done
\b
退出码 / exit codes: 0 全部准许 / all were admitted, 2 路径不对 / wrong path, 3 没有申请 / no application,
  4 有申请没有准许或文件损坏 / one was refused or is damaged, 5 本机或U盘有故障 / this machine or the stick fails
"""


def add_enrol_commands(group: click.Group, program: Program) -> None:
    """Let a tier's program enrol, and the city's give codes and admit."""
    _add_enrol(group, program)
    if program.tier is Tier.CITY:
        _add_code(group, program)
        _add_admit(group, program)


stick_option = click.option(
    "--stick", "path", default=None, type=click.Path(path_type=Path), help="U盘的路径 / where the stick is"
)


def _add_enrol(group: click.Group, program: Program) -> None:
    @group.command(help=ENROL_HELP)
    @click.argument("code_text", metavar="CODE")
    @stick_option
    @json_option
    @click.pass_context
    def enrol(ctx: click.Context, code_text: str, path: Path | None, as_json: bool) -> None:
        code = parse_code(code_text)
        app = program.open(folder_of(ctx))
        try:
            if path is None:
                _enrol_by_line(ctx, app.installation, code, as_json)
            else:
                _enrol_by_stick(ctx, app.installation, code, Stick(path), as_json)
        finally:
            app.installation.close()


def _enrol_by_line(ctx: click.Context, installation: Any, code: EnrolmentCode, as_json: bool) -> None:
    settings, node = installation.settings, installation.node
    enrolment.enrol(node, code, enrolment.door(settings.parent_enrol, settings.contact_timeout_s))
    emit(
        ctx,
        {"node": node.place.node, "code": code.code_id, "stage": "enrolled"},
        as_json,
        lambda f, lang: f"节点 {f['node']} 注册成功。" if lang == "zh" else f"Node {f['node']} is enrolled.",
    )


def _enrol_by_stick(
    ctx: click.Context, installation: Any, code: EnrolmentCode, stick: Stick, as_json: bool
) -> None:
    warn_same_disk(stick, installation, lang_of(ctx))
    outcome = enrol_from(stick, installation.node, code)
    emit(
        ctx,
        enrol_words.enrolment_facts(outcome, stick.label),
        as_json,
        lambda facts, lang: "\n".join(enrol_words.enrolment_words(outcome, stick.label, lang)),
    )
    if outcome.stage is Stage.APPLIED:
        ctx.exit(EXIT_CODES[outcome.error.fault if outcome.error else Fault.STATE])


def _add_code(group: click.Group, program: Program) -> None:
    @group.command(help=CODE_HELP)
    @click.argument("node")
    @stick_option
    @click.option(
        "--days",
        default=CODE_LIFETIME.days,
        show_default=True,
        type=click.IntRange(1, CODE_LIFETIME_MAX.days),
        help="有效天数 / for how many days it is good",
    )
    @json_option
    @click.pass_context
    def code(ctx: click.Context, node: str, path: Path | None, days: int, as_json: bool) -> None:
        target = parse_node_id(node)
        stick = None if path is None else Stick(path)
        app = program.open(folder_of(ctx))
        try:
            if stick is not None:
                warn_same_disk(stick, app.installation, lang_of(ctx))
            record, text = issue(app.installation.node, target, stick, timedelta(days=days))
        finally:
            app.installation.close()
        facts = {"node": record.node, "code": text, "expires_at": local(expires_at(record))}
        if stick is not None:
            facts["stick"] = stick.label
        emit(ctx, facts, as_json, _code_words)


def _code_words(facts: dict[str, Any], lang: str) -> str:
    node, code, until = facts["node"], facts["code"], facts["expires_at"]
    words = (
        f"{node} 的注册码（只显示这一次，{until} 前有效）：\n\n    {code}\n"
        if lang == "zh"
        else f"Code for {node} (shown this once, good until {until}):\n\n    {code}\n"
    )
    if "stick" not in facts:
        return words
    return words + "\n" + enrol_words.notice_words(node, facts["stick"], lang)


def _add_admit(group: click.Group, program: Program) -> None:
    def fault(report: Admitting) -> Fault | None:
        if report.error is not None:
            return report.error.fault
        if report.count(Fate.REFUSED) or report.spoilt:
            return Fault.PEER
        return None if report.applicants else Fault.STATE

    @group.command(help=ADMIT_HELP)
    @click.argument("path", type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="只看不做 / change nothing")
    @json_option
    @click.pass_context
    def admit(ctx: click.Context, path: Path, dry_run: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            stick = Stick(path)
            report = admit_from(stick, app.installation.node, dry_run=dry_run)
        finally:
            app.installation.close()
        emit(
            ctx,
            enrol_words.admitting_facts(report, stick.label, dry_run=dry_run),
            as_json,
            lambda facts, lang: "\n".join(
                enrol_words.admitting_words(report, stick.label, lang, dry_run=dry_run)
            ),
        )
        found = fault(report)
        if found is not None:
            ctx.exit(EXIT_CODES[found])
