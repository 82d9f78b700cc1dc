"""Reading the village terminal in a test: what is painted, as text."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from core.clock import World
from sync.environment import SystemWorld
from tests.unit import settled
from tests.unit.village_kit import open_desk
from village_agent.session import Session
from village_agent.tui.app import DeskApp

settled.use()

Journey = Callable[[DeskApp, Pilot[None]], Awaitable[Any]]


def painted(app: DeskApp) -> str:
    """Every line of the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def ambiguous(text: str) -> set[str]:
    """Glyphs that consoles draw in two widths."""
    return {char for char in text if unicodedata.east_asian_width(char) == "A"}


def walk(
    folder: Path,
    journey: Journey,
    *,
    lang: str = "zh",
    size: tuple[int, int] = (80, 24),
    desk: Session | None = None,
    world: World | None = None,
) -> Session:
    """Run a journey through the screens; returns the desk, which the caller closes."""
    clock = world or SystemWorld()
    opened = desk or open_desk(folder, clock)

    async def run() -> None:
        app = DeskApp(folder, clock, lang, opened)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await journey(app, pilot)

    asyncio.run(run())
    return opened


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Keys one by one, as a person would."""
    for char in text:
        await pilot.press(char)


async def paste(pilot: Pilot[None], text: str) -> None:
    """Text in one piece, as an input method or the clipboard brings it."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def quiet(app: DeskApp, pilot: Pilot[None]) -> None:
    """Until no work runs beside the page."""
    await app.workers.wait_for_complete()
    await pilot.pause()


async def until(app: DeskApp, pilot: Pilot[None], words: str) -> str:
    """The page, once it shows ``words``."""
    for _ in range(400):
        await pilot.pause(0.01)
        if words in painted(app):
            return painted(app)
    raise AssertionError(f"{words!r} was not painted:\n{painted(app)}")


async def fill_applicant(pilot: Pilot[None], number: str) -> None:
    """From the first field of the applicant's page to the next page."""
    await type_text(pilot, "王秀英")
    await pilot.press("enter", "enter")
    await type_text(pilot, number)
    await pilot.press("enter")
    await type_text(pilot, "13800138000")
    await pilot.press("enter")
    await pilot.pause()
