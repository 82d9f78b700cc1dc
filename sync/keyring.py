"""The keys and certificates an installation works with, built from stored records and written back as such.

Own keys exist before their certificates do: a pair is asked for, comes back, and from then on the key it names is
the current one. Earlier sealing keys still open what was on the way, until they are destroyed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from core.clock import iso
from core.errors import LocalError, PeerError, StateError
from core.identifiers import NodeId
from sync import cose
from sync.authority import GRACE, Issuer, Pair, Verdict, verify_chain
from sync.primitives import Opener, SealingKey, SealingPublicKey, SigningKey, Verifier, VerifyKey, sha256
from sync.revocation import NOTHING_REVOKED, RevocationList, is_signed_by, newer, verify_revocations
from sync.x509 import Certificate, Use, read_certificate

TRANSIT_MAX = timedelta(days=120)
"""The longest a sealed envelope travels; then the key that opens it can be destroyed."""

_RECORD_BYTES_MAX = 2 << 20


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One row to store: ``record_id`` at most 96 characters, ``node`` whose it is, ``data`` secret for own keys."""

    record_id: str
    node: NodeId
    data: bytes


class Keyring:
    """All keys of one installation. Methods that change it return the records to store with the change."""

    def __init__(self, node: NodeId, records: Iterable[KeyRecord] = ()) -> None:
        self.node = node
        self.revocations: RevocationList = NOTHING_REVOKED
        self.revocations_signed = b""
        self._records: dict[str, KeyRecord] = {}
        self._signing: dict[bytes, SigningKey] = {}
        self._sealing: dict[bytes, SealingKey] = {}
        self._certificates: dict[NodeId, dict[str, Certificate]] = {}
        self._roots: list[Certificate] = []
        self._issuing: list[Certificate] = []
        self._issuing_keys: dict[bytes, SigningKey] = {}
        self._registration: SealingKey | None = None
        # In order of their ids the authorities come before what they signed.
        for record in sorted(records, key=lambda record: record.record_id):
            self._load(record)

    # What the work needs

    @property
    def signing_key(self) -> SigningKey:
        """The key of the newest own signing certificate. Raises ``StateError`` (``keyring.not_enrolled``)."""
        return self._signing[self._own(Use.SIGNING).spki]

    @property
    def sealing_key(self) -> Opener:
        """Opens with the current sealing key, then with the earlier ones that are still kept."""
        current = self._own(Use.SEALING).spki
        return _SealingKeys(
            tuple(self._sealing[spki] for spki in sorted(self._sealing, key=lambda s: s != current))
        )

    @property
    def origin_secrets(self) -> tuple[bytes, ...]:
        """What the content keys of own envelopes were made from, the current one first."""
        current = self._own(Use.SEALING).spki
        held = sorted(self._sealing, key=lambda spki: spki != current)
        return tuple(self._sealing[spki].origin_secret() for spki in held)

    @property
    def pair(self) -> Pair:
        """The own certificates in use. Raises ``StateError`` (``keyring.not_enrolled``)."""
        return Pair(self._own(Use.SIGNING), self._own(Use.SEALING))

    @property
    def root(self) -> Certificate:
        """The city's root. Raises ``StateError`` (``keyring.not_enrolled``)."""
        if not self._roots:
            raise self._not_enrolled()
        return self._roots[0]

    @property
    def issuing(self) -> Certificate:
        """The city's newest issuing authority. Raises ``StateError`` (``keyring.not_enrolled``)."""
        if not self._issuing:
            raise self._not_enrolled()
        return max(self._issuing, key=lambda certificate: certificate.not_before)

    @property
    def issuer(self) -> Issuer:
        """The issuing authority with its key: at the city alone. Raises ``StateError`` (``keyring.no_authority``)."""
        key = self._issuing_keys.get(self.issuing.spki)
        if key is None:
            raise _no_authority()
        return Issuer(self.issuing, key)

    @property
    def registration_key(self) -> SealingKey:
        """To which nodes seal their enrolment: at the city alone. Raises ``StateError`` (``keyring.no_authority``)."""
        if self._registration is None:
            raise _no_authority()
        return self._registration

    def verify_key_of(self, node: NodeId) -> Verifier:
        """The keys with which ``node`` may have signed: those of its certificates that are not revoked.

        Dates are not asked: what was signed in time may arrive late. Raises ``StateError``
        (``keyring.unknown_node``) and ``PeerError`` (``keyring.revoked``).
        """
        return _VerifyKeys(
            tuple(certificate.verify_key() for certificate in self._trusted(node, Use.SIGNING))
        )

    def revoked_keys_of(self, node: NodeId) -> Verifier:
        """The keys of ``node`` that no longer count; verifies nothing if there are none."""
        known = self._known(node, Use.SIGNING)
        return _VerifyKeys(tuple(c.verify_key() for c in known if self.revocations.is_revoked(c.serial)))

    def keys_ever_of(self, node: NodeId) -> Verifier:
        """Every key with which ``node`` has ever signed: for what was taken while it counted, or people have judged.

        Raises ``StateError`` (``keyring.unknown_node``).
        """
        known = self._known(node, Use.SIGNING)
        if not known:
            raise _unknown_node(node)
        return _VerifyKeys(tuple(certificate.verify_key() for certificate in known))

    def sealing_key_of(self, node: NodeId) -> SealingPublicKey:
        """The key of the newest sealing certificate of ``node``. Raises as :meth:`verify_key_of`."""
        return self._trusted(node, Use.SEALING)[0].sealing_key()

    def pair_of(self, node: NodeId) -> Pair:
        """The newest certificates of ``node``. Raises as :meth:`verify_key_of`."""
        return Pair(self._trusted(node, Use.SIGNING)[0], self._trusted(node, Use.SEALING)[0])

    def signing_certificates_of(self, node: NodeId) -> tuple[Certificate, ...]:
        """Every signing certificate of ``node`` known here, revoked or not, the newest first."""
        return tuple(self._known(node, Use.SIGNING))

    def installations_of(self, node: NodeId) -> int:
        """How many installations of ``node`` have had a certificate."""
        return len({certificate.epoch for certificate in self._certificates.get(node, {}).values()})

    def certificates_of(self, node: NodeId) -> tuple[Certificate, ...]:
        """Every certificate of ``node`` known here, in order of serial, revoked or not."""
        known = self._certificates.get(node, {})
        return tuple(known[serial] for serial in sorted(known))

    def certificate_with(self, node: NodeId, serial: str) -> Certificate | None:
        return self._certificates.get(node, {}).get(serial)

    def verdict_of(self, node: NodeId, at: datetime, *, grace: timedelta = GRACE) -> Verdict:
        """What the newest signing certificate of ``node`` is worth at ``at``, revoked or not.

        Raises ``StateError`` (``keyring.unknown_node``).
        """
        known = self._known(node, Use.SIGNING)
        if not known:
            raise _unknown_node(node)
        return self.judge(known[0], at, grace=grace)

    def judge(self, certificate: Certificate, at: datetime, *, grace: timedelta = GRACE) -> Verdict:
        """What any ``certificate`` is worth at ``at`` under this city's root."""
        issuing = next((i for i in self._issuing if certificate.is_signed_by(i)), self.issuing)
        return verify_chain(certificate, issuing, self.root, at, revocations=self.revocations, grace=grace)

    def nodes(self) -> tuple[NodeId, ...]:
        """Every node of which a certificate is known, in order."""
        return tuple(sorted(self._certificates))

    def records(self) -> tuple[KeyRecord, ...]:
        return tuple(self._records[record_id] for record_id in sorted(self._records))

    # What changes it

    def add_keys(self, signing: SigningKey, sealing: SealingKey, at: datetime) -> tuple[KeyRecord, ...]:
        """Keep a new pair of own keys, for which certificates are still to be asked."""
        return self._keep(
            self._own_record("own/signing", signing.public().to_spki(), [signing.to_pkcs8(), _ms(at)]),
            self._own_record("own/sealing", sealing.public().to_spki(), [sealing.to_pkcs8(), _ms(at)]),
        )

    def add_authority(self, issuing_key: SigningKey, registration_key: SealingKey) -> tuple[KeyRecord, ...]:
        """Keep the city's own two keys: for issuing certificates and for reading enrolments."""
        return self._keep(
            self._own_record("city/issuing-key", issuing_key.public().to_spki(), [issuing_key.to_pkcs8()]),
            KeyRecord("city/registration-key", self.node, cose.encode([registration_key.to_pkcs8()])),
        )

    def trust(self, root: Certificate, issuing: Certificate) -> tuple[KeyRecord, ...]:
        """Take the city's root, once, and an issuing authority under it.

        Raises ``PeerError`` (``keyring.other_root``): the root changes only by enrolling again.
        """
        known = self._roots[0] if self._roots else root
        valid = (root.use, issuing.use) == (Use.ROOT, Use.ISSUING) and issuing.is_signed_by(root)
        if known != root or not valid or not root.is_signed_by(root):
            raise PeerError(
                "keyring.other_root",
                zh="对方给出的根证书或签发机构与本节点信任的不一致，未采用。请报告市级管理员；"
                "更换根证书须重新注册。",
                en="The root or the issuing authority given is not the one this node trusts; it was not "
                "used. Report it to the city's administrator: a new root needs a new enrolment.",
            )
        return self._keep(
            KeyRecord("city/root", root.node, cose.encode([root.der])),
            KeyRecord(f"city/issuing/{issuing.serial}", issuing.node, cose.encode([issuing.der])),
        )

    def take_certificates(self, certificates: Iterable[Certificate]) -> tuple[KeyRecord, ...]:
        """Enter certificates of nodes in the directory; dates and revocation are judged when they are used.

        Raises ``PeerError`` (``certificate.wrong_issuer``) and takes none if one is not by this city's authority.
        """
        taken = tuple(certificates)
        for certificate in taken:
            if certificate.use not in (Use.SIGNING, Use.SEALING):
                raise _wrong_issuer(certificate)
            if not any(certificate.is_signed_by(issuing) for issuing in self._issuing):
                raise _wrong_issuer(certificate)
        return self._keep(
            *(KeyRecord(f"node/{c.node}/{c.serial}", c.node, cose.encode([c.der])) for c in taken)
        )

    def take_revocations(self, signed: bytes) -> tuple[KeyRecord, ...]:
        """Take a signed revocation list; an older one than the one held changes nothing.

        Raises as :func:`sync.revocation.verify_revocations`.
        """
        offered = self.read_revocations(signed)
        if newer(self.revocations, offered) is self.revocations:
            return ()
        return self._keep(KeyRecord("city/revocations", self.issuing.node, cose.encode([signed])))

    def read_revocations(self, signed: bytes) -> RevocationList:
        """The list in ``signed``. Raises as :func:`sync.revocation.verify_revocations`."""
        # A list outlives the authority that signed it: the earlier ones are asked too.
        for issuing in self._issuing:
            if issuing != self.issuing and is_signed_by(signed, issuing.verify_key()):
                return verify_revocations(signed, issuing.verify_key())
        return verify_revocations(signed, self.issuing.verify_key())

    def destroy_sealing_keys(self, now: datetime, transit: timedelta = TRANSIT_MAX) -> tuple[str, ...]:
        """Forget sealing keys replaced longer than ``transit`` ago; returns the record ids to delete.

        What was sealed to them can then be opened by nobody who takes this machine.
        """
        own = sorted(self._known(self.node, Use.SEALING), key=lambda certificate: certificate.not_before)
        replaced = {
            earlier.spki
            for earlier, later in pairwise(own)
            if later.not_before + transit < now and earlier.spki != own[-1].spki
        }
        old = sorted(replaced & self._sealing.keys())
        gone = tuple(_own_id("own/sealing", spki) for spki in old)
        for spki, record_id in zip(old, gone, strict=True):
            del self._sealing[spki], self._records[record_id]
        return gone

    # Inside

    def _keep(self, *records: KeyRecord) -> tuple[KeyRecord, ...]:
        for record in records:
            self._load(record)
        return records

    def _load(self, record: KeyRecord) -> None:
        kind, _, rest = record.record_id.partition("/")
        fields = cose.decode(record.data, bytes_max=_RECORD_BYTES_MAX, items_max=8)
        try:
            content: bytes = fields[0]
            match (kind, rest.partition("/")[0]):
                case ("own", "signing"):
                    signing = SigningKey.from_pkcs8(content)
                    self._signing[signing.public().to_spki()] = signing
                case ("own", "sealing"):
                    sealing = SealingKey.from_pkcs8(content)
                    self._sealing[sealing.public().to_spki()] = sealing
                case ("city", "issuing-key"):
                    issuing_key = SigningKey.from_pkcs8(content)
                    self._issuing_keys[issuing_key.public().to_spki()] = issuing_key
                case ("city", "registration-key"):
                    self._registration = SealingKey.from_pkcs8(content)
                case ("city", "root"):
                    self._roots = [read_certificate(content)]
                case ("city", "issuing"):
                    self._issuing = [
                        *(i for i in self._issuing if i.der != content),
                        read_certificate(content),
                    ]
                case ("city", "revocations"):
                    self._load_revocations(content)
                case ("node", _):
                    certificate = read_certificate(content)
                    self._certificates.setdefault(certificate.node, {})[certificate.serial] = certificate
                case _:
                    raise _unreadable(record)
        except (IndexError, TypeError) as error:
            raise _unreadable(record) from error
        self._records[record.record_id] = record

    def _load_revocations(self, signed: bytes) -> None:
        self.revocations = newer(self.revocations, self.read_revocations(signed))
        self.revocations_signed = signed

    def _own_record(self, kind: str, spki: bytes, fields: list[bytes | int]) -> KeyRecord:
        return KeyRecord(_own_id(kind, spki), self.node, cose.encode(fields))

    def _own(self, use: Use) -> Certificate:
        held: Iterable[bytes] = self._signing if use is Use.SIGNING else self._sealing
        known = self._known(self.node, use)
        # Stable: the newest that still counts, or else the newest, so that a revoked node can say why it is mute.
        for certificate in sorted(known, key=lambda c: self.revocations.is_revoked(c.serial)):
            if certificate.spki in held:
                return certificate
        raise self._not_enrolled()

    def _known(self, node: NodeId, use: Use) -> list[Certificate]:
        known = [c for c in self._certificates.get(node, {}).values() if c.use is use]
        return sorted(
            known, key=lambda certificate: (certificate.not_before, certificate.serial), reverse=True
        )

    def _trusted(self, node: NodeId, use: Use) -> list[Certificate]:
        known = self._known(node, use)
        if not known:
            raise _unknown_node(node)
        trusted = [c for c in known if not self.revocations.is_revoked(c.serial)]
        if not trusted:
            raise self.revoked(node)
        return trusted

    def revoked(self, node: NodeId) -> PeerError:
        """The refusal of what was signed with a key that no longer counts."""
        entries = [
            entry for c in self._known(node, Use.SIGNING) if (entry := self.revocations.find(c.serial))
        ]
        since = iso(datetime.fromtimestamp(entries[0].at / 1000, UTC)) if entries else ""
        return PeerError(
            "keyring.revoked",
            zh=f"{node} 的证书已被市级吊销（{since}），它署名的内容不再自动采用，须由人工核对。",
            en=f"The city has revoked the certificates of {node} ({since}); what it signs is no longer "
            "applied by itself and has to be judged by people.",
        )

    def _not_enrolled(self) -> StateError:
        return StateError(
            "keyring.not_enrolled",
            zh=f"本节点 {self.node} 还没有注册。请向市级管理员索取注册码，然后注册。",
            en=f"This node, {self.node}, is not enrolled yet. Ask the city's administrator for a code and "
            "enrol.",
        )


