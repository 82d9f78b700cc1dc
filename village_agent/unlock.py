"""A node of a village opened for a command, or founded by one."""

import sys
from pathlib import Path

import click

from core.clock import World
from core.errors import InputError
from core.identifiers import NodeId, division_of, township_of
from core.regions import load_yuanjiang
from sync.environment import SystemWorld
from sync.settings import FILE_NAME
from village_agent.app import Village, open_village
from village_agent.pin import given, read_pin, unlock
from village_agent.practice_mark import refuse_practice
from village_agent.session import Session, begin
from village_agent.vault import check_pin, choose_operator, create_vault, has_vault, open_vault

OPERATOR_ID, OPERATOR_NAME = "a1", "代办员"


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
