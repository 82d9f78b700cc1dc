"""The power goes at every I/O operation of every deed; disks fail and fill up: whole or none, and nothing told is lost."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import village_agent.intake
from core.errors import LocalError
from core.store.refusals import CommitUnknown
from tests.simulator.books import BOOK_DEEDS
from tests.simulator.cuts import NAMES, cut, fail, fill, operations_of
from tests.simulator.deed import Deed
from tests.simulator.deeds import TRIO_DEEDS, Intake, settled
from tests.simulator.hpke import repeatable_sealing
from tests.simulator.platter import Inode, Operation, Platter
from tests.simulator.trio import VILLAGE
from tests.simulator.vfs import seed_sqlite

Made = Callable[[str], Any]
SEED = "1"
FINISH_EVERY = 50
STRIDE = {
    "intake": 2,
    "seal": 2,
    "take at township": 3,
    "apply": 4,
    "take at city": 7,
    "receipts": 2,
    "forward": 2,
    "publish": 3,
}
"""Applying is the second half of taking over, and the city takes over by the same code as the township. Here a deed is
cut at every n-th operation; ``python -m tests.simulator cuts`` leaves none out."""
FULL_STEP_BYTES = 12_000
TRIO_KINDS, BOOK_KINDS = {kind.name: kind for kind in TRIO_DEEDS}, {kind.name: kind for kind in BOOK_DEEDS}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The deed of a name, prepared on machines that are put back to the same moment for each."""
    with repeatable_sealing():
        seed_sqlite(1)
        trio, base = settled(tmp_path_factory.mktemp("cuts") / "trio")

        def made(name: str) -> Deed:
            if name in BOOK_KINDS:
                return BOOK_KINDS[name](tmp_path_factory.mktemp("book"))
            return TRIO_KINDS[name](trio, base)

        yield made
        trio.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_power_cut_at_any_operation_leaves_all_of_a_deed_or_nothing(one: Made, name: str) -> None:
    """Scenario 1 and its kin: slip if and only if case; looked up, done again once, everything arrives once."""
    deed = one(name)
    count = operations_of(deed)
    broken = []
    for at in sorted({*range(1, count + 1, STRIDE.get(name, 1)), count}):
        broken += cut(deed, at, SEED, finish=at % FINISH_EVERY == 7 or at == count)
    assert broken == [], f"python -m tests.simulator cuts '{name}'"


