"""Writing to a stick what is owed to a neighbour, so that somebody carries it.

An export changes no custody: what is on a stick waits here until its receipt comes back, by whatever way. So a
stick may be lost, doubled, old or cut, and exporting again is always right.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from core.errors import InputError, LiandongError
from core.identifiers import NodeId
from sync import attachments, audit, neighbour
from sync.compose import Carried, compose
from sync.node import Node
from sync.outbox import owed
from sync.stick_layout import EXPORT_BYTES, bundle_name
from sync.stick_own import is_signed_for, own_bundles
from sync.stick_record import is_unanswered, note_written
from sync.stream import children
from sync.tables import DELIVERY, MESSAGE
from sync.transport.usb import Entry, Stick, StickError


@dataclass(frozen=True, slots=True)
class Progress:
    """``bytes`` of ``bytes_total`` (0: not known yet) written or read, and the items in them."""

    bytes: int = 0
    bytes_total: int = 0
    envelopes: int = 0
    chunks: int = 0


Told = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Export:
    """What was written for ``peer`` and read back. ``error`` ended it early; the bundles before it are good."""

    peer: NodeId
    bundles: int = 0
    envelopes: int = 0
    chunks: int = 0
    bytes: int = 0
    removed: int = 0
    error: LiandongError | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an export for ``peer`` would write: ``messages`` are recorded and not sealed yet, ``bytes`` without them.

    ``unmet``: nothing was ever heard of it, so a bundle that only introduces this node is worth carrying.
    """

    peer: NodeId
    messages: int
    envelopes: int
    chunks: int
    bytes: int
    receipts: bool
    unmet: bool

    @property
    def is_something(self) -> bool:
        return bool(self.messages or self.envelopes or self.chunks or self.receipts or self.unmet)


def neighbours(node: Node) -> tuple[NodeId, ...]:
    """Those for whom a stick may be written here: the neighbour above, then those below."""
    with node.db.reading() as tx:
        below = children(tx, node.place)
    return (*((node.place.parent,) if node.place.parent else ()), *below)


def require_neighbour(node: Node, name: NodeId) -> NodeId:
    """``name``, if a stick may be written for it here. Raises ``InputError`` (``stick.not_neighbour``)."""
    if name not in neighbours(node):
        raise InputError(
            "stick.not_neighbour",
            zh=f"{name} 不是本机的上级，也不是联络过的下级，不能为它导出。U盘只在相邻两级之间传递（村与镇、镇与市）；"
            "新的下级请先由它导出一次，在本机导入。",
            en=f"{name} is neither above this node nor a node below that it has met, so nothing can be exported for it. "
            "Sticks go between neighbours (village and township, township and city); import a stick of a new node "
            "first.",
        )
    return name


def waiting_for(node: Node, peer: NodeId) -> Waiting:
    """What an export for ``peer`` would carry now; nothing is written, here or on a stick."""
    with node.db.reading() as tx:
        messages = tx.scalar(
            sa.select(sa.func.count())
            .select_from(MESSAGE)
            .join(DELIVERY, DELIVERY.c.stream_id == MESSAGE.c.stream_id)
            .where(DELIVERY.c.peer == peer, MESSAGE.c.seq.is_(None))
        )
        sizes = [item.size for item in owed(tx, peer)]
        chunks = sum(1 for _ in attachments.chunks_owed(tx, peer, None))
        receipts = is_unanswered(tx, peer)
        met = node.peer(tx, peer)
    chunk_bytes = chunks * attachments.CHUNK_CIPHER_BYTES_MAX
    return Waiting(
        peer,
        messages=int(messages or 0),
        envelopes=len(sizes),
        chunks=chunks,
        bytes=sum(sizes) + chunk_bytes,
        receipts=receipts,
        unmet=met is None or met.last_contact_at is None,
    )


