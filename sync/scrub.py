"""Looks through everything that is kept, in small steps that can be resumed: damage is named, alarmed, and mended
where a truth exists.

Envelopes are held against the ledger, chunks against their names, the audit log against its chain, copies against
their key; the office's tables as it lets us walk them.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.clock import iso
from core.errors import LiandongError
from core.store.backup import copies, verify_copy
from core.store.walk import Page, Rot, Walk
from sync import attachments, audit, damage, refetch
from sync.envelope import open_envelope
from sync.identity import read_fact, write_fact
from sync.node import Node
from sync.stream import stream_with
from sync.tables import APPLIED, ATTACHMENT, AUDIT, ENVELOPE, MESSAGE, STREAM

ROWS = 200
FILES = 50
CHUNKS = 100
LAST_FOLDER = 0xFF
AUDIT_LINES = 2000
_STATE = "scrub"


@dataclass(frozen=True, slots=True)
class Cycle:
    """One walk through everything: where it stands and what it found. ``part`` is empty once it is done."""

    part: str
    after: str
    checked: int
    found: int
    mended: int
    started_at: str
    finished_at: str | None = None


Progress = Callable[[Cycle], None]
Part = Callable[[str], Page]


def scrub(
    node: Node,
    backups: Path | None,
    *,
    steps_max: int | None = None,
    restart: bool = False,
    progress: Progress = lambda cycle: None,
) -> Cycle:
    """Go on with the walk that was begun, or begin one, for at most ``steps_max`` steps or to its end.

    Each step is a transaction of its own and is remembered. ``backups`` is the folder of nightly copies.
    """
    mend_known(node)
    parts = _parts(node, backups)
    cycle = None if restart else unfinished(node)
    if cycle is None or cycle.part not in parts:
        cycle = Cycle(next(iter(parts)), "", 0, 0, 0, iso(node.world.now()))
    steps = 0
    while cycle.part and (steps_max is None or steps < steps_max):
        cycle = _step(node, parts, cycle)
        progress(cycle)
        steps += 1
    mend_known(node)
    return cycle


def last(node: Node) -> Cycle | None:
    """The newest cycle, done or not."""
    with node.db.reading() as tx:
        state = read_fact(tx, _STATE)
    return None if state is None else Cycle(**state)


def unfinished(node: Node) -> Cycle | None:
    """The cycle that was begun and not ended."""
    cycle = last(node)
    return cycle if cycle is not None and cycle.part else None


def last_finished_at(tx: sa.Connection) -> str | None:
    """When everything was last looked through."""
    found = read_fact(tx, _STATE + ".finished_at")
    return None if found is None else str(found)


def mend_known(node: Node) -> int:
    """Enter chunks that were found rotted while reading, strike off what is whole again; returns how much is damaged."""
    store = node.chunks
    aside = store.moved_aside()
    lost = [digest for digest in aside if not store.has(digest)]
    if lost:
        with node.db.transaction() as tx:
            _enter(node, tx, _lose(node, tx, lost))
    store.acknowledge(aside)
    with node.db.reading() as tx:
        whole = [one for one in damage.known(tx, "chunk", limit=None) if store.has(str(one.detail["digest"]))]
    if whole:
        with node.db.transaction() as tx:
            for one in whole:
                damage.mended(tx, node.world, one.kind, one.key)
    with node.db.reading() as tx:
        return damage.count(tx)


def _step(node: Node, parts: dict[str, Part], cycle: Cycle) -> Cycle:
    part = cycle.part
    page = parts[part](cycle.after)
    names = list(parts)
    following = dict(zip(names, [*names[1:], ""], strict=True))
    cycle = replace(
        cycle,
        part=cycle.part if page.after is not None else following[cycle.part],
        after=page.after or "",
        checked=cycle.checked + page.checked,
        found=cycle.found + len(page.rot),
        mended=cycle.mended + sum(1 for rot in page.rot if rot.mended),
    )
    with node.db.transaction() as tx:
        for rot in page.rot:
            damage.see(tx, rot.kind, rot.key[:32], cycle.started_at)
        if page.after is None and part not in (refetch.KIND, "chunk", "file"):
            # What an earlier cycle could not mend, and this one did not find, is whole again.
            damage.strike_unseen(tx, node.world, part, cycle.started_at)
        if not cycle.part:
            cycle = replace(cycle, finished_at=iso(node.world.now()))
            write_fact(tx, _STATE + ".finished_at", cycle.finished_at)
        write_fact(tx, _STATE, asdict(cycle))
    return cycle


def _parts(node: Node, backups: Path | None) -> dict[str, Part]:
    parts: dict[str, Part] = {
        "audit": partial(_audit, node),
        "envelope": partial(_envelopes, node),
        "chunk": partial(_chunks, node),
        "file": partial(_files, node),
    }
    for walk in (walk for books in node.books for walk in books.walks):
        parts[walk.name] = partial(_walk, node, walk)
    if backups is not None and node.db.path is not None:
        parts["copy"] = partial(_copies, node, backups)
    return parts


def _enter(node: Node, tx: sa.Connection, found: Iterable[Rot], **detail: Any) -> tuple[Rot, ...]:
    """Damage into the register; what was mended at once leaves its two audit lines."""
    entered = tuple(found)
    for rot in entered:
        extra = {"digest": rot.key} if rot.kind == "chunk" else {}
        key = rot.key[:32]
        damage.report(
            tx, node.world, rot.kind, key, subject=rot.subject, zh=rot.zh, en=rot.en, **extra, **detail
        )
        if rot.mended:
            damage.mended(tx, node.world, rot.kind, key)
    return entered


def _walk(node: Node, walk: Walk, after: str) -> Page:
    with node.db.transaction() as tx:
        page = walk.page(tx, after, ROWS, partial(_body_again, node))
        _enter(node, tx, page.rot)
    return page


def _body_again(node: Node, tx: sa.Connection, message_id: str) -> bytes | None:
    """The body of a message from this node's own record, or from the envelope that brought it."""
    own = tx.scalar(sa.select(MESSAGE.c.body).where(MESSAGE.c.message_id == message_id))
    if own is not None:
        return bytes(own)
    query = (
        sa.select(STREAM.c.id, ENVELOPE.c.data)
        .join(APPLIED, APPLIED.c.stream_id == STREAM.c.id)
        .join(ENVELOPE, (ENVELOPE.c.stream_id == STREAM.c.id) & (ENVELOPE.c.seq == APPLIED.c.seq))
        .where(APPLIED.c.message_id == message_id, ENVELOPE.c.data.is_not(None))
    )
    for row, data in tx.execute(query).all():
        origin = stream_with(tx, row).stream.origin
        try:
            key = node.keyring.keys_ever_of(origin)
            messages = open_envelope(bytes(data), key, node.place.node, node.keyring.sealing_key)[1]
        except LiandongError:
            # Rotted as well, or not for us: the next one may serve.
            continue
        for message in messages:
            if message.id == message_id:
                return message.body
    return None


