"""The commands that open the screens. They read little before the door is on the screen; all others are in ``cli``."""

from pathlib import Path

import click
from click.core import ParameterSource

from core.errors import InputError, LiandongError
from core.identifiers import Tier
from sync.command_line import empty_group, folder_of, lang_of
from sync.settings import load_settings
from village_agent.first_run import has_node, read_plan
from village_agent.pin import group_options
from village_agent.splash import is_at_terminal

NAME = "village-agent"


def add_screens(group: click.Group) -> None:
    """Give the village's group its options, its screens, and what it does without a verb."""
    group.params += group_options()
    group.add_command(tui)
    group.add_command(practice)
    group.invoke_without_command, group.no_args_is_help = True, False
    group.result_callback()(_without_a_verb)


@click.command(
    help="打开终端界面；本机还没有设置时，一步步引导设置 / open the terminal screens; leads through the first set-up"
)
@click.pass_context
def tui(ctx: click.Context) -> None:
    _open_screens(ctx)


@click.command(
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
    if not is_at_terminal():
        if is_reset:
            return
        raise InputError(
            "practice.no_terminal", zh="练习要在终端窗口里进行。", en="Practice needs a terminal window."
        )
    from village_agent.tui.start import run_practice

    run_practice(place, screen_lang(ctx))


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


def _open_screens(ctx: click.Context) -> None:
    from village_agent.tui.start import run_screens

    run_screens(folder_of(ctx), screen_lang(ctx))


def _without_a_verb(*_: object, **__: object) -> None:
    """``village-agent`` alone, at a terminal: the screens; elsewhere the list of commands."""
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is not None:
        return
    if is_at_terminal():
        _open_screens(ctx)
    else:
        click.echo(ctx.get_help())
        ctx.exit(2)


main = empty_group(Tier.VILLAGE, NAME)
add_screens(main)
