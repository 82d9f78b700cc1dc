"""The bookkeeper: draws up the lines that something changed, and keeps every difference with its history."""

import json
from collections import Counter
from datetime import date, datetime

import sqlalchemy as sa

from city_node.sheet import pairs
from city_node.sheet.gather import Day, gather
from city_node.sheet.incoming import take_report
from city_node.sheet.lines import Drawn, keep, lines_of, mark_stale, stale
from city_node.sheet.rhythm import hear, rhythms
from city_node.sheet.steps import step
from city_node.sheet.tables import DIFFERENCE, PERSON
from core.case import Case
from core.clock import CHINA, World, from_iso, iso
from core.errors import LocalError
from core.identifiers import NodeId, case_id_parts, division_of, new_id
from core.sheet import (
    CLOCK_OFF_S,
    Cause,
    Counts,
    Finding,
    Side,
    Teller,
    is_reported,
    is_unconfirmed,
    judge,
    place_in_counts,
)
from core.sheet_report import digest_of
from core.states import CLOSED, DECIDED
from core.store.casebook import CASE
from core.store.engine import Database
from core.store.office import Office
from sync import neighbour
from sync.checkpoint import CLOSED_ENVELOPE
from sync.identity import read_place
from sync.tables import KEY, PEER, QUARANTINE, STREAM

SWEEP_MAX = 40
"""Lines drawn up in one transaction."""
AGAIN_EVERY_S = 60.0
"""So often lines that differ are looked at again although nothing came: time itself changes causes."""


class Bookkeeper:
    """Keeps the sheet of one city node."""

    def __init__(self, office: Office, world: World) -> None:
        self._office, self._world = office, world
        self._again_s: float | None = None
        self._has_found_all = False
        office.casebook.watchers.append(self.notice)

    def notice(self, tx: sa.Connection, case: Case) -> None:
        """A case was written: its line is drawn up anew."""
        parts = case_id_parts(case.id)
        mark_stale(tx, [(f"{parts.day:%Y%m%d}", parts.division)])
        pairs.notice(tx, self._world, case)

    def take(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        """A node's report has come."""
        take_report(tx, self._world, origin, data)

    def catch_up(self, db: Database, *, now: bool = False) -> int:
        """Draw up what changed, in transactions of its own; returns the number of lines. ``now``: look at everything
        that differs again as well.
        """
        while not self._has_found_all:
            with db.transaction() as tx:
                self._has_found_all = not self._find_more(tx)
        at_s = self._world.monotonic_s()
        if now or self._again_s is None or at_s - self._again_s >= AGAIN_EVERY_S:
            self._again_s = at_s
            with db.transaction() as tx:
                self.look_again(tx)
        done = 0
        while True:
            with db.reading() as tx:
                waits = bool(stale(tx, 1))
            if not waits:
                return done
            with db.transaction() as tx:
                done += self.sweep(tx)

    def _find_more(self, tx: sa.Connection) -> bool:
        """Enter cases of before there was a sheet, or of a copy that was put back; false if there are none left."""
        query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
            CASE.c.id.not_in(sa.select(PERSON.c.case_id))
        )
        found = False
        for row in tx.execute(query.order_by(CASE.c.id).limit(SWEEP_MAX)).all():
            try:
                self.notice(tx, self._office.casebook.read(tx, row))
                found = True
            except LocalError:
                # Rotten, and named in the register of damage; its line counts it as held.
                parts = case_id_parts(row.id)
                mark_stale(tx, [(f"{parts.day:%Y%m%d}", parts.division)])
        return found

    def look_again(self, tx: sa.Connection) -> None:
        """Signs of life of the neighbours, a line of today for every enrolled node, who is silent, and all that differs."""
        for row in tx.execute(sa.select(PEER.c.node, PEER.c.last_contact_at)).all():
            if row.last_contact_at is not None:
                hear(tx, row.node, from_iso(row.last_contact_at))
        now = self._world.now()
        today = f"{now.astimezone(CHINA):%Y%m%d}"
        enrolled = enrolled_divisions(tx)
        silent = {node for node, rhythm in rhythms(tx).items() if rhythm.is_silent(now)} & enrolled
        mark_stale(
            tx,
            [
                (today, division)
                for division in (enrolled - lines_of(tx, today).keys()) | silent | _troubled(tx)
            ],
        )
        query = sa.select(DIFFERENCE.c.day, DIFFERENCE.c.division).where(DIFFERENCE.c.status != "level")
        mark_stale(tx, [(row.day, row.division) for row in tx.execute(query.distinct())])

    def sweep(self, tx: sa.Connection, limit: int = SWEEP_MAX) -> int:
        """Draw up stale lines, the newest days first."""
        lines = stale(tx, limit)
        for day, division in lines:
            self.draw(tx, day, division)
        return len(lines)

    def draw(self, tx: sa.Connection, day: str, division: str) -> Drawn:
        """Draw up one line, and bring its differences to what is found."""
        whole = gather(tx, self._world, self._office.casebook, day, division)
        findings = [found for one in whole.sightings if (found := judge(one, whole.tellers)) is not None]
        findings += self._of_the_day(tx, whole, findings)
        unconfirmed = sum(is_unconfirmed(one) for one in whole.sightings)
        digests = {str(side): digest_of(cases) for side, cases in whole.claimed.items()}
        drawn = Drawn(day, division, _counts(whole), digests, unconfirmed)
        keep(tx, drawn)
        self._settle(tx, day, division, findings)
        return drawn

    def _of_the_day(self, tx: sa.Connection, whole: Day, findings: list[Finding]) -> list[Finding]:
        """What is wrong with a node and names no case: found today, and kept on its day until it is mended."""
        today = day_of(self._world.now())
        which = date(int(whole.day[:4]), int(whole.day[4:6]), int(whole.day[6:]))
        where = (DIFFERENCE.c.day == whole.day) & (DIFFERENCE.c.division == whole.division)
        query = sa.select(DIFFERENCE.c.id).where(
            where, DIFFERENCE.c.case_id == "", DIFFERENCE.c.status != "level"
        )
        author = whole.tellers.get(whole.sides[0], Teller())
        is_told = is_reported(which, whole.told_on, today)
        causes = {one.cause for one in findings}
        conditions = (
            (Cause.CLONED, whole.is_held),
            (Cause.QUARANTINED, whole.has_closed),
            (Cause.LOST, author.is_silent and not is_told),
            (Cause.CLOCK, author.is_clock_off),
        )
        found = []
        if which == today or tx.scalar(query) is not None:
            found = [Finding(cause, "", {}) for cause, holds in conditions if holds and cause not in causes][
                :1
            ]
        named = {one.case for one in findings}
        found += [
            Finding(Cause.UNPAID, case.id, {})
            for case in whole.cases.values()
            if case.id not in named and is_unpaid(case)
        ]
        return found

    def _settle(self, tx: sa.Connection, day: str, division: str, findings: list[Finding]) -> None:
        where = (DIFFERENCE.c.day == day) & (DIFFERENCE.c.division == division)
        known = {row.case_id: row for row in tx.execute(sa.select(DIFFERENCE).where(where)).all()}
        now = iso(self._world.now())
        for one in findings:
            words = json.dumps({str(side): str(word) for side, word in one.words.items()}, sort_keys=True)
            row = known.pop(one.case, None)
            if row is None:
                id_ = new_id(self._world)
                tx.execute(
                    sa.insert(DIFFERENCE).values(
                        id=id_,
                        day=day,
                        division=division,
                        case_id=one.case,
                        cause=one.cause,
                        words=words,
                        status="open",
                        first_at=now,
                        changed_at=now,
                    )
                )
                step(tx, id_, "found", None, now, one.cause)
            elif row.status == "level" or row.cause != one.cause:
                # What a person accepted was the cause of then.
                self._move(tx, row.id, now, status="open", cause=one.cause, words=words)
                step(tx, row.id, "found" if row.status == "level" else "cause", None, now, one.cause)
            elif row.words != words:
                self._move(tx, row.id, now, words=words)
        for row in known.values():
            if row.status != "level":
                self._move(tx, row.id, now, status="level")
                step(tx, row.id, "level", None, now, "")

    def _move(self, tx: sa.Connection, id_: str, now: str, **values: str) -> None:
        tx.execute(sa.update(DIFFERENCE).where(DIFFERENCE.c.id == id_).values(changed_at=now, **values))


