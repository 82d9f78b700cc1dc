"""Who signed for the envelope that brought a message, and when: the proof behind a slip in somebody's hand."""

from typing import Any

import sqlalchemy as sa

from core.identifiers import NodeId
from sync.receipt import ACCEPTANCE, CUSTODY
from sync.tables import APPLIED, RECEIPT


def signed_for(tx: sa.Connection, origin: NodeId, message_id: str) -> dict[str, Any] | None:
    """``at`` (when the message took effect here), ``seq`` (of its envelope) and ``receipts``: for each signer and kind the
    first that covers the envelope, with ``signer``, ``kind`` and ``at``, the oldest first. None where no such message
    came.
    """
    where = (APPLIED.c.origin == origin) & (APPLIED.c.message_id == message_id)
    applied = tx.execute(sa.select(APPLIED.c.stream_id, APPLIED.c.seq, APPLIED.c.at).where(where)).first()
    if applied is None:
        return None
    first = sa.func.min(RECEIPT.c.at).label("at")
    signed = tx.execute(
        sa.select(RECEIPT.c.signer, RECEIPT.c.kind, first)
        .where(
            RECEIPT.c.stream_id == applied.stream_id,
            RECEIPT.c.upto >= applied.seq,
            RECEIPT.c.kind.in_((CUSTODY, ACCEPTANCE)),
        )
        .group_by(RECEIPT.c.signer, RECEIPT.c.kind)
        .order_by(first, RECEIPT.c.signer, RECEIPT.c.kind.desc())
    ).all()
    return {
        "at": applied.at,
        "seq": applied.seq,
        "receipts": [{"signer": row.signer, "kind": row.kind, "at": row.at} for row in signed],
    }
