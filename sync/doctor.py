"""What may be wrong with this machine, each finding in a sentence that says what to do."""

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import sqlalchemy as sa

from core.clock import from_iso, local
from core.errors import LiandongError
from core.identifiers import NodeId
from core.regions import load_yuanjiang
from core.store.backup import horizon
from core.store.engine import SQLITE_SAFE_SINCE, SQLITE_VERSION
from sync import audit, backups, damage, repair, scrub, witness
from sync.held import LISTED_MAX, count_messages, held
from sync.installation import BACKUPS, Installation
from sync.lives import LIFE, RECOVERING
from sync.status import is_enrolled, status
from sync.tables import PEER

DISK_FREE_BYTES_MIN = 200 * 1024 * 1024
CLOCK_OFFSET_S_MAX = 300
SILENT_AFTER = timedelta(days=1)
PROBE_TIMEOUT_S = 3
_MEET = (
    "请联络一次（sync），或用U盘（export、import）。",
    "Meet it once (sync), or carry a stick (export, import).",
)
TOLD_FOR = timedelta(days=30)
"""How long a neighbour's restore is still told of."""


class Level(StrEnum):
    """How grave a finding is; only ``bad`` makes ``doctor`` fail."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what is so, and what to do by who has a command line, empty where nothing is to be done."""

    level: Level
    code: str
    what_zh: str
    what_en: str
    do_zh: str = ""
    do_en: str = ""

    @property
    def zh(self) -> str:
        return self.what_zh + self.do_zh

    @property
    def en(self) -> str:
        return f"{self.what_en} {self.do_en}".rstrip()


def examine(installation: Installation) -> list[Finding]:
    """Look at everything; a check that itself fails is a finding."""
    findings: list[Finding] = []
    for check in _CHECKS:
        try:
            findings += check(installation)
        except LiandongError as error:
            findings.append(Finding(Level.BAD, error.code, error.zh, error.en))
    return findings


