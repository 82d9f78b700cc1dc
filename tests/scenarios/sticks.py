"""Offices and the stick between them, as a courier would carry it."""

from pathlib import Path

import sqlalchemy as sa

from core.identifiers import CaseId, NodeId
from sync.attachments import Sealed, open_file
from sync.node import Node
from sync.outbox import queue_of
from sync.stick import Export, export_to, neighbours
from sync.stick_import import Fate, Import, import_from
from sync.tables import ENVELOPE, RECEIPT
from sync.transport.usb import Stick
from tests.scenarios.offices import Offices


def export_at(net: Offices, name: NodeId, stick: Stick, *peers: NodeId) -> tuple[Export, ...]:
    node = net.nodes[name]
    exports = export_to(stick, node, peers or neighbours(node))
    assert [export.error for export in exports if export.error] == []
    return exports


def bring(net: Offices, name: NodeId, stick: Stick, *, answer: bool = True) -> Import:
    report = import_from(stick, net.nodes[name], answer=answer)
    assert report.error is None
    assert report.answer_error is None
    return report


def files_on(stick: Stick) -> list[Path]:
    return sorted(stick.folder.iterdir()) if stick.folder.exists() else []


def waiting(net: Offices, name: NodeId, peer: NodeId) -> int:
    with net.nodes[name].db.reading() as tx:
        return queue_of(tx, peer).envelopes


def fates(report: Import) -> list[Fate]:
    return [found.fate for found in report.found]


def state_of(node: Node) -> tuple[object, ...]:
    """Everything that an effect would change."""
    with node.db.reading() as tx:
        held = tx.execute(sa.select(ENVELOPE.c.stream_id, ENVELOPE.c.seq, ENVELOPE.c.digest)).all()
        receipts = tx.execute(sa.select(RECEIPT.c.stream_id, RECEIPT.c.signer, RECEIPT.c.data)).all()
    return sorted(map(tuple, held)), sorted(map(tuple, receipts))


def carry(net: Offices, stick: Stick, *way: NodeId) -> None:
    """Bring the stick to each office in turn; every office imports, and exports what it owes to all."""
    for name in way:
        bring(net, name, stick)
        export_at(net, name, stick)


def contents(net: Offices, name: NodeId, case_id: CaseId) -> bytes:
    manifest = net.case(name, case_id).attachments[0]
    sealed = Sealed(manifest.id, manifest.size, manifest.key, manifest.chunk_size, manifest.chunks)
    return open_file(sealed, net.nodes[name].chunks)
