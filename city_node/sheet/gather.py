"""Putting one day of one division together: what each book says of each case, and what the registers here know."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from city_node.sheet.rhythm import rhythms
from city_node.sheet.tables import CLAIM, REPORT
from core.carriage import Figures
from core.case import Case
from core.clock import CHINA, World, from_iso
from core.errors import LocalError
from core.identifiers import CaseId, NodeId, Tier, case_id_parts, division_of, parent_of, tier_of
from core.shape import from_plain
from core.sheet import Side, Sighting, Teller, Word
from core.sheet_report import DaySet
from core.store.casebook import CASE, CASE_MESSAGE, Casebook, region_of
from sync import neighbour
from sync.checkpoint import CLOSED_ENVELOPE
from sync.identity import Place, read_place
from sync.tables import APPLIED, ENVELOPE, PEER, QUARANTINE, STREAM


@dataclass(frozen=True, slots=True)
class Told:
    """The newest report of a node's present life, and what it claims of one day; ``before``: its earlier lives."""

    at: datetime
    received_at: datetime
    figures: Figures
    is_whole: bool
    catalogue: int
    calendar: int
    drafts: int
    now: frozenset[CaseId] = frozenset()
    sealed: frozenset[CaseId] = frozenset()

    @property
    def heads(self) -> Mapping[str, int]:
        return {head.key: head.upto for head in self.figures.heads}


@dataclass(frozen=True, slots=True)
class Book:
    """What one node told of a day; ``told`` is none if its present life has not reported."""

    node: NodeId
    told: Told | None
    has_ever: bool
    before: frozenset[CaseId]


@dataclass(slots=True)
class Day:
    """All that is known of one day of one division."""

    day: str
    division: str
    sides: tuple[Side, ...]
    sightings: list[Sighting] = field(default_factory=list)
    tellers: dict[Side, Teller] = field(default_factory=dict)
    cases: dict[CaseId, Case] = field(default_factory=dict)
    claimed: dict[Side, frozenset[CaseId]] = field(default_factory=dict)
    exempt: frozenset[CaseId] = frozenset()
    is_held: bool = False
    """A stream of this division is on hold, or two devices speak as one."""
    has_closed: bool = False
    """An envelope of this division could not be opened."""
    told_on: date | None = None
    """The China date of the newest report of whoever registers here, by the earlier of both clocks."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """Where a case's first message came in."""

    key: str
    epoch: str
    seq: int
    arrived_at: datetime


def reports(tx: sa.Connection, *nodes: str) -> dict[str, Told]:
    """The newest report of the present life of the nodes named, or of all; without claims."""
    query = sa.select(REPORT).order_by(REPORT.c.received_at)
    if nodes:
        query = query.where(REPORT.c.node.in_(nodes))
    found: dict[str, Told] = {}
    for row in tx.execute(query).all():
        if neighbour.is_current(tx, NodeId(row.node), row.epoch):
            found[row.node] = _told(row)
    return found


def gather(tx: sa.Connection, world: World, casebook: Casebook, day: str, division: str) -> Day:
    """Everything of ``day`` (yyyymmdd, as in the case numbers) and ``division``."""
    tier = tier_of(division_of(NodeId(division)))
    sides = tuple(Side)[{Tier.VILLAGE: 0, Tier.TOWNSHIP: 1, Tier.CITY: 2}[tier] :]
    whole = Day(day, division, sides)
    place = read_place(tx)
    origins = _devices(tx, division)
    passages = _passages(tx, day, division)
    township = NodeId(parent_of(division_of(NodeId(division)))) if tier is Tier.VILLAGE else None
    if tier is Tier.TOWNSHIP:
        township = NodeId(division)
    own = {origin: _book(tx, origin, origin, day) for origin in origins} if tier is Tier.VILLAGE else {}
    above = {origin: _book(tx, township, origin, day) for origin in origins} if township else {}
    broken: set[CaseId] = set()
    _read_cases(tx, casebook, whole, broken)
    here = frozenset(whole.cases) | broken
    quarantined, closed = _quarantined(tx, day, division)
    waiting = _waiting(tx, day, division) | broken
    held = _held(tx, place, origins, above.values())
    whole.is_held, whole.has_closed = bool(held), closed
    everything = here | quarantined | waiting
    for book in (*own.values(), *above.values()):
        everything |= book.before | (book.told.now if book.told else frozenset())
    secret = {case for case, one in whole.cases.items() if one.confidential}
    secret |= {case for book in own.values() if book.told for case in book.told.sealed}
    whole.exempt = frozenset(secret) if tier is Tier.VILLAGE else frozenset()
    far = {case for book in above.values() if book.told for case in book.told.figures.troubles.quarantined}
    for case in sorted(everything):
        origin = case_id_parts(case).node
        words: dict[Side, Word] = {}
        lower = own.get(origin)
        if tier is Tier.VILLAGE:
            words[Side.VILLAGE] = _word(case, lower, passages.get(case), None)
        if tier is not Tier.CITY:
            words[Side.TOWNSHIP] = (
                Word.EXEMPT
                if case in whole.exempt
                else _word(case, above.get(origin), passages.get(case), lower)
            )
        words[Side.CITY] = Word.HAS if case in here else Word.LACKS
        is_level = set(words.values()) <= {Word.HAS, Word.EXEMPT}
        known = whole.cases.get(case)
        passage = passages.get(case)
        whole.sightings.append(
            Sighting(
                case=case,
                day=date(int(day[:4]), int(day[4:6]), int(day[6:])),
                words=words,
                is_forked=(known is not None and known.hold is not None) or (origin in held and not is_level),
                is_quarantined=case in quarantined or case in far or (closed and case not in here),
                is_waiting=case in waiting,
                submitted_at=None if known is None else known.submitted_at,
                arrived_at=None if passage is None else passage.arrived_at,
            )
        )
    whole.claimed = _claimed(own.values(), above.values(), here)
    whole.tellers = _tellers(tx, world, division, township, own, above)
    author = (own or above).get(NodeId(division))
    if author is not None and author.told is not None:
        whole.told_on = told_on(author.told.at, author.told.received_at)
    return whole


