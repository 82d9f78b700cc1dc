"""The village terminal: a whole application by keys alone, nothing typed is ever lost, both languages, 80 by 24."""

from pathlib import Path
from string import Formatter

import pytest
from textual.pilot import Pilot

from core.states import State
from core.store.engine import DriverError
from sync.environment import SystemWorld
from tests.unit.village_kit import ITEM, TABLE_ITEM, open_desk, person, sheet
from tests.unit.village_screens import fill_applicant, painted, quiet, type_text, walk
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import Field
from village_agent.tui.screens.check import CheckScreen
from village_agent.tui.words import both, keys, say
from village_agent.vault import create_vault


async def _begin(pilot: Pilot[None], code: str) -> None:
    await pilot.press("f2")
    await type_text(pilot, code)
    await pilot.press("enter")
    await pilot.pause()


def test_a_whole_application_with_a_table_is_made_by_keys_alone(tmp_path: Path) -> None:
    scan = tmp_path / "scan.jpg"
    scan.write_bytes(b"jpeg" * 1000)
    seen: dict[str, str] = {}

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _begin(pilot, TABLE_ITEM)
        await fill_applicant(pilot, person())
        assert "1960-04-12" in painted(app)
        await pilot.press("f8")
        await type_text(pilot, "2")
        await pilot.press("enter")
        await type_text(pilot, "１２００")
        await pilot.press("enter", "enter")
        await pilot.pause()
        await type_text(pilot, "张三")
        await pilot.press("enter", "2", "enter", "enter", "enter")
        await type_text(pilot, "600.5")
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("tab")
        await type_text(pilot, "因病")
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("enter", "enter", "enter", "enter", "enter", "home", "f")
        await pilot.pause()
        await type_text(pilot, str(scan))
        await pilot.press("enter")
        await quiet(app, pilot)
        assert "scan.jpg" in painted(app)
        await pilot.press("f9")
        await pilot.pause()
        seen["check"] = painted(app)
        await pilot.press("f9")
        await pilot.pause()
        seen["slip"] = painted(app)

    desk = walk(tmp_path / "d", journey)
    with desk.village.installation.db.reading() as tx:
        (id_,) = desk.village.office.casebook.all_ids(tx)
        case = desk.village.office.casebook.get(tx, id_)
        assert desk.intake.drafts.count(tx) == 0
    desk.close()
    assert "可以提交" in seen["check"]
    assert "已登记" in seen["slip"]
    assert case.state is State.SUBMITTED
    assert case.applicant.name == "王秀英"
    assert case.form["monthly_income"] == "1200.00"
    assert case.form["household_members"][0]["name"] == "张三"
    assert len(case.attachments) == 1


