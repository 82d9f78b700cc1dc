"""The catalogue is written by one officer and published by another; a spreadsheet is taken whole or not at all."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from starlette.testclient import TestClient

from city_node.app import City
from city_node.catalogue import calendar_sheets, drafting, item_sheets
from city_node.catalogue.differences import ADDED, CHANGED, GONE, calendar_differences, catalogue_differences
from city_node.catalogue.editing import SIMPLE, edit_item
from city_node.catalogue.pages import CataloguePages, workdays_of
from city_node.catalogue.versions import known_versions
from core.calendar import load_calendar
from core.catalogue import Catalogue, load_catalogue
from core.desk.web import desk_app
from core.desk.xlsx import write_tables
from core.errors import InputError, StateError
from core.messages import Role
from sync.installation import Installation
from sync.settings import Settings
from tests.unit.desk_kit import CITY, PASSWORD, TOWN, VILLAGE, Place
from tests.unit.test_desk_pages import hidden, sign_in

FIRST = load_catalogue()
CODE = FIRST.items[0].code


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    for id_, name in (("ed", "编目甲"), ("ed2", "编目乙")):
        made.hire(CITY, id_, name, Role.CATALOGUE_EDITOR)
    yield made
    made.network.close()


def browser(place: Place, id_: str) -> TestClient:
    node = place.network.nodes[CITY]
    city = City(Installation(place.network.folder, Settings(node=CITY), node.db, node), place.offices[CITY])
    made = TestClient(desk_app(place.desks[CITY], CataloguePages(city).wing()), base_url="http://desk")
    assert sign_in(made, id_, PASSWORD).status_code == 200
    return made


def post(of: TestClient, page: str, address: str, **values: str) -> Any:
    """Send a form of a page: its token and what it was made from."""
    seen = {"seen": hidden(page, "seen")} if 'name="seen"' in page else {}
    return of.post(address, data={"csrf": hidden(page, "csrf")} | seen | values)


def opened(of: TestClient, kind: str = "catalogue") -> str:
    answer = post(of, of.get("/catalogue").text, f"/catalogue/draft/{kind}/open")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def bring(of: TestClient, data: bytes, kind: str = "catalogue") -> Any:
    page = of.get(f"/catalogue/draft/{kind}").text
    fields = {"csrf": hidden(page, "csrf"), "seen": hidden(page, "seen")}
    return of.post(f"/catalogue/draft/{kind}/import", data=fields, files={"file": ("目录.xlsx", data)})


def edited(data: bytes, *cells: tuple[str, int, str, Any]) -> bytes:
    """The workbook with some cells written: sheet, row, heading, value."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet, row, heading, value in cells:
        heads = [cell.value for cell in book[sheet][1]]
        book[sheet].cell(row, heads.index(heading) + 1).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def version(place: Place, node: str = CITY) -> int:
    return place.offices[node].shelf.version


def test_what_is_exported_comes_back_as_it_was_in_both_languages() -> None:
    for lang in ("zh", "en"):
        data = write_tables(item_sheets.tables_of(FIRST), lang)
        assert item_sheets.read_catalogue(data, FIRST) == (FIRST, [])
    calendar = load_calendar()
    data = write_tables(calendar_sheets.tables_of(calendar))
    assert calendar_sheets.read_calendar(data, calendar) == (calendar, [])


def test_every_wrong_cell_is_named_with_sheet_row_column_and_what_to_do(place: Place) -> None:
    ed = browser(place, "ed")
    opened(ed)
    data = ed.get("/catalogue/draft/catalogue/xlsx").content
    wrong = edited(
        data,
        ("事项", 2, "承诺工作日", "五天"),
        ("事项", 3, "受理层级", "村、省"),
        ("材料", 4, "原件份数", 1.5),
        ("填写项", 5, "必填", "也许"),
        ("收费", 2, "金额", 3.141),
        ("版本", 2, "生效日期", "明年"),
    )
    answer = bring(ed, wrong)
    assert answer.status_code == 400 and "有 6 处需要改正" in answer.text
    rows = [line for line in answer.text.split("<tr>") if 'data-label="怎么改"' in line]
    found = {tuple(cell.split("</td>")[0] for cell in row.split('">')[1:4]) for row in rows}
    assert found == {
        ("事项", "2", "承诺工作日"),
        ("事项", "3", "受理层级"),
        ("材料", "4", "原件份数"),
        ("填写项", "5", "必填"),
        ("收费", "2", "金额"),
        ("版本", "2", "生效日期"),
    }
    assert "“五天”读不懂" in answer.text and "请填整数" in answer.text
    page = ed.get("/catalogue/draft/catalogue").text
    assert hidden(page, "seen") == hidden(answer.text, "seen") and "导入</strong>" not in page


