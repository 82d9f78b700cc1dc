"""Every item that a village takes in, from its number to its slip by keys alone; every kind of field says how to mend it."""

from collections import Counter
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot

from core.identifiers import Tier
from core.items import FieldType, FormField
from core.states import State
from sync.environment import SystemWorld
from tests.unit.village_kit import ITEM, open_desk, person
from tests.unit.village_screens import fill_applicant, painted, type_text, walk
from village_agent.prints import FOLDER
from village_agent.slip import THERMAL_CELLS
from village_agent.tui.app import DeskApp
from village_agent.tui.fields import Field
from village_agent.tui.screens.slip import SlipScreen
from village_agent.tui.table_field import RowScreen

RARE = "𠮷䶮"
ANSWERS = {
    FieldType.INT: "3",
    FieldType.MONEY: "１２０.5",
    FieldType.DECIMAL: "80.5",
    FieldType.DATE: "2015.10.1",
    FieldType.ID_NO: person(serial="043"),
    FieldType.PHONE: "0737-2234567",
}
GROUPS = 4
KEYS_NEW, KEYS_KNOWN = 48, 14


async def answer(app: DeskApp, pilot: Pilot[None], asked: FormField) -> None:
    """Type what fits the field that has the pen, and go on to the next."""
    if asked.type in (FieldType.CHOICE, FieldType.BOOL):
        await pilot.press("1", "enter")
    elif asked.type is FieldType.TEXT:
        await type_text(pilot, RARE)
        await pilot.press("tab")
    elif asked.type is FieldType.TABLE:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, RowScreen)
        for column in asked.columns:
            await answer(app, pilot, column)
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("tab")
    else:
        await type_text(pilot, ANSWERS.get(asked.type, "说明"))
        await pilot.press("enter")


async def take_in(app: DeskApp, pilot: Pilot[None], code: str, *, is_known: bool) -> None:
    await pilot.press("f2")
    app.post_message(events.Paste(code))
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    if is_known:
        await pilot.press("ctrl+r", "enter")
        await pilot.pause()
    else:
        await fill_applicant(pilot, person())
    await pilot.press("f8")
    await pilot.pause()
    while (focused := app.focused) is not None and (field := _field_of(focused)) is not None:
        key = field.asked.key
        await answer(app, pilot, field.asked)
        await pilot.pause()
        assert app.focused is None or _field_of(app.focused) is not field, key
    assert "! " not in painted(app), painted(app)
    await pilot.press("f8")
    await pilot.pause()
    await pilot.press("a", "f9")
    await pilot.pause()
    assert "可以提交" in painted(app), painted(app)
    await pilot.press("f9")
    await pilot.pause()
    assert isinstance(app.screen, SlipScreen), painted(app)


def _field_of(widget: object) -> Field | None:
    found = [one for one in getattr(widget, "ancestors_with_self", ()) if isinstance(one, Field)]
    return found[0] if found else None


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_item_is_taken_in_by_keys_alone_and_its_slip_is_printed(tmp_path: Path, group: int) -> None:
    folder = tmp_path / "d"
    desk = open_desk(folder, SystemWorld())
    items = desk.intake.catalogue().search("", Tier.VILLAGE)
    assert len(items) == 28
    mine = items[group::GROUPS]
    slips: list[str] = []

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        for number, item in enumerate(mine):
            await take_in(app, pilot, item.code, is_known=number > 0)
            slips.append(painted(app))
            await pilot.press("8", "5")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("escape")

    walk(folder, journey, desk=desk)
    with desk.village.installation.db.reading() as tx:
        book = desk.village.office.casebook
        cases = [book.get(tx, id_) for id_ in book.all_ids(tx)]
    desk.close()
    assert Counter(case.item for case in cases) == Counter(item.code for item in mine)
    for case, item in zip(sorted(cases, key=lambda one: one.submitted_at), mine, strict=True):
        assert case.state is State.SUBMITTED
        assert set(case.form) == {field.key for field in item.form_fields}
        for width in THERMAL_CELLS:
            text = (folder / FOLDER / f"slip-{case.id}-{width}.txt").read_text(encoding="utf-8")
            assert item.name in text.replace("\n", "")
            assert "仅本机" in text
            assert max(cell_len(line) for line in text.splitlines()) <= width


def test_all_kinds_of_fields_stand_in_the_forms_of_villages(tmp_path: Path) -> None:
    desk = open_desk(tmp_path / "d", SystemWorld())
    items = desk.intake.catalogue().search("", Tier.VILLAGE)
    desk.close()
    kinds = {field.type for item in items for field in item.form_fields}
    assert kinds >= {
        FieldType.STR,
        FieldType.TEXT,
        FieldType.INT,
        FieldType.MONEY,
        FieldType.DECIMAL,
        FieldType.DATE,
        FieldType.CHOICE,
        FieldType.BOOL,
        FieldType.TABLE,
        FieldType.ID_NO,
    }


