"""Scans come from a path, a paste, a drop or the scanner's folder; prints go to files that only the operator reads."""

import os
import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from core.application import Part
from core.bodies import AttachmentManifest, CaseForwarded, NoteAdded
from core.case import Hold, HoldKind
from core.clock import World
from core.errors import InputError, LocalError
from core.identifiers import NodeId
from core.messages import Actor, Role, compose
from sync.attachments import CHUNK_BYTES, ChunkStore, Told
from sync.environment import SystemWorld
from tests.unit.pdf_kit import read_pdf, strokes
from tests.unit.qr_kit import read_qr
from tests.unit.village_kit import ITEM, VILLAGE, open_desk, sheet
from tests.unit.village_screens import painted, paste, quiet, type_text, until, walk
from village_agent.fork_words import fork_lines
from village_agent.intake import dropped_paths
from village_agent.prints import FOLDER, open_file, print_file, sweep_prints, write_print
from village_agent.scanner import newest_scans
from village_agent.slip import qr_halves
from village_agent.tui import sealing
from village_agent.tui.app import DeskApp
from village_agent.tui.screens.case import CaseScreen
from village_agent.tui.screens.check import CheckScreen
from village_agent.tui.screens.materials import MaterialsScreen
from village_agent.tui.screens.scans import ScansScreen
from village_agent.tui.screens.slip import SlipScreen


def scan(folder: Path, name: str, age_s: int = 0) -> Path:
    path = folder / name
    path.write_bytes(name.encode() * 50)
    at = path.stat().st_mtime - age_s
    os.utime(path, (at, at))
    return path


def test_the_scanner_folder_lists_the_newest_first_and_only_what_can_be_handed_in(tmp_path: Path) -> None:
    scan(tmp_path, "a-old.jpg", 90)
    scan(tmp_path, "z-new.PDF")
    scan(tmp_path, "run.exe")
    (tmp_path / "folder.jpg").mkdir()
    assert [one.path.name for one in newest_scans(tmp_path)] == ["z-new.PDF", "a-old.jpg"]
    with pytest.raises(InputError, match=r"scan\.folder") as refused:
        newest_scans(tmp_path / "gone")
    assert "gone" in refused.value.zh


def test_dropped_text_names_files_in_whatever_quotes_the_terminal_puts(tmp_path: Path) -> None:
    first, second = scan(tmp_path, "身份 证.jpg"), scan(tmp_path, "b.pdf")
    escaped = str(first).replace(" ", "\\ ")
    assert dropped_paths(f"'{first}'") == [first]
    assert dropped_paths(f'"{first}"\n') == [first]
    assert dropped_paths(f"file://{second}") == [second]
    assert dropped_paths(f"{escaped} {second} ") == [first, second]
    assert dropped_paths(f"{first}\n{second}") == [first, second]
    for text in ("hello", f"{first} and more", "'", "x" * 30_000, ""):
        assert dropped_paths(text) == []


