"""What people have to know of lives: another device has taken over, a neighbour speaks twice, a disk is being completed."""

import sqlalchemy as sa

from core.clock import from_iso, local
from sync import epoch, neighbour
from sync.held_kit import Held
from sync.identity import Place

LIFE = "life"
SUPERSEDED, DOUBLE, RECOVERING = "superseded", "double", "recovering"


def troubles_of_lives(tx: sa.Connection, place: Place) -> list[Held]:
    """Each with what happened and what can be done; the gravest first."""
    return [*_superseded(tx), *_doubles(tx, place), *_recovering(tx)]


def _superseded(tx: sa.Connection) -> list[Held]:
    told = epoch.superseded(tx)
    if told is None:
        return []
    at = local(from_iso(told.at))
    return [
        _life(
            SUPERSEDED,
            told.by,
            told.at,
            f"{told.by} 于 {at} 告知：另一台设备已接替本机。本机未交的会继续交上去，但收不到新的内容。",
            f"{told.by} told at {at} that another device has taken over. What is here is still handed over, but nothing "
            "new comes to this one.",
            "如果应由本机继续，请停用另一台，然后在本机运行 epoch begin；否则等本机交完后停用本机。",
            "If this device is to go on, put the other away and run epoch begin here; else put this one away once it "
            "has handed over.",
        )
    ]


def _doubles(tx: sa.Connection, place: Place) -> list[Held]:
    return [
        _life(
            DOUBLE,
            name,
            None,
            f"有两台设备自称 {name}：一台已被接替，之后又来过 {count} 次。它交来的照收，不给它新的内容。",
            f"Two devices speak as {name}: one was superseded and has come {count} times since. What it brings is taken, "
            "it is given nothing.",
            "请联系该村（镇），确认用哪一台；停用的那台交完后收回，可能是失窃设备时请市中心吊销。",
            "Ask there which device is in use; take the other one in once it has handed over. If it may be stolen, let "
            "the city revoke it.",
        )
        for name, _, count in neighbour.doubles(tx, place)
    ]


def _recovering(tx: sa.Connection) -> list[Held]:
    return [
        _life(
            RECOVERING,
            name,
            None,
            f"本机数据是恢复来的，还在等 {name} 补齐；已有的办件暂不能办理，新件照常登记。",
            f"This machine was restored and waits to be completed by {name}: cases that exist have to wait, new ones can "
            "be taken in.",
            f"请与它联络一次（线路或U盘）；它若已报废，用 epoch waive {name}。",
            f"Meet it once, by line or stick; if it is gone for good, epoch waive {name}.",
        )
        for name in epoch.recovering(tx)
    ]


def _life(type_: str, node: str, since: str | None, zh: str, en: str, do_zh: str, do_en: str) -> Held:
    return Held(LIFE, f"{type_}-{node}", node, type_, f"epoch.{type_}", 0, since, zh, en, do_zh, do_en)
