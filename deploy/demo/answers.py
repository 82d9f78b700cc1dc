"""Answers to any item's form, made from its fields: whatever the catalogue asks, something valid is said."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

from core.items import FieldType, FormField, Item
from core.people import credit_check
from deploy.demo.people import NO_COUNTY, Person, invent, invent_name

_WORDS = {
    "reason": "家中主要劳力患病，收入减少，申请救助。",
    "address": "二组 18 号",
    "place": "村东防护林带",
    "species": "杨树",
    "gear": "刺网",
    "boat_no": "湘沅渔 0000",
    "clause": "符合再生育条件第一项",
    "destination": "长沙市",
    "disease": "肺炎",
    "machine": "耕整机",
    "model": "1GZ-80",
    "education": "初中",
    "skill": "砌筑工",
    "regen": "次年春季补植",
    "relation": "祖孙",
}
_NAMES = {"child_name", "guardian", "spouse_name", "heir", "name"}
_NUMBERS = {"household_size": 3, "floors": 2, "age": 67, "loss_rooms": 2, "years_paid": 15, "stems": 40}


def answers(item: Item, person: Person, chance: Random, today: date) -> dict[str, Any]:
    """One answer for every field of the item that must be answered, and for most others."""
    return _row(item.form_fields, person, chance, today)


def _row(fields: tuple[FormField, ...], person: Person, chance: Random, today: date) -> dict[str, Any]:
    asked = [field for field in fields if field.required or chance.random() < 0.7]
    return {field.key: _READERS[field.type](field, person, chance, today) for field in asked}


def _str(field: FormField, person: Person, chance: Random, today: date) -> str:
    if field.key in _NAMES:
        return invent_name(chance)
    if field.key in _WORDS:
        return _WORDS[field.key]
    if field.key.endswith(("_no", "account")):
        return "0000" + "".join(str(chance.randint(0, 9)) for _ in range(12))
    return field.label[:20]


def _text(field: FormField, person: Person, chance: Random, today: date) -> str:
    return _WORDS["reason"] + f"\n申请人：{person.name}"


def _int(field: FormField, person: Person, chance: Random, today: date) -> int:
    low, high = field.min or 0, field.max if field.max is not None else 100
    return max(low, min(_NUMBERS.get(field.key, chance.randint(1, 5)), high))


def _money(field: FormField, person: Person, chance: Random, today: date) -> str:
    return f"{_int(field, person, chance, today) * 100}.{chance.randint(0, 99):02d}"


def _decimal(field: FormField, person: Person, chance: Random, today: date) -> str:
    return f"{_int(field, person, chance, today)}.5"


def _date(field: FormField, person: Person, chance: Random, today: date) -> str:
    if "birth" in field.key and field.key != "child_birth":
        return person.born.isoformat()
    return (today - timedelta(days=chance.randint(30, 2000))).isoformat()


def _choice(field: FormField, person: Person, chance: Random, today: date) -> str:
    return chance.choice(field.options)


def _bool(field: FormField, person: Person, chance: Random, today: date) -> bool:
    return chance.random() < 0.5


def _id_no(field: FormField, person: Person, chance: Random, today: date) -> str:
    return invent(chance, today, age_min=5, age_max=60).id_no


def _uscc(field: FormField, person: Person, chance: Random, today: date) -> str:
    body = f"91{NO_COUNTY}MA{chance.randint(0, 9_999_999):07d}"
    return body + credit_check(body)


def _phone(field: FormField, person: Person, chance: Random, today: date) -> str:
    return person.mobile


def _division(field: FormField, person: Person, chance: Random, today: date) -> str:
    return "430981000000"


def _table(field: FormField, person: Person, chance: Random, today: date) -> list[dict[str, Any]]:
    return [_row(field.columns, person, chance, today) for _ in range(chance.randint(1, 3))]


_READERS: dict[FieldType, Callable[[FormField, Person, Random, date], Any]] = {
    FieldType.STR: _str,
    FieldType.TEXT: _text,
    FieldType.INT: _int,
    FieldType.MONEY: _money,
    FieldType.DECIMAL: _decimal,
    FieldType.DATE: _date,
    FieldType.CHOICE: _choice,
    FieldType.BOOL: _bool,
    FieldType.ID_NO: _id_no,
    FieldType.USCC: _uscc,
    FieldType.PHONE: _phone,
    FieldType.DIVISION: _division,
    FieldType.TABLE: _table,
}
