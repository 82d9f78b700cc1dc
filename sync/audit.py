"""The log that cannot be edited unseen: every line names the digest of the line before."""

import hashlib
from typing import Any, Protocol

import sqlalchemy as sa

from core.canonical import canonical_json
from core.clock import World, iso
from core.errors import LocalError
from core.store.prepared import Prepared, insert
from sync.tables import AUDIT

FIRST = bytes(32)
LINES_AT_ONCE = 1_000
"""A log has millions; a server gives them in portions."""
_HEAD = Prepared(sa.select(AUDIT.c.number, AUDIT.c.digest).order_by(AUDIT.c.number.desc()).limit(1))


def note(
    tx: sa.Connection, world: World, *, actor: str, action: str, subject: str = "", **detail: Any
) -> None:
    """Add a line; belongs into the transaction of what it tells of. No personal data in ``detail``."""
    last, previous = head(tx)
    number = last + 1
    at, text = iso(world.now()), canonical_json(detail).decode()
    insert(
        tx,
        AUDIT,
        number=number,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=text,
        previous=previous,
        digest=digest_of(number, at, actor, action, subject, text, previous),
    )


class Wanted(Protocol):
    """Which lines: exact actor and subject, the beginning of an action, instants; each empty for any."""

    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def until(self) -> str: ...
    @property
    def before(self) -> int | None: ...
    @property
    def limit(self) -> int: ...


def search(tx: sa.Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """Matching lines, the newest first, at most ``wanted.limit``."""
    columns = AUDIT.c
    query = sa.select(
        columns.number, columns.at, columns.actor, columns.action, columns.subject, columns.detail
    )
    if wanted.actor:
        query = query.where(columns.actor == wanted.actor)
    if wanted.subject:
        query = query.where(columns.subject == wanted.subject)
    if wanted.since:
        query = query.where(columns.at >= wanted.since)
    if wanted.until:
        query = query.where(columns.at < wanted.until)
    if wanted.before is not None:
        query = query.where(columns.number < wanted.before)
    # Each action by itself stands in the order of an index, all that begin alike do not.
    several = (
        [query.where(columns.action == name) for name in _actions(tx, wanted.action)]
        if wanted.action
        else [query]
    )
    newest = [one.order_by(columns.number.desc()).limit(wanted.limit) for one in several]
    found = [dict(row) for one in newest for row in tx.execute(one).mappings()]
    return sorted(found, key=lambda line: -line["number"])[: wanted.limit]


def _actions(tx: sa.Connection, beginning: str) -> list[str]:
    """Every action of the log that begins so; there are a few dozen, however long the log is."""
    found: list[str] = []
    following = sa.select(sa.func.min(AUDIT.c.action))
    name = tx.scalar(following.where(AUDIT.c.action >= beginning))
    while name is not None and name.startswith(beginning):
        found.append(name)
        name = tx.scalar(following.where(AUDIT.c.action > name))
    return found


def verify(tx: sa.Connection) -> int:
    """The number of lines, all of which chain. Raises ``LocalError`` (``audit.broken``) naming the first bad line."""
    return verify_after(tx, 0)


def verify_after(tx: sa.Connection, number: int, limit: int | None = None) -> int:
    """The last of at most ``limit`` lines after ``number``, all of which chain to it. Raises as :func:`verify`."""
    previous, expected = FIRST, number + 1
    if number:
        known = tx.scalar(sa.select(AUDIT.c.digest).where(AUDIT.c.number == number))
        if known is None:
            raise _broken(number)
        previous = bytes(known)
    query = sa.select(AUDIT).where(AUDIT.c.number > number).order_by(AUDIT.c.number)
    lines = query if limit is None else query.limit(limit)
    for line in tx.execute(lines, execution_options={"yield_per": LINES_AT_ONCE}):
        fields = (
            line.number,
            line.at,
            line.actor,
            line.action,
            line.subject,
            line.detail,
            bytes(line.previous),
        )
        if (
            line.number != expected
            or bytes(line.previous) != previous
            or digest_of(*fields) != bytes(line.digest)
        ):
            raise _broken(expected)
        previous, expected = bytes(line.digest), expected + 1
    return expected - 1


def _broken(number: int) -> LocalError:
    return LocalError(
        "audit.broken",
        zh=f"审计日志第 {number} 行被改动或缺失。请保留本机数据，报告管理员。",
        en=f"Audit line {number} was changed or is missing. Keep this machine's data and tell the administrator.",
    )


def head(tx: sa.Connection) -> tuple[int, bytes]:
    """Number and digest of the last line, (0, zeros) if there is none."""
    last = _HEAD.first(tx)
    return (0, FIRST) if last is None else (last.number, bytes(last.digest))


def digest_of(
    number: int, at: str, actor: str, action: str, subject: str, detail: str, previous: bytes
) -> bytes:
    """SHA-256 over a line and the digest of the one before."""
    line = canonical_json([number, at, actor, action, subject, detail, previous.hex()])
    return hashlib.sha256(line).digest()
