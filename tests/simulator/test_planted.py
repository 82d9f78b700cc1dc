"""The patches of planted bugs go on fitting the code; that each is caught is shown by ``make planted``."""

from pathlib import Path

import pytest

from tests.simulator.planting import apply, copy_tree, try_patch

PATCHES = sorted((Path(__file__).parent / "planted").glob("*.diff"))


def test_every_patch_still_fits(tmp_path: Path) -> None:
    for patch in PATCHES:
        tree = tmp_path / patch.stem
        tree.mkdir()
        copy_tree(tree)
        apply(patch, tree)


@pytest.mark.parametrize("name", ["inbox_mark_missing"])
def test_a_planted_bug_is_caught(name: str) -> None:
    patch = next(path for path in PATCHES if path.stem == name)
    assert try_patch(patch, seeds=5).seed
