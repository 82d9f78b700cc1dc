"""Where a PIN comes from: a file, the environment, or the keyboard; never the command line."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from core.clock import World
from core.errors import InputError, LiandongError
from core.identifiers import NodeId, division_of, township_of
from core.regions import load_yuanjiang
from sync.environment import SystemWorld
from sync.installation import Installation
from sync.settings import FILE_NAME
from village_agent.app import Village, open_village
from village_agent.practice_mark import refuse_practice
from village_agent.session import Session, begin, choose_operator
from village_agent.vault import Operator, check_pin, create_vault, has_vault, open_vault

PIN_BYTES_MAX = 256
OPERATOR_ID, OPERATOR_NAME = "a1", "代办员"
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
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def make_key(folder: Path) -> bytes | None:
    """The key of a new installation, under the PIN of its first operator; none where a node is already."""
    refuse_practice(folder)
    if (folder / FILE_NAME).exists():
        return None
    world: World = SystemWorld()
    if has_vault(folder):
        # An init that was cut off: go on with the key it made.
        operator = choose_operator(folder, given("operator"))
        return open_vault(folder, operator.id, read_pin("操作员口令 / PIN"), world)
    name = given("operator_name")
    if name is None and sys.stdin.isatty():
        name = click.prompt("操作员姓名 / operator's name", default=OPERATOR_NAME, err=True)
    pin = check_pin(read_pin("设置操作员口令（6 位以上）/ choose a PIN (6 or more)", confirm=True))
    return create_vault(folder, given("operator") or OPERATOR_ID, name or OPERATOR_NAME, pin, world)


def open_desk(folder: Path) -> Session:
    """The desk, unlocked; asks for the PIN where it is not given."""
    operator, key = unlock(folder)
    return begin(open_village(folder, SystemWorld(), key), operator)


def open_node(folder: Path) -> Village:
    """The village agent for the common commands. Raises as :func:`open_desk`."""
    _, key = unlock(folder)
    return open_village(folder, SystemWorld(), key)


def reopen_node(village: Village) -> Village:
    """The same agent composed anew from its disk; nobody is asked for a PIN."""
    installation = village.installation
    return open_village(installation.folder, SystemWorld(), installation.db.raw_key)


def require_known(node: NodeId) -> None:
    """Raises ``InputError`` (``node.unknown_division``) for a village that the city's table does not know."""
    divisions, division = load_yuanjiang(), division_of(node)
    if division[:6] == divisions.city.code[:6] and division not in divisions:
        town = township_of(division)
        near = divisions.children(town)[:5] if town in divisions else ()
        names = "、".join(f"{one.code} {one.name}" for one in near)
        raise InputError(
            "node.unknown_division",
            zh=f"{division} 不在{divisions.city.name}的区划表中，未建立。请核对村代码"
            + (f"，如 {names}。" if names else "。"),
            en=f"{division} is not in the table of divisions of {divisions.city.name}; nothing was set up. Check the "
            "village's code" + (f", for example {names}." if names else "."),
        )


def unlock(folder: Path) -> tuple[Operator, bytes]:
    """Operator and database key. At a terminal a wrong PIN is asked for again."""
    refuse_practice(folder)
    operator = choose_operator(folder, given("operator"))
    is_asked = given("pin_file") is None and "LIANDONG_PIN" not in os.environ and sys.stdin.isatty()
    while True:
        pin = read_pin(f"{operator.name} 口令 / PIN")
        try:
            return operator, open_vault(folder, operator.id, pin, SystemWorld())
        except LiandongError as error:
            if not is_asked or error.code != "vault.wrong_pin":
                raise
            click.echo(error.text(click.get_current_context().find_root().params.get("lang", "zh")), err=True)


def close(installation: Installation) -> None:
    installation.close()
