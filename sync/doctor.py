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
from core.store.engine import SQLITE_VERSION
from sync import audit, repair
from sync.installation import Installation
from sync.status import is_enrolled, status
from sync.tables import QUARANTINE

DISK_FREE_BYTES_MIN = 200 * 1024 * 1024
CLOCK_OFFSET_S_MAX = 300
SILENT_AFTER = timedelta(days=1)
PROBE_TIMEOUT_S = 3


class Level(StrEnum):
    """How grave a finding is; only ``bad`` makes ``doctor`` fail."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Level
    code: str
    zh: str
    en: str


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
                    f"数据库有损坏（{answer}）。请停止使用，保留原盘，从备份恢复。",
                    f"The database is damaged ({answer}). Stop, keep the disk, restore a backup.",
                )
                return
        lines = audit.verify(tx)
    name = f"SQLite {SQLITE_VERSION}" if installation.db.path is not None else "PostgreSQL"
    yield Finding(
        Level.GOOD,
        "database",
        f"数据库完好（{name}），审计日志 {lines} 行相连。",
        f"The database is sound ({name}); {lines} audit lines chain.",
    )


def _disk(installation: Installation) -> Iterator[Finding]:
    free = shutil.disk_usage(installation.folder).free
    zh, en = f"磁盘剩余 {free >> 20} MB", f"{free >> 20} MB are free on the disk"
    if free < DISK_FREE_BYTES_MIN:
        yield Finding(
            Level.BAD,
            "disk.full",
            f"{zh}，快满了：将不能登记新件，已有的仍会上传。请清理磁盘。",
            f"{en}: nearly full. New cases will be refused; what is here is still sent. Free some space.",
        )
    else:
        yield Finding(Level.GOOD, "disk", f"{zh}。", f"{en}.")


def _certificate(installation: Installation) -> Iterator[Finding]:
    node = installation.node
    if not is_enrolled(installation):
        yield Finding(
            Level.BAD,
            "node.not_enrolled",
            f"节点 {node.place.node} 还没有注册。请向市中心要注册码，运行 enrol。",
            f"Node {node.place.node} is not enrolled. Ask the city centre for a code and run enrol.",
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
                f"本机时钟与 {name} 相差 {_span_zh(offset)}。请校准时间；在校准之前，法定时限的计算不可靠。",
                f"This clock differs from that of {name} by {_span_en(offset)}. Set it; until then legal limits "
                "cannot be relied on.",
            )
        if peer.get("error"):
            yield Finding(Level.WARN, peer["error"]["code"], peer["error"]["zh"], peer["error"]["en"])
        last = peer.get("last_contact_at")
        if last is None:
            yield Finding(
                Level.WARN, "peer.never_met", f"还没有与 {name} 联络过。", f"{name} has never been met."
            )
        else:
            met = from_iso(last)
            silent = now - met > SILENT_AFTER
            yield Finding(
                Level.WARN if silent else Level.GOOD,
                "peer.silent" if silent else "peer.met",
                f"上次与 {name} 联络：{local(met)}，待传 {peer['waiting_envelopes']} 个信封。",
                f"{name} was last met at {local(met)}; {peer['waiting_envelopes']} envelopes wait for it.",
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
            f"现在连不上 {url}（{error.strerror or error}）。可继续登记，线路恢复后自动上传。",
            f"{url} cannot be reached now ({error.strerror or error}). Go on taking cases; they are sent later.",
        )
    else:
        yield Finding(Level.GOOD, "line.up", f"{url} 可以连通。", f"{url} can be reached.")


def _set_aside(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        open_ones = sa.select(QUARANTINE).where(QUARANTINE.c.released_at.is_(None)).order_by(QUARANTINE.c.at)
        rows = tx.execute(open_ones.limit(20)).all()
        held = installation.node.streams_on_hold(tx)
    for row in rows:
        yield Finding(
            Level.WARN,
            "message.quarantined",
            f"消息 {row.message_id[:8]}（{row.type} {row.subject}）被隔离：{row.zh}",
            f"Message {row.message_id[:8]} ({row.type} {row.subject}) is set aside: {row.en}",
        )
    for origin, _, reason in held:
        yield Finding(
            Level.BAD,
            "stream.held",
            f"来自 {origin} 的数据流已暂停：{reason}。请到对账页处理。",
            f"The stream of {origin} is on hold: {reason}. Look at the reconciliation sheet.",
        )


def _compared(installation: Installation) -> Iterator[Finding]:
    with installation.db.reading() as tx:
        yield from differences_found(tx)


def differences_found(tx: sa.Connection) -> Iterator[Finding]:
    """What differs from a neighbour, or from its own messages, and what was put right of late."""
    for row in repair.differences(tx, settled=False, limit=20):
        mine, theirs = (row[side][:8] if row[side] else "-" for side in ("mine", "theirs"))
        zh = f"与 {row['peer']} 所存不一致（本机 {mine}，对方 {theirs}）"
        en = f"differs from what {row['peer']} holds (here {mine}, there {theirs})"
        if not row["mine"] and not row["theirs"]:
            zh, en = "与本机所存的消息不符", "is not what the messages held here make"
        yield Finding(
            Level.BAD,
            "case.differs",
            f"{row['subject']} {zh}，尚未恢复一致。请联系市中心核对。",
            f"{row['subject']} {en}, and is not mended yet. Ask the city centre to look.",
        )
    for row in repair.differences(tx, settled=True, limit=20):
        if row["repaired_at"]:
            yield Finding(
                Level.WARN,
                "case.repaired",
                f"{row['subject']} 曾与数据流不符，{row['repaired_at']} 已由数据流补正。若反复出现，请检查磁盘。",
                f"{row['subject']} was not what its messages make; it was made anew at {row['repaired_at']}. If this "
                "comes again, check the disk.",
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
    _neighbours,
    _line,
    _set_aside,
    _compared,
)