@dataclass(frozen=True, slots=True)
class _VerifyKeys:
    keys: tuple[VerifyKey, ...]

    def verifies(self, signature: bytes, data: bytes) -> bool:
        return any(key.verifies(signature, data) for key in self.keys)


@dataclass(frozen=True, slots=True)
class _SealingKeys:
    keys: tuple[SealingKey, ...]

    def open(self, sealed: bytes, info: bytes) -> bytes:
        for key in self.keys[:-1]:
            if (opened := _opened(key, sealed, info)) is not None:
                return opened
        return self.keys[-1].open(sealed, info)


def _opened(key: SealingKey, sealed: bytes, info: bytes) -> bytes | None:
    try:
        return key.open(sealed, info)
    except PeerError:
        return None  # an earlier key may open it; the last one's refusal is the answer


def _own_id(kind: str, spki: bytes) -> str:
    return f"{kind}/{sha256(spki).hex()[:32]}"


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _unknown_node(node: NodeId) -> StateError:
    return StateError(
        "keyring.unknown_node",
        zh=f"还没有收到 {node} 的证书，暂不能与它交换内容。下次联络后会自动继续。",
        en=f"The certificate of {node} has not arrived yet, so nothing can be exchanged with it. It goes on "
        "by itself after the next contact.",
    )


def _no_authority() -> StateError:
    return StateError(
        "keyring.no_authority",
        zh="本节点没有签发证书的密钥，只有市级节点可以签发。",
        en="This node holds no key for issuing certificates; only the city's node does.",
    )


def _wrong_issuer(certificate: Certificate) -> PeerError:
    return PeerError(
        "certificate.wrong_issuer",
        zh=f"{certificate.node} 的证书不是本市签发机构签发的节点证书，未采用。请报告市级管理员。",
        en=f"The certificate of {certificate.node} is not a node's certificate by this city's authority; it "
        "was not used. Report it to the city's administrator.",
    )


def _unreadable(record: KeyRecord) -> LocalError:
    return LocalError(
        "keyring.record",
        zh=f"本机密钥记录 {record.record_id[:96]} 无法识别，可能由较新版本的软件写入。"
        "请升级软件或从备份恢复。",
        en=f"The key record {record.record_id[:96]} is not understood; newer software may have written it. "
        "Update the software or restore the backup.",
    )
