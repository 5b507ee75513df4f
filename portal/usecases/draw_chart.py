"""Draws a run's timeline as SVG on the server: no script, no library, readable when printed.

A hole in the data is a hole in the line. Colours come from the style sheet, so light and dark both work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24
GRID_LINES = 4
MOST_POINTS = 300
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart. `kind` is its class in the style sheet; an area is filled down to zero."""

    name: str
    kind: str
    values: Values
    is_area: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """`seconds` are the offsets that all lines share; `unit` stands behind the numbers of the axis."""

    title: str
    seconds: Sequence[float]
    lines: tuple[Line, ...]
    unit: str = ""


def draw(chart: Chart) -> SafeString:
    """An `<svg>`; empty text where nothing was measured."""
    known = [value for line in chart.lines for value in line.values if value is not None]
    if not known or not chart.seconds:
        return SafeString("")
    top, step = nice_top(max(known))
    end = max(chart.seconds[-1], 1)
    scale = _Scale(end, top)
    parts = [*_grid(scale, top, step, chart.unit), *_clock(scale, end)]
    parts += [_drawn(line, chart.seconds, scale) for line in chart.lines]
    said = ", ".join(line.name for line in chart.lines)
    return format_html(
        '<svg class="kd-svg" viewBox="0 0 {} {}" role="img" aria-label="{}: {}">{}</svg>',
        WIDTH, HEIGHT, chart.title, said, format_html_join("", "{}", ((part,) for part in parts)),
    )  # fmt: skip


def nice_top(highest: float) -> tuple[float, float]:
    """The top of the axis and the distance of its lines: round numbers not below `highest`."""
    if highest < 1e-9:
        return 1.0, 1.0
    rough = highest / GRID_LINES
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999999)
    return step * math.ceil(highest / step - 1e-9), step


def thin(values: Values, most: int = MOST_POINTS) -> list[float | None]:
    """At most `most` values, each the largest of its stretch: a spike must not vanish. A stretch of holes is a hole."""
    size = max(1, math.ceil(len(values) / most))
    stretches = (values[start : start + size] for start in range(0, len(values), size))
    return [max((value for value in stretch if value is not None), default=None) for stretch in stretches]


@dataclass(frozen=True, slots=True)
class _Scale:
    end: float
    top: float

    def x(self, second: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * second / self.end, 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top, 1)


def _grid(scale: _Scale, top: float, step: float, unit: str) -> Iterable[SafeString]:
    for number in range(round(top / step) + 1):
        value = number * step
        text = f"{value:,.10g}{unit if number else ''}"
        yield format_html(
            '<line class="kd-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
            '<text class="kd-tick" x="{}" y="{}" text-anchor="end">{}</text>',
            LEFT, WIDTH - RIGHT, scale.y(value), scale.y(value), LEFT - 6, scale.y(value) + 4, text,
        )  # fmt: skip


def _clock(scale: _Scale, end: float) -> Iterable[SafeString]:
    step = next((size for size in _SECONDS if end / size <= 7), _SECONDS[-1])
    for number in range(int(end // step) + 1):
        yield format_html(
            '<text class="kd-tick" x="{}" y="{}" text-anchor="{}">{}</text>',
            scale.x(number * step), HEIGHT - 6, "middle" if number else "start", clock(number * step),
        )  # fmt: skip


def clock(seconds: int) -> str:
    """`0:00`, `1:40`, `2:05:00`."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _drawn(line: Line, seconds: Sequence[float], scale: _Scale) -> SafeString:
    values, times = thin(line.values), thin(seconds)
    runs = _runs(zip(times, values, strict=True))
    area = "".join(_area(run, scale) for run in runs) if line.is_area else ""
    path = "".join(_path(run, scale) for run in runs)
    filled = format_html('<path class="kd-area kd-{}" d="{}"/>', line.kind, area) if area else ""
    return format_html('{}<path class="kd-line kd-{}" d="{}"><title>{}</title></path>', filled, line.kind, path, line.name)


def _runs(points: Iterable[tuple[float | None, float | None]]) -> list[list[tuple[float, float]]]:
    """Stretches without a hole."""
    found: list[list[tuple[float, float]]] = [[]]
    for second, value in points:
        if value is None or second is None:
            found.append([])
        else:
            found[-1].append((second, value))
    return [run for run in found if run]


def _path(run: list[tuple[float, float]], scale: _Scale) -> str:
    points = [f"{scale.x(second)} {scale.y(value)}" for second, value in run]
    # A stroke of no length still shows as a dot, with round line ends.
    return "M" + "L".join(points if len(points) > 1 else points * 2)


def _area(run: list[tuple[float, float]], scale: _Scale) -> str:
    return f"{_path(run, scale)}L{scale.x(run[-1][0])} {scale.y(0)}L{scale.x(run[0][0])} {scale.y(0)}Z"
