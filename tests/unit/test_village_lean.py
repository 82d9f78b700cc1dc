"""A terminal that is worked at all day holds the pages that are open, and none that were left."""

import gc
from pathlib import Path

from textual._styles_cache import StylesCache
from textual.pilot import Pilot

from tests.unit.village_screens import type_text, walk
from village_agent.tui.app import DeskApp

ROUNDS = 5


def test_pages_that_were_left_are_let_go(tmp_path: Path) -> None:
    held: list[int] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        for _ in range(ROUNDS):
            await pilot.press("f3")
            await type_text(pilot, "wang")
            await pilot.press("escape", "f2")
            await type_text(pilot, "lsjz")
            await pilot.press("enter")
            await type_text(pilot, "li")
            await pilot.press("escape", "escape", "d")
            await pilot.pause()
            gc.collect()
            held.append(sum(isinstance(one, StylesCache) for one in gc.get_objects()))

    walk(tmp_path / "village", journey).close()
    # A page has dozens; one or two of them may still be on their way out.
    assert max(held[1:]) - min(held[1:]) < 40, held
