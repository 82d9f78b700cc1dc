"""How a case stands, for people: who holds it, how far its papers have come, what is missing, how long it may take."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from core.case import Case
from core.clock import CHINA, iso, local
from core.documents.slip import Wording
from core.errors import StateError
from core.identifiers import CaseId, NodeId, Tier, display_case_id, division_of, tier_of
from core.items import Item
from core.labels import label
from core.limits import Mode, days_left, due_at
from core.people import mask_id, mask_name, mask_phone
from core.regions import Divisions
from core.states import COUNTING
from core.store.casebook import Attention, suspensions_of
from core.store.prepared import Prepared
from sync.custody import covers, missing_bits
from sync.tables import ATTACHMENT_DELIVERY, DELIVERY, MESSAGE, OFFER, RECEIPT
from village_agent.app import Village
from village_agent.intake import Intake


class Stage(StrEnum):
    """How far what we said of a case has come; the values are keys of ``core.labels``."""

    WAITING = "outbox.waiting"
    AT_TOWNSHIP = "outbox.at_township"
    AT_CITY = "outbox.at_city"
    ACCEPTED = "outbox.accepted"
    ATTENTION = "outbox.attention"


@dataclass(frozen=True, slots=True)
class Stay:
    """One desk on the path of a case. ``until`` is None where it lies now."""

    node: NodeId | None
    since: datetime
    until: datetime | None
    what: str
    """Key of ``core.labels`` of the last step taken here; empty while the case waits for one."""
    by: str
    note: str
    by_step: str = ""
    """Id of the step that brought it here."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """``parts_sent`` of ``parts`` pieces of its files are at the township; ``days_left`` None unless the clock runs."""

    case: Case
    item: Item | None
    stage: Stage
    wording: Wording
    path: tuple[Stay, ...]
    parts_sent: int
    parts: int
    days_left: int | None
    due_at: datetime | None
    missing: tuple[str, ...]
    attention: tuple[Attention, ...] = ()
    """What is here of the case but not in effect, with the reason."""

    @property
    def in_transit(self) -> bool:
        """Handed on, but the next desk has not signed for it yet."""
        return self.stage is Stage.WAITING and self.case.holder != self.case.origin

    @property
    def materials_in_transit(self) -> bool:
        return self.parts_sent < self.parts


def outlook(tx: sa.Connection, village: Village, case: Case) -> Outlook:
    """How ``case`` stands now."""
    parent = village.installation.node.place.parent
    said = list(_said(tx, case.id, parent)) if parent is not None else []
    sent, parts = _parts(tx, case, parent)
    left, due = _limit(village, case)
    office = village.office
    missing = case.supplement.missing if case.supplement else ()
    attention = tuple(office.casebook.attention(tx, case.id))
    return Outlook(
        case,
        office.shelf.item(case.item, case.catalogue_version),
        _stage(tx, case, said, attention),
        _wording(case, said),
        tuple(_path(case)),
        sent,
        parts,
        left,
        due,
        missing,
        attention,
    )


@dataclass(frozen=True, slots=True)
class _Said:
    type: str
    stream: int
    seq: int | None
    handed_over: bool


_SAID = Prepared(
    sa.select(MESSAGE.c.type, MESSAGE.c.stream_id, MESSAGE.c.seq, DELIVERY.c.acked_seq, DELIVERY.c.ranges)
    .join(DELIVERY, (DELIVERY.c.stream_id == MESSAGE.c.stream_id) & (DELIVERY.c.peer == sa.bindparam("to")))
    .where(MESSAGE.c.subject == sa.bindparam("of"))
)
_APPLIED_UPTO = Prepared(
    sa.select(sa.func.max(RECEIPT.c.upto)).where(
        RECEIPT.c.stream_id == sa.bindparam("row"),
        RECEIPT.c.signer == sa.bindparam("by"),
        RECEIPT.c.kind == "acceptance",
    )
)
_FILE = Prepared(
    sa.select(OFFER.c.seq, DELIVERY.c.acked_seq, ATTACHMENT_DELIVERY.c.have)
    .join(DELIVERY, (DELIVERY.c.stream_id == OFFER.c.stream_id) & (DELIVERY.c.peer == sa.bindparam("to")))
    .join(
        ATTACHMENT_DELIVERY,
        (ATTACHMENT_DELIVERY.c.attachment_id == OFFER.c.attachment_id)
        & (ATTACHMENT_DELIVERY.c.peer == sa.bindparam("to")),
        isouter=True,
    )
    .where(OFFER.c.attachment_id == sa.bindparam("file"))
    .order_by((DELIVERY.c.acked_seq - OFFER.c.seq).desc())
    .limit(1)
)


def _said(tx: sa.Connection, case_id: CaseId, parent: NodeId) -> Iterator[_Said]:
    for row in _SAID.all(tx, to=parent, of=case_id):
        held = row.seq is not None and covers(row.acked_seq, json.loads(row.ranges), row.seq)
        yield _Said(row.type, row.stream_id, row.seq, held)


def _stage(tx: sa.Connection, case: Case, said: list[_Said], attention: tuple[Attention, ...]) -> Stage:
    if case.hold is not None or attention:
        return Stage.ATTENTION
    if any(not message.handed_over for message in said):
        return Stage.WAITING
    if case.accepted_at is not None:
        return Stage.ACCEPTED
    if said and all(_applied_by(tx, message, case.city) for message in said):
        return Stage.AT_CITY
    return Stage.AT_TOWNSHIP


def _applied_by(tx: sa.Connection, message: _Said, signer: NodeId) -> bool:
    upto = _APPLIED_UPTO.scalar(tx, row=message.stream, by=signer)
    return message.seq is not None and (upto or 0) >= message.seq


def _wording(case: Case, said: list[_Said]) -> Wording:
    if case.accepted_at is not None:
        return Wording.ACCEPTED
    submitted = [message for message in said if message.type == "CaseSubmitted"]
    # A case that this device never said itself came back from above: another copy exists.
    if all(message.handed_over for message in submitted):
        return Wording.HANDED_OVER
    return Wording.LOCAL_ONLY


def _path(case: Case) -> Iterator[Stay]:
    """One entry a desk; steps that leave the case where it is tell only of the desk."""
    stays: list[Stay] = []
    first = case.steps[0]
    stays.append(Stay(case.origin, first.at, first.at, f"message.{first.type}", first.actor.name, ""))
    for step in case.steps:
        last = stays[-1]
        done = f"message.{step.type}"
        until = None if step.holder == last.node and step is not first else step.at
        stays[-1] = replace(last, until=until, what=done, by=step.actor.name, note=step.note)
        if until is not None:
            stays.append(Stay(step.holder, step.at, None, "", "", "", step.id))
    yield from stays


def _parts(tx: sa.Connection, case: Case, parent: NodeId | None) -> tuple[int, int]:
    sent = parts = 0
    for manifest in case.attachments:
        row = _FILE.first(tx, to=parent, file=manifest.id)
        if row is None:
            continue
        count = len(manifest.chunks)
        parts += count
        # Signed for as a whole once its offer is; until then by the pieces the township says it has.
        if row.acked_seq >= row.seq:
            sent += count
        elif row.have:
            sent += count - len(missing_bits(bytes(row.have), count))
    return sent, parts


def _limit(village: Village, case: Case) -> tuple[int | None, datetime | None]:
    if case.state not in COUNTING or case.accepted_at is None or case.promised_days is None:
        return None, None
    calendar, mode = village.office.shelf.calendar, Mode(case.limit_mode or Mode.EXACT)
    now = village.installation.node.world.now()
    clock = (case.promised_days, suspensions_of(case))
    try:
        left = days_left(calendar, mode, case.accepted_at, now, *clock)
        return left, due_at(calendar, mode, case.accepted_at, *clock)
    except StateError:
        # The calendar of that year is not published yet: no figure rather than a guess.
        return None, None


def holder_words(view: Outlook, divisions: Divisions, lang: str = "zh") -> str:
    """Who holds the case; while it travels, that it does."""
    place = place_name(view.case.holder, divisions, lang)
    if not view.in_transit:
        return place
    return f"{place}（在途，尚未签收）" if lang == "zh" else f"{place} (in transit, not signed for yet)"


def place_name(node: NodeId | None, divisions: Divisions, lang: str = "zh") -> str:
    """``琼湖街道 镇便民服务中心``; who holds a closed case is nobody."""
    if node is None:
        return "已办结" if lang == "zh" else "closed"
    division = division_of(node)
    tier = tier_of(division)
    office = label(f"place.{tier}", lang)
    if tier is Tier.CITY or division not in divisions:
        return office
    return f"{divisions.full_name(division)} {office}"


def facts(view: Outlook, intake: Intake, *, full: bool = False) -> dict[str, Any]:
    """The outlook as JSON values; numbers of people are masked unless ``full``."""
    case, divisions = view.case, intake.divisions
    who = case.applicant
    return {
        "case": case.id,
        "display": display_case_id(case.id),
        "item": case.item,
        "item_name": view.item.name if view.item else case.item,
        "state": case.state,
        "holder": case.holder,
        "holder_name": place_name(case.holder, divisions),
        "in_transit": view.in_transit,
        "stage": view.stage.partition(".")[2],
        "wording": view.wording.partition(".")[2],
        "applicant": {
            "name": who.name if full else mask_name(who.name),
            "id_no": who.id_no if full else mask_id(who.id_no),
            "mobile": who.mobile if full else mask_phone(who.mobile),
        },
        "submitted_at": iso(case.submitted_at),
        "accepted_at": iso(case.accepted_at) if case.accepted_at else None,
        "due_at": iso(view.due_at) if view.due_at else None,
        "days_left": view.days_left,
        "missing": list(view.missing),
        "materials": [record.name for record in case.materials],
        "files": {"parts": view.parts, "at_township": view.parts_sent},
        "path": [
            {
                "node": stay.node,
                "place": place_name(stay.node, divisions),
                "since": local(stay.since),
                "until": local(stay.until) if stay.until else None,
                "what": label(stay.what) if stay.what else "",
                "by": stay.by,
                "note": stay.note,
            }
            for stay in view.path
        ],
        "decision": None
        if case.decision is None
        else {
            "granted": case.decision.granted,
            "document_no": case.decision.document_no,
            "reason": case.decision.reason,
        },
    }


def clock_words(instant: datetime) -> str:
    """``11-24 16:30`` in China time."""
    return f"{instant.astimezone(CHINA):%m-%d %H:%M}"
