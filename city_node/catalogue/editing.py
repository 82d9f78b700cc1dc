"""The simple values of an item as a page edits them; lists of materials, fields and fees travel as a spreadsheet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from city_node.catalogue.item_sheets import ITEMS
from city_node.catalogue.sheetbook import SheetColumn
from core.catalogue import Catalogue, encode_catalogue, parse_catalogue
from core.errors import InputError
from core.items import Item, ServiceObject, VillageMode
from core.shape import from_plain, to_plain

LINE, LINES, NUMBER, CHOICE, YES_NO = "line", "lines", "number", "choice", "yes_no"
_OPTIONS = {
    "service_object": tuple(str(one) for one in ServiceObject),
    "village_mode": tuple(str(one) for one in VillageMode),
    "limit_mode": ("exact", "civil"),
}
_KINDS = {
    "name": LINE,
    "name_en": LINE,
    "initials": LINE,
    "statutory_days": NUMBER,
    "promised_days": NUMBER,
    "limit_mode": CHOICE,
    "service_object": CHOICE,
    "village_mode": CHOICE,
    "applicant_in_person": YES_NO,
    "result_name": LINE,
    "notes": LINES,
}


@dataclass(frozen=True, slots=True)
class Simple:
    """One value with how it is edited and what may be chosen."""

    column: SheetColumn
    kind: str
    options: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.column.key

    def shown(self, item: Item) -> str:
        """The value as the form shows it."""
        value = getattr(item, self.key)
        return ("1" if value else "0") if self.kind == YES_NO else str(value)


def _simple(key: str, kind: str) -> Simple:
    column = ITEMS.column(key)
    assert column is not None
    return Simple(column, kind, _OPTIONS.get(key, ()))


SIMPLE = tuple(_simple(key, kind) for key, kind in _KINDS.items())


def edit_item(catalogue: Catalogue, code: str, typed: Mapping[str, str]) -> Catalogue:
    """The catalogue with the item's simple values as typed. Raises ``InputError`` (``shape.*``, ``catalogue.*``,
    ``draft.number``) where it could not be published so.
    """
    item = catalogue.item(code)
    plain: dict[str, Any] = to_plain(item)
    for simple in SIMPLE:
        plain[simple.key] = _value(simple, typed.get(simple.key, "").replace("\r\n", " ").strip())
    edited = from_plain(Item, plain, item.name)
    made = replace(catalogue, items=tuple(edited if one.code == code else one for one in catalogue.items))
    # What is written is read again: nothing is kept that another node would refuse.
    return parse_catalogue(encode_catalogue(made))


def _value(simple: Simple, text: str) -> Any:
    if simple.kind == YES_NO:
        return text == "1"
    if simple.kind != NUMBER:
        return text
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise InputError(
            "draft.number",
            zh=f"{simple.column.zh}：应为整数。没有保存。",
            en=f"{simple.column.en}: a whole number is expected; nothing was saved.",
        )
    return int(text)