def _troubled(tx: sa.Connection) -> set[str]:
    """Divisions of streams on hold here, of envelopes that could not be opened here, and of clocks that are wrong."""
    held = sa.select(STREAM.c.origin).where(STREAM.c.hold.is_not(None))
    closed = (
        sa.select(STREAM.c.origin)
        .join(QUARANTINE, QUARANTINE.c.stream_id == STREAM.c.id)
        .where(QUARANTINE.c.released_at.is_(None), QUARANTINE.c.type == CLOSED_ENVELOPE)
    )
    clocks = sa.select(PEER.c.node).where(sa.func.abs(PEER.c.clock_offset_s) > CLOCK_OFF_S)
    doubled = {name for name, _, _ in neighbour.doubles(tx, read_place(tx))}
    nodes = doubled.union(*(tx.scalars(query) for query in (held, closed, clocks)))
    return {str(division_of(NodeId(node))) for node in nodes}


def enrolled_divisions(tx: sa.Connection) -> set[str]:
    """Divisions with a node that has a certificate, the city itself included."""
    query = sa.select(KEY.c.node).where(KEY.c.record_id.startswith("node/")).distinct()
    return {str(division_of(NodeId(node))) for node in tx.scalars(query)}


def is_unpaid(case: Case) -> bool:
    """Whether a case was decided or closed and its fee is not what was billed."""
    return (case.state in DECIDED or case.state in CLOSED) and case.bill_fen != case.paid_fen


def day_of(instant: datetime) -> date:
    """The China date."""
    return instant.astimezone(CHINA).date()


def _counts(whole: Day) -> Counts:
    here = whole.claimed.get(Side.CITY, frozenset())
    parts: Counter[str] = Counter()
    for case in whole.cases.values():
        parts[
            place_in_counts(
                case.state, was_accepted=case.accepted_at is not None, is_held=case.hold is not None
            )
        ] += 1
    # What is here and has rotted waits for people like what is on hold.
    parts["held"] += len(here) - len(whole.cases)
    township = whole.claimed.get(Side.TOWNSHIP, frozenset())
    village = whole.claimed.get(Side.VILLAGE, frozenset())
    if whole.sides[0] is Side.CITY:
        taken_in = forwarded = len(here)
    elif whole.sides[0] is Side.TOWNSHIP:
        taken_in = forwarded = len(township)
    else:
        taken_in, forwarded = len(village), len(township)
    return Counts(
        taken_in=taken_in,
        forwarded=forwarded,
        exempt=len(whole.exempt),
        received=len(here),
        billed_fen=sum(case.bill_fen for case in whole.cases.values()),
        paid_fen=sum(case.paid_fen for case in whole.cases.values()),
        **parts,
    )
