"""How much two neighbours say to find what differs among 250,000 cases: round trips, bytes, seconds.

The one that asks holds its cases in memory, the other in a database with the summary by months; seconds are those of the
database's side, beside the time to read and hash every entry once, which is what a contact would cost without.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from core.clock import iso
from core.identifiers import NodeId, case_id
from core.store.casebook import CASE, region_of
from core.store.engine import METADATA, Database, open_sqlite
from core.store.shares import ShareIndex
from core.store.summary import CASE_SUMMARY, entry_key
from core.tally import Entry, tally
from sync.environment import SystemWorld
from sync.reconcile import answer, digest_of, open_question
from tests.unit.memory_index import MemoryIndex

TOWN = "430981102"
BATCH = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=250_000)
    parser.add_argument("--differences", type=int, nargs="*", default=[0, 1, 10, 1_000])
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    print(f"seed {given.seed}, {given.cases} cases")
    with tempfile.TemporaryDirectory() as folder:
        db = open_sqlite(Path(folder) / "town.db")
        METADATA.create_all(db.engine)
        held = _fill(db, given.cases, chance)
        started = time.perf_counter()
        tally(Entry(key, digest) for key, digest in held.items())
        hashed_s = time.perf_counter() - started
        with db.transaction() as tx:
            started = time.perf_counter()
            ShareIndex(tx, TOWN)
            first_s = time.perf_counter() - started
        print(
            f"hash every entry in memory {hashed_s:.2f} s; count every month for the first time {first_s:.2f} s"
        )
        print(f"{'differences':>11} {'round trips':>11} {'bytes':>9} {'seconds':>8} {'digest s':>8}")
        for count in given.differences:
            _round(db, held, count, chance)
        db.close()


def _fill(db: Database, count: int, chance: random.Random) -> dict[str, bytes]:
    """``count`` case rows of 14 villages over three years, with the summary left to be counted."""
    now = SystemWorld().now()
    held: dict[str, bytes] = {}
    rows = []
    while len(held) < count:
        node = NodeId(f"{TOWN}2{chance.randrange(14):02d}")
        day = now.date().replace(
            year=chance.randrange(2024, 2027), month=chance.randrange(1, 13), day=chance.randrange(1, 29)
        )
        id_ = case_id(node, day, chance.randrange(1, 1000))
        key = entry_key(node, id_)
        if key in held:
            continue
        held[key] = chance.randbytes(32)
        rows.append(_row(node, id_, key, held[key], iso(now)))
    with db.transaction() as tx:
        for at in range(0, len(rows), BATCH):
            tx.execute(sa.insert(CASE), rows[at : at + BATCH])
        tx.execute(
            sa.insert(CASE_SUMMARY), [{"bucket": bucket} for bucket in sorted({key[:19] for key in held})]
        )
    return held


def _row(node: NodeId, id_: str, key: str, digest: bytes, at: str) -> dict[str, object]:
    return {
        "region": region_of(id_),  # type: ignore[arg-type]
        "id": id_,
        "item": "x",
        "origin": node,
        "state": "SUBMITTED",
        "department": "",
        "version": "0" * 32,
        "submitted_at": at,
        "moved_at": at,
        "digest": digest.hex(),
        "data": b"{}",
        "entry": key,
    }


def _round(db: Database, held: dict[str, bytes], count: int, chance: random.Random) -> None:
    other = dict(held)
    for key in chance.sample(sorted(held), count):
        other[key] = chance.randbytes(32)
    asking = MemoryIndex(other)
    size = turns = found = 0
    spent_s = 0.0
    message: bytes | None = open_question(asking)
    with db.transaction() as tx:
        started = time.perf_counter()
        digest_of(ShareIndex(tx, TOWN))
        digest_s = time.perf_counter() - started
    while message is not None:
        size += len(message)
        turns += 1
        with db.transaction() as tx:
            started = time.perf_counter()
            # Each contact reads the summary anew, as a node does.
            message, differences = answer(ShareIndex(tx, TOWN), message)
            spent_s += time.perf_counter() - started
        found += len(differences)
        if message is not None:
            size += len(message)
            message, _ = answer(asking, message)
    if found < count:
        raise SystemExit(f"only {found} of {count} differences were found")
    print(f"{count:>11} {turns:>11} {size:>9} {spent_s:>8.3f} {digest_s:>8.3f}")


if __name__ == "__main__":
    main()