def told_on(at: datetime, received_at: datetime) -> date:
    """The day that a report tells of, by the earlier clock: one that is ahead must not close a day that has not ended."""
    return min(at, received_at).astimezone(CHINA).date()


def _word(case: CaseId, book: Book | None, passage: _Passage | None, lower: Book | None) -> Word:
    """What a book says of a case. ``passage`` is where it came by here; ``lower`` the book below that may claim it."""
    if book is None or not book.has_ever:
        return Word.NONE
    if book.told is None:
        return Word.OLD
    if case in book.told.now:
        return Word.HAS
    if case in book.before:
        return Word.HAD
    if not book.told.is_whole:
        return Word.OLD
    if passage is not None:
        is_author = case_id_parts(case).node == book.node
        if is_author and passage.epoch != book.told.figures.epoch:
            return Word.LACKS
        return Word.LACKS if book.told.heads.get(passage.key, 0) >= passage.seq else Word.OLD
    if lower is None or lower.told is None:
        return Word.LACKS
    handed_on = lower.told.figures.unsigned == 0 and book.told.received_at > lower.told.received_at
    return Word.LACKS if handed_on else Word.OLD


def _told(row: sa.Row[Any]) -> Told:
    plain = json.loads(row.body)
    return Told(
        from_iso(row.at),
        from_iso(row.received_at),
        from_plain(Figures, plain["figures"], "sheet.figures"),
        not plain["more"],
        plain["catalogue"],
        plain["calendar"],
        plain["drafts"],
    )


def _book(tx: sa.Connection, node: NodeId, origin: NodeId, day: str) -> Book:
    told = reports(tx, node).get(node)
    epoch = "" if told is None else told.figures.epoch
    has_ever = told is not None or tx.scalar(sa.select(REPORT.c.node).where(REPORT.c.node == node).limit(1))
    query = sa.select(CLAIM).where(CLAIM.c.node == node, CLAIM.c.origin == origin, CLAIM.c.day == day)
    now: frozenset[CaseId] = frozenset()
    sealed: frozenset[CaseId] = frozenset()
    before: set[CaseId] = set()
    for row in tx.execute(query):
        claim = DaySet(origin, day, tuple(json.loads(row.counters)), tuple(json.loads(row.sealed)))
        if row.epoch == epoch:
            now, sealed = claim.cases(), claim.confidential()
        else:
            before |= claim.cases()
    if told is not None:
        told = Told(
            told.at,
            told.received_at,
            told.figures,
            told.is_whole,
            told.catalogue,
            told.calendar,
            told.drafts,
            now,
            sealed,
        )
    return Book(node, told, bool(has_ever), frozenset(before))


def _devices(tx: sa.Connection, division: str) -> list[NodeId]:
    """Every device of a division that ever reported or sent a case, the first one always."""
    claimed = sa.select(CLAIM.c.origin).where(_of(CLAIM.c.origin, division)).distinct()
    cases = sa.select(CASE.c.origin).where(_of(CASE.c.origin, division)).distinct()
    return sorted({NodeId(division), *map(NodeId, tx.scalars(claimed)), *map(NodeId, tx.scalars(cases))})


