"""Neighbours as witnesses: each remembers the head of the other's audit log, so one that is cut or rewritten is found.

A head is the number and the digest of the last line. In every contact a node tells its own head, the neighbour's as it
remembers it, and once more the digest of the line that the neighbour remembers of it. A log only grows within an
epoch; a node whose disk was put back says so by a new epoch, and its log is followed anew from there.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.identifiers import NodeId
from core.store.prepared import Prepared
from sync import audit, damage
from sync.hello import Hello
from sync.identity import Place, read_fact, write_fact
from sync.tables import AUDIT

THEIRS, OURS = "audit-theirs", "audit-ours"
"""Kinds of damage: a neighbour's log is not what it was, or ours is not what a neighbour remembers."""
_NUMBER_MAX = (1 << 63) - 1
_DIGEST_CHARS = 64


@dataclass(frozen=True, slots=True)
class Head:
    """A line of an audit log: number from 1, digest in hexadecimal."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last head told by a neighbour, in which epoch, and by the bundle of which number.

    ``before`` is the head remembered when that epoch began, ``began_at`` when; both empty in the first epoch.
    """

    epoch: str
    bundle: int
    head: Head
    before: Head | None = None
    began_at: str = ""


def told(tx: sa.Connection, peer: NodeId) -> dict[str, Any]:
    """What a bundle for ``peer`` says of the logs: our head, theirs as remembered, ours as they remember it."""
    number, digest = audit.head(tx)
    values: dict[str, Any] = {"audit": [number, digest.hex()]}
    known = remembered(tx, peer)
    if known is not None:
        values["audit_known"] = [known.epoch, known.head.number, known.head.digest]
    asked = read_fact(tx, _asked(peer), 0)
    if asked:
        values["audit_again"] = [asked, _digest_at(tx, asked)]
    return values


def compare(tx: sa.Connection, place: Place, world: World, hello: Hello, *, by_hand: bool) -> None:
    """Hold what a verified hello says of the logs against what is remembered; a contradiction becomes damage.

    ``by_hand``: the bundle may come after later ones, and then tells nothing. Older software says nothing of logs.
    """
    claimed = _read(hello.report.get("audit"))
    if claimed is not None:
        _compare_theirs(tx, world, hello, claimed, by_hand)
    said = hello.report.get("audit_known")
    if isinstance(said, list) and len(said) == 3 and said[0] == place.epoch:
        ours = _read(said[1:])
        if ours is not None:
            _compare_ours(tx, world, hello.sender, ours)


def remembered(tx: sa.Connection, peer: NodeId) -> Remembered | None:
    """What is remembered of the log of ``peer``."""
    known = read_fact(tx, _fact(peer))
    if known is None:
        return None
    before = Head(*known["before"]) if known["before"] else None
    return Remembered(known["epoch"], known["bundle"], Head(*known["head"]), before, known["began_at"])


def _compare_theirs(tx: sa.Connection, world: World, hello: Hello, claimed: Head, by_hand: bool) -> None:
    peer, known = hello.sender, remembered(tx, hello.sender)
    if known is None:
        _remember(tx, peer, Remembered(hello.epoch, hello.number, claimed))
        return
    if known.epoch != hello.epoch:
        damage.mended(tx, world, THEIRS, peer)
        audit.note(
            tx,
            world,
            actor="sync",
            action="neighbour.log_anew",
            subject=peer,
            before=known.head.number,
            digest=known.head.digest,
            now=claimed.number,
        )
        at = iso(world.now())
        _remember(tx, peer, Remembered(hello.epoch, hello.number, claimed, known.head, at))
        return
    if by_hand and hello.number <= known.bundle:
        return
    found = _contradiction(known.head, claimed, _read(hello.report.get("audit_again")))
    if found is None:
        damage.mended(tx, world, THEIRS, peer)
        _remember(tx, peer, Remembered(hello.epoch, hello.number, claimed, known.before, known.began_at))
        return
    damage.report(
        tx,
        world,
        THEIRS,
        peer,
        subject=peer,
        zh=f"{peer} 的审计日志与本机记得的不符：本机记得第 {known.head.number} 行为 {known.head.digest[:16]}，它现在说第 "
        f"{found.number} 行为 {found.digest[:16] or '无'}。日志可能被改动、截短，或数据库被换过。请保留两台设备的数据，派人核对。",
        en=f"The audit log of {peer} is not what is remembered here: line {known.head.number} was {known.head.digest[:16]}, and it now "
        f"says that line {found.number} is {found.digest[:16] or 'missing'}. The log may have been edited or cut, or the "
        "database swapped. Keep the data of both machines and have somebody look.",
        known=known.head.number,
        told=found.number,
    )


def _contradiction(known: Head, claimed: Head, again: Head | None) -> Head | None:
    """What a log that only grew could not say; none if all agrees."""
    if claimed.number < known.number:
        return claimed
    said = (head for head in (claimed, again) if head is not None and head.number == known.number)
    return next((head for head in said if head.digest != known.digest), None)


def _compare_ours(tx: sa.Connection, world: World, peer: NodeId, said: Head) -> None:
    write_fact(tx, _asked(peer), said.number)
    here = _digest_at(tx, said.number)
    if here == said.digest:
        damage.mended(tx, world, OURS, peer)
        return
    damage.report(
        tx,
        world,
        OURS,
        peer,
        subject=peer,
        zh=f"{peer} 记得的本机审计日志第 {said.number} 行是 {said.digest[:16]}，本机上却是 {here[:16] or '没有这一行'}："
        "两者之一被改动过。请保留两台设备的数据，报告管理员核对。",
        en=f"{peer} remembers line {said.number} of this machine's audit log as {said.digest[:16]}; here it is "
        f"{here[:16] or 'missing'}: one of the two was changed. Keep the data of both machines and tell the administrator.",
        known=said.number,
    )


def _remember(tx: sa.Connection, peer: NodeId, known: Remembered) -> None:
    before = None if known.before is None else [known.before.number, known.before.digest]
    write_fact(
        tx,
        _fact(peer),
        {
            "epoch": known.epoch,
            "bundle": known.bundle,
            "head": [known.head.number, known.head.digest],
            "before": before,
            "began_at": known.began_at,
        },
    )


_LINE = Prepared(sa.select(AUDIT.c.digest).where(AUDIT.c.number == sa.bindparam("at")))


def _digest_at(tx: sa.Connection, number: int) -> str:
    if number == 0:
        return audit.FIRST.hex()
    digest = _LINE.scalar(tx, at=number)
    return "" if digest is None else bytes(digest).hex()


def _read(value: Any) -> Head | None:
    """A head as told; none if it was not told, or is not one."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    number, digest = value
    if type(number) is not int or not 0 <= number <= _NUMBER_MAX or not isinstance(digest, str):
        return None
    is_digest = digest == "" or (len(digest) == _DIGEST_CHARS and set(digest) <= set("0123456789abcdef"))
    return Head(number, digest) if is_digest else None


def _fact(peer: NodeId) -> str:
    return f"audit_head.{peer}"


def _asked(peer: NodeId) -> str:
    return f"audit_asked.{peer}"
