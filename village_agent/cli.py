"""``village-agent``: the common commands of a node, and the village's own verbs."""

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from core.errors import InputError, LiandongError
from core.identifiers import Tier
from sync.cli import Program, folder_of, lang_of, node_group
from sync.settings import load_settings
from village_agent import unlock
from village_agent.app import CHAINS, beat
from village_agent.case_commands import add_case_commands
from village_agent.first_run import has_node, read_plan
from village_agent.print_commands import add_print_commands

PROGRAM = Program(
    tier=Tier.VILLAGE,
    name="village-agent",
    chains=CHAINS,
    open=unlock.open_node,
    reopen=unlock.reopen_node,
    key=lambda folder: unlock.unlock(folder)[1],
    make_key=unlock.make_key,
    check=unlock.require_known,
    beat=beat,
)

main = node_group(PROGRAM)
main.params += unlock.group_options()
add_case_commands(main)
add_print_commands(main)


@main.command(
    help="打开终端界面；本机还没有设置时，一步步引导设置 / open the terminal screens; leads through the first set-up"
)
@click.pass_context
def tui(ctx: click.Context) -> None:
    _open_screens(ctx)


@main.command(
    help="练习：虚构的人和件，单独的目录，不联网。例 / practice with invented people, apart from all that is real: "
    "practice --reset"
)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--reset", "is_reset", is_flag=True, help="从头开始 / begin anew")
@click.pass_context
def practice(ctx: click.Context, folder: Path | None, is_reset: bool) -> None:
    from village_agent.practice import practice_folder, require_ours, reset

    place = folder or practice_folder(folder_of(ctx))
    require_ours(place)
    if is_reset and reset(place):
        zh, en = f"练习已从头开始：{place}。", f"The practice in {place} begins anew."
        click.echo(zh if screen_lang(ctx) == "zh" else en)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if is_reset:
            return
        raise InputError(
            "practice.no_terminal", zh="练习要在终端窗口里进行。", en="Practice needs a terminal window."
        )
    from village_agent.tui.start import run_practice

    run_practice(place, screen_lang(ctx))


def _open_screens(ctx: click.Context) -> None:
    from village_agent.tui.start import run_screens

    run_screens(folder_of(ctx), screen_lang(ctx))


def screen_lang(ctx: click.Context) -> str:
    """The language that was asked for, or else the one that was chosen on the screens before."""
    root, folder = ctx.find_root(), folder_of(ctx)
    if root.get_parameter_source("lang") is not ParameterSource.DEFAULT:
        return lang_of(ctx)
    try:
        if has_node(folder):
            return load_settings(folder).lang
        return read_plan(folder).lang
    except LiandongError:
        # Said in words by whoever opens the folder next.
        return lang_of(ctx)


def _without_a_verb(*_: object, **__: object) -> None:
    """``village-agent`` alone, at a terminal: the screens; elsewhere the list of commands."""
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        _open_screens(ctx)
    else:
        click.echo(ctx.get_help())
        ctx.exit(2)


main.invoke_without_command, main.no_args_is_help = True, False
main.result_callback()(_without_a_verb)


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

    _, key = unlock.unlock(folder_of(ctx))
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

    unlock.unlock(folder_of(ctx))
    remove_operator(folder_of(ctx), operator_id)
    click.echo(f"已移除 {operator_id}。" if lang_of(ctx) == "zh" else f"{operator_id} is removed.")
