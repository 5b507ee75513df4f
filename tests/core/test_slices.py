"""Slices of a load: they cover its time exactly once, and together make the arrivals and levels of the whole."""

from __future__ import annotations

import itertools
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import ClosedLoad, OpenLoad, Stage, arrivals_until, duration, first_of, level_at, rest_of
from portal.core.slices import OVERLAP, SECOND, bounds, due, slices_needed
from portal.core.split import WorkerAssignment, split
from tests.core.plans import plan
from tests.core.test_load import levels, open_loads, stages

quick = settings(max_examples=80, deadline=None)
lengths = st.integers(1000, 90_000_000).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
closed_loads = st.builds(ClosedLoad, levels, st.lists(stages, min_size=1, max_size=5).map(tuple))


@quick
@given(lengths, st.integers(1, 30))
def test_slices_follow_each_other_from_the_start_to_the_end(length: timedelta, slices: int) -> None:
    found = [bounds(length, slices, part) for part in range(slices)]
    assert (found[0][0], found[-1][1]) == (timedelta(), length)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert all(begin % SECOND == timedelta() and begin <= end for begin, end in found)


@quick
@given(lengths, st.integers(10, 900).map(lambda seconds: timedelta(seconds=seconds)))
def test_no_slice_is_longer_than_it_may_be_by_more_than_the_second_it_ends_in(length: timedelta, longest: timedelta) -> None:
    slices = slices_needed(length, longest)
    assert all(end - begin < longest + SECOND for begin, end in (bounds(length, slices, part) for part in range(slices)))
    assert slices == 1 or length / (slices - 1) > longest


@quick
@given(open_loads, st.integers(1, 7))
def test_the_slices_of_an_open_load_have_its_arrivals_each_once(load: OpenLoad, slices: int) -> None:
    length = duration(load) or timedelta()
    total = Fraction(0)
    for part in range(slices):
        begin, end = bounds(length, slices, part)
        if (left := rest_of(first_of(load, end), begin)) is not None:
            total += arrivals_until(left, end - begin)
    assert total == arrivals_until(load, length)


@quick
@given(closed_loads, st.integers(0, 100), st.integers(0, 100))
def test_a_curve_that_is_cut_has_the_same_level_until_then_and_none_after(load: ClosedLoad, until: int, second: int) -> None:
    cut = first_of(load, timedelta(seconds=until))
    assert level_at(cut, second) == (pytest.approx(level_at(load, second)) if second < until else 0)


def test_the_next_slice_is_due_before_its_second_and_never_before_half_of_the_one_before() -> None:
    length = timedelta(minutes=22)
    half = length / 2
    assert [due(length, 2, half + shift) for shift in (-OVERLAP - SECOND, -OVERLAP, SECOND)] == [0, 1, 1]
    assert [due(timedelta(seconds=30), 3, timedelta(seconds=second)) for second in (0, 4, 5, 14, 15, 40)] == [0, 0, 1, 1, 2, 2]


def test_each_worker_of_a_sliced_plan_has_its_time_and_its_own_deadline() -> None:
    whole = plan(duration=timedelta(seconds=100), slices=3, workers=2)
    first = split(whole)[1]
    follows = [WorkerAssignment(whole, first.segment, epoch=part + 1, part=part) for part in range(3)]
    assert [(one.begins.seconds, one.ends.seconds, one.is_last) for one in follows] == [
        (0, 33, False), (33, 66, False), (66, 100, True)
    ]  # fmt: skip
    assert [one.deadline.seconds for one in follows] == [33 + 60, 66 + 60, 100 + 60]
    assert follows[-1].deadline == whole.deadline


def test_a_plan_that_is_not_sliced_is_one_slice() -> None:
    (only,) = split(plan(workers=1))
    assert (only.begins, only.ends, only.is_last, only.deadline) == (
        timedelta(), only.plan.duration, True, only.plan.deadline,
    )  # fmt: skip


def test_a_stage_that_ends_where_the_cut_is_stays_whole() -> None:
    load = OpenLoad(Fraction(0), (Stage(timedelta(seconds=5), Fraction(9)), Stage(timedelta(seconds=5), Fraction(0))))
    assert first_of(load, timedelta(seconds=5)).stages == load.stages[:1]
