"""The commands that take care of a node: held, release, scrub, restore, unsent."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.clock import from_iso, local
from core.errors import Fault
from sync import damage, held, restoring, unsent
from sync import scrub as scrubbing
from sync.command_line import EXIT_CODES, Program, emit, folder_of, json_option, lang_of
from sync.environment import SystemWorld
from sync.installation import BACKUPS

_DRY = "只试，不改动 / only try, change nothing"


def add_care_commands(group: click.Group, program: Program) -> None:
    """Let every tier's program take care of its node."""
    _add_held(group, program)
    _add_scrub(group, program)
    _add_restore(group, program)
    _add_unsent(group)


def _add_held(group: click.Group, program: Program) -> None:
    @group.command(
        name="held", help="列出被隔离的消息和暂停的数据流：原因、时间、办法 / what waits for people, and why"
    )
    @json_option
    @click.pass_context
    def held_command(ctx: click.Context, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            with app.installation.db.reading() as tx:
                facts = {"messages": held.count_messages(tx), "held": [asdict(one) for one in held.held(tx)]}
        finally:
            app.installation.close()
        emit(ctx, facts, as_json, _held_words)

    @group.command(
        help="立即重试一条被隔离的消息，不论试过几次 / try a message again now, however often it failed\n\n"
        "例 / examples:\n\n  release 5f0c2a91\n\n  release 5f0c2a91 --dry-run"
    )
    @click.argument("id_", metavar="ID")
    @click.option("--dry-run", is_flag=True, help=_DRY)
    @json_option
    @click.pass_context
    def release(ctx: click.Context, id_: str, dry_run: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            one, failed = held.release(app.installation.node, id_, actor="cli", dry_run=dry_run)
        finally:
            app.installation.close()
        why = None if failed is None else {"code": failed.code, "zh": failed.zh, "en": failed.en}
        facts = {
            "id": one.id,
            "subject": one.subject,
            "applied": failed is None,
            "dry_run": dry_run,
            "error": why,
        }
        emit(ctx, facts, as_json, _release_words)
        if failed is not None:
            ctx.exit(EXIT_CODES[Fault.STATE])


def _add_scrub(group: click.Group, program: Program) -> None:
    @group.command(
        name="scrub",
        help="逐条核对本机保存的一切：办件、消息、信封、附件、审计日志、备份；损坏的点名并尽量修复。可随时中断，"
        "下次接着做；还有损坏时退出码为 5 / look through everything that is kept for rot; can be interrupted and "
        "resumed\n\n例 / examples:\n\n  scrub\n\n  scrub --restart --json\n\n  scrub --steps 10",
    )
    @click.option("--restart", is_flag=True, help="从头开始 / begin anew")
    @click.option("--steps", type=click.IntRange(1), default=None, help="最多做几步 / at most so many steps")
    @json_option
    @click.pass_context
    def scrub_command(ctx: click.Context, restart: bool, steps: int | None, as_json: bool) -> None:
        def show(cycle: scrubbing.Cycle) -> None:
            if not as_json:
                click.echo(_cycle_words(cycle, lang_of(ctx)) + "\r", nl=False, err=True)

        app = program.open(folder_of(ctx))
        installation = app.installation
        try:
            cycle = scrubbing.scrub(
                installation.node,
                installation.folder / BACKUPS,
                steps_max=steps,
                restart=restart,
                progress=show,
            )
            with installation.db.reading() as tx:
                damaged, open_ones = damage.count(tx), damage.known(tx)
        finally:
            installation.close()
        facts = asdict(cycle) | {"damaged": damaged, "damage": [asdict(one) for one in open_ones]}
        emit(ctx, facts, as_json, lambda f, lang: "\n" + _scrub_words(cycle, damaged, open_ones, lang))
        if damaged:
            ctx.exit(EXIT_CODES[Fault.LOCAL])


def _add_restore(group: click.Group, program: Program) -> None:
    @group.command(
        help="用备份恢复本机数据库：先核对备份，原数据库改名保留，恢复后开始新的纪元。先停止本节点 / put this node back "
        "to a copy: it is judged first, the replaced database is kept, a new epoch begins. Stop the node first\n\n"
        "例 / examples:\n\n  restore backups/20261001T180700Z.db --dry-run\n\n  restore /media/usb/20261001T180700Z.db"
    )
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--dry-run", is_flag=True, help=_DRY)
    @json_option
    @click.pass_context
    def restore(ctx: click.Context, file: Path, dry_run: bool, as_json: bool) -> None:
        folder = folder_of(ctx)
        source = file if file.is_absolute() or file.exists() else folder / file
        done = restoring.restore_folder(
            folder,
            source,
            program.key(folder),
            SystemWorld(),
            program.chains,
            restoring.speak_anew,
            dry_run=dry_run,
        )
        facts = {
            "node": done.node,
            "copy": str(source),
            "made_at": done.made_at,
            "audit_lines": done.audit_lines,
            "replaced": None if done.replaced is None else str(done.replaced),
            "dry_run": dry_run,
        }
        emit(ctx, facts, as_json, _restore_words)


def _held_words(facts: dict[str, Any], lang: str) -> str:
    if not facts["held"]:
        return "没有待处理的内容。" if lang == "zh" else "Nothing waits."
    lines = []
    for one in facts["held"]:
        since = local(from_iso(one["since"])) if one["since"] else "?"
        name = f"{one['id'][: held.SHORT]}  {one['type']} {one['subject']}  {since}"
        lines += [name, f"    {one[lang]}", f"    {one['do_' + lang]}"]
    shown = sum(1 for one in facts["held"] if one["kind"] == "quarantine")
    if facts["messages"] > shown:
        more = facts["messages"] - shown
        lines.append(f"另有 {more} 条未列出。" if lang == "zh" else f"{more} more are not listed.")
    return "\n".join(lines)


def _release_words(facts: dict[str, Any], lang: str) -> str:
    zh, name = lang == "zh", facts["id"][: held.SHORT]
    trial = ("（只试，未改动）" if zh else " (a trial; nothing was changed)") if facts["dry_run"] else ""
    if facts["applied"]:
        return f"消息 {name} 已生效{trial}。" if zh else f"Message {name} took effect{trial}."
    why = facts["error"][lang]
    return f"消息 {name} 仍未生效{trial}：{why}" if zh else f"Message {name} failed again{trial}: {why}"


def _cycle_words(cycle: scrubbing.Cycle, lang: str) -> str:
    if lang == "zh":
        return (
            f"{cycle.part or '完成'}  已核对 {cycle.checked}，发现损坏 {cycle.found}，已修复 {cycle.mended}"
        )
    return f"{cycle.part or 'done'}  {cycle.checked} looked at, {cycle.found} damaged, {cycle.mended} mended"


def _scrub_words(cycle: scrubbing.Cycle, damaged: int, open_ones: list[damage.Damage], lang: str) -> str:
    lines = [_cycle_words(cycle, lang)]
    lines += [f"✗ {one.zh if lang == 'zh' else one.en}" for one in open_ones]
    if damaged > len(open_ones):
        more = damaged - len(open_ones)
        lines.append(f"另有 {more} 处未列出。" if lang == "zh" else f"{more} more are not listed.")
    return "\n".join(lines)


def _restore_words(facts: dict[str, Any], lang: str) -> str:
    at = local(from_iso(facts["made_at"])) if facts["made_at"] else "?"
    if facts["dry_run"]:
        return (
            f"备份完好，属于节点 {facts['node']}，最后一笔 {at}。未作改动。"
            if lang == "zh"
            else f"The copy is sound, of node {facts['node']}, its last entry of {at}. Nothing was changed."
        )
    return (
        f"已恢复节点 {facts['node']} 到 {at}，原数据库保留为 {facts['replaced']}。新的纪元已开始，现在可以启动；"
        "下次联络时会与上级核对并取回缺少的内容。"
        if lang == "zh"
        else f"Node {facts['node']} is put back to {at}; the replaced database is kept as {facts['replaced']}. A new epoch "
        "has begun. Start the node; at its next contact it compares with its neighbours and fetches what is missing."
    )


def _add_unsent(group: click.Group) -> None:
    @group.command(
        name="unsent",
        help="还有没有未交出的内容：草稿、未封装的消息、对方未签收的信封；不需要口令。有，或看不出时，退出码为 3 / whether "
        "anything would be lost with this folder: drafts, messages, envelopes not signed for. No PIN is asked for; exit "
        "code 3 if there is something, or if it cannot be told\n\n例 / examples:\n\n  unsent\n\n  unsent --json",
    )
    @json_option
    @click.pass_context
    def unsent_command(ctx: click.Context, as_json: bool) -> None:
        found = unsent.look(folder_of(ctx))
        facts = found.facts() | {lang: unsent.words(found, lang) for lang in ("zh", "en")}
        emit(ctx, facts, as_json, lambda f, lang: str(f[lang]))
        if not found.is_safe:
            ctx.exit(EXIT_CODES[Fault.STATE])
