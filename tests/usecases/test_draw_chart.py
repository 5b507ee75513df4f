import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.usecases.draw_chart import MOST_POINTS, Chart, Line, clock, draw, nice_top, thin

values = st.lists(st.none() | st.floats(min_value=0, max_value=1e9), min_size=1, max_size=700)


def chart(points: list[float | None], **fields: object) -> str:
    return str(draw(Chart("T", [float(n) for n in range(len(points))], (Line("x", "blue", points, **fields),))))  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=1e-6, max_value=1e12))
def test_the_axis_ends_at_or_above_the_highest_value_in_a_few_steps(highest: float) -> None:
    top, step = nice_top(highest)
    assert top >= highest * (1 - 1e-6)
    assert top <= highest * 2.01
    assert 1 <= round(top / step) <= 5


@settings(max_examples=50, deadline=None)
@given(values)
def test_thinning_keeps_the_highest_value_and_bounds_the_number(points: list[float | None]) -> None:
    kept = thin(points)
    assert len(kept) <= MOST_POINTS
    assert max((value for value in kept if value is not None), default=None) == max(
        (v for v in points if v is not None), default=None
    )


@settings(max_examples=50, deadline=None)
@given(values)
def test_no_point_lies_outside_of_the_picture(points: list[float | None]) -> None:
    svg = chart(points)
    for x, y in re.findall(r"[ML]([\d.]+) (-?[\d.]+)", svg):
        assert 0 <= float(x) <= 640
        assert 0 <= float(y) <= 190


def test_a_hole_in_the_data_is_a_hole_in_the_line() -> None:
    path = re.search(r'kd-line kd-blue" d="([^"]+)"', chart([1, 2, None, 3, 4]))
    assert path is not None
    assert path[1].count("M") == 2


def test_a_run_nobody_measured_has_no_chart() -> None:
    assert chart([None, None]) == ""


def test_a_flat_zero_still_has_an_axis() -> None:
    assert "kd-grid" in chart([0, 0, 0], is_area=True)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (100, "1:40"), (7500, "2:05:00")])
def test_the_clock_is_readable(seconds: int, text: str) -> None:
    assert clock(seconds) == text
