"""Case rows and case messages held against their digests; a row is mended by replay, a message from its envelope."""

from typing import Any

import sqlalchemy as sa

from core.case import case_from_json
from core.errors import LiandongError
from core.identifiers import CaseId
from core.merge import content_digest
from core.messages import CaseMessage, decode
from core.store.casebook import CASE, CASE_MESSAGE, Casebook, region_of, row_digest
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
        mended = self._refold(tx, row)
        zh = f"办件 {row.id} 的记录在磁盘上已损坏，" + (
            "已按其全部消息重新生成。请检查磁盘。"
            if mended
            else "消息不全，无法重新生成。请从备份恢复，并检查磁盘。"
        )
        en = f"The row of case {row.id} has rotted on the disk; " + (
            "it was made again from its messages. Check the disk."
            if mended
            else "its messages do not give it again. Restore a backup and check the disk."
        )
        return Rot("case", row.id, row.id, zh, en, mended)

    def _refold(self, tx: sa.Connection, row: sa.Row[Any]) -> bool:
        step = tx.begin_nested()
        try:
            folded = self._casebook.refold(tx, CaseId(row.id))
        except (LiandongError, ValueError):
            # A message of it has rotted too, or its very number: named by the caller, mended by nobody here.
            step.rollback()
            return False
        if folded.case is None:
            step.rollback()
            return False
        if row.region != region_of(folded.case.id):
            tx.execute(sa.delete(CASE).where(CASE.c.region == row.region, CASE.c.id == row.id))
        step.commit()
        return True


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
    message = _decoded(bytes(row.data))
    if message is None or content_digest(message) != row.digest:
        return False
    return (row.id, row.case_id, row.region) == (message.id, message.case_id, region_of(message.case_id))


def _rotted_message(tx: sa.Connection, row: sa.Row[Any], source: Source) -> Rot:
    data = bytes(row.data)
    message = _decoded(data)
    if message is None or content_digest(message) != row.digest:
        data = source(tx, row.id) or b""
        message = _decoded(data)
    mended = message is not None and content_digest(message) == row.digest
    if message is not None and mended:
        where = (CASE_MESSAGE.c.region == row.region) & (CASE_MESSAGE.c.digest == row.digest)
        values = {"id": message.id, "case_id": message.case_id, "region": region_of(message.case_id)}
        tx.execute(sa.update(CASE_MESSAGE).where(where).values(data=data, **values))
    zh = f"办件 {row.case_id} 的一条消息在磁盘上已损坏，" + (
        "已从原信封取回。请检查磁盘。" if mended else "原信封里也取不到。请从备份恢复，并检查磁盘。"
    )
    en = f"A message of case {row.case_id} has rotted on the disk; " + (
        "it was taken from its envelope again. Check the disk."
        if mended
        else "its envelope does not give it again. Restore a backup and check the disk."
    )
    return Rot("message", row.digest[:32], row.case_id, zh, en, mended)


def _decoded(data: bytes) -> CaseMessage | None:
    try:
        return decode(data)
    except (LiandongError, ValueError):
        return None
