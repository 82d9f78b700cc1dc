"""The village's contact screen and a stick: found, typed or pasted, progress in words, safe only when read back."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from sync.stick import export_to
from sync.stick_import import import_from
from sync.transport import usb
from sync.transport.usb import Stick
from tests.unit.village_place import Place, open_place
from tests.unit.village_screens import ambiguous, painted, type_text, until
from village_agent.line_state import line_state
from village_agent.sticks import FOUND_MAX, look_at, mounted_sticks
from village_agent.tui.app import DeskApp
from village_agent.tui.progress import bar
from village_agent.tui.screens import stick_choice
from village_agent.tui.window_list import WindowList


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with open_place(tmp_path) as made:
        monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: (made.stick,))
        yield made


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
        text = await until(app, pilot, safe)
        assert kept in text.replace("\n", "")
        seen.append(text)
        await pilot.press("escape")
        seen.append(await until(app, pilot, "KINGSTON"))

    async def back(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "i")
        await pilot.press("enter")
        seen.append(await until(app, pilot, safe))

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
    monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: ())

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        assert "没有找到U盘" in painted(app)
        await type_text(pilot, "/nowhere")
        await pilot.press("enter")
        text = await until(app, pilot, "找不到文件夹")
        assert "可以拔出" not in text
        await pilot.press("escape", "i")
        await pilot.pause()
        await type_text(pilot, str(place.stick))
        await pilot.press("enter")
        await until(app, pilot, "没有给本机的数据包")

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
        assert "可以拔出" not in await until(app, pilot, "U盘读写出错")

    place.walk(journey)
    assert place.waiting() > 0


def test_a_stick_is_no_line(place: Place) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        await pilot.press("enter")
        await until(app, pilot, "现在可以拔出U盘")

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


def test_what_lies_on_a_stick_is_told_before_it_is_chosen_and_nothing_is_taken(place: Place) -> None:
    town = place.town.installation.node
    export_to(Stick(place.stick), town, [place.desk.village.installation.node.place.node])
    (bundle,) = (place.stick / "LIANDONG").iterdir()
    (place.stick / "LIANDONG" / "cut.ldb").write_bytes(bundle.read_bytes()[:30])
    (place.stick / "LIANDONG" / "holiday.jpg").write_bytes(b"jpeg" * 99)
    lying = look_at(place.stick, place.desk.village.installation.node)
    assert (lying.for_us, lying.ours, lying.for_others, lying.cut, lying.foreign) == (1, 0, 0, 1, 1)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "i")
        text = await until(app, pilot, "给本机的 1 个")
        assert "没复制完的 1 个" in text
        assert "别的文件 1 个" in text
        await pilot.press("1")
        text = await until(app, pilot, "[完成]")
        flat = text.replace("\n", "").replace(" ", "")
        assert "文件没有复制完" in flat
        assert "不是联动数据包" in flat
        assert "已接收" in flat

    place.walk(journey)


def test_a_stick_that_is_plugged_in_later_appears_and_one_pulled_out_goes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged: list[Path] = []
    monkeypatch.setattr(stick_choice, "plugged_sticks", lambda: tuple(plugged))
    monkeypatch.setattr(stick_choice, "LOOK_AGAIN_S", 0.05)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        assert "没有找到U盘" in painted(app)
        plugged.append(place.stick)
        await until(app, pilot, "KINGSTON")
        assert app.focused is app.screen.query_one(WindowList)
        plugged.clear()
        await until(app, pilot, "没有找到U盘")

    place.walk(journey)


def test_an_export_that_is_stopped_leaves_nothing_half_and_goes_on_with_enter(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    real = usb._write_synced

    def slow(path: Path, data: bytes, told: usb.Written) -> None:
        reached.set()
        assert go_on.wait(30)
        real(path, data, told)

    monkeypatch.setattr(usb, "_write_synced", slow)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _ask(pilot, "e")
        await until(app, pilot, "KINGSTON")
        await pilot.press("enter")
        while not reached.is_set():
            await pilot.pause(0.01)
        assert "不要拔出" in painted(app)
        await pilot.press("escape")
        assert "正在停下" in painted(app)
        go_on.set()
        await until(app, pilot, "[已停止]")
        assert list((place.stick / "LIANDONG").iterdir()) == []
        await pilot.press("enter")
        await until(app, pilot, "[完成]")
        assert len(list((place.stick / "LIANDONG").iterdir())) == 1

    place.walk(journey)
    assert place.waiting() > 0


def test_progress_is_told_in_bytes_items_and_a_bar() -> None:
    assert bar(1, 3) == f"[{'#' * 10}{'.' * 20}]  33 %"
    assert bar(9, 3).endswith("100 %")
    assert bar(9, 0) == ""
