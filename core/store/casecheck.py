"""Case rows and case messages held against their digests; a row is mended by replay, a message from its envelope."""

from typing import Any

import sqlalchemy as sa

from core.case import case_from_json
from core.identifiers import CaseId
from core.store.casebook import CASE, CASE_MESSAGE, Casebook, as_said, put_right, region_of, row_digest
from core.store.rotten import message_rot, row_rot
from core.store.walk import Page, Rot, Source

_RECOUNTED = "due_at"
"""Follows from the case and the calendar held now, and is counted anew when the calendar changes."""


class MessageWalk:
    """Every message of every case against the digest under which it is kept."""

    name = "message"

    def page(self, tx: sa.Connection, after: str, limit: int, source: Source) -> Page:
        columns = CASE_MESSAGE.c
        query = sa.select(CASE_MESSAGE).where(columns.digest > after).order_by(columns.digest).limit(limit)
        rows = tx.execute(query).all()
        rot = tuple(_rotted_message(tx, row, source) for row in rows if not _is_whole(row))
        return Page(rows[-1].digest if len(rows) == limit else None, len(rows), rot)


class CaseWalk:
    """Every case row against its digest, its columns against the case in it."""

    name = "case"

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook

    def page(self, tx: sa.Connection, after: str, limit: int, source: Source) -> Page:
        query = sa.select(CASE).where(CASE.c.id > after).order_by(CASE.c.id).limit(limit)
        rows = tx.execute(query).all()
        rot = tuple(self._rotted(tx, row) for row in rows if not self._agrees(row))
        return Page(rows[-1].id if len(rows) == limit else None, len(rows), rot)

    def _agrees(self, row: sa.Row[Any]) -> bool:
        data = bytes(row.data)
        if row_digest(data) != row.digest:
            return False
        case = case_from_json(data)
        held = row._mapping
        values = self._casebook.row_of(case)
        values.pop(_RECOUNTED)
        return (row.region, row.id) == (region_of(case.id), case.id) and all(
            held[name] == value for name, value in values.items()
        )

    def _rotted(self, tx: sa.Connection, row: sa.Row[Any]) -> Rot:
        folded = self._casebook.refold_apart(tx, CaseId(row.id))
        case = None if folded is None else folded.case
        if case is not None and row.region != region_of(case.id):
            tx.execute(sa.delete(CASE).where(CASE.c.region == row.region, CASE.c.id == row.id))
        return row_rot(row.id, mended=case is not None)


def kept_message(tx: sa.Connection, message_id: str) -> bytes | None:
    """A message of a case by its id, if exactly one is here and has not rotted."""
    query = sa.select(CASE_MESSAGE.c.data, CASE_MESSAGE.c.digest).where(CASE_MESSAGE.c.id == message_id)
    whole = [bytes(row.data) for row in tx.execute(query) if as_said(bytes(row.data), row.digest) is not None]
    return whole[0] if len(whole) == 1 else None


def cases_naming(tx: sa.Connection, words: set[str]) -> dict[str, str]:
    """The case that names each of ``words`` (ids of files) in a message; those that none names are left out."""
    found: dict[str, str] = {}
    for row in tx.execute(sa.select(CASE_MESSAGE.c.case_id, CASE_MESSAGE.c.data)):
        data = bytes(row.data)
        found |= {word: row.case_id for word in words - found.keys() if word.encode() in data}
        if len(found) == len(words):
            break
    return found


def _is_whole(row: sa.Row[Any]) -> bool:
    message = as_said(bytes(row.data), row.digest)
    if message is None:
        return False
    return (row.id, row.case_id, row.region) == (message.id, message.case_id, region_of(message.case_id))


def _rotted_message(tx: sa.Connection, row: sa.Row[Any], source: Source) -> Rot:
    data = bytes(row.data)
    message = as_said(data, row.digest)
    if message is None:
        data = source(tx, row.id) or b""
        message = as_said(data, row.digest)
    if message is not None:
        put_right(tx, row, message, data)
    return message_rot(row.digest, row.case_id, mended=message is not None)
