"""A spreadsheet that somebody sends is bounded before it is opened; one that is written holds values, never formulas."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from openpyxl import Workbook, load_workbook

from core.desk import xlsx
from core.desk.table import Column, Kind, Table
from core.desk.xlsx import read_rows, write_tables
from core.errors import InputError

SHEET = "xl/worksheets/sheet1.xml"


def book(*rows: list[object]) -> bytes:
    """A spreadsheet as somebody's program writes it."""
    made, out = Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def refusal(data: bytes, sheet: str | None = None) -> str:
    with pytest.raises(InputError) as refused:
        list(read_rows(data, sheet))
    assert refused.value.zh and refused.value.en
    return refused.value.code


def with_sheet(change: Callable[[bytes], bytes]) -> bytes:
    parts = parts_of(book(["甲", 1], ["乙", 2]))
    return packed(parts | {SHEET: change(parts[SHEET])})


def test_rows_come_with_their_numbers_and_text_without_the_blanks_around_it() -> None:
    rows = list(read_rows(book([" 甲 ", 1], [None, 2.5])))
    assert [(number, row[:2]) for number, row in rows] == [(1, ["甲", 1]), (2, [None, 2.5])]
    assert {len(row) for _, row in rows} == {xlsx.COLUMNS_MAX}


def test_what_is_no_spreadsheet_is_refused_in_words() -> None:
    assert refusal(b"not a zip") == "xlsx.broken"
    assert refusal(packed({"a.txt": b"a zip of something else"})) == "xlsx.broken"
    assert refusal(with_sheet(lambda xml: xml[: len(xml) // 2])) == "xlsx.broken"
    assert refusal(book(["甲"]), "没有的表") == "xlsx.sheet"


def test_what_unpacks_to_too_much_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "UNPACKED_BYTES_MAX", 1 << 20)
    monkeypatch.setattr("openpyxl.load_workbook", None)
    bomb = with_sheet(lambda xml: xml + bytes(1 << 20))
    assert len(bomb) < 10_000
    assert refusal(bomb) == "xlsx.bomb"
    assert refusal(packed({f"{n}.xml": b"" for n in range(xlsx.PARTS_MAX + 1)})) == "xlsx.bomb"
    assert refusal(bytes(xlsx.FILE_BYTES_MAX + 1)) == "xlsx.large"


def test_a_part_that_says_less_than_it_holds_is_read_no_further_than_it_says() -> None:
    whole = parts_of(book(["甲" * 500]))[SHEET]
    said = whole[: len(whole) // 2]
    data = with_sheet(lambda xml: whole)
    for true, told in ((len(whole), len(said)), (zlib.crc32(whole), zlib.crc32(said))):
        data = data.replace(struct.pack("<I", true), struct.pack("<I", told))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read(SHEET) == said
    assert refusal(data) == "xlsx.broken"


def test_more_rows_than_allowed_are_counted_whatever_the_file_says_of_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xlsx, "ROWS_MAX", 3)
    assert len(list(read_rows(book(*[["行"]] * 3)))) == 3
    parts = parts_of(book(*[["行"]] * 4))
    assert b'ref="A1:A4"' in parts[SHEET]
    lying = packed(parts | {SHEET: parts[SHEET].replace(b'ref="A1:A4"', b'ref="A1:A2"')})
    assert refusal(lying) == "xlsx.rows"


def test_a_cell_longer_than_any_answer_names_its_row() -> None:
    with pytest.raises(InputError, match="row 2") as refused:
        list(read_rows(book(["短"], ["长" * (xlsx.CELL_CHARS_MAX + 1)])))
    assert refused.value.code == "xlsx.cell"


def test_every_kind_of_value_is_written_as_what_it_is() -> None:
    kinds = (Kind.TEXT, Kind.COUNT, Kind.SHARE, Kind.MONEY, Kind.TIME, Kind.SPAN)
    columns = tuple(Column(kind, f"列{kind}", kind, kind) for kind in kinds)
    row = {
        "text": "=1+1",
        "count": 1200,
        "share": 0.5,
        "money": 1250,
        "time": "2026-03-02T01:00:00.000Z",
        "span": 90,
    }
    aware = row | {"time": datetime(2026, 3, 2, 1, tzinfo=UTC)}
    table = Table("t", "甲/乙:丙", "A/B", columns, (row, aware), total={"count": 2400})
    sheet = load_workbook(io.BytesIO(write_tables([table]))).active
    assert sheet.title == "甲·乙·丙"
    cells = {kind: sheet.cell(2, at) for at, kind in enumerate(kinds, 1)}
    assert cells[Kind.TEXT].data_type == "s" and cells[Kind.TEXT].value == "=1+1"
    assert (cells[Kind.COUNT].value, cells[Kind.SHARE].value, cells[Kind.MONEY].value) == (1200, 0.5, 12.5)
    assert cells[Kind.SHARE].number_format == "0.0%" and cells[Kind.SPAN].value == 90
    # 09:00 in China, for one who opens it there.
    assert cells[Kind.TIME].value == sheet.cell(3, 5).value
    assert cells[Kind.TIME].value.isoformat() == "2026-03-02T09:00:00"
    assert [cell.value for cell in sheet[4]] == [None, 2400, None, None, None, None]
