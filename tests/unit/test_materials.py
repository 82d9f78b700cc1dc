"""What the materials check promises: all that is missing is told at once, nothing required is left for later."""

import pytest

from core.catalogue import load_catalogue
from core.errors import InputError
from core.materials import MaterialRecord, check_materials

SUBSISTENCE = load_catalogue().item("43098101205001")
SCAN = ("ab" * 16,)
COMPLETE = [
    MaterialRecord(material.name, material.originals, material.copies)
    for material in SUBSISTENCE.materials
    if material.need == "必要"
]


def with_record(
    name: str, originals: int, copies: int, attachments: tuple[str, ...] = ()
) -> list[MaterialRecord]:
    others = [record for record in COMPLETE if record.name != name]
    return [*others, MaterialRecord(name, originals, copies, "", attachments)]


def test_what_is_required_is_enough_and_what_is_conditional_is_only_mentioned():
    check = check_materials(SUBSISTENCE, COMPLETE)
    assert check.is_complete and check.missing_conditional == ("残疾/疾病等困难证明",)
    assert check.words() == ("视情材料未交：残疾/疾病等困难证明，情况不需要的可不交。",)
    assert check.words("en") == ("Not handed in, needed only in some situations: 残疾/疾病等困难证明.",)


def test_every_item_names_all_it_requires_when_nothing_is_handed_in():
    for item in load_catalogue().items:
        required = tuple(material.name for material in item.materials if material.need == "必要")
        assert check_materials(item, []).missing_required == required


def test_all_that_is_wrong_is_told_at_once_in_both_languages():
    records = [
        MaterialRecord("居民身份证", 0, 0),
        MaterialRecord("户口簿", 0, 0, "", SCAN),
        MaterialRecord("申请书", 1, 0),
        MaterialRecord("申请书", 1, 0),
        MaterialRecord("病历", 0, 1),
    ]
    check = check_materials(SUBSISTENCE, records)
    assert not check.is_complete
    assert check.missing_required == ("居民身份证", "家庭收入和财产状况申报表", "信息核对授权书")
    assert check.repeated == ("申请书",) and check.unknown == ("病历",)
    assert [
        (short.material.name, short.originals_missing, short.copies_missing) for short in check.too_few
    ] == [("户口簿", 1, 0)]
    assert "份数不足：户口簿（还差原件 1 份）" in "".join(check.words())
    assert "Not enough copies: 户口簿 (originals: 1 short)" in " ".join(check.words("en"))
    assert len(check.words()) == len(check.words("en")) == 5


def test_a_material_entered_twice_is_an_obstacle_even_when_nothing_is_missing():
    check = check_materials(SUBSISTENCE, [*COMPLETE, COMPLETE[0]])
    assert check.repeated == ("申请书",) and not check.is_complete


def test_a_scan_stands_for_the_copies_but_never_for_the_original():
    assert check_materials(SUBSISTENCE, with_record("户口簿", 1, 0, SCAN)).is_complete
    assert not check_materials(SUBSISTENCE, with_record("户口簿", 1, 0)).is_complete
    assert not check_materials(SUBSISTENCE, with_record("户口簿", 0, 1, SCAN)).is_complete


def test_both_originals_and_copies_are_counted():
    item = next(
        item for item in load_catalogue().items if any(m.copies == 2 == m.originals for m in item.materials)
    )
    name = next(material.name for material in item.materials if material.copies == 2 == material.originals)
    (short,) = check_materials(item, [MaterialRecord(name, 1, 1)]).too_few
    assert short.text() == f"{name}（还差原件 1 份、复印件 1 份）"
    assert short.text("en") == f"{name} (originals: 1, copies: 1 short)"


def test_more_than_asked_is_no_obstacle():
    check = check_materials(SUBSISTENCE, [*with_record("户口簿", 5, 5), MaterialRecord("病历", 1, 0)])
    assert check.is_complete and check.unknown == ("病历",)


def test_a_conditional_material_that_is_handed_in_must_be_whole():
    item = next(
        item
        for item in load_catalogue().items
        if any(m.need == "视情" and m.copies == 2 for m in item.materials)
    )
    name = next(
        material.name for material in item.materials if material.need == "视情" and material.copies == 2
    )
    assert [short.material.name for short in check_materials(item, [MaterialRecord(name, 0, 1)]).too_few] == [
        name
    ]


def test_the_number_of_records_is_bounded():
    with pytest.raises(InputError, match=r"materials.too_many"):
        check_materials(SUBSISTENCE, [MaterialRecord(f"材料{n}", 1, 0) for n in range(61)])
