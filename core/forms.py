"""Answers checked against the item's form: every problem at once, each with its field and how to mend it.

What comes back is in one normal form, which travels and is compared; checking it again changes nothing. Nothing
typed is ever lost: a refusal leaves the answers as they are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NoReturn

from core.bodies import FORM_FIELDS_MAX, TABLE_ROWS_MAX
from core.catalogue import load_catalogue
from core.errors import InputError
from core.identifiers import Tier, parse_division, tier_of
from core.items import FieldType, FormField, Item
from core.numbers import FEN_MAX, fen_of, half_width, parse_decimal, parse_money
from core.people import IdType, check_id, check_phone
from core.regions import Divisions
from core.shape import Text

STR_CHARS_MAX = 200
TEXT_CHARS_MAX = 2_000
INT_MAX = 10**9
DECIMAL_MAX = 10**12
DECIMAL_PLACES_MAX = 4
YEAR_MIN, YEAR_MAX = 1900, 2100
NAME_CHARS_MAX = 100
_TYPED_CHARS_MAX = 200

_DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))", re.ASCII)
_YES = frozenset({"是", "y", "yes", "true", "1"})
_NO = frozenset({"否", "n", "no", "false", "0"})


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong in one field. ``key`` of a table cell is ``household_members[0].name``, rows from 0."""

    key: str
    label: str
    zh: str
    en: str


