"""The catalogue as sheets and back: version, items, materials, form fields, fees, special procedures.

What a sheet does not hold (where a value comes from, limits seen elsewhere) is kept from the draft by the item's code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from city_node.catalogue.sheetbook import (
    DATE,
    MONEY,
    OPTIONS,
    TEXT,
    WHOLE,
    YES_NO,
    Fault,
    Line,
    Sheet,
    SheetColumn,
    many_of,
    one_of,
    read_book,
)
from core.bodies import DayUnit, LimitMode, ProcedureKind
from core.canonical import canonical_json
from core.catalogue import Catalogue, CatalogueErrors, parse_catalogue
from core.desk.table import Table
from core.errors import InputError
from core.identifiers import Tier
from core.items import (
    STEPS_OF,
    Chain,
    DecideTier,
    FieldType,
    FormField,
    Item,
    Need,
    ServiceObject,
    VillageMode,
)
from core.shape import to_plain

COMMON = "公共"
"""In place of an item's code: a field that every applicant is asked."""
_TIERS = {"村": Tier.VILLAGE, "镇": Tier.TOWNSHIP, "市": Tier.CITY}
_CODE = SheetColumn("code", "事项编码", "Item code")

VERSION = Sheet(
    "version",
    "版本",
    "Version",
    (
        SheetColumn("version", "版本号", "Version", WHOLE),
        SheetColumn("effective_from", "生效日期", "Effective from", DATE),
        SheetColumn("title", "标题", "Title"),
    ),
)
ITEMS = Sheet(
    "items",
    "事项",
    "Items",
    (
        _CODE,
        SheetColumn("name", "名称", "Name"),
        SheetColumn("name_en", "英文名", "English name"),
        SheetColumn("initials", "拼音首字母", "Initials"),
        SheetColumn("department_code", "部门代码", "Department code"),
        SheetColumn("department", "部门", "Department"),
        SheetColumn("type_code", "事项类型代码", "Type code"),
        SheetColumn("type", "事项类型", "Type"),
        SheetColumn("case_type", "办件类型", "Case type", one_of({"即办件": "1", "承诺件": "2"})),
        SheetColumn(
            "service_object", "服务对象", "For whom", one_of({str(one): str(one) for one in ServiceObject})
        ),
        SheetColumn("statutory_days", "法定工作日", "Statutory days", WHOLE),
        SheetColumn("promised_days", "承诺工作日", "Promised days", WHOLE),
        SheetColumn(
            "limit_mode",
            "时限计法",
            "Clock",
            one_of({"精确到秒": str(LimitMode.EXACT), "按日": str(LimitMode.CIVIL)}),
        ),
        SheetColumn(
            "accept_tiers", "受理层级", "Taken in by", many_of({k: str(v) for k, v in _TIERS.items()})
        ),
        SheetColumn(
            "decide_tier",
            "决定层级",
            "Decided by",
            one_of({"市": str(DecideTier.CITY), "镇": str(DecideTier.TOWNSHIP)}),
        ),
        SheetColumn(
            "village_mode", "村级方式", "In the village", one_of({str(one): str(one) for one in VillageMode})
        ),
        SheetColumn("applicant_in_person", "须本人到场", "In person", YES_NO),
        SheetColumn("confidential", "保密", "Confidential", YES_NO),
        SheetColumn("parallel_group", "并联组", "Parallel group"),
        SheetColumn("result_name", "结果名称", "Result"),
        SheetColumn("notes", "备注", "Notes"),
    ),
)
MATERIALS = Sheet(
    "materials",
    "材料",
    "Materials",
    (
        _CODE,
        SheetColumn("name", "材料名称", "Material"),
        SheetColumn("need", "必要性", "Need", one_of({str(one): str(one) for one in Need})),
        SheetColumn("originals", "原件份数", "Originals", WHOLE),
        SheetColumn("copies", "复印件份数", "Copies", WHOLE),
    ),
)
FIELDS = Sheet(
    "form_fields",
    "填写项",
    "Form fields",
    (
        _CODE,
        SheetColumn("table", "所属表格", "In table"),
        SheetColumn("key", "字段名", "Key"),
        SheetColumn("label", "标签", "Label"),
        SheetColumn("label_en", "英文标签", "English label"),
        SheetColumn("type", "类型", "Type", one_of({str(one): str(one) for one in FieldType})),
        SheetColumn("required", "必填", "Required", YES_NO),
        SheetColumn("options", "选项", "Options", OPTIONS),
        SheetColumn("min", "下限", "Least", WHOLE),
        SheetColumn("max", "上限", "Most", WHOLE),
        SheetColumn("past", "限今天以前", "Past only", YES_NO),
    ),
)
FEES = Sheet(
    "fees",
    "收费",
    "Fees",
    (
        _CODE,
        SheetColumn("name", "收费名称", "Fee"),
        SheetColumn("amount", "金额", "Amount", MONEY),
        SheetColumn("unit", "单位", "Unit"),
        SheetColumn("provenance", "来源", "Source"),
    ),
)
PROCEDURES = Sheet(
    "special_procedures",
    "特别程序",
    "Special procedures",
    (
        _CODE,
        SheetColumn(
            "kind",
            "类别",
            "Kind",
            one_of({"延长": str(ProcedureKind.EXTENSION), "其他": str(ProcedureKind.OTHER)}),
        ),
        SheetColumn("name", "程序名称", "Procedure"),
        SheetColumn("max_working_days", "至多工作日", "Most working days", WHOLE),
        SheetColumn("max_calendar_days", "至多日历日", "Most calendar days", WHOLE),
    ),
)
SHEETS = (VERSION, ITEMS, MATERIALS, FIELDS, FEES, PROCEDURES)
_LISTS = {"materials": MATERIALS, "form_fields": FIELDS, "fees": FEES, "special_procedures": PROCEDURES}
_PLACE = re.compile(r"\.?([a-z_]+)(?:\[(\d+)\])?")
_COLUMN_OF = {"department": "department_code", "item_type": "type_code", "approval_chain": "case_type"}


