"""Does the judge see anything? Each patch in ``planted/`` is a bug that somebody could write; every one must be caught.

A patch is applied to a copy of the tree, and seeds run there in a process of their own, until a promise breaks.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).parents[2]
PARTS = ("core", "sync", "city_node", "township_node", "village_agent")
SECONDS_MAX = 1800


@dataclass(frozen=True, slots=True)
class Catch:
    """Which seed caught a bug, by which words; ``seed`` is 0 if none did."""

    name: str
    seed: int
    words: str


def run_planted(folder: Path, names: Sequence[str], seeds: int) -> int:
    """Try the patches (all, or those named) and print who was caught by which seed; 0 if all were."""
    patches = [path for path in sorted(folder.glob("*.diff")) if not names or path.stem in names]
    caught = []
    for path in patches:
        catch = try_patch(path, seeds)
        caught.append(catch)
        print(f"{catch.name:34} {catch.seed or '-':>4}  {catch.words}", flush=True)
    missed = [catch.name for catch in caught if not catch.seed]
    print(f"{len(caught) - len(missed)} of {len(caught)} caught" + (f", missed: {missed}" if missed else ""))
    return 1 if missed else 0


def try_patch(patch: Path, seeds: int) -> Catch:
    """Plant one bug and look for it. Raises ``RuntimeError`` if the patch no longer fits the code."""
    with tempfile.TemporaryDirectory(prefix="liandong-planted-") as name:
        copy = Path(name)
        copy_tree(copy)
        apply(patch, copy)
        command = [sys.executable, "-m", "tests.simulator", "soak", "--seeds", str(seeds), "--stop"]
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX
        )
    found = re.search(r"^seed (\d+): (.*)$", done.stdout, re.MULTILINE)
    if found:
        return Catch(patch.stem, int(found[1]), found[2][:110])
    if done.returncode:
        raise RuntimeError(f"{patch.name}: {done.stderr[-2000:]}")
    return Catch(patch.stem, 0, "not caught")


def copy_tree(target: Path) -> None:
    """The product and the simulator, without what others made beside them."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        shutil.copytree(TREE / part, target / part, ignore=ignore)
    shutil.copytree(TREE / "tests" / "simulator", target / "tests" / "simulator", ignore=ignore)
    (target / "tests" / "__init__.py").touch()


def apply(patch: Path, tree: Path) -> None:
    """Raises ``RuntimeError`` if the patch does not fit."""
    command = ["git", "apply", "-C1", "--whitespace=nowarn", str(patch)]
    # Outside of any repository, or git would look for the files in that one.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{patch.name} no longer fits the code: {done.stdout}{done.stderr}")
