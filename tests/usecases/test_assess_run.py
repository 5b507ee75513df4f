"""Thresholds with windows of a run that goes on and of one that is over, also after another process took over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any  # Any: the long form of a threshold

import pytest

from portal.core.run_state import EndReason, RunState
from portal.core.thresholds import Threshold, parse_thresholds
from portal.core.verdict import Outcome
from portal.usecases.judge_run import judge_run
from portal.usecases.read_run import thresholds_of
from tests.usecases.watching import Watcher, collecting, running
from tests.usecases.workers import FakeWorker, requests

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def rules(*expressions: str, metric: str = "http_req_failed", **fields: Any) -> tuple[Threshold, ...]:
    long = [{"threshold": text, "abortOnFail": True, **fields} for text in expressions]
    return parse_thresholds({metric: long}, source="request")


def measure(worker: FakeWorker, start: int, end: int, failed: int = 0, step: int = 5) -> None:
    """So many of 10 requests a second fail."""
    for at in range(start, end, step):
        worker.measure(at, min(at + step, end), failed=failed)


def test_a_crossing_aborts_with_rule_value_and_window() -> None:
    _, watcher, (only,), t0 = running(1, thresholds=rules("rate<0.2 for 4s"), duration=MINUTE)
    measure(only, t0, t0 + 10)
    measure(only, t0 + 10, t0 + 13, failed=5)
    assert watcher.look().state == RunState.RUNNING, "three seconds are no four"
    measure(only, t0 + 13, t0 + 15, failed=6)
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.THRESHOLD_ABORT)
    assert run.message == "Aborted: http_req_failed rate<0.2 for 4s was 60 % from second 10 to 14."
    (shown,) = thresholds_of(run)
    assert shown == {
        "text": "http_req_failed rate<0.2 for 4s", "observed": 0.6, "passed": False, "window": {"from": 10, "to": 15},
        "evidence": "http_req_failed rate<0.2 for 4s was 60 % from second 10 to 15.",
    }  # fmt: skip


def test_seconds_are_judged_when_all_workers_have_spoken() -> None:
    _, watcher, (first, second), t0 = running(2, thresholds=rules("rate>15 over 2s", metric="http_reqs"), duration=MINUTE)
    measure(first, t0, t0 + 6)
    measure(second, t0, t0 + 2)
    assert watcher.look().state == RunState.RUNNING, "half of the requests of second 3 are not there yet"
    measure(second, t0 + 2, t0 + 6)
    assert watcher.look().state == RunState.RUNNING


def test_a_watcher_that_took_over_aborts_all_the_same() -> None:
    scene, watcher, (only,), t0 = running(1, thresholds=rules("rate<0.2 for 10s"), duration=MINUTE)
    measure(only, t0, t0 + 5, failed=5)
    assert watcher.look().state == RunState.RUNNING
    measure(only, t0 + 5, t0 + 10, failed=5)
    assert Watcher(scene, watcher.run).look().end_reason == EndReason.THRESHOLD_ABORT


def test_a_finished_run_is_judged_in_all_its_windows() -> None:
    thresholds = parse_thresholds({"http_req_failed": ["rate<0.2 over 10s", "rate<0.2 for 10s", "rate<0.2"]}, source="request")
    scene, run, (only,), t0 = collecting(1, thresholds=thresholds, duration=MINUTE)
    measure(only, t0, t0 + 30)
    measure(only, t0 + 30, t0 + 35, failed=6)
    measure(only, t0 + 35, t0 + 60)
    only.done(last_second=t0 + 60)
    judged = judge_run(run, scene.store(run))
    found = [(result.passed, result.observed, result.since, result.until) for result in judged.results]
    assert found == [(False, 0.3, 25.0, 35.0), (True, 0.6, 30.0, 31.0), (True, 0.05, 0.0, 60.0)]
    assert judged.verdict.outcome == Outcome.FAILED
    assert judged.verdict.reasons == ("http_req_failed rate<0.2 over 10s failed: it was 30 % from second 25 to 35.",)


def test_what_came_late_counts_in_the_end() -> None:
    wanted = parse_thresholds({"http_req_failed": "rate<0.2 over 5s"}, source="request")
    scene, watcher, (first, second), t0 = running(2, thresholds=wanted, duration=MINUTE)
    measure(first, t0, t0 + 60)
    assert watcher.look().progress["thresholds"][0]["passed"] is True
    measure(second, t0, t0 + 60, failed=9)
    for worker in (first, second):
        worker.done(last_second=t0 + 60)
    run = watcher.look()
    (result,) = judge_run(run, scene.store(run)).results
    assert (result.passed, result.observed) == (False, 0.45)


def test_a_run_of_hours_remembers_the_minute_that_is_no_longer_kept_by_the_second() -> None:
    wanted = parse_thresholds({"http_req_failed": ["rate<0.2 over 60s", "rate<0.2 for 40s"]}, source="request")
    scene, watcher, (only,), t0 = running(1, thresholds=wanted, duration=4 * 60 * MINUTE)
    for minute in range(190):
        start, bad = t0 + 60 * minute, minute == 5
        points = [point for second in range(start, start + 60) for point in requests(second, count=10, failed=5 * bad)]
        only.measure(start, start + 60, points)
        scene.clock.time = start + 60
        only.beat()
        if minute == 30:
            watcher = Watcher(scene, watcher.run)
        watcher.look()
    only.done(last_second=t0 + 190 * 60)
    run = watcher.look()
    judged = judge_run(run, scene.store(run))
    assert [(result.passed, result.observed, result.since, result.until) for result in judged.results] == [
        (False, 0.5, 300.0, 360.0), (False, 0.5, 300.0, 360.0),
    ]  # fmt: skip


def test_a_run_that_never_began_observed_nothing() -> None:
    thresholds = parse_thresholds({"http_req_failed": ["rate<0.2 over 10s", "rate<0.2"]}, source="request")
    scene, run, _, _ = collecting(1, thresholds=thresholds)
    scene.objects.delete(f"runs/{run.id}/start")
    assert [result.observed for result in judge_run(run, scene.store(run)).results] == [None, None]
