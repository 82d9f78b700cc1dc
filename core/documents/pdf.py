"""The one door to the PDF library: a paper on standard input, the PDF on standard output, in a process of its own.

Run as ``python -m core.documents.pdf``: the library takes a second and over a hundred megabytes, which no desk should
hold. The fonts are embedded, only the characters used; a refusal comes out as JSON with ``code``, ``fault``,
``zh`` and ``en``, with exit code ``EXIT_REFUSED``.
"""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from core.documents.bounds import bound_this_process
from core.documents.fonts import BOLD, FOLDERS, RARE, REGULAR, Font, first_of
from core.documents.lines import wrap_lines
from core.documents.paper import EXIT_REFUSED, PAPER_BYTES_MAX, Block, Paper, Shape, paper_from_json
from core.documents.qr import qr_modules
from core.errors import InputError, LiandongError, LocalError

MARGIN_MM, TITLE_PT, TEXT_PT, SMALL_PT, LINE_MM, CELL_LINE_MM = 26.0, 21.0, 13.0, 9.5, 9.0, 7.5
LABEL_MM, MODULE_MM = 46.0, 1.2
_LOOKS = {"zh": ("　　", 0.0), "en": ("", 2.5)}
"""How a paragraph is told from the next: two empty characters before it, or room behind it (mm)."""


def main(folders: Sequence[Path] = FOLDERS, bound: Callable[[], None] = bound_this_process) -> int:
    """Read, draw, write; the exit code. ``bound`` sees to it that this process takes no more than it may."""
    # What goes wrong is told as words; the library's remarks about fonts help nobody.
    logging.disable(logging.WARNING)
    bound()
    try:
        paper = paper_from_json(sys.stdin.buffer.read(PAPER_BYTES_MAX + 1))
        sys.stdout.buffer.write(draw(paper, folders))
    except LiandongError as error:
        told = {"code": error.code, "fault": error.fault, "zh": error.zh, "en": error.en}
        sys.stdout.buffer.write(json.dumps(told, ensure_ascii=False).encode())
        return EXIT_REFUSED
    return 0


def draw(paper: Paper, folders: Sequence[Path] = FOLDERS) -> bytes:
    """The PDF, A4, the same bytes for the same paper. Raises ``LocalError`` (``document.no_font``), ``InputError``
    (``document.no_glyph``) for a character that the fonts cannot show.
    """
    plain = _find(folders, REGULAR)
    rare = _rare(folders) if _lacking(paper.words, plain) else None
    _require_glyphs(paper.words, plain, rare)
    page = _Page(paper)
    page.add_face("cjk", "", plain)
    if not paper.one_weight:
        bold = _find(folders, BOLD)
        _require_glyphs(paper.title, bold, rare)
        page.add_face("cjk", "B", bold)
    if rare is not None:
        page.add_face("rare", "", rare)
        # There is one weight of it, which a title has to do with.
        page.set_fallback_fonts(["rare"], exact_match=False)
    page.write_paper()
    return bytes(page.output())


