"""Printed documents: every character is there and drawn, with the font inside; what cannot be printed is said in words."""

import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from core.documents import pdf as pdf_module
from core.documents.fonts import FOLDERS, REGULAR
from core.documents.paper import EXIT_REFUSED, Block, Paper, Shape, paper_to_json
from core.documents.pdf import draw, main
from core.documents.printer import KEPT_MAX, Printer
from core.documents.saving import write_document
from core.errors import InputError, LocalError
from tests.unit.desk_kit import CITY, Place
from tests.unit.pdf_kit import read_pdf, strokes
from tests.unit.test_desk_commands import Terminal
from tests.unit.test_desk_pages import signed_in
from village_agent.prints import write_print

RARE = "𠮷䶮镕喆"
PAPER = Paper("受理通知书", "沅政务受〔2026〕1号", "zh", (Block(Shape.ADDRESSEE, f"{RARE}："),))


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.network.close()


def test_rare_characters_can_be_read_back_and_are_drawn_with_the_font_inside() -> None:
    text, fonts = read_pdf(draw(PAPER))
    assert RARE in text
    # Each sign has strokes of its own: none is blank, none the box that stands for what is not there.
    assert all(strokes(fonts, char) > 10 for char in RARE)
    assert len({strokes(fonts, char) for char in "𠮷䶮"}) == 2
    assert all(0 < font.embedded_bytes < 200_000 for font in fonts.values()), "embedded, only what is used"


def test_every_shape_of_block_is_printed_over_as_many_pages_as_it_takes() -> None:
    rows = (("送达文书", "决定书 " * 40, 1), ("签名", "", 4))
    blocks = (
        Block(Shape.TEXT, "第一段\n第二段" + "很长的话，" * 400),
        Block(Shape.POINT, "1．户口簿"),
        *(Block(Shape.TABLE, rows=rows) for _ in range(6)),
        Block(Shape.CLOSING, "沅江市民政局（印章）\n二〇二六年三月二日"),
        Block(Shape.FOOT, "一式两份"),
    )
    for lang in ("zh", "en"):
        data = draw(replace(PAPER, lang=lang, blocks=blocks))
        text, _ = read_pdf(data)
        assert (
            re.sub(r"\n|— \d —", "", text).count("很长的话") == 400
            and "二〇二六年三月二日" in text
            and "一式两份" in text
        )
        assert data.count(b"/Type /Page\n") >= 3 and "— 2 —" in text


def test_a_place_that_cannot_be_written_is_said_with_its_path(tmp_path: Path) -> None:
    for write in (
        lambda: write_document(tmp_path / "none" / "a.pdf", b"%PDF-"),
        lambda: write_print(tmp_path / "none", "a.pdf", b"%PDF-"),
    ):
        with pytest.raises(LocalError, match=r"document\.unwritable") as refused:
            write()
        assert str(tmp_path / "none") in refused.value.zh
        assert str(tmp_path / "none") in refused.value.en


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert draw(PAPER) == draw(PAPER)


def test_without_the_font_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"document\.no_font") as refused:
        draw(PAPER, (tmp_path,))
    assert "fonts-noto-cjk" in refused.value.zh and "fonts-noto-cjk" in refused.value.en


def test_a_collection_without_the_face_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "REGULAR", (replace(REGULAR[0], face="Noto Serif CJK XX"),))
    with pytest.raises(LocalError, match=r"document\.no_font"):
        draw(PAPER)


def test_a_character_without_a_sign_is_refused_and_not_printed_blank() -> None:
    with pytest.raises(InputError, match=r"document\.no_glyph") as refused:
        draw(replace(PAPER, number="\U000f0000"))
    assert "U+F0000" in refused.value.zh


def test_the_program_writes_a_pdf_or_its_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Stream:
        def __init__(self, data: bytes = b"") -> None:
            self.buffer = io.BytesIO(data)

    for folders, code, begins in ((FOLDERS, 0, b"%PDF-"), ((tmp_path,), EXIT_REFUSED, b"{")):
        out = Stream()
        monkeypatch.setattr(sys, "stdin", Stream(paper_to_json(PAPER)))
        monkeypatch.setattr(sys, "stdout", out)
        assert main(folders, bound=lambda: None) == code
        assert out.buffer.getvalue().startswith(begins)


def test_what_was_printed_is_kept_by_its_content(printer: Printer) -> None:
    before = printer.printed
    first = printer.print(PAPER)
    assert printer.print(PAPER) is first and printer.printed == before + 1
    assert printer.print(replace(PAPER, number="2号")) != first


