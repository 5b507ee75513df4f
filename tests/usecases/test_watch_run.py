"""A watched run up to its load: ready, the one start, live numbers, and a watcher that forgets."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason, Start, WorkerPhase
from portal.core.run_state import EndReason, RunState
from portal.models import Worker
from portal.usecases.watch_run import PULSE_EVERY, head_start, watch_run
from runner_images.agent.engine_run import TICK
from tests.usecases.parts import Scene, jobs
from tests.usecases.watching import Watcher, launching, running
from tests.usecases.workers import FakeWorker, states_of, workers_of

pytestmark = pytest.mark.django_db


def test_a_run_waits_until_its_last_worker_is_ready() -> None:
    scene, watcher, (first, second) = launching()
    first.ready()
    assert watcher.look().state == RunState.LAUNCHING
    assert scene.store(watcher.run).started() is None
    assert states_of(watcher.run) == ["ready", "launched"]
    second.ready()
    assert watcher.look().state == RunState.RUNNING


def test_the_start_is_a_whole_second_ahead_and_written_once() -> None:
    scene, watcher, workers = launching()
    scene.clock.sleep(0.25)
    for worker in workers:
        worker.ready()
    run = watcher.look()
    start = scene.store(run).started()
    assert start
    assert start.t0 == math.ceil(scene.clock.now() + head_start(2))
    assert run.started == datetime.fromtimestamp(start.t0, UTC)
    scene.clock.sleep(5)
    watcher.look()
    assert scene.store(run).started() == start


def test_more_workers_get_more_time_to_see_the_start() -> None:
    waits = [head_start(workers) for workers in (1, 20, 100, 1000)]
    assert waits == sorted(waits)
    assert waits[0] > 2 * 4 * TICK, "a worker that asks twice has seen it"
    assert waits[-1] <= 5


def test_a_start_that_was_written_before_the_row_moved_stands() -> None:
    scene, watcher, workers = launching()
    for worker in workers:
        worker.ready()
    earlier = scene.store(watcher.run).start(Start(int(scene.clock.now()) - 3))
    assert watcher.look().started == datetime.fromtimestamp(earlier.t0, UTC)


def test_a_run_with_fewer_workers_than_planned_does_not_start() -> None:
    scene = Scene()
    run = scene.run(RunState.LAUNCHING, workers=3)
    for worker in workers_of(scene, run, 2):
        worker.ready()
    scene.clock.sleep(1000)
    for slot in range(2):
        FakeWorker(scene, scene.store(run), slot).beat(WorkerPhase.READY)
    assert Watcher(scene, run).look().state == RunState.LAUNCHING, "the launch is repeated by the sweep"


@pytest.mark.parametrize(
    ("said", "reason"), [(DoneReason.SCRIPT_ERROR, EndReason.SCRIPT_ERROR), (DoneReason.ENGINE_FAILED, EndReason.LAUNCH_FAILED)]
)
def test_a_worker_that_ends_before_the_start_ends_the_run_in_its_words(said: DoneReason, reason: EndReason) -> None:
    scene, watcher, (first, second) = launching()
    first.ready()
    second.done(said, message="ReferenceError: basket is not defined")
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.STOPPING, reason)
    assert run.message == "ReferenceError: basket is not defined"
    assert scene.store(run).stop_asked(), "the others are told"
    assert scene.store(run).started() is None


def test_a_worker_that_vanishes_before_the_start_ends_the_launch() -> None:
    scene, watcher, (first, _) = launching()
    first.ready()
    scene.backend.status[1] = WorkerStatus.GONE
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.LAUNCH_FAILED)
    assert "vanished" in run.message


def test_workers_that_do_not_get_ready_in_time_end_the_launch() -> None:
    scene, watcher, (first, second) = launching(ready_within=timedelta(seconds=40))
    first.ready()
    scene.clock.sleep(39)
    assert watcher.look().state == RunState.LAUNCHING
    scene.clock.sleep(2)
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.LAUNCH_FAILED)
    assert run.message.startswith("Only 1 of 2 workers got ready")
    assert second.store.stop_asked()


def test_what_workers_measured_is_merged_into_the_progress() -> None:
    _, watcher, (first, second), t0 = running()
    first.measure(t0, t0 + 2, count=10, ms=100.0, users=5)
    second.measure(t0, t0 + 2, count=30, failed=3, ms=200.0, users=7)
    progress = watcher.look().progress
    assert (progress["second"], progress["requests"], progress["failed"], progress["iterations"]) == (2, 80, 6, 80)
    assert (progress["vus"], progress["requests_per_second"]) == (12, 40.0)
    assert progress["p95_ms"] == pytest.approx(200, rel=0.005)
    observed = pytest.approx(200, rel=0.005)
    assert progress["thresholds"] == [
        {"text": "http_req_duration p(95)<300", "observed": observed, "passed": True, "since": 0, "until": 2, "memory": None}
    ]


def test_before_the_first_snapshot_the_progress_tells_of_the_workers() -> None:
    _, watcher, (first, _), _ = running()
    first.beat(cpu_cores=0.4, memory_bytes=123)
    workers = watcher.look().progress["workers"]
    assert workers == {"launched": 2, "ready": 0, "running": 1, "done": 0, "lost": 0, "planned": 2}
    row = Worker.objects.get(run=watcher.run, slot=0)
    assert (row.state, row.cpu_cores, row.memory_bytes) == ("running", 0.4, 123)


def test_looking_again_without_news_counts_nothing_twice() -> None:
    _, watcher, (first, second), t0 = running()
    for worker in (first, second):
        worker.measure(t0, t0 + 2)
    before = watcher.look().progress
    assert watcher.look().progress == before


def test_a_restarted_watcher_goes_on_with_the_same_numbers() -> None:
    scene, watcher, (first, second), t0 = running()
    first.measure(t0, t0 + 2)
    second.measure(t0, t0 + 2)
    watcher.look()
    first.measure(t0 + 2, t0 + 4, count=20)
    restarted = Watcher(scene, watcher.run).look().progress
    assert restarted == watcher.look().progress
    assert restarted["requests"] == 80


def test_a_snapshot_that_comes_late_is_waited_for_in_order() -> None:
    _, watcher, (first, _), t0 = running()
    first.seq = 1
    first.measure(t0 + 2, t0 + 4)
    assert "requests" not in watcher.look().progress
    first.seq = 0
    first.measure(t0, t0 + 2)
    assert watcher.look().progress["requests"] == 40


def test_an_unreadable_snapshot_is_passed_over() -> None:
    _, watcher, (first, _), t0 = running()
    first.store.put_snapshot(0, 1, 0, b"not a snapshot")
    first.seq = 1
    first.measure(t0 + 2, t0 + 4)
    run = watcher.look()
    assert (run.state, run.progress["requests"]) == (RunState.RUNNING, 20)


def test_the_pulse_is_written_every_thirty_seconds() -> None:
    scene, watcher, workers, _ = running()
    began = scene.clock.now()
    found = []
    for _ in range(5):
        for worker in workers:
            worker.beat()
        watcher.look()
        pulse = scene.store(watcher.run).last_pulse()
        assert pulse
        found.append(pulse.at - began)
        scene.clock.sleep(PULSE_EVERY / 2)
    assert found == [0, 0, PULSE_EVERY, PULSE_EVERY, 2 * PULSE_EVERY]


def test_a_watcher_forgets_runs_that_are_no_longer_watched() -> None:
    scene, watcher, workers, t0 = running()
    other = scene.run(RunState.RUNNING)
    watch_run(other.id, scene.parts, watcher.watches)
    workers[0].measure(t0, t0 + 2)
    watcher.look()
    kept = watcher.watches.of(other, scene.parts)
    dropped = watcher.watches.of(watcher.run, scene.parts)
    watcher.watches.keep([other.id])
    assert watcher.watches.of(other, scene.parts) is kept
    assert watcher.watches.of(watcher.run, scene.parts) is not dropped


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.COLLECTING, RunState.ENDED])
def test_a_run_without_workers_is_not_looked_at(state: RunState) -> None:
    scene = Scene()
    run = scene.run(state)
    assert Watcher(scene, run).look().state == state
    assert (scene.backend.polls, scene.objects.list(""), jobs()) == (0, (), [])