@pytest.mark.parametrize(
    ("cell", "where"),
    [
        (("事项", 2, "承诺工作日", 99), ("事项", 2, "承诺工作日")),
        (("事项", 2, "部门代码", "999"), ("事项", 2, "事项编码")),
        (("事项", 2, "名称", "名" * 101), ("事项", 2, "名称")),
        (("事项", 2, "事项编码", FIRST.items[1].code), ("事项", 3, "事项编码")),
        (("材料", 3, "材料名称", FIRST.items[0].materials[0].name), ("事项", 2, "")),
        (("材料", 2, "事项编码", "43098100000000"), ("材料", 2, "事项编码")),
        (("填写项", 12, "所属表格", "nowhere"), ("填写项", 12, "所属表格")),
        (("填写项", 13, "选项", "甲|乙"), ("填写项", 13, "选项")),
        (("特别程序", 2, "至多日历日", 5), ("特别程序", 2, "")),
        (("版本", 2, "版本号", 7), ("版本", 2, "版本号")),
    ],
)
def test_what_fits_no_rule_of_the_catalogue_is_named_at_its_row(
    cell: tuple[str, int, str, Any], where: tuple[str, int, str]
) -> None:
    data = edited(write_tables(item_sheets.tables_of(FIRST)), cell)
    made, faults = item_sheets.read_catalogue(data, FIRST)
    assert made is None
    places = {(f.sheet.zh, f.row, f.column.zh if f.column else "") for f in faults}
    assert any(one[:2] == where[:2] for one in places), [(f.sheet.zh, f.row, f.zh) for f in faults]
    assert all(f.zh and f.en and f.do_zh and f.do_en for f in faults)


def test_missing_sheets_and_columns_and_strange_ones_are_named() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_tables(item_sheets.tables_of(FIRST))))
    del book["收费"]
    book["材料"]["B1"].value = "乱写"
    out = io.BytesIO()
    book.save(out)
    made, faults = item_sheets.read_catalogue(out.getvalue(), FIRST)
    assert made is None
    assert {(f.sheet.zh, f.row, f.column.zh if f.column else "") for f in faults} >= {
        ("收费", 0, ""),
        ("材料", 1, ""),
        ("材料", 1, "材料名称"),
    }


def test_a_spreadsheet_that_is_right_becomes_the_draft_and_shows_what_differs(place: Place) -> None:
    ed = browser(place, "ed")
    opened(ed)
    data = ed.get("/catalogue/draft/catalogue/xlsx").content
    answer = bring(ed, edited(data, ("事项", 2, "法定工作日", 30), ("材料", 2, "复印件份数", 2)))
    assert answer.status_code == 200 and "导入成功" in answer.text
    assert "法定工作日" in answer.text and FIRST.items[0].materials[0].name in answer.text
    assert ("ed", "catalogue.draft_imported", "2") in place.audit_lines(CITY)


@pytest.mark.parametrize("data", [b"", b"no spreadsheet", b"PK\x03\x04" + b"\x00" * 100, b"x" * (5 << 20)])
def test_what_is_no_spreadsheet_or_too_large_is_refused_in_words(place: Place, data: bytes) -> None:
    ed = browser(place, "ed")
    opened(ed)
    answer = bring(ed, data)
    assert answer.status_code == 400 and "没有办成" in answer.text


