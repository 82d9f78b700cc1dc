"""The pages of the village terminal as plain text, kept beside the tests.

    python -m tests.screens.snapshots

paints every page in both languages at 80x24 and 120x36 and writes the files anew; look at the difference before you
commit it.
"""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.screens.hand import LANGS, SIZES, walk
from tests.screens.look import Look, look_at
from tests.screens.pages import FAMILIES
from village_agent.tui.app import DeskApp

KEPT = Path(__file__).parent / "snapshots"
RULE = "=" * 8


def file_of(family: str, lang: str, size: tuple[int, int]) -> Path:
    """``setup.zh.80x24.txt``."""
    return KEPT / f"{family}.{lang}.{size[0]}x{size[1]}.txt"


def walked(family: str, lang: str, size: tuple[int, int], folder: Path) -> list[Look]:
    """Every page of a family, one after another.

    ``folder`` becomes the working directory, so that no page shows where the tests ran.
    """
    pages: list[Look] = []

    def seen(app: DeskApp, name: str) -> None:
        pages.append(look_at(app, name))

    before = Path.cwd()
    os.chdir(folder)
    try:
        walk(FAMILIES[family], Path("data"), lang, size, seen)
    finally:
        os.chdir(before)
    return pages


def text_of(pages: Iterable[Look]) -> str:
    """The pages under their names and kinds."""
    return "".join(f"{RULE} {page.name} ({page.screen})\n{page.text.rstrip()}\n" for page in pages)


def all_of_them() -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Family, language and size of every file."""
    return ((family, lang, size) for family in FAMILIES for lang in LANGS for size in SIZES)


def main(target: Path = KEPT) -> None:
    """Write every file anew and name those that changed."""
    target.mkdir(parents=True, exist_ok=True)
    for family, lang, size in all_of_them():
        with tempfile.TemporaryDirectory() as folder:
            text = text_of(walked(family, lang, size, Path(folder)))
        file = target / file_of(family, lang, size).name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{file.name}\n")


if __name__ == "__main__":
    main()
