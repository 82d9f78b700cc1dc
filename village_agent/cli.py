"""``village-agent``: the common commands of a node, and the village's own verbs."""

from pathlib import Path
from typing import Any

import click

from core.identifiers import Tier
from sync.cli import node_group
from sync.command_line import Program, folder_of, lang_of
from village_agent.app import CHAINS, beat
from village_agent.case_commands import add_case_commands
from village_agent.pin import unlock
from village_agent.print_commands import add_print_commands
from village_agent.screens_command import NAME, add_screens
from village_agent.unlock import make_key, open_node, reopen_node, require_known

PROGRAM = Program(
    tier=Tier.VILLAGE,
    name=NAME,
    chains=CHAINS,
    open=open_node,
    reopen=reopen_node,
    key=lambda folder: unlock(folder)[1],
    make_key=make_key,
    check=require_known,
    beat=beat,
)

main = node_group(PROGRAM)
add_screens(main)
add_case_commands(main)
add_print_commands(main)


@main.group(help="本机操作员 / operators of this machine")
def operator() -> None:
    pass


@operator.command("list", help="列出 / list")
@click.pass_context
def operator_list(ctx: click.Context) -> None:
    from village_agent.vault import operators

    for known in operators(folder_of(ctx)):
        click.echo(f"{known.id}\t{known.name}")


@operator.command(
    "add", help="增加操作员，或为已有的换口令；新口令从 NEW_PIN_FILE 读取或输入 / add, or give a new PIN"
)
@click.argument("operator_id")
@click.argument("name")
@click.option("--new-pin-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def operator_add(ctx: click.Context, operator_id: str, name: str, new_pin_file: Path | None) -> None:
    from sync.environment import SystemWorld
    from village_agent.vault import add_operator

    _, key = unlock(folder_of(ctx))
    pin: Any = (
        new_pin_file.read_text(encoding="utf-8").strip()
        if new_pin_file
        else click.prompt("新口令 / new PIN", hide_input=True, confirmation_prompt=True, err=True)
    )
    add_operator(folder_of(ctx), key, operator_id, name, pin, SystemWorld())
    click.echo(f"已设置操作员 {name}。" if lang_of(ctx) == "zh" else f"Operator {name} is set.")


@operator.command("remove", help="移除操作员 / remove an operator")
@click.argument("operator_id")
@click.pass_context
def operator_remove(ctx: click.Context, operator_id: str) -> None:
    from village_agent.vault import remove_operator

    unlock(folder_of(ctx))
    remove_operator(folder_of(ctx), operator_id)
    click.echo(f"已移除 {operator_id}。" if lang_of(ctx) == "zh" else f"{operator_id} is removed.")