class _Face:
    """One face: its number in a collection, found by its name, and the characters that it has signs for."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        self.number = 0
        if file.suffix == ".ttc":
            with TTCollection(str(file), lazy=True) as fonts:
                named = [(font["name"].getDebugName(1), font) for font in fonts.fonts]
                numbers = [number for number, (found, _) in enumerate(named) if found == name]
                if not numbers:
                    raise _no_font(str(file))
                self.number = numbers[0]
                self.characters = frozenset(named[self.number][1].getBestCmap())
        else:
            with TTFont(str(file), lazy=True) as font:
                self.characters = frozenset(font.getBestCmap())


def _find(folders: Sequence[Path], fonts: Sequence[Font]) -> _Face:
    found = first_of(fonts, folders)
    if found is None:
        raise _no_font(fonts[0].file)
    return _Face(*found)


def _rare(folders: Sequence[Path]) -> _Face | None:
    found = first_of(RARE, folders)
    return None if found is None else _Face(*found)


def _lacking(words: str, *faces: _Face | None) -> list[str]:
    drawn: frozenset[int] = frozenset().union(*(face.characters for face in faces if face is not None))
    return sorted({char for char in words if char != "\n" and ord(char) not in drawn})


def _require_glyphs(words: str, *faces: _Face | None) -> None:
    lacking = _lacking(words, *faces)
    if lacking:
        shown = "、".join(f"{char}（U+{ord(char):04X}）" for char in lacking[:10])
        raise InputError(
            "document.no_glyph",
            zh=f"字体中没有这些字：{shown}，文书没有打印，以免印成空白。请核对用字；Debian 可升级 fonts-noto-cjk。",
            en=f"The fonts have no sign for {shown}; nothing was printed, lest it be blank. Check the characters; on Debian, "
            "upgrade fonts-noto-cjk.",
        )


def _no_font(name: str) -> LocalError:
    return LocalError(
        "document.no_font",
        zh=f"本机没有中文字体（如 {name}），文书不能打印。Debian 请运行 apt-get install -y fonts-noto-cjk；Windows 请在"
        "“设置”的“可选功能”中添加“简体中文补充字体”，再试。",
        en=f"This machine lacks a Chinese font (such as {name}), so no document can be printed. Debian: apt-get install -y "
        "fonts-noto-cjk; Windows: add Chinese (Simplified) Supplemental Fonts under Settings, Optional features. Then try "
        "again.",
    )


class _Page(FPDF):
    """A4 by the margins of official documents (GB/T 9704-2012), the page's number at the foot where there are several."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self.paper = paper
        self.set_margins(MARGIN_MM, 30, MARGIN_MM)
        self.set_auto_page_break(True, margin=28)
        self.set_title(f"{paper.title} {paper.number}")
        self.set_lang("en" if paper.lang == "en" else "zh-CN")
        self.set_creator("Liandong 联动")
        # The date of a document stands on it; one in the file would make every copy another.
        self.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
        self.indent, self.gap_mm = _LOOKS[paper.lang]

    def add_face(self, name: str, style: str, face: _Face) -> None:
        self.add_font(name, style, face.file, collection_font_number=face.number)

    def write_paper(self) -> None:
        self.add_page()
        self.set_font("cjk", "" if self.paper.one_weight else "B", TITLE_PT)
        self._lines(self.paper.title, TITLE_PT * 0.6, "C")
        self.ln(2)
        self.set_font("cjk", "", TEXT_PT - 1)
        self._lines(self.paper.number, LINE_MM, "R" if self.paper.lang == "zh" else "C")
        self.ln(3)
        for block in self.paper.blocks:
            self.set_font("cjk", "", TEXT_PT)
            self._write(block)

    def footer(self) -> None:
        if self.page_no() > 1:
            self.set_y(-18)
            self.set_font("cjk", "", SMALL_PT)
            self.cell(0, 6, f"— {self.page_no()} —", align="C")

    def _write(self, block: Block) -> None:
        match block.shape:
            case Shape.ADDRESSEE:
                self._lines(block.text, LINE_MM, "L")
            case Shape.CLOSING:
                self.ln(LINE_MM)
                self._lines(block.text, LINE_MM, "R")
            case Shape.FOOT:
                self.ln(LINE_MM)
                self.set_font("cjk", "", SMALL_PT)
                self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
                self.ln(2)
                self._lines(block.text, 6, "L")
            case Shape.TABLE:
                self._table(block)
            case Shape.CODE:
                self._code(block.text)
            case Shape.CAPTION:
                self.set_font("cjk", "", SMALL_PT)
                self._lines(block.text, 6, "C")
            case _:
                self._lines("\n".join(self.indent + line for line in block.text.split("\n")), LINE_MM, "L")
                self.ln(self.gap_mm)

    def _lines(self, text: str, height_mm: float, align: str) -> None:
        for line in self._wrapped(text, self.epw):
            self.cell(0, height_mm, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _wrapped(self, text: str, width_mm: float) -> list[str]:
        room_mm = width_mm - 2 * self.c_margin
        return [
            line for part in text.split("\n") for line in wrap_lines(part, room_mm, self.get_string_width)
        ]

    def _code(self, text: str) -> None:
        """Runs of dark modules as filled rectangles: sharp at every size."""
        rows = qr_modules(text)
        side_mm = len(rows) * MODULE_MM
        self.ln(4)
        if self.get_y() + side_mm > self.page_break_trigger:
            self.add_page()
        left, top = (self.w - side_mm) / 2, self.get_y()
        for number, row in enumerate(rows):
            column = 0
            for dark, run in groupby(row):
                length = len(list(run))
                if dark:
                    self.rect(
                        left + column * MODULE_MM,
                        top + number * MODULE_MM,
                        length * MODULE_MM,
                        MODULE_MM,
                        style="F",
                    )
                column += length
        self.set_xy(self.l_margin, top + side_mm)

    def _table(self, block: Block) -> None:
        """Ruled, the label in the first column; a row never breaks across pages."""
        self.set_font("cjk", "", TEXT_PT - 1.5)
        value_mm = self.epw - LABEL_MM
        for label, value, lines in block.rows:
            cells = [(self._wrapped(label, LABEL_MM), LABEL_MM), (self._wrapped(value, value_mm), value_mm)]
            height_mm = max(lines, *(len(wrapped) for wrapped, _ in cells)) * CELL_LINE_MM + 3
            if self.get_y() + height_mm > self.page_break_trigger:
                self.add_page()
            top, left = self.get_y(), self.l_margin
            for wrapped, width_mm in cells:
                self.rect(left, top, width_mm, height_mm)
                for number, line in enumerate(wrapped):
                    self.set_xy(left, top + 1.5 + number * CELL_LINE_MM)
                    self.cell(width_mm, CELL_LINE_MM, line)
                left += width_mm
            self.set_xy(self.l_margin, top + height_mm)


if __name__ == "__main__":
    sys.exit(main())
