"""Telling the city this node's own figures: once a day, and when they changed, but not too often."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Protocol, Self

import sqlalchemy as sa

from core.canonical import canonical_json
from core.carriage import Figures
from core.case import Case
from core.clock import CHINA, World
from core.errors import PeerError
from core.identifiers import CaseId, NodeId, case_id_parts, city_of, division_of, new_id
from core.shape import to_plain
from core.sheet import is_clock_off
from core.sheet_report import (
    CASES_MAX,
    RESEND_ASKED,
    SCHEMA,
    SETS_MAX,
    SHEET_REPORTED,
    DaySet,
    SheetReport,
    day_set,
    decode_asked,
    digest_of,
    encode_report,
)
from core.store.casebook import CASE, region_of
from core.store.casework import Post
from core.store.engine import METADATA, Database
from core.store.office import Office, Take

EVERY_S = 600
LOOK_EVERY_S = 20.0

SHEET_DAY = sa.Table(
    "sheet_day",
    METADATA,
    sa.Column("origin", sa.String(16), primary_key=True),
    sa.Column("day", sa.String(8), primary_key=True),
    sa.Column("said", sa.String(16)),
    sa.Column("due", sa.Boolean, nullable=False),
    comment="the cases of each device and day: digest of the numbers as last told to the city, null = to be told anew; "
    "due = a case of that day was written since",
)
sa.Index("ix_sheet_day_due", SHEET_DAY.c.due, SHEET_DAY.c.day)

SHEET_SAID = sa.Table(
    "sheet_said",
    METADATA,
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("day", sa.String(8), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("asked", sa.Boolean, nullable=False, server_default=sa.false()),
    comment="the last report of each epoch: its number, China date, digest of what counts as a change; asked = the city "
    "wants a fresh one",
)


class Carrying(Protocol):
    """What a node says of its carrying, and the envelopes it can offer once more."""

    def figures(self, tx: sa.Connection) -> Figures: ...
    def offer_again(self, tx: sa.Connection, subjects: Iterable[str]) -> int: ...


class Carrier(Protocol):
    """How reports leave the node and questions reach it."""

    @property
    def world(self) -> World: ...
    @property
    def post(self) -> Post: ...
    def serve(self, handlers: dict[str, tuple[Take, int]]) -> None: ...


class ReportingOffice(Office):
    """An office of a village or a township, whose ``reporter`` tells the city its figures."""

    reporter: "Reporter"


class Reporter:
    """Of a village or a township. ``drafts`` counts what is still being written."""

    def __init__(
        self,
        node: NodeId,
        office: Office,
        world: World,
        post: Post,
        carrying: Carrying,
        *,
        every_s: float = EVERY_S,
        drafts: Callable[[sa.Connection], int] = lambda tx: 0,
    ) -> None:
        self._node, self._office, self._world = node, office, world
        self._post, self._carrying, self._drafts = post, carrying, drafts
        self._every_s = every_s
        self._looked_s: float | None = None
        self._said_s: float | None = None
        office.casebook.watchers.append(self.notice)

    @classmethod
    def join(cls, node: NodeId, carrier: Carrier, office: Office, carrying: Carrying, **given: Any) -> Self:
        """A reporter whose reports leave by ``carrier``, and who hears the city's questions."""
        reporter = cls(node, office, carrier.world, carrier.post, carrying, **given)
        carrier.serve({RESEND_ASKED: (reporter.take_asked, SCHEMA)})
        return reporter

    def notice(self, tx: sa.Connection, case: Case) -> None:
        """A case was written: its day is looked at before the next report."""
        parts = case_id_parts(case.id)
        _due(tx, parts.node, f"{parts.day:%Y%m%d}")

    def beat(self, db: Database) -> bool:
        """Called every few seconds while the node runs; true if a report was recorded."""
        now_s = self._world.monotonic_s()
        if self._looked_s is not None and now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        if self._said_s is not None and now_s - self._said_s < self._every_s:
            return False
        with db.transaction() as tx:
            return self.report(tx) is not None

    def report(self, tx: sa.Connection) -> SheetReport | None:
        """Record a report if the figures changed, a day has passed or the city asked; None if nothing is due."""
        figures = self._carrying.figures(tx)
        last = tx.execute(sa.select(SHEET_SAID).where(SHEET_SAID.c.epoch == figures.epoch)).one_or_none()
        if last is None:
            self._begin(tx, figures.epoch)
        changed, more = self._due_sets(tx)
        today = f"{self._world.now().astimezone(CHINA):%Y%m%d}"
        digest = self._digest(figures)
        is_due = last is None or last.asked or last.day != today or last.digest != digest
        if not (is_due or changed or more):
            return None
        report = SheetReport(
            node=self._node,
            number=1 if last is None else last.number + 1,
            at=self._world.now(),
            figures=figures,
            catalogue=self._office.shelf.version,
            calendar=self._office.shelf.calendar.version,
            drafts=self._drafts(tx),
            sets=tuple(changed),
            more=more,
        )
        self._say(tx, report, today, digest)
        return report

    def take_asked(self, tx: sa.Connection, origin: NodeId, subject: str, data: bytes) -> None:
        """The city asks: report anew at once, every day that the named cases fall on included, and offer their
        envelopes once more. Raises ``PeerError`` (``sheet.stranger``), ``InputError``.
        """
        if origin != self._city:
            raise PeerError(
                "sheet.stranger",
                zh=f"{origin} 不是市级节点，它的补报要求未采用。请报告市级管理员。",
                en=f"{origin} is not the city; its request for a report was not followed. Tell the city's administrator.",
            )
        asked = decode_asked(data)
        for case in asked.cases:
            parts = case_id_parts(case)
            _due(tx, parts.node, f"{parts.day:%Y%m%d}", anew=True)
        self._carrying.offer_again(tx, asked.cases)
        tx.execute(sa.update(SHEET_SAID).values(asked=True))
        # Said at the next beat, however short ago the last report was.
        self._said_s = self._looked_s = None

    @property
    def _city(self) -> NodeId:
        return NodeId(city_of(division_of(self._node)))

    def _begin(self, tx: sa.Connection, epoch: str) -> None:
        """A new epoch says every day anew: what was said before may be more than this disk remembers."""
        tx.execute(sa.update(SHEET_DAY).values(said=None, due=True))
        parts = (case_id_parts(CaseId(case)) for case in tx.scalars(sa.select(CASE.c.id)))
        for node, day in sorted({(one.node, f"{one.day:%Y%m%d}") for one in parts}):
            _due(tx, node, day)
        tx.execute(sa.insert(SHEET_SAID).values(epoch=epoch, number=0, day="", digest=""))

    def _due_sets(self, tx: sa.Connection) -> tuple[list[DaySet], bool]:
        """Sets that are not what was last told, the newest day first; and whether others wait to be looked at."""
        query = (
            sa.select(SHEET_DAY)
            .where(SHEET_DAY.c.due)
            .order_by(SHEET_DAY.c.day.desc(), SHEET_DAY.c.origin)
            .limit(SETS_MAX + 1)
        )
        rows = tx.execute(query).all()
        found: list[DaySet] = []
        cases = looked_at = 0
        for row in rows[:SETS_MAX]:
            one = cases_of(tx, NodeId(row.origin), row.day)
            cases += len(one.counters)
            if cases > CASES_MAX and looked_at:
                break
            looked_at += 1
            if digest_of(one.cases()) == row.said:
                _told(tx, one)
            else:
                found.append(one)
        return found, looked_at < len(rows)

    def _digest(self, figures: Figures) -> str:
        """What counts as a change: not the queue and the heads, which every report itself moves."""
        what = [
            figures.epoch,
            figures.software,
            to_plain(figures.troubles),
            sorted(one.node for one in figures.neighbours if is_clock_off(one.clock_offset_s)),
            self._office.shelf.version,
            self._office.shelf.calendar.version,
        ]
        return sha256(canonical_json(what)).hexdigest()

    def _say(self, tx: sa.Connection, report: SheetReport, today: str, digest: str) -> None:
        for one in report.sets:
            _told(tx, one)
        where_epoch = SHEET_SAID.c.epoch == report.figures.epoch
        values = {"number": report.number, "day": today, "digest": digest, "asked": False}
        tx.execute(sa.update(SHEET_SAID).where(where_epoch).values(**values))
        self._post(
            tx,
            readers=[self._city],
            lane="control",
            message_id=new_id(self._world),
            type_=SHEET_REPORTED,
            schema=SCHEMA,
            subject="",
            body=encode_report(report),
        )
        self._said_s = self._world.monotonic_s()


