"""A run of 72 hours, watched by a clock of its own: numbers exact to its end, memory and store bounded on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.merged_run import MergedRun
from portal.core.run_state import EndReason, RunState
from portal.core.snapshot import Point
from portal.models import Run
from portal.usecases.finish_run import finish_run
from portal.usecases.gather_series import GatheredSeries
from portal.usecases.read_window import read_window
from tests.core.points import counter, gauge, rate, trend
from tests.usecases.parts import Scene
from tests.usecases.watching import Watcher, running
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db
HOURS, PIECE = 72, 600
"""Seconds of a snapshot; a real worker's are shorter, but there are as many of its minutes."""
NAMES = ("home", "cart", "search")


@pytest.mark.long
def test_three_days_are_kept_in_bounded_memory_and_a_bounded_store() -> None:
    scene, watcher, (worker,), t0 = running(1, duration=timedelta(hours=HOURS), flush_every=timedelta(seconds=PIECE))
    held, objects = dict[int, int](), dict[int, int]()
    for hour in range(HOURS):
        if hour in (7, 30, 31):
            watcher = Watcher(scene, watcher.run)  # Another process goes on.
        _an_hour(scene, watcher, worker, t0 + hour * 3600, ms=100.0 + hour)
        held[hour], objects[hour] = _held(watcher), len(scene.objects.list(f"runs/{watcher.run.id}/series/"))
    assert watcher.run.progress["requests"] == HOURS * 60 * len(NAMES)
    assert held[71] <= held[14] + 57 * 6 * 8, "the outline grows by eight points in ten minutes, and nothing else"
    assert objects[71] <= objects[14] + 57 + 10, "a chunk of minutes an hour, and what was just superseded"
    run = _finished(scene, watcher, worker, t0)
    assert (run.state, run.verdict, run.end_reason) == (RunState.ENDED, "passed", EndReason.COMPLETED)
    summary = run.result.summary
    assert (summary["requests"], summary["coverage"], summary["vus_max"]) == (HOURS * 60 * len(NAMES), 1.0, 40)
    assert summary["latency"]["high"] == 100 + HOURS - 1
    assert [row["count"] for row in summary["by_name"]] == [HOURS * 60] * len(NAMES)
    assert sum(point["requests"] for point in run.result.timeline) == summary["requests"]
    assert len(run.result.timeline) <= 600
    first_hours = read_window(scene.store(run), t0 // 60 * 60, (t0 + 7200) // 60 * 60)
    assert first_hours.is_exact
    assert first_hours.summary.latency
    assert first_hours.summary.latency.high <= 102, "the percentiles of any part are those of that part"


def _an_hour(scene: Scene, watcher: Watcher, worker: FakeWorker, begin: int, ms: float) -> None:
    """Looked at twice in ten minutes, for the first time with a new snapshot."""
    for start in range(begin, begin + 3600, PIECE):
        worker.measure(start, start + PIECE, _minutes(start, ms))
        for second in (start + PIECE, start + PIECE + 90):
            scene.clock.sleep(second - scene.clock.now())
            worker.beat()
            watcher.look()
            assert watcher.run.state == RunState.RUNNING, watcher.run.message


def _minutes(start: int, ms: float) -> list[Point]:
    """A request of each name a minute; 40 users in the first second of each ten minutes."""
    found = list[Point]()
    for second in range(start, start + PIECE, 60):
        for name in NAMES:
            labels = {"name": name, "status": "200"}
            found += [counter(second, "http_reqs", 1, **labels), rate(second, "http_req_failed", 0, 1, **labels),
                      trend(second, "http_req_duration", [ms], **labels), counter(second, "iterations", 1)]  # fmt: skip
    return [*found, gauge(start, "vus", 40), gauge(start + 1, "vus", 5)]


def _held(watcher: Watcher) -> int:
    """Points in the watcher's memory."""
    gathered = watcher.watches.of(watcher.run, watcher.scene.parts).gathered
    assert isinstance(gathered, GatheredSeries)
    merged: MergedRun = gathered.merged
    return len(merged.recent()) + len(merged.totals()) + len(merged.outline()) + sum(map(len, merged.fresh().values()))


def _finished(scene: Scene, watcher: Watcher, worker: FakeWorker, t0: int) -> Run:
    scene.clock.sleep(60)
    worker.done(last_second=t0 + HOURS * 3600, first_second=t0, started_at=float(t0))
    run = watcher.look()
    assert run.state == RunState.COLLECTING, run.message
    scene.backend.ends_when = "told"
    finish_run(run.id, scene.parts)
    return Run.objects.select_related("result").get(pk=run.id)
