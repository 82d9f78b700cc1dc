"""An application at any counter: everything in its way is told at once, and what passes is in normal form."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from core.application import FILES_BYTES_MAX, HandedIn, IntakeProblems, Part, Problem, Sheet, check, item_for
from core.bodies import AttachmentManifest
from core.catalogue import load_catalogue
from core.errors import InputError
from core.identifiers import Tier
from core.items import FieldType, FormField, Item
from core.regions import load_yuanjiang

TODAY = date(2026, 3, 2)
CHUNK = 65_536
PLACES = load_yuanjiang()
CATALOGUE = load_catalogue()
SUBSISTENCE = CATALOGUE.item("43098101205001")
APPLICANT = {
    "name": "𠮷田䶮",
    "id_type": "身份证",
    "id_no": "11010519491231002X",
    "mobile": "138 0013 8000",
    "village_code": "430981102202",
    "delivery": "窗口自取",
}
SAMPLES = {
    FieldType.INT: "３",
    FieldType.MONEY: "120.5",
    FieldType.BOOL: "是",
    FieldType.ID_NO: "11010519491231002X",
}


def answer(field: FormField) -> Any:
    if field.type is FieldType.TABLE:
        return [{column.key: answer(column) for column in field.columns}]
    return field.options[0] if field.options else SAMPLES.get(field.type, "说明")


def complete(item: Item = SUBSISTENCE) -> Sheet:
    """What somebody who has everything brings."""
    form = {field.key: answer(field) for field in item.form_fields}
    materials = tuple(HandedIn(one.name, one.originals, one.copies) for one in item.materials)
    return Sheet(item.code, APPLICANT, form, materials)


def problems(sheet: Sheet) -> Sequence[Problem]:
    with pytest.raises(IntakeProblems) as refused:
        check(sheet, CATALOGUE, Tier.VILLAGE, TODAY, PLACES)
    assert all(
        one.text() == one.zh and one.text("en") == one.en and one.zh and one.en
        for one in refused.value.problems
    )
    return refused.value.problems


def scan(size: int) -> AttachmentManifest:
    """Of so many bytes; which chunks they are is no matter here."""
    chunks = ("c" * 64,) * -(-size // CHUNK)
    return AttachmentManifest("a" * 32, "户口簿.pdf", "application/pdf", size, "b" * 64, CHUNK, chunks)


def test_what_passes_is_in_normal_form_and_becomes_the_message_that_hands_it_in() -> None:
    done = check(complete(), CATALOGUE, Tier.VILLAGE, TODAY, PLACES)
    assert done.form["household_size"] == 3 and done.applicant.mobile == "13800138000"
    said = done.submission("p1")
    assert (said.item, said.catalogue_version, said.project) == (SUBSISTENCE.code, CATALOGUE.version, "p1")
    assert said.confidential is SUBSISTENCE.confidential
    assert [one.name for one in said.materials] == [one.name for one in SUBSISTENCE.materials]


def test_what_is_wrong_with_person_form_and_materials_is_told_in_one_go() -> None:
    sheet = replace(complete(), form={}, materials=())
    told = problems(replace(sheet, applicant=APPLICANT | {"mobile": "12"}))
    assert {(one.part, one.key) for one in told} >= {
        (Part.APPLICANT, "mobile"),
        (Part.FORM, "household_size"),
        (Part.MATERIALS, SUBSISTENCE.materials[0].name),
    }


def test_an_unknown_item_is_told_together_with_what_is_wrong_with_the_applicant() -> None:
    told = problems(replace(complete(), item="nothing", applicant=APPLICANT | {"id_no": "1"}))
    assert [(one.part, one.key) for one in told] == [(Part.ITEM, "item"), (Part.APPLICANT, "id_no")]


@pytest.mark.parametrize(
    ("tier", "where"), [(Tier.VILLAGE, "镇或市"), (Tier.TOWNSHIP, "到市"), (Tier.CITY, "到村或镇")]
)
def test_an_item_that_a_tier_does_not_take_in_is_refused_with_where_to_go(tier: Tier, where: str) -> None:
    others = tuple(one for one in Tier if one is not tier)
    catalogue = replace(CATALOGUE, items=(replace(SUBSISTENCE, accept_tiers=others),))
    with pytest.raises(InputError) as refused:
        item_for(catalogue, tier, SUBSISTENCE.code)
    assert refused.value.code == "intake.not_here" and where in refused.value.zh
    assert item_for(catalogue, others[0], SUBSISTENCE.code).code == SUBSISTENCE.code


def test_each_obstacle_among_the_materials_is_one_sentence_and_what_is_no_obstacle_is_a_note() -> None:
    first, *others = complete().materials
    beyond = HandedIn("祖传地契", 1)
    told = problems(replace(complete(), materials=(others[0], *others, beyond)))
    assert [one.part for one in told] == [Part.MATERIALS] * 2
    assert first.name in told[0].zh and others[0].name in told[1].zh
    done = check(
        replace(complete(), materials=(first, *others, beyond)), CATALOGUE, Tier.VILLAGE, TODAY, PLACES
    )
    assert any("祖传地契" in note for note in done.notes_zh) and len(done.notes_zh) == len(done.notes_en)


def test_a_material_of_which_nothing_was_given_is_not_entered() -> None:
    nothing = HandedIn("祖传地契", note="说好下次带来")
    assert not nothing.is_given and HandedIn("祖传地契", files=(scan(1),)).is_given
    sheet = replace(complete(), materials=(*complete().materials, nothing))
    done = check(sheet, CATALOGUE, Tier.VILLAGE, TODAY, PLACES)
    assert "祖传地契" not in {one.name for one in done.materials}


def test_scans_that_no_message_could_name_are_refused_before_they_are_handed_in() -> None:
    first, *others = complete().materials
    quarter = scan(FILES_BYTES_MAX // 4)
    whole = replace(complete(), materials=(replace(first, files=(quarter,) * 4), *others))
    done = check(whole, CATALOGUE, Tier.VILLAGE, TODAY, PLACES)
    assert done.files == (quarter,) * 4 and done.materials[0].attachments == (quarter.id,) * 4
    (told,) = problems(replace(whole, materials=(replace(first, files=(*(quarter,) * 4, scan(1))), *others)))
    assert told.part is Part.MATERIALS and told.key == "户口簿.pdf" and "200 MB" in told.zh
