"""The city's command line: the common commands, the desk's, and publishing."""

from pathlib import Path

import click

from city_node.app import CHAINS, open_city
from city_node.desk import build_desk, open_desk
from city_node.publishing import KINDS, check, publish
from core.desk.commands import add_desk_commands
from core.identifiers import Tier
from sync.cli import Program, emit, folder_of, json_option, lang_of, node_group
from sync.environment import SystemWorld

PROGRAM = Program(
    tier=Tier.CITY,
    name="city-node",
    chains=CHAINS,
    open=lambda folder: open_city(folder, SystemWorld()),
    desk=build_desk,
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