def export_to(
    stick: Stick, node: Node, peers: Iterable[NodeId], told: Told = lambda progress: None
) -> tuple[Export, ...]:
    """Write everything owed to each of ``peers``, read it back, and take our outdated bundles off the stick.

    A stick that fails ends the export: ``error`` of the last entry says so in words. What ``told`` raises stops it
    between two pieces.
    """
    done: list[Export] = []
    for peer in peers:
        export = export_for(stick, node, peer, told, done)
        done.append(export)
        if export.error is not None:
            break
    return tuple(done)


def export_for(
    stick: Stick, node: Node, peer: NodeId, told: Told, before: Iterable[Export] = (), *, reply_to: int = 0
) -> Export:
    writing = _Writing(stick, node, Export(peer), told, tuple(before))
    try:
        outdated = writing.remove_signed()
        waiting = waiting_for(node, peer)
        if waiting.is_something:
            writing.write_all(reply_to, even_empty=waiting.receipts or waiting.unmet)
        if writing.export.bundles:
            writing.record()
            # The new bundles carry everything that the unsigned ones before them did.
            writing.remove(outdated)
    except StickError as error:
        return replace(writing.export, error=error)
    return writing.export


@dataclass(slots=True)
class _Writing:
    """One export under way; ``export`` is what stands on the stick so far."""

    stick: Stick
    node: Node
    export: Export
    told: Told
    before: tuple[Export, ...]

    def remove_signed(self) -> list[Entry]:
        """Make room; returns our bundles for the same neighbour that are not signed for yet."""
        outdated: list[Entry] = []
        for own in own_bundles(self.stick, self.node, self.export.peer):
            if is_signed_for(self.node, self.export.peer, own, self.stick.read(own.entry)):
                self.remove([own.entry])
            else:
                outdated.append(own.entry)
        return outdated

    def remove(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.stick.remove(entry.name)
            self.export = replace(self.export, removed=self.export.removed + 1)

    def write_all(self, reply_to: int, *, even_empty: bool) -> None:
        """``even_empty``: the first bundle is worth carrying for its introduction and receipts alone."""
        peer, node, carried = self.export.peer, self.node, Carried()
        with node.db.transaction() as tx:
            # A stick may be lost, so each export signs for everything again.
            neighbour.sign_all(tx, node.refresh(tx), peer)
        while True:
            with node.lock:
                bundle = compose(
                    node,
                    peer,
                    budget_bytes=EXPORT_BYTES,
                    reply_to=reply_to,
                    with_certificates=True,
                    carried=carried,
                )
            # Sealing may find that no reader's key is here yet: then there is nothing to carry.
            if not (bundle.envelopes or bundle.chunks or even_empty):
                return
            name = bundle_name(node.place.node, peer, bundle.number, bundle.data)
            mark = node.world.random_bytes(4).hex()
            self.stick.write(name, bundle.data, self._told, mark=mark)
            export = self.export
            self.export = replace(
                export,
                bundles=export.bundles + 1,
                envelopes=export.envelopes + bundle.envelopes,
                chunks=export.chunks + bundle.chunks,
                bytes=export.bytes + len(bundle.data),
            )
            self._told(0)
            if not bundle.filled:
                return
            even_empty = False

    def record(self) -> None:
        node, export = self.node, self.export
        with node.db.transaction() as tx:
            note_written(
                tx,
                node.world,
                export.peer,
                label=self.stick.label,
                envelopes=export.envelopes,
                chunks=export.chunks,
                size=export.bytes,
            )
            audit.note(
                tx,
                node.world,
                actor="sync",
                action="stick.written",
                subject=export.peer,
                label=self.stick.label,
                bundles=export.bundles,
                envelopes=export.envelopes,
                chunks=export.chunks,
                bytes=export.bytes,
            )

    def _told(self, count: int) -> None:
        # Written and read back: each byte counts half until both are done.
        exports = (*self.before, self.export)
        self.told(
            Progress(
                bytes=sum(export.bytes for export in exports) + count // 2,
                envelopes=sum(export.envelopes for export in exports),
                chunks=sum(export.chunks for export in exports),
            )
        )
