"""Charts as inline SVG: readable without scripts, in grey, by a screen reader, and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, BAR, GAP, LABEL = 640, 18, 8, 150
COLUMN_HEIGHT, COLUMN_WIDTH_MAX = 180, 64


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: ``style`` is a class of the style sheet (``c0`` … ``c4``, ``warning``, ``yellow``, ``red``)."""

    name: str
    values: Sequence[float]
    style: str = "c0"


def bars(title: str, labels: Sequence[str], series: Sequence[Series], unit: str = "") -> Markup:
    """Lying bars, one a label, the series of each in a row; every value is also written."""
    totals = [sum(one.values[row] for one in series) for row in range(len(labels))]
    scale = (WIDTH - LABEL - 90) / max([*totals, 1e-9])
    height = len(labels) * (BAR + GAP) + GAP
    parts: list[Markup] = []
    for row, label in enumerate(labels):
        y, x = GAP + row * (BAR + GAP), float(LABEL)
        parts.append(_words(LABEL - 8, y + 14, label, "end"))
        for one in series:
            width = one.values[row] * scale
            if width > 0:
                parts.append(
                    _box(x, y, width, BAR, one.style, f"{label} {one.name}: {_number(one.values[row])}{unit}")
                )
                x += width
        parts.append(_words(x + 6, y + 14, f"{_number(totals[row])}{unit}", "start"))
    return _figure(title, WIDTH, height, parts, series)


def columns(title: str, labels: Sequence[str], series: Sequence[Series], unit: str = "") -> Markup:
    """Standing columns over time, stacked; a few labels where they would crowd."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    top = _round_up(max([*totals, 1e-9]))
    left, floor = 52, COLUMN_HEIGHT + 10
    step = (WIDTH - left - 10) / max(len(labels), 1)
    parts: list[Markup] = []
    marks = _marks(top)
    for tick in range(marks + 1):
        y = floor - COLUMN_HEIGHT * tick / marks
        parts.append(
            Markup('<line class="rule" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                left, WIDTH - 10, y, y
            )
        )
        parts.append(_words(left - 6, y + 4, f"{_number(top * tick / marks)}{unit}", "end"))
    every = max(1, -(-len(labels) // 12))
    width = min(step * 0.76, COLUMN_WIDTH_MAX)
    for at, label in enumerate(labels):
        y = float(floor)
        for one in series:
            height = COLUMN_HEIGHT * one.values[at] / top
            if height > 0:
                y -= height
                words = f"{label} {one.name}: {_number(one.values[at])}{unit}"
                parts.append(_box(left + (at + 0.5) * step - width / 2, y, width, height, one.style, words))
        if at % every == 0:
            parts.append(_words(left + (at + 0.5) * step, floor + 16, label, "middle"))
    return _figure(title, WIDTH, floor + 24, parts, series)


def _figure(
    title: str, width: float, height: float, parts: Sequence[Markup], series: Sequence[Series]
) -> Markup:
    legend = Markup("")
    if len(series) > 1:
        keys = (
            Markup('<li><span class="key {}"></span>{}</li>').format(one.style, one.name) for one in series
        )
        legend = Markup('<ul class="legend">{}</ul>').format(Markup("").join(keys))
    return Markup(
        '<figure class="chart"><figcaption>{}</figcaption>{}<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">'
        "{}</svg></figure>"
    ).format(title, legend, width, height, title, Markup("").join(parts))


def _box(x: float, y: float, width: float, height: float, style: str, words: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
    ).format(style, x, y, width, height, words)


def _words(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:,.1f}"


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten, so that the marks are round."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value)


def _marks(top: float) -> int:
    """Into how many parts the height is divided: into whole ones, since what is counted has no halves."""
    return next((parts for parts in (4, 5, 2) if top % parts == 0), 1 if top == 1 else 4)
