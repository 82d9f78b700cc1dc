"""The documents show the table as it is."""

import runpy
import sys
from pathlib import Path

import pytest

from core.states import State
from core.workflow import TRANSITIONS
from core.workflow_diagram import documents, edges, framed_edges, main, plain_edges
from core.workflow_svg import FRAMES, PLACES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documents_are_current() -> None:
    for name, text in documents().items():
        assert DOCS.joinpath(name).read_text(encoding="utf-8") == text, (
            "run: python -m core.workflow_diagram docs"
        )


def test_the_documents_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"workflow.md", "workflow.svg"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_command_writes_both_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["workflow_diagram", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("core.workflow_diagram", run_name="__main__")
    assert ended.value.code == 0
    assert tmp_path.joinpath("workflow.svg").exists()


def test_every_arrow_of_the_table_is_drawn_once_or_stood_for_by_a_frame() -> None:
    drawn = {kind for _, _, kind in plain_edges()} | {kind for _, _, kind in framed_edges()}
    assert drawn == {kind for row in TRANSITIONS.values() for kind in row}
    assert set(plain_edges()) < set(edges())
    assert {start for start, _, _ in framed_edges()} | {end for _, end, _ in framed_edges()} >= set(FRAMES)


def test_every_state_has_its_place_in_the_picture_and_none_covers_another() -> None:
    assert set(PLACES) == set(State)
    assert len(set(PLACES.values())) == len(State)


def test_the_page_has_a_line_for_every_step_in_both_languages() -> None:
    page = documents()["workflow.md"]
    steps = sum(len(row) for row in TRANSITIONS.values())
    assert (
        page.count("| `") + page.count(" `Case") + page.count(" `Supp") + page.count(" `Result") == 2 * steps
    )