def cases_of(tx: sa.Connection, origin: NodeId, day: str) -> DaySet:
    """The cases of a device and day as they stand in the book of cases here."""
    division = division_of(origin)
    low = f"{division}{day}"
    query = sa.select(CASE.c.id, CASE.c.entry).where(
        CASE.c.region == region_of(CaseId(low)), CASE.c.id >= low, CASE.c.id < f"{low}:"
    )
    rows = [(CaseId(row.id), row.entry is None) for row in tx.execute(query)]
    return day_set(origin, day, [one for one in rows if case_id_parts(one[0]).node == origin])


def _told(tx: sa.Connection, one: DaySet) -> None:
    where = (SHEET_DAY.c.origin == one.origin) & (SHEET_DAY.c.day == one.day)
    tx.execute(sa.update(SHEET_DAY).where(where).values(said=digest_of(one.cases()), due=False))


def _due(tx: sa.Connection, origin: NodeId, day: str, *, anew: bool = False) -> None:
    where = (SHEET_DAY.c.origin == origin) & (SHEET_DAY.c.day == day)
    values: dict[str, Any] = {"due": True, "said": None} if anew else {"due": True}
    if tx.execute(sa.update(SHEET_DAY).where(where).values(**values)).rowcount == 0:
        tx.execute(sa.insert(SHEET_DAY).values(origin=origin, day=day, **values))
