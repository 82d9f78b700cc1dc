"""What one item of the catalogue (事项) asks and promises: chain, tiers, limits, materials, form and fees.

The dataclasses are the schema of the catalogue file (see ``core.shape``); what fields demand of each other is
checked in ``core.item_rules``. Codes follow GB/T 39046-2020 annex A.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from core.bodies import DayUnit, LimitMode, ProcedureKind
from core.identifiers import Tier
from core.shape import Count, Custom, Pattern, Text, Whole, from_plain, refuse

MATERIALS_MAX = 60
FIELDS_MAX = 100
COLUMNS_MAX = 20
OPTIONS_MAX = 50
FEES_MAX = 20
PROCEDURES_MAX = 20
DAYS_MAX = 3650


class FieldType(StrEnum):
    """What a form field holds; see ``core.forms`` for how each is read."""

    STR = "str"
    TEXT = "text"
    """Several lines."""
    INT = "int"
    MONEY = "money"
    DECIMAL = "decimal"
    DATE = "date"
    CHOICE = "choice"
    TABLE = "table"
    BOOL = "bool"
    ID_NO = "id_no"
    USCC = "uscc"
    PHONE = "phone"
    DIVISION = "division"


NUMBER_TYPES = frozenset({FieldType.INT, FieldType.MONEY, FieldType.DECIMAL})


class Need(StrEnum):
    """Whether a material must be handed in."""

    REQUIRED = "必要"
    CONDITIONAL = "视情"
    """Only where the applicant's situation calls for it."""


class Chain(StrEnum):
    """How a case of the item is decided."""

    GENERAL = "general"
    """One officer accepts, another verifies, the same day (一审一核)."""
    THREE_LEVEL = "three_level"
    """Three different officers handle, review and decide (承办、审核、决定)."""


class Step(StrEnum):
    ACCEPT = "accept"
    APPROVE = "approve"
    HANDLE = "handle"
    REVIEW = "review"
    DECIDE = "decide"


STEPS_OF = {
    Chain.GENERAL: (Step.ACCEPT, Step.APPROVE),
    Chain.THREE_LEVEL: (Step.HANDLE, Step.REVIEW, Step.DECIDE),
}


class DecideTier(StrEnum):
    """Whose officers decide; a village decides nothing."""

    CITY = "city"
    TOWNSHIP = "township"


class ServiceObject(StrEnum):
    """GB/T 39046-2020 table A.4."""

    NATURAL_PERSON = "自然人"
    ENTERPRISE = "企业法人"
    INSTITUTION = "事业法人"
    SOCIAL_ORGANISATION = "社会组织法人"
    AUTHORITY = "行政机关"
    OTHER = "其他组织"


class VillageMode(StrEnum):
    """What a village does about the item."""

    DECIDES = "直办"
    TAKES_IN = "代办"
    HELPS = "协办"
    INFORMS = "公开告知"


