"""The commands that every tier has: init, run, sync, status, doctor, backup, and those of the modules beside."""

import os
from pathlib import Path
from typing import Any

import click

from core.clock import from_iso, local
from core.errors import Fault, InputError
from core.identifiers import Tier, division_of, parse_node_id, tier_of
from core.store.backup import back_up
from sync import audit, home, meeting, registrar
from sync import doctor as doctor_module
from sync.authority import write_root_key
from sync.care_commands import add_care_commands
from sync.command_line import EXIT_CODES, Program, emit, empty_group, folder_of, json_option, lang_of
from sync.enrol_commands import add_enrol_commands
from sync.environment import SystemWorld
from sync.epoch_commands import add_epoch_commands
from sync.installation import BACKUPS, Installation, create
from sync.settings import Settings, check_settings
from sync.status import status as status_of
from sync.status import streams as streams_of
from sync.stick_commands import add_stick_commands
from sync.stick_words import on_stick_words


def node_group(program: Program) -> click.Group:
    """A command group with the common commands; the tier adds its own."""
    group = empty_group(program.tier, program.name)
    _add_init(group, program)
    _add_work(group, program)
    _add_views(group, program)
    add_stick_commands(group, program)
    add_care_commands(group, program)
    add_enrol_commands(group, program)
    add_epoch_commands(group, program)
    return group


def _add_init(group: click.Group, program: Program) -> None:
    has_children = program.tier is not Tier.VILLAGE
    has_parent = program.tier is not Tier.CITY

    @group.command(
        help="新建本机节点。例 / example: init 430981000000 --contact 0.0.0.0:8443 --enrol-at 0.0.0.0:8442"
    )
    @click.argument("node")
    @click.option(
        "--contact", default="", hidden=not has_children, help="host:port，下级节点联络 / for the tier below"
    )
    @click.option(
        "--enrol-at", default="", hidden=not has_children, help="host:port，下级节点注册 / for enrolment"
    )
    @click.option(
        "--desk", default="", hidden=not has_children, help="host:port，工作人员网页 / officers' pages"
    )
    @click.option(
        "--public",
        default="",
        hidden=has_parent,
        help="host:port 群众查询网页 / the citizens' pages, apart from the desk",
    )
    @click.option(
        "--parent", default="", hidden=not has_parent, help="https://host:port 上级联络地址 / parent"
    )
    @click.option("--parent-enrol", default="", hidden=not has_parent, help="https://host:port 上级注册地址")
    @click.option(
        "--every", default=60, type=click.IntRange(1, 86_400), help="联络间隔（秒）/ seconds between contacts"
    )
    @click.option("--database", default="", hidden=has_parent, help="postgresql+psycopg://…")
    @click.option(
        "--root-key", default=None, hidden=has_parent, type=click.Path(path_type=Path, dir_okay=False)
    )
    @click.option(
        "--passphrase-file", default=None, hidden=has_parent, type=click.Path(path_type=Path, exists=True)
    )
    @click.pass_context
    def init(ctx: click.Context, /, node: str, **options: Any) -> None:
        folder = folder_of(ctx)
        settings = _settings(program, node, folder, options, lang_of(ctx))
        key = program.make_key(folder)
        installation = create(folder, settings, SystemWorld(), program.chains, key)
        try:
            if program.tier is Tier.CITY:
                _found(ctx, installation, options["root_key"], options["passphrase_file"])
        finally:
            installation.close()
        zh, en = f"已建立节点 {node}，数据在 {folder}。", f"Node {node} is set up in {folder}."
        click.echo(zh if lang_of(ctx) == "zh" else en)


