"""A case's documents follow from its steps and say what the law wants said, in both languages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.bodies import CaseRated, IdType
from core.case import Case
from core.desk.documents import paper_of
from core.documents.compose import Facts, compose
from core.documents.dates import date_in_characters, date_in_numerals
from core.documents.kinds import document_of, documents_of
from core.documents.lines import NO_END, NO_START, wrap_lines
from core.documents.office import Letterhead
from core.documents.paper import Block, Paper, Shape, paper_from_json, paper_to_json
from core.errors import InputError, StateError
from core.items import Item
from core.messages import Actor, Role
from tests.unit.desk_kit import CITY, TOWN, Place
from tests.unit.test_desk_pages import hidden, signed_in

OFFICE = Letterhead(name="沅江市政务服务中心", phone="0737-2721234", address="桔城大道1号")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.desks[CITY] = replace(made.desks[CITY], letterhead=OFFICE)
    yield made
    made.network.close()


def now(place: Place, case: Case) -> Case:
    with place.desks[CITY].db.reading() as tx:
        return place.offices[CITY].casebook.get(tx, case.id)


def names(place: Place, case: Case) -> list[str]:
    return [one.name for one in documents_of(now(place, case))]


def words(place: Place, case: Case, name: str, lang: str = "zh") -> str:
    desk = place.desks[CITY]
    with desk.db.reading() as tx:
        return paper_of(desk, tx, now(place, case), name, lang).words


def decided(place: Place, **values: str) -> Case:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    place.do(CITY, "cw", "assign", case, officer="ch")
    advice = values["outcome"]
    place.do(CITY, "ch", "handle", case, recommend=advice)
    place.do(CITY, "cr", "review", case, recommend=advice)
    return place.do(CITY, "cd", "decide", case, **values)


def test_a_case_has_the_documents_of_the_steps_it_took_and_no_others(place: Place) -> None:
    case = place.at_city()
    assert names(place, case) == []
    with pytest.raises(InputError, match=r"document\.none"):
        document_of(now(place, case), "acceptance")
    place.do(CITY, "cw", "supplement", case, missing=["户口簿"])
    assert names(place, case) == ["supplement"]
    refused = place.at_city()
    place.do(CITY, "cw", "refuse", refused, ground="第三十二条", reason="不属于本机关职权")
    assert names(place, refused) == ["refusal", "receipt"]
    done = decided(place, outcome="grant")
    assert names(place, done) == ["acceptance", "decision", "receipt"]


def test_a_second_request_has_a_notice_of_its_own_and_the_first_keeps_its_words(place: Place) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "supplement", case, missing=["户口簿"], note="第一次")
    whole = now(place, case)
    place.do(CITY, "cw", "supplement", place.at_city(), missing=["居民身份证"])
    again = replace(whole, steps=(*whole.steps, replace(whole.steps[-1], id="f" * 32)), supplement=None)
    assert [one.name for one in documents_of(again)] == ["supplement", "supplement-2"]
    assert documents_of(again)[1].text() == "补正告知书（2）"
    assert "第一次" in words(place, case, "supplement")


def test_the_notice_of_acceptance_names_basis_limit_fee_and_how_to_ask(place: Place) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    said = words(place, case, "acceptance")
    for wanted in (
        "受理通知书",
        "王小明：",
        "农村居民最低生活保障申请",
        "材料齐全、符合法定形式",
        "法定办理时限为 25 个工作日，承诺办理时限为 5 个工作日",
        "应于2026年3月9日前办结",
        "不收费",
        "0737-2721234",
        "沅江市民政局（印章）",
        "二〇二六年三月二日",
    ):
        assert wanted in said
    assert f"沅政务受〔2026〕{case.id[:12]}-" in said
    english = words(place, case, "acceptance", "en")
    assert "Notice of acceptance" in english and "by 9 March 2026" in english and "5 working days" in english


def test_the_notice_of_what_is_missing_tells_all_of_it_at_once(place: Place) -> None:
    case = place.at_city()
    place.do(
        CITY,
        "cw",
        "supplement",
        case,
        missing=["户口簿", "居民身份证"],
        field=["household_size"],
        note="带首页",
    )
    said = words(place, case, "supplement")
    for wanted in (
        "一次性告知",
        "1．补交材料：户口簿；",
        "2．补交材料：居民身份证；",
        "3．改正填写项：家庭人口；",
        "带首页",
    ):
        assert wanted in said
    assert "Correct in the form: Household size" in words(place, case, "supplement", "en")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_whoever_is_turned_away_is_told_why_by_what_law_and_where_to_go(place: Place, lang: str) -> None:
    refused = place.at_city()
    place.do(CITY, "cw", "refuse", refused, ground="行政许可法第三十二条", reason="不属于本机关职权")
    denied = decided(place, outcome="deny", reason="家庭收入高于标准")
    remedies = {
        "zh": ("六十日内向沅江市人民政府申请行政复议", "六个月内依法向沅江市人民法院提起行政诉讼"),
        "en": ("sixty days", "six months"),
    }[lang]
    for case, name, why in (
        (refused, "refusal", "不属于本机关职权"),
        (denied, "decision", "家庭收入高于标准"),
    ):
        said = words(place, case, name, lang)
        assert why in said and all(one in said for one in remedies)
    assert "行政许可法第三十二条" in words(place, refused, "refusal", lang)


def test_a_grant_needs_no_remedy_and_carries_the_number_it_was_given(place: Place) -> None:
    case = decided(place, outcome="grant", document="沅民低保〔2026〕12号", reason="符合条件")
    said = words(place, case, "decision")
    assert said.startswith("准予行政给付决定书\n沅民低保〔2026〕12号")
    assert "农村最低生活保障证" in said and "符合条件" in said and "行政复议" not in said
    denied = decided(place, outcome="deny", reason="收入高")
    assert words(place, denied, "decision").startswith("不予行政给付决定书")


def test_a_grant_that_hands_over_nothing_names_no_result(place: Place) -> None:
    whole = now(place, decided(place, outcome="grant"))
    assert whole.decision is not None
    without = replace(whole, decision=replace(whole.decision, result_name=""))
    for name in ("decision", "receipt"):
        said, named = (compose(document_of(one, name), facts(place, one)).words for one in (without, whole))
        assert "农村最低生活保障证" in named and "农村最低生活保障证" not in said
        assert "准予行政给付决定书" in said
    (table, _) = compose(document_of(without, "receipt"), facts(place, without)).blocks
    handed_over = {label: value for label, value, _ in table.rows}["送达文书名称及文号"]
    assert len(handed_over.split("\n")) == 1


def test_a_licence_rests_on_the_licensing_law_and_another_item_on_its_catalogue(place: Place) -> None:
    case = decided(place, outcome="grant")
    item = place.item()
    whole = now(place, case)
    licence = replace(item, item_type=replace(item.item_type, code="01", name="行政许可"))
    by_catalogue, by_law = (
        compose(documents_of(whole)[1], Facts(whole, kind, "目录", OFFICE, "沅江市")).words
        for kind in (item, licence)
    )
    assert "《目录》（第 1 版）" in by_catalogue and "行政许可法" not in by_catalogue
    assert "第三十八条第一款" in by_law and "准予行政许可决定书" in by_law


def test_the_proof_of_delivery_leaves_room_to_sign_until_it_was_signed_for(place: Place) -> None:
    case = decided(place, outcome="grant", document="沅民〔2026〕1号")
    whole = now(place, case)
    paper = compose(document_of(whole, "receipt"), facts(place, whole))
    rows = {label: (value, lines) for label, value, lines in paper.blocks[0].rows}
    assert rows["受送达人签名或盖章、收到日期"] == ("", 4)
    assert "准予行政给付决定书　沅民〔2026〕1号" in rows["送达文书名称及文号"][0]
    place.do(CITY, "cw", "deliver", case, received_by="王小明", signature="回证0012")
    said = words(place, case, "receipt")
    assert "王小明　　签收于 2026-03-02 09:00" in said and "回证0012" in said and "市窗口" in said


def test_what_another_received_stands_in_the_row_for_it(place: Place) -> None:
    case = decided(place, outcome="grant")
    place.do(CITY, "cw", "deliver", case, received_by="李四")
    whole = now(place, case)
    rows = {
        row[0]: row[1] for row in compose(document_of(whole, "receipt"), facts(place, whole)).blocks[0].rows
    }
    assert rows["受送达人签名或盖章、收到日期"] == ""
    assert "李四" in rows["代收人签名、与受送达人关系及代收理由"]


def test_an_enterprise_is_addressed_as_one_and_an_immediate_item_is_done_the_same_day(place: Place) -> None:
    case = decided(place, outcome="grant")
    whole = now(place, case)
    firm = replace(whole, applicant=replace(whole.applicant, id_type=IdType.USCC), bill_fen=1250)
    quick = replace(place.item(immediate=True), confidential=False)
    said = compose(documents_of(firm)[0], replace(facts(place, firm), item=quick, due_at=None)).words
    assert "你单位于" in said and "当日办结" in said and "12.50 元" in said


def test_what_the_settings_do_not_say_is_a_line_to_be_filled_in_by_hand(place: Place) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    said = compose(
        documents_of(now(place, case))[0], replace(facts(place, now(place, case)), office=Letterhead())
    ).words
    assert "电话：＿＿＿＿＿＿" in said
    read = Letterhead.read({"name": "甲" * 200, "court": "乙法院", "word": "沅民"})
    assert len(read.name) == 100 and read.judged_by == "乙法院" and read.numbered_by == "沅民"


def test_a_notice_of_the_township_bears_the_township_and_says_where_to_go(place: Place) -> None:
    case = place.submit()
    place.do(TOWN, "tw", "supplement", case, missing=["户口簿"])
    desk = place.desks[TOWN]
    with desk.db.reading() as tx:
        whole = place.offices[TOWN].casebook.get(tx, case.id)
        said = paper_of(desk, tx, whole, "supplement").words
    assert "请补正后提交" in said and "户口簿" in said


def test_a_document_waits_for_its_catalogue(place: Place) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    desk = place.desks[CITY]
    later = replace(now(place, case), catalogue_version=9)
    with desk.db.reading() as tx, pytest.raises(StateError, match=r"desk\.no_catalogue"):
        paper_of(desk, tx, later, "acceptance")


@pytest.mark.parametrize(
    ("day", "characters"),
    [
        (date(2026, 3, 2), "二〇二六年三月二日"),
        (date(2015, 10, 10), "二〇一五年十月十日"),
        (date(2020, 12, 31), "二〇二〇年十二月三十一日"),
        (date(2024, 11, 20), "二〇二四年十一月二十日"),
    ],
)
def test_a_date_under_a_document_is_in_characters(day: date, characters: str) -> None:
    assert date_in_characters(day) == characters
    assert date_in_numerals(day) == f"{day.year}年{day.month}月{day.day}日"
    assert date_in_characters(day, "en").endswith(str(day.year))


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one_or_breaks_a_number() -> None:
    text = "办理进度可凭办件编号（430981102202-20260302-00001-1）和证件号码后四位查询。联系电话：0737-2721234。地址：《某路》1号。"
    for width in range(36, 60):
        lines = wrap_lines(text, width, lambda line: sum(1 if char.isascii() else 2 for char in line))
        assert "".join(lines) == text
        assert all(line[0] not in NO_START and line[-1] not in NO_END for line in lines), lines
        assert any("0737-2721234" in line for line in lines)
        assert all(sum(1 if c.isascii() else 2 for c in line) <= width for line in lines)


def test_what_is_too_wide_for_a_line_is_broken_and_nothing_is_lost() -> None:
    assert wrap_lines("a" * 25, 10, len) == ["a" * 10, "a" * 10, "a" * 5]
    assert wrap_lines("", 10, len) == [""]
    assert wrap_lines("one two three", 8, len) == ["one two", "three"]
    assert wrap_lines("好" * 3, 0.5, len) == ["好"] * 3


def test_a_paper_travels_as_it_is_and_one_too_long_is_refused_in_words() -> None:
    paper = Paper("题", "号", "zh", (Block(Shape.TABLE, rows=(("甲", "乙", 2),)), Block(Shape.TEXT, "话")))
    assert paper_from_json(paper_to_json(paper)) == paper
    for long in (
        replace(paper, blocks=(Block(Shape.TEXT, "长" * 100_000),)),
        replace(paper, blocks=paper.blocks * 150),
    ):
        with pytest.raises(InputError, match=r"document\.large"):
            paper_to_json(long)


def test_what_goes_by_post_needs_the_number_of_the_mail(place: Place) -> None:
    case = decided(place, outcome="grant")
    with pytest.raises(InputError, match=r"desk\.missing"):
        place.do(CITY, "cw", "deliver", case, received_by="王小明", method="邮寄")
    with pytest.raises(InputError, match=r"desk\.too_long"):
        place.do(CITY, "cw", "deliver", case, received_by="王小明", method="邮寄", signature="1" * 65)
    assert now(place, case).delivery is None
    done = place.do(CITY, "cw", "deliver", case, received_by="王小明", method="邮寄", signature="EMS1234")
    assert done.delivery is not None and done.delivery.signature == "EMS1234"


def test_the_case_page_shows_who_signed_and_how_it_was_rated_and_covers_the_name(place: Place) -> None:
    case = decided(place, outcome="grant")
    place.do(CITY, "cw", "deliver", case, received_by="王小明", signature="回证0012")
    desk = place.desks[CITY]
    with desk.db.transaction() as tx:
        desk.office.casework.act(tx, case.id, Actor("cw", "市窗口", Role.WINDOW), CaseRated(2, "热心"))
    browser = signed_in(place, "cw")
    page = browser.get(f"/case/{case.id}").text
    assert "窗口自取，王×× 签收，2026-03-02 09:00，凭证 回证0012" in page and "王小明" not in page
    assert "评价：满意" in page
    page = browser.post(f"/case/{case.id}/full", data={"csrf": hidden(page, "csrf"), "reason": "核对"}).text
    assert "王小明 签收" in page


def facts(place: Place, case: Case) -> Facts:
    item: Item | None = place.offices[CITY].shelf.item(case.item, case.catalogue_version)
    assert item is not None
    return Facts(case, item, "目录", OFFICE, "沅江市")
