"""The desk on the command line: the same verbs as the pages, and who may use them."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from core.desk.acting import perform, readable_case
from core.desk.context import DeskContext
from core.desk.document_command import document_command
from core.desk.facts import brief, place_name, whole
from core.desk.given import Input, Kind
from core.desk.queue import Filter, queue
from core.desk.verbs import VERBS, Verb
from core.errors import InputError
from core.identifiers import Tier, parse_case_id
from core.messages import Role
from core.states import State
from core.store.officers import OFFICER_ROLES, Officer
from core.workflow_names import role_names, state_name

OpenDesk = Callable[[Path], AbstractContextManager[DeskContext]]
"""Opens the node's folder and closes it afterwards."""

VIA = "command line"
_CITY_ONLY = frozenset({"settle"})
_TOWNSHIP_ONLY = frozenset({"forward"})

_json = click.option("--json", "as_json", is_flag=True, help="机器可读输出 / machine-readable output")
_as = click.option("--as", "officer_id", required=True, metavar="OFFICER", help="工号 / who acts")
_CASE_EXAMPLE = "43098110220120261103000148"


def add_desk_commands(group: click.Group, tier: Tier, open_desk: OpenDesk) -> None:
    """Join ``officer``, ``list``, ``show``, ``document`` and the verbs of this tier to the tier's command group."""
    group.add_command(_officer_group(open_desk))
    group.add_command(_list_command(open_desk))
    group.add_command(_show_command(open_desk))
    group.add_command(document_command(open_desk))
    other_tier = _CITY_ONLY if tier is Tier.TOWNSHIP else _TOWNSHIP_ONLY
    for verb in VERBS.values():
        if verb.name not in other_tier:
            group.add_command(_verb_command(verb, open_desk))


def _officer_group(open_desk: OpenDesk) -> click.Group:
    group = click.Group("officer", help="工作人员：登记、列出、重设密码、停用 / officers of this node")

    @group.command(
        help="登记工作人员；不给密码文件则打印一次性密码，首次登录须修改。\n\n"
        "例 / example: officer add wang 王敏 --role window --role reviewer --department 民政局"
    )
    @click.argument("id_", metavar="ID")
    @click.argument("name")
    @click.option(
        "--role",
        "roles",
        multiple=True,
        required=True,
        type=click.Choice([str(role) for role in OFFICER_ROLES]),
    )
    @click.option(
        "--department", default="", help="所属部门；只能看、办本部门的件 / bound to this department"
    )
    @click.option(
        "--password-file", default=None, type=click.Path(path_type=Path, exists=True, dir_okay=False)
    )
    @_json
    @click.pass_context
    def add(
        ctx: click.Context,
        id_: str,
        name: str,
        roles: tuple[str, ...],
        department: str,
        password_file: Path | None,
        as_json: bool,
    ) -> None:
        with open_desk(_folder(ctx)) as desk, desk.db.transaction() as tx:
            given = tuple(Role(role) for role in roles)
            one_time = desk.roster.add(tx, id_, name, given, department, _password(password_file))
            desk.audit(
                tx, actor=VIA, action="officer.added", subject=id_, roles=list(roles), department=department
            )
        _tell_password(ctx, id_, one_time, as_json)

    @group.command(help="重设密码，并解除锁定。例 / example: officer password wang")
    @click.argument("id_", metavar="ID")
    @click.option(
        "--password-file", default=None, type=click.Path(path_type=Path, exists=True, dir_okay=False)
    )
    @_json
    @click.pass_context
    def password(ctx: click.Context, id_: str, password_file: Path | None, as_json: bool) -> None:
        with open_desk(_folder(ctx)) as desk, desk.db.transaction() as tx:
            one_time = desk.roster.set_password(tx, id_, _password(password_file))
            desk.audit(tx, actor=VIA, action="officer.password_set", subject=id_)
        _tell_password(ctx, id_, one_time, as_json)

    @group.command(help="停用；已办的件不受影响。例 / example: officer disable wang")
    @click.argument("id_", metavar="ID")
    @click.pass_context
    def disable(ctx: click.Context, id_: str) -> None:
        _set_disabled(ctx, open_desk, id_, True)

    @group.command(help="恢复。例 / example: officer enable wang")
    @click.argument("id_", metavar="ID")
    @click.pass_context
    def enable(ctx: click.Context, id_: str) -> None:
        _set_disabled(ctx, open_desk, id_, False)

    @group.command("list", help="列出工作人员 / the officers of this node")
    @_json
    @click.pass_context
    def list_officers(ctx: click.Context, as_json: bool) -> None:
        with open_desk(_folder(ctx)) as desk, desk.db.reading() as tx:
            officers = desk.roster.everyone(tx)
        _emit(ctx, [_officer_facts(one) for one in officers], as_json, _officer_lines(officers, _lang(ctx)))

    return group


