"""What the catalogue promises: 48 items read strictly, found quickly, and kept in every version."""

import dataclasses
import json
from collections.abc import Callable
from datetime import date, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bodies import DayUnit, LimitMode
from core.catalogue import (
    VERSIONS_MAX,
    Catalogue,
    CatalogueErrors,
    CatalogueHistory,
    encode_catalogue,
    load_catalogue,
    parse_catalogue,
)
from core.errors import InputError
from core.identifiers import Tier
from core.items import Chain, FieldType

SUBSISTENCE = "43098101205001"
ORPHAN = "43098101205006"
SENIOR_CARD = "43098101220002"
MARRIAGE = "43098101207001"

PACKAGED = resources.files("core").joinpath("data", "catalogue.json").read_bytes()


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    plain = json.loads(PACKAGED)
    change(plain)
    return json.dumps(plain).encode()


def changed_item(**values: Any) -> bytes:
    return changed(lambda plain: plain["items"][0].update(values))


def defects_of(data: bytes) -> list[str]:
    with pytest.raises(CatalogueErrors) as refusal:
        parse_catalogue(data)
    return [defect.where for defect in refusal.value.defects]


def test_the_packaged_catalogue_has_48_items_and_28_of_them_for_villages():
    catalogue = load_catalogue()
    assert len(catalogue.items) == 48
    assert [len(catalogue.for_tier(tier)) for tier in (Tier.VILLAGE, Tier.TOWNSHIP, Tier.CITY)] == [
        28,
        35,
        48,
    ]


def test_an_item_says_its_chain_and_whether_it_is_done_the_same_day():
    catalogue = load_catalogue()
    card, subsistence = catalogue.item(SENIOR_CARD), catalogue.item(SUBSISTENCE)
    assert (card.is_immediate, card.chain, card.promised_days) == (True, Chain.GENERAL, 0)
    assert (subsistence.is_immediate, subsistence.chain) == (False, Chain.THREE_LEVEL)
    assert subsistence.promised_days == 5 and subsistence.statutory_days == 25


def test_only_what_concerns_orphans_is_confidential_and_every_clock_is_exact():
    catalogue = load_catalogue()
    assert [item.code for item in catalogue.items if item.confidential] == [ORPHAN]
    assert catalogue.item(ORPHAN).provenance["confidential"] == "A"
    assert {item.limit_mode for item in catalogue.items} == {LimitMode.EXACT}


def test_an_item_without_the_two_optional_words_is_open_and_exact():
    def strip(plain: dict[str, Any]) -> None:
        del plain["items"][0]["confidential"], plain["items"][0]["limit_mode"]

    item = parse_catalogue(changed(strip)).item(SUBSISTENCE)
    assert (item.confidential, item.limit_mode) == (False, LimitMode.EXACT)


def test_a_special_procedure_counts_in_one_unit():
    visit, notice = load_catalogue().item(SUBSISTENCE).special_procedures
    assert (visit.unit, visit.days_max) == (DayUnit.WORKING, 15)
    assert (notice.unit, notice.days_max) == (DayUnit.CALENDAR, 7)


def test_items_have_titles_and_labels_in_both_languages():
    for item in load_catalogue().items:
        assert item.title("en") and item.title("en") != item.title()
        for field in item.form_fields:
            assert field.name("en").isascii() or "²" in field.name("en") or "³" in field.name("en")
            assert field.name() == field.label
    bare = dataclasses.replace(load_catalogue().items[0], name_en="")
    assert bare.title("en") == bare.name


def test_a_field_is_found_by_its_key():
    item = load_catalogue().item(SUBSISTENCE)
    table = item.form_field("household_members")
    assert table is not None and table.type is FieldType.TABLE and len(table.columns) == 6
    assert item.form_field("no_such") is None
    assert item.is_free and not load_catalogue().item(MARRIAGE).is_free


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("ncjmzdshbzsq", SUBSISTENCE),
        ("NCJM", SUBSISTENCE),
        ("ｎｃｊｍ", SUBSISTENCE),
        ("农村居民", SUBSISTENCE),
        ("最低 农村", SUBSISTENCE),
        ("01205001", SUBSISTENCE),
        ("43098101205001", SUBSISTENCE),
        ("Rural subsistence", SUBSISTENCE),
        ("(含百岁)", "43098101205005"),
        ("lnr", SENIOR_CARD),
    ],
)
def test_an_item_is_found_by_number_initials_or_words(typed: str, code: str):
    assert load_catalogue().search(typed)[0].code == code


