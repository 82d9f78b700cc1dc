"""The painted screen as a picture that puts every character into its cell, wide ones into two.

    python -m tests.screens.picture docs/screens

walks a village terminal through an application by invented people and joins what a person sees on the way to one moving
picture, ``tour.svg``.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import ColorType
from rich.style import Style
from textual.pilot import Pilot

from tests.unit.test_village_tui import TABLE_ITEM, _begin, person
from tests.unit.village_place import open_place
from tests.unit.village_screens import fill_applicant, paste, quiet, type_text
from village_agent.tui.app import DeskApp

CELL_W, CELL_H, MARGIN = 9, 20, 12
INK, PAPER = "#e0e0e0", "#121212"
FONT = "'Noto Sans Mono CJK SC','DejaVu Sans Mono',monospace"


FRAME_S = 3
CAPTION_H = 30


def tour(frames: Sequence[tuple[int, int, str]], captions: Sequence[str]) -> str:
    """An SVG that shows each frame for ``FRAME_S`` seconds with its caption, over and over."""
    width, height = frames[0][0], frames[0][1] + CAPTION_H
    whole_s = FRAME_S * len(frames)
    style = (
        f"g{{visibility:hidden;animation:t {whole_s}s steps(1) infinite}}"
        f"@keyframes t{{0%{{visibility:visible}}{100 / len(frames):.3f}%{{visibility:hidden}}}}"
        "@media(prefers-reduced-motion:reduce){g{animation:none}g:last-of-type{visibility:visible}}"
    )
    parts = [
        f'<g style="animation-delay:{at * FRAME_S}s">{cells}'
        f'<text x="{MARGIN}" y="{height - 12}" fill="#8ab4f8" font-size="16">{at + 1}/{len(frames)}　{escape(caption)}</text></g>'
        for at, ((_, _, cells), caption) in enumerate(zip(frames, captions, strict=True))
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="15">'
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/><style>{style}</style>{"".join(parts)}</svg>\n'
    )


def painted_cells(app: DeskApp) -> tuple[int, int, str]:
    """Width, height and elements of what ``app`` has painted."""
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
    return width, height, "".join(boxes) + "".join(words)


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
    """Draw ``tour.svg`` into ``target``."""
    target.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "户口簿.jpg"
        scan.write_bytes(b"scan" * 4000)

        frames: list[tuple[int, int, str]] = []
        captions: list[str] = []

        async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
            async def see(caption: str) -> None:
                await pilot.pause()
                frames.append(painted_cells(app))
                captions.append(caption)

            await see("打开就能用，没有网络也一样 / ready at once, with or without a line")
            await pilot.press("f2")
            await type_text(pilot, "ncjm")
            await see("F2，用拼音首字母找事项 / F2, find the item by its initials")
            await pilot.press("escape")
            await _begin(pilot, TABLE_ITEM)
            await fill_applicant(pilot, person())
            await see("申请人：证件号当场核对 / the applicant, the number checked at once")
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
            await paste(pilot, "因病住院，家中老人需长期照料")
            await pilot.pause()
            await see("每按一键都已保存 / every key is saved")
            await pilot.press("f8")
            await pilot.pause()
            await pilot.press("enter", "enter", "enter", "enter", "enter", "home", "f")
            await pilot.pause()
            await type_text(pilot, str(scan))
            await pilot.press("enter")
            await quiet(app, pilot)
            await see("材料逐项登记，扫描件密封 / the papers one by one, scans sealed")
            await pilot.press("f9")
            await see("提交前核对 / check before it is handed in")
            await pilot.press("f9")
            await pilot.pause()
            await see("回执：只在本机，还是已送达 / the slip says where copies are")
            await pilot.press("escape")
            await pilot.pause()
            await see("待上传的，线路一通自己会走 / it goes by itself when the line is there")

        with open_place(Path(folder)) as place:
            place.walk(journey)
        (target / "tour.svg").write_text(tour(frames, captions), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
