"""A chart says its values in words as well, draws them to one scale, and lets nothing typed become markup."""

import re
from xml.etree import ElementTree

import pytest

from core.desk.charts import COLUMN_HEIGHT, COLUMN_WIDTH_MAX, Series, bars, columns

NAMES = ["琼湖街道", "南大膳镇"]


def drawn(markup: str, shape: str = "rect") -> list[dict[str, str]]:
    """What is drawn in that shape, in order; the figure has to be well formed for it."""
    return [dict(one.attrib) for one in ElementTree.fromstring(markup).iter(shape)]


def written(markup: str) -> list[str]:
    return [str(one.text) for one in ElementTree.fromstring(markup).iter("text")]


def test_bars_are_to_one_scale_and_stand_one_behind_the_other() -> None:
    chart = bars("办件", NAMES, [Series("按时", [30, 10], "c0"), Series("超期", [10, 0], "red")])
    first, late, second = drawn(chart)
    assert float(first["width"]) == pytest.approx(3 * float(late["width"]), abs=0.2)
    assert float(second["width"]) == pytest.approx(float(late["width"]), abs=0.1)
    assert float(late["x"]) == pytest.approx(float(first["x"]) + float(first["width"]), abs=0.2)
    assert written(chart) == ["琼湖街道", "40", "南大膳镇", "10"]


def test_what_is_none_at_all_is_written_and_not_drawn() -> None:
    for chart in (
        bars("办件", NAMES, [Series("件", [0, 0])]),
        columns("办件", NAMES, [Series("件", [0, 0])]),
    ):
        assert drawn(chart) == []
        assert "琼湖街道" in written(chart)
    assert written(bars("办件", NAMES, [Series("件", [0, 0])])).count("0") == 2
    assert drawn(columns("办件", [], [Series("件", [])])) == []


def test_a_legend_stands_where_there_is_more_than_one_series() -> None:
    one, two = Series("按时", [1, 2]), Series("超期", [0.5, 1], "red")
    assert "legend" not in bars("办件", NAMES, [one]) and "legend" not in columns("办件", NAMES, [one])
    for chart in (bars("办件", NAMES, [one, two]), columns("办件", NAMES, [one, two])):
        assert re.findall(r'class="key (\w+)"></span>(\w+)', chart) == [("c0", "按时"), ("red", "超期")]


@pytest.mark.parametrize(
    ("most", "top"),
    [(0.003, 0.005), (0.7, 1), (1, 1), (1.2, 2), (4, 5), (6, 10), (180, 200), (9_999, 10_000)],
)
def test_the_marks_of_columns_are_round_and_the_highest_column_fits(most: float, top: float) -> None:
    chart = columns("办件", ["一月"], [Series("件", [most])], " 件")
    marks = [
        float(text.removesuffix(" 件").replace(",", "")) for text in written(chart) if text.endswith(" 件")
    ]
    assert len(drawn(chart, "line")) == len(marks) > 1
    assert marks == pytest.approx([top * tick / (len(marks) - 1) for tick in range(len(marks))], abs=0.051)
    (column,) = drawn(chart)
    assert float(column["height"]) == pytest.approx(COLUMN_HEIGHT * most / top, abs=0.06) and most <= top


def test_columns_stand_on_each_other_and_labels_do_not_crowd() -> None:
    days = [f"{day} 日" for day in range(1, 32)]
    chart = columns("每日", days, [Series("甲", [1] * 31), Series("乙", [1] * 31, "c1")])
    boxes = drawn(chart)
    assert len(boxes) == 62
    assert float(boxes[1]["y"]) + float(boxes[1]["height"]) == pytest.approx(float(boxes[0]["y"]), abs=0.2)
    labels = [text for text in written(chart) if text.endswith("日")]
    assert labels == days[::3] and len(labels) <= 12


def test_a_part_of_a_whole_is_written_to_one_place_and_every_box_says_what_it_is() -> None:
    chart = bars("在途", ["三月"], [Series("小时", [1234.5])], " h")
    assert "1,234.5 h" in written(chart)
    titles = [title.text for title in ElementTree.fromstring(chart).iter("title")]
    assert titles == ["三月 小时: 1,234.5 h"]


def test_nothing_that_was_typed_becomes_markup() -> None:
    evil = '<b onclick="x">&'
    for draw in (bars, columns):
        chart = draw(evil, [evil], [Series(evil, [1]), Series("乙", [1])], "<i>")
        assert "<b" not in chart and "<i>" not in chart
        assert evil in written(chart)


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
