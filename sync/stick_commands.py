"""``export`` and ``import``: bundles by stick, the same commands on every tier."""

import sys
from pathlib import Path
from typing import Any

import click

from core.clock import World
from core.errors import Fault, LiandongError
from core.identifiers import NodeId, parse_node_id
from sync import stick as carrying
from sync import stick_words
from sync.command_line import EXIT_CODES, Program, emit, folder_of, json_option, lang_of
from sync.stick import Progress
from sync.stick_import import Fate, Import, import_from
from sync.transport.usb import Stick

QUIET_S = 1.0
"""A command that is done by then writes no progress into a log."""

EXPORT_HELP = """把待传的内容写到U盘 / write what waits to a stick

写完后重新读出核对，说“可以拔出”才可以拔。导出不算送达：回执带回之前，本机继续保留，可以反复导出。
It is read back before the stick may be removed. An export is no delivery: everything is kept here until the
receipt comes back, and exporting again is always right.

\b
例 / examples:
  export /media/usb                          给所有相邻节点 / for every neighbour that is owed something
  export /media/usb --for 430981102000       只给一个节点 / for one neighbour
  export /media/usb --dry-run                只看会写什么 / only say what would be written
\b
退出码 / exit codes: 0 好 / done, 2 路径或节点不对 / wrong path or node, 3 未注册 / not enrolled,
  5 U盘满、只读、拔出或损坏 / stick full, read-only, gone or failing
"""
IMPORT_HELP = """接收U盘带来的内容，并把回执写回同一个U盘 / take what a stick brings, answer on the same stick

只读取 LIANDONG 文件夹里的数据包，以内容里的签名为准，文件名不算数。重复导入没有坏处。
Only bundles in the folder LIANDONG are read; the signature inside decides, names do not. Importing again does no harm.

\b
例 / examples:
  import /media/usb                          接收并写回执 / take, and write the answer
  import /media/usb --no-answer              不写U盘 / leave the stick as it is
  import /media/usb --dry-run                只看U盘上有什么 / only say what is there
\b
退出码 / exit codes: 0 好 / done, 2 路径不对 / wrong path, 3 没有给本机的 / nothing for this node,
  4 有数据包被拒收或不完整 / a bundle was refused or not whole, 5 本机或U盘有故障 / this machine or the stick fails
"""


def add_stick_commands(group: click.Group, program: Program) -> None:
    """Add both commands to a tier's group."""
    path_argument = click.argument("path", type=click.Path(path_type=Path))
    dry_option = click.option("--dry-run", is_flag=True, help="只看不做 / change nothing")

    @group.command(name="export", help=EXPORT_HELP)
    @path_argument
    @click.option("--for", "receiver", default="", metavar="NODE", help="只给这个节点 / for this node only")
    @dry_option
    @json_option
    @click.pass_context
    def export_command(ctx: click.Context, path: Path, receiver: str, dry_run: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        node, lang = app.installation.node, lang_of(ctx)
        try:
            stick = Stick(path)
            peers = _peers(node, receiver)
            if dry_run:
                waiting = tuple(carrying.waiting_for(node, peer) for peer in peers)
                emit(
                    ctx,
                    stick_words.waiting_facts(waiting),
                    as_json,
                    lambda facts, lang: "\n".join(stick_words.waiting_words(waiting, lang)),
                )
                return
            warn_same_disk(stick, app.installation, lang)
            bar = _Bar(node.world, lang, as_json)
            exports = carrying.export_to(stick, node, peers, bar.show)
            bar.end()
        finally:
            app.installation.close()
        emit(
            ctx,
            stick_words.export_facts(exports, stick.label),
            as_json,
            lambda facts, lang: "\n".join(stick_words.export_words(exports, stick.label, lang)),
        )
        errors = [export.error for export in exports if export.error is not None]
        if errors:
            ctx.exit(EXIT_CODES[errors[0].fault])

    @group.command(name="import", help=IMPORT_HELP)
    @path_argument
    @dry_option
    @click.option("--no-answer", is_flag=True, help="不写回执 / write no answer")
    @json_option
    @click.pass_context
    def import_command(ctx: click.Context, path: Path, dry_run: bool, no_answer: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        node, lang = app.installation.node, lang_of(ctx)
        try:
            stick = Stick(path)
            bar = _Bar(node.world, lang, as_json)
            report = import_from(stick, node, answer=not no_answer, dry_run=dry_run, told=bar.show)
            bar.end()
        finally:
            app.installation.close()
        emit(
            ctx,
            stick_words.import_facts(report, stick.label),
            as_json,
            lambda facts, lang: "\n".join(
                stick_words.import_words(report, stick.label, lang, dry_run=dry_run)
            ),
        )
        fault = _fault(report)
        if fault is not None:
            ctx.exit(EXIT_CODES[fault])


def _fault(report: Import) -> Fault | None:
    if report.error is not None:
        return report.error.fault
    errors: list[LiandongError] = [
        error for found in report.found if found.fate is not Fate.FOREIGN for error in found.refused
    ]
    if errors or report.count(Fate.CUT, Fate.REFUSED):
        return Fault.LOCAL if any(error.fault is Fault.LOCAL for error in errors) else Fault.PEER
    return None if report.count(Fate.TAKEN, Fate.NOTHING_NEW, Fate.FOR_US) else Fault.STATE


def _peers(node: Any, receiver: str) -> tuple[NodeId, ...]:
    if receiver:
        return (carrying.require_neighbour(node, parse_node_id(receiver)),)
    return carrying.neighbours(node)


def warn_same_disk(stick: Stick, installation: Any, lang: str) -> None:
    """Say on standard error that a folder does not look like a stick."""
    if stick.is_on_disk_of(installation.folder):
        click.echo(stick_words.same_disk_words(lang), err=True)


class _Bar:
    """The line that shows how far it is: at once for a person at a terminal, else after ``QUIET_S``; on standard error."""

    def __init__(self, world: World, lang: str, silent: bool) -> None:
        self._world, self._lang, self._silent = world, lang, silent
        self._start_s = world.monotonic_s()
        self._shown = False

    def show(self, progress: Progress) -> None:
        quiet = not sys.stderr.isatty() and self._world.monotonic_s() - self._start_s < QUIET_S
        if self._silent or quiet:
            return
        self._shown = True
        click.echo("\r\x1b[K" + stick_words.progress_words(progress, self._lang), nl=False, err=True)

    def end(self) -> None:
        if self._shown:
            click.echo(err=True)
