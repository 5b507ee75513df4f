from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.merge import by_label, merge, per_second, rollup, select
from portal.core.snapshot import Block, Kind
from tests.core.points import any_block, counter, gauge, rate, request, trend

quick = settings(max_examples=60, deadline=None)


@quick
@given(any_block(), any_block(), any_block())
def test_merging_does_not_depend_on_order_or_grouping(a: Block, b: Block, c: Block) -> None:
    whole = merge([a, b, c])
    assert merge([c, a, b]) == whole
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == whole
    assert merge([a, Block.empty()]) == a


@quick
@given(st.lists(any_block(), max_size=4))
def test_merging_is_adding_all_points(blocks: list[Block]) -> None:
    assert merge(blocks) == Block.of(point for block in blocks for point in block.points())


def test_many_bins_are_added_as_few_are() -> None:
    many = Block.of([trend(1, "time", range(1, 5000)), trend(2, "time", [3])])
    found = select(merge([many] * 3), "time")
    assert found.count == 3 * 5000
    assert int(found.bins.sum()) == 3 * 5000


def test_gauges_of_different_workers_add_up() -> None:
    (point,) = merge([Block.of([gauge(7, "vus", value)]) for value in (3, 4)]).points()
    assert (point.count, point.total, point.low, point.high) == (2, 7, 3, 4)


def test_a_rollup_adds_all_but_gauges_which_keep_their_last_second() -> None:
    block = Block.of(
        [counter(60, "hits", 1), counter(119, "hits", 2), counter(120, "hits", 4), gauge(61, "vus", 9), gauge(80, "vus", 5)]
    )
    found = {(point.second, point.key.metric): point.total for point in rollup(block, 60).points()}
    assert found == {(60, "hits"): 3, (120, "hits"): 4, (60, "vus"): 5}


@quick
@given(any_block(), any_block())
def test_rolling_up_twice_is_rolling_up_once(a: Block, b: Block) -> None:
    assert rollup(rollup(merge([a, b]), 2), 4) == rollup(merge([a, b]), 4)


def test_select_takes_the_series_that_have_all_labels() -> None:
    block = Block.of(
        [*request(1, "home", times=[1, 2]), *request(2, "cart", times=[5]), *request(3, "home", status="500", times=[9])]
    )
    assert select(block, "http_reqs").total == 4
    assert select(block, "http_reqs", [("name", "home")]).total == 3
    assert select(block, "http_reqs", [("name", "home"), ("status", "500")]).total == 1
    assert select(block, "http_reqs", [("name", "nobody")]).kind is None
    assert select(block, "http_reqs", since=2, until=3).total == 1
    times = select(block, "http_req_duration", [("name", "home")])
    assert (times.kind, times.count, times.mean, times.low, times.high) == (Kind.TREND, 3, 4, 1, 9)
    assert times.quantile(0.5) == pytest.approx(2, rel=0.004)


def test_select_of_a_gauge_takes_each_series_last_value() -> None:
    block = Block.of([gauge(1, "vus", 10), gauge(2, "vus", 8), gauge(1, "vus", 3, scenario="b")])
    assert select(block, "vus").total == 11


def test_by_label_and_per_second_keep_one_thing_each() -> None:
    block = Block.of([rate(1, "checks", 1, 2, check="a"), rate(2, "checks", 3, 3, check="a"), rate(2, "checks", 0, 1, check="b")])
    assert {name: sink.total for name, sink in by_label(block, "checks", "check").items()} == {"a": 4, "b": 0}
    assert per_second(block, "checks").count.tolist() == [2, 4]
