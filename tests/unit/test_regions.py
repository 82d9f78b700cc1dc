"""The table of places: complete, frozen, and refused line by line when it is wrong."""

import dataclasses
from importlib import resources

import pytest

from core.errors import InputError
from core.identifiers import DivisionCode, Tier
from core.regions import (
    CSV_CHARS_MAX,
    ROWS_MAX,
    Division,
    load_yuanjiang,
    load_yuanjiang_townships_2015,
    parse_divisions,
)

HEADER = "code,name,tier,parent\n"
CITY = "430981000000,沅江市,city,430900000000\n"
TOWN = "430981102000,四季红镇,township,430981000000\n"
VILLAGE = "430981102205,先锋村,village,430981102000\n"


def test_yuanjiang_has_one_city_fourteen_townships_and_195_villages():
    places = load_yuanjiang()
    assert places.city.name == "沅江市"
    assert (len(places.townships()), len(places.villages())) == (14, 195)
    assert places.children(places.city.code) == places.townships()
    assert sum(len(places.children(town.code)) for town in places.townships()) == 195
    assert places.children("430981102205") == ()
    assert "430981102205" in places
    assert "430981102999" not in places


def test_the_townships_of_2015_are_sixteen_and_have_no_villages():
    places = load_yuanjiang_townships_2015()
    assert (len(places.townships()), places.villages()) == (16, ())
    assert places.full_name("430981117000") == "三眼塘镇"


def test_a_village_is_always_shown_with_its_township():
    places = load_yuanjiang()
    assert places.full_name("430981006016") == "琼湖街道·和平社区"
    assert places.full_name("430981006000") == "琼湖街道"
    assert places.full_name("430981000000") == "沅江市"
    names = [places.full_name(village.code) for village in places.villages()]
    assert len(set(names)) == 195
    assert {"胭脂湖街道·先锋村", "四季红镇·先锋村", "草尾镇·和平村", "泗湖山镇·和平村"} <= set(names)


def test_search_finds_both_villages_of_one_name_and_narrows_by_township_or_code():
    places = load_yuanjiang()

    def codes(text: str, **kw: int) -> list[str]:
        return [division.code for division in places.search(text, **kw)]

    assert codes("先锋") == ["430981008224", "430981102205"]
    assert codes("四季红 先锋") == codes("四季红镇·先锋村") == ["430981102205"]
    assert codes("４３０９８１１０２２０５") == ["430981102205"]
    assert codes("新湾")[0] == "430981108000"
    assert codes("黄茅洲村")[0] == "430981113201"
    assert codes("  ") == codes("无此地") == []
    assert len(codes("4309")) == 50
    assert len(codes("4309", limit=3)) == 3
    assert codes("4309", limit=-1) == []


def test_an_unknown_code_is_refused_in_words():
    with pytest.raises(InputError, match=r"^region.unknown") as caught:
        load_yuanjiang().full_name("43098110299\n")
    assert "沅江市" in caught.value.zh
    assert caught.value.zh.isprintable()


def test_the_table_cannot_be_changed():
    places = load_yuanjiang()
    with pytest.raises(dataclasses.FrozenInstanceError):
        places.city = None  # type: ignore[misc, assignment]
    with pytest.raises(TypeError):
        places._by_code["1"] = places.city  # type: ignore[index]


def test_rows_may_stand_in_any_order_and_after_a_byte_order_mark():
    places = parse_divisions("\ufeff" + HEADER + VILLAGE + TOWN + CITY)
    assert places.get("430981102205").tier is Tier.VILLAGE
    assert places.full_name("430981102205") == "四季红镇·先锋村"


def test_a_city_may_stand_directly_under_its_province():
    text = HEADER + "441900000000,东莞市,city,440000000000\n441900003000,东城街道,township,441900000000\n"
    assert parse_divisions(text).city.name == "东莞市"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "header", 1),
        ("code,name\n" + CITY, "header", 1),
        (HEADER + CITY + "430981102000,四季红镇,township\n", "columns", 3),
        (HEADER + CITY + "\n", "columns", 3),
        (HEADER + CITY + "43098110200,四季红镇,township,430981000000\n", "code", 3),
        (HEADER + CITY + "４３0981102000,四季红镇,town,430981000000\n", "tier", 3),
        (HEADER + CITY + "430981102000,,township,430981000000\n", "name", 3),
        (HEADER + CITY + "430981102000, 四季红镇,township,430981000000\n", "name", 3),
        (HEADER + CITY + f"430981102000,{'红' * 41},township,430981000000\n", "name", 3),
        (HEADER + CITY + '430981102000,"四季\n红镇",township,430981000000\n', "name", 4),
        (HEADER + CITY + "430981102000,四季红镇,village,430981000000\n", "tier", 3),
        (HEADER + CITY + TOWN + "430981102205,先锋村,village,430981000000\n", "parent", 4),
        (HEADER + "430981000000,沅江市,city,430981000000\n", "parent", 2),
        (HEADER + "430981000000,沅江市,city,440900000000\n", "parent", 2),
        (HEADER + "441900000000,东莞市,city,441900000000\n", "parent", 2),
        (HEADER + CITY + VILLAGE, "no_parent", 3),
        (HEADER + CITY + TOWN + TOWN, "twice", 4),
        (HEADER + CITY + '430981102000,"四季"红镇,township,430981000000\n', "csv", 3),
        (HEADER + "x" * 200_000, "csv", 2),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(text, code, line):
    with pytest.raises(InputError, match=rf"^region.{code}:") as caught:
        parse_divisions(text)
    assert f"第 {line} 行" in caught.value.zh
    assert f"Line {line} " in caught.value.en


@pytest.mark.parametrize("text", [HEADER, HEADER + CITY + CITY.replace("981", "982")])
def test_a_table_holds_exactly_one_city(text):
    with pytest.raises(InputError, match=r"^region.one_city"):
        parse_divisions(text)


def test_a_table_beyond_its_bounds_is_not_read():
    with pytest.raises(InputError, match=r"^region.too_long"):
        parse_divisions("x" * (CSV_CHARS_MAX + 1))
    rows = "".join(
        f"4309811{n // 900:02d}{n % 900 + 100},村,village,4309811{n // 900:02d}000\n" for n in range(ROWS_MAX)
    )
    with pytest.raises(InputError, match=r"^region.too_many"):
        parse_divisions(HEADER + rows + CITY)


def test_the_packaged_tables_are_utf_8_with_rare_place_names_whole():
    text = resources.files("core").joinpath("data", "yuanjiang_divisions.csv").read_text(encoding="utf-8")
    assert "七子浃村" in text


def test_a_table_with_more_in_it_keeps_what_it_had_and_is_no_other_for_anybody_else():
    table = load_yuanjiang()
    town = Division(DivisionCode("430981990000"), "练习镇", Tier.TOWNSHIP, table.city.code)
    village = Division(DivisionCode("430981990001"), "练习村", Tier.VILLAGE, town.code)
    more = table.with_more(town, village)
    assert more.full_name(village.code) == "练习镇·练习村"
    assert more.children(town.code) == (village,)
    assert len(more.villages()) == len(table.villages()) + 1
    assert village.code not in table
