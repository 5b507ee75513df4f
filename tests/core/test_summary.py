from __future__ import annotations

import pytest

from portal.core.snapshot import Block
from portal.core.summary import CheckStats, ErrorCount, RunSummary, summarise
from portal.core.timeline import TimePoint, timeline
from portal.core.wire import from_json, from_plain, to_json, to_plain
from tests.core.points import counter, gauge, rate, request, trend


def summary_of(block: Block) -> RunSummary:
    return summarise(block, t0=100, seconds=10, coverage=0.5, workers=2, lost=(1,), start_skew_ms=4.5)


def run_of_ten_seconds() -> Block:
    return Block.of([
        *request(100, "home", times=[10, 20, 30]), *request(101, "cart", times=[50]),
        *request(102, "home", status="503", times=[5, 5]), *request(103, "home", status="0", error="dial: refused", times=[1]),
        rate(101, "checks", 3, 4, check="has items"), gauge(100, "vus", 5), gauge(101, "vus", 8), gauge(102, "vus", 1),
        counter(101, "dropped_iterations", 2), counter(101, "data_sent", 1000), counter(102, "data_received", 5000),
        counter(101, "orders", 7), gauge(101, "queue", 12), rate(101, "paid", 1, 4), trend(101, "basket", [1, 3]),
    ])  # fmt: skip


def test_totals_are_exact() -> None:
    found = summary_of(run_of_ten_seconds())
    assert (found.requests, found.failed, found.requests_per_second) == (7, 3, 0.7)
    assert (found.iterations, found.dropped_iterations, found.vus_max) == (7, 2, 8)
    assert (found.data_sent, found.data_received) == (1000, 5000)
    assert (found.coverage, found.workers, found.lost, found.start_skew_ms) == (0.5, 2, (1,), 4.5)


def test_latency_is_of_all_requests() -> None:
    latency = summary_of(run_of_ten_seconds()).latency
    assert latency is not None
    assert (latency.count, latency.low, latency.high) == (7, 1, 50)
    assert latency.mean == pytest.approx(121 / 7)
    assert latency.p50 == pytest.approx(10, rel=0.004)


def test_requests_are_told_by_name() -> None:
    home, cart = summary_of(run_of_ten_seconds()).by_name
    assert (home.name, home.count, home.failed, home.per_second) == ("home", 6, 3, 0.6)
    assert (cart.name, cart.count, cart.failed) == ("cart", 1, 0)
    assert cart.latency is not None
    assert cart.latency.high == 50


def test_every_failed_request_has_one_cause() -> None:
    assert summary_of(run_of_ten_seconds()).errors == (ErrorCount("status", "503", 2), ErrorCount("error", "dial: refused", 1))


def test_a_status_the_script_expects_is_no_error() -> None:
    labels = {"name": "gone", "status": "404", "error_code": "1404"}
    block = Block.of([counter(1, "http_reqs", 5, **labels), rate(1, "http_req_failed", 0, 5, **labels)])
    assert summary_of(block).errors == ()


def test_artillerys_failures_get_their_cause_from_the_requests() -> None:
    block = Block.of([
        counter(1, "http_reqs", 5, name="home", status="200"), counter(1, "http_reqs", 2, name="home", status="500"),
        counter(1, "http_reqs", 3, name="home", error="ECONNREFUSED"), rate(1, "http_req_failed", 5, 10, name="home"),
        counter(1, "errors", 3, error="ECONNREFUSED"), counter(1, "errors", 1, error="capture failed"),
    ])  # fmt: skip
    assert summary_of(block).errors == (
        ErrorCount("error", "ECONNREFUSED", 3), ErrorCount("status", "500", 2), ErrorCount("error", "capture failed", 1),
    )  # fmt: skip


def test_checks_and_custom_metrics_are_listed() -> None:
    found = summary_of(run_of_ten_seconds())
    assert found.checks == (CheckStats("has items", 3, 1),)
    assert [(stats.metric, stats.kind, stats.value) for stats in found.metrics] == [
        ("basket", "trend", 2), ("orders", "counter", 7), ("paid", "rate", 0.25), ("queue", "gauge", 12),
    ]  # fmt: skip


def test_users_that_were_always_between_two_iterations_still_count() -> None:
    assert summary_of(Block.of([gauge(1, "vus", 0), gauge(1, "vus_max", 3), gauge(2, "vus_max", 4)])).vus_max == 4


def test_nothing_measured_is_a_summary_of_zeros() -> None:
    found = summarise(Block.empty(), t0=None, seconds=0, coverage=0, workers=1)
    assert (found.requests, found.requests_per_second, found.latency, found.by_name, found.metrics) == (0, 0, None, (), ())


def test_a_summary_survives_the_wire() -> None:
    found = summary_of(run_of_ten_seconds())
    assert from_plain(RunSummary, to_plain(found)) == found
    assert from_json(RunSummary, to_json(found)) == found


def test_a_second_nobody_covers_is_a_hole_and_one_without_requests_is_zero() -> None:
    block = Block.of([*request(100, times=[10, 20]), *request(100, status="500", times=[30]), gauge(100, "vus", 3)])
    first, empty, hole = timeline(block, 100, 103, covered=((100, 102),))
    assert (first.second, first.requests, first.failed, first.iterations, first.vus, first.high) == (0, 3, 1, 3, 3, 30)
    assert first.p50 == pytest.approx(20, rel=0.004)
    assert empty == TimePoint(1, 0, 0, 0, dropped=0)
    assert hole == TimePoint(2)


def test_longer_steps_begin_at_t0() -> None:
    block = Block.of([point for second in range(103, 117) for point in request(second)])
    found = timeline(block, 103, 117, covered=((103, 117),), step=10)
    assert [(point.second, point.requests) for point in found] == [(0, 10), (10, 4)]


def test_a_timeline_survives_the_wire() -> None:
    found = timeline(Block.of(request(100)), 100, 102, covered=((100, 101),))
    assert from_plain(tuple[TimePoint, ...], to_plain(found)) == found
