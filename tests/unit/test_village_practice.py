"""Practice: marked on every page, guided, and never to be mixed up with what is real."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot

from core.errors import InputError, StateError
from core.regions import load_yuanjiang
from core.states import State
from sync.environment import SystemWorld
from sync.settings import Settings, load_settings, write_settings
from sync.status import is_enrolled
from tests.unit.village_kit import PIN, VILLAGE, open_desk
from tests.unit.village_screens import Journey, painted, paste
from village_agent.app import open_village
from village_agent.cli import main
from village_agent.line_state import home_counts
from village_agent.outlook import outlook
from village_agent.practice import open_practice, practice_folder, reset
from village_agent.practice_cases import nobody
from village_agent.practice_mark import BANNER, MARK_NAME, PRACTICE_VILLAGE
from village_agent.session import Session
from village_agent.slip import slip_lines, thermal_text
from village_agent.tui.app import DeskApp
from village_agent.tui.practice_guide import GUIDED_PERSON
from village_agent.tui.words import both, keys


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Session]:
    opened = open_practice(tmp_path / "p", SystemWorld())
    yield opened
    opened.close()


def walk(desk: Session, journey: Journey, lang: str = "zh") -> DeskApp:
    app = DeskApp(desk.village.installation.folder, SystemWorld(), lang, desk)

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await journey(app, pilot)

    asyncio.run(run())
    return app


def test_it_begins_with_drafts_a_returned_case_a_decided_one_and_one_under_way(desk: Session) -> None:
    village = desk.village
    with village.installation.db.reading() as tx:
        counts = home_counts(tx, village, desk.intake.drafts)
        cases = [village.office.casebook.get(tx, one) for one in village.office.casebook.all_ids(tx)]
    assert (counts.drafts, counts.waiting, counts.in_transit, counts.back) == (2, 0, 1, 2)
    assert {case.state for case in cases} == {State.SUPPLEMENT_REQUESTED, State.GRANTED, State.ACCEPTED}
    assert all(case.origin == PRACTICE_VILLAGE for case in cases)
    assert not is_enrolled(village.installation)
    assert village.installation.settings.parent_contact == ""


def test_its_village_is_in_no_table_and_its_people_cannot_be_alive(desk: Session) -> None:
    assert PRACTICE_VILLAGE not in load_yuanjiang()
    assert all(nobody(number)["id_no"][6:10] == "1901" for number in range(20))


def test_every_slip_of_it_says_so_at_both_ends_in_both_languages(desk: Session) -> None:
    village = desk.village
    with village.installation.db.reading() as tx:
        views = [
            outlook(tx, village, village.office.casebook.get(tx, one))
            for one in village.office.casebook.all_ids(tx)
        ]
    for lang in ("zh", "en"):
        for view in views:
            lines = slip_lines(view, desk.intake.divisions, lang)
            assert BANNER in lines[1]
            assert BANNER in lines[-1]
            assert thermal_text(lines).count(BANNER) == 2


def test_the_guide_alone_leads_through_a_first_case(desk: Session) -> None:
    guided: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        def hint() -> str:
            text = painted(app)
            assert text.startswith(" [练习]"), text
            line = next(line for line in text.splitlines() if "练习提示" in line)
            guided.append(line.strip())
            return line

        assert "F2" in hint()
        await pilot.press("f2")
        await pilot.pause()
        assert "lsjz" in hint()
        await paste(pilot, "lsjz")
        await pilot.press("enter")
        await pilot.pause()
        assert "姓名" in hint()
        await paste(pilot, "王练习")
        await pilot.press("enter")
        await pilot.pause()
        assert "不用改" in hint()
        await pilot.press("enter")
        await pilot.pause()
        number = nobody(GUIDED_PERSON)["id_no"]
        assert number in hint()
        await paste(pilot, number)
        await pilot.press("enter")
        await pilot.pause()
        assert "13800000000" in hint()
        await paste(pilot, "13800000000")
        await pilot.press("enter")
        await pilot.pause()
        assert "Enter" in hint()
        await pilot.press("enter")
        await pilot.pause()
        assert "住址" in hint()
        await paste(pilot, "一组")
        await pilot.press("enter")
        await pilot.pause()
        assert "F8" in hint()
        await pilot.press("f8")
        await pilot.pause()
        assert "按数字" in hint()
        await pilot.press("1", "enter")
        await paste(pilot, "因病住院")
        await pilot.press("tab")
        await paste(pilot, "3000")
        await pilot.press("enter", "1", "f8")
        await pilot.pause()
        assert "每一样按 Enter" in hint()
        await pilot.press("enter", "enter", "enter", "f9")
        await pilot.pause()
        assert "F9 提交" in hint()
        await pilot.press("f9")
        await pilot.pause()
        assert "回执" in hint()
        await pilot.press("escape")
        await pilot.pause()
        assert "按 4" in hint()
        await pilot.press("4", "enter")
        await pilot.pause()
        assert "按 B" in hint() or "按 D" in hint()

    walk(desk, journey)
    assert len(set(guided)) >= 12


def test_contact_and_sticks_are_refused_in_words_and_lead_nowhere(desk: Session) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await pilot.pause()
        text = painted(app)
        assert "不会离开这台电脑" in text.replace("\n", "").replace(" ", "")
        here = app.screen
        await pilot.press("enter", "e", "i")
        await pilot.pause()
        assert app.screen is here
        await pilot.press("escape", "ctrl+l")
        await pilot.pause()
        assert "没有口令" in painted(app)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert "加入本市" not in painted(app)
        assert "从头开始" in painted(app)

    walk(desk, journey)


def test_a_practice_is_opened_by_nothing_else_and_by_neither_mark_alone(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    open_practice(folder, SystemWorld()).close()
    with pytest.raises(StateError, match=r"practice\.only"):
        open_village(folder, SystemWorld())
    (folder / MARK_NAME).unlink()
    with pytest.raises(StateError, match=r"practice\.only"):
        open_village(folder, SystemWorld())


@pytest.mark.parametrize(
    "words",
    [
        ["enrol", "J3BSG-894H3-0Y6A0-NVK26-ZAGXX"],
        ["sync"],
        ["run"],
        ["export", "/tmp"],
        ["import", "/tmp"],
        ["list"],
        ["tui"],
        ["init", VILLAGE],
        ["status"],
        ["doctor"],
    ],
)
def test_every_command_on_a_practice_folder_is_refused_in_words(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "p"
    open_practice(folder, SystemWorld()).close()
    before = sorted(path.name for path in folder.iterdir())
    result = CliRunner().invoke(main, ["--data", str(folder), *words], env={"LIANDONG_PIN": PIN})
    assert result.exit_code == 3, result.output
    assert "practice.only" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_real_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    open_desk(folder, SystemWorld()).close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for do in (lambda: open_practice(folder, SystemWorld()), lambda: reset(folder)):
        with pytest.raises(InputError, match=r"practice\.real_folder"):
            do()
    result = CliRunner().invoke(main, ["--data", str(tmp_path / "x"), "practice", str(folder), "--reset"])
    assert result.exit_code == 2
    assert "practice.real_folder" in result.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_mark_that_was_put_into_a_real_folder_does_not_let_it_be_reset(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    write_settings(folder, Settings(node=VILLAGE))
    (folder / MARK_NAME).write_text(json.dumps({"practice": True}))
    (folder / "node.db").write_bytes(b"everything")
    with pytest.raises(InputError, match=r"practice\.real_folder"):
        reset(folder)
    assert (folder / "node.db").read_bytes() == b"everything"
    assert load_settings(folder).node == VILLAGE


def test_reset_begins_anew_and_the_folder_lies_beside_the_real_one(tmp_path: Path) -> None:
    place = practice_folder(tmp_path / "village")
    assert place == tmp_path / "village-practice"
    desk = open_practice(place, SystemWorld())
    with desk.village.installation.db.transaction() as tx:
        (draft, _) = desk.intake.drafts.listing(tx, limit=2)
        desk.intake.drafts.abandon(tx, draft.id)
    desk.close()
    result = CliRunner().invoke(main, ["--data", str(tmp_path / "village"), "practice", "--reset"])
    assert result.exit_code == 0, result.output
    assert "从头开始" in result.output
    assert not (place / MARK_NAME).exists()
    again = open_practice(place, SystemWorld())
    with again.village.installation.db.reading() as tx:
        assert again.intake.drafts.count(tx) == 2
    again.close()
    assert reset(tmp_path / "nothing") is False


def test_a_practice_that_was_cut_off_while_it_was_prepared_is_prepared_whole(tmp_path: Path) -> None:
    from sync.installation import create
    from village_agent.app import CHAINS

    folder = tmp_path / "p"
    folder.mkdir()
    (folder / MARK_NAME).write_text("{}")
    create(folder, Settings(node=PRACTICE_VILLAGE), SystemWorld(), CHAINS).close()
    desk = open_practice(folder, SystemWorld())
    with desk.village.installation.db.reading() as tx:
        assert len(list(desk.village.office.casebook.all_ids(tx))) == 3
    desk.close()


def test_no_word_of_the_guide_is_too_long_for_its_line() -> None:
    from rich.cells import cell_len

    number = nobody(GUIDED_PERSON)["id_no"]
    for name in keys():
        if name.startswith("guide."):
            for frame, words in zip(both("guide"), both(name), strict=True):
                assert cell_len(frame.format(words=words.format(number=number))) <= 78, name
