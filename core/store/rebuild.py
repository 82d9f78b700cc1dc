"""Putting a case right that is not what its messages make: from the streams, and nothing else is touched."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from core.errors import InputError, LiandongError
from core.identifiers import CaseId, NodeId, parse_case_id
from core.merge import OutcomeKind, content_digest, fold
from core.messages import CaseMessage, decode, encode
from core.store.casebook import CASE, CASE_MESSAGE, Casebook, region_of
from core.store.prepared import Prepared, put
from core.store.shares import ShareIndex, after, share_of
from core.store.summary import CASE_CHECK, ENTRY_CHARS, case_of_entry, mark_stale
from core.tally import START

UNCOMPARED = frozenset({"due_at"})
"""Columns that follow from the calendar too, which may have changed since."""


_REACHED = Prepared(sa.select(CASE_CHECK.c.reached).where(CASE_CHECK.c.share == sa.bindparam("of")))
_NEXT = Prepared(
    sa.select(CASE)
    .where(
        CASE.c.entry > sa.bindparam("reached"),
        CASE.c.entry >= sa.bindparam("low"),
        CASE.c.entry < sa.bindparam("high"),
    )
    .order_by(CASE.c.entry)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


class Shares:
    """The cases of this node as its carrier compares them with a neighbour's."""

    def __init__(self, casebook: Casebook, node: NodeId) -> None:
        self._casebook = casebook
        self._node = node

    def index(self, tx: sa.Connection, peer: NodeId) -> ShareIndex:
        """What this node and ``peer`` should both hold; needs a transaction that may write."""
        return ShareIndex(tx, share_of(self._node, peer))

    def subject_of(self, peer: NodeId, key: str) -> str | None:
        """The case number in a key, None where there is none in it or ``peer`` has no share in it."""
        if len(key) != ENTRY_CHARS or not key.startswith(share_of(self._node, peer)):
            return None
        try:
            return parse_case_id(case_of_entry(key))
        except InputError:
            return None

    def key_of(self, tx: sa.Connection, subject: str) -> str | None:
        """The key of a case that is here, None for one that is in no share."""
        return tx.scalar(
            sa.select(CASE.c.entry).where(CASE.c.region == region_of(CaseId(subject)), CASE.c.id == subject)
        )

    def examine(self, tx: sa.Connection, peer: NodeId, limit: int) -> dict[str, bool]:
        """The next ``limit`` cases of the share in turn, and whether the row is what the messages make."""
        share = share_of(self._node, peer)
        reached = _REACHED.scalar(tx, of=share)
        rows = _NEXT.all(tx, reached=reached or START, low=share, high=after(share), most=limit)
        # At the end of a round the next contact begins again.
        now = rows[-1].entry if len(rows) == limit else START
        if now != reached:
            put(tx, CASE_CHECK, {"share": share}, reached=now)
        sound = {row.id: self._is_sound(tx, row) for row in rows}
        for row in rows:
            if not sound[row.id]:
                # It may have been changed by hand since its month was counted.
                mark_stale(tx, row.entry)
        return sound

    def is_sound(self, tx: sa.Connection, subject: str) -> bool:
        """Whether the row of a case is here and is what its messages make."""
        where = (CASE.c.region == region_of(CaseId(subject))) & (CASE.c.id == subject)
        row = tx.execute(sa.select(CASE).where(where)).one_or_none()
        return row is not None and self._is_sound(tx, row)

    def rebuild(self, tx: sa.Connection, subject: str, messages: Iterable[tuple[NodeId, bytes]]) -> bool:
        """Make the case anew from ``messages`` (author, body) and those that are here; true if anything changed.

        Damaged lines are replaced, missing ones added. Where the messages make no case the row stays as it is.
        """
        case_id = CaseId(subject)
        before = self._state(tx, case_id)
        held = self._sound_messages(tx, case_id)
        for origin, body in messages:
            message = decode(body)
            if message.node == origin and message.case_id == case_id and content_digest(message) not in held:
                held.add(content_digest(message))
                self._add(tx, message)
        self._casebook.refold(tx, case_id)
        changed = self._state(tx, case_id) != before
        if changed and (key := self.key_of(tx, subject)) is not None:
            mark_stale(tx, key)
        return changed

    def _is_sound(self, tx: sa.Connection, row: Any) -> bool:
        try:
            case = fold(self._casebook.messages(tx, CaseId(row.id)), self._casebook.items).case
        except LiandongError:
            return False
        if case is None:
            return False
        return all(
            getattr(row, name) == value
            for name, value in self._casebook.row_of(case).items()
            if name not in UNCOMPARED
        )

    def _sound_messages(self, tx: sa.Connection, case_id: CaseId) -> set[str]:
        """The digests of the messages that are whole; damaged lines are taken out."""
        lines = CASE_MESSAGE.c
        held = set()
        for digest, data in tx.execute(
            sa.select(lines.digest, lines.data).where(lines.case_id == case_id)
        ).all():
            if _says(bytes(data)) == digest:
                held.add(digest)
            else:
                tx.execute(sa.delete(CASE_MESSAGE).where(lines.case_id == case_id, lines.digest == digest))
        return held

    def _add(self, tx: sa.Connection, message: CaseMessage) -> None:
        tx.execute(
            sa.insert(CASE_MESSAGE).values(
                region=region_of(message.case_id),
                digest=content_digest(message),
                id=message.id,
                case_id=message.case_id,
                standing=OutcomeKind.PARKED,
                why="",
                data=encode(message),
            )
        )

    def _state(self, tx: sa.Connection, case_id: CaseId) -> object:
        """All that stands here of a case, to tell whether anything changed."""
        lines = sa.select(CASE_MESSAGE.c.digest, CASE_MESSAGE.c.standing, CASE_MESSAGE.c.data)
        return (
            tx.execute(
                sa.select(CASE).where(CASE.c.region == region_of(case_id), CASE.c.id == case_id)
            ).all(),
            sorted(tuple(row) for row in tx.execute(lines.where(CASE_MESSAGE.c.case_id == case_id))),
        )


def _says(data: bytes) -> str | None:
    """The digest of what a stored message says, None if it cannot be read."""
    try:
        return content_digest(decode(data))
    except LiandongError:
        return None
