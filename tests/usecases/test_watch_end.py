"""How a watched run ends: its workers end, a threshold or a person ends it, or the store or the workers are lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.core.errors import StoreFull, StoreUnavailable
from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason
from portal.core.run_state import EndReason, RunState
from portal.core.thresholds import parse_thresholds
from portal.models import Run
from portal.usecases.census import SILENT_SECONDS
from portal.usecases.stop_run import stop_run
from portal.usecases.watch_run import HEARD_LATER, KILL_AFTER, STORE_PATIENCE, TERM_AFTER
from tests.builders import ADA
from tests.usecases.parts import Scene, jobs
from tests.usecases.watching import Watcher, launching, running
from tests.usecases.workers import states_of, workers_of

pytestmark = pytest.mark.django_db


def rule(expression: str, **fields: Any) -> Any:
    return parse_thresholds({"http_req_duration": {"threshold": expression, "abortOnFail": True, **fields}}, source="request")


def test_when_all_workers_are_done_the_run_is_collected_once() -> None:
    _, watcher, (first, second), t0 = running()
    for worker in (first, second):
        worker.measure(t0, t0 + 10)
    first.done()
    assert watcher.look().state == RunState.RUNNING
    second.done()
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.COMPLETED)
    assert run.progress["requests"] == 200, "the last snapshots are in the progress"
    watcher.look()
    assert jobs() == [("finish", (run.id,))]


def test_a_vanished_worker_is_lost_and_the_others_go_on() -> None:
    scene, watcher, (first, second), t0 = running()
    scene.backend.status[1] = WorkerStatus.GONE
    first.beat()
    first.measure(t0, t0 + 2)
    run = watcher.look()
    assert (run.state, states_of(run)) == (RunState.RUNNING, ["running", "lost"])
    first.done()
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.COMPLETED)
    assert second.store.stop_asked() is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ((DoneReason.COMPLETED, DoneReason.SCRIPT_ERROR), EndReason.SCRIPT_ERROR),
        ((DoneReason.COMPLETED, DoneReason.DEADLINE), EndReason.COMPLETED),
        ((DoneReason.DEADLINE, DoneReason.DEADLINE), EndReason.DEADLINE),
        ((DoneReason.ENGINE_FAILED, DoneReason.NOT_STARTED), EndReason.WORKERS_LOST),
        ((DoneReason.TERMINATED, DoneReason.CONTROLLER_LOST), EndReason.WORKERS_LOST),
    ],
)
def test_the_end_reason_follows_from_what_the_workers_say(said: tuple[DoneReason, ...], reason: EndReason) -> None:
    _, watcher, workers, _ = running()
    for worker, word in zip(workers, said, strict=True):
        worker.done(word, message=f"{word.value} it was.")
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, reason)
    if reason is EndReason.SCRIPT_ERROR:
        assert run.message == "script_error it was."


def test_a_run_whose_workers_all_vanish_lost_its_workers() -> None:
    scene, watcher, _, _ = running()
    scene.backend.status.update({0: WorkerStatus.GONE, 1: WorkerStatus.GONE})
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.WORKERS_LOST)


def test_a_threshold_that_fails_aborts_the_run_with_rule_and_value() -> None:
    _, watcher, (first, _), t0 = running(thresholds=rule("max<50"))
    first.measure(t0, t0 + 2, ms=80.0)
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.THRESHOLD_ABORT)
    assert run.message == "Aborted: http_req_duration max<50 was 80 ms from second 0 to 2."
    stop = first.store.stop_asked()
    assert stop
    assert (stop.reason, stop.hard) == (EndReason.THRESHOLD_ABORT, False)


def test_an_abort_waits_for_its_delay() -> None:
    _, watcher, (first, _), t0 = running(thresholds=rule("max<50", delayAbortEval="4s"))
    first.measure(t0, t0 + 3, ms=80.0)
    assert watcher.look().state == RunState.RUNNING
    first.measure(t0 + 3, t0 + 4, ms=10.0)
    assert watcher.look().state == RunState.STOPPING


def test_a_failing_threshold_that_does_not_abort_lets_the_run_go_on() -> None:
    _, watcher, (first, _), t0 = running(thresholds=parse_thresholds({"http_req_duration": "max<50"}, source="request"))
    first.measure(t0, t0 + 2, ms=80.0)
    run = watcher.look()
    assert (run.state, run.progress["thresholds"][0]["passed"]) == (RunState.RUNNING, False)


def test_workers_that_do_not_end_are_told_and_then_forced() -> None:
    scene, watcher, workers, _ = running(drain=timedelta(seconds=30))
    stop_run(watcher.run.id, scene.parts, by=ADA)
    Run.objects.filter(pk=watcher.run.id).update(state_since=watcher.run.state_since)
    workers[0].done(DoneReason.STOPPED)

    def look_after(seconds: float) -> list[tuple[tuple[int, ...], bool]]:
        scene.clock.time = watcher.run.state_since.timestamp() + seconds
        workers[1].beat()
        scene.backend.stops.clear()
        watcher.look()
        return scene.backend.stops

    assert look_after(30 + TERM_AFTER - 1) == []
    assert look_after(30 + TERM_AFTER + 1) == [((1,), False)]
    assert look_after(30 + KILL_AFTER + 1) == [((1,), True)]
    scene.backend.status[1] = WorkerStatus.GONE
    watcher.look()
    assert (watcher.run.state, watcher.run.end_reason) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER)


def test_a_run_beyond_its_deadline_is_ended_hard() -> None:
    scene, watcher, workers, t0 = running(duration=timedelta(seconds=10), drain=timedelta(seconds=30))
    deadline = watcher.run.load_plan().deadline.total_seconds()
    for ahead, state in ((29, RunState.RUNNING), (31, RunState.STOPPING)):
        scene.clock.time = t0 + deadline + ahead
        for worker in workers:
            worker.beat()
        assert watcher.look().state == state
    assert watcher.run.end_reason == EndReason.DEADLINE
    stop = scene.store(watcher.run).stop_asked()
    assert stop
    assert stop.hard


def test_a_stop_that_comes_during_the_last_look_keeps_its_reason() -> None:
    scene, watcher, workers, _ = running()
    for worker in workers:
        worker.done(DoneReason.STOPPED)
    backend_s_poll = scene.backend.poll

    def poll(handles: Any) -> Any:
        stop_run(watcher.run.id, scene.parts, by=ADA)
        return backend_s_poll(handles)

    scene.backend.poll = poll  # type: ignore[method-assign]
    watcher.look()
    run = watcher.look()
    assert (run.state, run.end_reason, run.stop_requested_by) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER, "ada")
    assert jobs() == [("finish", (run.id,))]


def test_a_stopped_run_whose_load_was_over_says_who_stopped_it() -> None:
    scene, watcher, workers, _ = running()
    stop_run(watcher.run.id, scene.parts, by=ADA)
    for worker in workers:
        worker.done(DoneReason.COMPLETED)
    run = watcher.look()
    assert (run.end_reason, run.stop_requested_by, run.message) == (EndReason.STOPPED_BY_USER, "ada", "Stopped by ada.")


@pytest.mark.parametrize(("error", "patience"), [(StoreUnavailable, STORE_PATIENCE), (StoreFull, STORE_PATIENCE / 4)])
def test_a_store_that_stays_away_ends_the_run_after_the_patience(error: type[StoreUnavailable], patience: float) -> None:
    scene, watcher, workers, t0 = running()
    workers[0].measure(t0, t0 + 2)
    scene.objects.error = error("No answer.")
    for seconds in (0, patience - 1):
        scene.clock.time = t0 + seconds
        assert watcher.look().state == RunState.RUNNING
    scene.clock.time = t0 + patience
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.WORKERS_LOST)
    assert run.message == "The run store failed: No answer."
    assert scene.backend.stops == [((0, 1), False)], "who cannot read the stop flag is told by the backend"
    assert jobs() == [("finish", (run.id,))]


def test_a_store_that_comes_back_costs_nothing() -> None:
    scene, watcher, workers, t0 = running(duration=timedelta(hours=1))
    for worker in workers:
        worker.beat()
    watcher.look()
    for _ in range(3):
        scene.objects.error = StoreUnavailable("No answer.")
        watcher.look()
        scene.clock.sleep(STORE_PATIENCE - 10)
        scene.objects.error = None
        # Nobody can have beaten yet, and nobody is lost for it.
        run = watcher.look()
        assert (run.state, states_of(run)) == (RunState.RUNNING, ["running", "running"])
    workers[0].measure(t0, t0 + 2)
    assert watcher.look().progress["requests"] == 20


def test_a_worker_that_stays_silent_after_the_store_came_back_is_lost() -> None:
    scene, watcher, (first, second), _ = running(duration=timedelta(hours=1))
    for worker in (first, second):
        worker.beat()
    watcher.look()
    scene.objects.error = StoreUnavailable("No answer.")
    watcher.look()
    scene.clock.sleep(STORE_PATIENCE - 10)
    scene.objects.error = None
    watcher.look()
    scene.clock.sleep(HEARD_LATER + SILENT_SECONDS + 1)
    first.beat()
    assert states_of(watcher.look()) == ["running", "lost"]


def test_a_store_that_goes_away_while_a_run_is_stopped_does_not_change_why() -> None:
    scene, watcher, _, _ = running()
    stop_run(watcher.run.id, scene.parts, by=ADA)
    scene.objects.error = StoreUnavailable("No answer.")
    watcher.look()
    scene.clock.sleep(STORE_PATIENCE)
    run = watcher.look()
    assert (run.state, run.end_reason, run.stop_requested_by) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER, "ada")
    assert "No answer." in run.message


def test_a_launch_that_failed_before_any_worker_is_collected() -> None:
    scene = Scene()
    run = scene.run(RunState.STOPPING, columns={"end_reason": EndReason.LAUNCH_FAILED, "message": "No capacity."})
    workers_of(scene, run, 0)
    run = Watcher(scene, run).look()
    assert (run.state, run.end_reason, run.message) == (RunState.COLLECTING, EndReason.LAUNCH_FAILED, "No capacity.")


def test_a_stop_before_the_start_ends_when_the_workers_have() -> None:
    scene, watcher, workers = launching()
    stop_run(watcher.run.id, scene.parts, by=ADA)
    assert watcher.look().state == RunState.STOPPING
    for worker in workers:
        worker.done(DoneReason.STOPPED)
    run = watcher.look()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER)
    assert scene.store(run).started() is None
