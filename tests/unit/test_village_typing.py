"""What is typed, composed and pasted: rare characters stay whole and wide, nothing moves the cursor, no cap is silent."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from core.application import Part
from sync.environment import SystemWorld
from tests.unit.village_kit import ITEM, open_desk, person, sheet
from tests.unit.village_screens import painted, paste, type_text, walk
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import PARAGRAPH_CHARS_MAX, TYPED_CHARS_MAX, Field
from village_agent.tui.screens.ask import ANSWER_CHARS_MAX, AskScreen
from village_agent.tui.screens.cases import CasesScreen
from village_agent.tui.screens.form import ApplicantScreen
from village_agent.tui.search_line import SEARCH_CHARS_MAX, SearchLine

# One of each block of ideographs beyond the first: B, C, D, E, F, G, H, I and a compatibility form; and a rare one of A.
RARE = "\U00020bb7\U0002a700\U0002b740\U0002b820\U0002ceb0\U00030000\U00031350\U0002ebf0\U0002f800\u4dae"
COMBINED = "Ame\u0301lie"


async def _applicant(pilot: Pilot[None]) -> None:
    await pilot.press("f2")
    await paste(pilot, ITEM)
    await pilot.press("enter")
    await pilot.pause()


def _values(app: DeskApp) -> dict[str, object]:
    return {field.asked.key: field.value for field in app.screen.query(Field)}


def _kept(app: DeskApp, part: Part) -> dict[str, object]:
    db, drafts = app.desk.village.installation.db, app.desk.intake.drafts
    with db.reading() as tx:
        (draft,) = drafts.listing(tx)
    return dict(draft.sheet.applicant if part is Part.APPLICANT else draft.sheet.form)


@pytest.mark.parametrize("brought", ["typed", "pasted"])
def test_a_name_of_any_block_of_ideographs_is_kept_and_painted_two_cells_a_character(
    tmp_path: Path, brought: str
) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _applicant(pilot)
        await (type_text if brought == "typed" else paste)(pilot, RARE)
        await pilot.pause()
        editor = app.focused
        assert isinstance(editor, Input)
        assert editor.value == RARE
        assert _kept(app, Part.APPLICANT)["name"] == RARE
        (row,) = [line for line in painted(app).splitlines() if line.lstrip().startswith(">")]
        assert RARE in row
        # The caret, where a window of the input method opens, is at the end of what is drawn.
        assert app.cursor_position == editor.cursor_screen_offset
        assert app.cursor_position[0] == editor.content_region.x + 2 * len(RARE)
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter")
        await (type_text if brought == "typed" else paste)(pilot, RARE)
        await pilot.pause()
        text = app.focused
        assert isinstance(text, TextArea)
        assert text.text == RARE
        assert app.cursor_position[0] == text.content_region.x + 2 * len(RARE)
        await pilot.press("f9")
        await pilot.pause()
        assert painted(app).count(RARE) == 2

    walk(tmp_path / "d", journey).close()


def test_a_rare_name_goes_through_lists_case_and_slip_unharmed(tmp_path: Path) -> None:
    folder, world = tmp_path / "d", SystemWorld()
    desk = open_desk(folder, world)
    asked = sheet(desk.intake)
    with desk.village.installation.db.transaction() as tx:
        named = type(asked)(asked.item, {**asked.applicant, "name": RARE}, asked.form, asked.materials)
        desk.intake.submit(tx, desk.actor, named)

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f3")
        await paste(pilot, RARE[:3])
        await pilot.pause()
        assert isinstance(app.screen, CasesScreen)
        assert RARE[0] in painted(app)
        await pilot.press("enter", "s")
        await pilot.pause()
        assert RARE in painted(app)
        assert max(cell_len(line) for line in painted(app).splitlines()) <= 80

    walk(folder, journey, desk=desk).close()


def test_what_would_move_the_cursor_is_taken_out_of_a_paste_and_everything_else_kept(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _applicant(pilot)
        await paste(pilot, f"\x1b[2J\x00{COMBINED}\x07\u202e\x9b5n\r\n\r\n\t{RARE}\n")
        assert _values(app)["name"] == f"[2J {COMBINED}   5n {RARE}"
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter")
        await paste(pilot, "第一行\x1b[31m\r\n\r\n第\x00三行\u2028第四行")
        assert _values(app)["reason"] == "第一行 [31m\n\n第 三行\n第四行"
        assert _kept(app, Part.FORM)["reason"] == _values(app)["reason"]
        assert not {char for char in painted(app) if char < " " and char != "\n"}
        await paste(pilot, "\r\n\x00\n")
        assert str(_values(app)["reason"]).endswith("第四行\n \n") or str(_values(app)["reason"]).endswith(
            "第四行\n "
        )

    walk(tmp_path / "d", journey).close()


def test_what_is_too_long_to_paste_is_refused_in_words_and_what_stood_there_stays(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await paste(pilot, "临时")
        await paste(pilot, "长" * SEARCH_CHARS_MAX)
        assert f"最多 {SEARCH_CHARS_MAX} 字，没有粘贴" in painted(app)
        assert app.screen.query_one(SearchLine).value == "临时"
        await pilot.press("enter")
        await pilot.pause()
        await paste(pilot, "王秀英")
        await paste(pilot, "长" * TYPED_CHARS_MAX)
        assert "没有粘贴" in painted(app)
        assert _values(app)["name"] == "王秀英"
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter")
        # A long account may be pasted and cut down; the form says that it is too long when it is left.
        await paste(pilot, "一行很长的话。\n" * (PARAGRAPH_CHARS_MAX // 10))
        assert len(str(_values(app)["reason"])) > 10_000
        await paste(pilot, "又" * PARAGRAPH_CHARS_MAX)
        assert f"最多 {PARAGRAPH_CHARS_MAX} 字" in "".join(painted(app).split()).replace(
            "最多", "最多 "
        ).replace("字", " 字")
        await pilot.press("ctrl+z")
        assert _values(app)["reason"] is None
        await pilot.press("f8", "f")
        await pilot.pause()
        assert isinstance(app.screen, AskScreen)
        await paste(pilot, "长" * (ANSWER_CHARS_MAX + 1))
        assert "没有粘贴" in painted(app)
        await paste(pilot, f"/tmp/{person()}\n")
        assert "没有粘贴" not in painted(app)
        assert app.screen.query_one(Input).value == f"/tmp/{person()}"

    walk(tmp_path / "d", journey).close()


def test_enter_moves_and_page_keys_work_in_the_list_while_the_pen_stays_in_the_search(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        def marked() -> str:
            (row,) = [line for line in painted(app).splitlines() if line.lstrip().startswith(">")]
            return row.split()[1]

        await pilot.press("f2")
        await pilot.pause()
        first = marked()
        await pilot.press("down")
        second = marked()
        await pilot.press("pagedown")
        third = marked()
        assert len({first, second, third}) == 3
        await pilot.press("pageup", "up")
        assert marked() == first
        assert isinstance(app.focused, SearchLine)

    walk(tmp_path / "d", journey).close()


def test_function_keys_lead_where_the_page_says_from_a_field_of_several_lines_too(tmp_path: Path) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await _applicant(pilot)
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter", "x")
        assert isinstance(app.focused, TextArea)
        await pilot.press("f7")
        await pilot.pause()
        assert isinstance(app.screen, ApplicantScreen)
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("tab", "y", "f6")
        await pilot.pause()
        assert isinstance(app.screen, CasesScreen)
        assert _kept(app, Part.FORM)["reason"] == "yx"

    walk(tmp_path / "d", journey).close()