def _settings(program: Program, node: str, folder: Path, options: dict[str, Any], lang: str) -> Settings:
    parsed = parse_node_id(node)
    if tier_of(division_of(parsed)) is not program.tier:
        raise InputError(
            "node.other_tier",
            zh=f"{node} 不是{ {'city': '市', 'township': '镇', 'village': '村'}[program.tier] }级区划代码，不能用 {program.name} 建立。",
            en=f"{node} is not a code of tier {program.tier}; {program.name} cannot be set up for it.",
        )
    program.check(parsed)
    values = {
        "node": str(parsed),
        "listen_contact": options["contact"],
        "listen_enrol": options["enrol_at"],
        "listen_desk": options["desk"],
        "listen_public": options["public"],
        "parent_contact": options["parent"],
        "parent_enrol": options["parent_enrol"],
        "contact_every_s": options["every"],
        "database_url": options["database"],
        "lang": lang,
    }
    return check_settings(values, folder / "settings.toml")


def _found(
    ctx: click.Context, installation: Installation, root_key: Path | None, passphrase_file: Path | None
) -> None:
    if passphrase_file is not None:
        passphrase = passphrase_file.read_text(encoding="utf-8").strip()
    else:
        passphrase = os.environ.get("LIANDONG_ROOT_PASSPHRASE") or click.prompt(
            "根密钥口令 / passphrase of the root key", hide_input=True, confirmation_prompt=True
        )
    founding = registrar.found_authority(installation.node)
    target = root_key or installation.folder / "offline-root.key"
    click.echo(write_root_key(target, founding.root_key, passphrase))


