"""Cells, never characters: nothing is wider than it may be, nothing is lost in folding."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from village_agent.widths import fit, hang, safe, shorten, wrap

TEXT = st.text(alphabet="abc 王秀英，。（）12𠮷\U00031350", max_size=60)
PAINTED = st.text(alphabet="ab 王，（“”…·×—\U00031350", max_size=60)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(TEXT, st.integers(4, 30))
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(shorten(text, width)) <= width


@settings(derandomize=True, max_examples=200, deadline=None)
@given(TEXT, st.integers(6, 30))
def test_folding_keeps_every_character_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@settings(derandomize=True, max_examples=200, deadline=None)
@given(PAINTED, st.integers(6, 30))
def test_what_is_folded_shortened_or_fitted_keeps_its_width_when_it_is_painted(text: str, width: int) -> None:
    assert all(cell_len(safe(line)) <= width for line in [*wrap(text, width), shorten(text, width)])
    assert all(cell_len(safe(line)) <= width for line in hang(f"  {text}", width)), hang(text, width)
    assert cell_len(safe(fit(text, width))) == width
    assert "".join("".join(hang(text, width)).split()) == "".join(text.split())


def test_what_goes_on_in_a_second_line_of_a_list_stands_further_in() -> None:
    assert hang("> 02-27 提交 李代办", 14) == ["> 02-27 提交", "    李代办"]
    assert hang("> Village of", 12, by=0) == ["> Village of"]


def test_an_opening_mark_does_not_end_a_line() -> None:
    assert wrap("同一事项（430981102001）", 12) == ["同一事项", "（4309811020", "01）"]


def test_a_closing_mark_does_not_begin_a_line() -> None:
    assert wrap("请保管好此回执，等待上传", 14)[1] == "执，等待上传"


def test_what_moves_the_cursor_is_not_passed_on() -> None:
    assert "\x1b" not in fit("a\x1b[2J\tb", 20)
    assert safe("四季红镇·王××“好”") == "四季红镇 王**「好」"
