"""Walks through every page of the village terminal in families, for what has to hold of all of them."""

from pathlib import Path

from core.clock import World
from tests.screens.filing_pages import FILING
from tests.screens.hand import CODE, Family, Hand
from tests.screens.service_pages import SERVICE
from tests.unit.village_kit import ITEM, PIN, VILLAGE, open_desk, person, sheet
from village_agent.practice import open_practice
from village_agent.tui.app import DeskApp


def _open_setup(folder: Path, world: World, lang: str) -> DeskApp:
    return DeskApp(folder, world, lang)


async def _walk_setup(hand: Hand) -> None:
    hand.see("language")
    await hand.press("2" if hand.app.lang == "en" else "1")
    hand.see("frame")
    await hand.press("2")
    hand.see("frame-mend")
    await hand.press("1")
    await hand.paste("ab")
    await hand.press("enter")
    hand.see("typing-refused")
    await hand.press("f8")
    await hand.quiet()
    hand.see("machine")
    await hand.press("enter")
    hand.see("clock")
    await hand.press("2")
    hand.see("clock-mend")
    await hand.press("3")
    hand.see("village")
    await hand.paste("和平")
    hand.see("village-found")
    await hand.press("ctrl+u")
    await hand.paste("430981102999")
    await hand.press("enter")
    hand.see("village-refused")
    await hand.press("ctrl+u")
    await hand.paste(VILLAGE)
    await hand.press("enter")
    hand.see("address")
    await hand.paste("10.0.0/x")
    await hand.press("enter", "enter")
    hand.see("address-refused")
    await hand.press("f8")
    hand.see("operator")
    await hand.paste("李代办")
    await hand.press("enter")
    await hand.paste("123456")
    await hand.press("enter")
    await hand.paste("123456")
    await hand.press("enter")
    hand.see("operator-refused")
    await hand.press("ctrl+u")
    await hand.paste(PIN)
    await hand.press("enter", "ctrl+u")
    await hand.paste(PIN)
    await hand.press("enter")
    await hand.quiet()
    hand.see("join")
    await hand.press("f7")
    hand.see("join-no-code")
    await hand.paste(CODE.text)
    await hand.press("f7")
    await hand.quiet()
    hand.see("join-stick")
    for outcome in ("refused", "applied", "joined"):
        await hand.press("enter")
        await hand.quiet()
        hand.see(f"join-{outcome}")
        await hand.press("f7")
        await hand.quiet()
    await hand.press("escape")
    await hand.press("escape")
    hand.see("operator-set")
    await hand.press("enter", "enter", "enter")
    await hand.quiet()
    await hand.press("f8")
    hand.see("done")
    await hand.press("enter")
    hand.see("home-not-joined")


def _open_desk(folder: Path, world: World, lang: str) -> DeskApp:
    desk = open_desk(folder, world)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    return DeskApp(folder, world, lang, desk)


async def _walk_intake(hand: Hand) -> None:
    hand.see("home")
    await hand.press("f2")
    hand.see("find-item")
    await hand.paste(ITEM)
    await hand.press("enter")
    hand.see("applicant")
    await hand.paste("王秀英")
    await hand.press("enter", "enter")
    await hand.paste(person())
    await hand.press("enter")
    hand.see("applicant-number")
    await hand.press("f8")
    hand.see("form")
    await hand.press("f8")
    hand.see("materials")
    await hand.press("f9")
    hand.see("check-problems")
    await hand.press("escape")
    hand.see("home-unfinished")
    await hand.press("f4")
    hand.see("drafts")
    await hand.press("escape", "f6")
    hand.see("outbox")
    await hand.press("enter")
    hand.see("case")
    await hand.press("s")
    hand.see("slip")
    await hand.press("q")
    hand.see("qr")
    await hand.press("escape", "escape", "escape", "escape", "f3")
    hand.see("search")


async def _walk_care(hand: Hand) -> None:
    await hand.press("f1")
    hand.see("help")
    await hand.press("escape", "ctrl+p")
    hand.see("commands")
    await hand.press("escape", "f5")
    hand.see("contact")
    await hand.press("e")
    await hand.quiet()
    hand.see("stick-choice")
    await hand.press("p")
    hand.see("stick-path")
    await hand.press("up")
    await hand.press("enter")
    await hand.quiet()
    hand.see("stick-not-there")
    await hand.press("escape", "escape", "f10")
    await hand.quiet()
    hand.see("doctor")
    await hand.press("escape")
    await hand.app.run_action("operators")
    await hand.press("enter")
    hand.see("operators")
    await hand.press("escape", "escape", "ctrl+l")
    hand.see("lock")


def _open_practice(folder: Path, world: World, lang: str) -> DeskApp:
    return DeskApp(folder, world, lang, open_practice(folder, world))


async def _walk_practice(hand: Hand) -> None:
    hand.see("home")
    await hand.press("4")
    hand.see("cases")
    await hand.press("enter")
    hand.see("case")
    await hand.press("n")
    hand.see("question")
    await hand.press("escape", "escape", "escape", "f5")
    hand.see("contact")
    await hand.press("escape", "ctrl+p")
    hand.see("commands")


FAMILIES = {
    "setup": Family(_open_setup, _walk_setup),
    "intake": Family(_open_desk, _walk_intake),
    "care": Family(_open_desk, _walk_care),
    "practice": Family(_open_practice, _walk_practice),
    "filing": FILING,
    "service": SERVICE,
}
