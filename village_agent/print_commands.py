"""What a village prints, as commands: the slip as text or PDF, the proof of delivery."""

import sys
from pathlib import Path

import click

from core.documents.printer import Printer
from core.documents.saving import write_document
from core.identifiers import parse_case_id
from core.slip_code import slip_text
from sync.command_line import emit, folder_of, json_option, lang_of
from village_agent import unlock
from village_agent.outlook import outlook
from village_agent.papers import office_of, proof_of_delivery
from village_agent.slip import (
    SLIP_CELLS,
    THERMAL_CELLS,
    paper_of_slip,
    qr_halves,
    qr_text,
    slip_lines,
    thermal_text,
)

_OUT = click.Path(path_type=Path, dir_okay=False)


def add_print_commands(group: click.Group) -> None:
    """Add them to the group of the program."""
    for command in (slip, receipt):
        group.add_command(command)


@click.command(
    help="收件回执：屏幕、热敏打印机文本或 PDF / the slip, for screen, thermal printer or as PDF.\n\n"
    "例 / examples:\n\n  village-agent slip 43098110220120261103000148 --width 48 > /dev/usb/lp0\n\n"
    "  village-agent slip 43098110220120261103000148 --pdf 回执.pdf"
)
@click.argument("case")
@click.option("--qr/--no-qr", default=True, show_default=True)
@click.option(
    "--width",
    type=click.IntRange(min(THERMAL_CELLS), 120),
    default=SLIP_CELLS,
    show_default=True,
    help="每行半角字符数：80 毫米纸 48，58 毫米纸 32 / cells a line: 48 for 80 mm paper, 32 for 58 mm",
)
@click.option("--pdf", "out", type=_OUT, default=None, help="写成 PDF 文件 / write a PDF")
@json_option
@click.pass_context
def slip(ctx: click.Context, case: str, qr: bool, width: int, out: Path | None, as_json: bool) -> None:
    id_ = parse_case_id(case)
    desk = unlock.open_desk(folder_of(ctx))
    try:
        with desk.village.installation.db.reading() as tx:
            view = outlook(tx, desk.village, desk.village.office.casebook.get(tx, id_))
        divisions, lang, phone = desk.intake.divisions, lang_of(ctx), office_of(desk.village).phone
        lines = slip_lines(view, divisions, lang, width, phone)
        paper = None if out is None else paper_of_slip(view, divisions, lang, phone)
    finally:
        desk.close()
    held = slip_text(view.case)
    told = {"case": id_, "wording": view.wording.partition(".")[2], "lines": lines, "qr": held}
    if paper is not None and out is not None:
        write_document(out, Printer().print(paper))
        emit(ctx, told | {"file": str(out)}, as_json, lambda f, lang: f["file"])
        return
    narrow = width != SLIP_CELLS
    code = qr_halves(held) if narrow else qr_text(held, colours=sys.stdout.isatty())
    shown = "\n" + "\n".join(code) if qr else ""
    emit(ctx, told, as_json, lambda f, lang: thermal_text(f["lines"], width) + shown)


@click.command(
    help="送达回证 PDF：送达前打印请其签字，送达后为记录 / the proof of delivery as PDF.\n\n"
    "例 / example:\n\n  village-agent receipt 43098110220120261103000148 --pdf 送达回证.pdf"
)
@click.argument("case")
@click.option("--pdf", "out", type=_OUT, required=True, help="PDF 文件 / the PDF")
@json_option
@click.pass_context
def receipt(ctx: click.Context, case: str, out: Path, as_json: bool) -> None:
    id_ = parse_case_id(case)
    desk = unlock.open_desk(folder_of(ctx))
    try:
        with desk.village.installation.db.reading() as tx:
            found = desk.village.office.casebook.get(tx, id_)
            paper = proof_of_delivery(tx, desk.village, found, desk.intake.divisions, lang_of(ctx))
    finally:
        desk.close()
    write_document(out, Printer().print(paper))
    told = {"case": id_, "title": paper.title, "number": paper.number, "file": str(out)}
    emit(ctx, told, as_json, lambda f, lang: f"{f['title']} {f['number']}: {f['file']}")
