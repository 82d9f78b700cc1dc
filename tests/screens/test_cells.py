"""Every page in every family: no cell of unsure width, nothing cut off, at both sizes and in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from tests.screens.pages import FAMILIES, LANGS, SIZES, walk
from tests.unit.village_screens import ambiguous, painted
from village_agent.tui.app import DeskApp
from village_agent.tui.window_list import MARK, WindowList
from village_agent.widths import clean, safe


def cut_off(app: DeskApp) -> Iterator[str]:
    """What of the page that is painted has no room, in words."""
    page = app.screen.region
    for widget in app.screen.walk_children(Widget):
        if not widget.display or (not widget.is_on_screen and not _can_scroll(widget)):
            continue
        if isinstance(widget, Static):
            size = widget.content_size
            needed = widget.get_content_height(app.size, app.size, size.width) if size.width else 0
            if needed > size.height:
                yield f"{widget!r} needs {needed} rows and has {size.height}: {widget.content}"
        elif isinstance(widget, Input) and cell_len(widget.placeholder) > widget.content_size.width:
            yield f"{widget!r} has no room for {widget.placeholder!r}"
        elif isinstance(widget, WindowList):
            rows = [widget._row(number) for number in range(min(widget.count, widget.size.height))]
            for row in rows:
                if cell_len(MARK + clean(safe(row.text))) > widget.size.width:
                    yield f"a row is cut: {row.text!r}"
        if not _can_scroll(widget) and not page.contains_region(widget.region):
            yield f"{widget!r} lies beyond the page"


def _can_scroll(widget: Widget) -> bool:
    """Whether keys bring it into sight: it lies in something that scrolls and takes the focus, or holds who does."""
    for above in widget.ancestors:
        if isinstance(above, VerticalScroll):
            return above.can_focus or any(inner.focusable for inner in above.walk_children(Widget))
    return False


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("family", list(FAMILIES))
def test_no_page_has_a_cell_of_unsure_width_or_is_cut_off(
    tmp_path: Path, family: str, lang: str, size: tuple[int, int]
) -> None:
    wrong: list[str] = []
    count = 0

    def seen(app: DeskApp, name: str) -> None:
        nonlocal count
        count += 1
        text = painted(app)
        wrong.extend(f"{name}: {glyph!r} is of unsure width" for glyph in ambiguous(text))
        wrong.extend(
            f"{name}: {line!r} is too long" for line in text.splitlines() if cell_len(line) > size[0]
        )
        wrong.extend(f"{name}: {words}" for words in cut_off(app))
        places = [(widget.region.y, widget.region.x) for widget in app.screen.focus_chain if widget.display]
        if places != sorted(places):
            wrong.append(f"{name}: the focus does not go in the order of reading: {places}")

    walk(FAMILIES[family], tmp_path / "data", lang, size, seen)
    assert count >= 6
    assert not wrong, "\n".join(wrong)
