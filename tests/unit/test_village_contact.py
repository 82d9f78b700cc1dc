"""The contact screen: what waits, how far it has come, stopped and gone on with, and a line that fails in words."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.store.casebook import Casebook
from sync import meeting
from sync.transport.base import LineDown
from tests.unit.village_place import Place, open_place
from tests.unit.village_screens import ambiguous, painted, paste, until
from village_agent.tui.app import DeskApp
from village_agent.tui.screens import contact


class Line:
    """The township, reached in this process; ``go_on`` lets the next round through, ``cut`` breaks the line."""

    carrier = "extranet"

    def __init__(self, place: Place) -> None:
        self._place = place
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.cut = False

    def exchange(self, bundle: bytes) -> bytes:
        self.reached.set()
        assert self.go_on.wait(30)
        if self.cut:
            raise LineDown("line.down", zh="连不上镇里。", en="The township cannot be reached.")
        child = self._place.desk.village.installation.node
        return meeting.answer(self._place.town.installation.node, child.keyring.pair.signing.der, bundle)

    def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path, parent_contact="https://127.0.0.1:9") as made:
        yield made


@pytest.fixture
def line(place: Place, monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line(place)
    monkeypatch.setattr(contact, "parent_line", lambda node, settings, is_stopped: made)
    return made


def _arrived(place: Place) -> int:
    book: Casebook = place.town.office.casebook
    with place.town.installation.db.reading() as tx:
        return len(list(book.all_ids(tx)))


def test_what_waits_is_told_and_a_contact_that_was_stopped_goes_on_with_enter(
    place: Place, line: Line
) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        while not line.reached.is_set():
            await pilot.pause(0.01)
        text = painted(app)
        assert "正在联络" in text
        assert "四季红镇（430981102000）" in text
        assert "[" + "." * 30 + "]" in text
        await pilot.press("escape")
        assert "正在停下" in painted(app)
        line.go_on.set()
        text = await until(app, pilot, "已停止")
        assert not ambiguous(text)
        await pilot.press("enter")
        text = await until(app, pilot, "联络完成")
        assert "没有等待上传的" in text
        await pilot.press("escape")
        await pilot.pause()
        assert "在线" in painted(app)

    place.walk(journey)
    assert place.waiting() == 0
    assert _arrived(place) == 1


def test_what_waits_says_on_its_page_why_and_what_can_be_done(place: Place, line: Line) -> None:
    line.cut = True
    line.go_on.set()

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        async def page() -> str:
            await pilot.press("f6")
            await until(app, pilot, "待上传")
            await pilot.press("enter")
            text = await until(app, pilot, "办理过程")
            await pilot.press("escape", "escape")
            return "".join(text.replace("#", "").replace("|\n", "").split())

        assert "最近没有与镇里联络。按F5现在联络" in await page()
        await pilot.press("f5")
        await until(app, pilot, "! 连不上镇里")
        await pilot.press("escape")
        assert "还没有传上去：连不上镇里。过一会儿自动再试；按F5现在就试" in await page()
        line.cut = False
        await pilot.press("f5")
        await until(app, pilot, "联络完成")
        await pilot.press("escape", "f3")
        await until(app, pilot, "已送达镇")
        await pilot.press("enter")
        text = await until(app, pilot, "办理过程")
        assert "F5 现在" not in text
        await pilot.press("n")
        await paste(pilot, "补一句话")
        await pilot.press("enter")
        assert "下一次同步时上传，最多等" in await until(app, pilot, "待上传")

    place.walk(journey)


def test_a_line_that_fails_is_said_with_what_can_be_done_instead(place: Place, line: Line) -> None:
    line.cut = True
    line.go_on.set()

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        text = await until(app, pilot, "! 连不上镇里")
        assert "按 Enter 再试" in text
        assert "等待上传：新登记 2 条" in text
        line.cut = False
        await pilot.press("enter")
        await until(app, pilot, "联络完成")

    place.walk(journey)
    assert _arrived(place) == 1


def test_while_paused_nothing_is_sent_but_by_enter_and_the_bottom_line_says_so_after_a_restart_too(
    place: Place, line: Line
) -> None:
    line.go_on.set()

    async def pausing(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await until(app, pilot, "联络完成")
        await pilot.press("p")
        text = await until(app, pilot, "自动同步已暂停")
        assert "已暂停 |" in text and "P 暂停" not in text and not ambiguous(text)
        line.reached.clear()

    async def paused(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "已暂停 |" in painted(app)
        await pilot.press("f5")
        await until(app, pilot, "按 R 恢复")
        assert not line.reached.is_set(), "opened to look, not to send"
        await pilot.press("enter")
        await until(app, pilot, "联络完成")
        assert line.reached.is_set()
        await pilot.press("r")
        text = await until(app, pilot, "P 暂停自动同步")
        assert "已暂停" not in text

    place.walk(pausing)
    place.walk(paused)
