"""Code sets are there under the names the standards give them."""

from decimal import Decimal

import pytest

from core.codelists import NATIONAL, PROVINCIAL, appraisal_points, card_rules, codes, ledgers
from core.errors import InputError


def test_code_sets_are_read_by_standard_and_name():
    assert codes("GB/T 39046-2020", "special_procedure(A.7)") == {
        "1": "延长审批",
        "2": "除延长审批之外的情况",
    }
    assert codes(NATIONAL, "item_type(A.1)")["01"] == "行政许可"
    assert codes(PROVINCIAL, "card_level")["3"] == "红牌"


def test_a_set_of_bare_words_maps_each_word_to_itself():
    assert next(iter(codes(NATIONAL, "process_action(表7)").items())) == ("通过", "通过")


def test_a_code_set_cannot_be_changed():
    with pytest.raises(TypeError):
        codes(NATIONAL, "case_type(A.6)")["1"] = "x"  # type: ignore[index]


@pytest.mark.parametrize(("standard", "name"), [(NATIONAL, "x"), ("x", "case"), ("card_rules", "case")])
def test_an_unknown_code_set_is_refused(standard, name):
    with pytest.raises(InputError, match=r"^codelist.unknown"):
        codes(standard, name)


def test_appraisal_points_are_exact_and_the_ledgers_are_seven():
    assert appraisal_points()["base"] == 100
    assert appraisal_points()["超法定期限2天及以上(红牌)"] == Decimal("-1.5")
    assert len(ledgers()) == 7
    assert card_rules()["vectors"]
