"""The set of shared cases in the database is the same set as in memory, whatever was written, lost or asked."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.identifiers import CaseId, NodeId
from core.store.casebook import CASE, region_of
from core.store.engine import Database
from core.store.shares import ShareIndex, share_of
from core.store.summary import CASE_SUMMARY, case_of_entry, entry_key, mark_stale
from core.tally import END, START
from sync.reconcile import digest_of
from tests.unit.empty_store import empty_store
from tests.unit.memory_index import MemoryIndex

TOWN, CITY = NodeId("430981102000"), NodeId("430981000000")
VILLAGE, SECOND = NodeId("430981102201"), NodeId("430981102201-2")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = empty_store(tmp_path / "node.db")
    yield opened
    opened.close()


def _write(tx: sa.Connection, origin: NodeId, id_: str, digest: bytes) -> str:
    key = entry_key(origin, CaseId(id_))
    blank = dict.fromkeys(("item", "state", "department", "version", "submitted_at", "moved_at"), "x")
    values = {**blank, "origin": origin, "digest": digest.hex(), "data": b"{}", "entry": key}
    tx.execute(sa.insert(CASE).values(region=region_of(CaseId(id_)), id=id_, **values))
    mark_stale(tx, key)
    return key


def _fill(tx: sa.Connection, chance: random.Random, count: int) -> dict[str, bytes]:
    held = {}
    for number in range(count):
        origin = chance.choice([VILLAGE, SECOND, NodeId("430981102299"), TOWN, NodeId("430981105201")])
        day = f"2026{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
        digest = chance.randbytes(32)
        held[_write(tx, origin, f"{origin[:12]}{day}{number:05d}0", digest)] = digest
    return held


def _bounds(held: dict[str, bytes], chance: random.Random) -> list[str]:
    keys = chance.sample(sorted(held), 12)
    cut = [key[: chance.randrange(1, 27)] for key in keys]
    odd = [key[:20] + chance.choice("!~:/az") + "9" for key in keys]
    return [START, END, "4", "9", "99!", "~", *keys, *cut, *odd]


def test_every_question_about_a_share_is_answered_as_if_the_share_were_in_memory(db: Database) -> None:
    seed = 20150101
    print(f"seed {seed}")
    chance = random.Random(seed)
    with db.transaction() as tx:
        held = _fill(tx, chance, 400)
        for share in ("430981102", "4309811022011", "4309811022012", "4309811022991", "430981107"):
            index = ShareIndex(tx, share)
            memory = MemoryIndex({key: digest for key, digest in held.items() if key.startswith(share)})
            assert digest_of(index) == digest_of(memory)
            bounds = _bounds(held, chance)
            for low, high in zip(bounds, chance.sample(bounds, len(bounds)), strict=True):
                assert index.count_and_sum(low, high) == memory.count_and_sum(low, high), (low, high)
                assert index.entries(low, high, 7) == memory.entries(low, high, 7)
                cuts = index.split(low, high, 5)
                assert cuts == sorted(set(cuts))
                if memory.count_and_sum(low, high).count > 1:
                    assert cuts
                ends = [low, *cuts, high] if cuts else []
                parts = [memory.count_and_sum(a, b).count for a, b in pairwise(ends)]
                assert not parts or max(parts) - min(parts) <= 1, (low, high)


def test_a_summary_follows_what_is_written_and_what_is_taken_out_by_hand(db: Database) -> None:
    chance = random.Random(7)
    with db.transaction() as tx:
        held = _fill(tx, chance, 60)
        ShareIndex(tx, "430981102")
        key = min(key for key in held if key.startswith("430981102"))
        # As many rows as before: only the mark that writing leaves can tell.
        held[key] = bytes(32)
        tx.execute(sa.update(CASE).where(CASE.c.entry == key).values(digest=bytes(32).hex()))
        mark_stale(tx, key)
        shared = {key: digest for key, digest in held.items() if key.startswith("430981102")}
        assert digest_of(ShareIndex(tx, "430981102")) == digest_of(MemoryIndex(shared))
        for change in (
            sa.delete(CASE).where(CASE.c.entry == key),
            sa.delete(CASE_SUMMARY).where(CASE_SUMMARY.c.bucket == key[:19]),
        ):
            tx.execute(change)
            held.pop(key, None)
            shared = {key: digest for key, digest in held.items() if key.startswith("430981102")}
            assert digest_of(ShareIndex(tx, "430981102")) == digest_of(MemoryIndex(shared))


def test_the_share_of_two_neighbours_is_that_of_the_lower_one_on_both_sides() -> None:
    expected = {
        (VILLAGE, TOWN): "4309811022011",
        (SECOND, TOWN): "4309811022012",
        (TOWN, CITY): "430981102",
        (NodeId(TOWN + "-2"), CITY): "4309811020002",
    }
    assert {pair: share_of(*pair) for pair in expected} == expected
    assert {pair: share_of(*pair[::-1]) for pair in expected} == expected


def test_a_key_holds_its_case_number_and_keeps_two_devices_of_one_village_apart() -> None:
    id_ = CaseId("43098110220120260302000015")
    assert case_of_entry(entry_key(VILLAGE, id_)) == case_of_entry(entry_key(SECOND, id_)) == id_
    assert entry_key(VILLAGE, id_) != entry_key(SECOND, id_)


def test_a_damaged_digest_is_another_digest_and_not_the_end_of_every_contact(db: Database) -> None:
    id_ = "43098110220120260302000015"
    with db.transaction() as tx:
        key = _write(tx, VILLAGE, id_, bytes(32))
        sums = []
        for damage in (bytes(32).hex(), "rot", "00", bytes(33).hex()):
            tx.execute(sa.update(CASE).values(digest=damage))
            mark_stale(tx, key)
            index = ShareIndex(tx, share_of(VILLAGE, TOWN))
            (entry,) = index.entries(START, END, 10)
            assert (entry.key, len(entry.digest)) == (key, 32)
            sums.append(digest_of(index))
    assert len(set(sums)) == 4