def _add_work(group: click.Group, program: Program) -> None:
    @group.command(help="运行，直到收到停止信号 / run until told to stop")
    @click.pass_context
    def run(ctx: click.Context) -> None:
        # What only a running node needs is imported here: every other command starts sooner.
        from sync import service
        from sync.reopen import keep_serving

        def serve(app: Any) -> None:
            has_desk = program.desk is not None and app.installation.settings.listen_desk
            desk = program.desk(app) if program.desk is not None and has_desk else None
            is_public = program.public is not None and app.installation.settings.listen_public
            public = program.public(app) if program.public is not None and is_public else None
            service.run(
                app.installation,
                desk,
                lambda: click.echo(_running(app.installation, lang_of(ctx))),
                lambda: program.beat(app),
                public,
            )

        again = program.reopen or (lambda app: program.open(app.installation.folder))
        keep_serving(program.open(folder_of(ctx)), again, serve, SystemWorld())

    @group.command(name="sync", help="现在就与上级联络一次 / meet the neighbour above now")
    @json_option
    @click.pass_context
    def sync_now(ctx: click.Context, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        node = app.installation.node
        try:
            if node.place.parent is None:
                raise InputError(
                    "node.no_parent",
                    zh="市级节点没有上级，等下级来联络。",
                    en="The city has no parent; it is called.",
                )
            from sync.lines import parent_line

            line = parent_line(node, app.installation.settings)

            def show(done: meeting.Meeting) -> None:
                if not as_json:
                    click.echo(_progress(done, lang_of(ctx)) + "\r", nl=False, err=True)

            done = meeting.meet(node, line, node.place.parent, show)
        finally:
            app.installation.close()
        facts = {
            name: getattr(done, name) for name in meeting.Meeting.__dataclass_fields__ if name != "refused"
        }
        facts["refused"] = [{"code": error.code, "zh": error.zh, "en": error.en} for error in done.refused]
        emit(ctx, facts, as_json, lambda f, lang: "\n" + _progress(done, lang))


def _add_views(group: click.Group, program: Program) -> None:
    @group.command(help="本机与邻近节点的状态 / this node and its neighbours")
    @click.option("--streams", is_flag=True, help="逐条数据流 / every stream")
    @json_option
    @click.pass_context
    def status(ctx: click.Context, streams: bool, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            facts = status_of(app.installation)
            if streams:
                facts["streams"] = streams_of(app.installation)
        finally:
            app.installation.close()
        emit(ctx, facts, as_json, _status_words)

    @group.command(help="检查本机，逐条说明问题和办法；有严重问题时退出码为 5 / look for trouble")
    @json_option
    @click.pass_context
    def doctor(ctx: click.Context, as_json: bool) -> None:
        app = program.open(folder_of(ctx))
        try:
            findings = doctor_module.examine(app.installation)
        finally:
            app.installation.close()
        marks = {"good": "✓", "warn": "!", "bad": "✗"}
        facts = [{"level": f.level, "code": f.code, "zh": f.zh, "en": f.en} for f in findings]
        emit(ctx, facts, as_json, lambda fs, lang: "\n".join(f"{marks[f['level']]} {f[lang]}" for f in fs))
        if any(finding.level is doctor_module.Level.BAD for finding in findings):
            ctx.exit(EXIT_CODES[Fault.LOCAL])

    @group.command(help="备份数据库（运行中也可以）/ back up the database, also while running")
    @click.argument("target", required=False, type=click.Path(path_type=Path, dir_okay=False))
    @click.pass_context
    def backup(ctx: click.Context, target: Path | None) -> None:
        app = program.open(folder_of(ctx))
        installation = app.installation
        stamp = installation.node.world.now().strftime("%Y%m%dT%H%M%SZ")
        try:
            file = target or installation.folder / BACKUPS / f"{stamp}.db"
            made = back_up(installation.db, file, [audit.verify], home.mark_copy)
        finally:
            installation.close()
        click.echo(
            f"已备份到 {made}，并已读回核对。"
            if lang_of(ctx) == "zh"
            else f"Backed up to {made}, read again and found whole."
        )


def _running(installation: Installation, lang: str) -> str:
    node, settings = installation.node.place.node, installation.settings
    doors = (settings.listen_contact, settings.listen_enrol, settings.listen_desk, settings.listen_public)
    where = " ".join(filter(None, doors))
    return f"节点 {node} 正在运行 {where}" if lang == "zh" else f"Node {node} is running {where}"


def _progress(done: meeting.Meeting, lang: str) -> str:
    if lang == "zh":
        return (
            f"上传 {done.sent_envelopes} 封 {done.sent_chunks} 块 {done.sent_bytes} 字节，"
            f"接收 {done.received_envelopes} 封 {done.received_chunks} 块 {done.received_bytes} 字节"
        )
    return (
        f"sent {done.sent_envelopes} envelopes, {done.sent_chunks} chunks, {done.sent_bytes} bytes; "
        f"received {done.received_envelopes}, {done.received_chunks}, {done.received_bytes}"
    )


def _status_words(facts: dict[str, Any], lang: str) -> str:
    zh = lang == "zh"
    lines = [
        f"节点 {facts['node']}  已注册：{'是' if facts['enrolled'] else '否'}"
        if zh
        else f"node {facts['node']}  enrolled: {facts['enrolled']}"
    ]
    for peer in facts["peers"]:
        last = peer.get("last_contact_at")
        met = local(from_iso(last)) if last else "从未" if zh else "never"
        lines.append(
            f"  {peer['node']}  上次联络 {met}  待传 {peer['waiting_envelopes']} 封 {peer['waiting_bytes']} 字节"
            if zh
            else f"  {peer['node']}  last met {met}  waiting {peer['waiting_envelopes']} ({peer['waiting_bytes']} bytes)"
        )
        if peer["on_stick"]:
            lines.append("    " + on_stick_words(peer["on_stick"], peer["node"], lang))
        if peer.get("error"):
            lines.append("    " + peer["error"][lang])
    lines.append(
        f"  隔离 {facts['quarantined']}  暂停的流 {len(facts['held_streams'])}  传输中的附件 {facts['files_in_transit']}"
        f"  磁盘损坏 {facts['damaged']}"
        if zh
        else f"  quarantined {facts['quarantined']}  held streams {len(facts['held_streams'])}  "
        f"files in transit {facts['files_in_transit']}  damaged {facts['damaged']}"
    )
    if facts.get("backup_newest_at"):
        newest, oldest = (local(from_iso(facts[f"backup_{end}_at"])) for end in ("newest", "oldest"))
        lines.append(
            f"  备份 {facts['backups']} 份，可恢复到 {oldest} 至 {newest}"
            if zh
            else f"  {facts['backups']} backups, from {oldest} to {newest}"
        )
    if not facts["takes_in"]:
        lines.append(
            "  磁盘已满：暂不接收，已有的继续上传"
            if zh
            else "  the disk is full: nothing is taken in, sending goes on"
        )
    return "\n".join(lines)
