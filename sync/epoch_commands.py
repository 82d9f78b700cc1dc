"""``epoch``: which life of this node speaks, and what people decide about it."""

from typing import Any

import click

from core.clock import from_iso, local
from core.errors import InputError
from core.identifiers import parse_node_id
from sync import epoch, neighbour
from sync.command_line import Program, emit, folder_of, json_option
from sync.node import Node

_REASONS = {
    "installed": ("新装", "installed"),
    "restored": ("从备份恢复或复制到别处", "restored or copied"),
    "rewound": ("邻居见过本机不记得的内容", "a neighbour had seen what this disk does not remember"),
    "contradicted": ("邻居持有同号不同内容的信封", "a neighbour held another envelope under one number"),
    "renewed": ("由人决定启用", "decided by a person"),
}


def facts(node: Node) -> dict[str, Any]:
    """The lives of this node, and of neighbours of which two devices speak."""
    with node.db.reading() as tx:
        place = node.refresh(tx)
        told = epoch.superseded(tx)
        return {
            "node": place.node,
            "epoch": place.epoch,
            "block": epoch.ordinal(tx),
            "lives": epoch.lives(tx, place),
            "recovering": epoch.recovering(tx),
            "superseded": None if told is None else {"by": told.by, "epoch": told.epoch, "at": told.at},
            "doubles": [
                {"node": name, "epoch": ended, "bundles": count}
                for name, ended, count in neighbour.doubles(tx, place)
            ],
        }


def add_epoch_commands(group: click.Group, program: Program) -> None:
    """``epoch show``, ``epoch begin``, ``epoch waive``."""

    @group.group(name="epoch", help="本机的纪元：恢复、复制之后由哪一台说话 / which life of this node speaks")
    def lives() -> None:
        pass

    @lives.command(name="show", help="列出本机各纪元和异常 / list them. 例 / example: epoch show --json")
    @json_option
    @click.pass_context
    def show(ctx: click.Context, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            emit(ctx, facts(app.installation.node), as_json, _words)
        finally:
            app.installation.close()

    @lives.command(
        name="begin",
        help="决定由这台设备继续：启用新纪元，另一台将只能交出它还没交的。"
        "例 / example: epoch begin --yes\n\nLet this device go on; another of the same name can then only hand over.",
    )
    @click.option("--yes", is_flag=True, help="不再询问 / do not ask")
    @json_option
    @click.pass_context
    def begin(ctx: click.Context, yes: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        node = app.installation.node
        try:
            if not yes:
                click.confirm(
                    f"由这台设备作为 {node.place.node} 继续？/ Let this device go on as {node.place.node}?",
                    abort=True,
                )
            node.begin_epoch(epoch.Reason.RENEWED)
            emit(ctx, facts(node), as_json, _words)
        finally:
            app.installation.close()

    @lives.command(
        name="waive",
        help="不再等待某个节点补齐（它已报废或长期失联）。例 / example: epoch waive 430981102000",
    )
    @click.argument("name", metavar="NODE")
    @json_option
    @click.pass_context
    def waive(ctx: click.Context, name: str, as_json: bool) -> None:
        peer = parse_node_id(name)
        app = program.open(folder_of(ctx))
        node = app.installation.node
        try:
            with node.db.transaction() as tx:
                if peer not in epoch.recovering(tx):
                    raise InputError(
                        "epoch.not_waiting",
                        zh=f"本机没有在等 {peer} 补齐。用 epoch show 查看。",
                        en=f"This machine is not waiting for {peer}. See epoch show.",
                    )
                epoch.note_recovered(tx, node.world, peer, how="command line")
            emit(ctx, facts(node), as_json, _words)
        finally:
            app.installation.close()


def _words(found: dict[str, Any], lang: str) -> str:
    zh = lang == "zh"
    lines = [f"{found['node']}  " + (f"纪元 {found['epoch'][:8]}" if zh else f"epoch {found['epoch'][:8]}")]
    for life in found["lives"]:
        reason = _REASONS[life["reason"]][not zh]
        lines.append(f"  {life['epoch'][:8]}  {local(from_iso(life['began_at']))}  {reason}")
    if found["recovering"]:
        names = "、".join(found["recovering"]) if zh else ", ".join(found["recovering"])
        lines.append(f"! 等待 {names} 补齐" if zh else f"! waiting to be completed by {names}")
    if found["superseded"]:
        told = found["superseded"]
        at = local(from_iso(told["at"]))
        lines.append(
            f"✗ {told['by']} 于 {at} 告知：另一台设备已接替本机"
            if zh
            else f"x told by {told['by']} at {at}: another device has taken over"
        )
    lines += [
        f"✗ 有两台设备自称 {double['node']}" if zh else f"x two devices speak as {double['node']}"
        for double in found["doubles"]
    ]
    return "\n".join(lines)
