"""The officers of a node: who they are, what they may act as, and how they prove it.

A secret is kept only stretched (Argon2id, passed in, so that this room needs no cryptography of its own). A try
is counted before it is judged, so that tries made at the same time cannot outrun the delay.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.clock import World, from_iso, iso, local
from core.errors import InputError, StateError
from core.messages import Actor, Role
from core.store import leave
from core.store.engine import METADATA, Database
from core.workflow_names import role_names

Stretch = Callable[[str, bytes], bytes]
"""From password and 16 bytes of salt to 32 bytes, slowly."""

OFFICER_ROLES = tuple(role for role in Role if role not in (Role.AGENT, Role.APPLICANT))
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 8, 128
DELAYS_S = (0, 0, 0, 5, 15, 60, 300, 900, 1800)
"""Wait after so many failed tries in a row; the last one goes for all further ones and is the lock-out."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_EASY_LETTERS = "abcdefghjkmnpqrstuvwxyz023456789"

OFFICER = sa.Table(
    "officer",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("department", sa.String(100), nullable=False),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("secret", sa.LargeBinary(32), nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.String(24)),
    sa.Column("added_at", sa.String(24), nullable=False),
    comment="who works at this node's desk; roles are a JSON list; secret is stretched with salt",
)


@dataclass(frozen=True, slots=True)
class Officer:
    """One person at the desk. ``department`` empty: of no department in particular, and so bound to none.

    ``roles`` are those the officer may act in now: their own, and the ``lent`` ones of those they stand in for.
    """

    id: str
    name: str
    roles: tuple[Role, ...]
    department: str
    must_change: bool = False
    disabled: bool = False
    lent: tuple[Role, ...] = ()
    stands_in_for: tuple[str, ...] = ()

    def actor(self, role: Role) -> Actor:
        return Actor(self.id, self.name, role)


