"""Measure the village terminal: ``python -m bench.ui --cases 100000 --kills 20``; the device is kept in ``--into``."""

import argparse
import json
import sys
from pathlib import Path

from bench.ui import house, measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ui", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path(".bench-ui"))
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    folder = given.into / f"{given.cases}"
    house.build(folder, given.cases)
    if not given.json:
        print(
            f"{given.cases} cases on the device, seed {given.seed}\n{'':52} {'median':>8} {'p99':>8}     aim"
        )
    figures = []
    for measured, times in ((measure.starts, given.starts), (measure.keys, given.keys)):
        part = measured(folder, times)
        figures += part
        if not given.json:
            print("\n".join(figure.line() for figure in part), flush=True)

    def say(number: int) -> None:
        print(f"\r{number} kills", end="", file=sys.stderr, flush=True)

    killed, lost = measure.kills(folder, given.kills, given.seed, say)
    print(file=sys.stderr)
    if given.json:
        rows = [{"what": one.what, "values": list(one.values), "unit": one.unit} for one in figures]
        print(json.dumps({"cases": given.cases, "figures": rows, "kills": killed, "lost": lost}))
    else:
        print(f"kill -9 at the last painted letter: {killed} kills, {lost} names with a letter lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
