"""The patches of planted bugs go on fitting the code; that each is caught is shown by ``make planted``."""

from pathlib import Path

import pytest

from tests.simulator.planting import Catch, apply, copy_tree, read_patch, summary, try_patch

PATCHES = sorted((Path(__file__).parent / "planted").glob("*.diff"))
CHEAP = ("inbox_mark_missing", "chunk_named_before_it_is_synced")
"""One that seeds catch, one that a test catches."""


def test_every_patch_still_fits(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_tree(tree)
    for patch in PATCHES:
        apply(patch, tree)
        apply(patch, tree, reverse=True)


def test_every_patch_says_its_bug_in_one_sentence() -> None:
    for patch in PATCHES:
        sentence = read_patch(patch).sentence
        assert sentence.endswith(".") and "\n" not in sentence, patch.name
    assert len(PATCHES) >= 40


def test_a_patch_that_no_longer_fits_is_named(tmp_path: Path) -> None:
    patch = tmp_path / "of_another_time.diff"
    patch.write_text(
        "A bug.\n\n--- a/core/clock.py\n+++ b/core/clock.py\n@@ -1,2 +1,1 @@\n-no such line\n-nor this\n"
    )
    copy_tree(tmp_path / "tree")
    with pytest.raises(RuntimeError, match=r"of_another_time\.diff no longer fits"):
        apply(patch, tmp_path / "tree")


@pytest.mark.parametrize("name", CHEAP)
def test_a_planted_bug_is_caught(name: str) -> None:
    patch = next(path for path in PATCHES if path.stem == name)
    assert try_patch(patch, seeds=5).by


def test_the_summary_names_what_was_missed_and_tells_how_many_seeds_it_took() -> None:
    caught = [
        Catch("a", "seed 1", 1, "S1"),
        Catch("b", "seed 9", 9, "S1"),
        Catch("c", "cuts", 0, "lost"),
        Catch("d", "", 0, "not caught by seeds"),
    ]
    assert summary(caught) == "\n".join(
        ("3 of 4 caught", "by seeds: 2, median 5 seeds, worst 9", "by cuts: 1", "missed: d")
    )