def _database(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        if installation.db.path is not None:
            answer = tx.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if answer != "ok":
                yield Finding(
                    Level.BAD,
                    "database.damaged",
                    f"数据库有损坏（{answer}）。",
                    f"The database is damaged ({answer}).",
                    "请停止使用，保留原盘，从备份恢复（restore）。",
                    "Stop, keep the disk, restore a backup.",
                )
                return
        else:
            yield from _server_findings(tx)
        lines = audit.verify(tx)
    name = "PostgreSQL"
    if installation.db.path is not None:
        name = f"SQLite {SQLITE_VERSION}"
        yield _sqlite_finding()
    yield Finding(
        Level.GOOD,
        "database",
        f"数据库完好（{name}），审计日志 {lines} 行相连。",
        f"The database is sound ({name}); {lines} audit lines chain.",
    )


def _disk(installation: Installation) -> Iterator[Finding]:
    free = shutil.disk_usage(installation.folder).free
    zh, en = f"磁盘剩余 {free >> 20} MB", f"{free >> 20} MB are free on the disk"
    reserve = installation.db.reserve
    if reserve is not None and reserve.is_out:
        yield Finding(
            Level.BAD,
            "disk.reserve_out",
            f"{zh}，应急空间已动用：暂不接收任何新内容，已有的继续上传。",
            f"{en} and the reserve is in use: nothing new is taken in, what is here is still sent.",
            "请清理磁盘，空间够了会自动恢复。",
            "Free some space; taking in resumes by itself.",
        )
    elif free < DISK_FREE_BYTES_MIN:
        yield Finding(
            Level.BAD,
            "disk.full",
            f"{zh}，快满了：将不能登记新件，已有的仍会上传。",
            f"{en}: nearly full. New cases will be refused; what is here is still sent.",
            "请清理磁盘。",
            "Free some space.",
        )
    else:
        yield Finding(Level.GOOD, "disk", f"{zh}。", f"{en}.")


def _certificate(installation: Installation) -> Iterator[Finding]:
    node = installation.node
    if not is_enrolled(installation):
        yield Finding(
            Level.BAD,
            "node.not_enrolled",
            f"节点 {node.place.node} 还没有注册。",
            f"Node {node.place.node} is not enrolled.",
            "请向市中心要注册码，运行 enrol。",
            "Ask the city centre for a code and run enrol.",
        )
        return
    certificate = node.keyring.pair.signing
    verdict = node.keyring.judge(certificate, node.world.now())
    level = Level.BAD if not verdict.usable else Level.WARN if verdict.zh else Level.GOOD
    until = local(certificate.not_after)
    yield Finding(
        level,
        f"certificate.{verdict.status}",
        verdict.zh or f"证书有效至 {until}。",
        verdict.en or f"The certificate is valid until {until}.",
    )


def _division(installation: Installation) -> Iterator[Finding]:
    place, table = installation.node.place, load_yuanjiang()
    if place.city not in table or place.division in table:
        return
    yield Finding(
        Level.WARN,
        "node.code_gone",
        f"区划表里已没有 {place.division}：可能已并入别的镇或换了代码。已登记的件照常经原上级办完。",
        f"{place.division} is no longer in the table of divisions: it may have been merged, moved or renumbered. What was "
        "taken in goes on by the old way until it is closed.",
        "今后的新件请向市中心要新代码的注册码，另建节点登记。",
        "For new cases ask the city centre for a code for the new division and set up a node of that name.",
    )


def _neighbours(installation: Installation) -> Iterator[Finding]:
    facts = status(installation)
    now = installation.node.world.now()
    for peer in facts["peers"]:
        name = peer["node"]
        offset = peer.get("clock_offset_s") or 0
        if abs(offset) > CLOCK_OFFSET_S_MAX:
            yield Finding(
                Level.BAD,
                "clock.off",
                f"本机时钟与 {name} 相差 {_span_zh(offset)}：在校准之前，法定时限的计算不可靠。",
                f"This clock differs from that of {name} by {_span_en(offset)}: until it is set, legal limits cannot be "
                "relied on.",
                "请校准时间。",
                "Set the clock.",
            )
        if peer.get("error"):
            yield Finding(Level.WARN, peer["error"]["code"], peer["error"]["zh"], peer["error"]["en"])
        last = peer.get("last_contact_at")
        if last is None:
            yield Finding(
                Level.WARN,
                "peer.never_met",
                f"还没有与 {name} 联络过。",
                f"{name} has never been met.",
                *_MEET,
            )
        else:
            met = from_iso(last)
            silent = now - met > SILENT_AFTER
            yield Finding(
                Level.WARN if silent else Level.GOOD,
                "peer.silent" if silent else "peer.met",
                f"上次与 {name} 联络：{local(met)}，待传 {peer['waiting_envelopes']} 个信封。",
                f"{name} was last met at {local(met)}; {peer['waiting_envelopes']} envelopes wait for it.",
                *(_MEET if silent else ()),
            )


def _line(installation: Installation) -> Iterator[Finding]:
    url = installation.settings.parent_contact
    if not url:
        return
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 443), PROBE_TIMEOUT_S).close()
    except OSError as error:
        yield Finding(
            Level.WARN,
            "line.down",
            f"现在连不上 {url}（{error.strerror or error}）。",
            f"{url} cannot be reached now ({error.strerror or error}).",
            "可继续登记，线路恢复后自动上传。",
            "Go on taking cases; they are sent later.",
        )
    else:
        yield Finding(Level.GOOD, "line.up", f"{url} 可以连通。", f"{url} can be reached.")


