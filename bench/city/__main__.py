"""``python -m bench.city load | measure | screens``: see docs/city-load.md."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.city.house import Where
from bench.city.loading import load
from bench.city.measure import measure
from bench.city.screens import screens
from bench.city.years import WHOLE
from tests.scenarios.postgres_server import postgres

NAME = "city"


def main() -> None:
    given = _parser().parse_args()
    with _places(given) as places:
        if not places:
            raise SystemExit("name a database with --url, or a folder for a server of its own with --server")
        if given.command == "load":
            load(places, given.cases, given.seed)
        elif given.command == "measure":
            sys.exit(0 if measure(places, given.rounds) else 1)
        else:
            screens(places[0], given.into)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.city", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    loading = commands.add_parser(
        "load", help="fill one or more city nodes with the same five years of cases"
    )
    loading.add_argument("--cases", type=int, default=WHOLE, help="accepted ones; others come on top")
    loading.add_argument("--seed", type=int, default=1)
    measuring = commands.add_parser("measure", help="open the desk's pages and tell how long they take")
    measuring.add_argument("--rounds", type=int, default=7)
    looking = commands.add_parser("screens", help="pictures of the board and the report")
    looking.add_argument("--into", type=Path, default=Path("docs/screens"))
    for command in (loading, measuring, looking):
        command.add_argument(
            "--url", action="append", default=[], help="sqlite:////folder/node.db or postgresql+psycopg://…"
        )
        command.add_argument("--folder", type=Path, help="of a node on a server: its keys and settings")
        command.add_argument("--server", type=Path, help="also a node on a PostgreSQL started in this folder")
    return parser


@contextmanager
def _places(given: argparse.Namespace) -> Iterator[list[Where]]:
    places = [Where.at(url, given.folder) for url in given.url]
    if given.server is None:
        yield places
        return
    with postgres(given.server) as server:
        if not server.ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{NAME}'"):
            server.make(NAME)
        yield [
            *places,
            Where(given.server.absolute().with_name(given.server.name + "-node"), server.url(NAME)),
        ]


if __name__ == "__main__":
    main()
