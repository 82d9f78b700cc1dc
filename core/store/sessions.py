"""Who is signed in at the desk's pages: kept under the digest of a random token, ended by idleness or by the clock."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.clock import World, from_iso, iso
from core.errors import StateError
from core.store.engine import METADATA
from core.store.officers import Officer, Roster, digest_of

IDLE_S = 30 * 60
LONGEST_S = 10 * 3600
TOUCH_S = 60
"""A session in use is written at most this often."""

SESSION = sa.Table(
    "desk_session",
    METADATA,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("officer", sa.String(32), nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("started_at", sa.String(24), nullable=False),
    sa.Column("seen_at", sa.String(24), nullable=False),
    comment="signed-in officers; the token itself is only in their browser",
)


@dataclass(frozen=True, slots=True)
class Session:
    """``csrf`` stands in every form of this session; ``is_stale`` when its last use should be written down."""

    officer: Officer
    csrf: str
    token_digest: str
    is_stale: bool


class Sessions:
    """Begins, finds and ends sessions in the caller's transaction."""

    def __init__(self, world: World, roster: Roster) -> None:
        self._world = world
        self._roster = roster

    def begin(self, tx: sa.Connection, officer_id: str) -> str:
        """A new session; returns the token for the cookie. Sweeps out what has run out."""
        now = self._world.now()
        over = (SESSION.c.seen_at < iso(now - timedelta(seconds=IDLE_S))) | (
            SESSION.c.started_at < iso(now - timedelta(seconds=LONGEST_S))
        )
        tx.execute(sa.delete(SESSION).where(over))
        token = self._world.random_bytes(32).hex()
        tx.execute(
            sa.insert(SESSION).values(
                token_digest=digest_of(token),
                officer=officer_id,
                csrf=self._world.random_bytes(32).hex(),
                started_at=iso(now),
                seen_at=iso(now),
            )
        )
        return token

    def find(self, tx: sa.Connection, token: str) -> Session | None:
        """The session of a token, None if there is none, if it ran out, or if its officer was disabled."""
        digest = digest_of(token)
        row = tx.execute(sa.select(SESSION).where(SESSION.c.token_digest == digest)).one_or_none()
        if row is None or self._is_over(row):
            return None
        officer = self._roster.find(tx, row.officer)
        if officer is None or officer.disabled:
            return None
        idle = self._world.now() - from_iso(row.seen_at)
        return Session(officer, row.csrf, digest, idle.total_seconds() > TOUCH_S)

    def touch(self, tx: sa.Connection, session: Session) -> None:
        where = SESSION.c.token_digest == session.token_digest
        tx.execute(sa.update(SESSION).where(where).values(seen_at=iso(self._world.now())))

    def end(self, tx: sa.Connection, session: Session) -> None:
        tx.execute(sa.delete(SESSION).where(SESSION.c.token_digest == session.token_digest))

    def end_all_of(self, tx: sa.Connection, officer_id: str) -> None:
        """After a new password nobody stays signed in with the old one."""
        tx.execute(sa.delete(SESSION).where(SESSION.c.officer == officer_id))

    def _is_over(self, row: sa.Row[Any]) -> bool:
        now = self._world.now()
        return bool(
            now - from_iso(row.seen_at) > timedelta(seconds=IDLE_S)
            or now - from_iso(row.started_at) > timedelta(seconds=LONGEST_S)
        )


def check_csrf(session: Session, given: str) -> None:
    """Raises ``StateError`` (``desk.csrf``) where a form does not come from a page of this session."""
    if not hmac.compare_digest(session.csrf.encode(), given.encode()):
        raise StateError(
            "desk.csrf",
            zh="表单已过期或不是从本系统打开的，没有生效。请刷新页面后重试。",
            en="The form has expired or was not opened from this desk; nothing was done. Reload the page and try again.",
        )
