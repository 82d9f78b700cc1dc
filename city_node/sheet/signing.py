"""Signing for a day: a supervisor puts a name under the figures as they stand, and what changes later shows."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from city_node.sheet.tables import SIGNATURE
from city_node.sheet.view import Entry
from core.canonical import canonical_json
from core.clock import World, iso
from core.desk.context import Audit
from core.errors import InputError, StateError
from core.sheet import Verdict
from core.store.officers import Officer

WORDS_MAX = 500


def figures_of(entry: Entry) -> dict[str, Any]:
    """What is signed for."""
    return {
        "verdict": str(entry.verdict),
        "counts": asdict(entry.counts),
        "digests": dict(entry.digests),
        "open": {str(cause): count for cause, count in sorted(entry.open.items())},
        "accepted": entry.accepted,
        "unconfirmed": entry.unconfirmed,
    }


def digest_of(figures: Mapping[str, Any]) -> str:
    return sha256(canonical_json(figures)).hexdigest()


def sign(
    tx: sa.Connection,
    world: World,
    audit: Audit,
    officer: Officer,
    day: str,
    entry: Entry,
    words: str,
    seen: str,
) -> None:
    """Sign for a day of a division. ``seen`` is the digest of the figures on the officer's screen.

    Raises ``StateError`` (``sheet.figures``) if they changed since, ``InputError`` (``sheet.words``) where a day that is
    not level is signed without a word on why.
    """
    figures, words = figures_of(entry), words.strip()
    if digest_of(figures) != seen:
        raise StateError(
            "sheet.figures",
            zh="这一天的数字在您打开页面之后已有变化，没有签字。请看过新的数字再签。",
            en="The figures of this day changed since you opened the page; nothing was signed. Look at the new ones first.",
        )
    if len(words) > WORDS_MAX or (entry.verdict is not Verdict.LEVEL and not words):
        raise InputError(
            "sheet.words",
            zh=f"尚未全部相符，签字须写明说明（{WORDS_MAX} 字内）。",
            en=f"Not everything is level: say why you sign nevertheless, in {WORDS_MAX} characters.",
        )
    number = 1 + int(
        tx.scalar(
            sa.select(sa.func.max(SIGNATURE.c.number)).where(
                SIGNATURE.c.day == day, SIGNATURE.c.division == entry.division
            )
        )
        or 0
    )
    tx.execute(
        sa.insert(SIGNATURE).values(
            day=day,
            division=entry.division,
            number=number,
            officer=officer.id,
            name=officer.name,
            at=iso(world.now()),
            words=words,
            figures=canonical_json(figures).decode(),
            digest=seen,
        )
    )
    audit(tx, actor=officer.id, action="sheet.signed", subject=entry.division, day=day, digest=seen)


def signatures(tx: sa.Connection, day: str, division: str) -> list[sa.Row[Any]]:
    """Who signed for a day of a division, the newest first."""
    query = sa.select(SIGNATURE).where(SIGNATURE.c.day == day, SIGNATURE.c.division == division)
    return list(tx.execute(query.order_by(SIGNATURE.c.number.desc())).all())


def signed_divisions(tx: sa.Connection, day: str) -> dict[str, str]:
    """The digest of the newest signature of each division of a day."""
    query = sa.select(SIGNATURE).where(SIGNATURE.c.day == day).order_by(SIGNATURE.c.number)
    return {row.division: row.digest for row in tx.execute(query)}


def changes_since(signature: sa.Row[Any], entry: Entry) -> list[tuple[str, Any, Any]]:
    """``(figure, as signed, now)`` of what is not as it was signed for."""
    before, now = _flat(json.loads(signature.figures)), _flat(figures_of(entry))
    return [
        (name, before.get(name), now.get(name))
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _flat(figures: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat
