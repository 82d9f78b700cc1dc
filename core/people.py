"""Who a person or organisation is, as far as a number can tell: checked without a line, masked when shown.

Sources: GB 11643-1999 (citizen number), GB 32100-2015 (unified social credit code).
"""

import re
import unicodedata
from datetime import date
from enum import StrEnum

from core.errors import InputError

TYPED_CHARS_MAX = 64
OTHER_ID_CHARS_MAX = 40
AGE_YEARS_MAX = 150


class IdType(StrEnum):
    """What kind of number an applicant shows; the values are those of the catalogue."""

    CITIZEN = "身份证"
    CREDIT_CODE = "统一社会信用代码"
    OTHER = "其他"


class Sex(StrEnum):
    """As the 17th digit of a citizen number tells it (GB/T 2261.1)."""

    MALE = "male"
    FEMALE = "female"


_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CITIZEN_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CITIZEN_CHECKS = "10X98765432"

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {char: value for value, char in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

_SPACES = re.compile(r"\s")
_GROUPING = re.compile(r"[\s\-‐-―−]")
_PHONE_GROUPING = re.compile(r"[\s()\-‐-―−]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Area codes: 010 and 02x have three digits, all others four (沅江 0737).
_LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})")


def check_id(id_type: str, id_no: str, today: date) -> str:
    """The normalised number, checked by the rules of its kind.

    Raises ``InputError``: ``people.id_type``, or as :func:`check_citizen_id` and :func:`check_credit_code`.
    """
    match id_type:
        case IdType.CITIZEN:
            return check_citizen_id(id_no, today)
        case IdType.CREDIT_CODE:
            return check_credit_code(id_no)
        case IdType.OTHER:
            return _check_other(id_no)
        case _:
            raise InputError(
                "people.id_type",
                zh=f"证件类型只能是{'、'.join(IdType)}，请重新选择。",
                en=f"The kind of identity document must be one of {', '.join(IdType)}. Please choose again.",
            )


def check_citizen_id(id_no: str, today: date) -> str:
    """The 18 characters of a valid citizen number (GB 11643).

    ``today`` is the China date. The region is not compared with today's divisions: it is where the holder was
    first registered, and many of those places are gone. Raises ``InputError`` (``people.id_length``,
    ``people.id_form``, ``people.id_date``, ``people.id_checksum``); the words never hold the number.
    """
    number = normalise_id(id_no)
    if len(number) != 18:
        raise InputError(
            "people.id_length",
            zh=f"身份证号应为 18 位，现为 {len(number)} 位，请对照证件重新输入（15 位旧号已停用）。",
            en=f"A citizen number has 18 characters, this one has {len(number)}. "
            "Please type it again from the card (old numbers of 15 are no longer valid).",
        )
    if not _CITIZEN.fullmatch(number):
        raise InputError(
            "people.id_form",
            zh="身份证号前 17 位应为数字，首位不为 0，最后一位为数字或 X，请对照证件重新输入。",
            en="The first 17 characters of a citizen number are digits and do not start with 0, the last "
            "is a digit or X. Please type it again from the card.",
        )
    born = birth_date(number)
    if born > today or (born.year + AGE_YEARS_MAX, born.month, born.day) < (
        today.year,
        today.month,
        today.day,
    ):
        raise _wrong_birth_date()
    if citizen_check(number[:17]) != number[17]:
        raise InputError(
            "people.id_checksum",
            zh="身份证号校验不符，有数字输错或颠倒，请对照证件逐位核对后重新输入。",
            en="The citizen number fails its check: something is mistyped or swapped. "
            "Please compare it with the card and type it again.",
        )
    return number


