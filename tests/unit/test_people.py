"""Numbers of people and organisations: checked as the standards say, forgiven as people type, masked."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.people import (
    IdType,
    Sex,
    birth_date,
    check_citizen_id,
    check_credit_code,
    check_id,
    check_phone,
    citizen_check,
    credit_check,
    mask_id,
    mask_name,
    mask_phone,
    normalise_id,
    sex,
)

TODAY = date(2015, 10, 10)


def citizen(place: str = "432302", born: str = "19650312", serial: str = "001") -> str:
    """An invented number; 432302 was 沅江市 until 1994 and is in no table of today."""
    return place + born + serial + citizen_check(place + born + serial)


def refused(code: str):
    return pytest.raises(InputError, match=rf"^people.{code}: ")


def test_the_check_characters_are_those_of_the_standards_examples():
    # GB 11643-1999 prints 11010519491231002X and 440524188001010014 as its examples.
    assert citizen_check("11010519491231002") == "X"
    assert citizen_check("44052418800101001") == "4"
    assert check_citizen_id("11010519491231002X", TODAY) == "11010519491231002X"
    # A published code of a large listed company.
    assert check_credit_code("91350100M000100Y43") == "91350100M000100Y43"


def test_a_local_number_from_before_1994_is_valid():
    number = citizen()
    assert check_citizen_id(number, TODAY) == number
    assert birth_date(number) == date(1965, 3, 12)
    assert sex(number) is Sex.MALE
    assert sex(citizen(serial="002")) is Sex.FEMALE


def test_what_an_elderly_agent_types_is_normalised():
    wide = "１１０１０５　１９４９－１２－３１　００２ｘ"
    assert normalise_id(wide) == check_id("身份证", wide, TODAY) == "11010519491231002X"


@settings(derandomize=True, max_examples=80)
@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_of_a_citizen_number_is_always_found(born, serial, place, change):
    number = citizen(born=f"{born:%Y%m%d}", serial=f"{serial:03d}")
    assert check_citizen_id(number, TODAY) == number
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    with pytest.raises(InputError) as caught:
        check_citizen_id(wrong, TODAY)
    assert wrong not in caught.value.zh + caught.value.en


@pytest.mark.parametrize("number", ["", "432302650312001", citizen() + "1", "1" * 90, citizen() + " " * 60])
def test_a_citizen_number_has_18_characters(number):
    with refused("id_length"):
        check_citizen_id(number, TODAY)


@pytest.mark.parametrize("number", ["0" + citizen()[1:], "X" * 18, citizen()[:16] + "X1", "一" * 18])
def test_a_citizen_number_holds_digits_and_perhaps_a_last_x(number):
    with refused("id_form"):
        check_citizen_id(number, TODAY)


@pytest.mark.parametrize("born", ["19650230", "19651301", "00000101", "20151011", "18651009"])
def test_a_birth_date_is_real_not_in_the_future_and_not_150_years_back(born):
    with refused("id_date") as caught:
        check_citizen_id(citizen(born=born), TODAY)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("born", ["20151010", "18651010", "19640229"])
def test_the_edges_of_the_birth_date_are_accepted(born):
    assert check_citizen_id(citizen(born=born), TODAY)


def test_150_years_after_a_leap_day_is_counted_without_a_leap_day():
    number = citizen(born="18520229")
    assert check_citizen_id(number, date(2002, 2, 28))
    with refused("id_date"):
        check_citizen_id(number, date(2002, 3, 1))


BODY = "92430981MA4L0A1B2"


def test_a_credit_code_is_checked_by_its_31_characters():
    code = BODY + credit_check(BODY)
    assert check_id("统一社会信用代码", code.lower(), TODAY) == code


@settings(derandomize=True, max_examples=60)
@given(st.integers(0, 16), st.integers(1, 30))
def test_one_wrong_character_of_a_credit_code_is_always_found(place, change):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    code = BODY + credit_check(BODY)
    wrong = code[:place] + alphabet[(alphabet.index(code[place]) + change) % 31] + code[place + 1 :]
    with pytest.raises(InputError):
        check_credit_code(wrong)


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (BODY, "uscc_length"),
        (BODY.replace("L", "O") + "1", "uscc_form"),
        ("92A30981MA4L0A1B21", "uscc_form"),
        (BODY + ("1" if credit_check(BODY) == "0" else "0"), "uscc_checksum"),
    ],
)
def test_a_wrong_credit_code_is_refused_in_words(code, refusal):
    with refused(refusal) as caught:
        check_credit_code(code)
    assert code not in caught.value.zh


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13873712345", "13873712345"),
        ("１３８ ７３７１ ２３４５", "13873712345"),
        ("+86 138-7371-2345", "13873712345"),
        ("0086 13873712345", "13873712345"),
        ("0737-2801234", "0737-2801234"),
        ("（0737）2801234", "0737-2801234"),
        ("07372801234", "0737-2801234"),
        ("+86 737 2801234", "0737-2801234"),
        ("+86 0737 2801234", "0737-2801234"),
        ("010-62801234", "010-62801234"),
        ("02162801234", "021-62801234"),
    ],
)
def test_phone_numbers_are_kept_in_one_form(typed, kept):
    assert check_phone(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "2801234", "12873712345", "138737123456", "0737-1801234", "0737-280123", "x"]
)
def test_what_is_no_phone_number_is_refused_without_showing_it(typed):
    with refused("phone") as caught:
        check_phone(typed)
    assert not typed or typed not in caught.value.zh


def test_other_documents_are_only_bounded():
    assert check_id("其他", "ab-12 3", TODAY) == "AB-123"
    assert check_id("其他", "南字第 0123 号", TODAY) == "南字第0123号"
    assert check_id(IdType.OTHER, "h1234567(8)", TODAY) == "H1234567(8)"
    for bad in ("", "1", "x" * 41, "x" * 200, "AB\x1b[2J"):
        with refused("id_other"):
            check_id("其他", bad, TODAY)


def test_an_unknown_kind_of_document_is_refused():
    with refused("id_type"):
        check_id("护照", "E12345678", TODAY)


def test_lists_and_logs_show_masked_values_only():
    assert mask_id("11010519491231002X") == "1101************2X"
    assert mask_id("E1234567") == "********"
    assert mask_phone("13873712345") == "138******45"
    assert mask_phone("0737-2801234") == "0737-*****34"
    assert mask_phone("12345") == "*****"
    assert mask_name("王") == mask_name("王建国") == "王××"
    assert mask_name("𠮷田") == "𠮷××"
    assert mask_name("") == ""


@given(st.text(max_size=30))
@settings(derandomize=True, max_examples=60)
def test_a_mask_keeps_the_length_and_hides_more_than_half(text):
    hidden = mask_id(text)
    assert len(hidden) == len(text)
    assert hidden.count("*") * 2 >= len(text)
    assert len(mask_phone(text)) == len(text)
