"""The city's certificate authority: an offline root, an issuing authority, and a pair for every node."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from core.clock import World, local
from core.errors import LocalError, PeerError
from core.identifiers import NodeId
from sync.primitives import SealingPublicKey, SigningKey, VerifyKey
from sync.revocation import NOTHING_REVOKED, RevocationList
from sync.x509 import SERIAL_BYTES, Certificate, Use, issue, read_request

ROOT_LIFETIME = timedelta(days=20 * 365)
ISSUING_LIFETIME = timedelta(days=5 * 365)
NODE_LIFETIME = timedelta(days=90)
GRACE = timedelta(days=30)
"""How long past its end a certificate still works where no line is."""
WARNING = timedelta(days=30)
"""How long before its end a node asks for the next."""
CLOCK_SLACK = timedelta(minutes=10)
"""Certificates start this much before they are made: village clocks are not exact."""


@dataclass(frozen=True, slots=True)
class Founding:
    """What founding a city's authority makes; ``root_key`` leaves the machine, the rest stays."""

    root: Certificate
    root_key: SigningKey
    issuing: Certificate
    issuing_key: SigningKey


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuing authority at work."""

    issuing: Certificate
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A node's two certificates."""

    signing: Certificate
    sealing: Certificate


class CertStatus(StrEnum):
    """What a certificate is worth at a moment."""

    OK = "ok"
    EXPIRING = "expiring"
    IN_GRACE = "in_grace"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ISSUER = "wrong_issuer"
    REVOKED = "revoked"


