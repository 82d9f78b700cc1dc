"""What a desk works with: given by the tier that serves it, since this room knows nothing of the carrier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from core.bodies import AttachmentManifest
from core.clock import World
from core.documents.office import Letterhead
from core.documents.printer import Printer
from core.identifiers import NodeId, Tier, division_of, tier_of
from core.store.engine import Database
from core.store.office import Office
from core.store.officers import Roster, Stretch


class Audit(Protocol):
    """Adds a line to the log that cannot be edited unseen, in the caller's transaction. No personal data in it."""

    def __call__(
        self, tx: sa.Connection, *, actor: str, action: str, subject: str = "", **detail: Any
    ) -> None: ...


class Files(Protocol):
    """The scanned files that cases name."""

    def progress(self, tx: sa.Connection, attachment_id: str) -> tuple[int, int]:
        """Parts that are here, and parts in all; (0, 0) before the file is known."""

    def open(self, manifest: AttachmentManifest) -> bytes:
        """The plain file. Raises ``LocalError`` where it is not whole."""

    def seal(self, name: str, data: bytes) -> Mapping[str, Any]:
        """Encrypt a scan and keep it: the fields of its manifest. Raises ``InputError`` where no office could use it, ``LocalError``."""


Facts = Mapping[str, Any]
"""A neighbour: ``node``, ``last_contact_at``, ``carrier``, ``waiting_envelopes``, ``waiting_bytes``,
``oldest_waiting_at``, ``clock_offset_s``, ``failures``, ``error`` (``zh`` and ``en``) — as last met.

A trouble: ``kind``, ``subject``, ``type``, ``at``, ``zh``, ``en``; what was mended: the same without ``type``. Times are
ISO 8601, UTC.
"""


@dataclass(frozen=True, slots=True)
class AuditWanted:
    """Which lines of the audit log: exact ``actor`` and ``subject``, the beginning of ``action``, instants in ISO 8601;
    each empty for any. ``before``: lines with smaller numbers only.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    limit: int = 100


AuditLines = Callable[[sa.Connection, AuditWanted], Sequence[Facts]]
"""Lines of the log, the newest first: ``number``, ``at``, ``actor``, ``action``, ``subject``, ``detail``."""


Listing = Callable[[sa.Connection], Sequence[Facts]]


SignedFor = Callable[[sa.Connection, NodeId, str], Facts | None]
"""Who signed for the envelope that brought a message of a node: ``at`` (when it took effect here), ``seq``, ``receipts``
(``signer``, ``kind``, ``at``). None where no such message came."""


class Seam(Protocol):
    """What the tier gives a desk of its carrier."""

    @property
    def db(self) -> Database: ...
    @property
    def node(self) -> NodeId: ...
    @property
    def world(self) -> World: ...
    @property
    def stretch(self) -> Stretch: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def files(self) -> Files: ...
    @property
    def neighbours(self) -> Listing: ...
    @property
    def troubles(self) -> Listing: ...
    @property
    def mended(self) -> Listing: ...
    @property
    def audit_lines(self) -> AuditLines: ...
    @property
    def signed_for(self) -> SignedFor: ...
    @property
    def letterhead(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class DeskContext:
    """One node's desk."""

    db: Database
    office: Office
    node: NodeId
    world: World
    roster: Roster
    audit: Audit
    files: Files
    neighbours: Listing
    troubles: Listing
    mended: Listing
    audit_lines: AuditLines
    signed_for: SignedFor
    letterhead: Letterhead = field(default_factory=Letterhead)
    printer: Printer = field(default_factory=Printer)

    @classmethod
    def join(cls, office: Office, seam: Seam) -> "DeskContext":
        """The desk of ``office`` on the node behind ``seam``."""
        roster = Roster(seam.world, seam.stretch)
        return cls(
            seam.db,
            office,
            seam.node,
            seam.world,
            roster,
            seam.audit,
            seam.files,
            seam.neighbours,
            seam.troubles,
            seam.mended,
            seam.audit_lines,
            seam.signed_for,
            Letterhead.read(seam.letterhead),
        )

    @property
    def tier(self) -> Tier:
        return tier_of(division_of(self.node))