def _list_command(open_desk: OpenDesk) -> click.Command:
    @click.command(
        "list",
        help="按剩余时限列出办件。例 / examples:\n\n  list --state SUBMITTED\n\n  list --holder all --origin 430981102201",
    )
    @click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice([str(state) for state in State], case_sensitive=False),
    )
    @click.option("--holder", default="me", show_default=True, type=click.Choice(["me", "all"]))
    @click.option(
        "--origin", default="", help="登记网点的区划代码，可只写前几位 / division code or its beginning"
    )
    @click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
    @click.option("--after", default="", help="上一页给出的 next / the next of the page before")
    @click.option(
        "--as", "officer_id", default=None, metavar="OFFICER", help="只列该人能看的 / only what they may see"
    )
    @_json
    @click.pass_context
    def list_cases(
        ctx: click.Context,
        states: tuple[str, ...],
        holder: str,
        origin: str,
        limit: int,
        after: str,
        officer_id: str | None,
        as_json: bool,
    ) -> None:
        with open_desk(_folder(ctx)) as desk, desk.db.reading() as tx:
            officer = desk.roster.get(tx, officer_id) if officer_id else None
            wanted = Filter(holder, tuple(State(state) for state in states), origin, None, after)
            page = queue(desk, tx, officer, wanted, limit)
            facts = [brief(desk, case) for case in page.cases]
        lang = _lang(ctx)
        words = "\n".join(_case_line(fact, lang) for fact in facts)
        total = f"共 {page.total} 件" if lang == "zh" else f"{page.total} cases"
        more = f"  --after {page.next}" if page.next else ""
        _emit(
            ctx,
            {"cases": facts, "total": page.total, "next": page.next},
            as_json,
            f"{words}\n{total}{more}".strip(),
        )

    return list_cases


def _show_command(open_desk: OpenDesk) -> click.Command:
    @click.command(
        "show",
        help="办件的全部情况，申请人信息遮盖；看全要署名并说明理由，会记入审计。\n\n"
        f'例 / example: show {_CASE_EXAMPLE} --full --as wang --reason "电话核实"',
    )
    @click.argument("case")
    @click.option("--full", is_flag=True, help="不遮盖 / unmasked; needs --as and --reason, is logged")
    @click.option("--as", "officer_id", default=None, metavar="OFFICER")
    @click.option("--reason", default="")
    @_json
    @click.pass_context
    def show(
        ctx: click.Context, case: str, full: bool, officer_id: str | None, reason: str, as_json: bool
    ) -> None:
        case_id = parse_case_id(case)
        if full and (officer_id is None or not reason.strip()):
            raise InputError(
                "desk.why",
                zh="查看未遮盖的信息须用 --as 署名，并用 --reason 说明理由。",
                en="To see a case unmasked, say who looks with --as and why with --reason.",
            )
        with open_desk(_folder(ctx)) as desk, desk.db.transaction() as tx:
            if officer_id:
                found = readable_case(desk, tx, desk.roster.get(tx, officer_id), case_id)
            else:
                found = desk.office.casebook.get(tx, case_id)
            if full:
                desk.audit(
                    tx,
                    actor=str(officer_id),
                    action="case.viewed_in_full",
                    subject=case_id,
                    why=reason[:200],
                    via=VIA,
                )
            facts = whole(desk, found, full=full)
        _emit(ctx, facts, as_json, _case_words(facts, _lang(ctx)))

    return show


