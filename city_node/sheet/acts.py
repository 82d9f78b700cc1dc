"""What a supervisor may do about a difference: have it sent again, accept it, take that back; and about duplicates."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from city_node.office import CityOffice
from city_node.sheet import pairs
from city_node.sheet.steps import step
from city_node.sheet.tables import DIFFERENCE, PAIR
from core.clock import World, from_iso, iso
from core.desk.acting import perform
from core.desk.context import Audit, DeskContext
from core.errors import InputError, StateError
from core.identifiers import (
    CaseId,
    NodeId,
    Tier,
    case_id_parts,
    display_case_id,
    division_of,
    new_id,
    parent_of,
    tier_of,
)
from core.sheet import REMEDIES, Cause, Remedy
from core.sheet_report import ASKED_MAX, RESEND_ASKED, SCHEMA, ResendAsked, encode_asked
from core.store.officers import Officer
from sync import held
from sync.checkpoint import CLOSED_ENVELOPE
from sync.node import Node
from sync.tables import QUARANTINE, STREAM

WORDS_MAX = 500
ASK_AGAIN_AFTER = timedelta(minutes=10)
"""A node that was asked has that long to meet us before it is asked once more."""
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Desk:
    """What acting on the sheet needs."""

    office: CityOffice
    world: World
    audit: Audit
    node: Node


def seen_of(row: sa.Row[Any]) -> str:
    """What a form carries of the difference as it was shown."""
    return f"{row.status}.{row.cause}.{row.changed_at}"


def remedies_of(row: sa.Row[Any]) -> list[str]:
    """What may be done about a difference now."""
    if row.status == "level":
        return []
    if row.status == "accepted":
        return [UNDO]
    return [str(one) for one in REMEDIES[Cause(row.cause)] if one is not Remedy.REPLACE]


def find_difference(tx: sa.Connection, id_: str) -> sa.Row[Any]:
    """Raises ``InputError`` (``sheet.unknown``)."""
    row = tx.execute(sa.select(DIFFERENCE).where(DIFFERENCE.c.id == id_)).one_or_none()
    if row is None:
        raise InputError("sheet.unknown", zh="没有这条差异。", en="There is no such difference.")
    return row


def act_on(desk: Desk, officer: Officer, id_: str, name: str, words: str, seen: str) -> None:
    """Do one thing about a difference. ``seen`` is :func:`seen_of` as the officer saw it.

    Raises ``InputError`` (``sheet.*``), ``StateError`` (``sheet.*``): nothing was done then.
    """
    db, words = desk.node.db, words.strip()
    with db.transaction() as tx:
        row = find_difference(tx, id_)
        if seen_of(row) != seen:
            raise StateError(
                "sheet.moved",
                zh="这条差异在您打开页面之后已有变化，本次操作没有生效。请看过再办。",
                en="This difference has changed since you opened it; this did not take effect. Look at it again.",
            )
        if name not in remedies_of(row):
            raise StateError(
                "sheet.remedy",
                zh="这条差异现在不能这样处理。",
                en="This is not open for this difference now.",
            )
        if name in (Remedy.ACCEPT, UNDO) or words:
            _require_words(words)
        if name == Remedy.RESEND:
            _ask(tx, desk, officer, row, words)
        elif name == Remedy.ACCEPT:
            _move(tx, desk, row, officer, "accepted", "accept", words)
        elif name == UNDO:
            _move(tx, desk, row, officer, "open", "undo", words)
    if name == Remedy.RELEASE:
        _release(desk, officer, row, words)
    # The line shows at once what was done.
    with db.transaction() as tx:
        desk.office.bookkeeper.draw(tx, row.day, row.division)


def ask_line(desk: Desk, officer: Officer, day: str, division: str) -> int:
    """Ask the nodes of a line to send everything that differs again; returns the number of differences asked for."""
    with desk.node.db.transaction() as tx:
        where = (
            (DIFFERENCE.c.day == day)
            & (DIFFERENCE.c.division == division)
            & DIFFERENCE.c.status.in_(["open", "asked"])
        )
        rows = [
            row
            for row in tx.execute(sa.select(DIFFERENCE).where(where).limit(ASKED_MAX)).all()
            if Remedy.RESEND in REMEDIES[Cause(row.cause)] and not _was_just_asked(desk, row)
        ]
        if rows:
            _send_question(tx, desk, division, [row.case_id for row in rows if row.case_id])
        for row in rows:
            _move(tx, desk, row, officer, "asked", "resend", "")
    return len(rows)


def settle_pair(
    desk: Desk,
    context: DeskContext,
    officer: Officer,
    first: str,
    second: str,
    name: str,
    words: str,
    keep: str = "",
) -> None:
    """Say of a pair that it is the ``same`` matter (``keep`` is the case that stays), ``different``, or ``undo`` that.

    Raises ``InputError``, ``StateError`` (``pair.*``, and what the workflow refuses with).
    """
    words = words.strip()
    with desk.node.db.reading() as tx:
        where = (PAIR.c.first == first) & (PAIR.c.second == second)
        row = tx.execute(sa.select(PAIR).where(where)).one_or_none()
    if row is None or name not in ("same", "different", UNDO):
        raise InputError("pair.unknown", zh="没有这一对办件。", en="There is no such pair of cases.")
    wanted = {"same": "open", "different": "open", UNDO: "different"}[name]
    if row.status != wanted:
        raise StateError(
            "pair.moved",
            zh="这一对办件已有结论，本次操作没有生效。请刷新页面。",
            en="This pair has been settled meanwhile; this did not take effect. Reload the page.",
        )
    _require_words(words)
    if name == "same":
        if keep not in (first, second):
            raise InputError("pair.keep", zh="请选择保留哪一件。", en="Choose the case that stays.")
        gone = CaseId(second if keep == first else first)
        reason = f"与 {display_case_id(CaseId(keep))} 为同一事项，予以合并：{words}"
        # The workflow's own step, by its own rules: who may not take it is refused there, and nothing is changed.
        perform(context, officer.id, gone, "void", {"reason": [reason]}, via="sheet")
    status = {"same": "same", "different": "different", UNDO: "open"}[name]
    with desk.node.db.transaction() as tx:
        tx.execute(sa.update(PAIR).where(where).values(status=status))
        step(tx, pairs.key_of(first, second), name, officer, iso(desk.world.now()), words)
        desk.audit(tx, actor=officer.id, action=f"pair.{name}", subject=first, other=second)


def _ask(tx: sa.Connection, desk: Desk, officer: Officer, row: sa.Row[Any], words: str) -> None:
    if _was_just_asked(desk, row):
        raise StateError(
            "sheet.asked",
            zh="刚刚已要求补报，请等它下次联络；十分钟后仍无结果可再要求一次。",
            en="It was asked a moment ago; wait until it is met. After ten minutes you may ask once more.",
        )
    _send_question(tx, desk, row.division, [row.case_id] if row.case_id else [])
    _move(tx, desk, row, officer, "asked", "resend", words)


def _was_just_asked(desk: Desk, row: sa.Row[Any]) -> bool:
    return bool(row.status == "asked" and desk.world.now() - from_iso(row.changed_at) < ASK_AGAIN_AFTER)


def _send_question(tx: sa.Connection, desk: Desk, division: str, cases: list[str]) -> None:
    """To whoever registered the cases, and to the township between."""
    place = NodeId(division)
    nodes = {place, *(case_id_parts(CaseId(case)).node for case in cases)}
    if tier_of(division_of(place)) is Tier.VILLAGE:
        nodes.add(NodeId(parent_of(division_of(place))))
    body = encode_asked(ResendAsked(tuple(CaseId(case) for case in cases[:ASKED_MAX])))
    for node in sorted(nodes - {desk.node.place.node}):
        desk.office.post(
            tx,
            readers=[node],
            lane="control",
            message_id=new_id(desk.world),
            type_=RESEND_ASKED,
            schema=SCHEMA,
            subject="",
            body=body,
        )


def _release(desk: Desk, officer: Officer, row: sa.Row[Any], words: str) -> None:
    """Try again what is set aside here of this case, or of this node where no case is named."""
    columns = QUARANTINE.c
    query = sa.select(columns.message_id).where(columns.released_at.is_(None)).distinct()
    closed = columns.stream_id.in_(sa.select(STREAM.c.id).where(STREAM.c.origin.startswith(row.division)))
    of_case = columns.subject == row.case_id if row.case_id else sa.false()
    query = query.where(of_case | ((columns.type == CLOSED_ENVELOPE) & closed)).order_by(columns.message_id)
    with desk.node.db.reading() as tx:
        ids = list(tx.scalars(query.limit(held.LISTED_MAX)))
    if not ids:
        raise StateError(
            "sheet.not_here",
            zh="市级没有隔离它的消息：隔离在镇级，请该镇在“需处理”中放行，或要求补报。",
            en="The city has set nothing of it aside: the township has. It is to be released there, or asked for again.",
        )
    failed = [
        error for id_ in ids if (error := held.release(desk.node, id_, actor=officer.id)[1]) is not None
    ]
    with desk.node.db.transaction() as tx:
        step(tx, row.id, "release", officer, iso(desk.world.now()), words)
        desk.audit(
            tx,
            actor=officer.id,
            action="sheet.release",
            subject=row.case_id or row.division,
            tried=len(ids),
            failed=len(failed),
        )
    if failed:
        raise StateError(
            "sheet.still",
            zh=f"已重试 {len(ids)} 条，仍有 {len(failed)} 条不能生效：{failed[0].zh}",
            en=f"{len(ids)} were tried again, {len(failed)} still fail: {failed[0].en}",
        )


def _move(
    tx: sa.Connection, desk: Desk, row: sa.Row[Any], officer: Officer, status: str, what: str, words: str
) -> None:
    now = iso(desk.world.now())
    tx.execute(sa.update(DIFFERENCE).where(DIFFERENCE.c.id == row.id).values(status=status, changed_at=now))
    step(tx, row.id, what, officer, now, words)
    desk.audit(
        tx,
        actor=officer.id,
        action=f"sheet.{what}",
        subject=row.case_id or row.division,
        day=row.day,
        cause=row.cause,
        words=json.loads(row.words),
    )


def _require_words(words: str) -> None:
    if not 1 <= len(words) <= WORDS_MAX:
        raise InputError(
            "sheet.words",
            zh=f"请写明理由（1 到 {WORDS_MAX} 字），没有生效。",
            en=f"Give the reason in 1 to {WORDS_MAX} characters; nothing was done.",
        )
