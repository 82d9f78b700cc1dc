"""Gives a second node the same books: row by row from one that has them, table by table, each whole or not at all."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from bench.city.rows import Row
from city_node.app import City
from city_node.ledgers.book import LEDGER
from city_node.supervision.tables import CARD, CARD_STEP, WATCH
from core.store.casebook import CASE, CASE_MESSAGE
from core.store.summary import CASE_SUMMARY
from sync import audit
from sync.tables import AUDIT

PAGE = 2_000
_TABLES = (CASE, CASE_MESSAGE, CASE_SUMMARY, LEDGER, WATCH, CARD, CARD_STEP)


def copy(source: City, target: City) -> None:
    """Every table that is empty at ``target``; and the lines of the log about cases, chained to the log there."""
    for table in _TABLES:
        started = time.monotonic()
        with source.installation.db.reading() as there, target.installation.db.transaction() as here:
            if here.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
                continue
            count = 0
            for page in _pages(there, sa.select(table)):
                here.execute(sa.insert(table), page)
                count += len(page)
                _say(f"{table.name}: {count}", started)
        print(f"\n{table.name}: {count} rows copied in {time.monotonic() - started:.0f} s", flush=True)
    _copy_log(source, target)


def _copy_log(source: City, target: City) -> None:
    started, about = time.monotonic(), AUDIT.c.action.startswith("case.", autoescape=True)
    with source.installation.db.reading() as there, target.installation.db.transaction() as here:
        if here.execute(sa.select(AUDIT.c.number).where(about).limit(1)).first() is not None:
            return
        number, previous = audit.head(here)
        for page in _pages(there, sa.select(AUDIT).where(about).order_by(AUDIT.c.number)):
            for line in page:
                number += 1
                told = (line["at"], line["actor"], line["action"], line["subject"], line["detail"])
                digest = audit.digest_of(number, *told, previous)
                line.update(number=number, previous=previous, digest=digest)
                previous = digest
            here.execute(sa.insert(AUDIT), page)
            _say(f"audit: {number}", started)
    print(f"\naudit: {number} lines in {time.monotonic() - started:.0f} s", flush=True)


def _pages(tx: sa.Connection, query: "sa.Select[Any]") -> Iterator[list[Row]]:
    found = tx.execute(query, execution_options={"yield_per": PAGE})
    for page in found.mappings().partitions(PAGE):
        yield [dict(row) for row in page]


def _say(text: str, started: float) -> None:
    print(f"\r{text}  {time.monotonic() - started:.0f} s   ", end="", file=sys.stderr, flush=True)
