"""Every I/O operation of every deed cut once, failed once, or refused for want of room: run, reopen, look, go on.

Operation ``n`` is under way when the power goes: a write may have reached the platter whole, in part or not at all; a
sync may have brought down any of what it was to bring down.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import LiandongError, LocalError
from core.store.refusals import CommitUnknown
from tests.simulator.books import BOOK_DEEDS
from tests.simulator.deed import Deed
from tests.simulator.deeds import TRIO_DEEDS, settled
from tests.simulator.disk import SimulatedCrash
from tests.simulator.hpke import repeatable_sealing
from tests.simulator.platter import Operation
from tests.simulator.vfs import require_no_defects, seed_sqlite

FULL_TOLD = {"store.full", "store.backup"}
NAMES = tuple(deed.name for deed in (*TRIO_DEEDS, *BOOK_DEEDS))


@dataclass(slots=True)
class CutTally:
    """What was done: cuts by deed, operations each takes, and everything that was wrong."""

    operations: dict[str, int] = field(default_factory=dict)
    cuts: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = [f"{'deed':20}{'operations':>11}{'cuts':>8}{'finished':>10}{'EIO':>7}"]
        for name, count in self.operations.items():
            eio = self.failures[name]
            rows.append(f"{name:20}{count:>11}{self.cuts[name]:>8}{self.finished[name]:>10}{eio:>7}")
        total = sum(self.cuts.values()), sum(self.finished.values()), sum(self.failures.values())
        rows.append(f"{'all':20}{'':>11}{total[0]:>8}{total[1]:>10}{total[2]:>7}")
        return "\n".join([*rows, f"{len(self.broken)} violations", *self.broken[:40]])


@contextmanager
def deeds(names: tuple[str, ...] = NAMES) -> Iterator[Iterator[Deed]]:
    """The named deeds one after another, each prepared on machines of its own."""

    def made() -> Iterator[Deed]:
        trio, base = settled(Path(folder) / "trio")
        for kind in TRIO_DEEDS:
            if kind.name in names:
                yield kind(trio, base)
        trio.close()
        for book in BOOK_DEEDS:
            if book.name in names:
                yield book(Path(folder) / book.name)

    with repeatable_sealing(), tempfile.TemporaryDirectory(prefix="liandong-cuts-") as folder:
        seed_sqlite(1)
        yield made()


def operations_of(deed: Deed) -> int:
    """How many I/O operations the deed takes when nothing goes wrong; it must be whole then."""
    deed.put_back("count")
    deed.platter.begin_counting()
    said = deed.do()
    count = deed.platter.operations
    if said is None or not deed.is_done():
        raise AssertionError(f"{deed.name} does not work at all")
    return count


def cut(deed: Deed, at: int, seed: str, *, finish: bool) -> list[str]:
    """The power goes at operation ``at``; everything that is wrong afterwards, in words that name the cut."""
    deed.put_back(f"{seed}/{deed.name}/{at}")
    deed.platter.begin_counting()
    deed.platter.faults.cut_at = at
    said, reached = _do(deed)
    if not deed.platter.off:
        return [f"{deed.name}: operation {at} never came; {reached}"]
    deed.reopen()
    return [f"{deed.name} cut at {at}, seed {seed}: {w}" for w in _judge(deed, said, finish=finish)]


def fail(
    deed: Deed,
    kind: Operation,
    nth: int,
    seed: str,
    *,
    finish: bool,
    power: bool = False,
    told: set[str] | None = None,
) -> list[str]:
    """EIO at the ``nth`` operation of a kind, then ``kill -9`` (or the power goes): looked up, whole or none.

    The code of what was told is added to ``told``.
    """
    deed.put_back(f"{seed}/{deed.name}/{kind}/{nth}")
    deed.platter.begin_counting()
    deed.platter.faults.failing, deed.platter.faults.fail_at = kind, nth
    said, error = _do(deed)
    if told is not None and isinstance(error, LiandongError):
        told.add(error.code)
    if power:
        deed.platter.cut_power()
    deed.reopen(killed=not power)
    wrong = []
    told_not = isinstance(error, LocalError) and not isinstance(error, CommitUnknown)
    if told_not and deed.is_done():
        wrong.append(f"was told as not done ({error}), and is there")
    wrong += _judge(deed, said, finish=finish)
    return [f"{deed.name}, {kind} {nth} failed, seed {seed}: {w}" for w in wrong]


def fill(deed: Deed, spare: int, seed: str, *, finish: bool, power: bool = False) -> list[str]:
    """The disk has room for ``spare`` bytes more: refused in words and not there, or done; then there is room again."""
    deed.put_back(f"{seed}/{deed.name}/full/{spare}")
    deed.platter.begin_counting()
    deed.platter.faults.capacity = deed.platter.used + spare
    said, error = _do(deed)
    wrong = []
    if error is not None:
        told = error.code if isinstance(error, LiandongError) else repr(error)
        wrong += [f"was told {told}"] if told not in FULL_TOLD else []
        if power:
            deed.platter.cut_power()
        deed.reopen(killed=not power)
        wrong += ["was told as not done, and is there"] if deed.is_done() else []
    deed.platter.faults.capacity = None
    wrong += _judge(deed, said, finish=finish)
    return [f"{deed.name}, {spare} bytes free, seed {seed}: {w}" for w in wrong]


def _judge(deed: Deed, said: Any, *, finish: bool) -> list[str]:
    found = deed.look(said)
    if finish and not found:
        found = deed.finish(said)
    require_no_defects()
    return found


def _do(deed: Deed) -> tuple[Any, BaseException | None]:
    try:
        return deed.do(), None
    except (SimulatedCrash, LiandongError) as error:
        return None, error


def sweep(
    seeds: int, names: tuple[str, ...] = NAMES, *, finish_every: int = 1, loud: bool = True
) -> CutTally:
    """Every operation of every deed, ``seeds`` times each, and EIO at every write and sync; see ``CutTally``."""
    tally = CutTally()
    with deeds(names) as made:
        for deed in made:
            tally.operations[deed.name] = count = operations_of(deed)
            kinds = dict(deed.platter.faults.counts)
            for seed in range(1, seeds + 1):
                for at in range(1, count + 1):
                    finish = (at + seed) % finish_every == 0
                    tally.broken += cut(deed, at, str(seed), finish=finish)
                    tally.cuts[deed.name] += 1
                    tally.finished[deed.name] += finish
                for kind in (Operation.WRITE, Operation.SYNC):
                    for nth in range(1, kinds.get(kind, 0) + 1):
                        power, finish = bool((nth + seed) % 2), (nth + seed) % finish_every == 0
                        tally.broken += fail(deed, kind, nth, str(seed), finish=finish, power=power)
                        tally.failures[deed.name] += 1
            if loud:
                print(f"{deed.name}: {tally.cuts[deed.name]} cuts", file=sys.stderr, flush=True)
    return tally
