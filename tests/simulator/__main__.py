"""``python -m tests.simulator seed N [--trace] [--depth 2] | gate | soak | city | planted | cuts | vfs-bench``.

Live through seeds, cut every I/O operation, or measure the simulated disk.
"""

import argparse
import itertools
import sys
from dataclasses import replace
from pathlib import Path

from tests.simulator.cuts import NAMES, sweep
from tests.simulator.plans import DENSE, GATE_SEEDS, SMALL, full_city
from tests.simulator.planting import run_planted
from tests.simulator.runs import run_seeds
from tests.simulator.vfs_bench import measure
from tests.simulator.world import Plan, run

DEPTHS = "2: disks that lose and tear what was not synced"


def main() -> int:
    """Exit code 0 if every promise held (for ``planted``: if every bug was caught)."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    seed = verbs.add_parser("seed", help="one seed; --trace prints one line an event")
    seed.add_argument("number", type=int)
    seed.add_argument("--trace", action="store_true")
    seed.add_argument("--dense", action="store_true", help="fewer machines, three times the faults")
    seed.add_argument("--city", action="store_true", help="the whole of Yuanjiang instead of the small world")
    seed.add_argument("--depth", type=int, choices=(1, 2), default=1, help=DEPTHS)
    verbs.add_parser("gate", help="the seeds that every commit must survive")
    soak = verbs.add_parser("soak", help="seeds until the number or the minutes are used up")
    soak.add_argument("--seeds", type=int, default=0, help="0: no bound")
    soak.add_argument("--minutes", type=float, default=0.0, help="0: no bound")
    soak.add_argument("--first", type=int, default=1)
    soak.add_argument("--jobs", type=int, default=1)
    soak.add_argument("--depth", type=int, choices=(1, 2), default=1, help=DEPTHS)
    soak.add_argument("--dense", action="store_true", help="fewer machines, three times the faults")
    soak.add_argument("--stop", action="store_true", help="stop at the first violation")
    city = verbs.add_parser("city", help="one working day of the whole city")
    city.add_argument("--seed", type=int, default=1)
    city.add_argument("--people", type=int, default=200)
    cuts = verbs.add_parser("cuts", help="every I/O operation of every deed cut, and failed, once a seed")
    cuts.add_argument(
        "deeds", nargs="*", metavar="DEED", help=f"of: {', '.join(NAMES)}; all if none is named"
    )
    cuts.add_argument("--seeds", type=int, default=1)
    cuts.add_argument(
        "--finish-every", type=int, default=1, help="go on until all is at rest after every n-th cut"
    )
    bench = verbs.add_parser("vfs-bench", help="I/O operations a second on the simulated disk")
    bench.add_argument("--operations", type=int, default=200_000)
    planted = verbs.add_parser("planted", help="every planted bug must be caught")
    planted.add_argument("names", nargs="*")
    planted.add_argument("--seeds", type=int, default=40)
    planted.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    match options.verb:
        case "seed":
            plan = full_city() if options.city else DENSE if options.dense else SMALL
            return _seed(options.number, replace(plan, depth=options.depth), trace=options.trace)
        case "cuts":
            if unknown := sorted(set(options.deeds) - set(NAMES)):
                parser.error(f"no such deed: {', '.join(unknown)}")
            return _cuts(options)
        case "vfs-bench":
            print(measure(options.operations).table())
            return 0
        case "gate":
            tally = run_seeds(GATE_SEEDS)
        case "city":
            tally = run_seeds([options.seed], full_city(options.people))
        case "planted":
            return run_planted(Path(__file__).parent / "planted", options.names, options.seeds, options.jobs)
        case _:
            numbers = itertools.islice(itertools.count(options.first), options.seeds or None)
            if not (options.seeds or options.minutes):
                parser.error("soak needs --seeds or --minutes")
            tally = run_seeds(
                numbers if options.jobs == 1 else list(numbers),
                replace(DENSE if options.dense else SMALL, depth=options.depth, stops=options.stop),
                minutes=options.minutes,
                jobs=options.jobs,
                stop_at_first=options.stop,
            )
    print(tally.table())
    return 1 if tally.broken else 0


def _cuts(options: argparse.Namespace) -> int:
    tally = sweep(options.seeds, tuple(options.deeds) or NAMES, finish_every=options.finish_every)
    print(tally.table())
    return 1 if tally.broken else 0


def _seed(number: int, plan: Plan, *, trace: bool) -> int:
    outcome = run(number, plan, keep_trace=trace)
    if trace:
        print("\n".join(outcome.trace))
    for violation in outcome.broken:
        print(f"seed {number}: {violation}")
    if not trace:
        print(
            f"seed {number}: {outcome.cases} cases, {outcome.steps} steps, {len(outcome.broken)} violations"
        )
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
