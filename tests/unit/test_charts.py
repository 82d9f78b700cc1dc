"""Charts say how much: in whole marks where things are counted, and no column is as wide as the page."""

import re

import pytest

from core.desk.charts import COLUMN_WIDTH_MAX, Series, columns


@pytest.mark.parametrize("most", [1, 2, 3, 7, 10, 40, 251_567])
def test_what_is_counted_has_no_halves_at_its_marks(most: int) -> None:
    marks = re.findall(r'text-anchor="end">([^<]*)<', columns("办件", ["2026-03"], [Series("受理", [most])]))
    assert [one for one in marks if "." in one] == []
    assert len(set(marks)) == len(marks) > 1 and int(marks[-1].replace(",", "")) >= most


def test_a_single_month_is_a_column_and_not_a_wall() -> None:
    width = re.search(
        r'<rect class="c0" [^>]*width="([0-9.]+)"', columns("办件", ["2026-03"], [Series("受理", [2])])
    )
    assert width is not None and 0 < float(width[1]) <= COLUMN_WIDTH_MAX
