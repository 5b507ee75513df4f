from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import ClosedLoad, OpenLoad, ScriptLoad, Stage, arrivals_until, default_vus, duration, level_at, peak

TEN = timedelta(seconds=10)
levels = st.fractions(0, 50, max_denominator=60)
stages = st.builds(Stage, st.integers(0, 20).map(lambda seconds: timedelta(seconds=seconds)), levels)
open_loads = st.builds(OpenLoad, levels, st.lists(stages, min_size=1, max_size=5).map(tuple))


def test_a_constant_load_knows_its_length_and_peak() -> None:
    load = ClosedLoad.constant(7, TEN)
    assert (duration(load), peak(load), load.is_constant) == (TEN, 7, True)
    assert OpenLoad.constant(Fraction(5, 2), TEN, 9).is_constant
    assert duration(ScriptLoad(None, None, None)) is None


def test_the_level_goes_in_straight_lines_and_ends_at_zero() -> None:
    load = ClosedLoad(Fraction(0), (Stage(TEN, Fraction(20)), Stage(TEN, Fraction(20)), Stage(TEN, Fraction(0))))
    assert [level_at(load, second) for second in (0, 5, 10, 19, 25, 30, 99)] == [0, 10, 20, 20, 10, 0, 0]


def test_arrivals_are_the_exact_area_under_the_rate() -> None:
    load = OpenLoad(Fraction(0), (Stage(TEN, Fraction(10)), Stage(TEN, Fraction(10))))
    assert arrivals_until(load, TEN) == 50
    assert arrivals_until(load, timedelta(seconds=5)) == Fraction(25, 2)
    assert arrivals_until(load, timedelta(hours=1)) == 150


def test_a_stage_of_no_length_is_a_jump() -> None:
    load = OpenLoad(Fraction(0), (Stage(timedelta(), Fraction(10)), Stage(TEN, Fraction(10))))
    assert arrivals_until(load, TEN) == 100


@settings(max_examples=80, deadline=None)
@given(open_loads, st.lists(st.integers(0, 120), min_size=2, max_size=6))
def test_arrivals_never_go_back_and_end_with_the_load(load: OpenLoad, seconds: list[int]) -> None:
    totals = [arrivals_until(load, timedelta(seconds=second)) for second in sorted(seconds)]
    assert totals == sorted(totals)
    length = duration(load)
    assert length is not None
    assert arrivals_until(load, length) == arrivals_until(load, length * 2 + TEN)


@pytest.mark.parametrize(("rate", "workers", "vus"), [(Fraction(5, 2), 1, 3), (Fraction(1, 60), 4, 4), (Fraction(0), 1, 1)])
def test_a_rate_without_users_gets_one_seconds_arrivals(rate: Fraction, workers: int, vus: int) -> None:
    assert default_vus(rate, workers) == vus
