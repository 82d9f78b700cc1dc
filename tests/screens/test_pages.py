"""Every page in both languages and at both sizes, walked through once for all that has to hold of it.

``python -m tests.screens.snapshots`` renews what is kept.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from textual.screen import Screen

from tests.screens.look import CONTRAST_MIN, PALETTES, Look, contrast
from tests.screens.pages import FAMILIES
from tests.screens.snapshots import KEPT, all_of_them, file_of, text_of, walked
from village_agent import tui
from village_agent.tui import screens

SHARED = frozenset(
    (
        "DeskScreen",
        "ListingScreen",
        "PrintingScreen",
        "SealingScreen",
        "WizardScreen",
        "ServiceForm",
        "SetupScreen",
        "ChoiceScreen",
    )
)
"""What pages have in common; none of these is one."""
FILLED_IN = ("ApplicantScreen", "FormScreen", "RowScreen", "CheckScreen")
Walked = tuple[Path, list[Look]]


@pytest.fixture(scope="module", params=list(all_of_them()), ids=lambda one: f"{one[0]}-{one[1]}-{one[2][0]}")
def looks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return file_of(*request.param), walked(*request.param, tmp_path_factory.mktemp("pages"))


def test_every_page_is_painted_as_it_was_last_seen(looks: Walked) -> None:
    file, pages = looks
    assert text_of(pages) == file.read_text(encoding="utf-8"), "python -m tests.screens.snapshots renews it"


def test_no_cell_is_of_unsure_width_nothing_is_cut_off_and_a_sign_tells_where_the_keys_go(
    looks: Walked,
) -> None:
    wrong = [f"{page.name}: {words}" for page in looks[1] for words in page.wrong]
    assert len(looks[1]) >= 6
    assert not wrong, "\n".join(wrong)


def test_the_focus_goes_in_the_order_of_reading(looks: Walked) -> None:
    wrong = [f"{page.name}: {page.focus}" for page in looks[1] if list(page.focus) != sorted(page.focus)]
    assert not wrong, "\n".join(wrong)


def test_sixteen_colours_are_enough_to_read_every_page(looks: Walked) -> None:
    wrong = {
        f"{page.name}: {ink} on {paper} is {contrast(palette, ink, paper):.1f} on a {palette}: {text!r}"
        for page in looks[1]
        for (ink, paper), text in page.pairs.items()
        for palette in PALETTES
        if contrast(palette, ink, paper) < CONTRAST_MIN
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_whole_numbers_of_people_stand_only_where_they_are_filled_in_and_the_way_on_is_always_told(
    looks: Walked,
) -> None:
    number = re.compile(r"(?<![\d-])\d{17}[\dX](?![\d-])")
    told = [page.name for page in looks[1] if page.screen not in FILLED_IN and number.search(page.text)]
    assert not told
    assert not [page.name for page in looks[1] if "Esc" not in page.text and "Ctrl+Q" not in page.text]


def test_every_kind_of_page_is_looked_at_in_both_languages_and_sizes() -> None:
    for module in iter_modules(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)
    made = {cls.__name__ for cls in _subclasses(Screen) if cls.__module__.startswith(tui.__name__)} - SHARED
    assert len(made) >= 35
    for size in {one[1:] for one in all_of_them()}:
        kept = "".join(file_of(family, *size).read_text(encoding="utf-8") for family in FAMILIES)
        seen = set(re.findall(r"^=+ \S+ \((\w+)\)$", kept, re.MULTILINE))
        assert made - seen == set(), size


def test_no_snapshot_is_kept_of_a_page_that_is_gone() -> None:
    assert {file.name for file in KEPT.iterdir()} == {file_of(*one).name for one in all_of_them()}


def _subclasses(cls: type) -> set[type]:
    found = {one for below in cls.__subclasses__() for one in _subclasses(below)}
    return found | {cls} if not inspect.isabstract(cls) else found
