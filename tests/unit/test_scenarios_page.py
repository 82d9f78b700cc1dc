"""The page of scenarios names tests that exist, and leaves no scenario without one."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def _rows() -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set(row[0].strip()) <= set("-")]


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_page_names_exists() -> None:
    named = _NAMED.findall(PAGE)
    assert len(named) > 70
    found = {path: _tests_in(ROOT / path) for path in {path for path, _ in named}}
    assert [f"{path}::{name}" for path, name in named if name not in found[path]] == []


def test_every_scenario_wound_and_invariant_has_a_promise_and_a_test() -> None:
    rows = {row[0]: row for row in _rows()}
    wanted = [str(number) for number in range(1, 26)]
    wanted += [f"S{number}" for number in range(1, 11)] + [f"L{number}" for number in range(1, 6)]
    assert [number for number in wanted if number not in rows] == []
    threads = [key for key in rows if key not in wanted and key not in ("number", "thread", "invariant")]
    assert len(threads) == 12
    for key in [*wanted, *threads]:
        _, promise, tests = rows[key]
        assert promise.endswith("."), key
        # Nothing but names of tests stands in the last column.
        assert set(_NAMED.sub("", tests)) <= {",", " "} and _NAMED.search(tests), key
