"""Fills a city node with five years of cases, a working day a transaction; what is there already is not made again."""

import multiprocessing
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import accumulate

import sqlalchemy as sa

from bench.city.copying import copy
from bench.city.histories import Town
from bench.city.house import Where, hire, open_house
from bench.city.rows import DayRows, Row, rows_of
from bench.city.years import DayPlan, plan
from city_node.app import City
from core.calendar import load_calendar
from core.canonical import canonical_json
from core.catalogue import load_catalogue
from core.regions import load_yuanjiang
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.engine import Database
from core.store.summary import CASE_SUMMARY
from sync import audit
from sync.tables import AUDIT

WORKERS = 2
NICENESS = 10
SAY_EVERY_S = 5.0


def load(places: Sequence[Where], cases: int, seed: int) -> None:
    """Bring every place to ``cases`` accepted cases, each made once for all places that lack it."""
    town = _town(seed)
    days = plan(town.calendar, cases, seed)
    # Whoever else works on this machine goes first.
    os.nice(max(0, NICENESS - os.nice(0)))
    houses = [open_house(where) for where in places]
    try:
        for house in houses:
            hire(house, town)
        _copy_to_empty(houses, days)
        _fill(places, houses, days, seed)
        for where, house in zip(places, houses, strict=True):
            _catch_up(where, house)
            _settle(house.installation.db)
    finally:
        for house in houses:
            house.installation.close()


def _copy_to_empty(houses: Sequence[City], days: Sequence[DayPlan]) -> None:
    """Of nodes with the whole load and nodes with nothing, the second get theirs from the first."""
    reached = [_reached(house.installation.db, days) for house in houses]
    if len(days) in reached:
        source = houses[reached.index(len(days))]
        for house, has in zip(houses, reached, strict=True):
            if house is not source and has in (0, len(days)):
                copy(source, house)


def _fill(places: Sequence[Where], houses: Sequence[City], days: Sequence[DayPlan], seed: int) -> None:
    reached = [_reached(house.installation.db, days) for house in houses]
    whole = sum(_size(day) for day in days)
    started, said = time.monotonic(), 0.0
    first = min(reached)
    there = done = sum(_size(day) for day in days[:first])
    writers = [_Writer(house) for house in houses]
    for number, made in enumerate(_made(seed, days[first:]), first):
        for writer, has in zip(writers, reached, strict=True):
            if number >= has:
                writer.write(made)
        done += len(made.cases)
        now = time.monotonic()
        if now - said > SAY_EVERY_S or done == whole:
            said = now
            speed = (done - there) / (now - started)
            left_s = (whole - done) / speed
            print(
                f"\r{days[number].day}  {done} / {whole} cases  {speed:.0f}/s  {left_s:.0f} s left   ",
                end="",
                file=sys.stderr,
                flush=True,
            )
    spent_s = time.monotonic() - started
    names = ", ".join(where.name for where in places)
    print(
        f"\n{names}: {done - there} cases made and written in {spent_s:.0f} s, {there} were there", flush=True
    )


def _made(seed: int, days: Sequence[DayPlan]) -> Iterator[DayRows]:
    """The rows of the days, in order, made by processes of their own."""
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        yield from pool.imap(partial(_rows_of_seed, seed), days)


def _rows_of_seed(seed: int, planned: DayPlan) -> DayRows:
    return rows_of(_town(seed), planned)


@cache
def _town(seed: int) -> Town:
    return Town.make(load_calendar(), load_catalogue(), load_yuanjiang(), seed)


def _size(day: DayPlan) -> int:
    return day.accepted + day.turned_away + day.waiting


def _reached(db: Database, days: Sequence[DayPlan]) -> int:
    """How many days are in the books. Raises ``SystemExit`` if what is there is not the beginning of this load."""
    with db.reading() as tx:
        count = tx.scalar(sa.select(sa.func.count()).select_from(CASE)) or 0
    sums = [0, *accumulate(_size(day) for day in days)]
    at = bisect_left(sums, count)
    if at == len(sums) or sums[at] != count:
        raise SystemExit(
            f"the database holds {count} cases that are not of this load (other --cases or --seed?)"
        )
    return at


class _Writer:
    """Writes the rows of days into one node's books."""

    def __init__(self, house: City) -> None:
        self.db = house.installation.db
        with self.db.reading() as tx:
            self.buckets = set(tx.scalars(sa.select(CASE_SUMMARY.c.bucket)))

    def write(self, made: DayRows) -> None:
        with self.db.transaction() as tx:
            tx.execute(sa.insert(CASE), made.cases)
            tx.execute(sa.insert(CASE_MESSAGE), made.messages)
            # Empty lines: the months are counted at the first contact, as after any change.
            if fresh := made.buckets - self.buckets:
                tx.execute(sa.insert(CASE_SUMMARY), [{"bucket": bucket} for bucket in sorted(fresh)])
            if lines := _chained(tx, made.lines):
                tx.execute(sa.insert(AUDIT), lines)
        self.buckets |= fresh


def _chained(tx: sa.Connection, lines: Sequence[Row]) -> list[Row]:
    number, previous = audit.head(tx)
    chained = []
    for line in lines:
        number += 1
        text = canonical_json(line["detail"]).decode()
        digest = audit.digest_of(
            number, line["at"], line["actor"], line["action"], line["subject"], text, previous
        )
        chained.append(line | {"number": number, "detail": text, "previous": previous, "digest": digest})
        previous = digest
    return chained


def _catch_up(where: Where, house: City) -> None:
    """The ledger and the supervision take up what they have not seen, as they do at every start of a node."""
    db, office = house.installation.db, house.office
    started, entered = time.monotonic(), 0
    while more := office.ledger.catch_up(db):
        entered += more
        _say(f"{where.name}: {entered} lines of the ledger", started)
    print(f"\n{where.name}: {entered} lines of the ledger in {time.monotonic() - started:.0f} s", flush=True)
    started, looked_at, cards = time.monotonic(), 0, 0
    while True:
        swept = office.supervisor.catch_up(db)
        looked_at, cards = looked_at + swept.looked_at, cards + swept.issued
        _say(f"{where.name}: {looked_at} subjects, {cards} cards", started)
        if not swept.more:
            break
    spent_s = time.monotonic() - started
    print(f"\n{where.name}: {looked_at} subjects looked at, {cards} cards in {spent_s:.0f} s", flush=True)


def _settle(db: Database) -> None:
    """What a database does for itself in quiet hours: tell its planner how the tables look."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE")


def _say(text: str, started: float) -> None:
    print(f"\r{text}  {time.monotonic() - started:.0f} s   ", end="", file=sys.stderr, flush=True)