def _audit(node: Node, after: str) -> Page:
    number = int(after or 0)
    try:
        with node.db.reading() as tx:
            upto = audit.verify_after(tx, number, AUDIT_LINES)
            newest = int(tx.scalar(sa.select(sa.func.max(AUDIT.c.number))) or 0)
    except LiandongError as error:
        rot = Rot("audit", "chain", "", error.zh, error.en, mended=False)
        with node.db.transaction() as tx:
            _enter(node, tx, [rot])
        return Page(None, 0, (rot,))
    return Page(str(upto) if upto < newest else None, upto - number)


def _envelopes(node: Node, after: str) -> Page:
    row_after, seq_after = (int(part) for part in (after or "0.0").split("."))
    columns = ENVELOPE.c
    query = (
        sa.select(columns.stream_id, columns.seq, columns.digest, columns.data)
        .where(sa.tuple_(columns.stream_id, columns.seq) > sa.tuple_(row_after, seq_after))
        .order_by(columns.stream_id, columns.seq)
        .limit(ROWS)
    )
    with node.db.reading() as tx:
        rows = tx.execute(query).all()
        bad = [
            (row.stream_id, row.seq, bytes(row.data))
            for row in rows
            if row.data is not None and not refetch.is_sound(bytes(row.digest), bytes(row.data))
        ]
    rot: list[Rot] = []
    if bad:
        with node.db.transaction() as tx:
            rot = [_rotted_envelope(node, tx, *one) for one in bad]
    end = rows[-1] if len(rows) == ROWS else None
    return Page(f"{end.stream_id}.{end.seq}" if end is not None else None, len(rows), tuple(rot))


