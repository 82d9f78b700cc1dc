"""One envelope with the receipts for it, all of it verified at the moment of looking."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.errors import InputError, LiandongError
from core.identifiers import CaseId, NodeId
from sync.custody import covers
from sync.envelope import is_signed_by
from sync.keyring import Keyring
from sync.primitives import sha256
from sync.receipt import verify_receipt
from sync.stream import StreamRow, stream_row
from sync.tables import APPLIED, DELIVERY, ENVELOPE, MESSAGE, QUARANTINE, RECEIPT, STREAM

RECEIPTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt that covers the envelope. ``is_good``: signed by its signer, and for this very chain of envelopes."""

    kind: str
    signer: str
    number: int
    upto: int
    at: str
    is_good: bool
    why: str
    """Code of what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """An envelope as it is held here. ``is_whole``: its bytes are those of the ledger; ``is_signed``: by its origin."""

    stream: StreamRow
    seq: int
    digest: str
    size: int
    count: int
    held_at: str
    carrier: str
    came_from: str
    is_kept: bool
    is_whole: bool
    is_signed: bool
    cases: tuple[CaseId, ...]
    set_aside: tuple[Mapping[str, Any], ...]
    papers: tuple[Paper, ...]
    owed: tuple[tuple[str, int], ...]
    """Next hops, and how far each has signed."""


def envelope(tx: sa.Connection, keyring: Keyring, key: str, seq: int) -> Sheet:
    """Raises ``InputError`` (``sheet.envelope``) where nothing of it is held here."""
    row = tx.execute(sa.select(STREAM).where(STREAM.c.key == _bytes(key))).one_or_none()
    where = (ENVELOPE.c.stream_id == (row.id if row else 0)) & (ENVELOPE.c.seq == seq)
    held = tx.execute(sa.select(ENVELOPE).where(where)).one_or_none()
    if row is None or held is None:
        raise InputError("sheet.envelope", zh="本级没有这个信封。", en="This node holds no such envelope.")
    stream = stream_row(row)
    data = b"" if held.data is None else bytes(held.data)
    is_whole = bool(data) and sha256(data) == bytes(held.digest)
    owed = sa.select(DELIVERY.c.peer, DELIVERY.c.acked_seq).where(DELIVERY.c.stream_id == row.id)
    aside = sa.select(QUARANTINE).where(
        QUARANTINE.c.stream_id == row.id, QUARANTINE.c.seq == seq, QUARANTINE.c.released_at.is_(None)
    )
    return Sheet(
        stream=stream,
        seq=seq,
        digest=bytes(held.digest).hex(),
        size=held.size,
        count=held._mapping["count"],
        held_at=held.held_at,
        carrier=held.carrier,
        came_from=held.came_from,
        is_kept=held.data is not None,
        is_whole=is_whole,
        is_signed=is_whole and is_signed_by(data, keyring.keys_ever_of(stream.stream.origin)),
        cases=_cases(tx, row.id, seq),
        set_aside=tuple({"subject": one.subject, "zh": one.zh, "en": one.en} for one in tx.execute(aside)),
        papers=tuple(_papers(tx, keyring, stream, seq)),
        owed=tuple((one.peer, one.acked_seq) for one in tx.execute(owed)),
    )


def envelopes_of(tx: sa.Connection, low: str, high: str) -> dict[str, list[tuple[str, int, str]]]:
    """``(stream key, number, origin)`` of every envelope about the subjects from ``low`` to below ``high``."""
    found: dict[str, list[tuple[str, int, str]]] = {}
    for table in (APPLIED, MESSAGE, QUARANTINE):
        query = (
            sa.select(table.c.subject, STREAM.c.key, table.c.seq, STREAM.c.origin)
            .join(STREAM, STREAM.c.id == table.c.stream_id)
            .where(table.c.subject >= low, table.c.subject < high, table.c.seq.is_not(None))
            .distinct()
            .order_by(STREAM.c.origin, table.c.seq)
        )
        for row in tx.execute(query):
            papers, paper = found.setdefault(row.subject, []), (bytes(row.key).hex(), row.seq, row.origin)
            if paper not in papers:
                papers.append(paper)
    return found


def _papers(tx: sa.Connection, keyring: Keyring, stream: StreamRow, seq: int) -> list[Paper]:
    query = (
        sa.select(RECEIPT).where(RECEIPT.c.stream_id == stream.row).order_by(RECEIPT.c.at, RECEIPT.c.number)
    )
    covering = [row for row in tx.execute(query) if covers(row.upto, json.loads(row.ranges), seq)]
    # The first that covers it is when it was signed for; the last ones say the same again.
    return [_paper(tx, keyring, stream, row) for row in covering[:RECEIPTS_MAX]]


def _paper(tx: sa.Connection, keyring: Keyring, stream: StreamRow, row: sa.Row[Any]) -> Paper:
    why = ""
    try:
        receipt = verify_receipt(bytes(row.data), keyring.keys_ever_of(NodeId(row.signer)))
        ours = tx.scalar(
            sa.select(ENVELOPE.c.digest).where(
                ENVELOPE.c.stream_id == stream.row, ENVELOPE.c.seq == receipt.upto
            )
        )
        if receipt.stream != stream.stream or receipt.signer != row.signer:
            why = "receipt.stranger"
        elif receipt.upto and (ours is None or bytes(ours) != receipt.digest):
            why = "receipt.other_digest"
    except LiandongError as error:
        why = error.code
    return Paper(row.kind, row.signer, row.number, row.upto, row.at, not why, why)


def _cases(tx: sa.Connection, row: int, seq: int) -> tuple[CaseId, ...]:
    subjects: set[str] = set()
    for table in (APPLIED, MESSAGE, QUARANTINE):
        query = sa.select(table.c.subject).where(table.c.stream_id == row, table.c.seq == seq)
        subjects |= {subject for subject in tx.scalars(query) if len(subject) == 26}
    return tuple(map(CaseId, sorted(subjects)))


def _bytes(key: str) -> bytes:
    try:
        return bytes.fromhex(key) if len(key) == 32 else b""
    except ValueError:
        return b""