def test_a_form_with_a_file_needs_its_token_and_is_not_taken_by_a_public_page(place: Place) -> None:
    ed = browser(place, "ed")
    opened(ed)
    for data, headers in (({}, {}), ({"csrf": "x"}, {})):
        answer = ed.post(
            "/catalogue/draft/catalogue/import", data=data, files={"file": ("a", b"x")}, headers=headers
        )
        assert answer.status_code == 403
    broken = ed.post(
        "/catalogue/draft/catalogue/import",
        content=b"--x\r\nContent-Disposition: nothing",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code in (400, 403)
    no_boundary = ed.post(
        "/catalogue/draft/catalogue/import", content=b"x", headers={"content-type": "multipart/form-data"}
    )
    assert no_boundary.status_code == 400
    assert ed.post("/sign-in", files={"file": ("a", b"x")}).status_code in (400, 401, 403)


def test_an_item_is_edited_on_its_page_and_what_is_wrong_comes_back_with_what_was_typed(place: Place) -> None:
    ed = browser(place, "ed")
    opened(ed)
    address = f"/catalogue/draft/catalogue/item/{CODE}"
    page = ed.get(address).text
    values = {simple.key: simple.shown(FIRST.items[0]) for simple in SIMPLE}
    refused = post(ed, page, address, **(values | {"promised_days": "99", "notes": "打字没有白打"}))
    assert refused.status_code == 400 and "超过法定时限" in refused.text and "打字没有白打" in refused.text
    assert post(ed, page, address, **(values | {"promised_days": "-1"})).status_code == 400
    saved = post(ed, page, address, **(values | {"promised_days": "4", "notes": "提速"}))
    assert saved.status_code == 200 and "已保存" in saved.text and "提速" in saved.text
    again = post(ed, page, address, **(values | {"promised_days": "3"}))
    assert again.status_code == 409 and "被另一位改过" in again.text


def test_of_two_editors_at_once_the_second_is_told(place: Place) -> None:
    first, second = browser(place, "ed"), browser(place, "ed2")
    one = opened(first)
    other = second.get("/catalogue/draft/catalogue").text
    values = {"title": "新题", "effective_from": "2026-06-01"}
    assert post(first, one, "/catalogue/draft/catalogue/head", **values).status_code == 200
    late = post(second, other, "/catalogue/draft/catalogue/head", title="我的题", effective_from="2026-07-01")
    assert late.status_code == 409 and "被另一位改过" in late.text
    assert "新题" in second.get("/catalogue/draft/catalogue").text
    again = post(second, second.get("/catalogue").text, "/catalogue/draft/calendar/open")
    assert post(second, again.text, "/catalogue/draft/calendar/open").status_code == 409


def test_a_draft_that_moved_between_looking_and_saving_is_not_written_over(place: Place) -> None:
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        editor = desk.roster.get(tx, "ed")
        draft = drafting.open_draft(tx, desk.office.shelf, desk.world, editor, "catalogue")
        drafting.change(tx, desk.world, editor, draft, replace(FIRST, version=2, title="先"), "edited", "")
        with pytest.raises(StateError, match=r"draft\.moved"):
            drafting.change(
                tx, desk.world, editor, draft, replace(FIRST, version=2, title="后"), "edited", ""
            )
        found = drafting.get(tx, "catalogue").content
        assert isinstance(found, Catalogue) and found.title == "先"


def test_whoever_wrote_of_a_draft_does_not_publish_it_and_another_does(place: Place) -> None:
    ed, ed2 = browser(place, "ed"), browser(place, "ed2")
    page = opened(ed)
    page = post(ed, page, "/catalogue/draft/catalogue/head", title="第二版", effective_from="2026-03-01").text
    assert (
        post(
            ed2, ed2.get("/catalogue/draft/catalogue").text, "/catalogue/draft/catalogue/do/confirm"
        ).status_code
        == 409
    )
    page = post(ed, page, "/catalogue/draft/catalogue/do/hand_in").text
    assert "待核定发布" in page
    own = post(ed, page, "/catalogue/draft/catalogue/do/confirm")
    assert own.status_code == 409 and "须由另一位目录管理员" in own.text and version(place) == 1
    page = ed2.get("/catalogue/draft/catalogue").text
    back = post(ed2, page, "/catalogue/draft/catalogue/do/send_back", words="题目再改")
    assert "起草中" in back.text and "题目再改" in back.text
    page = post(
        ed, back.text.replace(hidden(back.text, "csrf"), csrf(ed)), "/catalogue/draft/catalogue/do/hand_in"
    ).text
    done = post(ed2, ed2.get("/catalogue/draft/catalogue").text, "/catalogue/draft/catalogue/do/confirm")
    assert done.status_code == 200 and "已发布第 2 版" in done.text and version(place) == 2
    place.network.settle(3)
    assert version(place, VILLAGE) == 2 and version(place, TOWN) == 2
    actions = [line[:2] for line in place.audit_lines(CITY)]
    assert ("ed2", "catalogue.published") in actions and ("ed", "desk.refused") in actions
    assert ed.get("/catalogue/draft/catalogue").status_code == 409, "there is no draft any more"


def csrf(of: TestClient) -> str:
    return hidden(of.get("/catalogue").text, "csrf")


def test_what_is_handed_in_is_not_changed_and_a_draft_can_be_dropped(place: Place) -> None:
    ed = browser(place, "ed")
    page = post(ed, opened(ed), "/catalogue/draft/catalogue/do/hand_in").text
    assert (
        post(ed, page, "/catalogue/draft/catalogue/head", title="x", effective_from="2026-03-01").status_code
        == 409
    )
    assert post(ed, page, "/catalogue/draft/catalogue/do/hand_in").status_code == 409
    assert post(ed, page, "/catalogue/draft/catalogue/do/send_back", words=" ").status_code == 400
    assert post(ed, page, "/catalogue/draft/catalogue/do/sing").status_code == 400
    dropped = post(ed, page, "/catalogue/draft/catalogue/do/drop")
    assert "草稿已作废" in dropped.text
    opened(ed)


def test_a_draft_that_was_overtaken_is_not_published(place: Place) -> None:
    from city_node.publishing import publish
    from core.catalogue import encode_catalogue

    ed = browser(place, "ed")
    page = opened(ed)
    node = place.network.nodes[CITY]
    city = City(Installation(place.network.folder, Settings(node=CITY), node.db, node), place.offices[CITY])
    publish(city, "catalogue", encode_catalogue(replace(FIRST, version=2)))
    refused = post(ed, page, "/catalogue/draft/catalogue/do/hand_in")
    assert refused.status_code == 400 and "不比现有的第 2 版新" in refused.text


def test_the_calendar_goes_the_same_way_by_its_sheets(place: Place) -> None:
    ed, ed2 = browser(place, "ed"), browser(place, "ed2")
    opened(ed, "calendar")
    data = ed.get("/catalogue/draft/calendar/xlsx").content
    row = openpyxl.load_workbook(io.BytesIO(data))["放假"].max_row + 1
    year = [("年份", 2, "截止年", 2027), ("放假", row, "日期", "2027-01-01"), ("放假", row, "名称", "元旦")]
    twice = bring(
        ed, edited(data, *year, ("补班", 2, "日期", "2027-01-01"), ("补班", 2, "名称", "")), "calendar"
    )
    assert twice.status_code == 400 and "已列在“放假”表中" in twice.text and "请填节日名称" in twice.text
    wrong = bring(ed, edited(data, ("年份", 2, "截止年", 2028)), "calendar")
    assert wrong.status_code == 400 and "没有任何放假日" in wrong.text
    shorter = bring(ed, edited(data, ("年份", 2, "截止年", 2025)), "calendar")
    assert shorter.status_code == 400 and "请补齐年份" in shorter.text
    page = bring(ed, edited(data, *year), "calendar").text
    assert "放假 2027-01-01" in page and "2007-2027" in page
    post(ed, page, "/catalogue/draft/calendar/do/hand_in")
    done = post(ed2, ed2.get("/catalogue/draft/calendar").text, "/catalogue/draft/calendar/do/confirm")
    assert done.status_code == 200 and place.offices[CITY].shelf.calendar.known_until == date(2027, 12, 31)
    page = ed.get("/catalogue/year?year=2027").text
    assert "2027-01-01" in page and "260 天" in page
    assert ed.get("/catalogue/draft/calendar/item/1").status_code == 409
    assert ed.get("/catalogue/draft/other").status_code == 400


def test_a_years_working_days_are_counted_within_the_year() -> None:
    calendar = load_calendar()
    assert sum(workdays_of(calendar, year) for year in range(2007, 2027)) == calendar.workday_count


def test_versions_are_listed_with_their_dates_and_compared(place: Place) -> None:
    ed, ed2 = browser(place, "ed"), browser(place, "ed2")
    page = post(
        ed, opened(ed), "/catalogue/draft/catalogue/head", title="第二版", effective_from="2030-01-01"
    ).text
    post(ed, page, "/catalogue/draft/catalogue/do/hand_in")
    post(ed2, ed2.get("/catalogue/draft/catalogue").text, "/catalogue/draft/catalogue/do/confirm")
    page = ed.get("/catalogue").text
    assert "待生效" in page and "现行" in page and "2030-01-01" in page
    compared = ed.get("/catalogue/compare?old=1&new=2").text
    assert "2015-01-01" in compared and "2030-01-01" in compared and "第二版" in compared
    assert ed.get("/catalogue/compare?old=1&new=9").status_code == 400
    assert ed.get("/catalogue/xlsx/catalogue?version=1").content[:2] == b"PK"
    assert ed.get("/catalogue/xlsx/calendar").content[:2] == b"PK"
    assert ed.get("/catalogue?format=xlsx").content[:2] == b"PK"
    assert ed.get("/catalogue/year?year=1999").status_code == 400
    assert ed.get("/catalogue/year?format=xlsx").content[:2] == b"PK"
    assert "Catalogue and working calendar" in ed.get("/catalogue?lang=en").text


def test_differences_name_what_is_new_gone_and_changed_down_to_a_material() -> None:
    item = FIRST.items[0]
    changed = replace(
        item, name="改名", materials=(replace(item.materials[0], copies=3), *item.materials[2:]), fees=()
    )
    new = replace(FIRST.items[1], code="43098101205099", name="新事项")
    after = replace(FIRST, version=2, items=(changed, new, *FIRST.items[2:]))
    found = {one.key: one for one in catalogue_differences(FIRST, after)}
    assert found[new.code].what == ADDED and found[FIRST.items[1].code].what == GONE
    assert found[item.code].what == CHANGED
    values = {change.zh: (change.before, change.after) for change in found[item.code].changes}
    assert values["名称"] == (item.name, "改名")
    assert values[f"材料 {item.materials[1].name}"][1] == ""
    assert all(change.name("en") for change in found[item.code].changes)
    turned = replace(item, materials=item.materials[::-1])
    order = catalogue_differences(FIRST, replace(FIRST, items=(turned, *FIRST.items[1:])))
    assert order[0].changes[0].zh == "材料顺序"
    assert (
        catalogue_differences(FIRST, FIRST) == []
        and calendar_differences(load_calendar(), load_calendar()) == []
    )


def test_it_is_known_which_node_works_by_which_version(place: Place) -> None:
    place.at_city()
    place.network.settle(2)
    desk = place.desks[CITY]
    with desk.db.reading() as tx:
        rows = {row["node"]: row for row in known_versions(desk, tx)}
    assert rows[CITY]["source"] == "own" and rows[CITY]["catalogue"] == 1
    assert rows[TOWN]["source"] == "reported" and rows[TOWN]["catalogue"] == 1
    assert rows[VILLAGE]["source"] == "by_case" and rows[VILLAGE]["catalogue"] == 1
    page = browser(place, "ed").get("/catalogue").text
    assert "最近一件办件" in page and "联络时报告" in page


def test_only_an_editor_sees_and_works_on_drafts(place: Place) -> None:
    clerk = browser(place, "cw")
    page = clerk.get("/catalogue").text
    assert "起草下一版" not in page and "现行" in page
    for path in ("/catalogue/draft/catalogue", "/catalogue/draft/catalogue/xlsx"):
        assert clerk.get(path).status_code == 403
    assert post(clerk, page, "/catalogue/draft/catalogue/open").status_code == 403
    assert ("cw", "desk.refused", "") in [(a, b, "") for a, b, _ in place.audit_lines(CITY)]


def test_an_unknown_item_and_an_impossible_date_are_refused() -> None:
    with pytest.raises(InputError, match=r"catalogue\.no_item"):
        edit_item(FIRST, "1", {})
    with pytest.raises(InputError, match=r"draft\.date"):
        drafting.set_head(FIRST, "题", "2026-02-30")