def tables_of(catalogue: Catalogue) -> list[Table]:
    """The whole catalogue to take along, edit and bring back."""
    head = {
        "version": catalogue.version,
        "effective_from": catalogue.effective_from.isoformat(),
        "title": catalogue.title,
    }
    rows: dict[str, list[dict[str, Any]]] = {key: [] for key in _LISTS}
    rows["form_fields"] = list(_field_rows(COMMON, catalogue.common_fields))
    for item in catalogue.items:
        for key in ("materials", "fees", "special_procedures"):
            rows[key] += [to_plain(one) | {"code": item.code} for one in getattr(item, key)]
        rows["form_fields"] += _field_rows(item.code, item.form_fields)
    return [
        VERSION.table([head], f"catalogue-{catalogue.version}"),
        ITEMS.table([_item_row(item) for item in catalogue.items]),
        *(sheet.table(rows[key]) for key, sheet in _LISTS.items()),
    ]


def read_catalogue(data: bytes, draft: Catalogue) -> tuple[Catalogue | None, list[Fault]]:
    """The catalogue that the sheets make, None where anything at all is wrong with them.

    Raises ``InputError`` (``xlsx.*``) for what is no spreadsheet or too large.
    """
    lines, faults = read_book(data, SHEETS)
    reader = _Reader(lines, draft)
    if not faults:
        faults += reader.misplaced()
    if faults:
        return None, faults
    try:
        return parse_catalogue(canonical_json(reader.plain())), []
    except CatalogueErrors as error:
        return None, [reader.fault(defect.where, defect.zh, defect.en) for defect in error.defects]
    except InputError as error:
        where = error.en.partition(":")[0]
        return None, [reader.fault(where, error.zh, error.en)]


