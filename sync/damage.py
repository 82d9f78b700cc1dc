"""The register of damage: what was found to have rotted here, of which case, until it is whole again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.store.prepared import Prepared
from sync import audit
from sync.identity import read_fact, write_fact
from sync.tables import NODE_STATE

PREFIX = "damage."
LISTED_MAX = 200
EVERY = 1 << 31


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged thing. ``kind``: case, message, said, envelope, chunk, audit, copy; ``subject`` a case number, if known.

    ``detail`` holds what mending it takes: whole numbers and short text.
    """

    kind: str
    key: str
    subject: str
    at: str
    zh: str
    en: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def report(
    tx: sa.Connection, world: World, kind: str, key: str, *, subject: str, zh: str, en: str, **detail: Any
) -> bool:
    """Enter damage with an audit line; false if it was known. ``key`` is short and unique within its kind."""
    name = _name(kind, key)
    if read_fact(tx, name) is not None:
        return False
    at = iso(world.now())
    write_fact(tx, name, {"subject": subject, "at": at, "zh": zh, "en": en, "detail": detail})
    audit.note(tx, world, actor="scrub", action="damage.found", subject=subject, kind=kind, key=key)
    return True


def mended(tx: sa.Connection, world: World, kind: str, key: str) -> bool:
    """Strike damage off, with an audit line; false if none was known."""
    name = _name(kind, key)
    known = read_fact(tx, name)
    if known is None:
        return False
    tx.execute(sa.delete(NODE_STATE).where(NODE_STATE.c.name == name))
    audit.note(tx, world, actor="scrub", action="damage.mended", subject=known["subject"], kind=kind, key=key)
    return True


_BEGINNING = sa.func.substr(NODE_STATE.c.name, 1, sa.bindparam("chars", type_=sa.Integer))
_KNOWN = Prepared(
    sa.select(NODE_STATE)
    .where(sa.bindparam("begins", type_=sa.String) == _BEGINNING)
    .order_by(NODE_STATE.c.name)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def known(tx: sa.Connection, kind: str = "", limit: int | None = LISTED_MAX) -> list[Damage]:
    """What is damaged now, of one kind or of all, at most ``limit``; :func:`count` says how much there is."""
    most = EVERY if limit is None else limit
    begins = _name(kind, "") if kind else PREFIX
    rows = _KNOWN.all(tx, begins=begins, chars=len(begins), most=most)
    return [_read(row.name, row.value) for row in rows]


def see(tx: sa.Connection, kind: str, key: str, cycle: str) -> None:
    """Note in which cycle damage was seen last."""
    name = _name(kind, key)
    fields = read_fact(tx, name)
    if fields is not None:
        write_fact(tx, name, fields | {"seen": cycle})


def strike_unseen(tx: sa.Connection, world: World, kind: str, cycle: str) -> None:
    """Strike off what a whole walk through its kind did not see again."""
    for row in tx.execute(sa.select(NODE_STATE).where(_of(kind))).all():
        if json.loads(row.value).get("seen") != cycle:
            mended(tx, world, kind, _read(row.name, row.value).key)


def count(tx: sa.Connection) -> int:
    """How many things are damaged now."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(NODE_STATE).where(_of(""))) or 0)


def _of(kind: str) -> sa.ColumnElement[bool]:
    return NODE_STATE.c.name.startswith(_name(kind, "") if kind else PREFIX, autoescape=True)


def _name(kind: str, key: str) -> str:
    return f"{PREFIX}{kind}.{key}"


def _read(name: str, value: str) -> Damage:
    kind, _, key = name.removeprefix(PREFIX).partition(".")
    fields = json.loads(value)
    return Damage(kind, key, fields["subject"], fields["at"], fields["zh"], fields["en"], fields["detail"])
