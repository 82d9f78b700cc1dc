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

    def line(self) -> str:
        """One line of progress."""
        fired = sum(self.fired.values())
        return f"seeds {self.seeds}  cases {self.cases}  faults {fired}  violations {len(self.broken)}"

    def table(self) -> str:
        """What people want to see at the end."""
        cpu_s = max(self.cpu_s, 1e-9)
        rows = [
            ("seeds", self.seeds),
            ("cases with a slip", self.cases),
            ("steps told as done", self.steps),
            ("bundles", self.bundles),
            ("faults", sum(self.fired.values())),
            ("violations", len(self.broken)),
            ("events / CPU second", round((self.events + self.bundles) / cpu_s)),
            ("simulated days / CPU second", round(self.simulated_s / 86_400 / cpu_s, 4)),
            ("times real time", round(self.simulated_s / cpu_s)),
            ("CPU seconds / seed", round(cpu_s / max(self.seeds, 1), 2)),
        ]
        faults = [(f"  {kind}", self.fired.get(kind, 0)) for kind in sorted(FAULTS) if FAULTS[kind].on]
        faults += [(f"  {kind}", n) for kind, n in sorted(self.fired.items()) if kind not in FAULTS]
        return "\n".join(f"{name:32}{value:>12}" for name, value in [*rows, ("fired:", ""), *faults])


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
    tally, began = Tally(), time.monotonic()
    for outcome in outcomes(seeds, plan, jobs):
        tally.add(outcome)
        for violation in outcome.broken:
            print(f"seed {outcome.seed}: {violation}", flush=True)
        if loud and sys.stderr.isatty():
            print(f"\r{tally.line()}", end="", file=sys.stderr, flush=True)
        if (minutes and time.monotonic() - began > minutes * 60) or (stop_at_first and outcome.broken):
            break
    if loud and sys.stderr.isatty():
        print(file=sys.stderr)
    return tally
