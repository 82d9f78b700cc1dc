"""The city's command line: the common commands, the desk's, and publishing."""

from pathlib import Path

import click

from city_node.app import CHAINS, open_city
from city_node.desk import beat, build_desk, build_public, open_desk
from city_node.publishing import KINDS, check, publish
from core.desk.commands import add_desk_commands
from core.identifiers import Tier, parse_node_id
from sync.cli import node_group
from sync.command_line import Program, emit, folder_of, json_option, lang_of
from sync.environment import SystemWorld
from sync.revoking import Revoked, revoke

PROGRAM = Program(
    tier=Tier.CITY,
    name="city-node",
    chains=CHAINS,
    open=lambda folder: open_city(folder, SystemWorld()),
    desk=build_desk,
    public=build_public,
    beat=beat,
)

main = node_group(PROGRAM)
add_desk_commands(main, Tier.CITY, open_desk)


@main.command(
    "publish",
    help="发布事项目录或工作日历：先逐项核对，再发往所有节点。\n\n"
    "例 / examples:\n\n  publish catalogue catalogue.json --check\n\n  publish calendar workdays-2027.json",
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", "check_only", is_flag=True, help="只核对，不发布 / only check")
@json_option
@click.pass_context
def publish_command(ctx: click.Context, kind: str, file: Path, check_only: bool, as_json: bool) -> None:
    app = PROGRAM.open(folder_of(ctx))
    try:
        report = check(app, kind, file.read_bytes()) if check_only else publish(app, kind, file.read_bytes())
    finally:
        app.installation.close()
    emit(ctx, report.facts(), as_json, lambda facts, lang: report.text(lang_of(ctx)))


@main.command(
    "revoke",
    help="吊销一个节点的全部证书（设备丢失、被盗、被复制）：新清单发往所有节点，此后它署名的内容一律拒收。换新设备请再"
    "签发注册码 / revoke a node's certificates: what it signs is refused everywhere from then on. Give a new machine a "
    "new code\n\n例 / examples:\n\n  revoke 430981102201 --reason 笔记本被盗 --dry-run\n\n"
    "  revoke 430981102201 --reason 笔记本被盗 --yes --json",
)
@click.argument("name", metavar="NODE")
@click.option("--reason", required=True, help="原因，全市节点可见 / why; every node will see it")
@click.option("--dry-run", is_flag=True, help="只说明会吊销什么 / only tell what would be revoked")
@click.option("--yes", is_flag=True, help="不再询问 / do not ask")
@json_option
@click.pass_context
def revoke_command(
    ctx: click.Context, name: str, reason: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    target = parse_node_id(name)
    app = PROGRAM.open(folder_of(ctx))
    node = app.installation.node
    try:
        done = revoke(node, target, reason, actor="command line", dry_run=True)
        if done.serials and not dry_run:
            if not yes:
                click.confirm(
                    f"吊销 {target} 的 {len(done.serials)} 张证书？不能撤回。/ Revoke {len(done.serials)} certificates of "
                    f"{target}? This cannot be undone.",
                    abort=True,
                    err=True,
                )
            done = revoke(node, target, reason, actor="command line")
    finally:
        app.installation.close()
    facts = {
        "node": done.node,
        "reason": done.reason,
        "list": done.number,
        "serials": list(done.serials),
        "dry_run": dry_run,
    }
    emit(ctx, facts, as_json, lambda _, lang: _revoked_words(done, dry_run, lang))


def _revoked_words(done: Revoked, dry_run: bool, lang: str) -> str:
    zh, count = lang == "zh", len(done.serials)
    if not done.serials:
        return (
            f"{done.node} 的证书此前已全部吊销（清单第 {done.number} 号），没有改动。"
            if zh
            else f"All certificates of {done.node} were revoked before (list {done.number}); nothing was changed."
        )
    if dry_run:
        return (
            f"将吊销 {done.node} 的 {count} 张证书（清单第 {done.number} 号）。未作改动。"
            if zh
            else f"{count} certificates of {done.node} would be revoked (list {done.number}). Nothing was changed."
        )
    return (
        f"已吊销 {done.node} 的 {count} 张证书（清单第 {done.number} 号），下次联络时发往各节点；各节点收到之后拒收它署名"
        f"的内容。新设备：先运行 code {done.node}，再在新设备上注册。"
        if zh
        else f"{count} certificates of {done.node} are revoked (list {done.number}) and on their way to every node; once it "
        f"is there, what that node signs is refused. For a new machine run code {done.node} and enrol it."
    )
