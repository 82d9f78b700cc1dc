"""Many seeds one after another: a line of progress, and one table of what fired and what broke."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.simulator.faults import FAULTS
from tests.simulator.ledger import Violation
from tests.simulator.plans import SMALL
from tests.simulator.world import Outcome, Plan, run

LINE_EVERY_S = 30.0
"""Where nobody watches a terminal, a log gets one line of progress so often."""
POWER_CUTS = ("crash.", "node.power_cut")
LISTED_MAX = 20


@dataclass(slots=True)
class Tally:
    """The sum over seeds. ``cpu_s`` is processor time, which another program's load does not change much."""

    seeds: int = 0
    cases: int = 0
    steps: int = 0
    bundles: int = 0
    events: int = 0
    simulated_s: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    fired: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, Violation]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.cases += outcome.cases
        self.steps += outcome.steps
        self.bundles += outcome.bundles
        self.events += outcome.events
        self.simulated_s += outcome.simulated_s
        self.cpu_s += outcome.cpu_s
        self.fired.update(outcome.fired)
        self.broken += [(outcome.seed, violation) for violation in outcome.broken]

    @property
    def power_cuts(self) -> int:
        """Programs that ended in the middle of something: at a commit, at a chunk, at an operation, or just so."""
        return sum(count for kind, count in self.fired.items() if kind.startswith(POWER_CUTS))

    @property
    def times_real_time(self) -> float:
        """Simulated seconds in one second of the processor."""
        return self.simulated_s / max(self.cpu_s, 1e-9)

    def line(self) -> str:
        """One line of progress."""
        counts = (
            ("seeds", self.seeds),
            ("cases", self.cases),
            ("faults", sum(self.fired.values())),
            ("power cuts", self.power_cuts),
            ("violations", len(self.broken)),
            ("times real time", round(self.times_real_time)),
        )
        return "  ".join(f"{name} {count}" for name, count in counts)

    def table(self) -> str:
        """What people want to see at the end: what was lived through, what broke, how fast, and what fired."""
        cpu_s = max(self.cpu_s, 1e-9)
        rows = [
            ("seeds", self.seeds),
            ("cases with a slip", self.cases),
            ("steps told as done", self.steps),
            ("bundles", self.bundles),
            ("faults", sum(self.fired.values())),
            ("power cuts", self.power_cuts),
            ("violations", len(self.broken)),
            ("seeds with violations", len({seed for seed, _ in self.broken})),
            ("simulated hours", round(self.simulated_s / 3600, 1)),
            ("CPU seconds", round(self.cpu_s, 1)),
            ("wall seconds", round(self.wall_s, 1)),
            ("events / CPU second", round((self.events + self.bundles) / cpu_s)),
            ("times real time", round(self.times_real_time)),
            ("CPU seconds / seed", round(cpu_s / max(self.seeds, 1), 2)),
        ]
        faults = [(f"  {kind}", self.fired.get(kind, 0)) for kind in sorted(FAULTS) if FAULTS[kind].on]
        faults += [(f"  {kind}", n) for kind, n in sorted(self.fired.items()) if kind not in FAULTS]
        lines = [f"{name:32}{value:>12}" for name, value in [*rows, ("fired:", ""), *faults]]
        lines += [f"  {kind:30}{'off':>12}" for kind in sorted(FAULTS) if not FAULTS[kind].on]
        lines += [f"seed {seed}: {violation}" for seed, violation in self.broken[:LISTED_MAX]]
        unlisted = len(self.broken) - LISTED_MAX
        return "\n".join(lines + ([f"and {unlisted} more"] if unlisted > 0 else []))


class Progress:
    """A line that a terminal shows in place, and a log gets every ``LINE_EVERY_S`` seconds."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty()
        self._due_s = time.monotonic() + LINE_EVERY_S

    def show(self, tally: Tally) -> None:
        if self._in_place:
            print(f"\r{tally.line()}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + LINE_EVERY_S
            print(tally.line(), file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._in_place:
            print(file=sys.stderr)


def outcomes(seeds: Iterable[int], plan: Plan = SMALL, jobs: int = 1) -> Iterator[Outcome]:
    """Each seed lived through, in the order of ``seeds``."""
    if jobs == 1:
        for seed in seeds:
            yield run(seed, plan)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(run, plan=plan), seeds)


def run_seeds(
    seeds: Iterable[int],
    plan: Plan = SMALL,
    *,
    minutes: float = 0.0,
    jobs: int = 1,
    stop_at_first: bool = False,
    loud: bool = True,
) -> Tally:
    """Seeds until they end, ``minutes`` (0: no bound) have passed, or a promise broke and that was enough."""
    tally, began, progress = Tally(), time.monotonic(), Progress()
    for outcome in outcomes(seeds, plan, jobs):
        tally.add(outcome)
        for violation in outcome.broken:
            print(f"seed {outcome.seed}: {violation}", flush=True)
        if loud:
            progress.show(tally)
        if (minutes and time.monotonic() - began > minutes * 60) or (stop_at_first and outcome.broken):
            break
    tally.wall_s = time.monotonic() - began
    if loud:
        progress.end()
    return tally
