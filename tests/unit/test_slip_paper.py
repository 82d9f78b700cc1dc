"""The slip on paper: its QR is read back from what is drawn, a rare name is printed whole, and it claims no more than is known."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.case import Case
from core.desk.documents import paper_of
from core.documents.office import Letterhead
from core.documents.paper import Block, Paper, Shape, paper_from_json, paper_to_json
from core.documents.printer import Printer
from core.documents.qr import qr_modules
from core.documents.slip import SlipFacts, Wording, slip_rows, slip_title, status_lines
from core.labels import label
from core.messages import Role
from core.slip_code import slip_text
from tests.unit.cases import Story
from tests.unit.desk_kit import CITY, TOWN, Place
from tests.unit.pdf_kit import read_pdf, strokes
from tests.unit.qr_kit import read_qr
from tests.unit.test_desk_intake import filled, hand_in
from tests.unit.test_desk_pages import signed_in, submit_at_city

RARE = "𠮷䶮"
FILLED_BY = 20
"""So many lines leave no room for a QR on the first page."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.desks[CITY] = replace(made.desks[CITY], letterhead=Letterhead(phone="0737-2721234"))
    yield made
    made.network.close()


def words(place: Place, node: str, case: Case, lang: str = "zh") -> str:
    desk = place.desks[node]  # type: ignore[index]
    with desk.db.reading() as tx:
        return paper_of(desk, tx, desk.office.casebook.get(tx, case.id), "slip", lang).words  # type: ignore[arg-type]


def drawn_modules(pdf: bytes) -> list[list[bool]]:
    """The filled squares of the page, on the grid of their own size."""
    contents = [
        zlib.decompress(m[1])
        for m in re.finditer(rb"/FlateDecode.*?stream\n(.*?)\nendstream", pdf, re.DOTALL)
    ]
    pattern = rb"(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f"
    rects = [tuple(map(float, m)) for one in contents if b" re f" in one for m in re.findall(pattern, one)]
    unit = min(abs(h) for _, _, _, h in rects)
    left, top = min(x for x, _, _, _ in rects), max(y for _, y, _, _ in rects)
    cells = {
        (round((top - y) / unit), round((x - left) / unit) + run)
        for x, y, w, _ in rects
        for run in range(round(w / unit))
    }
    side = max(r for r, _ in cells) + 1
    return [[(r, c) in cells for c in range(side)] for r in range(side)]


def test_the_qr_is_read_back_by_a_reader_that_knows_nothing_of_its_maker() -> None:
    for text in ("43098110200120261126000119ABCDEFGH", "1234567", "lower-case text 9"):
        assert read_qr(qr_modules(text)) == text
    spoilt = [list(row) for row in qr_modules("1234567", border=0)]
    spoilt[3][3] = not spoilt[3][3]
    with pytest.raises(AssertionError):
        read_qr(spoilt)


def test_a_printed_slip_holds_a_rare_name_and_a_qr_that_leads_to_the_case(place: Place) -> None:
    case = place.submit()
    case = replace(case, applicant=replace(case.applicant, name=RARE))
    desk = place.desks[TOWN]
    with desk.db.reading() as tx:
        paper = paper_of(desk, tx, case, "slip")
    pdf = Printer().print(paper)
    text, fonts = read_pdf(pdf)
    assert RARE in text
    assert all(strokes(fonts, char) > 3 for char in RARE)
    assert read_qr(drawn_modules(pdf)) == slip_text(case)
    assert len(fonts) == 1


def test_the_paper_survives_its_way_to_the_printer(place: Place) -> None:
    case, desk = place.submit(), place.desks[TOWN]
    with desk.db.reading() as tx:
        paper = paper_of(desk, tx, case, "slip")
    assert paper_from_json(paper_to_json(paper)) == paper
    assert [block.shape for block in paper.blocks].count(Shape.CODE) == 1


def test_the_slip_says_accepted_only_once_it_is_and_masks_the_number(place: Place) -> None:
    case = place.at_city()
    before = words(place, CITY, case)
    assert label(f"{Wording.HANDED_OVER}_note") in before
    assert case.applicant.id_no not in before
    assert "0737-2721234" in before
    assert "0737-2721234" not in words(place, TOWN, case)
    place.do(CITY, "cw", "accept", case)
    assert label(f"{Wording.ACCEPTED}_note") in words(place, CITY, case)
    assert "working days left" in words(place, CITY, case, "en")


def test_a_slip_of_what_the_city_took_in_itself_waits_for_no_higher_office(place: Place) -> None:
    submit_at_city(place, place.network.nodes[CITY])
    with place.desks[CITY].db.reading() as tx:
        (number,) = place.offices[CITY].casebook.all_ids(tx)
        case = place.offices[CITY].casebook.get(tx, number)
    assert label(f"{Wording.AT_CITY}_note") in words(place, CITY, case)


def test_a_slip_promises_no_limit_of_an_item_unknown_here_and_tells_what_is_still_to_be_sent() -> None:
    facts = SlipFacts(
        Story().submit().case, "低保", None, "和平村", "琼湖街道", "琼湖街道", Wording.LOCAL_ONLY
    )
    assert (label("limit.promised", "zh"), "-") in slip_rows(facts, "zh")
    assert "受理后 5 个工作日" in dict(slip_rows(replace(facts, promised_days=5), "zh")).values()
    assert slip_title(facts, "zh").startswith("和平村 ")
    transit = label("outbox.materials_in_transit", "zh")
    assert f"{transit} 3/8" in status_lines(replace(facts, parts_sent=3, parts=8), "zh")
    assert transit not in " ".join(status_lines(replace(facts, parts_sent=8, parts=8), "zh"))


def test_a_qr_for_which_the_page_has_no_room_is_whole_on_the_next() -> None:
    lines = tuple(Block(Shape.TEXT, f"第 {number} 行") for number in range(FILLED_BY))
    code = Block(Shape.CODE, "43098110200120261126000119ABCDEFGH")
    pdf = Printer().print(Paper("题", "号", "zh", (*lines, code)))
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2
    assert read_qr(drawn_modules(pdf)) == code.text


def test_a_window_gets_the_slip_of_what_it_has_just_taken_in_from_the_page(place: Place) -> None:
    page = signed_in(place, "tw", TOWN)
    shelf = place.offices[TOWN].shelf
    item = next(one for one in shelf.catalogues.current(shelf.today).items if "township" in one.accept_tiers)
    status, _, shown = hand_in(page, item, filled(item) | {"applicant.name": RARE})
    assert status == 200
    link = re.search(r'href="(/case/\d+/document/slip)"[^>]*>打印收件回执', shown)
    assert link
    answer = page.get(link[1])
    assert answer.headers["content-type"] == "application/pdf"
    text, _ = read_pdf(answer.content)
    assert RARE in text
    # Nobody else is known to have a copy yet.
    assert "仅本机" in text


def test_only_officers_of_the_case_get_its_slip(place: Place) -> None:
    case = place.submit()
    place.hire(CITY, "ca", "审计", Role.AUDITOR)
    assert signed_in(place, "ca").get(f"/case/{case.id}/document/slip").status_code in (403, 404)
