from __future__ import annotations

import itertools
import math
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import OpenLoad, arrivals_until
from portal.core.split import Segment, split
from tests.core.plans import plan
from tests.core.test_load import open_loads

quick = settings(max_examples=80, deadline=None)
counts = st.integers(1, 200)


def parts(count: int) -> list[Segment]:
    return [Segment(index, count) for index in range(count)]


@quick
@given(st.integers(0, 10_000), counts)
def test_shares_sum_to_the_total_and_differ_by_one_at_most(total: int, count: int) -> None:
    shares = [part.share(total) for part in parts(count)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@quick
@given(st.fractions(0, 5000, max_denominator=1000), st.fractions(0, 5000, max_denominator=1000), counts)
def test_arrivals_sum_to_the_whole_arrivals_between_two_moments(one: Fraction, other: Fraction, count: int) -> None:
    before, after = sorted((one, other))
    shares = [part.arrivals(before, after) for part in parts(count)]
    assert sum(shares) == math.floor(after) - math.floor(before)
    assert min(shares) >= 0


@quick
@given(open_loads, st.integers(1, 40))
def test_a_split_open_load_equals_an_unsplit_one_in_every_second(load: OpenLoad, count: int) -> None:
    totals = [arrivals_until(load, timedelta(seconds=second)) for second in range(30)]
    for before, after in itertools.pairwise(totals):
        assert sum(part.arrivals(before, after) for part in parts(count)) == Segment(0, 1).arrivals(before, after)


@quick
@given(counts)
def test_segments_follow_each_other_without_gap(count: int) -> None:
    found = parts(count)
    assert (found[0].start, found[-1].end) == (0, 1)
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert len(found[0].sequence().split(",")) == count + 1


def test_segments_are_spelled_for_k6() -> None:
    assert (Segment(1, 3).as_k6(), Segment(0, 3).sequence()) == ("1/3:2/3", "0,1/3,2/3,1")


@quick
@given(st.lists(st.integers(), max_size=50), st.integers(1, 20))
def test_every_row_of_a_file_goes_to_one_part(rows: list[int], count: int) -> None:
    shares = [part.rows(rows) for part in parts(count)]
    if len(rows) >= count:
        assert sorted(row for share in shares for row in share) == sorted(rows)
    else:
        assert all(share for share in shares) or not rows


@pytest.mark.parametrize(("index", "count"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_part_outside_the_whole(index: int, count: int) -> None:
    with pytest.raises(ValueError, match="There is no part"):
        Segment(index, count)


def test_a_plan_becomes_one_assignment_per_worker() -> None:
    whole = plan(workers=4)
    assert [(each.slot, each.segment.count, each.plan) for each in split(whole)] == [(slot, 4, whole) for slot in range(4)]