_USABLE = frozenset({CertStatus.OK, CertStatus.EXPIRING, CertStatus.IN_GRACE})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status and what to tell people; the words are empty for ``ok``."""

    status: CertStatus
    zh: str = ""
    en: str = ""

    @property
    def usable(self) -> bool:
        return self.status in _USABLE

    def require(self) -> None:
        """Raises ``PeerError`` (``certificate.<status>``) unless the certificate may be used."""
        if not self.usable:
            raise PeerError(f"certificate.{self.status}", zh=self.zh, en=self.en)


def found_city(
    world: World,
    city: NodeId,
    *,
    root_lifetime: timedelta = ROOT_LIFETIME,
    issuing_lifetime: timedelta = ISSUING_LIFETIME,
) -> Founding:
    """A new root and a new issuing authority for ``city``."""
    root_key, issuing_key = SigningKey.generate(world.random_bytes), SigningKey.generate(world.random_bytes)
    start = world.now() - CLOCK_SLACK
    root = issue(
        use=Use.ROOT,
        node=city,
        epoch="",
        key=root_key.public(),
        serial=world.random_bytes(SERIAL_BYTES),
        not_before=start,
        not_after=start + root_lifetime,
        issuer=None,
        issuer_key=root_key,
    )
    issuing = issue(
        use=Use.ISSUING,
        node=city,
        epoch="",
        key=issuing_key.public(),
        serial=world.random_bytes(SERIAL_BYTES),
        not_before=start,
        not_after=start + issuing_lifetime,
        issuer=root,
        issuer_key=root_key,
    )
    return Founding(root, root_key, issuing, issuing_key)


def issue_pair(
    world: World,
    issuer: Issuer,
    *,
    node: NodeId,
    epoch: str,
    signing: VerifyKey,
    sealing: SealingPublicKey,
    lifetime: timedelta = NODE_LIFETIME,
) -> Pair:
    """The two certificates of one installation; ``signing`` and ``sealing`` are its public keys."""
    start = world.now() - CLOCK_SLACK

    def one(use: Use, key: VerifyKey | SealingPublicKey) -> Certificate:
        return issue(
            use=use,
            node=node,
            epoch=epoch,
            key=key,
            serial=world.random_bytes(SERIAL_BYTES),
            not_before=start,
            not_after=min(start + lifetime, issuer.issuing.not_after),
            issuer=issuer.issuing,
            issuer_key=issuer.key,
        )

    return Pair(one(Use.SIGNING, signing), one(Use.SEALING, sealing))


def renew(
    world: World,
    issuer: Issuer,
    *,
    current: Certificate,
    request: bytes,
    sealing: SealingPublicKey,
    revocations: RevocationList = NOTHING_REVOKED,
    lifetime: timedelta = NODE_LIFETIME,
) -> Pair:
    """The next pair of the installation that holds ``current``, for the key in its new ``request``.

    The request has come in an envelope signed with the current key; its own signature proves the new one.
    Raises ``PeerError``: ``certificate.other_node``, ``certificate.revoked``, ``certificate.request``.
    """
    asked = read_request(request)
    if (asked.node, asked.epoch) != (current.node, current.epoch):
        raise PeerError(
            "certificate.other_node",
            zh=f"证书续期申请写的是 {asked.node}，申请者却是 {current.node}，未签发。请在该节点重新注册。",
            en=f"The renewal is for {asked.node} but was asked by {current.node}; nothing was issued. Enrol "
            "that node again.",
        )
    if revocations.is_revoked(current.serial):
        _revoked(current, revocations).require()
    return issue_pair(
        world,
        issuer,
        node=asked.node,
        epoch=asked.epoch,
        signing=asked.key,
        sealing=sealing,
        lifetime=lifetime,
    )


def verify_chain(
    certificate: Certificate,
    issuing: Certificate,
    root: Certificate,
    at: datetime,
    *,
    revocations: RevocationList = NOTHING_REVOKED,
    grace: timedelta = GRACE,
    warning: timedelta = WARNING,
) -> Verdict:
    """What ``certificate`` is worth at ``at`` under this ``root``.

    The issuing authority and the root must be inside their own dates, without grace.
    """
    chain = certificate.is_signed_by(issuing) and issuing.is_signed_by(root) and root.is_signed_by(root)
    if not chain or (issuing.use, root.use) != (Use.ISSUING, Use.ROOT) or certificate.use not in _NODE_USES:
        return Verdict(
            CertStatus.WRONG_ISSUER,
            f"{certificate.node} 的证书不是本市签发机构签发的，未采用。"
            "请在该节点用市级发放的注册码重新注册。",
            f"The certificate of {certificate.node} was not issued by this city's authority; it was not "
            "used. Enrol that node with a code from the city.",
        )
    if revocations.is_revoked(certificate.serial):
        return _revoked(certificate, revocations)
    if at < max(certificate.not_before, issuing.not_before, root.not_before):
        return Verdict(
            CertStatus.NOT_YET_VALID,
            f"{certificate.node} 的证书从 {local(certificate.not_before)} 起才有效，而本机时间是 "
            f"{local(at)}。请先核对本机时钟。",
            f"The certificate of {certificate.node} is valid only from {local(certificate.not_before)}, but "
            f"this machine's time is {local(at)}. Check this machine's clock first.",
        )
    for authority, name_zh, name_en in ((issuing, "签发机构", "issuing authority"), (root, "根机构", "root")):
        if at > authority.not_after:
            return Verdict(
                CertStatus.EXPIRED,
                f"本市{name_zh}的证书已于 {local(authority.not_after)} 到期。请核对本机时钟；若无误，"
                "请市级管理员换发。",
                f"The certificate of this city's {name_en} ended on {local(authority.not_after)}. Check "
                "this machine's clock; if it is right, the city's administrator has to issue a new one.",
            )
    return _by_date(certificate, at, grace, warning)


_NODE_USES = frozenset({Use.SIGNING, Use.SEALING})


def _by_date(certificate: Certificate, at: datetime, grace: timedelta, warning: timedelta) -> Verdict:
    end = local(certificate.not_after)
    if at > certificate.not_after + grace:
        return Verdict(
            CertStatus.EXPIRED,
            f"{certificate.node} 的证书已于 {end} 到期，宽限 {grace.days} 天也已过。仍可登记申请，"
            "但不能交换数据：请先核对本机时钟，再向市级管理员索取注册码重新注册。",
            f"The certificate of {certificate.node} ended on {end}, and the {grace.days} days of grace are "
            "over. Applications can still be taken, but nothing is exchanged: check this machine's clock, "
            "then ask the city's administrator for a code and enrol again.",
        )
    if at > certificate.not_after:
        return Verdict(
            CertStatus.IN_GRACE,
            f"{certificate.node} 的证书已于 {end} 到期，宽限至 {local(certificate.not_after + grace)}。"
            "请尽快联网一次，证书会自动续期。",
            f"The certificate of {certificate.node} ended on {end}; grace lasts until "
            f"{local(certificate.not_after + grace)}. Bring this node on line once soon and it renews by "
            "itself.",
        )
    if at > certificate.not_after - warning:
        return Verdict(
            CertStatus.EXPIRING,
            f"{certificate.node} 的证书将于 {end} 到期，下次联络时会自动续期。",
            f"The certificate of {certificate.node} ends on {end}; it renews by itself at the next contact.",
        )
    return Verdict(CertStatus.OK)


def _revoked(certificate: Certificate, revocations: RevocationList) -> Verdict:
    entry = revocations.find(certificate.serial)
    reason = entry.reason if entry is not None and entry.reason else "-"
    return Verdict(
        CertStatus.REVOKED,
        f"{certificate.node} 的证书已被市级吊销（原因：{reason}），不再采信。如属误吊销，"
        "请向市级管理员索取注册码重新注册。",
        f"The city has revoked the certificate of {certificate.node} (reason: {reason}); it is trusted no "
        "more. If that is a mistake, ask the city's administrator for a code and enrol again.",
    )


def write_root_key(path: Path, key: SigningKey, passphrase: str) -> str:
    """Write the root key, closed with ``passphrase``, to a new file and tell the operator (zh, then en) what to do.

    Raises ``LocalError`` (``authority.root_key_file``) if the file exists or cannot be written.
    """
    pem = key.to_pem(passphrase)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LocalError(
            "authority.root_key_file",
            zh=f"根密钥无法写入 {path}（文件已存在或无写入权限），未建立签发机构。请换一个新的文件位置。",
            en=f"The root key cannot be written to {path} (the file exists, or writing is not allowed); no "
            "authority was founded. Choose a new place for the file.",
        ) from error
    return (
        f"根密钥已写入 {path}。请把它移到离线介质，放入保险柜，并从本机删除；只有更换签发机构时才需要它。"
        f"\nThe root key is in {path}. Move it to an offline medium, lock that away and delete it here; it "
        "is needed only to replace the issuing authority."
    )
