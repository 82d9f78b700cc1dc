"""Whatever a page may be painted with is on the disk: looked at after every message that any part of a page has handled."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from core.application import Part
from tests.scenarios.world import TestWorld
from tests.unit.village_kit import ITEM, TABLE_ITEM, open_desk, sheet
from tests.unit.village_screens import painted, paste, type_text, walk
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import Field
from village_agent.tui.screens.case import CaseScreen
from village_agent.tui.service_form import ServiceForm
from village_agent.tui.table_field import RowScreen
from village_agent.tui.wizard import WizardScreen


class Looking:
    """Compares what the fields hold with what a reader of the database sees; between two messages a page may be painted."""

    def __init__(self) -> None:
        self.app: DeskApp | None = None
        self.looked = 0
        self.ahead: list[tuple[str, Any, Any]] = []

    def look(self) -> None:
        if self.app is None or not self.app.is_running:
            return
        screen = self.app.screen
        if isinstance(screen, RowScreen):
            screen = self.app.screen_stack[-2]
        fields = [field for field in screen.query(Field) if field.is_mounted]
        if not fields:
            return
        for field in fields:
            kept = self._kept(screen, field.asked.key)
            self.looked += 1
            if (field.value or None) != (kept or None):
                self.ahead.append((field.asked.key, field.value, kept))

    def _kept(self, screen: Any, key: str) -> Any:
        assert self.app is not None
        desk = self.app.desk
        with desk.village.installation.db.reading() as tx:
            if isinstance(screen, ServiceForm):
                return desk.intake.notepad.read(tx, screen.pad).get(key)
            assert isinstance(screen, WizardScreen)
            sheet = desk.intake.drafts.get(tx, screen.draft.id).sheet
            return (sheet.applicant if Part(screen.PAGE) is Part.APPLICANT else sheet.form).get(key)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    made, handle = Looking(), MessagePump._dispatch_message

    async def dispatch(self: MessagePump, message: Message) -> Any:
        done = await handle(self, message)
        made.look()
        return done

    monkeypatch.setattr(MessagePump, "_dispatch_message", dispatch)
    yield made
    assert made.looked > 100


def test_nothing_stands_in_an_application_that_is_not_on_the_disk(tmp_path: Path, looking: Looking) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        looking.app = app
        await pilot.press("f2", *TABLE_ITEM, "enter")
        await type_text(pilot, "wxy")
        await pilot.press("backspace", "f8")
        await type_text(pilot, "2")
        await pilot.press("enter", "1", "2", "enter", "enter")
        await type_text(pilot, "ab")
        await pilot.press("enter", "2", "escape", "tab")
        await type_text(pilot, "cd")
        await paste(pilot, "因病住院")
        await pilot.press("ctrl+z", "escape")
        await pilot.press("f2", *ITEM, "enter", "f8", "2", "left", "enter")
        await type_text(pilot, "x")
        await pilot.press("f8")
        looking.app = None

    walk(tmp_path / "village", journey).close()
    assert looking.ahead == []


def test_nothing_stands_in_a_form_beside_the_applications_that_is_not_on_the_disk(
    tmp_path: Path, looking: Looking
) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        looking.app = app
        await pilot.press("7", "n")
        assert isinstance(app.screen, ServiceForm)
        await type_text(pilot, "wang")
        await pilot.press("enter")
        await type_text(pilot, "13800138000")
        looking.app = None

    walk(tmp_path / "village", journey).close()
    assert looking.ahead == []


def test_a_note_that_was_typed_and_not_said_is_there_again_and_gone_once_it_is_said(tmp_path: Path) -> None:
    desk = open_desk(tmp_path / "village", TestWorld(3))
    with desk.village.installation.db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))

    def kept() -> Any:
        with desk.village.installation.db.reading() as tx:
            return desk.intake.notepad.read(tx, f"ask.note_text.{case.id}").get("text")

    async def cut_off(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CaseScreen(case.id))
        await pilot.pause()
        await pilot.press("n")
        await type_text(pilot, "call")
        assert kept() == "call"

    async def again(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CaseScreen(case.id))
        await pilot.pause()
        await pilot.press("n")
        assert "call" in painted(app)
        await type_text(pilot, "ed")
        await pilot.press("enter")
        await pilot.pause()
        assert "called" in painted(app)

    walk(tmp_path / "village", cut_off, desk=desk)
    walk(tmp_path / "village", again, desk=desk)
    assert kept() is None
    desk.close()