def _of(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    # A range and not LIKE, which no index serves: a colon sorts after every digit and dash.
    return sa.and_(column >= prefix, column < f"{prefix}:")


def _range(column: sa.ColumnElement[str], day: str, division: str) -> sa.ColumnElement[bool]:
    return _of(column, f"{division}{day}")


def _read_cases(tx: sa.Connection, casebook: Casebook, whole: Day, broken: set[CaseId]) -> None:
    region = region_of(CaseId(whole.division))
    query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
        CASE.c.region == region, _range(CASE.c.id, whole.day, whole.division)
    )
    for row in tx.execute(query).all():
        try:
            whole.cases[CaseId(row.id)] = casebook.read(tx, row)
        except LocalError:
            # Rotten, and named in the register of damage: it is here, and not to be worked with.
            broken.add(CaseId(row.id))


def _passages(tx: sa.Connection, day: str, division: str) -> dict[CaseId, _Passage]:
    query = (
        sa.select(APPLIED.c.subject, STREAM.c.key, STREAM.c.epoch, APPLIED.c.seq, ENVELOPE.c.held_at)
        .join(STREAM, STREAM.c.id == APPLIED.c.stream_id)
        .join(ENVELOPE, (ENVELOPE.c.stream_id == APPLIED.c.stream_id) & (ENVELOPE.c.seq == APPLIED.c.seq))
        .where(_range(APPLIED.c.subject, day, division), _of(STREAM.c.origin, division))
        .order_by(ENVELOPE.c.held_at.desc(), APPLIED.c.seq.desc())
    )
    return {
        CaseId(row.subject): _Passage(bytes(row.key).hex(), row.epoch, row.seq, from_iso(row.held_at))
        for row in tx.execute(query)
    }


def _quarantined(tx: sa.Connection, day: str, division: str) -> tuple[frozenset[CaseId], bool]:
    is_open = QUARANTINE.c.released_at.is_(None)
    query = sa.select(QUARANTINE.c.subject).where(is_open, _range(QUARANTINE.c.subject, day, division))
    closed = (
        sa.select(QUARANTINE.c.message_id)
        .join(STREAM, STREAM.c.id == QUARANTINE.c.stream_id)
        .where(is_open, QUARANTINE.c.type == CLOSED_ENVELOPE, _of(STREAM.c.origin, division))
        .limit(1)
    )
    return frozenset(map(CaseId, tx.scalars(query))), tx.scalar(closed) is not None


def _waiting(tx: sa.Connection, day: str, division: str) -> frozenset[CaseId]:
    query = sa.select(CASE_MESSAGE.c.case_id).where(
        CASE_MESSAGE.c.standing != "applied", _range(CASE_MESSAGE.c.case_id, day, division)
    )
    return frozenset(map(CaseId, tx.scalars(query)))


def _held(tx: sa.Connection, place: Place, origins: list[NodeId], above: Iterable[Book]) -> set[NodeId]:
    """Origins with a stream on hold here or at the township, or of which two devices speak."""
    query = sa.select(STREAM.c.origin).where(STREAM.c.hold.is_not(None), STREAM.c.origin.in_(origins))
    found = {NodeId(origin) for origin in tx.scalars(query.distinct())}
    found |= {name for name, _, _ in neighbour.doubles(tx, place)}
    for book in above:
        if book.told is not None:
            found |= {*book.told.figures.troubles.held, *book.told.figures.troubles.doubled}
    return found & set(origins)


def _claimed(
    own: Iterable[Book], above: Iterable[Book], here: frozenset[CaseId]
) -> dict[Side, frozenset[CaseId]]:
    found: dict[Side, frozenset[CaseId]] = {Side.CITY: here}
    for side, books in ((Side.VILLAGE, list(own)), (Side.TOWNSHIP, list(above))):
        told = [book.told.now for book in books if book.told is not None]
        if told:
            found[side] = frozenset().union(*told)
    return found


def _tellers(
    tx: sa.Connection,
    world: World,
    division: str,
    township: NodeId | None,
    own: Mapping[NodeId, Book],
    above: Mapping[NodeId, Book],
) -> dict[Side, Teller]:
    now, made = world.now(), {}
    heard = rhythms(tx, division, *([township] if township else []))
    up = next(iter(above.values()), None)
    if township is not None:
        offset = tx.scalar(sa.select(PEER.c.clock_offset_s).where(PEER.c.node == township))
        made[Side.TOWNSHIP] = _teller(up, township in heard and heard[township].is_silent(now), offset)
    if own:
        book = own[NodeId(division)]
        offsets = [
            one.clock_offset_s
            for one in (up.told.figures.neighbours if up is not None and up.told else ())
            if one.node == division
        ]
        silent = division in heard and heard[division].is_silent(now)
        made[Side.VILLAGE] = _teller(book, silent, offsets[0] if offsets else None)
    return made


def _teller(book: Book | None, silent: bool, offset: int | None) -> Teller:
    told = None if book is None else book.told
    return Teller(
        is_silent=silent,
        is_recovering=told is not None and bool(told.figures.troubles.recovering),
        is_emptied=told is not None and told.figures.unsigned == 0,
        clock_offset_s=offset,
    )
