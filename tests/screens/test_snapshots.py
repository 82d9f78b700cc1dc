"""The pages are what they were when somebody last looked at them; ``python -m tests.screens.snapshots`` renews them."""

from pathlib import Path

import pytest

from tests.screens.snapshots import KEPT, all_of_them, file_of, paint


@pytest.mark.parametrize(
    ("family", "lang", "size"), list(all_of_them()), ids=lambda value: str(value).replace(", ", "x")
)
def test_every_page_is_painted_as_it_was_last_seen(
    tmp_path: Path, family: str, lang: str, size: tuple[int, int]
) -> None:
    kept = file_of(family, lang, size).read_text(encoding="utf-8")
    assert paint(family, lang, size, tmp_path) == kept, "python -m tests.screens.snapshots renews it"


def test_no_snapshot_is_kept_of_a_page_that_is_gone() -> None:
    assert {file.name for file in KEPT.iterdir()} == {file_of(*one).name for one in all_of_them()}
