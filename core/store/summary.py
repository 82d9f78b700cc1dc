"""What the shared cases of each origin and month come to, kept so that a contact need not read them all.

A case that is written leaves its month's line empty; the next reader counts that month again. An entry's key is
the case number with the device of its origin put in, so that the cases of one node stand together.
"""

import sqlalchemy as sa

from core.identifiers import CaseId, NodeId, device_of
from core.store.engine import METADATA
from core.store.prepared import put

CASE_SUMMARY = sa.Table(
    "case_summary",
    METADATA,
    sa.Column("bucket", sa.String(19), primary_key=True),
    sa.Column("cases", sa.Integer),
    sa.Column("total", sa.LargeBinary(32)),
    comment="entries by the first 19 characters of their keys (origin, device, month): how many, and the sum of "
    "their hashes; both empty while the month is to be counted again",
)

CASE_CHECK = sa.Table(
    "case_check",
    METADATA,
    sa.Column("share", sa.String(16), primary_key=True),
    sa.Column("reached", sa.String(32), nullable=False),
    comment="how far the round of comparing cases with their messages has come, by share",
)

BUCKET_CHARS = 19
DIVISION_CHARS = 12
ENTRY_CHARS = 27


def entry_key(origin: NodeId, case_id: CaseId) -> str:
    """27 digits: division, device of the origin, then the rest of the case number."""
    return f"{case_id[:DIVISION_CHARS]}{device_of(origin)}{case_id[DIVISION_CHARS:]}"


def case_of_entry(key: str) -> str:
    """The case number in a key that :func:`entry_key` wrote."""
    return key[:DIVISION_CHARS] + key[DIVISION_CHARS + 1 :]


def mark_stale(tx: sa.Connection, entry: str) -> None:
    """Have the month of this entry counted again; belongs into the transaction of the change."""
    put(tx, CASE_SUMMARY, {"bucket": entry[:BUCKET_CHARS]}, cases=None, total=None)
