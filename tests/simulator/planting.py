"""Does the judge see anything? Each patch in ``planted/`` is a bug that somebody could write; every one must be caught.

A patch begins with one sentence that says the bug. It is applied to a copy of the tree, and there the check that has
to catch it runs in a process of its own until a promise breaks: seeds of the dense world, or what a line
``catch: …`` under the sentence names, for the few that no seed can show. A seed that breaks without the bug too has
caught nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

TREE = Path(__file__).parents[2]
PARTS = ("core", "sync", "city_node", "township_node", "village_agent", "deploy", "docs", "tests")
SECONDS_MAX = 1800
BROKEN_BY_ITSELF = re.compile(r"^ERROR tests/", re.MULTILINE)
"""A test that could not even begin has caught nothing."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One bug: ``sentence`` says it; ``check`` is seeds, cuts or pytest, with its ``options``."""

    path: Path
    sentence: str
    check: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catch:
    """Which check caught a bug, by which words; ``seed`` is 0 for another check than seeds, ``by`` empty if none did."""

    name: str
    by: str
    seed: int
    words: str

    def line(self) -> str:
        """One row of the table."""
        return f"{self.name:40} {self.by or '-':>9}  {self.words}"


def read_patch(path: Path) -> Planted:
    """The head of a patch. Raises ``RuntimeError`` if it does not say its bug, or names no known check."""
    head = path.read_text(encoding="utf-8").partition("\n--- ")[0].strip().splitlines()
    named = [line.removeprefix("catch:").split() for line in head if line.startswith("catch:")]
    sentence = " ".join(line for line in head if not line.startswith("catch:"))
    check, *options = named[0] if named else ["seeds"]
    if not sentence or len(named) > 1 or check not in ("seeds", "cuts", "pytest"):
        raise RuntimeError(
            f"{path.name}: the head does not say the bug in a sentence, or what has to catch it"
        )
    return Planted(path, sentence, check, tuple(options))


def run_planted(folder: Path, names: Sequence[str], seeds: int, jobs: int = 1) -> int:
    """Try the patches (all, or those named), print who was caught by what, and the sum of it; 0 if all were."""
    patches = [path for path in sorted(folder.glob("*.diff")) if not names or path.stem in names]
    if unknown := sorted(set(names) - {path.stem for path in patches}):
        raise RuntimeError(f"no such patch: {', '.join(unknown)}")
    caught = []
    with ThreadPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(try_patch, path, seeds) for path in patches]):
            caught.append(future.result())
            print(caught[-1].line(), flush=True)
    if jobs > 1:
        print("", *sorted(catch.line() for catch in caught), sep="\n")
    print(summary(caught))
    return 0 if all(catch.by for catch in caught) else 1


def summary(caught: Sequence[Catch]) -> str:
    """How many of the bugs were caught by what, and how many seeds it took."""
    missed = [catch.name for catch in caught if not catch.by]
    seeds = [catch.seed for catch in caught if catch.seed]
    others = [catch.by for catch in caught if catch.by and not catch.seed]
    lines = [f"{len(caught) - len(missed)} of {len(caught)} caught"]
    if seeds:
        lines.append(f"by seeds: {len(seeds)}, median {median(seeds):g} seeds, worst {max(seeds)}")
    lines += [f"by {name}: {others.count(name)}" for name in sorted(set(others))]
    return "\n".join(lines + ([f"missed: {', '.join(missed)}"] if missed else []))


def try_patch(path: Path, seeds: int) -> Catch:
    """Plant one bug and look for it. Raises ``RuntimeError`` if the patch no longer fits."""
    planted = read_patch(path)
    with tempfile.TemporaryDirectory(prefix="liandong-planted-") as name:
        copy = Path(name)
        copy_tree(copy)
        apply(path, copy)
        done = subprocess.run(
            [sys.executable, "-m", *_command(planted, seeds)],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
    found = _found(planted, done.stdout)
    if found is not None and done.returncode == 1:
        if found.seed and not _is_sound(found.seed):
            return Catch(path.stem, "", 0, f"seed {found.seed} breaks without this bug too")
        return found
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
        return Catch(path.stem, "", 0, f"the check did not run: {last[:200]}")
    return Catch(path.stem, "", 0, f"not caught by {' '.join((planted.check, *planted.options))}")


@cache
def _is_sound(seed: int) -> bool:
    """Whether no promise breaks in a seed of the tree as it is."""
    command = [sys.executable, "-m", "tests.simulator", "seed", str(seed), "--dense"]
    done = subprocess.run(command, cwd=TREE, capture_output=True, timeout=SECONDS_MAX)
    return done.returncode == 0


def _command(planted: Planted, seeds: int) -> list[str]:
    match planted.check:
        case "cuts":
            return ["tests.simulator", "cuts", *planted.options]
        case "pytest":
            return ["pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "--tb=line", *planted.options]
        case _:
            return ["tests.simulator", "soak", "--dense", "--seeds", str(seeds), "--stop", *planted.options]


def _found(planted: Planted, output: str) -> Catch | None:
    name = planted.path.stem
    if planted.check == "seeds":
        seed = re.search(r"^seed (\d+): (.*)$", output, re.MULTILINE)
        return seed and Catch(name, f"seed {seed[1]}", int(seed[1]), seed[2][:110])
    if planted.check == "cuts":
        cut = re.search(r"^\d+ violations\n(.+)$", output, re.MULTILINE)
        return cut and Catch(name, "cuts", 0, cut[1][:110])
    failed = re.search(r"^FAILED (\S+)(.*)$", output, re.MULTILINE)
    if failed is None or BROKEN_BY_ITSELF.search(output):
        return None
    return Catch(name, "pytest", 0, failed[1].rpartition("::")[2][:110])


def copy_tree(target: Path) -> None:
    """The product and its tests, without what others made beside them."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        shutil.copytree(TREE / part, target / part, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(TREE / name, target / name)


def apply(patch: Path, tree: Path, *, reverse: bool = False) -> None:
    """Plant the bug in ``tree``, or take it out again. Raises ``RuntimeError`` if the patch does not fit."""
    command = ["git", "apply", "-C1", "--whitespace=nowarn", *(["--reverse"] if reverse else []), str(patch)]
    # Outside of any repository, or git would look for the files in that one.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{patch.name} no longer fits the code: {done.stdout}{done.stderr}")