def test_yes_no_and_choices_are_answered_by_digits_and_every_change_can_be_undone(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _begin(pilot, ITEM)
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("2", "down", "down")
        await type_text(pilot, "50")
        await pilot.press("enter", "1")
        await pilot.pause()
        values = {field.asked.key: field.value for field in app.screen.query(Field)}
        assert values["urgent"] is True
        assert values["amount_requested"] == "50"
        await pilot.press("ctrl+z", "ctrl+z")
        await pilot.pause()
        values = {field.asked.key: field.value for field in app.screen.query(Field)}
        assert values["urgent"] is None
        assert values["amount_requested"] is None
        assert values["hardship_type"] is not None

    walk(tmp_path / "d", journey).close()


def test_a_draft_goes_on_where_it_was_when_the_program_died(tmp_path: Path) -> None:
    async def typing(app: DeskApp, pilot: Pilot[None]) -> None:
        await _begin(pilot, ITEM)
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter")
        await type_text(pilot, "正在写")
        # No Esc, no submit: the process ends here.

    async def again(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "上次未完成" in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        text = painted(app)
        assert "正在写" in text
        assert "> 申请事由" in text or "> 困难" in text or ">" in text
        focused = app.focused
        assert focused is not None
        field = focused.query_ancestor(Field)
        assert field.asked.key == "reason"

    desk = walk(tmp_path / "d", typing)
    walk(tmp_path / "d", again, desk=desk).close()


def test_an_abandoned_draft_is_restored_from_the_drafts_page(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _begin(pilot, ITEM)
        await pilot.press("escape", "d")
        await pilot.pause()
        assert "上次未完成" not in painted(app)
        await pilot.press("f4", "a")
        await pilot.pause()
        assert "临时救助" in painted(app)
        await pilot.press("enter", "a")
        await pilot.pause()
        assert "临时救助" in painted(app)

    walk(tmp_path / "d", journey).close()


def test_problems_are_listed_and_enter_goes_to_the_field(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _begin(pilot, ITEM)
        await pilot.press("f9")
        await pilot.pause()
        assert "处需要改正" in painted(app)
        await pilot.press("f9")
        await pilot.pause()
        assert "处需要改正" in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.query_ancestor(Field).asked.key == "name"

    desk = walk(tmp_path / "d", journey)
    with desk.village.installation.db.reading() as tx:
        assert list(desk.village.office.casebook.all_ids(tx)) == []
    desk.close()


def test_english_speaks_english_wherever_the_catalogue_does_not_decide(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        assert "F2 new" in painted(app)
        await _begin(pilot, ITEM)
        await pilot.press("f9")
        await pilot.pause()
        assert "to mend" in painted(app)
        assert "required, please fill it in" in painted(app)

    walk(tmp_path / "d", journey, lang="en").close()


def test_every_word_of_the_screens_exists_in_both_languages() -> None:
    for name in keys():
        forms = both(name)
        asked = [{place for _, place, _, _ in Formatter().parse(form) if place} for form in forms]
        assert asked[0] == asked[1], name
        assert all(say(name, lang, **dict.fromkeys(asked[0], "x")) for lang in ("zh", "en")), name
        assert forms[1].isascii(), name


def test_the_door_opens_only_to_the_right_pin_and_shows_nobody_before(tmp_path: Path) -> None:
    import asyncio

    folder = tmp_path / "d"
    desk = open_desk(folder, SystemWorld())
    with desk.village.installation.db.transaction() as tx:
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    desk.close()

    async def run() -> None:
        app = DeskApp(folder, SystemWorld(), "zh")
        async with app.run_test(size=(80, 24)) as pilot:
            await type_text(pilot, "000111")
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert "口令不对" in painted(app)
            await pilot.press("f3")
            assert not app.is_open
            await type_text(pilot, "927461")
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.is_open
            assert "F2 新建" in painted(app)
        app.desk.close()

    asyncio.run(run())


def test_a_vault_without_a_node_is_not_opened_by_the_screens(tmp_path: Path) -> None:
    from core.errors import InputError
    from village_agent.tui.start import run_screens

    create_vault(tmp_path / "d", "a1", "李", "927461", SystemWorld())
    with pytest.raises(InputError, match=r"settings\.missing"):
        run_screens(tmp_path / "d", "zh")


@pytest.mark.parametrize("reaches_the_disk", [True, False])
def test_a_submission_whose_commit_is_in_doubt_is_looked_up_by_its_number_after_reopening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reaches_the_disk: bool
) -> None:
    desk = open_desk(tmp_path, SystemWorld())
    db = desk.village.installation.db
    with db.transaction() as tx:
        draft = desk.intake.drafts.start(tx, desk.actor.officer, sheet(desk.intake))
    dialect = type(db.engine.dialect)
    commit = dialect.do_commit
    seen: list[str] = []

    def lose(self: object, connection: object) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if reaches_the_disk:
            commit(self, connection)
        raise DriverError("disk I/O error")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        app.push_screen(CheckScreen(draft))
        await pilot.pause()
        monkeypatch.setattr(dialect, "do_commit", lose)
        await pilot.press("f9")
        await pilot.pause()
        seen.append(painted(app))
        if not reaches_the_disk:
            await pilot.press("f9")
            await pilot.pause()
            seen.append(painted(app))

    walk(tmp_path, journey, desk=desk)
    if not reaches_the_disk:
        assert "没有登记" in seen[0]
    assert say("slip", "zh") in seen[-1]
    with db.reading() as tx:
        assert len(list(desk.village.office.casebook.all_ids(tx))) == 1
    desk.close()
