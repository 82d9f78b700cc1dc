"""The catalogue of items (事项目录): one version in force at a time, the earlier ones kept for their cases."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any

from core.canonical import canonical_json, parse_json
from core.errors import InputError
from core.identifiers import Tier
from core.item_rules import Defect, form_defects, item_defects
from core.items import FIELDS_MAX, Fee, FormField, Item, Material, SpecialProcedure
from core.shape import Count, Custom, Text, Whole, from_plain, refuse, to_plain

__all__ = [
    "Catalogue",
    "CatalogueErrors",
    "CatalogueHistory",
    "Fee",
    "FormField",
    "Item",
    "Material",
    "SpecialProcedure",
    "encode_catalogue",
    "load_catalogue",
    "parse_catalogue",
]

CATALOGUE_BYTES_MAX = 4 << 20
ITEMS_MAX = 2_000
VERSIONS_MAX = 1_000
SEARCH_CHARS_MAX = 64
_DEFECTS_SHOWN = 20
_CITY_DIGITS = 6


class CatalogueErrors(InputError):
    """The catalogue has defects; ``defects`` holds them all, the words the first twenty."""

    def __init__(self, defects: tuple[Defect, ...]) -> None:
        shown = defects[:_DEFECTS_SHOWN]
        super().__init__(
            "catalogue.defects",
            zh=f"事项目录有 {len(defects)} 处错误，未采用，请改正后重新发布："
            + "；".join(f"{defect.where}：{defect.zh}" for defect in shown),
            en=f"The catalogue has {len(defects)} defects and was not taken; please mend and publish it again: "
            + "; ".join(f"{defect.where}: {defect.en}" for defect in shown),
        )
        self.defects = defects


def _read_date(value: Any, where: str) -> date:
    try:
        return date.fromisoformat(Text(10, 10).read(value, where))
    except ValueError:
        refuse(where, "应为日期，如 2015-01-01", "a date such as 2015-01-01 expected")


def _read_notes(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > 100:
        refuse(where, "应为最多 100 项的说明", "a table of at most 100 notes expected")
    read = {
        Text(64, 1).read(key, where): Text(1000, 1).read(note, f"{where}.{key}")
        for key, note in value.items()
    }
    return MappingProxyType(read)


@dataclass(frozen=True, slots=True)
class _Head:
    """A catalogue as it lies in its file, its items not yet read."""

    version: Annotated[int, Whole(2**31, 1)]
    effective_from: Annotated[date, Custom(_read_date)]
    title: Annotated[str, Text(100, 1)]
    notes: Annotated[Mapping[str, str], Custom(_read_notes)]
    provenance_refs: Annotated[Mapping[str, str], Custom(_read_notes)]
    common_fields: Annotated[tuple[FormField, ...], Count(FIELDS_MAX)]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version; ``items`` in the order of the file, which is the order people see."""

    version: int
    effective_from: date
    items: tuple[Item, ...]
    title: str = ""
    common_fields: tuple[FormField, ...] = ()
    """What is asked of every applicant."""
    notes: Mapping[str, str] = field(default_factory=dict)
    provenance_refs: Mapping[str, str] = field(default_factory=dict)
    """Source by the short name that items use in their ``provenance``."""
    _by_code: Mapping[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", MappingProxyType({item.code: item for item in self.items}))

    def item(self, code: str) -> Item:
        """The item of this code. Raises ``InputError`` (``catalogue.no_item``)."""
        item = self._by_code.get(code)
        if item is None:
            raise InputError(
                "catalogue.no_item",
                zh=f"事项目录第 {self.version} 版中没有事项“{_shown(code)}”，请重新选择，或联系上级更新目录。",
                en=f"Version {self.version} of the catalogue has no item {_shown(code)!r}. "
                "Please choose again, or ask for a newer catalogue.",
            )
        return item

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def for_tier(self, tier: Tier) -> tuple[Item, ...]:
        """The items that this tier takes in."""
        return tuple(item for item in self.items if tier in item.accept_tiers)

    def search(self, text: str, tier: Tier | None = None) -> tuple[Item, ...]:
        """Items that match every word of ``text``; all of them where it is empty.

        A word is the beginning of a code (with or without the city's six digits), a part of the name in either
        language, or pinyin initials. What begins with the first word comes first.
        """
        words = unicodedata.normalize("NFKC", text[:SEARCH_CHARS_MAX]).lower().split()
        items = self.items if tier is None else self.for_tier(tier)
        found = [item for item in items if all(_matches(item, word) for word in words)]
        return tuple(sorted(found, key=lambda item: not _begins(item, words[0]))) if words else tuple(found)


def _matches(item: Item, word: str) -> bool:
    names = unicodedata.normalize("NFKC", f"{item.name}\n{item.name_en}").lower()
    return _begins(item, word) or word in names or word in item.initials


def _begins(item: Item, word: str) -> bool:
    spellings = (item.code, item.code[_CITY_DIGITS:], item.name, item.initials, item.name_en.lower())
    return any(spelling.startswith(word) for spelling in spellings)


@cache
def load_catalogue() -> Catalogue:
    """沅江市, 48 items, as packaged; every value says where it comes from."""
    return parse_catalogue(resources.files("core").joinpath("data", "catalogue.json").read_bytes())


@lru_cache(maxsize=2)
def parse_catalogue(data: bytes) -> Catalogue:
    """The catalogue in ``data``: at most 4 MiB of JSON and 2,000 items, exactly the known keys.

    Raises ``CatalogueErrors`` with every defect, or ``InputError`` (``json.*``, ``shape.refused``) where it is
    not a catalogue at all.
    """
    # Remembered: one that comes is read as it was sent, as it is kept and as it is taken up.
    plain = parse_json(data, bytes_max=CATALOGUE_BYTES_MAX)
    items = plain.pop("items", None) if isinstance(plain, dict) else None
    head = from_plain(_Head, plain, "catalogue")
    if not isinstance(items, list) or not 0 < len(items) <= ITEMS_MAX:
        refuse("catalogue.items", f"应有 1 到 {ITEMS_MAX} 个事项", f"1 to {ITEMS_MAX} items expected")
    defects = form_defects(head.common_fields, "catalogue.common_fields")
    read: dict[str, Item] = {}
    for number, entry in enumerate(items):
        place = _place(entry, number)
        try:
            item = from_plain(Item, entry, place)
        except InputError as error:
            defects.append(Defect(place, error.zh, error.en))
            continue
        if item.code in read:
            defects.append(Defect(f"{place}.code", "事项编码重复", "this item code stands twice"))
        read[item.code] = item
        defects += item_defects(item, head.provenance_refs.keys())
    if defects:
        raise CatalogueErrors(tuple(defects))
    return Catalogue(
        version=head.version,
        effective_from=head.effective_from,
        items=tuple(read.values()),
        title=head.title,
        common_fields=head.common_fields,
        notes=head.notes,
        provenance_refs=head.provenance_refs,
    )


def encode_catalogue(catalogue: Catalogue) -> bytes:
    """Canonical JSON that :func:`parse_catalogue` reads back as the same catalogue.

    Raises as :func:`parse_catalogue`: nothing can be published that another node would refuse.
    """
    data = canonical_json(
        {
            "version": catalogue.version,
            "effective_from": catalogue.effective_from.isoformat(),
            "title": catalogue.title,
            "notes": dict(catalogue.notes),
            "provenance_refs": dict(catalogue.provenance_refs),
            "common_fields": to_plain(catalogue.common_fields),
            "items": to_plain(catalogue.items),
        }
    )
    parse_catalogue(data)
    return data


@dataclass(frozen=True, slots=True)
class CatalogueHistory:
    """The versions a node holds, in order; a case keeps the one under which it was submitted."""

    versions: tuple[Catalogue, ...] = ()

    def with_version(self, catalogue: Catalogue) -> "CatalogueHistory":
        """The history that also holds ``catalogue``; the same history if it holds it already.

        Raises ``InputError``: ``catalogue.version_taken`` if another catalogue has that number,
        ``catalogue.versions`` beyond ``VERSIONS_MAX``.
        """
        known = next((held for held in self.versions if held.version == catalogue.version), None)
        if known == catalogue:
            return self
        if known is not None:
            raise InputError(
                "catalogue.version_taken",
                zh=f"事项目录第 {catalogue.version} 版已存在且内容不同，未采用，请用新的版本号发布。",
                en=f"Another catalogue already has version {catalogue.version}; this one was not taken. "
                "Please publish it under a new number.",
            )
        if len(self.versions) >= VERSIONS_MAX:
            raise InputError(
                "catalogue.versions",
                zh=f"事项目录已有 {VERSIONS_MAX} 版，达到上限，未采用新版。",
                en=f"There are {VERSIONS_MAX} versions of the catalogue, which is the most; no new one was taken.",
            )
        return CatalogueHistory(tuple(sorted((*self.versions, catalogue), key=lambda held: held.version)))

    def at(self, version: int) -> Catalogue:
        """The catalogue of this number. Raises ``InputError`` (``catalogue.no_version``)."""
        for catalogue in self.versions:
            if catalogue.version == version:
                return catalogue
        raise InputError(
            "catalogue.no_version",
            zh=f"本机还没有事项目录第 {version} 版，请先与上级联系同步。",
            en=f"This node does not hold version {version} of the catalogue yet. Please make contact first.",
        )

    def current(self, day: date) -> Catalogue:
        """The highest version in force on ``day`` (China time); a higher one replaces all below it.

        Raises ``InputError`` (``catalogue.none_in_force``).
        """
        for catalogue in reversed(self.versions):
            if catalogue.effective_from <= day:
                return catalogue
        raise InputError(
            "catalogue.none_in_force",
            zh=f"{day.isoformat()} 没有生效的事项目录，请核对本机日期，或与上级联系同步目录。",
            en=f"No catalogue is in force on {day.isoformat()}. Please check this machine's date, "
            "or make contact to receive one.",
        )


def _place(entry: Any, number: int) -> str:
    code = entry.get("code") if isinstance(entry, dict) else None
    return _shown(code) if isinstance(code, str) and code else f"items[{number}]"


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:40])
