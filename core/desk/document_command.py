"""``document``: a case's document as PDF, from the command line of either desk."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from core.desk.acting import readable_case
from core.desk.context import DeskContext
from core.desk.documents import paper_of
from core.documents.kinds import documents_of
from core.documents.saving import write_document
from core.identifiers import parse_case_id

VIA = "command line"


def document_command(open_desk: Callable[[Path], AbstractContextManager[DeskContext]]) -> click.Command:
    """The command, for the desk that ``open_desk`` opens."""

    @click.command(
        "document",
        help="把办件的文书生成 PDF；不写文书名则列出已有的文书 / a case's document as PDF; without KIND, which there are.\n\n"
        "KIND: acceptance 受理通知书, supplement 补正告知书 (supplement-2 …), refusal 不予受理决定书, decision 决定书, "
        "receipt 送达回证, slip 收件回执\n\n"
        "例 / examples:\n\n  document 43098110220120261103000148\n\n"
        "  document 43098110220120261103000148 acceptance --out 受理通知书.pdf --as wang",
    )
    @click.argument("case")
    @click.argument("kind", required=False)
    @click.option(
        "--out", default=None, type=click.Path(path_type=Path, dir_okay=False), help="PDF 文件 / the PDF"
    )
    @click.option("--as", "officer_id", default=None, metavar="OFFICER", help="工号 / who prints")
    @click.option("--english", is_flag=True, help="英文文本 / in English")
    @click.option("--json", "as_json", is_flag=True, help="机器可读输出 / machine-readable output")
    @click.pass_context
    def document(
        ctx: click.Context,
        case: str,
        kind: str | None,
        out: Path | None,
        officer_id: str | None,
        english: bool,
        as_json: bool,
    ) -> None:
        root = ctx.find_root().params or {}
        lang = str(root.get("lang") or "zh")
        case_id = parse_case_id(case)
        if kind is not None and (out is None or officer_id is None):
            raise click.UsageError("打印须写明 --out 和 --as / say where with --out and who prints with --as")
        with open_desk(Path(root["data"])) as desk:
            with desk.db.reading() as tx:
                if officer_id is None:
                    found = desk.office.casebook.get(tx, case_id)
                else:
                    found = readable_case(desk, tx, desk.roster.get(tx, officer_id), case_id)
                there = documents_of(found)
                paper = None if kind is None else paper_of(desk, tx, found, kind, "en" if english else "zh")
            if paper is not None and out is not None:
                write_document(out, desk.printer.print(paper))
                with desk.db.transaction() as tx:
                    desk.audit(
                        tx,
                        actor=str(officer_id),
                        action="document.printed",
                        subject=case_id,
                        document=str(kind)[:40],
                        lang="en" if english else "zh",
                        via=VIA,
                    )
        if paper is not None:
            facts: object = {"case": case_id, "document": kind, "title": paper.title, "file": str(out)}
            words = (
                f"{paper.title} {paper.number} → {out}"
                if lang == "zh"
                else f"{paper.title} {paper.number}: {out}"
            )
        else:
            facts = [{"name": one.name, "title": one.text(), "title_en": one.text("en")} for one in there]
            none = "还没有文书。" if lang == "zh" else "No documents yet."
            words = "\n".join(f"{one.name}  {one.text(lang)}" for one in there) or none
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words)

    return document
