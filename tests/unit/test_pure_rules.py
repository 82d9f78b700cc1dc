"""``make coverage`` holds every rule without effects to every branch; none can be added and left out."""

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
EFFECTS = frozenset(
    {
        "alembic",
        "apscheduler",
        "asyncio",
        "click",
        "logging",
        "os",
        "pathlib",
        "platform",
        "requests",
        "select",
    }
    | {"shutil", "signal", "socket", "sqlalchemy", "sqlcipher3", "ssl", "starlette", "subprocess", "sys"}
    | {"tempfile", "threading", "time", "tomllib", "uvicorn"}
)
"""Whoever imports one of these reaches a disk, a line, a database, a clock or a screen."""
JUDGED_PURE = frozenset({"sync.authority", "sync.dispatch"})
"""One door each and rules otherwise: the root key's file, and the type of a transaction that is handed through."""


def imported(nodes: list[ast.stmt]) -> Iterator[str]:
    """What is imported when the module runs; what only a type checker reads is left out."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = str(node.module)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from imported([child for child in ast.walk(node) if child is not node and is_import(child)])


def is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def modules() -> dict[str, set[str]]:
    """Every module of core and sync, and what it imports."""
    paths = [path for folder in ("core", "sync") for path in (ROOT / folder).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(
            imported(ast.parse(path.read_text(encoding="utf-8")).body)
        )
        for path in paths
    }


def is_pure(name: str, known: dict[str, set[str]]) -> bool:
    """Whether nothing that ``name`` imports, near or far, has an effect."""
    looked: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one.split(".")[0] in EFFECTS:
            return False
        if one in known and one not in looked | JUDGED_PURE:
            looked.add(one)
            left += known[one]
    return True


def held() -> list[str]:
    """The files that coverage's configuration holds to every branch, as patterns."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        report = tomllib.load(file)["tool"]["coverage"]["report"]
    assert report["fail_under"] == 100
    return list(report["include"])


def test_every_rule_of_sync_without_effects_is_held_to_every_branch() -> None:
    known = modules()
    pure = [name for name in known if name.startswith("sync.") and is_pure(name, known)]
    assert {"sync.cose", "sync.custody", "sync.retry"} <= set(pure)
    assert not {"sync.node", "sync.stream", "sync.tables"} & set(pure)
    left_out = [
        name
        for name in pure
        if not name.endswith("__init__")
        and not any(fnmatch(name.replace(".", "/") + ".py", pattern) for pattern in held())
    ]
    assert left_out == []


def test_what_is_held_to_every_branch_is_all_of_core_and_files_that_exist() -> None:
    assert "core/*" in held()
    assert [pattern for pattern in held() if not list(ROOT.glob(pattern))] == []
