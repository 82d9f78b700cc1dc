"""The village's contact screen and a stick: found, typed or pasted, progress in words, safe only when read back."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.store.office import Office
from sync.environment import SystemWorld
from sync.outbox import queue_of
from sync.stick_import import import_from
from sync.transport import usb
from sync.transport.usb import Stick
from sync.workplace import Workplace
from tests.unit.enrolled_kit import TOWN, enrol_with, found_city, township
from tests.unit.village_kit import open_desk, sheet
from tests.unit.village_screens import ambiguous, painted, type_text, walk
from village_agent.line_state import line_state
from village_agent.session import Session
from village_agent.sticks import FOUND_MAX, chosen, mounted_sticks
from village_agent.tui.app import DeskApp
from village_agent.tui.screens import contact as contact_screen


@dataclass(frozen=True)
class Place:
    """A village desk with one case that waits, its township, and a folder that stands for a stick."""

    desk: Session
    town: Workplace[Office]
    stick: Path

    def waiting(self) -> int:
        with self.desk.village.installation.db.reading() as tx:
            return queue_of(tx, TOWN).envelopes

    def walk(self, journey, **options) -> None:
        walk(self.desk.village.installation.folder, journey, desk=self.desk, **options)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    world = SystemWorld()
    city = found_city(tmp_path / "city", world)
    town = township(tmp_path / "town", world, city.node)
    desk = open_desk(tmp_path / "village", world)
    enrol_with(city.node, desk.village.installation.node)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    stick = tmp_path / "media" / "KINGSTON"
    stick.mkdir(parents=True)
    monkeypatch.setattr(contact_screen, "mounted_sticks", lambda: (stick,))
    yield Place(desk, town, stick)
    desk.close()
    town.installation.close()
    city.close()


async def _until(app: DeskApp, pilot: Pilot[None], words: str) -> str:
    for _ in range(400):
        await pilot.pause(0.02)
        if words in painted(app):
            return painted(app)
    raise AssertionError(f"{words!r} was not painted:\n{painted(app)}")


async def _ask(pilot: Pilot[None], letter: str) -> None:
    await pilot.press("f5")
    await pilot.pause()
    await pilot.press(letter)
    await pilot.pause()


@pytest.mark.parametrize(
    ("lang", "safe", "kept"),
    [("zh", "现在可以拔出U盘", "回执带回之前"), ("en", "may now be removed", "until the receipt")],
)
def test_a_case_goes_out_on_a_stick_and_its_receipt_comes_back_by_keys_alone(
    place: Place, lang: str, safe: str, kept: str
) -> None:
    seen: list[str] = []

    async def out(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        assert "KINGSTON" in painted(app)
        await pilot.press("enter")
        text = await _until(app, pilot, safe)
        assert kept in text.replace("\n", "")
        seen.append(text)
        await pilot.press("escape")
        seen.append(await _until(app, pilot, "KINGSTON"))

    async def back(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "i")
        await pilot.press("enter")
        seen.append(await _until(app, pilot, safe))

    place.walk(out, lang=lang)
    assert place.waiting() > 0
    report = import_from(Stick(place.stick), place.town.installation.node)
    assert report.error is None
    with place.town.installation.db.reading() as tx:
        assert len(list(place.town.office.casebook.all_ids(tx))) == 1
    place.walk(back, lang=lang)
    assert place.waiting() == 0
    assert not any(ambiguous(text) for text in seen)


def test_without_a_stick_a_path_is_typed_and_a_wrong_one_is_said_in_words(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_screen, "mounted_sticks", lambda: ())

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        assert "没有找到U盘" in painted(app)
        await type_text(pilot, "/nowhere")
        await pilot.press("enter")
        text = await _until(app, pilot, "找不到文件夹")
        assert "可以拔出" not in text
        await pilot.press("escape", "i")
        await pilot.pause()
        await type_text(pilot, str(place.stick))
        await pilot.press("enter")
        await _until(app, pilot, "没有给本机的数据包")

    place.walk(journey)


def test_a_stick_that_fails_is_never_called_safe(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def failing(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().is_relative_to(place.stick):
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(usb.os, "fsync", failing)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        await pilot.press("enter")
        assert "可以拔出" not in await _until(app, pilot, "U盘读写出错")

    place.walk(journey)
    assert place.waiting() > 0


def test_a_stick_is_no_line(place: Place) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        await pilot.press("enter")
        await _until(app, pilot, "现在可以拔出U盘")

    place.walk(journey)
    import_from(Stick(place.stick), place.town.installation.node)
    village = place.desk.village
    import_from(Stick(place.stick), village.installation.node)
    with village.installation.db.reading() as tx:
        state = line_state(tx, village)
    assert state.last_contact_at is not None
    assert not state.online


def test_mounted_folders_are_found_two_levels_deep_and_nothing_else(tmp_path: Path) -> None:
    sticks = [tmp_path / "media" / "li" / "KINGSTON", tmp_path / "mnt" / "usb"]
    for folder in (*sticks, tmp_path / "media" / "li" / "plain"):
        folder.mkdir(parents=True)
    (tmp_path / "media" / "link").symlink_to(sticks[0])
    roots = (tmp_path / "media", tmp_path / "absent", tmp_path / "mnt")
    assert mounted_sticks(roots, lambda folder: folder in sticks) == tuple(sticks)
    assert mounted_sticks(roots, lambda folder: False) == ()
    for number in range(20):
        (tmp_path / "mnt" / f"disk{number}").mkdir()
    assert len(mounted_sticks(roots, lambda folder: True)) == FOUND_MAX


def test_a_digit_names_a_stick_and_anything_else_is_a_path(tmp_path: Path) -> None:
    offered = (Path("/media/a"), Path("/media/b"))
    assert chosen("2", offered) == "/media/b"
    assert chosen("3", offered) == "3"
    assert chosen("/mnt/x", offered) == "/mnt/x"
