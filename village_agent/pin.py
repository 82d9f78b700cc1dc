"""Where a PIN comes from: a file, the environment, or the keyboard; never the command line."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from core.errors import InputError, LiandongError
from sync.environment import SystemWorld
from village_agent.practice_mark import refuse_practice
from village_agent.vault import Operator, choose_operator, open_vault

PIN_BYTES_MAX = 256
_META = "liandong.village."


def group_options() -> list[click.Option]:
    """What every command of the village needs in order to open its encrypted database."""

    def keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
        ctx.find_root().meta[_META + str(option.name)] = value

    texts = {
        "pin_file": "口令文件（也可用环境变量 LIANDONG_PIN）/ file with the PIN (or LIANDONG_PIN)",
        "operator": "操作员编号 / operator's id",
        "operator_name": "操作员姓名，init 时用 / operator's name, for init",
    }
    return [
        click.Option(
            [f"--{name.replace('_', '-')}"],
            help=text,
            envvar=f"LIANDONG_{name.upper()}",
            expose_value=False,
            callback=keep,
            type=click.Path(path_type=Path, dir_okay=False) if name == "pin_file" else str,
        )
        for name, text in texts.items()
    ]


def given(name: str) -> Any:
    """The value of one of :func:`group_options`."""
    return click.get_current_context().find_root().meta.get(_META + name)


def is_given() -> bool:
    """Whether the PIN comes from a file or the environment, so that nobody has to be asked."""
    return given("pin_file") is not None or "LIANDONG_PIN" in os.environ


def read_pin(prompt: str, *, confirm: bool = False) -> str:
    """The PIN. Raises ``InputError`` (``pin.missing``, ``pin.unreadable``)."""
    source = given("pin_file")
    if source is not None:
        try:
            data = source.read_bytes()[:PIN_BYTES_MAX]
            return str(data.decode("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "pin.unreadable",
                zh=f"读不到口令文件 {source}，请检查路径和权限。",
                en=f"The PIN file {source} cannot be read; check the path and the permissions.",
            ) from error
    if "LIANDONG_PIN" in os.environ:
        return os.environ["LIANDONG_PIN"]
    if not sys.stdin.isatty():
        raise InputError(
            "pin.missing",
            zh="需要操作员口令：用 --pin-file 指定文件，或设环境变量 LIANDONG_PIN，或在终端里输入。",
            en="A PIN is needed: name a file with --pin-file, set LIANDONG_PIN, or type it at a terminal.",
        )
    again = "再输一次 / once more" if confirm else False
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=again, err=True))


def opening(folder: Path) -> tuple[Operator, Callable[[], bytes]]:
    """Operator, and what opens the vault with a PIN that is given; nobody is asked. Raises as :func:`read_pin`."""
    refuse_practice(folder)
    operator = choose_operator(folder, given("operator"))
    return operator, partial(open_vault, folder, operator.id, read_pin(""), SystemWorld())


def unlock(folder: Path) -> tuple[Operator, bytes]:
    """Operator and database key. At a terminal a wrong PIN is asked for again."""
    refuse_practice(folder)
    operator = choose_operator(folder, given("operator"))
    is_asked = not is_given() and sys.stdin.isatty()
    while True:
        pin = read_pin(f"{operator.name} 口令 / PIN")
        try:
            return operator, open_vault(folder, operator.id, pin, SystemWorld())
        except LiandongError as error:
            if not is_asked or error.code != "vault.wrong_pin":
                raise
            click.echo(error.text(click.get_current_context().find_root().params.get("lang", "zh")), err=True)
