"""Measure the village terminal: ``python -m bench.ui --cases 100000 --kills 20``; the device is kept in ``--into``."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from bench.ui import house, measure
from bench.ui.figure import Figure
from bench.ui.syncing import keys_while_sending

PARTS = ("starts", "keys", "sending", "lasting", "kills")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ui", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path(".bench-ui"))
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=1.0, help="of work between two looks at the memory")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="these parts; may be said several times"
    )
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    given = parser.parse_args()
    folder = given.into / f"{given.cases}"
    parts: dict[str, Callable[[], list[Figure]]] = {
        "starts": lambda: measure.starts(folder, given.starts),
        "keys": lambda: measure.keys(folder, given.keys),
        "sending": lambda: keys_while_sending(given.into / "sending", given.keys),
        "lasting": lambda: measure.lasting(folder, given.minutes, _counter("rounds")),
    }
    given.into.mkdir(parents=True, exist_ok=True)
    house.build(folder, given.cases)
    chosen = given.only or PARTS
    if not given.json:
        print(
            f"{given.cases} cases on the device, seed {given.seed}\n{'':52} {'median':>8} {'p99':>8}     aim"
        )
    figures: list[Figure] = []
    for name in (name for name in parts if name in chosen):
        part = parts[name]()
        figures += part
        if not given.json:
            print("\n".join(figure.line() for figure in part), flush=True)
    killed = lost = 0
    if "kills" in chosen:
        killed, lost = measure.kills(folder, given.kills, given.seed, _counter("kills"))
    if given.json:
        rows = [{"what": one.what, "values": list(one.values), "unit": one.unit} for one in figures]
        print(json.dumps({"cases": given.cases, "figures": rows, "kills": killed, "lost": lost}))
    elif killed:
        print(f"kill -9 at the last painted letter: {killed} kills, {lost} names with a letter lost")
    return 1 if lost else 0


def _counter(of: str) -> Callable[[int], None]:
    def say(number: int) -> None:
        print(f"\r{number} {of}", end="", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
