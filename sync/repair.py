"""What two neighbours hold differently, and putting it right at this end from the streams that are held here.

A difference is repaired by making that one case anew from its messages. What still differs then stays on a list
that people see, and leaves it when the two are found equal; every repair stands in the audit log.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from core.clock import iso
from core.errors import PeerError, StateError
from core.identifiers import NodeId
from core.store.engine import METADATA
from core.store.prepared import Prepared
from sync import audit
from sync.custody import towards
from sync.envelope import open_envelope
from sync.hello import Hello
from sync.node import Node
from sync.packing import fingerprint
from sync.reconcile import Difference, answer, digest_of, open_question
from sync.reconcile_wire import MESSAGE_BYTES_MAX
from sync.stream import recorded
from sync.stream_id import EVERYONE, Lane
from sync.tables import APPLIED, DELIVERY, ENVELOPE, MESSAGE, STREAM

log = logging.getLogger(__name__)

DIFFERENCE = sa.Table(
    "difference",
    METADATA,
    sa.Column("peer", sa.String(16), primary_key=True),
    sa.Column("key", sa.String(32), primary_key=True),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("mine", sa.LargeBinary(32)),
    sa.Column("theirs", sa.LargeBinary(32)),
    sa.Column("found_at", sa.String(24), nullable=False),
    sa.Column("repaired_at", sa.String(24)),
    sa.Column("settled_at", sa.String(24)),
    comment="entries in which this node and a neighbour differed, or a case and its messages (peer = this node): "
    "the digests as found, when this node made it anew, when both were equal again",
)
sa.Index("ix_difference_open", DIFFERENCE.c.settled_at)

CHECKED_MAX = 8
"""Cases compared with their own messages in one contact; the next contact goes on from there."""
LISTED_MAX = 200
OPEN_MAX = 5_000
"""Open differences that are listed; further ones stand in the audit log alone until some are settled."""


# What `is_level` asks for every bundle, put together once.
_SHARED = STREAM.c.lane != Lane.ATTACHMENT
_UNSEALED = sa.select(MESSAGE.c.number).where(
    MESSAGE.c.stream_id == DELIVERY.c.stream_id, MESSAGE.c.seq.is_(None)
)
_OWING = Prepared(
    sa.select(DELIVERY.c.stream_id)
    .join(STREAM, STREAM.c.id == DELIVERY.c.stream_id)
    .where(
        DELIVERY.c.peer == sa.bindparam("to"),
        _SHARED,
        sa.or_(
            DELIVERY.c.acked_seq < STREAM.c.head_seq,
            STREAM.c.hold.is_not(None),
            _UNSEALED.correlate(DELIVERY).exists(),
        ),
    )
    .limit(1)
)
_UNSETTLED = Prepared(
    sa.select(STREAM.c.origin, STREAM.c.readers, STREAM.c.hold).where(
        sa.or_(
            STREAM.c.hold.is_not(None),
            (STREAM.c.applied_seq < STREAM.c.head_seq) & (STREAM.c.origin != sa.bindparam("me")),
        ),
        _SHARED,
    )
)


_OPEN = Prepared(
    sa.select(DIFFERENCE.c.subject).where(
        DIFFERENCE.c.peer == sa.bindparam("to"), DIFFERENCE.c.settled_at.is_(None)
    )
)


def is_level(tx: sa.Connection, node: Node, peer: NodeId) -> bool:
    """Whether ``peer`` has signed for all it is owed, files apart, and all that came is in effect here.

    A stream on hold by which the two could differ counts as not level: there people look first.
    """
    me = node.place.node
    return _OWING.scalar(tx, to=peer) is None and not any(
        _comes_by(me, NodeId(row.origin), peer)
        if row.hold is not None
        else f'"{me}"' in row.readers or f'"{EVERYONE}"' in row.readers
        for row in _UNSETTLED.all(tx, me=me)
    )


def shared_digest(tx: sa.Connection, node: Node, peer: NodeId) -> str:
    """Hex digest of what is shared with ``peer``, for the report; empty while the two are not level."""
    if node.shares is None or not is_level(tx, node, peer):
        return ""
    return digest_of(node.shares.index(tx, peer)).hex()


def question_for(tx: sa.Connection, node: Node, peer: NodeId) -> bytes | None:
    """The first message of a reconciliation with ``peer``, None while this node is not level."""
    if node.shares is None or not is_level(tx, node, peer):
        return None
    return open_question(node.shares.index(tx, peer))


def take_turn(
    tx: sa.Connection, node: Node, hello: Hello, message: bytes | None, *, asks: bool
) -> bytes | None:
    """This node's part once a bundle is in effect: the next message to its sender, None if there is nothing to say.

    ``message`` is what came; ``asks``: begin to ask if the digests differ. A reply keeps to the budget that the
    sender named. Raises ``PeerError`` (``reconcile.*``, ``cbor.*``).
    """
    peer, theirs, budget = hello.sender, hello.report.get("shared"), hello.report.get("budget")
    bytes_max = budget if isinstance(budget, int) else MESSAGE_BYTES_MAX
    check_own(tx, node, peer)
    if message is not None:
        return take_message(tx, node, peer, message, bytes_max=bytes_max)
    mine = shared_digest(tx, node, peer) if theirs else ""
    if not mine:
        return None
    if mine == theirs:
        note_equal(tx, node, peer)
        return None
    if not asks or node.compared.get(peer) == (mine, theirs):
        # What was found last time is on the list; to find it again would cost a thin line for nothing.
        return None
    node.compared[peer] = (mine, str(theirs))
    return question_for(tx, node, peer)


def take_message(
    tx: sa.Connection, node: Node, peer: NodeId, message: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX
) -> bytes | None:
    """The reply to a message of ``peer``; what it shows to differ is repaired here. Raises ``PeerError``.

    While this node is not level there is no reply: what differs then is only on its way.
    """
    if node.shares is None or not is_level(tx, node, peer):
        return None
    reply, found = answer(node.shares.index(tx, peer), message, bytes_max=bytes_max)
    by_key = {difference.key: difference for difference in found}
    subjects = {key: node.shares.subject_of(peer, key) for key in by_key}
    if None in subjects.values():
        raise PeerError(
            "reconcile.key",
            zh=f"{peer} 对账时提到双方共有范围以外的编号，未采用。请核对双方软件版本。",
            en=f"{peer} named a key outside of what both hold while reconciling; it was not used. Compare the "
            "software versions.",
        )
    repaired = {key: _rebuild(tx, node, str(subject)) for key, subject in subjects.items()}
    index = node.shares.index(tx, peer) if found else None
    unlisted = 0
    for key, difference in by_key.items():
        assert index is not None
        first = index.entries(key, key + "0", 1)
        settled = (first[0].digest if first else None) == difference.theirs
        subject = str(subjects[key])
        if repaired[key]:
            _note(tx, node, "case.repaired", subject, peer=peer, cause="differs")
        if settled or _has_room(tx, peer, key):
            news = _list(tx, node, peer, key, subject, difference, repaired[key], settled)
            if news and not settled:
                _note(tx, node, "case.differs", subject, peer=peer)
        else:
            unlisted += 1
    if unlisted:
        _note(tx, node, "difference.unlisted", peer, count=unlisted)
    return reply


def check_own(tx: sa.Connection, node: Node, peer: NodeId) -> int:
    """Compare the next cases shared with ``peer`` with their messages, and repair; returns how many were unsound."""
    if node.shares is None:
        return 0
    me = node.place.node
    examined = node.shares.examine(tx, peer, CHECKED_MAX)
    unsound = [subject for subject, sound in examined.items() if not sound]
    for subject in unsound:
        key = node.shares.key_of(tx, subject)
        repaired = _rebuild(tx, node, subject)
        if repaired:
            _note(tx, node, "case.repaired", subject, peer=me, cause="unsound")
        _list(tx, node, me, key or subject, subject, None, repaired, repaired)
    sound_again = set(examined) - set(unsound)
    open_here = sound_again.intersection(_OPEN.scalars(tx, to=me)) if sound_again else ()
    for subject in open_here:
        where = (DIFFERENCE.c.peer == me) & (DIFFERENCE.c.subject == subject)
        still = where & DIFFERENCE.c.settled_at.is_(None)
        tx.execute(sa.update(DIFFERENCE).where(still).values(settled_at=iso(node.world.now())))
    return len(unsound)


def note_equal(tx: sa.Connection, node: Node, peer: NodeId) -> None:
    """What differed from ``peer`` is equal again: it leaves the list."""
    settled = _OPEN.scalars(tx, to=peer)
    if settled:
        still = (DIFFERENCE.c.peer == peer) & DIFFERENCE.c.settled_at.is_(None)
        tx.execute(sa.update(DIFFERENCE).where(still).values(settled_at=iso(node.world.now())))
        _note(tx, node, "difference.settled", peer, count=len(settled))


def differences(tx: sa.Connection, *, settled: bool, limit: int = LISTED_MAX) -> list[dict[str, Any]]:
    """Open differences, the oldest first, or the last that were settled: what differs, and the digests on each side."""
    columns = DIFFERENCE.c
    query = sa.select(DIFFERENCE).limit(limit)
    if settled:
        query = query.where(columns.settled_at.is_not(None)).order_by(columns.settled_at.desc(), columns.key)
    else:
        query = query.where(columns.settled_at.is_(None)).order_by(columns.found_at, columns.key)
    return [
        {
            "peer": row.peer,
            "subject": row.subject,
            "mine": row.mine.hex() if row.mine is not None else None,
            "theirs": row.theirs.hex() if row.theirs is not None else None,
            "found_at": row.found_at,
            "repaired_at": row.repaired_at,
            "settled_at": row.settled_at,
        }
        for row in tx.execute(query)
    ]


def words_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """An open difference in Chinese and English: what differs, and what to do."""
    mine, theirs = (row[side][:8] if row[side] else "-" for side in ("mine", "theirs"))
    zh = f"与 {row['peer']} 所存不一致（本机 {mine}，对方 {theirs}）"
    en = f"differs from what {row['peer']} holds (here {mine}, there {theirs})"
    if not row["mine"] and not row["theirs"]:
        zh, en = "与本机所存的消息不符", "is not what the messages held here make"
    return (
        f"{row['subject']} {zh}，尚未恢复一致。请联系市中心核对。",
        f"{row['subject']} {en}, and is not mended yet. Ask the city centre to look.",
    )


def counts(tx: sa.Connection) -> dict[str, int]:
    """How many differences are open, and how many entries were ever made anew here."""
    columns = DIFFERENCE.c
    count = sa.select(sa.func.count()).select_from(DIFFERENCE)
    return {
        "open": int(tx.scalar(count.where(columns.settled_at.is_(None))) or 0),
        "repaired": int(tx.scalar(count.where(columns.repaired_at.is_not(None))) or 0),
    }


def messages_of(tx: sa.Connection, node: Node, subject: str) -> list[tuple[NodeId, bytes]]:
    """``(author, body)`` of every message about ``subject`` in effect here, from this node's own and the envelopes held.

    An envelope whose data retention has taken, or that no key here opens any more, gives nothing.
    """
    own = sa.select(MESSAGE).where(MESSAGE.c.subject == subject).order_by(MESSAGE.c.recorded_at)
    # One that has rotted is no truth to repair by: the walk through this node's own words mends it, or names it.
    sound = [row for row in tx.execute(own).all() if fingerprint(recorded(row)) == bytes(row.digest)]
    found = [(node.place.node, bytes(row.body)) for row in sound]
    applied = (
        sa.select(APPLIED.c.stream_id, APPLIED.c.seq, STREAM.c.origin, ENVELOPE.c.data)
        .join(STREAM, STREAM.c.id == APPLIED.c.stream_id)
        .join(ENVELOPE, (ENVELOPE.c.stream_id == APPLIED.c.stream_id) & (ENVELOPE.c.seq == APPLIED.c.seq))
        .where(APPLIED.c.subject == subject, ENVELOPE.c.data.is_not(None))
        .distinct()
    )
    for row in tx.execute(applied.order_by(APPLIED.c.stream_id, APPLIED.c.seq)):
        origin = NodeId(row.origin)
        try:
            key = node.keyring.keys_ever_of(origin)
            _, messages = open_envelope(bytes(row.data), key, node.place.node, node.keyring.sealing_key)
        except (PeerError, StateError) as error:
            log.warning("envelope %d of %s gives nothing for a repair: %s", row.seq, origin, error)
            continue
        found += [(origin, message.body) for message in messages if message.subject == subject]
    return found


def _comes_by(me: NodeId, origin: NodeId, peer: NodeId) -> bool:
    return origin != me and towards(me, origin) == peer


def _rebuild(tx: sa.Connection, node: Node, subject: str) -> bool:
    """Make an entry anew; true if it was not, and now is, what its messages make."""
    assert node.shares is not None
    changed = node.shares.rebuild(tx, subject, messages_of(tx, node, subject))
    return changed and node.shares.is_sound(tx, subject)


def _has_room(tx: sa.Connection, peer: NodeId, key: str) -> bool:
    """A list that nobody can read to its end helps nobody, and a lying neighbour must not fill the disk."""
    where = (DIFFERENCE.c.peer == peer) & (DIFFERENCE.c.key == key)
    return tx.scalar(sa.select(DIFFERENCE.c.key).where(where)) is not None or counts(tx)["open"] < OPEN_MAX


def _list(
    tx: sa.Connection,
    node: Node,
    peer: NodeId,
    key: str,
    subject: str,
    difference: Difference | None,
    repaired: bool,
    settled: bool,
) -> bool:
    """Enter a difference; false if exactly this stands open already."""
    now = iso(node.world.now())
    values: dict[str, Any] = {
        "subject": subject,
        "mine": difference.mine if difference else None,
        "theirs": difference.theirs if difference else None,
        "settled_at": now if settled else None,
    }
    if repaired:
        values["repaired_at"] = now
    where = (DIFFERENCE.c.peer == peer) & (DIFFERENCE.c.key == key)
    row = tx.execute(sa.select(DIFFERENCE).where(where)).one_or_none()
    if row is None:
        tx.execute(sa.insert(DIFFERENCE).values(peer=peer, key=key, found_at=now, **values))
        return True
    if row.settled_at is not None:
        values["found_at"] = now
    tx.execute(sa.update(DIFFERENCE).where(where).values(**values))
    return any(getattr(row, name) != values[name] for name in ("mine", "theirs", "settled_at"))


def _note(tx: sa.Connection, node: Node, action: str, subject: str, **detail: Any) -> None:
    audit.note(tx, node.world, actor="sync", action=action, subject=subject, **detail)