def _rotted_envelope(node: Node, tx: sa.Connection, row: int, seq: int, data: bytes) -> Rot:
    stream = stream_with(tx, row)
    where = (ENVELOPE.c.stream_id == row) & (ENVELOPE.c.seq == seq)
    named = tx.scalar(
        sa.select(ENVELOPE.c.previous).where(ENVELOPE.c.stream_id == row, ENVELOPE.c.seq == seq + 1)
    )
    named = stream.head_digest if named is None and seq == stream.head_seq else named
    if named is not None and refetch.is_sound(bytes(named), data):
        # The envelope is whole: its digest in the ledger is what rotted, and the next one names the right one.
        tx.execute(sa.update(ENVELOPE).where(where).values(digest=bytes(named)))
        rot = Rot(
            refetch.KIND,
            f"{row}.{seq}",
            stream.stream.origin,
            f"{stream.stream.origin} 第 {seq} 号信封的登记在磁盘上已损坏，已按后一封更正。请检查磁盘。",
            f"The ledger's entry of envelope {seq} of {stream.stream.origin} has rotted on the disk; it was put right "
            "by the next envelope. Check the disk.",
            mended=True,
        )
        _enter(node, tx, [rot])
        return rot
    refetch.set_aside(tx, node.world, row, seq)
    return Rot(refetch.KIND, f"{row}.{seq}", stream.stream.origin, "", "", mended=False)


def _chunks(node: Node, after: str) -> Page:
    """Every chunk on the disk against its name, a few folders at a time: drafts' scans as well, that no offer names yet."""
    number = int(after, 16) if after else -1
    names: list[str] = []
    while number < LAST_FOLDER and len(names) < CHUNKS:
        number += 1
        names += node.chunks.names(f"{number:02x}")
    lost = [digest for digest in names if node.chunks.get(digest) is None]
    return Page(f"{number:02x}" if number < LAST_FOLDER else None, len(names), _chunks_lost(node, lost))


def _files(node: Node, after: str) -> Page:
    """Every chunk that a file is said to have: is it there at all?"""
    with node.db.reading() as tx:
        query = sa.select(ATTACHMENT).where(ATTACHMENT.c.id > after).order_by(ATTACHMENT.c.id).limit(FILES)
        rows = tx.execute(query).all()
    checked, lost = 0, []
    for row in rows:
        held = [d for index, d in enumerate(attachments.digests(row)) if attachments.has_chunk(row, index)]
        checked += len(held)
        lost += [digest for digest in held if not node.chunks.has(digest)]
    return Page(rows[-1].id if len(rows) == FILES else None, checked, _chunks_lost(node, sorted(set(lost))))


def _chunks_lost(node: Node, lost: list[str]) -> tuple[Rot, ...]:
    if not lost:
        return ()
    with node.db.transaction() as tx:
        return _enter(node, tx, _lose(node, tx, lost))


def _lose(node: Node, tx: sa.Connection, lost: list[str]) -> list[Rot]:
    files = {digest: attachments.lose_chunk(tx, digest) for digest in lost}
    ids = {id_ for named in files.values() for id_ in named}
    cases: dict[str, str] = {}
    for books in node.books if ids else ():
        cases |= books.naming(tx, ids)
    return [_lost_chunk(digest, named, cases) for digest, named in files.items()]


def _lost_chunk(digest: str, files: list[str], cases: dict[str, str]) -> Rot:
    case = next((cases[id_] for id_ in files if id_ in cases), "")
    whose_zh, whose_en = (f"办件 {case} 的" if case else "一份", f" of case {case}" if case else "")
    again_zh = "已向有副本的邻近节点重新索取" if files else "它还没有登记到办件，请重新扫描"
    again_en = (
        "it is asked for again from a neighbour that holds it"
        if files
        else "no case names it yet: scan the material again"
    )
    return Rot(
        "chunk",
        digest,
        case,
        f"{whose_zh}附件有一块（{digest[:8]}）在本机磁盘上损坏或丢失，{again_zh}。请检查磁盘。",
        f"A part ({digest[:8]}) of a file{whose_en} has rotted or vanished on this disk; {again_en}. Check the disk.",
        # Without a file there is nothing to wait for: the agent is told when the draft is handed in.
        mended=not files,
    )


def _copies(node: Node, folder: Path, after: str) -> Page:
    """The oldest copy and the newest: how far back this node can be put."""
    kept = copies(folder)
    ends = sorted({kept[0], kept[-1]}) if kept else []
    rot = []
    for path in ends:
        try:
            verify_copy(path, node.db.raw_key, [audit.verify])
        except LiandongError as error:
            path.replace(path.with_suffix(".bad"))
            rot.append(Rot("copy", path.name, "", error.zh, error.en, mended=False))
    with node.db.transaction() as tx:
        _enter(node, tx, rot)
    return Page(None, len(ends), tuple(rot))