class Roster:
    """The list of officers, and the only place that judges a password."""

    def __init__(self, world: World, stretch: Stretch) -> None:
        self._world = world
        self._stretch = stretch

    def add(
        self,
        tx: sa.Connection,
        id_: str,
        name: str,
        roles: Iterable[Role],
        department: str = "",
        password: str | None = None,
    ) -> str | None:
        """Enter an officer. Without a ``password`` one is made, returned, and has to be changed at first sign-in.

        Raises ``InputError``: ``officer.id``, ``officer.name``, ``officer.roles``, ``officer.taken``,
        ``officer.password``.
        """
        given = tuple(role for role in OFFICER_ROLES if role in set(roles))
        _check_entry(id_, name, given, department)
        if self.find(tx, id_) is not None:
            raise InputError(
                "officer.taken",
                zh=f"工号 {id_} 已有人使用，请换一个。",
                en=f"There is an officer {id_} already; choose another id.",
            )
        one_time = None if password else self._one_time_password()
        tx.execute(
            sa.insert(OFFICER).values(
                id=id_,
                name=name,
                roles=json.dumps([str(role) for role in given]),
                department=department,
                must_change=one_time is not None,
                disabled=False,
                failures=0,
                added_at=iso(self._world.now()),
                **self._stretched(id_, password or one_time or ""),
            )
        )
        return one_time

    def find(self, tx: sa.Connection, id_: str) -> Officer | None:
        """The officer with the roles of now, None if there is none of this id."""
        row = tx.execute(sa.select(OFFICER).where(OFFICER.c.id == id_)).one_or_none()
        if row is None:
            return None
        officer, absent = _officer(row), leave.absent_for(tx, id_, self._world.now())
        if not absent:
            return officer
        others = tx.execute(sa.select(OFFICER).where(OFFICER.c.id.in_(absent))).all()
        theirs = {role for other in others for role in _officer(other).roles} - set(officer.roles)
        lent = tuple(role for role in OFFICER_ROLES if role in theirs)
        return replace(officer, roles=officer.roles + lent, lent=lent, stands_in_for=tuple(absent))

    def get(self, tx: sa.Connection, id_: str) -> Officer:
        """An officer who may work. Raises ``InputError`` (``officer.unknown``), ``StateError`` (``officer.disabled``)."""
        officer = self.find(tx, id_)
        if officer is None:
            raise InputError(
                "officer.unknown",
                zh=f"本节点没有工号“{id_[:32]}”。用 officer list 查看，或用 officer add 登记。",
                en=f"There is no officer {id_[:32]!r} at this node. See officer list, or enter one with officer add.",
            )
        if officer.disabled:
            raise StateError(
                "officer.disabled",
                zh=f"工号 {id_} 已停用，不能办理。",
                en=f"Officer {id_} has been disabled and cannot act.",
            )
        return officer

    def everyone(self, tx: sa.Connection) -> list[Officer]:
        return [_officer(row) for row in tx.execute(sa.select(OFFICER).order_by(OFFICER.c.id))]

    def set_password(self, tx: sa.Connection, id_: str, password: str | None) -> str | None:
        """A new password, or with None a one-time one, which is returned. Ends delay and lock-out. Raises as get."""
        self.get(tx, id_)
        one_time = None if password else self._one_time_password()
        values = self._stretched(id_, password or one_time or "")
        where = OFFICER.c.id == id_
        tx.execute(
            sa.update(OFFICER)
            .where(where)
            .values(must_change=one_time is not None, failures=0, locked_until=None, **values)
        )
        return one_time

    def set_disabled(self, tx: sa.Connection, id_: str, disabled: bool) -> None:
        """Raises ``InputError`` (``officer.unknown``)."""
        if self.find(tx, id_) is None:
            self.get(tx, id_)
        tx.execute(sa.update(OFFICER).where(OFFICER.c.id == id_).values(disabled=disabled))

    def sign_in(self, db: Database, id_: str, password: str) -> Officer:
        """The officer whose password this is. Takes its own transactions, and keeps count of failures in them.

        Raises ``InputError`` (``officer.sign_in``, the same for a wrong name and a wrong password),
        ``StateError`` (``officer.locked``).
        """
        with db.transaction() as tx:
            row = tx.execute(sa.select(OFFICER).where(OFFICER.c.id == id_)).one_or_none()
            if row is not None:
                self._count_try(tx, row)
        # A name that does not exist takes as long as one that does.
        salt, secret = (bytes(16), b"") if row is None else (bytes(row.salt), bytes(row.secret))
        proved = hmac.compare_digest(self._stretch(_normal(password), salt), secret)
        if row is None or not proved or row.disabled:
            raise InputError(
                "officer.sign_in",
                zh="工号或密码不对，请重新输入。连续输错会越等越久。",
                en="Id or password is wrong; please try again. After several failures the wait grows.",
            )
        with db.transaction() as tx:
            where = OFFICER.c.id == id_
            tx.execute(sa.update(OFFICER).where(where).values(failures=0, locked_until=None))
        return _officer(row)

    def _count_try(self, tx: sa.Connection, row: sa.Row[Any]) -> None:
        now = self._world.now()
        if row.locked_until and from_iso(row.locked_until) > now:
            until = local(from_iso(row.locked_until))
            raise StateError(
                "officer.locked",
                zh=f"输错次数过多，请在 {until} 之后再试，或请管理员重设密码。",
                en=f"Too many failed tries. Try again after {until}, or ask the administrator for a new password.",
            )
        failures = row.failures + 1
        delay_s = DELAYS_S[min(failures, len(DELAYS_S) - 1)]
        until_at = iso(now + timedelta(seconds=delay_s)) if delay_s else None
        where = OFFICER.c.id == row.id
        tx.execute(sa.update(OFFICER).where(where).values(failures=failures, locked_until=until_at))

    def _stretched(self, id_: str, password: str) -> dict[str, bytes]:
        text = _normal(password)
        if not PASSWORD_CHARS_MIN <= len(text) <= PASSWORD_CHARS_MAX or id_.lower() in text.lower():
            raise InputError(
                "officer.password",
                zh=f"密码应为 {PASSWORD_CHARS_MIN} 到 {PASSWORD_CHARS_MAX} 个字符，且不含工号，请换一个。",
                en=f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters and does not hold the id. "
                "Choose another.",
            )
        salt = self._world.random_bytes(16)
        return {"salt": salt, "secret": self._stretch(text, salt)}

    def _one_time_password(self) -> str:
        letters = "".join(_EASY_LETTERS[byte % 32] for byte in self._world.random_bytes(12))
        return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def digest_of(token: str) -> str:
    """Under which a secret token is kept: its hex SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _officer(row: sa.Row[Any]) -> Officer:
    roles = tuple(Role(role) for role in json.loads(row.roles))
    return Officer(row.id, row.name, roles, row.department, row.must_change, row.disabled)


def _check_entry(id_: str, name: str, roles: tuple[Role, ...], department: str) -> None:
    if not _ID.fullmatch(id_):
        raise InputError(
            "officer.id",
            zh="工号应为 1 到 32 位字母、数字、点、横线或下划线，请修改。",
            en="An officer's id has 1 to 32 letters, digits, dots, dashes or underscores. Please mend it.",
        )
    if not 1 <= len(name) <= 100 or not name.isprintable() or len(department) > 100:
        raise InputError(
            "officer.name",
            zh="姓名应为 1 到 100 个可显示的字符，部门至多 100 个。",
            en="A name has 1 to 100 printable characters, a department at most 100.",
        )
    if not roles:
        raise InputError(
            "officer.roles",
            zh=f"至少给一个岗位：{role_names(OFFICER_ROLES)}（{', '.join(OFFICER_ROLES)}）。",
            en=f"Give at least one role: {', '.join(OFFICER_ROLES)}.",
        )