def _item_row(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(item)
    return plain | {
        "department_code": item.department.code,
        "department": item.department.name,
        "type_code": item.item_type.code,
        "type": item.item_type.name,
        "case_type": item.case_type.code,
        "parallel_group": item.parallel_group or "",
    }


def _field_rows(code: str, fields: Sequence[FormField]) -> Iterator[dict[str, Any]]:
    for field in fields:
        yield to_plain(field) | {"code": code, "table": ""}
        for column in field.columns:
            yield to_plain(column) | {"code": code, "table": field.key}


class _Reader:
    """Puts rows together, remembering from which each part came."""

    def __init__(self, lines: Mapping[str, Sequence[Line]], draft: Catalogue) -> None:
        self._lines, self._draft = lines, draft
        self._before = {item.code: item for item in draft.items}
        self._places: dict[str, tuple[Sheet, int]] = {}
        self._by_code: dict[tuple[str, str], list[Line]] = {}
        for key in _LISTS:
            for line in lines[key]:
                self._by_code.setdefault((key, line.values.get("code", "")), []).append(line)

    def misplaced(self) -> Iterator[Fault]:
        """Rows that belong to nothing, and a head that is not one row."""
        head = self._lines["version"]
        if len(head) != 1 or head[0].values["version"] != self._draft.version:
            yield Fault(
                VERSION,
                2,
                VERSION.columns[0],
                "版本号不是这份草稿的",
                "this is not the version of the draft",
                f"只留一行，版本号填 {self._draft.version}",
                f"keep one row, with version {self._draft.version}",
            )
        codes: set[str] = set()
        for line in self._lines["items"]:
            code = line.values["code"]
            if code in codes:
                yield Fault(
                    ITEMS,
                    line.row,
                    _CODE,
                    f"编码“{code[:20]}”上面已有",
                    f"the code {code[:20]!r} stands above already",
                    "每个事项一个编码",
                    "give every item a code of its own",
                )
            codes.add(code)
        tables = {
            (line.values["code"], line.values["key"])
            for line in self._lines["form_fields"]
            if line.values["type"] == FieldType.TABLE and not line.values["table"]
        }
        for key, sheet in _LISTS.items():
            for line in self._lines[key]:
                code = line.values["code"]
                if code not in codes and not (sheet is FIELDS and code == COMMON):
                    yield Fault(
                        sheet,
                        line.row,
                        _CODE,
                        f"“事项”表中没有编码“{code[:20]}”",
                        f"no item {code[:20]!r} on the sheet of items",
                        "请填“事项”表中有的编码，或先在“事项”表中加上",
                        "give a code of that sheet, or add the item there first",
                    )
                elif sheet is FIELDS and line.values["table"] and (code, line.values["table"]) not in tables:
                    yield Fault(
                        sheet,
                        line.row,
                        FIELDS.column("table"),
                        f"该事项没有名为“{line.values['table'][:20]}”的表格",
                        f"the item has no table {line.values['table'][:20]!r}",
                        "请填本事项中类型为 table 的字段名，或留空",
                        "give the key of a field of type table, or nothing",
                    )

    def plain(self) -> dict[str, Any]:
        head = self._lines["version"][0].values
        return {
            "version": head["version"],
            "effective_from": head["effective_from"],
            "title": head["title"],
            "notes": dict(self._draft.notes),
            "provenance_refs": dict(self._draft.provenance_refs),
            "common_fields": self._fields(COMMON, "catalogue.common_fields"),
            "items": [self._item(line) for line in self._lines["items"]],
        }

    def fault(self, where: str, zh: str, en: str) -> Fault:
        """A defect of the catalogue at the row it came from."""
        owner = max((place for place in self._places if _is_within(where, place)), key=len, default="")
        sheet, row = self._places.get(owner, (ITEMS, 0))
        key = _PLACE.match(where[len(owner) :])
        column = sheet.column(_COLUMN_OF.get(key[1], key[1])) if key is not None else None
        zh = zh.removeprefix(f"{where}：").removesuffix("，未接收。")
        en = en.removeprefix(f"{where}: ").removesuffix("; it was not taken.")
        do = column.cell if column is not None else TEXT
        return Fault(sheet, row, column, zh, en, f"请改正：{do.zh}", f"mend it: {do.en}")

    def _item(self, line: Line) -> dict[str, Any]:
        values = dict(line.values)
        code = values["code"]
        self._places.setdefault(code, (ITEMS, line.row))
        before = self._before.get(code)
        elsewhere = before.limit_seen_elsewhere if before is not None else None
        return {
            "code": code,
            **{key: values[key] for key in _AS_THEY_ARE},
            "department": {"code": values["department_code"], "name": values["department"]},
            "item_type": {"code": values["type_code"], "name": values["type"]},
            "case_type": {
                "code": values["case_type"],
                "name": "即办件" if values["case_type"] == "1" else "承诺件",
            },
            "limit_unit": str(DayUnit.WORKING),
            "approval_chain": [
                str(step)
                for step in STEPS_OF[Chain.GENERAL if values["case_type"] == "1" else Chain.THREE_LEVEL]
            ],
            "parallel_group": values["parallel_group"] or None,
            "limit_seen_elsewhere": to_plain(elsewhere) if elsewhere is not None else None,
            "provenance": dict(before.provenance) if before is not None else {},
            "materials": self._list(code, "materials"),
            "form_fields": self._fields(code, f"{code}.form_fields"),
            "fees": self._list(code, "fees"),
            "special_procedures": self._list(code, "special_procedures"),
        }

    def _list(self, code: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for line in self._by_code.get((key, code), ()):
            self._places[f"{code}.{key}[{len(found)}]"] = (_LISTS[key], line.row)
            found.append(_given(line, "code"))
        return found

    def _fields(self, code: str, place: str) -> list[dict[str, Any]]:
        mine = self._by_code.get(("form_fields", code), [])
        found: list[dict[str, Any]] = []
        for line in (line for line in mine if not line.values["table"]):
            here = f"{place}[{len(found)}]"
            self._places[here] = (FIELDS, line.row)
            field = _given(line, "code", "table")
            columns = [one for one in mine if one.values["table"] == line.values["key"]]
            for number, column in enumerate(columns):
                self._places[f"{here}.columns[{number}]"] = (FIELDS, column.row)
            found.append(field | {"columns": [_given(column, "code", "table") for column in columns]})
        return found


_AS_THEY_ARE = (
    "name",
    "name_en",
    "initials",
    "service_object",
    "statutory_days",
    "promised_days",
    "limit_mode",
    "accept_tiers",
    "decide_tier",
    "village_mode",
    "applicant_in_person",
    "confidential",
    "result_name",
    "notes",
)


def _given(line: Line, *left_out: str) -> dict[str, Any]:
    return {key: value for key, value in line.values.items() if key not in left_out and value is not None}


def _is_within(where: str, place: str) -> bool:
    return where == place or where.startswith((f"{place}.", f"{place}["))