def test_a_disk_that_only_pretends_to_sync_is_found_out(one: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the cuts see anything: the same sweep on a disk whose syncs do nothing."""

    def pretend(self: Platter, inode: Inode) -> None:
        self._end(self._begin(Operation.SYNC, inode))

    deed = one("draft")
    monkeypatch.setattr(Platter, "sync", pretend)
    seen: list[str] = []
    for number in range(8):
        deed.put_back(f"pretend {number}")
        said = deed.do()
        deed.reopen()
        seen += deed.look(said)
    assert any("was told as done" in words for words in seen)


@pytest.mark.parametrize("kind", [Operation.SYNC, Operation.WRITE])
def test_a_write_of_unknown_outcome_is_looked_up_and_never_doubled(one: Made, kind: Operation) -> None:
    """Scenario 2: COMMIT gives EIO, then ``kill -9``: the row may be back. The agent looks, and enters it once."""
    deed = one("intake")
    operations_of(deed)
    count = deed.platter.faults.counts[kind]
    told: set[str] = set()
    broken = []
    for nth in range(1, count + 1, 1 if kind is Operation.SYNC else 19):
        finish = nth % 8 == 0 or nth == count
        broken += fail(deed, kind, nth, SEED, finish=finish, power=bool(nth % 2), told=told)
    assert broken == []
    assert "store.commit_unknown" in told


def _commit_in_doubt(deed: Any, seed: str) -> None:
    """The sync of the commit fails while a second program of the machine has the database open."""
    deed.put_back(seed)
    assert deed.site.peep().execute("SELECT count(*) FROM draft").fetchone() == (0,)
    deed.platter.begin_counting()
    deed.platter.faults.failing, deed.platter.faults.fail_at = Operation.SYNC, deed.last_sync
    with pytest.raises(CommitUnknown):
        deed.do()


def _kill_both_programs(deed: Any) -> None:
    deed.trio.disk(VILLAGE).kill_program(deed.site.db)
    deed.reopen(killed=True)


@pytest.fixture
def draft(one: Made) -> Any:
    deed = one("draft")
    operations_of(deed)
    deed.last_sync = deed.platter.faults.counts[Operation.SYNC]
    return deed


def test_after_an_unknown_commit_the_row_is_really_back_sometimes(draft: Any) -> None:
    """Fact 3, that scenario 2 is no empty threat: said as unknown, and found after everything was killed."""
    _commit_in_doubt(draft, SEED)
    with pytest.raises(CommitUnknown), draft.site.db.reading():
        pytest.fail("a database in doubt was read")
    assert not draft.is_done()
    _kill_both_programs(draft)
    assert draft.is_done()


@pytest.mark.parametrize("killed", [True, False], ids=["kill -9", "power cut"])
def test_what_is_looked_up_after_reopening_is_the_truth_from_then_on(draft: Any, killed: bool) -> None:
    """The agent looks, does not find it and enters it on paper: no later crash may bring it back."""
    for number in range(6):
        _commit_in_doubt(draft, f"{SEED}/{number}")
        draft.site.db.reopen()
        seen = draft.is_done()
        if killed:
            _kill_both_programs(draft)
        else:
            draft.reopen()
        assert draft.is_done() == seen


def test_an_intake_on_a_full_disk_is_refused_in_words_and_comes_whole_when_there_is_room(one: Made) -> None:
    """Scenario 6, at every few kilobytes of room: refused is not there, whether killed or cut off."""
    deed = one("intake")
    operations_of(deed)
    need = deed.platter.used - sum(map(len, deed.moment.images[VILLAGE].values()))
    spares = range(0, need, FULL_STEP_BYTES)
    broken = []
    for number, spare in enumerate(spares):
        broken += fill(deed, spare, SEED, finish=number % 16 == 8, power=bool(number % 2))
    assert len(spares) > 5 and broken == []


def test_what_was_taken_in_still_leaves_when_the_disk_takes_nothing_in(
    one: Made,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scenario 6: intake stops while there is still room to send by."""
    deed = one("seal")
    deed.put_back(SEED)
    room = village_agent.intake.FREE_BYTES_MIN - 1
    monkeypatch.setattr(village_agent.intake, "disk_usage", lambda folder: SimpleNamespace(free=room))
    deed.platter.faults.capacity = deed.platter.used + room
    with pytest.raises(LocalError) as refused:
        Intake.take_in(deed)
    assert refused.value.code == "intake.disk_full" and "继续上传" in refused.value.zh
    deed.trio.settle()
    assert deed.trio.verdict() == []


def test_a_disk_that_fills_up_during_an_upgrade_leaves_the_old_version_startable(one: Made) -> None:
    """Scenario 7, at every few kilobytes of room."""
    deed = one("upgrade")
    before = deed.platter.used
    operations_of(deed)
    spares = range(0, deed.platter.used - before, FULL_STEP_BYTES)
    broken = []
    for number, spare in enumerate(spares):
        broken += fill(deed, spare, SEED, finish=number % 4 == 0, power=bool(number % 2))
    assert len(spares) > 5 and broken == []


def test_the_counted_operations_are_the_same_in_every_run(one: Made) -> None:
    """Or a cut at ``n`` would not be the same cut tomorrow."""
    deed = one("forward")
    assert operations_of(deed) == operations_of(deed)


def test_a_cut_by_the_same_seed_leaves_the_same_disk(one: Made) -> None:
    deed = one("forward")
    left = []
    for _ in range(2):
        cut(deed, 20, SEED, finish=False)
        left.append(deed.platter.image())
    assert left[0] == left[1]