def test_a_refusal_of_the_program_is_said_in_its_words(printer: Printer) -> None:
    with pytest.raises(InputError, match=r"document\.no_glyph"):
        printer.print(replace(PAPER, title="\U000f0000"))
    words = json.dumps({"code": "document.no_font", "fault": "local", "zh": "没有字体", "en": "no font"})
    with pytest.raises(LocalError, match=r"document\.no_font"):
        Printer(python(f"print({words!r}); raise SystemExit({EXIT_REFUSED})")).print(PAPER)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (python("import time; time.sleep(60)"), "document.slow"),
        (python("raise MemoryError"), "document.failed"),
        (python("print('no pdf')"), "document.failed"),
        (("/nowhere/python",), "document.failed"),
    ],
)
def test_a_program_that_fails_or_hangs_is_ended_and_named(program: tuple[str, ...], code: str) -> None:
    with pytest.raises(LocalError, match=code.replace(".", r"\.")):
        Printer(program, print_s_max=1.5).print(PAPER)


def test_one_document_is_printed_at_a_time_and_only_so_many_are_kept(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        f"import pathlib, time; mark = pathlib.Path({str(mark)!r}); mark.open('x').close(); time.sleep(.05); "
        "mark.unlink(); print('%PDF-1')"
    )
    printer = Printer(python(code))
    papers = [replace(PAPER, number=str(number)) for number in range(6)]
    threads = [Thread(target=printer.print, args=(paper,)) for paper in papers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two at once would have failed on the mark.
    assert printer.printed == len(papers)
    quick = Printer(("/bin/echo", "%PDF-1"))
    for number in range(KEPT_MAX + 1):
        quick.print(replace(PAPER, number=str(number)))
    quick.print(replace(PAPER, number="0"))
    assert quick.printed == KEPT_MAX + 2, "the oldest made room"


def test_whoever_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.documents.printer.WAIT_S_MAX", 0.05)
    printer = Printer(("/bin/echo", "%PDF-1"))
    printer._turn.acquire()
    with pytest.raises(LocalError, match=r"document\.busy"):
        printer.print(PAPER)


def test_the_page_of_a_case_leads_to_its_documents_and_each_print_is_written_down(place: Place) -> None:
    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    browser = signed_in(place, "cw")
    page = browser.get(f"/case/{case.id}").text
    assert f'href="/case/{case.id}/document/acceptance"' in page and "受理通知书" in page
    assert "decision" not in page.split("文书")[1][:400]
    answer = browser.get(f"/case/{case.id}/document/acceptance")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/pdf"
    text, _ = read_pdf(answer.content)
    assert "王小明：" in text and "二〇二六年三月二日" in text
    assert ("cw", "document.printed", case.id) in place.audit_lines(CITY)
    none = browser.get(f"/case/{case.id}/document/decision")
    assert none.status_code == 400 and "acceptance" in none.text


def test_a_case_of_another_department_has_no_documents_for_one(place: Place) -> None:
    from core.messages import Role

    case = place.at_city()
    place.do(CITY, "cw", "accept", case)
    place.hire(CITY, "other", "外人", Role.WINDOW, department="沅江市林业局")
    assert signed_in(place, "other").get(f"/case/{case.id}/document/acceptance").status_code == 403


def test_the_command_lists_documents_and_writes_one(place: Place, tmp_path: Path) -> None:
    city = Terminal(place.desks[CITY])
    case = place.at_city().id
    assert "还没有文书" in city.run("document", case).stdout
    city.run("accept", case, "--as", "cw")
    assert [one["name"] for one in city.facts("document", case)] == ["acceptance"]
    out = tmp_path / "受理.pdf"
    city.run("document", case, "acceptance", "--out", str(out), "--as", "cw")
    assert "王小明：" in read_pdf(out.read_bytes())[0]
    city.run("document", case, "acceptance", "--out", str(out), "--as", "cw", "--english")
    assert "Notice of acceptance" in read_pdf(out.read_bytes())[0]
    assert city.run("document", case, "acceptance", exit_code=2).stdout == ""
    city.run("document", case, "decision", "--out", str(out), "--as", "cw", exit_code=2)
    refused = city.run(
        "document", case, "acceptance", "--out", str(tmp_path / "no" / "x"), "--as", "cw", exit_code=5
    )
    assert "没有保存" in refused.output
    assert [line[1] for line in place.audit_lines(CITY)].count("document.printed") == 2
