"""``python -m bench.city load | measure``: see docs/city-load.md."""

import argparse
from pathlib import Path

from bench.city.house import Where
from bench.city.loading import load
from bench.city.years import WHOLE


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.city", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    loading = commands.add_parser(
        "load", help="fill one or more city nodes with the same five years of cases"
    )
    _places(loading)
    loading.add_argument("--cases", type=int, default=WHOLE, help="accepted ones; others come on top")
    loading.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folders = given.folder or []
    places = [
        Where.at(url, folders.pop(0) if not url.startswith("sqlite") and folders else None)
        for url in given.url
    ]
    if given.command == "load":
        load(places, given.cases, given.seed)


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", action="append", required=True, help="sqlite:////folder/node.db or postgresql+psycopg://…"
    )
    parser.add_argument(
        "--folder", action="append", type=Path, help="of a node on a server: its keys and settings"
    )


if __name__ == "__main__":
    main()
