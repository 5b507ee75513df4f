from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import (
    ClosedLoad,
    OpenLoad,
    ScriptLoad,
    Stage,
    arrivals_until,
    default_vus,
    duration,
    level_at,
    peak,
    rest_of,
)

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


moments = st.integers(0, 100_000).map(lambda number: timedelta(milliseconds=number))


@settings(max_examples=150, deadline=None)
@given(open_loads, moments, moments)
def test_the_rest_of_a_load_has_the_level_of_the_whole_at_every_later_moment(
    load: OpenLoad, elapsed: timedelta, later: timedelta
) -> None:
    rest = rest_of(load, elapsed)
    whole = level_at(load, (elapsed + later).total_seconds())
    assert (0.0 if rest is None else level_at(rest, later.total_seconds())) == pytest.approx(whole, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(open_loads, moments)
def test_arrivals_before_a_cut_and_of_the_rest_are_those_of_the_whole(load: OpenLoad, elapsed: timedelta) -> None:
    rest, ever = rest_of(load, elapsed), timedelta(days=1)
    after = Fraction(0) if rest is None else arrivals_until(rest, ever)
    assert arrivals_until(load, elapsed) + after == arrivals_until(load, ever)


@settings(max_examples=100, deadline=None)
@given(open_loads, moments)
def test_the_rest_is_as_long_as_what_is_left_and_its_rest_is_the_rest(load: OpenLoad, elapsed: timedelta) -> None:
    length, rest = duration(load), rest_of(load, elapsed)
    assert length is not None
    if rest is None:
        assert elapsed >= length
    else:
        assert duration(rest) == length - elapsed
        assert rest_of(rest, timedelta(seconds=1)) == rest_of(load, elapsed + timedelta(seconds=1))


def test_the_rest_of_a_constant_load_is_constant_and_of_no_time_the_load() -> None:
    load = ClosedLoad.constant(7, TEN)
    assert rest_of(load, timedelta(seconds=4)) == ClosedLoad.constant(7, timedelta(seconds=6))
    assert (rest_of(load, timedelta()), rest_of(load, TEN)) == (load, None)


@pytest.mark.parametrize(("rate", "workers", "vus"), [(Fraction(5, 2), 1, 3), (Fraction(1, 60), 4, 4), (Fraction(0), 1, 1)])
def test_a_rate_without_users_gets_one_seconds_arrivals(rate: Fraction, workers: int, vus: int) -> None:
    assert default_vus(rate, workers) == vus
