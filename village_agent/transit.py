"""How long a case was on its way between desks, as far as this device can tell by receipts and arrivals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.case import Case, Step
from core.clock import from_iso
from core.identifiers import NodeId
from sync.receipt import CUSTODY
from sync.tables import APPLIED, MESSAGE, RECEIPT
from village_agent.app import Village


@dataclass(frozen=True, slots=True)
class Leg:
    """A handing on. ``arrived_at`` None while nobody has signed; ``until`` is now then."""

    step: str
    sent_at: datetime
    arrived_at: datetime | None
    until: datetime

    @property
    def took(self) -> timedelta:
        return max(timedelta(), self.until - self.sent_at)


def legs(tx: sa.Connection, village: Village, case: Case) -> dict[str, Leg]:
    """The legs this device knows of, by the id of the step that handed the case on.

    Of what we said: until the parent signed. Of what others said: until it took effect here. Clocks of two nodes may
    differ; a leg never takes less than nothing.
    """
    here, parent = village.installation.node.place.node, village.installation.node.place.parent
    now = village.installation.node.world.now()
    found: dict[str, Leg] = {}
    before: NodeId | None = None
    for number, step in enumerate(case.steps):
        moved = step.holder is not None and step.holder != step.node
        if moved and step.holder != before:
            if step.node == here and parent is not None:
                at = _signed_at(tx, step, parent)
                # Who has acted since has received it, though no receipt is here that tells when.
                acted = any(later.node == step.holder for later in case.steps[number + 1 :])
                if at is not None or not acted:
                    found[step.id] = Leg(step.id, step.at, at, at or now)
            elif step.holder == here:
                at = _arrived_at(tx, step)
                if at is not None:
                    found[step.id] = Leg(step.id, step.at, at, at)
        before = step.holder
    return found


def _signed_at(tx: sa.Connection, step: Step, parent: NodeId) -> datetime | None:
    row = tx.execute(
        sa.select(MESSAGE.c.stream_id, MESSAGE.c.seq).where(MESSAGE.c.message_id == step.id)
    ).first()
    if row is None or row.seq is None:
        return None
    at = tx.scalar(
        sa.select(sa.func.min(RECEIPT.c.at)).where(
            RECEIPT.c.stream_id == row.stream_id,
            RECEIPT.c.upto >= row.seq,
            RECEIPT.c.kind == CUSTODY,
            RECEIPT.c.signer == parent,
        )
    )
    return None if at is None else from_iso(at)


def _arrived_at(tx: sa.Connection, step: Step) -> datetime | None:
    where = (APPLIED.c.origin == step.node) & (APPLIED.c.message_id == step.id)
    at = tx.scalar(sa.select(APPLIED.c.at).where(where))
    return None if at is None else from_iso(at)


def span_words(span: timedelta, lang: str) -> str:
    """``2 天 3 小时``, ``2 d 3 h``: two units at most, minutes the smallest."""
    minutes = int(span.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    zh = lang == "zh"
    units = [(days, "天" if zh else "d"), (hours, "小时" if zh else "h"), (minutes, "分钟" if zh else "min")]
    shown = [f"{count} {unit}" for count, unit in units if count][:2]
    return " ".join(shown) or ("不到 1 分钟" if zh else "under 1 min")
