"""Spreadsheets: writing tables, and reading what somebody sends back, bounded before it is opened."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.clock import CHINA, from_iso
from core.desk.table import Column, Kind, Table
from core.errors import InputError, Lang
from core.numbers import permille_of

# The library takes an eighth of a program's start to import, and is imported where a table is written or read.
if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_BYTES_MAX = 4 << 20
UNPACKED_BYTES_MAX = 64 << 20
PARTS_MAX = 200
ROWS_MAX, COLUMNS_MAX, CELL_CHARS_MAX = 20_000, 64, 4_000
_FORMATS = {Kind.COUNT: "#,##0", Kind.SHARE: "0.0%", Kind.MONEY: "#,##0.00", Kind.TIME: "yyyy-mm-dd hh:mm"}
_WIDTHS = {Kind.TEXT: 22, Kind.TIME: 18}


def write_tables(tables: Sequence[Table], lang: Lang = "zh") -> bytes:
    """One sheet a table. Text is always text: nothing that was typed becomes a formula. Times are local."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(_sheet_name(table.text(lang)))
        for number, column in enumerate(table.columns, 1):
            sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(column.kind, 12)
        sheet.freeze_panes = "A2"
        sheet.append([_text(sheet, column.text(lang), bold=True) for column in table.columns])
        for row in table.all_rows:
            sheet.append([_cell(sheet, column, row.get(column.key)) for column in table.columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_rows(data: bytes, sheet: str | None = None) -> Iterator[tuple[int, list[Any]]]:
    """Row number (from 1) and values of the named or first sheet. Formulas give what was last worked out.

    Raises ``InputError`` (``xlsx.*``) for what is no spreadsheet, is too large, or lacks the sheet.
    """
    from openpyxl import load_workbook

    _require_bounded(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        # The library raises whatever its parsers do.
        raise _broken() from error
    if sheet is not None and sheet not in book.sheetnames:
        raise InputError(
            "xlsx.sheet",
            zh=f"表格里没有名为“{sheet}”的工作表，未导入。请使用导出的模板。",
            en=f"The spreadsheet has no sheet {sheet!r}; nothing was imported. Start from an exported file.",
        )
    page = book[sheet] if sheet is not None else book.worksheets[0]
    # What the file says of its own size is not believed; the rows are counted as they come.
    page.reset_dimensions()
    try:
        for number, row in enumerate(page.iter_rows(max_col=COLUMNS_MAX, values_only=True), 1):
            if number > ROWS_MAX:
                raise InputError(
                    "xlsx.rows",
                    zh=f"表格超过 {ROWS_MAX} 行，未导入。请分几个文件。",
                    en=f"The sheet has more than {ROWS_MAX} rows; nothing was imported. Split it.",
                )
            yield number, [_bounded(number, value) for value in row]
    except InputError:
        raise
    except Exception as error:
        raise _broken() from error


def _require_bounded(data: bytes) -> None:
    if len(data) > FILE_BYTES_MAX:
        raise InputError(
            "xlsx.large",
            zh=f"文件有 {len(data) / 1048576:.1f} MB，超过 {FILE_BYTES_MAX >> 20} MB，未导入。",
            en=f"The file has {len(data) / 1048576:.1f} MB, more than {FILE_BYTES_MAX >> 20} MB; nothing was imported.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise _broken() from error
    # A part that says less than it holds is cut at what it says by whoever unpacks it.
    if sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX or len(parts) > PARTS_MAX:
        raise InputError(
            "xlsx.bomb",
            zh="表格解压后过大，未打开。请另存为普通的 xlsx 再导入。",
            en="The spreadsheet unpacks to too much and was not opened. Save it as a plain xlsx and try again.",
        )


def _bounded(number: int, value: Any) -> Any:
    if isinstance(value, str) and len(value) > CELL_CHARS_MAX:
        raise InputError(
            "xlsx.cell",
            zh=f"第 {number} 行有一格超过 {CELL_CHARS_MAX} 字，未导入。请缩短。",
            en=f"A cell of row {number} holds more than {CELL_CHARS_MAX} characters; nothing was imported. Shorten it.",
        )
    return value.strip() if isinstance(value, str) else value


def _broken() -> InputError:
    return InputError(
        "xlsx.broken",
        zh="这个文件不是可读的 xlsx 表格，未导入任何内容。请用表格软件另存为 xlsx。",
        en="This file is no readable xlsx spreadsheet; nothing was imported. Save it as xlsx and try again.",
    )


def _cell(sheet: Any, column: Column, value: Any) -> "WriteOnlyCell":
    from openpyxl.cell import WriteOnlyCell

    if value is None:
        return WriteOnlyCell(sheet, None)
    if column.kind is Kind.TIME:
        moment: datetime = from_iso(value) if isinstance(value, str) else value
        value = moment.astimezone(CHINA).replace(tzinfo=None)
    elif column.kind is Kind.MONEY:
        value = value / 100
    elif column.kind is Kind.SHARE:
        # As on the page: the program that opens it would round up to the whole.
        value = permille_of(value) / 1000
    elif not column.kind.is_number:
        return _text(sheet, str(value))
    cell = WriteOnlyCell(sheet, value)
    if column.kind in _FORMATS:
        cell.number_format = _FORMATS[column.kind]
    return cell


def _text(sheet: Any, text: str, *, bold: bool = False) -> "WriteOnlyCell":
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def _sheet_name(title: str) -> str:
    return "".join("·" if char in "[]:*?/\\" else char for char in title)[:31]
