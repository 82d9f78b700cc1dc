"""Revoking a node's certificates: the city signs the next list and says it to all; every node takes it and goes by it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.errors import InputError, PeerError
from core.identifiers import NodeId
from sync import audit, cose
from sync.dispatch import Incoming
from sync.identity import REVOCATIONS, write_fact
from sync.keyring import Keyring
from sync.revocation import (
    REASON_CHARS_MAX,
    REVOCATION_LIST_BYTES_MAX,
    Revocation,
    RevocationList,
    sign_revocations,
)
from sync.stream_id import EVERYONE, Lane
from sync.tables import KEY

if TYPE_CHECKING:
    from sync.node import Node

CERTIFICATES_REVOKED = "CertificatesRevoked"


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a revocation did or would do: the list's number and the serials it adds; none if all were revoked before."""

    node: NodeId
    reason: str
    number: int
    serials: tuple[str, ...]


def revoke(node: "Node", target: NodeId, reason: str, *, actor: str, dry_run: bool = False) -> Revoked:
    """Revoke every certificate of ``target`` that the city issued and that still counts; twice changes nothing.

    Raises ``InputError`` (``revoke.*``), ``StateError`` (``keyring.no_authority``).
    """
    node.keyring.issuer  # noqa: B018 - only the city may revoke
    _require_sense(node, target, reason)
    with node.lock, node.db.transaction() as tx:
        node.refresh(tx)
        held = node.keyring.revocations
        now = int(node.world.now().timestamp() * 1000)
        fresh = [c for c in node.keyring.certificates_of(target) if not held.is_revoked(c.serial)]
        serials = tuple(sorted(c.serial for c in fresh))
        if not fresh:
            return Revoked(target, reason, held.number, serials)
        list_ = held.with_more(now, [Revocation(serial, target, now, reason) for serial in serials])
        if not dry_run:
            _publish(tx, node, list_)
            audit.note(
                tx,
                node.world,
                actor=actor,
                action="certificates.revoked",
                subject=target,
                number=list_.number,
                serials=list(serials),
                reason=reason,
            )
    return Revoked(target, reason, list_.number, serials)


def take_list(tx: sa.Connection, node: "Node", incoming: Incoming) -> None:
    """Go by a list that the city sent. Raises ``PeerError`` (``revocations.*``)."""
    if incoming.stream.origin != node.place.city:
        raise PeerError(
            "revocations.stranger",
            zh=f"{incoming.stream.origin} 不是市级节点，它发来的证书吊销清单未采用。请报告市级管理员。",
            en=f"{incoming.stream.origin} is not the city; its revocation list was not used. Report it to the city's "
            "administrator.",
        )
    signed = incoming.message.body
    if node.place.node == node.place.city:
        _take_own_back(tx, node, signed)
        return
    before = node.keyring.revocations
    if _keep(tx, node.keyring, signed):
        list_ = node.keyring.revocations
        names = sorted({entry.node for entry in list_.entries if not before.is_revoked(entry.serial)})
        for name in names:
            audit.note(tx, node.world, actor="sync", action="node.revoked", subject=name, number=list_.number)


def catch_up(tx: sa.Connection, keyring: Keyring, stored: int) -> None:
    """Take up a list that another program of this node stored; ``stored`` is the number of the one in the database."""
    if stored <= keyring.revocations.number:
        return
    data = tx.scalar(sa.select(KEY.c.record).where(KEY.c.record_id == "city/revocations"))
    if data is not None:
        keyring.take_revocations(cose.decode(bytes(data), bytes_max=2 * REVOCATION_LIST_BYTES_MAX)[0])


def _take_own_back(tx: sa.Connection, node: "Node", signed: bytes) -> None:
    # A restored city hears what it had revoked: it goes on from there, above every number that it may have used.
    offered, held = node.keyring.read_revocations(signed), node.keyring.revocations
    lacking = [entry for entry in offered.entries if not held.is_revoked(entry.serial)]
    if lacking or (offered.number >= held.number and offered != held):
        now = int(node.world.now().timestamp() * 1000)
        union = held.with_more(now, lacking)
        _publish(tx, node, replace(union, number=max(union.number, offered.number + 1)))


def _publish(tx: sa.Connection, node: "Node", list_: RevocationList) -> None:
    signed = sign_revocations(list_, node.keyring.issuer.key)
    node.say(tx, [EVERYONE], Lane.CONTROL, CERTIFICATES_REVOKED, signed)
    _keep(tx, node.keyring, signed)


def _keep(tx: sa.Connection, keyring: Keyring, signed: bytes) -> bool:
    records = keyring.take_revocations(signed)
    for record in records:
        where = KEY.c.record_id == record.record_id
        if tx.execute(sa.update(KEY).where(where).values(record=record.data)).rowcount == 0:
            tx.execute(
                sa.insert(KEY).values(record_id=record.record_id, node=record.node, record=record.data)
            )
    if records:
        write_fact(tx, REVOCATIONS, keyring.revocations.number)
    return bool(records)


def _require_sense(node: "Node", target: NodeId, reason: str) -> None:
    if target == node.place.node:
        raise InputError(
            "revoke.city",
            zh="市级节点不能吊销自己：全市都靠它签名。若怀疑其密钥泄露，须用离线根密钥更换签发机构。",
            en="The city cannot revoke itself: everybody relies on its signature. If its key may be known to others, "
            "replace the issuing authority with the offline root key.",
        )
    if not reason.strip() or len(reason) > REASON_CHARS_MAX or not reason.isprintable():
        raise InputError(
            "revoke.reason",
            zh=f"请写明吊销原因，1 到 {REASON_CHARS_MAX} 个字，不含控制字符；全市节点都会看到，不要写个人信息。",
            en=f"Give a reason of 1 to {REASON_CHARS_MAX} printable characters. Every node will see it: no personal data.",
        )
    if not node.keyring.certificates_of(target):
        raise InputError(
            "revoke.unknown",
            zh=f"本市没有给 {target} 签发过证书，没有可吊销的。请核对代码；用 status 查看各节点。",
            en=f"No certificate was issued to {target}, so there is nothing to revoke. Check the code; see status.",
        )