def _set_aside(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        waiting, count = held(tx), count_messages(tx)
    for one in waiting:
        if one.kind == LIFE:
            level = Level.WARN if one.type == RECOVERING else Level.BAD
            yield Finding(level, one.code, one.zh, one.en, one.do_zh, one.do_en)
        elif one.kind == "stream":
            yield Finding(
                Level.BAD,
                "stream.held",
                f"来自 {one.subject} 的数据流已暂停：{one.zh}",
                f"The stream of {one.subject} is on hold: {one.en}",
                one.do_zh,
                one.do_en,
            )
        else:
            yield Finding(
                Level.WARN,
                "message.quarantined",
                f"消息 {one.id[:8]}（{one.type} {one.subject}）被隔离：{one.zh}",
                f"Message {one.id[:8]} ({one.type} {one.subject}) is set aside: {one.en}",
                one.do_zh,
                one.do_en,
            )
    if count > LISTED_MAX:
        yield Finding(
            Level.WARN,
            "message.quarantined",
            f"另有 {count - LISTED_MAX} 条消息被隔离，未逐条列出。",
            f"{count - LISTED_MAX} more messages are set aside and not listed.",
        )


_FORGETFUL = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
"""What a server must not leave out if it is to keep what it has confirmed."""


def _server_findings(tx: sa.Connection) -> Iterator[Finding]:
    if names := ", ".join(tx.exec_driver_sql(_FORGETFUL).scalars()):
        yield Finding(
            Level.BAD,
            "database.forgetful",
            f"数据库服务器关闭了 {names}，断电会丢失已确认的数据。请立即改为 on 并重新加载配置。",
            f"The database server has switched off {names}: a power cut loses what it has confirmed. Set it to on and reload.",
        )


def _sqlite_finding() -> Finding:
    safe = ".".join(map(str, SQLITE_SAFE_SINCE))
    if tuple(map(int, SQLITE_VERSION.split("."))) >= SQLITE_SAFE_SINCE:
        return Finding(
            Level.GOOD,
            "sqlite.version",
            f"SQLite {SQLITE_VERSION}，没有 3.7.0 至 3.51.2 的日志重置缺陷。",
            f"SQLite {SQLITE_VERSION} is past the WAL-reset bug of 3.7.0 to 3.51.2.",
        )
    return Finding(
        Level.BAD,
        "sqlite.version",
        f"SQLite {SQLITE_VERSION} 有可能丢失数据的日志重置缺陷，需要 {safe} 以上，本程序不会用它打开数据库。请重新安装。",
        f"SQLite {SQLITE_VERSION} has the WAL-reset bug that can lose data; {safe} or newer is needed and this program "
        "opens no database with it. Install it anew.",
    )


def _copies(installation: Installation) -> Iterator[Finding]:
    if installation.db.path is None:
        yield Finding(
            Level.WARN,
            "backup.elsewhere",
            "数据库在 PostgreSQL 上，备份由其自身工具完成，本机不知道能恢复到何时。请在那里核对。",
            "The database is on PostgreSQL and backed up by its own tools; this node does not know how far back it can "
            "be put. Check it there.",
        )
        return
    now = installation.node.world.now()
    found = horizon(installation.folder / BACKUPS, now)
    if found.newest is None or found.oldest is None:
        yield Finding(
            Level.WARN,
            "backup.none",
            "还没有备份。",
            "There is no copy yet.",
            "请让本节点保持运行（每天夜里自动备份），或现在运行 backup。",
            "Leave this node running (it makes one every night), or run backup now.",
        )
        return
    span_zh = f"共 {found.count} 份备份，可恢复到 {local(found.oldest)} 至 {local(found.newest)}"
    span_en = f"{found.count} copies, from {local(found.oldest)} to {local(found.newest)}"
    if backups.is_stale(found, now):
        yield Finding(
            Level.WARN,
            "backup.stale",
            f"最近两夜没有备份（{span_zh}）。",
            f"No copy was made for two nights ({span_en}).",
            "请检查磁盘空间，现在运行 backup。",
            "Check the disk's space and run backup now.",
        )
    else:
        yield Finding(Level.GOOD, "backup", f"{span_zh}。", f"{span_en}.")


def _rot(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        known, count = damage.known(tx), damage.count(tx)
        finished_at = scrub.last_finished_at(tx)
    for one in known:
        yield Finding(Level.BAD, f"damage.{one.kind}", one.zh, one.en)
    if count > len(known):
        more = count - len(known)
        yield Finding(Level.BAD, "damage.more", f"另有 {more} 处损坏未列出。", f"{more} more are not listed.")
    cycle = scrub.last(installation.node)
    now = installation.node.world.now()
    if finished_at is None or now - from_iso(finished_at) > backups.STALE_AFTER:
        since = local(from_iso(finished_at)) if finished_at else "-"
        yield Finding(
            Level.WARN,
            "scrub.stale",
            f"两天内没有完整核对过数据（上次 {since}）。",
            f"Not everything was looked through within two days (last: {since}).",
            "请让本节点保持运行，或现在运行 scrub。",
            "Leave this node running, or run scrub.",
        )
    elif cycle is not None and cycle.found:
        yield Finding(
            Level.WARN,
            "scrub.found",
            f"最近一次核对发现 {cycle.found} 处损坏，其中 {cycle.mended} 处当场修复。",
            f"The last walk found {cycle.found} damaged rows and mended {cycle.mended} at once.",
            "请检查或更换磁盘。",
            "Check or change the disk.",
        )
    elif not count:
        yield Finding(
            Level.GOOD,
            "scrub",
            f"{local(from_iso(finished_at))} 已核对全部数据，没有损坏。",
            f"Everything was looked through at {local(from_iso(finished_at))}; nothing has rotted.",
        )


def _compared(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        yield from differences_found(tx)


def differences_found(tx: sa.Connection) -> Iterator[Finding]:
    """What differs from a neighbour, or from its own messages, and what was put right of late."""
    for row in repair.differences(tx, settled=False, limit=20):
        yield Finding(Level.BAD, "case.differs", *repair.words_of(row))
    for row in repair.differences(tx, settled=True, limit=20):
        if row["repaired_at"]:
            yield Finding(
                Level.WARN,
                "case.repaired",
                f"{row['subject']} 曾与数据流不符，{row['repaired_at']} 已由数据流补正。若反复出现，请检查磁盘。",
                f"{row['subject']} was not what its messages make; it was made anew at {row['repaired_at']}. If this "
                "comes again, check the disk.",
            )


def _witnessed(installation: Installation) -> Iterator[Finding]:
    now = installation.node.world.now()
    with installation.db.reading() as tx:
        names = [NodeId(name) for name in tx.scalars(sa.select(PEER.c.node).order_by(PEER.c.node))]
        heads = [(name, witness.remembered(tx, name)) for name in names]
    for name, known in heads:
        if known is None or known.before is None or now - from_iso(known.began_at) > TOLD_FOR:
            continue
        line, at = known.before.number, local(from_iso(known.began_at))
        yield Finding(
            Level.WARN,
            "audit.anew",
            f"{name} 于 {at} 说明自己从备份恢复或重装，审计日志从新纪元接着记；本机记得它此前到第 {line} 行"
            f"（{known.before.digest[:16]}）。如非贵方所为，请核对。",
            f"{name} said at {at} that it was restored or installed anew; its audit log goes on in a new epoch. Before, it "
            f"was known here up to line {line} ({known.before.digest[:16]}). If nobody of yours did that, look into it.",
        )


def _span_zh(seconds: int) -> str:
    days, hours = abs(seconds) // 86400, abs(seconds) // 3600
    return f"{days} 天" if days else f"{hours} 小时" if hours else f"{abs(seconds) // 60} 分钟"


def _span_en(seconds: int) -> str:
    days, hours = abs(seconds) // 86400, abs(seconds) // 3600
    return f"{days} days" if days else f"{hours} hours" if hours else f"{abs(seconds) // 60} minutes"


_CHECKS: tuple[Callable[[Installation], Iterator[Finding]], ...] = (
    _database,
    _disk,
    _certificate,
    _division,
    _neighbours,
    _line,
    _set_aside,
    _copies,
    _rot,
    _compared,
    _witnessed,
)