def citizen_check(body: str) -> str:
    """The last character of a citizen number from its first 17 digits (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_CITIZEN_WEIGHTS, body, strict=True))
    return _CITIZEN_CHECKS[total % 11]


def birth_date(id_no: str) -> date:
    """The birth date inside an 18-character citizen number. Raises ``InputError`` (``people.id_date``)."""
    try:
        return date(int(id_no[6:10]), int(id_no[10:12]), int(id_no[12:14]))
    except ValueError:
        # The cause would quote part of the number; it stays out of the trace.
        raise _wrong_birth_date() from None


def sex(id_no: str) -> Sex:
    """Sex by the 17th digit of a checked citizen number: odd is male."""
    return Sex.MALE if int(id_no[16]) % 2 else Sex.FEMALE


def check_credit_code(id_no: str) -> str:
    """The 18 characters of a valid unified social credit code (GB 32100-2015).

    Raises ``InputError`` (``people.uscc_length``, ``people.uscc_form``, ``people.uscc_checksum``).
    """
    code = normalise_id(id_no)
    if len(code) != 18:
        raise InputError(
            "people.uscc_length",
            zh=f"统一社会信用代码应为 18 位，现为 {len(code)} 位，请对照执照重新输入。",
            en=f"A unified social credit code has 18 characters, this one has {len(code)}. "
            "Please type it again from the licence.",
        )
    if not all(char in _CREDIT_VALUES for char in code) or not code[2:8].isdigit():
        raise InputError(
            "people.uscc_form",
            zh="统一社会信用代码只含数字和大写字母（不用 I、O、S、V、Z），第 3 至 8 位为数字，"
            "请对照执照重新输入。",
            en="A unified social credit code holds digits and capital letters (never I, O, S, V, Z), and "
            "characters 3 to 8 are digits. Please type it again from the licence.",
        )
    if credit_check(code[:17]) != code[17]:
        raise InputError(
            "people.uscc_checksum",
            zh="统一社会信用代码校验不符，有字符输错或颠倒，请对照执照逐位核对后重新输入。",
            en="The unified social credit code fails its check: something is mistyped or swapped. "
            "Please compare it with the licence and type it again.",
        )
    return code


def credit_check(body: str) -> str:
    """The last character of a credit code from its first 17 (GB 32100-2015, MOD 31)."""
    total = sum(weight * _CREDIT_VALUES[char] for weight, char in zip(_CREDIT_WEIGHTS, body, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def check_phone(text: str) -> str:
    """``13800000000`` or ``0737-2234567``; the prefix +86, spaces, brackets and dashes are forgiven.

    Raises ``InputError`` (``people.phone``); the words never hold the number.
    """
    typed = _typed(text, _PHONE_GROUPING)
    number = re.sub(r"^(\+86|0086)", "", typed)
    if _MOBILE.fullmatch(number):
        return number
    if number != typed and number[:1] != "0":
        number = "0" + number
    landline = _LANDLINE.fullmatch(number)
    if landline is None:
        raise InputError(
            "people.phone",
            zh="电话应为 11 位手机号，或带区号的固定电话（如 0737-2234567），请核对后重新输入。",
            en="A phone number is a mobile number of 11 digits, or a landline with its area code "
            "(such as 0737-2234567). Please check it and type it again.",
        )
    return f"{landline[1]}-{landline[2]}"


def normalise_id(text: str) -> str:
    """The number as it is kept: half width, capital letters, without spaces and dashes."""
    return _typed(text, _GROUPING).upper()


def mask_id(id_no: str) -> str:
    """``4309************1X``: place and two last characters; the public query asks for the last four."""
    if len(id_no) < 12:
        return "*" * len(id_no)
    return id_no[:4] + "*" * (len(id_no) - 6) + id_no[-2:]


def mask_phone(number: str) -> str:
    """``138******78`` and ``0737-*****67``."""
    if len(number) < 7:
        return "*" * len(number)
    area, dash, rest = number.rpartition("-")
    shown = area + dash if dash else number[:3]
    return shown + "*" * (len(number) - len(shown) - 2) + rest[-2:]


def mask_name(name: str) -> str:
    """``王××``, whatever the length of the name."""
    return name[:1] + "××" if name else ""


def _check_other(id_no: str) -> str:
    number = _typed(id_no, _SPACES).upper()
    if not 2 <= len(number) <= OTHER_ID_CHARS_MAX or not number.isprintable():
        raise InputError(
            "people.id_other",
            zh=f"证件号码应为 2 至 {OTHER_ID_CHARS_MAX} 个字符，请对照证件重新输入。",
            en=f"The number of the document must have 2 to {OTHER_ID_CHARS_MAX} characters. "
            "Please type it again from the document.",
        )
    return number


def _wrong_birth_date() -> InputError:
    return InputError(
        "people.id_date",
        zh=f"身份证号中的出生日期不存在、晚于今天或早于 {AGE_YEARS_MAX} 年前，请对照证件重新输入。",
        en="The birth date inside the citizen number does not exist, lies in the future, or more than "
        f"{AGE_YEARS_MAX} years back. Please type it again from the card.",
    )


def _typed(text: str, noise: re.Pattern[str]) -> str:
    # Input methods are often left at full width: １１０Ｘ is meant as 110X. What is too long stays too long,
    # so that nothing is accepted for its beginning.
    if len(text) > TYPED_CHARS_MAX:
        return text[: TYPED_CHARS_MAX + 1]
    return noise.sub("", unicodedata.normalize("NFKC", text))