def test_a_scan_is_dropped_or_picked_from_the_folder_for_the_marked_material(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    dropped = scan(tmp_path, "拖 入.jpg")
    scan(folder, "one.jpg", 60)
    scan(folder, "two.jpg")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await type_text(pilot, "lsjz")
        await pilot.press("enter", "f8", "f8")
        await pilot.pause()
        assert isinstance(app.screen, MaterialsScreen)
        app.post_message(events.Paste(f"'{dropped}' "))
        await pilot.pause()
        await quiet(app, pilot)
        assert "拖 入.jpg" in painted(app)
        app.post_message(events.Paste("一段话"))
        await pilot.pause()
        assert "不是文件路径" in painted(app)
        await pilot.press("down", "s")
        await pilot.pause()
        assert "还没有设扫描文件夹" in painted(app)
        await pilot.press("d")
        await pilot.pause()
        await type_text(pilot, str(folder))
        await pilot.press("enter")
        await pilot.pause()
        text = painted(app)
        assert text.index("two.jpg") < text.index("one.jpg")
        scan(folder, "three.jpg")
        assert isinstance(app.screen, ScansScreen)
        app.screen._show()
        await pilot.pause()
        assert "three.jpg" in painted(app)
        await pilot.press("1")
        await pilot.pause()
        await quiet(app, pilot)
        assert "three.jpg" in painted(app)

    desk = walk(tmp_path / "d", journey)
    with desk.village.installation.db.reading() as tx:
        (draft,) = desk.intake.drafts.listing(tx)
    names = [[file.name for file in one.files] for one in draft.sheet.materials]
    desk.close()
    assert names == [["拖 入.jpg"], ["three.jpg"]]
    assert draft.place.startswith(Part.MATERIALS)


def test_while_a_scan_is_sealed_keys_go_on_its_progress_is_shown_and_the_page_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = tmp_path / "big.pdf"
    big.write_bytes(os.urandom(3 * CHUNK_BYTES))
    reached, go_on = threading.Event(), threading.Event()
    real = sealing.seal_scan

    def slow(world: World, path: Path, store: ChunkStore, told: Told) -> AttachmentManifest:
        def tell(done: int, total: int) -> None:
            told(done, total)
            if done < total:
                reached.set()
                assert go_on.wait(30)

        return real(world, path, store, tell)

    monkeypatch.setattr(sealing, "seal_scan", slow)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await paste(pilot, ITEM)
        await pilot.press("enter", "f8", "f8")
        await pilot.pause()
        await paste(pilot, str(big))
        while not reached.is_set():
            await pilot.pause(0.01)
        assert "正在加密保存 big.pdf  [##########" in await until(app, pilot, "33 %")
        await pilot.press("down", "plus")
        await pilot.pause()
        assert "> [x] 户口簿" in painted(app)
        for key in ("f9", "f7", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert "保存好才能离开" in painted(app)
        go_on.set()
        await quiet(app, pilot)
        assert "已加密保存 big.pdf" in painted(app)
        await pilot.press("f9")
        await pilot.pause()
        assert isinstance(app.screen, CheckScreen)

    desk = walk(tmp_path / "d", journey)
    with desk.village.installation.db.reading() as tx:
        (draft,) = desk.intake.drafts.listing(tx)
    desk.close()
    # It is where the mark was when it was dropped, not where the mark went meanwhile.
    first = next(one for one in draft.sheet.materials if one.files)
    assert (first.name, [file.name for file in first.files]) == ("居民身份证", ["big.pdf"])


def test_a_print_is_readable_by_its_owner_alone_and_gone_after_a_day(tmp_path: Path) -> None:
    class Later(SystemWorld):
        def now(self):  # type: ignore[no-untyped-def]
            return super().now() + timedelta(hours=25)

    path = write_print(tmp_path, "slip-1.pdf", b"%PDF-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    assert sweep_prints(tmp_path, SystemWorld()) == 0
    assert sweep_prints(tmp_path, Later()) == 1
    assert not path.exists()


def test_without_printer_or_screen_the_path_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_print(tmp_path, "slip-1.pdf", b"%PDF-")
    monkeypatch.setenv("PATH", str(tmp_path))
    for refuse in (open_file, print_file):
        with pytest.raises(LocalError) as refused:
            refuse(path)
        assert str(path) in refused.value.zh
        assert str(path) in refused.value.en
    tool = tmp_path / "lp"
    tool.write_text(f'#!/bin/sh\n/bin/cp "$1" {tmp_path}/printed\n')
    tool.chmod(0o755)
    print_file(path)
    assert (tmp_path / "printed").read_bytes() == b"%PDF-"
    tool.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(LocalError, match=r"print\.refused"):
        print_file(path)


def test_the_qr_on_narrow_paper_is_read_back_and_fits_58_millimetres() -> None:
    text = "43098110200120261126000119ABCDEFGH"
    lines = qr_halves(text)
    assert max(map(len, lines)) <= 32
    modules = []
    for line in lines:
        padded = line.ljust(32)
        modules.append([char in "▀█" for char in padded])
        modules.append([char in "▄█" for char in padded])
    assert read_qr(modules) == text


def test_one_key_makes_the_pdf_of_the_slip_and_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "d"
    desk = open_desk(folder, SystemWorld())
    known = sheet(desk.intake)
    named = replace(known, applicant={**known.applicant, "name": "𠮷䶮"})
    with desk.village.installation.db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, named)
    path = folder / FOLDER / f"slip-{case.id}.pdf"

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(SlipScreen(case.id))
        await pilot.pause()
        await pilot.press("p")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "没有图形界面" in painted(app).replace("\n", "").replace(" ", "")

    walk(folder, journey, desk=desk).close()
    text, fonts = read_pdf(path.read_bytes())
    assert "𠮷䶮" in text
    assert "仅本机" in text
    assert all(strokes(fonts, char) > 3 for char in "𠮷䶮")


def test_a_case_with_two_histories_opens_as_two_columns(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    desk = open_desk(folder, SystemWorld())
    town = NodeId("430981102000")
    with desk.village.installation.db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))
        for number, note in enumerate(("材料齐", "材料不齐")):
            actor = Actor("w1", "窗口", Role.WINDOW)
            message = compose(
                f"{number:032x}", case.id, case.version, town, actor, desk.world.now(), CaseForwarded(note)
            )
            desk.village.office.casebook.record(tx, message)
        assert desk.village.office.casebook.get(tx, case.id).hold is not None

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CaseScreen(case.id))
        await pilot.pause()
        (line,) = [one for one in painted(app).splitlines() if "材料不齐" in one and "|" in one]
        assert line.count("材料") == 2
        assert "市中心核定" in painted(app)

    walk(folder, journey, desk=desk).close()


def test_a_forked_case_is_shown_side_by_side_with_its_differences_marked(tmp_path: Path) -> None:
    desk = open_desk(tmp_path / "d", SystemWorld())
    office, db = desk.village.office, desk.village.installation.db
    with db.transaction() as tx:
        case = desk.intake.submit(tx, desk.actor, sheet(desk.intake))
        for who, text in (("甲村", "材料齐了"), ("乙村", "还缺一份")):
            actor = Actor("a1", who, Role.AGENT)
            office.casework.act(tx, case.id, actor, NoteAdded(text))
        said = office.casebook.messages(tx, case.id)
    desk.close()
    left, right = [message for message in said if message.base is None and message.type == "NoteAdded"]
    hold = Hold(HoldKind.FORK, case.version, ((left.id,), (right.id,)))
    item = office.shelf.item(case.item, case.catalogue_version)
    lines = fork_lines(hold, said, item, "zh", 76)
    (differing,) = [line for line in lines if "材料齐了" in line]
    assert "还缺一份" in differing
    assert differing.startswith("!")
    assert "甲村" in lines[1] and "乙村" in lines[1]
    assert NodeId(VILLAGE) == case.origin and case.item == ITEM
