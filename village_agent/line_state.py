"""The one line that is always visible: with whom we are in contact, what waits, what went wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.clock import CHINA, from_iso
from core.identifiers import NodeId
from core.labels import label
from core.merge import OutcomeKind
from core.store.casebook import CASE, CASE_MESSAGE, NOT_APPLIED
from sync.tables import DELIVERY, ENVELOPE, MESSAGE, PEER, QUARANTINE, STREAM
from sync.transport.usb import CARRIER
from village_agent.app import Village
from village_agent.drafts import Drafts
from village_agent.pause import is_paused

ONLINE_INTERVALS = 3
ONLINE_S_MIN = 180
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class LineState:
    """``waiting`` counts cases with something the township has not signed for; ``failed`` what needs people;
    ``paused`` while nothing is sent unless the operator does it."""

    online: bool
    last_contact_at: datetime | None
    waiting: int
    failed: int
    error: Mapping[str, str] | None = None
    paused: bool = False

    def words(self, now: datetime, lang: str = "zh", draft_saved_at: str = "") -> str:
        """``离线 · 上次同步 09:12 · 待上传 3 · 失败 1 · 草稿已保存 09:30:12``."""
        parts = [
            label(f"line.{'paused' if self.paused else 'online' if self.online else 'offline'}", lang),
            self.last_contact_words(now, lang),
            label("line.waiting", lang, count=self.waiting),
            label("line.failed", lang, count=self.failed),
        ]
        if draft_saved_at:
            saved = from_iso(draft_saved_at).astimezone(CHINA)
            parts.append(label("line.draft_saved", lang, time=f"{saved:%H:%M:%S}"))
        return " | ".join(parts)

    def last_contact_words(self, now: datetime, lang: str) -> str:
        """``上次同步 09:12``; older than a day it is said in days."""
        if self.last_contact_at is None:
            return label("line.never", lang)
        age = now - self.last_contact_at
        if age.total_seconds() > DAY_S:
            return label("line.last_contact", lang, time=label("line.days_ago", lang, days=age.days))
        return label("line.last_contact", lang, time=f"{self.last_contact_at.astimezone(CHINA):%H:%M}")


@dataclass(frozen=True, slots=True)
class Counts:
    """The four numbers of the home page."""

    drafts: int
    waiting: int
    in_transit: int
    """On another desk."""
    back: int
    """On this desk again: to be supplemented, or a result to be handed over."""


def line_state(tx: sa.Connection, village: Village) -> LineState:
    """How things stand with the township."""
    node, settings = village.installation.node, village.installation.settings
    parent = node.place.parent
    row: Any = (
        None if parent is None else tx.execute(sa.select(PEER).where(PEER.c.node == parent)).one_or_none()
    )
    waiting, failed, paused = len(waiting_cases(tx, parent)), count_failed(tx), is_paused(tx)
    if row is None:
        return LineState(False, None, waiting, failed, paused=paused)
    met = from_iso(row.last_contact_at) if row.last_contact_at else None
    patience_s = max(ONLINE_S_MIN, ONLINE_INTERVALS * settings.contact_every_s)
    recent = met is not None and (node.world.now() - met).total_seconds() <= patience_s
    error = json.loads(row.last_error) if row.last_error else None
    # A stick brings news without a line.
    online = recent and row.failures == 0 and row.carrier != CARRIER
    return LineState(online, met, waiting, failed, error, paused)


def home_counts(tx: sa.Connection, village: Village, drafts: Drafts) -> Counts:
    """The four numbers, each from an index."""
    place = village.installation.node.place
    many = sa.select(sa.func.count()).select_from(CASE)
    back = int(tx.scalar(many.where(CASE.c.holder == place.node)) or 0)
    elsewhere = int(tx.scalar(many.where(*elsewhere_of(place.node))) or 0)
    return Counts(drafts.count(tx), len(waiting_cases(tx, place.parent)), elsewhere, back)


def elsewhere_of(node: NodeId) -> tuple[sa.ColumnElement[bool], ...]:
    """Cases that this node took in and another has on its desk."""
    return CASE.c.origin == node, CASE.c.holder.is_not(None), CASE.c.holder != node


def waiting_cases(tx: sa.Connection, parent: NodeId | None) -> list[str]:
    """Cases of which the parent has not signed for everything, in the order in which it was said."""
    if parent is None:
        return []
    streams = tx.execute(
        sa.select(STREAM.c.id, STREAM.c.messages, DELIVERY.c.acked_seq)
        .join(DELIVERY, DELIVERY.c.stream_id == STREAM.c.id)
        .where(DELIVERY.c.peer == parent, STREAM.c.messages > 0)
    ).all()
    found: dict[str, None] = {}
    for stream, messages, acked in streams:
        # Envelopes are sealed in order, so what is owed is the tail of the stream: no scan of all that was ever said.
        owed = tx.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(ENVELOPE.c.count), 0)).where(
                ENVELOPE.c.stream_id == stream, ENVELOPE.c.seq > acked
            )
        )
        unsealed = tx.scalar(
            sa.select(sa.func.count()).where(MESSAGE.c.stream_id == stream, MESSAGE.c.seq.is_(None))
        )
        first = messages - int(owed or 0) - int(unsealed or 0) + 1
        tail = sa.select(MESSAGE.c.subject).where(MESSAGE.c.stream_id == stream, MESSAGE.c.number >= first)
        for subject in tx.scalars(tail.order_by(MESSAGE.c.number)):
            if subject:
                found[subject] = None
    return list(found)


def count_failed(tx: sa.Connection) -> int:
    """Things that wait for people: set aside, not in effect though here, or on hold."""
    aside = tx.scalar(
        sa.select(sa.func.count()).select_from(QUARANTINE).where(QUARANTINE.c.released_at.is_(None))
    )
    stuck = tx.scalar(
        sa.select(sa.func.count())
        .select_from(CASE_MESSAGE)
        .where(NOT_APPLIED, CASE_MESSAGE.c.standing.in_((OutcomeKind.CONFLICT, OutcomeKind.ILLEGAL)))
    )
    held = tx.scalar(sa.select(sa.func.count()).select_from(STREAM).where(STREAM.c.hold.is_not(None)))
    return int(aside or 0) + int(stuck or 0) + int(held or 0)