class FormErrors(InputError):
    """The form has problems; ``problems`` holds them all, in the order of the form."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__(
            "form.problems",
            zh=f"有 {len(problems)} 处需要改正：" + "".join(problem.zh for problem in problems[:20]),
            en=f"{len(problems)} to mend: " + " ".join(problem.en for problem in problems[:20]),
        )
        self.problems = problems


def check_applicant(fields: Mapping[str, Any], divisions: Divisions, today: date) -> dict[str, Any]:
    """The applicant's fields (those of ``core.bodies.Applicant``), every key present, "" where not given.

    The number must fit the kind of document, the village must be a village of ``divisions``, and an agent's
    number needs an agent's name. ``today`` is the China date. Raises ``FormErrors``.
    """
    asked = {field.key: field for field in load_catalogue().common_fields}
    # Which rules the number obeys depends on the kind of document, so it is read as text first.
    asked["id_no"] = replace(asked["id_no"], type=FieldType.STR)
    reader = _Reader(today, divisions)
    checked = reader.read_all(tuple(asked.values()), fields)
    if "id_type" in checked and "id_no" in checked:
        try:
            checked["id_no"] = check_id(checked["id_type"], checked["id_no"], today)
        except InputError as error:
            reader.refuse(asked["id_no"], error.zh, error.en)
    if "village_code" in checked and tier_of(checked["village_code"]) is not Tier.VILLAGE:
        reader.refuse(asked["village_code"], "请选择到村（社区）。", "please choose a village (community).")
    for key in ("name", "agent_name"):
        if len(checked.get(key, "")) > NAME_CHARS_MAX:
            reader.refuse(
                asked[key], f"最多 {NAME_CHARS_MAX} 个字，请缩短。", f"at most {NAME_CHARS_MAX} characters."
            )
    if "agent_id_no" in checked and "agent_name" not in checked:
        reader.refuse(
            asked["agent_name"],
            "已填代办员证件号码，请填写代办员姓名。",
            "the agent's number is given, so please give the agent's name.",
        )
    reader.raise_problems(tuple(asked.values()))
    return {key: checked.get(key, "") for key in asked}


def check_form(
    item: Item, answers: Mapping[str, Any], today: date, divisions: Divisions | None = None
) -> dict[str, Any]:
    """The answers in their normal form, without those left empty.

    ``today`` is the China date; with ``divisions`` a division must be one of them. Raises ``FormErrors``.
    """
    reader = _Reader(today, divisions)
    checked = reader.read_all(item.form_fields, answers)
    reader.raise_problems(item.form_fields)
    return checked


def check_field(field: FormField, value: Any, today: date, divisions: Divisions | None = None) -> Any:
    """One finished field: its value in normal form, ``None`` if it may be and was left empty.

    Raises ``FormErrors``; a table may have several problems.
    """
    reader = _Reader(today, divisions)
    checked = reader.read(field, value, field.key, field.name("zh"), field.name("en"))
    reader.raise_problems((field,))
    return checked


class _Reader:
    """Reads fields and gathers what is wrong with them."""

    def __init__(self, today: date, divisions: Divisions | None) -> None:
        self.today = today
        self.divisions = divisions
        self.problems: list[FieldProblem] = []

    def read_all(self, fields: tuple[FormField, ...], answers: Mapping[str, Any]) -> dict[str, Any]:
        known = {field.key for field in fields}
        self._refuse_unknown([key for key in answers if key not in known])
        read = {
            field.key: self.read(field, answers.get(field.key), field.key, field.name("zh"), field.name("en"))
            for field in fields
        }
        return {key: value for key, value in read.items() if value is not None}

    def read(self, field: FormField, value: Any, key: str, zh: str, en: str) -> Any:
        """The value, or ``None`` where it was left empty or refused."""
        if _is_empty(value):
            if field.required:
                self._add(key, zh, f"{zh}：必填，请填写。", f"{en}: required, please fill it in.")
            return None
        try:
            if field.type is FieldType.TABLE:
                return self._read_table(field, value, key, zh, en)
            return _READERS[field.type](field, value, self)
        except InputError as error:
            self._add(key, zh, f"{zh}：{error.zh}", f"{en}: {error.en}")
            return None

    def refuse(self, field: FormField, zh: str, en: str) -> None:
        self._add(field.key, field.label, f"{field.label}：{zh}", f"{field.name('en')}: {en}")

    def raise_problems(self, fields: tuple[FormField, ...]) -> None:
        if self.problems:
            places = {field.key: place for place, field in enumerate(fields)}
            self.problems.sort(key=lambda problem: places.get(problem.key.partition("[")[0], len(places)))
            raise FormErrors(tuple(self.problems))

    def _read_table(self, field: FormField, value: Any, key: str, zh: str, en: str) -> Any:
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            _refuse("应为若干行，请重新填写。", "rows expected. Please fill it in again.")
        # An empty row is no answer, but the others keep the number that people see.
        rows = [
            (number, row)
            for number, row in enumerate(value)
            if not all(_is_empty(cell) for cell in row.values())
        ]
        if len(rows) > TABLE_ROWS_MAX:
            _refuse(
                f"最多 {TABLE_ROWS_MAX} 行，现有 {len(rows)} 行，请删减。",
                f"at most {TABLE_ROWS_MAX} rows, {len(rows)} found. Please remove some.",
            )
        if not rows and field.required:
            _refuse("至少填写一行。", "at least one row is required.")
        known = {column.key for column in field.columns}
        read: list[dict[str, Any]] = []
        for number, row in rows:
            self._refuse_unknown([f"{key}[{number}].{str(name)[:64]}" for name in row if name not in known])
            cells = {
                column.key: self.read(
                    column,
                    row.get(column.key),
                    f"{key}[{number}].{column.key}",
                    f"{zh}第 {number + 1} 行“{column.name('zh')}”",
                    f"{en}, row {number + 1}, {column.name('en')}",
                )
                for column in field.columns
            }
            read.append({name: cell for name, cell in cells.items() if cell is not None})
        return read or None

    def _refuse_unknown(self, keys: list[Any]) -> None:
        for key in keys[:FORM_FIELDS_MAX]:
            shown = "".join(c if c.isprintable() else "?" for c in str(key)[:100])
            self._add(
                shown,
                shown,
                f"{shown}：表单中没有这一项，请删去。",
                f"{shown}: the form has no such field, please remove it.",
            )

    def _add(self, key: str, label: str, zh: str, en: str) -> None:
        self.problems.append(FieldProblem(key, label, zh, en))


def _refuse(zh: str, en: str) -> NoReturn:
    raise InputError("form.field", zh=zh, en=en)


def _typed(value: Any) -> str:
    """What was typed, or a whole number as its digits."""
    if type(value) is int and abs(value) <= DECIMAL_MAX:
        return str(value)
    if not isinstance(value, str) or len(value) > _TYPED_CHARS_MAX:
        _refuse(
            "填写的内容不合要求，请重新输入。", "that is not what is expected here. Please type it again."
        )
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _read_str(field: FormField, value: Any, reader: _Reader) -> str:
    return _text(value, STR_CHARS_MAX, lines=False)


def _read_text(field: FormField, value: Any, reader: _Reader) -> str:
    unified = value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value
    return _text(unified, TEXT_CHARS_MAX, lines=True)


def _text(value: Any, chars_max: int, *, lines: bool) -> str:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and len(text) > chars_max:
        _refuse(
            f"最多 {chars_max} 个字，现有 {len(text)} 个，请缩短。",
            f"at most {chars_max} characters, {len(text)} found. Please shorten it.",
        )
    try:
        return Text(chars_max, lines=lines).read(text, "")
    except InputError:
        _refuse("只能填写文字，不能有控制符号，请重新输入。", "plain text expected. Please type it again.")


def _read_int(field: FormField, value: Any, reader: _Reader) -> int:
    number = int(parse_decimal(_typed(value), 0))
    _check_bounds(field, number, INT_MAX)
    return number


def _read_money(field: FormField, value: Any, reader: _Reader) -> str:
    money = parse_money(_typed(value))
    # Compared in fen: 0.50 above an upper bound of 100 is above it.
    _check_bounds(field, fen_of(money), FEN_MAX // 100, unit=100)
    return money


def _read_decimal(field: FormField, value: Any, reader: _Reader) -> str:
    number = parse_decimal(_typed(value), DECIMAL_PLACES_MAX)
    scale: int = 10**DECIMAL_PLACES_MAX
    whole, _, part = number.partition(".")
    parts = int(whole) * scale + int(part.ljust(DECIMAL_PLACES_MAX, "0"))
    _check_bounds(field, parts, DECIMAL_MAX, unit=scale)
    return number


def _check_bounds(field: FormField, number: int, most: int, unit: int = 1) -> None:
    """``number`` counts ``unit``-ths; ``most`` and the field's own bounds count wholes."""
    low = field.min or 0
    high = most if field.max is None else min(field.max, most)
    if not low * unit <= number <= high * unit:
        _refuse(
            f"应在 {low} 到 {high} 之间，请核对后重新输入。",
            f"{low} to {high} expected. Please check it and type it again.",
        )


