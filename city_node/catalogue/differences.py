"""What differs between two versions of the catalogue, or of the calendar: pure, in words, item by item and day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city_node.catalogue.item_sheets import FEES, FIELDS, ITEMS, MATERIALS, PROCEDURES
from city_node.catalogue.sheetbook import Sheet
from core.calendar import WorkCalendar
from core.catalogue import Catalogue
from core.errors import Lang
from core.items import Item
from core.shape import to_plain

ADDED, GONE, CHANGED = "added", "gone", "changed"
_LISTS: tuple[tuple[str, Sheet, str], ...] = (
    ("materials", MATERIALS, "name"),
    ("form_fields", FIELDS, "key"),
    ("fees", FEES, "name"),
    ("special_procedures", PROCEDURES, "name"),
)
_MORE = {
    "provenance": ("来源", "Sources"),
    "limit_seen_elsewhere": ("别处时限", "Limit elsewhere"),
    "item_type": ("事项类型", "Type"),
    "approval_chain": ("审批环节", "Chain"),
    "limit_unit": ("时限单位", "Unit"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value: what it is called (zh, en), before and after; empty where there was or is none."""

    zh: str
    en: str
    before: str
    after: str

    def name(self, lang: Lang) -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` is added, gone or changed; ``key`` the item's code, or empty for the version's own values."""

    what: str
    key: str
    name: str
    changes: tuple[Change, ...] = ()


def catalogue_differences(before: Catalogue, after: Catalogue) -> list[Difference]:
    """The version's own values, then items in the order of the newer version, then those that are gone."""
    old = {item.code: item for item in before.items}
    new = {item.code: item for item in after.items}
    found = []
    head = [
        Change("生效日期", "Effective from", str(before.effective_from), str(after.effective_from)),
        Change("标题", "Title", before.title, after.title),
        *_listed("公共填写项", "Common field", before.common_fields, after.common_fields, "key"),
    ]
    if changes := tuple(one for one in head if one.before != one.after):
        found.append(Difference(CHANGED, "", after.title, changes))
    for code, item in new.items():
        if code not in old:
            found.append(Difference(ADDED, code, item.name))
        elif old[code] != item:
            found.append(Difference(CHANGED, code, item.name, tuple(_item_changes(old[code], item))))
    return found + [Difference(GONE, code, item.name) for code, item in old.items() if code not in new]


def calendar_differences(before: WorkCalendar, after: WorkCalendar) -> list[Difference]:
    """One difference that holds every day that is listed otherwise."""
    years = Change(
        "年份", "Years", f"{before.first_year}-{before.last_year}", f"{after.first_year}-{after.last_year}"
    )
    changes = [years] if years.before != years.after else []
    for zh, en, old, new in (
        ("放假", "Day off", dict(before.off), dict(after.off)),
        ("补班", "Make-up day", dict(before.make_up), dict(after.make_up)),
    ):
        changes += [
            Change(f"{zh} {day}", f"{en} {day}", old.get(day, ""), new.get(day, ""))
            for day in sorted(old.keys() | new.keys())
            if old.get(day) != new.get(day)
        ]
    return [Difference(CHANGED, "", "", tuple(changes))] if changes else []


def _item_changes(before: Item, after: Item) -> list[Change]:
    old, new = to_plain(before), to_plain(after)
    lists = {key for key, _, _ in _LISTS}
    found = []
    for key in new:
        if key in lists or old[key] == new[key]:
            continue
        column = ITEMS.column(key)
        zh, en = (column.zh, column.en) if column is not None else _MORE[key]
        found.append(Change(zh, en, _value(old[key]), _value(new[key])))
    for key, sheet, name in _LISTS:
        found += _listed(sheet.zh, sheet.en, getattr(before, key), getattr(after, key), name)
    return found


def _listed(zh: str, en: str, before: Sequence[Any], after: Sequence[Any], name: str) -> list[Change]:
    old, new = ({getattr(one, name): _row(to_plain(one)) for one in rows} for rows in (before, after))
    found = [
        Change(f"{zh} {key}", f"{en} {key}", old.get(key, ""), new.get(key, ""))
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    ]
    if not found and list(old) != list(new):
        found.append(Change(f"{zh}顺序", f"Order of {en.lower()}", "、".join(old), "、".join(new)))
    return found


def _row(plain: Mapping[str, Any]) -> str:
    return "，".join(_value(value) for value in plain.values() if value not in ("", None, [], False))


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "[" + "；".join(_value(one) for one in value) + "]"
    return _row(value) if isinstance(value, dict) else str(value)
