"""Time, chance and threads come in by their doors only, or no seed could be played again."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "time": "a clock",
    "random": "chance",
    "secrets": "chance",
    "uuid": "chance",
    "threading": "threads",
    "multiprocessing": "threads",
    "socket": "a socket",
}
FORBIDDEN_CALLS = {"os.urandom", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
DOORS = {
    "core/desk/public/doorkeeper.py": {"threading"},
    "core/documents/printer.py": {"threading"},
    "core/store/durable.py": {"time"},
    "sync/environment.py": {"time", "os.urandom", "datetime.now"},
    "sync/doctor.py": {"socket"},
    "sync/listener.py": {"socket"},
    "sync/transport/tcp.py": {"socket"},
    "sync/transport/wire.py": {"socket", "time"},
    "sync/service.py": {"threading"},
    "sync/node.py": {"threading"},
}
"""What may be used where: the system's world, the look at the line, the programs that listen and call, a node's lock, the turn
of whoever prints, and the waits for a file that another program of Windows has open and for a line
that nothing is tried on."""


def test_core_and_sync_reach_time_chance_and_threads_only_by_their_doors() -> None:
    found = []
    for path in sorted([*(ROOT / "core").rglob("*.py"), *(ROOT / "sync").rglob("*.py")]):
        name = path.relative_to(ROOT).as_posix()
        found += [f"{name}: {use}" for use in uses(path.read_text()) if use not in DOORS.get(name, set())]
    assert found == []


def test_the_doors_that_are_listed_are_used() -> None:
    for name, allowed in DOORS.items():
        assert allowed <= set(uses((ROOT / name).read_text())), name


def test_a_use_is_seen_however_it_is_written() -> None:
    code = "import time\nfrom os import urandom\nimport os\nfrom datetime import datetime\nos.urandom(1); datetime.now()"
    assert set(uses(code)) == {"time", "os.urandom", "datetime.now"}


def uses(code: str) -> Iterator[str]:
    """Every forbidden module imported and every forbidden call, as far as names tell."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in FORBIDDEN)
            case ast.ImportFrom(module=str(module), names=names):
                if module.partition(".")[0] in FORBIDDEN:
                    yield module
                yield from (f"{module}.{n.name}" for n in names if f"{module}.{n.name}" in FORBIDDEN_CALLS)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                if f"{owner}.{attribute}" in FORBIDDEN_CALLS:
                    yield f"{owner}.{attribute}"