def _read_date(field: FormField, value: Any, reader: _Reader) -> str:
    match = _DATE.fullmatch(half_width(_typed(value)).replace(" ", ""))
    if match is None:
        _refuse(
            "应为日期，如 2015-10-10，请重新输入。",
            "a date such as 2015-10-10 expected. Please type it again.",
        )
    year, month, day = match[1], match[2] or match[4], match[3] or match[5]
    try:
        read = date(int(year), int(month), int(day))
    except ValueError:
        _refuse("没有这一天，请核对后重新输入。", "there is no such day. Please check it and type it again.")
    if not YEAR_MIN <= read.year <= YEAR_MAX:
        _refuse(
            f"年份应在 {YEAR_MIN} 到 {YEAR_MAX} 之间，请核对。",
            f"the year must lie between {YEAR_MIN} and {YEAR_MAX}. Please check it.",
        )
    if field.past and read > reader.today:
        _refuse("不能晚于今天，请核对。", "it cannot lie after today. Please check it.")
    return read.isoformat()


def _read_choice(field: FormField, value: Any, reader: _Reader) -> str:
    chosen = _typed(value).strip()
    if chosen not in field.options:
        _refuse(
            f"应为{'、'.join(field.options)}之一，请重新选择。",
            f"one of {', '.join(field.options)} expected. Please choose again.",
        )
    return chosen


def _read_bool(field: FormField, value: Any, reader: _Reader) -> bool:
    if isinstance(value, bool):
        return value
    word = half_width(_typed(value)).lower()
    if word not in _YES | _NO:
        _refuse("应为是或否，请重新选择。", "yes or no expected. Please choose again.")
    return word in _YES


def _read_id_no(field: FormField, value: Any, reader: _Reader) -> str:
    return check_id(IdType.CITIZEN, _typed(value), reader.today)


def _read_uscc(field: FormField, value: Any, reader: _Reader) -> str:
    return check_id(IdType.CREDIT_CODE, _typed(value), reader.today)


def _read_phone(field: FormField, value: Any, reader: _Reader) -> str:
    return check_phone(_typed(value))


def _read_division(field: FormField, value: Any, reader: _Reader) -> str:
    code = parse_division(_typed(value))
    if reader.divisions is not None:
        reader.divisions.get(code)
    return str(code)


_READERS: dict[FieldType, Callable[[FormField, Any, _Reader], Any]] = {
    FieldType.STR: _read_str,
    FieldType.TEXT: _read_text,
    FieldType.INT: _read_int,
    FieldType.MONEY: _read_money,
    FieldType.DECIMAL: _read_decimal,
    FieldType.DATE: _read_date,
    FieldType.CHOICE: _read_choice,
    FieldType.BOOL: _read_bool,
    FieldType.ID_NO: _read_id_no,
    FieldType.USCC: _read_uscc,
    FieldType.PHONE: _read_phone,
    FieldType.DIVISION: _read_division,
}