def _read_words(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > 60:
        refuse(where, "应为最多 60 项的对照表", "a table of at most 60 entries expected")
    read = {
        Text(64, 1).read(key, where): Text(64, 1).read(word, f"{where}.{key}") for key, word in value.items()
    }
    return MappingProxyType(read)


def _read_days_by_step(value: Any, where: str) -> Mapping[str, int]:
    if not isinstance(value, dict) or len(value) > 20:
        refuse(where, "应为最多 20 项的对照表", "a table of at most 20 entries expected")
    read = {
        Text(64, 1).read(step, where): Whole(DAYS_MAX).read(days, f"{where}.{step}")
        for step, days in value.items()
    }
    return MappingProxyType(read)


def _read_columns(value: Any, where: str) -> tuple["FormField", ...]:
    # Looked up when read: a field's schema cannot hold itself.
    if not isinstance(value, list) or len(value) > COLUMNS_MAX:
        refuse(where, f"应为最多 {COLUMNS_MAX} 列", f"at most {COLUMNS_MAX} columns expected")
    return tuple(from_plain(FormField, column, f"{where}[{number}]") for number, column in enumerate(value))


_Name = Annotated[str, Text(100, 1)]
_Key = Annotated[str, Pattern(r"[a-z][a-z0-9_]{0,63}", "字段名", "a field key")]
_Days = Annotated[int, Whole(DAYS_MAX)]
_Amount = Annotated[
    str, Pattern(r"(0|[1-9][0-9]{0,7})\.[0-9]{2}", "两位小数的金额", "an amount with two places")
]


@dataclass(frozen=True, slots=True)
class Department:
    """The department that decides: three digits within the city, and its name."""

    code: Annotated[str, Pattern(r"[0-9]{3}", "三位部门代码", "a department code of three digits")]
    name: _Name


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a national table with its word."""

    code: Annotated[str, Pattern(r"[0-9]{1,2}", "代码", "a code")]
    name: _Name


@dataclass(frozen=True, slots=True)
class Material:
    """One material the item asks for; ``originals`` may be shown and taken back, ``copies`` stay."""

    name: Annotated[str, Text(200, 1)]
    need: Need
    originals: Annotated[int, Whole(99)]
    copies: Annotated[int, Whole(99)]


@dataclass(frozen=True, slots=True)
class FormField:
    """One question of a form, or one column of a table.

    ``min`` and ``max`` bound numbers, both included; ``past`` dates may not lie after today.
    """

    key: _Key
    label: _Name
    type: FieldType
    required: bool
    label_en: Annotated[str, Text(100)] = ""
    options: Annotated[tuple[Annotated[str, Text(100, 1)], ...], Count(OPTIONS_MAX)] = ()
    columns: Annotated[tuple["FormField", ...], Custom(_read_columns)] = ()
    min: Annotated[int, Whole(10**12)] | None = None
    max: Annotated[int, Whole(10**12)] | None = None
    past: bool = False

    def name(self, lang: str = "zh") -> str:
        """The label in a language; the Chinese one where no other is given."""
        return self.label_en if lang == "en" and self.label_en else self.label


@dataclass(frozen=True, slots=True)
class Fee:
    """``amount`` yuan for each ``unit``."""

    name: _Name
    amount: _Amount
    unit: Annotated[str, Text(20, 1)]
    provenance: Annotated[str, Text(16, 1)]


@dataclass(frozen=True, slots=True)
class SpecialProcedure:
    """A procedure that stops the clock for at most so many days (行政许可法 art. 45), counted in one unit."""

    kind: ProcedureKind
    name: _Name
    max_working_days: Annotated[int, Whole(DAYS_MAX, 1)] | None = None
    max_calendar_days: Annotated[int, Whole(DAYS_MAX, 1)] | None = None

    @property
    def unit(self) -> DayUnit:
        return DayUnit.CALENDAR if self.max_working_days is None else DayUnit.WORKING

    @property
    def days_max(self) -> int:
        return self.max_working_days or self.max_calendar_days or 0


@dataclass(frozen=True, slots=True)
class LimitElsewhere:
    """The limit another place publishes for the same item, for comparison only."""

    ref: Annotated[str, Text(16, 1)]
    promised: _Days | None = None
    steps: Annotated[Mapping[str, int], Custom(_read_days_by_step)] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One item as one version of the catalogue has it.

    ``code`` is city (6 digits), department (3), item type (2), number (3). Days are working days.
    """

    code: Annotated[str, Pattern(r"[1-9][0-9]{13}", "14 位事项编码", "an item code of 14 digits")]
    name: _Name
    name_en: Annotated[str, Text(200)]
    initials: Annotated[str, Pattern(r"[a-z0-9]{1,64}", "拼音首字母", "pinyin initials")]
    department: Department
    item_type: Coded
    case_type: Coded
    service_object: ServiceObject
    statutory_days: _Days
    promised_days: _Days
    limit_unit: DayUnit
    approval_chain: Annotated[tuple[Step, ...], Count(3)]
    accept_tiers: Annotated[tuple[Tier, ...], Count(3)]
    village_mode: VillageMode
    applicant_in_person: bool
    decide_tier: DecideTier
    materials: Annotated[tuple[Material, ...], Count(MATERIALS_MAX)]
    form_fields: Annotated[tuple[FormField, ...], Count(FIELDS_MAX)]
    fees: Annotated[tuple[Fee, ...], Count(FEES_MAX)]
    special_procedures: Annotated[tuple[SpecialProcedure, ...], Count(PROCEDURES_MAX)]
    parallel_group: _Name | None
    result_name: _Name
    notes: Annotated[str, Text(500)]
    limit_seen_elsewhere: LimitElsewhere | None
    provenance: Annotated[Mapping[str, str], Custom(_read_words)]
    confidential: bool = False
    """Sealed to the city only; the township relays what it cannot read."""
    limit_mode: LimitMode = LimitMode.EXACT

    @property
    def is_immediate(self) -> bool:
        """即办件: done the same working day."""
        return self.case_type.code == "1"

    @property
    def chain(self) -> Chain:
        return Chain.GENERAL if self.approval_chain == STEPS_OF[Chain.GENERAL] else Chain.THREE_LEVEL

    @property
    def is_free(self) -> bool:
        return not self.fees

    def title(self, lang: str = "zh") -> str:
        """The name in a language; the Chinese one where no other is given."""
        return self.name_en if lang == "en" and self.name_en else self.name

    def form_field(self, key: str) -> FormField | None:
        """The form field of this key, if the item has it."""
        return next((asked for asked in self.form_fields if asked.key == key), None)
