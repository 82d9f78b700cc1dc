"""What waits for people: lives, messages set aside and streams on hold, each with its reason and what can be done.

The one place that reads the quarantine; ``status``, ``doctor``, ``held`` and the desks say what stands here.
"""

import json
from typing import Any

import sqlalchemy as sa

from core.errors import InputError, LiandongError, StateError
from sync import audit, checkpoint
from sync.held_kit import Held
from sync.identity import read_place
from sync.lives import LIFE, troubles_of_lives
from sync.node import Node
from sync.stream_id import Lane
from sync.tables import AUDIT, QUARANTINE, STREAM

LISTED_MAX = 200
REVOKED = "keyring.revoked"
SHORT = 8
"""Characters of an id that people are shown and may type."""


def held(tx: sa.Connection, limit: int = LISTED_MAX) -> list[Held]:
    """Lives that people have to look at, messages set aside, the oldest first and at most ``limit``, streams on hold."""
    open_ones = sa.select(QUARANTINE).where(QUARANTINE.c.released_at.is_(None))
    rows = tx.execute(open_ones.order_by(QUARANTINE.c.at, QUARANTINE.c.message_id).limit(limit)).all()
    streams = tx.execute(sa.select(STREAM).where(STREAM.c.hold.is_not(None)).order_by(STREAM.c.id)).all()
    lives = troubles_of_lives(tx, read_place(tx))
    return [*lives, *(_message(row) for row in rows), *(_stream(tx, row) for row in streams)]


def count_messages(tx: sa.Connection) -> int:
    """How many messages are set aside."""
    open_ones = sa.select(sa.func.count()).select_from(QUARANTINE).where(QUARANTINE.c.released_at.is_(None))
    return int(tx.scalar(open_ones) or 0)


def find(tx: sa.Connection, text: str) -> Held:
    """The one thing whose id begins with ``text``. Raises ``InputError`` (``held.unknown``, ``held.ambiguous``)."""
    found = [one for one in held(tx, limit=1 << 20) if one.id.startswith(text)] if len(text) >= SHORT else []
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            "held.ambiguous",
            zh=f"“{text[:64]}”对应 {len(found)} 条，请用 held 查看并多输入几位。",
            en=f"{text[:64]!r} fits {len(found)} of them; see held and type more of the id.",
        )
    raise InputError(
        "held.unknown",
        zh=f"没有编号以“{text[:64]}”开头（至少 {SHORT} 位）的待处理内容。请用 held 查看。",
        en=f"Nothing that waits has an id that begins with {text[:64]!r} (at least {SHORT} characters). See held.",
    )


class _DryRun(Exception):
    """Carries what would have happened past the rollback."""


def release(node: Node, text: str, *, actor: str, dry_run: bool = False) -> tuple[Held, LiandongError | None]:
    """Try a message again now, however often it failed; returns it with why it failed again, None if it took effect.

    Raises ``InputError`` (``held.*``) and, for a stream, ``StateError`` (``held.stream``). ``dry_run`` tries and
    takes everything back.
    """
    failed: LiandongError | None = None
    with node.db.reading() as tx:
        one = find(tx, text)
    if one.kind == LIFE:
        raise StateError("held.life", zh=f"{one.zh}{one.do_zh}", en=f"{one.en} {one.do_en}")
    if one.kind != "quarantine":
        raise StateError(
            "held.stream",
            zh=f"{one.subject} 的数据流因两台设备各执一词而暂停，不能直接放行。{one.do_zh}",
            en=f"The stream of {one.subject} is on hold because two machines contradict each other; it cannot simply be "
            f"let go. {one.do_en}",
        )
    try:
        with node.db.transaction() as tx:
            rows = tx.scalars(_streams_of(one.id)).all()
            done = [_try(node, tx, row, one.id) for row in rows]
            if not all(done):
                failed = _why(tx, one.id)
            code = failed.code if failed is not None else ""
            audit.note(
                tx,
                node.world,
                actor=actor,
                action="message.released",
                subject=one.subject,
                id=one.id,
                code=code,
            )
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return one, failed


def _try(node: Node, tx: sa.Connection, row: int, message_id: str) -> bool:
    return checkpoint.try_again(
        tx, node.place, node.world, node.keyring, node.dispatch, row, message_id, judged=True
    )


def _streams_of(message_id: str) -> sa.Select[Any]:
    columns = QUARANTINE.c
    return sa.select(columns.stream_id).where(columns.message_id == message_id, columns.released_at.is_(None))


def _why(tx: sa.Connection, message_id: str) -> LiandongError:
    columns = QUARANTINE.c
    query = sa.select(columns.code, columns.zh, columns.en)
    row = tx.execute(query.where(columns.message_id == message_id, columns.released_at.is_(None))).first()
    assert row is not None
    return StateError(row.code, zh=row.zh, en=row.en)


def _message(row: sa.Row[Any]) -> Held:
    if row.code in checkpoint.UNKNOWN_HERE:
        do_zh, do_en = "升级本程序后自动处理。", "It is applied by itself once this program is upgraded."
    elif row.code == REVOKED:
        do_zh = f"请人工核对是否可信（问登记人、看实物），可信则用 release {row.message_id[:SHORT]} 放行。"
        do_en = (
            "Judge whether it is genuine (ask who registered it, see the papers); if so, let it count with release "
            f"{row.message_id[:SHORT]}."
        )
    elif row.tries < checkpoint.TRIES_MAX:
        do_zh = f"每小时自动重试（已试 {row.tries} 次，最多 {checkpoint.TRIES_MAX} 次），也可用 release 立即重试。"
        do_en = f"It is tried again every hour ({row.tries} of {checkpoint.TRIES_MAX} so far); release tries it now."
    else:
        do_zh = f"已试 {row.tries} 次，不再自动重试。排除原因后用 release {row.message_id[:SHORT]} 重试。"
        do_en = (
            f"It failed {row.tries} times and is not tried by itself any more. Mend the cause, then release "
            + (f"{row.message_id[:SHORT]}.")
        )
    return Held(
        "quarantine",
        row.message_id,
        row.subject,
        row.type,
        row.code,
        row.tries,
        row.at,
        row.zh,
        row.en,
        do_zh,
        do_en,
    )


def _stream(tx: sa.Connection, row: sa.Row[Any]) -> Held:
    since = tx.scalar(
        sa.select(sa.func.max(AUDIT.c.at)).where(
            AUDIT.c.action == "stream.held", AUDIT.c.subject == row.origin
        )
    )
    zh, en = _words(row.hold)
    return Held(
        "stream",
        bytes(row.key).hex(),
        row.origin,
        Lane(row.lane).name.lower(),
        "stream.held",
        0,
        since,
        zh,
        en,
        "该设备可能被复制或用旧备份恢复过：停用其中一台，在另一台上核对，并联系市中心。",
        "That device may have been cloned or restored: stop one of the two, compare on the other, tell the city centre.",
    )


def _words(reason: str) -> tuple[str, str]:
    try:
        words = json.loads(reason)
        return str(words["zh"]), str(words["en"])
    except (ValueError, TypeError, KeyError):
        return reason, reason
