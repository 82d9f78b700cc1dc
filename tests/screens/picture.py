"""The painted screen as a picture that puts every character into its cell, wide ones into two.

    python -m tests.screens.picture docs/screens

walks a village terminal through an application by invented people and draws the pages that the documents show.
"""

import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import ColorType
from rich.style import Style
from textual.pilot import Pilot

from tests.unit.test_village_tui import TABLE_ITEM, _begin, person
from tests.unit.village_screens import fill_applicant, type_text, walk
from village_agent.tui.app import DeskApp

CELL_W, CELL_H, MARGIN = 9, 20, 12
INK, PAPER = "#e0e0e0", "#121212"
FONT = "'Noto Sans Mono CJK SC','DejaVu Sans Mono',monospace"


def picture(app: DeskApp) -> str:
    """An SVG of what ``app`` has painted."""
    strips = app.screen._compositor.render_strips()
    width = max(sum(segment.cell_length for segment in strip) for strip in strips) * CELL_W + 2 * MARGIN
    height = len(strips) * CELL_H + 2 * MARGIN
    boxes: list[str] = []
    words: list[str] = []
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            x, y = MARGIN + column * CELL_W, MARGIN + row * CELL_H
            ink, paper = _colours(segment.style)
            if paper != PAPER:
                boxes.append(
                    f'<rect x="{x}" y="{y}" width="{segment.cell_length * CELL_W}" height="{CELL_H}" fill="{paper}"/>'
                )
            if segment.text.strip():
                words.append(_run(segment.text, x, y, ink, bold=bool(segment.style and segment.style.bold)))
            column += segment.cell_length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="15">'
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>{"".join(boxes)}{"".join(words)}</svg>\n'
    )


def _run(text: str, x: int, y: int, ink: str, *, bold: bool) -> str:
    places, column = [], 0
    for char in text:
        places.append(str(x + column * CELL_W))
        column += cell_len(char)
    weight = ' font-weight="bold"' if bold else ""
    return f'<text y="{y + 15}" x="{" ".join(places)}" fill="{ink}"{weight} xml:space="preserve">{escape(text)}</text>'


def _colours(style: Style | None) -> tuple[str, str]:
    ink, paper = INK, PAPER
    if style is not None:
        if style.color is not None and style.color.type is ColorType.TRUECOLOR:
            ink = style.color.get_truecolor().hex
        if style.bgcolor is not None and style.bgcolor.type is ColorType.TRUECOLOR:
            paper = style.bgcolor.get_truecolor().hex
        if style.reverse:
            ink, paper = paper, ink
    return ink, paper


def main(target: Path) -> None:
    """Draw the pages into ``target``."""
    target.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "户口簿.jpg"
        scan.write_bytes(b"scan" * 4000)

        async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
            def draw(name: str) -> None:
                (target / f"{name}.svg").write_text(picture(app), encoding="utf-8")

            await _begin(pilot, TABLE_ITEM)
            await fill_applicant(pilot, person())
            await pilot.press("f8")
            await type_text(pilot, "2")
            await pilot.press("enter")
            await type_text(pilot, "1200")
            await pilot.press("enter", "enter")
            await pilot.pause()
            await type_text(pilot, "张三")
            await pilot.press("enter", "2", "enter", "enter", "enter")
            await type_text(pilot, "600.5")
            await pilot.press("escape")
            await pilot.pause()
            await pilot.press("tab")
            await type_text(pilot, "因病住院，家中老人需长期照料")
            await pilot.pause()
            draw("form")
            await pilot.press("f8")
            await pilot.pause()
            await pilot.press("enter", "enter", "enter", "enter", "enter", "home", "f")
            await pilot.pause()
            await type_text(pilot, str(scan))
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("f9")
            await pilot.pause()
            await pilot.press("f9")
            await pilot.pause()
            draw("slip")
            await pilot.press("escape")
            await pilot.pause()
            draw("home")

        walk(Path(folder) / "desk", journey, size=(80, 24)).close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