def _verb_command(verb: Verb, open_desk: OpenDesk) -> click.Command:
    def act(ctx: click.Context, case: str, officer_id: str, as_json: bool, **options: Any) -> None:
        case_id = parse_case_id(case)
        values = {field.name: _as_list(options.get(field.name.replace("-", "_"))) for field in verb.inputs}
        with open_desk(_folder(ctx)) as desk:
            done = perform(desk, officer_id, case_id, verb.name, values, via=VIA)
            facts = brief(desk, done)
        lang = _lang(ctx)
        said = f"已{verb.text()}：" if lang == "zh" else f"{verb.text('en')}: done. "
        _emit(ctx, facts, as_json, said + _case_line(facts, lang))

    example = f"{verb.name} {_CASE_EXAMPLE} --as wang {verb.example}".rstrip()
    command = click.Command(
        verb.name,
        callback=click.pass_context(act),
        help=f"{verb.text()} / {verb.text('en')}\n\n例 / example: {example}",
        params=[click.Argument(["case"])],
    )
    for field in verb.inputs:
        command.params.append(_option(field))
    return _json(_as(command))


def _option(field: Input) -> click.Option:
    return click.Option(
        [f"--{field.name}", field.name.replace("-", "_")],
        multiple=field.kind in (Kind.CHOICES, Kind.AMOUNTS),
        required=field.required,
        metavar={Kind.NUMBER: "N", Kind.AMOUNTS: "NAME=N"}.get(field.kind, "TEXT"),
        help=f"{field.zh} / {field.en}",
    )


def _as_list(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [str(value)]


def _password(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8").strip()


def _tell_password(ctx: click.Context, id_: str, one_time: str | None, as_json: bool) -> None:
    if _lang(ctx) == "zh":
        words = f"工号 {id_} 已设好。"
        words += f"一次性密码（只显示这一次，首次登录须修改）：\n\n    {one_time}\n" if one_time else ""
    else:
        words = f"Officer {id_} is set up. "
        words += (
            f"One-time password (shown this once, to be changed at first sign-in):\n\n    {one_time}\n"
            if one_time
            else ""
        )
    _emit(ctx, {"id": id_, "one_time_password": one_time}, as_json, words)


def _set_disabled(ctx: click.Context, open_desk: OpenDesk, id_: str, disabled: bool) -> None:
    with open_desk(_folder(ctx)) as desk, desk.db.transaction() as tx:
        desk.roster.set_disabled(tx, id_, disabled)
        desk.audit(tx, actor=VIA, action="officer.disabled" if disabled else "officer.enabled", subject=id_)
    done = ("已停用", "disabled") if disabled else ("已恢复", "enabled")
    click.echo(f"{id_} {done[_lang(ctx) == 'en']}")


def _officer_facts(officer: Officer) -> dict[str, Any]:
    return {
        "id": officer.id,
        "name": officer.name,
        "roles": [str(role) for role in officer.roles],
        "department": officer.department,
        "must_change_password": officer.must_change,
        "disabled": officer.disabled,
    }


def _officer_lines(officers: list[Officer], lang: str) -> str:
    off = " （已停用）" if lang == "zh" else " (disabled)"
    lines = [
        f"{one.id}  {one.name}  {role_names(one.roles, lang)}  {one.department}{off if one.disabled else ''}"
        for one in officers
    ]
    return "\n".join(lines) or ("还没有工作人员。" if lang == "zh" else "No officers yet.")


def _case_line(fact: dict[str, Any], lang: str) -> str:
    left = fact["days_left"]
    clock = "" if left is None else (f"剩 {left} 个工作日" if lang == "zh" else f"{left} working days left")
    holder = place_name(fact["holder"] or "", lang) or ("已办结" if lang == "zh" else "closed")
    words = (
        fact["number"],
        state_name(State(fact["state"]), lang),
        fact["item_name"],
        fact["applicant"],
        holder,
        clock,
    )
    return "  ".join(word for word in words if word)


def _case_words(facts: dict[str, Any], lang: str) -> str:
    who = facts["applicant"]
    lines = [
        _case_line(facts | {"applicant": who["name"]}, lang),
        f"  {who['id_type']} {who['id_no']}  {who['mobile']}  {who['address']}",
    ]
    lines += [
        f"  {step['at']}  {step['what'] if lang == 'zh' else step['type']}  {place_name(step['node'], lang)}  "
        f"{step['name']}  {step['note']}".rstrip()
        for step in facts["steps"]
    ]
    return "\n".join(lines)


def _folder(ctx: click.Context) -> Path:
    return Path((ctx.find_root().params or {})["data"])


def _lang(ctx: click.Context) -> str:
    return str((ctx.find_root().params or {}).get("lang") or "zh")


def _emit(ctx: click.Context, facts: Any, as_json: bool, words: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words)