@pytest.mark.parametrize(
    ("code", "key", "wrong", "mend"),
    [
        ("43098101205003", "age", "八十", "只用数字"),
        ("43098101205008", "total_cost", "1,2x", "只用数字"),
        ("43098101205005", "birth_date", "2015-13-40", "没有这一天"),
        ("43098101205006", "child_id", "430981201001010010", "校验不符"),
        ("43098101510001", "area_m2", "八十", "只用数字"),
    ],
)
def test_a_field_is_judged_when_it_is_left_says_how_to_mend_it_and_keeps_what_was_typed(
    tmp_path: Path, code: str, key: str, wrong: str, mend: str
) -> None:
    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        await pilot.press("f2")
        await type_text(pilot, code)
        await pilot.press("enter", "f8")
        await pilot.pause()
        field = next(one for one in app.screen.query(Field) if one.asked.key == key)
        field.editor.focus()
        await pilot.pause()
        await type_text(pilot, wrong)
        await pilot.pause()
        assert "!" not in painted(app)
        await pilot.press("enter")
        await pilot.pause()
        text = painted(app)
        assert "!" in text
        assert mend in text
        assert field.value == wrong

    walk(tmp_path / "d", journey).close()


def test_rare_pasted_and_composed_text_survives_on_the_screen_and_in_the_case(tmp_path: Path) -> None:
    lines = "第一行 𠮷\n第二行 䶮"

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        async def paste(text: str) -> None:
            app.post_message(events.Paste(text))
            await pilot.pause()

        await pilot.press("f2")
        await type_text(pilot, ITEM)
        await pilot.press("enter")
        await pilot.pause()
        await type_text(pilot, RARE)
        await pilot.press("enter", "enter")
        await paste(f"{person()}\n")
        await pilot.press("enter")
        await type_text(pilot, "13800138000")
        await pilot.press("enter", "enter")
        # Three lines into a field of one: nothing is lost.
        await paste("三组\r\n十二号\n\n𠮷家老屋")
        await pilot.press("f8")
        await pilot.pause()
        await pilot.press("1", "enter")
        await paste(lines)
        await pilot.press("tab")
        await type_text(pilot, "300")
        await pilot.press("enter", "1", "f8", "a", "f9")
        await pilot.pause()
        await pilot.press("f9")
        await pilot.pause()
        assert RARE in painted(app)

    desk = walk(tmp_path / "d", journey)
    with desk.village.installation.db.reading() as tx:
        book = desk.village.office.casebook
        (case,) = [book.get(tx, id_) for id_ in book.all_ids(tx)]
    desk.close()
    assert case.applicant.name == RARE
    assert case.applicant.address == "三组 十二号 𠮷家老屋"
    assert case.form["reason"] == lines


class Keys:
    """Counts the keys that are pressed; free text is typed uncounted, the letters of a search by themselves."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot, self.count, self.letters = pilot, 0, 0

    async def search(self, text: str) -> None:
        self.letters += len(text)
        await type_text(self.pilot, text)

    async def press(self, *keys: str) -> None:
        self.count += len(keys)
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def text(self, text: str) -> None:
        await type_text(self.pilot, text)


def test_a_new_application_takes_55_keys_beyond_free_text_and_a_known_person_15(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    counted: list[tuple[int, int]] = []

    async def rest(keys: Keys) -> None:
        await keys.press("f8", "1", "enter")
        await keys.text("因病住院")
        await keys.press("tab")

    async def journey(app: DeskApp, pilot: Pilot[None]) -> None:
        async def end(keys: Keys) -> str:
            await keys.press("enter", "1", "f8", "a", "f9")
            checked = painted(app)
            await keys.press("f9")
            assert isinstance(app.screen, SlipScreen), painted(app)
            return checked

        keys = Keys(pilot)
        # A new person: the number, the phone and the sum count too.
        await keys.press("f2")
        await keys.search("ls")
        await keys.press("enter")
        await keys.text("王秀英")
        await keys.press("enter", "enter", *person(), "enter", *"13800138000")
        await rest(keys)
        await keys.press(*"3000")
        assert "天内已登记" not in await end(keys)
        counted.append((keys.count, keys.letters))
        await pilot.press("escape")
        keys = Keys(pilot)
        await keys.press("f2")
        await keys.search("ls")
        await keys.press("enter", "ctrl+r")
        await keys.search("王")
        await keys.press("enter")
        assert "本机有此人1件" in "".join(painted(app).split())
        assert "1960-04-12" in painted(app)
        await rest(keys)
        await keys.text("3000")
        # It may be right, but it has to be seen.
        assert "请确认不是重复申请" in "".join((await end(keys)).replace("#", "").split())
        counted.append((keys.count, keys.letters))

    desk = walk(folder, journey)
    with desk.village.installation.db.reading() as tx:
        book = desk.village.office.casebook
        first, second = [book.get(tx, id_).applicant for id_ in book.all_ids(tx)]
    desk.close()
    assert first == second
    # The figures of docs/village-terminal.md; of a new person the digits are in them.
    assert counted == [(KEYS_NEW, 2), (KEYS_KNOWN, 3)]
    assert KEYS_NEW + 2 <= 55
    assert KEYS_KNOWN <= 15