def test_what_begins_with_the_word_comes_first():
    begins = [item.name.startswith("建设") for item in load_catalogue().search("建设")]
    assert len(set(begins)) == 2 and begins == sorted(begins, reverse=True)


def test_an_empty_search_shows_everything_the_tier_takes_in():
    catalogue = load_catalogue()
    assert catalogue.search(" ") == catalogue.items
    assert catalogue.search("", Tier.VILLAGE) == catalogue.for_tier(Tier.VILLAGE)
    assert catalogue.search("结婚登记", Tier.VILLAGE) == ()
    assert catalogue.search("没有这个事项") == ()


@settings(derandomize=True, max_examples=50)
@given(st.text())
def test_a_search_never_fails_and_finds_only_items(text: str):
    assert all(item in load_catalogue().items for item in load_catalogue().search(text))


def test_an_unknown_item_is_refused_with_the_version():
    with pytest.raises(InputError, match=r"catalogue.no_item") as refusal:
        load_catalogue().item("4309810\n")
    assert "第 1 版" in refusal.value.zh and "\n" not in refusal.value.zh
    assert SUBSISTENCE in load_catalogue() and "0" not in load_catalogue()


def test_what_is_encoded_reads_back_the_same():
    catalogue = load_catalogue()
    assert parse_catalogue(encode_catalogue(catalogue)) == catalogue


def test_nothing_is_published_that_another_node_would_refuse():
    item = dataclasses.replace(load_catalogue().items[0], promised_days=26)
    with pytest.raises(CatalogueErrors):
        encode_catalogue(dataclasses.replace(load_catalogue(), items=(item,)))


MATERIAL = {"name": "申请书", "need": "必要", "originals": 1, "copies": 0}
FIELD = {"key": "a", "label": "甲", "type": "str", "required": True}
FEE = {"name": "工本费", "amount": "9.00", "unit": "件", "provenance": "A"}
VISIT = {"kind": "2", "name": "调查", "max_working_days": 5}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"code": "4309810120500"}, "code"),
        ({"code": "43098101305001"}, "code"),
        ({"code": "43098101201001"}, "code"),
        ({"item_type": {"code": "05", "name": "行政许可"}}, "item_type"),
        ({"case_type": {"code": "9", "name": "其他"}}, "case_type"),
        ({"approval_chain": ["handle", "decide"]}, "approval_chain"),
        ({"approval_chain": ["accept", "approve"]}, "approval_chain"),
        ({"approval_chain": ["handle", "review", "stamp"]}, "approval_chain"),
        ({"promised_days": 26}, "promised_days"),
        ({"promised_days": 0}, "promised_days"),
        ({"promised_days": -1}, "promised_days"),
        ({"statutory_days": 5.0}, "statutory_days"),
        ({"limit_unit": "calendar_day"}, "limit_unit"),
        ({"accept_tiers": ["village", "village", "city"]}, "accept_tiers"),
        ({"accept_tiers": ["village"]}, "accept_tiers"),
        ({"accept_tiers": ["province"]}, "accept_tiers"),
        ({"decide_tier": "township", "confidential": True}, "confidential"),
        ({"decide_tier": "village"}, "decide_tier"),
        ({"materials": [MATERIAL, MATERIAL]}, "materials"),
        ({"materials": [{**MATERIAL, "originals": 0}]}, "materials"),
        ({"materials": [{**MATERIAL, "need": "或许"}]}, "materials"),
        ({"form_fields": [{**FIELD, "type": "float"}]}, "form_fields"),
        ({"form_fields": [FIELD, FIELD]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "choice"}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "choice", "options": ["是", "是"]}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "options": ["是"]}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "table"}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "columns": [FIELD]}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "table", "columns": [FIELD, FIELD]}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "table", "columns": [FIELD] * 21}]}, "form_fields"),
        (
            {"form_fields": [{**FIELD, "type": "table", "columns": [{**FIELD, "type": "table"}]}]},
            "form_fields",
        ),
        ({"form_fields": [{**FIELD, "min": 1}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "type": "int", "min": 2, "max": 1}]}, "form_fields"),
        ({"form_fields": [{**FIELD, "past": True}]}, "form_fields"),
        ({"fees": [FEE, FEE]}, "fees"),
        ({"fees": [{**FEE, "amount": "0.00"}]}, "fees"),
        ({"fees": [{**FEE, "amount": 9.0}]}, "fees"),
        ({"special_procedures": [VISIT, VISIT]}, "special_procedures"),
        ({"special_procedures": [{"kind": "2", "name": "公示"}]}, "special_procedures"),
        ({"special_procedures": [{**VISIT, "max_calendar_days": 7}]}, "special_procedures"),
        ({"provenance": {"code": "S99"}}, "provenance.code"),
        ({"provenance": {str(n): "A" for n in range(61)}}, "provenance"),
        ({"limit_seen_elsewhere": {"ref": "S1", "steps": {"x": -1}}}, "limit_seen_elsewhere"),
        ({"limit_seen_elsewhere": {"ref": "S1", "steps": []}}, "limit_seen_elsewhere"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_defect_is_named_with_its_item_and_field(change: dict[str, Any], where: str):
    with pytest.raises(CatalogueErrors) as refusal:
        parse_catalogue(changed_item(**change))
    (defect,) = refusal.value.defects
    assert defect.where.startswith(change.get("code", SUBSISTENCE))
    assert where in defect.where + defect.zh and where in defect.where + defect.en
    assert defect.zh in refusal.value.zh and defect.en in refusal.value.en


def test_every_defect_is_named_not_only_the_first():
    def spoil(plain: dict[str, Any]) -> None:
        plain["items"][0]["promised_days"] = 26
        plain["items"][0]["limit_unit"] = "calendar_day"
        plain["items"][1]["colour"] = "red"
        plain["items"][2] = 7
        plain["items"][3]["code"] = ""
        plain["items"].append(plain["items"][5])
        plain["common_fields"].append(FIELD | {"past": True})

    assert defects_of(changed(spoil)) == [
        "catalogue.common_fields[9].past",
        f"{SUBSISTENCE}.promised_days",
        f"{SUBSISTENCE}.limit_unit",
        "43098101205002",
        "items[2]",
        "items[3]",
        f"{ORPHAN}.code",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        changed(lambda plain: plain.update(items=[])),
        changed(lambda plain: plain.pop("items")),
        changed(lambda plain: plain.update(items=[1] * 2001)),
        changed(lambda plain: plain.update(version=0)),
        changed(lambda plain: plain.update(effective_from="2015-02-30")),
        changed(lambda plain: plain.update(effective_from="20150101")),
        changed(lambda plain: plain.update(notes=[])),
        changed(lambda plain: plain.update(extra=1)),
        b" " * ((4 << 20) + 1),
    ],
)
def test_what_is_no_catalogue_is_refused_in_words(data: bytes):
    with pytest.raises(InputError) as refusal:
        parse_catalogue(data)
    assert refusal.value.zh.endswith("。")


