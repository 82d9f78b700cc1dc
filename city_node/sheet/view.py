"""The sheet as people see it: every division of a day with its verdict, sums of townships, and the city's own troubles."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from city_node.sheet.bookkeeper import day_of, enrolled_divisions
from city_node.sheet.gather import told_on
from city_node.sheet.lines import Drawn, lines_of
from city_node.sheet.rhythm import rhythms
from city_node.sheet.tables import DIFFERENCE, REPORT
from core.canonical import parse_json
from core.clock import World, from_iso
from core.identifiers import DivisionCode, NodeId, Tier, parent_of, tier_of, township_of
from core.regions import load_yuanjiang
from core.sheet import Cause, Counts, Line, Side, Verdict, is_reported, verdict, worst
from core.store.casebook import Casebook
from sync import damage, neighbour, repair
from sync.held import count_messages
from sync.identity import read_place
from sync.tables import STREAM


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, or the sum of several: ``lines`` of how many. ``open`` counts differences by cause."""

    division: str
    verdict: Verdict
    counts: Counts
    digests: Mapping[str, str]
    open: Mapping[Cause, int]
    accepted: int
    unconfirmed: int
    lines: int = 1

    @property
    def differences(self) -> int:
        return sum(self.open.values())


@dataclass(frozen=True, slots=True)
class Troubles:
    """What keeps a city from being level whatever the day: here, and as the nodes told."""

    quarantined: int = 0
    held: int = 0
    waiting: int = 0
    damaged: int = 0
    differences: int = 0
    told: int = 0
    """Nodes that told of troubles of their own."""

    def verdicts(self) -> list[Verdict]:
        found = [Verdict.QUARANTINED] if self.quarantined else []
        found += [Verdict.HELD] if self.held or self.waiting else []
        return found + ([Verdict.UNKNOWN] if self.damaged or self.differences or self.told else [])


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of the whole city; ``entries`` are its single lines by division."""

    day: str
    entries: Mapping[str, Entry]
    troubles: Troubles

    def township(self, code: str) -> Entry:
        """A township with its villages."""
        keep = code[:9]
        return total(code, [one for one in self.entries.values() if one.division.startswith(keep)])

    def city(self, code: str) -> Entry:
        """Everything; never level while anything anywhere is set aside, held, damaged or untold."""
        whole = total(code, self.entries.values())
        return Entry(
            code,
            worst([whole.verdict, *self.troubles.verdicts()]),
            whole.counts,
            whole.digests,
            whole.open,
            whole.accepted,
            whole.unconfirmed,
            whole.lines,
        )


def total(code: str, entries: Iterable[Entry]) -> Entry:
    """The sum of several lines; it is as bad as the worst of them."""
    several = list(entries)
    causes: Counter[Cause] = Counter()
    counts = Counts()
    for one in several:
        causes.update(one.open)
        counts += one.counts
    return Entry(
        code,
        worst(one.verdict for one in several),
        counts,
        {},
        causes,
        sum(one.accepted for one in several),
        sum(one.unconfirmed for one in several),
        sum(one.verdict is not Verdict.ABSENT for one in several),
    )


def view_of(tx: sa.Connection, world: World, casebook: Casebook, day: str, prefix: str = "") -> DayView:
    """The day as it stands; ``prefix`` limits it to a township or village (its troubles are the city's all the same)."""
    divisions = load_yuanjiang()
    drawn = lines_of(tx, day, prefix)
    codes = {one.code for one in (divisions.city, *divisions.townships(), *divisions.villages())}
    codes = {code for code in {*codes, *map(DivisionCode, drawn)} if code.startswith(prefix)}
    told, unwell = _told_on(tx)
    enrolled = enrolled_divisions(tx)
    now = world.now()
    silent = {node for node, rhythm in rhythms(tx).items() if rhythm.is_silent(now)}
    open_ones, accepted = _differences(tx, day)
    which = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    entries: dict[str, Entry] = {}
    for code in sorted(codes):
        line: Drawn | None = drawn.get(code)
        tellers = _tellers(code)
        reported = all(is_reported(which, told.get(node), day_of(now)) for node in tellers)
        counts = line.counts if line else Counts()
        causes = open_ones.get(code, Counter())
        judged = Line(
            causes=frozenset(causes),
            has_accepted=bool(accepted.get(code)),
            unconfirmed=line.unconfirmed if line else 0,
            is_reported=reported,
            # Whoever told of the whole day may be quiet since.
            is_silent=not reported and any(node in silent for node in tellers),
            is_enrolled=code in enrolled,
            counts=counts,
        )
        entries[code] = Entry(
            code,
            verdict(judged),
            counts,
            line.digests if line else {},
            causes,
            accepted.get(code, 0),
            judged.unconfirmed,
        )
    return DayView(day, entries, _troubles(tx, casebook, unwell))


def sides_of(code: str) -> tuple[Side, ...]:
    """Whose books a line has."""
    tier = tier_of(DivisionCode(code))
    return tuple(Side)[{Tier.VILLAGE: 0, Tier.TOWNSHIP: 1, Tier.CITY: 2}[tier] :]


def parent(code: str) -> str:
    """The page above."""
    return str(parent_of(DivisionCode(code)))


def _tellers(code: str) -> list[str]:
    division = DivisionCode(code)
    tier = tier_of(division)
    if tier is Tier.CITY:
        return []
    return [str(division)] if tier is Tier.TOWNSHIP else [str(division), str(township_of(division))]


def _told_on(tx: sa.Connection) -> tuple[dict[str, date], int]:
    """The China date of each node's newest report, by the earlier of both clocks; and how many told of troubles."""
    found: dict[str, date] = {}
    unwell = set()
    for row in tx.execute(sa.select(REPORT).order_by(REPORT.c.received_at)).all():
        if not neighbour.is_current(tx, NodeId(row.node), row.epoch):
            continue
        found[row.node] = told_on(from_iso(row.at), from_iso(row.received_at))
        troubles = parse_json(row.body.encode())["figures"]["troubles"]
        is_unwell = any(value for value in troubles.values())
        unwell.add(row.node) if is_unwell else unwell.discard(row.node)
    return found, len(unwell)


def _differences(tx: sa.Connection, day: str) -> tuple[dict[str, Counter[Cause]], dict[str, int]]:
    query = (
        sa.select(DIFFERENCE.c.division, DIFFERENCE.c.cause, DIFFERENCE.c.status, sa.func.count())
        .where(DIFFERENCE.c.day == day, DIFFERENCE.c.status != "level")
        .group_by(DIFFERENCE.c.division, DIFFERENCE.c.cause, DIFFERENCE.c.status)
    )
    open_ones: dict[str, Counter[Cause]] = {}
    accepted: dict[str, int] = {}
    for division, cause, status, count in tx.execute(query):
        if status == "accepted":
            accepted[division] = accepted.get(division, 0) + count
        else:
            open_ones.setdefault(division, Counter())[Cause(cause)] += count
    return open_ones, accepted


def _troubles(tx: sa.Connection, casebook: Casebook, unwell: int) -> Troubles:
    streams = sa.select(sa.func.count()).select_from(STREAM).where(STREAM.c.hold.is_not(None))
    doubles = neighbour.doubles(tx, read_place(tx))
    return Troubles(
        quarantined=count_messages(tx),
        held=int(tx.scalar(streams) or 0) + len(doubles),
        waiting=len(casebook.attention(tx)),
        damaged=damage.count(tx),
        differences=repair.counts(tx)["open"],
        told=unwell,
    )
