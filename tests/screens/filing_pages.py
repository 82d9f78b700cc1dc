"""The pages of an application by somebody known, with a table and scans, from the people to the slip."""

import os
from pathlib import Path

from core.clock import World
from tests.screens.hand import Family, Hand
from tests.unit.village_kit import TABLE_ITEM, open_desk, person, sheet
from village_agent.scanner import SETTING
from village_agent.tui.app import DeskApp

SCANS = Path("扫描")
RARE_NAME = "𠮷䶮"


def _open(folder: Path, world: World, lang: str) -> DeskApp:
    desk = open_desk(folder, world)
    scans = folder.parent / SCANS
    scans.mkdir()
    for number, name in enumerate(("身份证-正反面.jpg", "户口簿 第1页.pdf", "scan0003.png")):
        file = scans / name
        file.write_bytes(b"scan" * 4000 * (number + 1))
        at = world.now().timestamp() - 600 * number
        os.utime(file, (at, at))
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
        desk.intake.notepad.keep(tx, SETTING, {"path": str(scans)})
    return DeskApp(folder, world, lang, desk)


async def _walk(hand: Hand) -> None:
    await hand.press("f2")
    await hand.paste(TABLE_ITEM)
    await hand.press("enter", "ctrl+r")
    hand.see("people")
    await hand.paste("无此人")
    hand.see("people-none")
    await hand.press("ctrl+u", "enter")
    hand.see("applicant-reused")
    await hand.press("f8")
    hand.see("form")
    await hand.press("2", "enter")
    await hand.paste("一千二")
    await hand.press("enter")
    hand.see("form-refused")
    await hand.press("up", "ctrl+u")
    await hand.paste("1200")
    await hand.press("enter", "enter")
    hand.see("table-row")
    await hand.paste(RARE_NAME)
    await hand.press("enter", "2", "enter")
    await hand.paste("430981")
    await hand.press("enter")
    hand.see("table-row-refused")
    await hand.press("up", "ctrl+u")
    await hand.paste(person(serial="043"))
    await hand.press("enter", "enter")
    await hand.paste("600")
    await hand.press("escape", "tab")
    await hand.paste("因病住院，家中老人需长期照料。\n第二行：收入只有零工。")
    hand.see("form-filled")
    await hand.press("f8", "s")
    hand.see("scans")
    await hand.press("2")
    await hand.quiet()
    hand.see("materials-sealed")
    await hand.press("f")
    hand.see("scan-path")
    await hand.press("escape", "a", "f9")
    hand.see("check-ready")
    await hand.press("f9")
    hand.see("slip-submitted")
    await hand.press("escape", "f2", "enter", "escape", "f4", "d")
    hand.see("drafts-abandoned-one")
    await hand.press("a")
    hand.see("drafts-abandoned")


FILING = Family(_open, _walk)