def version(number: int, day: date, **values: Any) -> Catalogue:
    return dataclasses.replace(load_catalogue(), version=number, effective_from=day, **values)


def test_a_case_keeps_its_version_when_a_newer_one_is_in_force():
    first, second = version(1, date(2015, 1, 1)), version(2, date(2016, 1, 1))
    history = CatalogueHistory().with_version(second).with_version(first)
    assert [held.version for held in history.versions] == [1, 2]
    assert history.at(1) is first and history.at(2) is second
    assert history.current(date(2015, 12, 31)) is first
    assert history.current(date(2016, 1, 1)) is second


def test_a_higher_version_in_force_replaces_all_below_it_even_those_that_start_later():
    late, correction = version(2, date(2016, 1, 1)), version(3, date(2015, 6, 1))
    history = CatalogueHistory().with_version(late).with_version(correction)
    assert history.current(date(2016, 2, 1)) is correction


def test_the_same_version_twice_changes_nothing_and_another_of_that_number_is_refused():
    history = CatalogueHistory().with_version(load_catalogue())
    assert history.with_version(parse_catalogue(PACKAGED)) is history
    with pytest.raises(InputError, match=r"catalogue.version_taken"):
        history.with_version(version(1, date(2015, 1, 2)))


def test_a_missing_version_and_a_day_before_all_versions_are_refused():
    history = CatalogueHistory((load_catalogue(),))
    with pytest.raises(InputError, match=r"catalogue.no_version"):
        history.at(2)
    with pytest.raises(InputError, match=r"catalogue.none_in_force"):
        history.current(load_catalogue().effective_from - timedelta(days=1))


def test_the_number_of_versions_is_bounded():
    held = tuple(
        Catalogue(number, date(2015, 1, 1), load_catalogue().items[:1]) for number in range(VERSIONS_MAX)
    )
    with pytest.raises(InputError, match=r"catalogue.versions"):
        CatalogueHistory(held).with_version(version(VERSIONS_MAX, date(2015, 1, 1)))
