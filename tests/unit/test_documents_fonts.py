"""Fonts and bounds of what is printed: as Windows lays its fonts out too, and never more of the machine than is granted."""

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

from core.documents.fonts import BOLD, FOLDERS, REGULAR, first_of, font_folders
from core.documents.paper import Block, Paper, Shape
from core.documents.pdf import draw
from core.errors import InputError, LocalError
from tests.unit.pdf_kit import read_pdf, strokes

RARE = "𠮷"
TITLE, NUMBER, TEXT = "受理通知书", "沅政务受〔2026〕1号", "王小明："
PAPER = Paper(TITLE, NUMBER, "zh", (Block(Shape.ADDRESSEE, f"{RARE}{TEXT}"),))


def _cut(words: str, face: str) -> TTFont:
    """A font of these characters alone, that calls itself ``face``."""
    source = first_of(REGULAR[:1], FOLDERS)
    assert source is not None
    with TTCollection(str(source[0])) as fonts:
        font = fonts.fonts[2]
        cutter = Subsetter(Options(glyph_names=False, notdef_outline=True))
        cutter.populate(text=words)
        cutter.subset(font)
        for name_id in (1, 4, 16):
            font["name"].setName(face, name_id, 3, 1, 0x409)
        out = io.BytesIO()
        font.save(out)
    return TTFont(io.BytesIO(out.getvalue()))


def windows_fonts(folder: Path, *, with_rare: bool = True) -> Sequence[Path]:
    """A folder as ``C:\\Windows\\Fonts``: 宋体 the second of its collection, 黑体 alone, extension B in its own file."""
    words = TITLE + NUMBER + TEXT
    pair = TTCollection()
    pair.fonts = [_cut("宋", "NSimSun"), _cut(words, "SimSun")]
    pair.save(str(folder / "simsun.ttc"))
    _cut(words, "SimHei").save(str(folder / "simhei.ttf"))
    if with_rare:
        _cut(RARE, "SimSun-ExtB").save(str(folder / "simsunb.ttf"))
    return (folder,)


def test_with_the_fonts_of_windows_every_character_is_drawn_the_rare_one_from_its_own_file(
    tmp_path: Path,
) -> None:
    text, fonts = read_pdf(draw(PAPER, windows_fonts(tmp_path)))
    assert f"{RARE}{TEXT}" in text.replace("\n", "") and TITLE in text and NUMBER in text
    assert all(strokes(fonts, char) > 5 for char in RARE + "王受")
    assert len(fonts) == 3, "宋体, 黑体, extension B, each embedded"


def test_a_title_with_a_rare_character_is_drawn_whole(tmp_path: Path) -> None:
    paper = Paper(TITLE + RARE, NUMBER, "zh", PAPER.blocks)
    text, fonts = read_pdf(draw(paper, windows_fonts(tmp_path)))
    assert TITLE + RARE in text.replace("\n", "") and strokes(fonts, RARE) > 5


def test_without_the_file_for_rare_characters_the_paper_is_refused_and_not_printed_blank(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"document\.no_glyph") as refused:
        draw(PAPER, windows_fonts(tmp_path, with_rare=False))
    assert "U+20BB7" in refused.value.zh


def test_a_machine_with_one_weight_only_is_told_what_to_add(tmp_path: Path) -> None:
    folders = windows_fonts(tmp_path)
    (tmp_path / "simhei.ttf").unlink()
    with pytest.raises(LocalError, match=r"document\.no_font") as refused:
        draw(PAPER, folders)
    assert "可选功能" in refused.value.zh and "Optional features" in refused.value.en


def test_fonts_are_looked_for_where_windows_says_that_it_is() -> None:
    around = {"SystemRoot": "/w", "LOCALAPPDATA": "/users/张 三/local"}
    assert font_folders(around)[-2:] == (Path("/w/Fonts"), Path("/users/张 三/local/Microsoft/Windows/Fonts"))
    assert font_folders({"SystemRoot": ""}) == FOLDERS
    assert first_of(BOLD, (Path("/nowhere"),)) is None


@pytest.mark.parametrize(
    ("granted", "greed"),
    [("60, 256 << 20", "bytearray(1 << 30)"), ("1, 1 << 30", "\nwhile True: pass")],
    ids=["memory", "processor"],
)
def test_whoever_takes_more_than_is_granted_is_ended(granted: str, greed: str) -> None:
    code = f"from core.documents.bounds import bound_this_process as bound; bound({granted}); {greed}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert ended.returncode != 0
    modest = subprocess.run(
        [sys.executable, "-c", code.replace(greed, "print('done')")],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert modest.stdout.strip() == b"done"
