"""What the fields of a catalogue item demand of each other: every defect, each named with its item and place."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from core.bodies import DayUnit
from core.codelists import NATIONAL, codes
from core.identifiers import Tier
from core.items import (
    NUMBER_TYPES,
    STEPS_OF,
    Chain,
    DecideTier,
    FieldType,
    FormField,
    Item,
    SpecialProcedure,
)

_GENERAL, _THREE_LEVEL = STEPS_OF[Chain.GENERAL], STEPS_OF[Chain.THREE_LEVEL]


@dataclass(frozen=True, slots=True)
class Defect:
    """``where`` is item code and field: ``43098101205001.form_fields[2].options``."""

    where: str
    zh: str
    en: str


def item_defects(item: Item, references: Collection[str]) -> list[Defect]:
    """All that is wrong in the item itself; ``references`` are the sources its provenance may name."""
    found = [defect for rule in _RULES for defect in rule(item)]
    found += form_defects(item.form_fields, f"{item.code}.form_fields")
    for key, reference in item.provenance.items():
        if reference not in references:
            found.append(
                Defect(f"{item.code}.provenance.{key}", f"没有来源“{reference}”", f"no source {reference!r}")
            )
    return found


def form_defects(fields: tuple[FormField, ...], place: str) -> list[Defect]:
    """All that is wrong in the fields of a form or the columns of a table."""
    found = list(_repeated([field.key for field in fields], place))
    for number, field in enumerate(fields):
        found += _field_defects(field, f"{place}[{number}]")
    return found


def _code(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.code"
    if item.code[6:9] != item.department.code:
        yield Defect(place, "第 7 至 9 位应为部门代码", "digits 7 to 9 must be the department")
    if item.code[9:11] != item.item_type.code:
        yield Defect(place, "第 10、11 位应为事项类型代码", "digits 10 and 11 must be the item type")


def _coded(item: Item) -> Iterator[Defect]:
    # GB/T 39046-2020 tables A.1 and A.6; of A.6 only the two kinds whose limits are known.
    types = codes(NATIONAL, "item_type(A.1)")
    if types.get(item.item_type.code) != item.item_type.name:
        yield Defect(f"{item.code}.item_type", "代码与名称不符国标表 A.1", "not a row of table A.1")
    if (item.case_type.code, item.case_type.name) not in {("1", "即办件"), ("2", "承诺件")}:
        yield Defect(
            f"{item.code}.case_type", "应为 1 即办件或 2 承诺件", "must be 1 (immediate) or 2 (promised)"
        )


def _chain(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.approval_chain"
    if item.approval_chain not in (_GENERAL, _THREE_LEVEL):
        yield Defect(
            place,
            f"应为 {'→'.join(_GENERAL)} 或 {'→'.join(_THREE_LEVEL)}",
            f"must be {', '.join(_GENERAL)} or {', '.join(_THREE_LEVEL)}",
        )
    elif item.is_immediate != (item.chain is Chain.GENERAL):
        yield Defect(
            place,
            "即办件一审一核，承诺件承办、审核、决定",
            "an immediate item has the general chain, any other the three-level one",
        )


def _days(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.promised_days"
    if item.promised_days > item.statutory_days:
        yield Defect(
            place,
            f"承诺时限 {item.promised_days} 天超过法定时限 {item.statutory_days} 天",
            f"{item.promised_days} promised days exceed the {item.statutory_days} statutory ones",
        )
    if item.is_immediate != (item.promised_days == 0):
        yield Defect(
            place,
            "即办件的承诺时限为 0，承诺件至少为 1",
            "an immediate item promises 0 days, any other at least 1",
        )
    if item.limit_unit is not DayUnit.WORKING:
        yield Defect(f"{item.code}.limit_unit", "办理时限按工作日计算", "limits are counted in working days")


def _tiers(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.accept_tiers"
    yield from _repeated(item.accept_tiers, place)
    if Tier(item.decide_tier) not in item.accept_tiers:
        yield Defect(place, "应含决定层级", "it must hold the tier that decides")
    if item.confidential and item.decide_tier is not DecideTier.CITY:
        yield Defect(
            f"{item.code}.confidential",
            "保密事项只有市级能看，应由市级决定",
            "only the city can read a confidential item, so the city must decide it",
        )


def _materials(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.materials"
    yield from _repeated([material.name for material in item.materials], place)
    for number, material in enumerate(item.materials):
        if material.originals + material.copies == 0:
            yield Defect(
                f"{place}[{number}]",
                "原件与复印件不能都为 0",
                "originals and copies cannot both be 0",
            )


def _fees(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.fees"
    yield from _repeated([fee.name for fee in item.fees], place)
    for number, fee in enumerate(item.fees):
        if fee.amount == "0.00":
            yield Defect(
                f"{place}[{number}].amount",
                "不收费的应删去，不能为 0",
                "leave out what is free instead of charging 0",
            )


def _procedures(item: Item) -> Iterator[Defect]:
    place = f"{item.code}.special_procedures"
    yield from _repeated([procedure.name for procedure in item.special_procedures], place)
    for number, procedure in enumerate(item.special_procedures):
        if not _has_one_unit(procedure):
            yield Defect(
                f"{place}[{number}]",
                "工作日与日历日上限应恰填一项",
                "exactly one of working days and calendar days must be given",
            )


def _has_one_unit(procedure: SpecialProcedure) -> bool:
    return (procedure.max_working_days is None) != (procedure.max_calendar_days is None)


_RULES: tuple[Callable[[Item], Iterator[Defect]], ...] = (
    _code,
    _coded,
    _chain,
    _days,
    _tiers,
    _materials,
    _fees,
    _procedures,
)


def _field_defects(field: FormField, place: str) -> Iterator[Defect]:
    if bool(field.options) != (field.type is FieldType.CHOICE):
        yield Defect(
            f"{place}.options",
            "选择项应有选项，其他类型不应有",
            "a choice must have options and no other field may",
        )
    yield from _repeated(field.options, f"{place}.options")
    if bool(field.columns) != (field.type is FieldType.TABLE):
        yield Defect(
            f"{place}.columns",
            "表格应有列，其他类型不应有",
            "a table must have columns and no other field may",
        )
    if any(column.type is FieldType.TABLE for column in field.columns):
        yield Defect(f"{place}.columns", "表格中不能再有表格", "a table cannot hold a table")
    else:
        yield from form_defects(field.columns, f"{place}.columns")
    bounds = [bound for bound in (field.min, field.max) if bound is not None]
    if bounds and field.type not in NUMBER_TYPES:
        yield Defect(f"{place}.min", "只有数有上下限", "only numbers have bounds")
    if bounds != sorted(bounds):
        yield Defect(f"{place}.min", "下限大于上限", "the lower bound is above the upper one")
    if field.past and field.type is not FieldType.DATE:
        yield Defect(f"{place}.past", "只有日期可以限于今天以前", "only a date can be bound to the past")


def _repeated(words: Collection[str], place: str) -> Iterator[Defect]:
    for word, times in Counter(words).items():
        if times > 1:
            yield Defect(place, f"“{word}”出现 {times} 次", f"{word!r} stands {times} times")
