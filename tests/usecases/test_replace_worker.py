"""What is done about lost workers, per policy; every step may be repeated, and of two processes one acts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.errors import LaunchFailed, StoreUnavailable
from portal.core.loss import OnWorkerLoss
from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason, Lease
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models import Run, Worker
from portal.usecases.judge_run import judge_run
from portal.usecases.replace_worker import LEAST_REST
from tests.usecases.parts import Scene, jobs
from tests.usecases.watching import Watcher, running
from tests.usecases.workers import FakeWorker, states_of

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def under_load(policy: OnWorkerLoss, workers: int = 2) -> tuple[Scene, Watcher, tuple[FakeWorker, ...], int]:
    """Ten seconds into a minute of load."""
    scene, watcher, fakes, t0 = running(workers, on_worker_loss=policy, duration=MINUTE)
    scene.clock.sleep(10)
    for worker in fakes:
        worker.measure(t0, t0 + 10)
        worker.beat()
    watcher.look()
    return scene, watcher, fakes, t0


def lose(scene: Scene, watcher: Watcher, slot: int = 1) -> Run:
    scene.backend.status[slot] = WorkerStatus.GONE
    run = watcher.look()
    scene.backend.status[slot] = WorkerStatus.ALIVE
    return run


def rows(run: Run) -> list[tuple[int, int, str]]:
    return [(row.slot, row.epoch, str(row.state)) for row in Worker.objects.filter(run=run).order_by("slot", "epoch")]


def test_by_default_the_others_go_on() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.CONTINUE)
    run = lose(scene, watcher)
    assert (run.state, states_of(run), scene.backend.launched) == (RunState.RUNNING, ["running", "lost"], [])


def test_an_abort_says_which_worker_and_when() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.ABORT)
    run = lose(scene, watcher)
    assert (run.state, run.end_reason) == (RunState.STOPPING, EndReason.WORKERS_LOST)
    assert run.message == ("Worker 1 was lost: The worker vanished without a last word. The run was stopped for it at 0:10.")
    stop = scene.store(run).stop_asked()
    assert stop
    assert stop.reason == EndReason.WORKERS_LOST


@pytest.mark.parametrize("reason", [DoneReason.ENGINE_FAILED, DoneReason.TERMINATED, DoneReason.STORE_FAILED])
def test_a_worker_that_says_itself_that_it_cannot_go_on_is_lost_too(reason: DoneReason) -> None:
    scene, watcher, (_, second), _ = under_load(OnWorkerLoss.REPLACE)
    second.done(reason)
    run = watcher.look()
    assert rows(run) == [(0, 1, "running"), (1, 1, "done"), (1, 2, "launched")]
    assert scene.backend.stops == [], "it has ended by itself"


def test_a_spare_takes_the_slot_over_with_the_next_epoch() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    run = lose(scene, watcher)
    assert (run.state, scene.backend.launched) == (RunState.RUNNING, [1])
    assert rows(run) == [(0, 1, "running"), (1, 1, "lost"), (1, 2, "launched")]
    assigned = scene.store(run).assignment(1, 2)
    assert assigned
    assert (assigned.slot, assigned.epoch, assigned.segment.count, assigned.plan) == (1, 2, 2, run.load_plan())
    assert scene.store(run).assignment(0, 2) is None
    assert scene.backend.stops == [((1,), True)], "the old one is ended where it can be reached"


def test_looking_again_replaces_nobody_twice() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    run = lose(scene, watcher)
    before = rows(run)
    Watcher(scene, run).look()
    watcher.look()
    assert (rows(run), scene.backend.launched) == (before, [1])


def test_a_run_of_one_worker_goes_on_with_its_replacement() -> None:
    scene, watcher, (only,), t0 = under_load(OnWorkerLoss.REPLACE, 1)
    assert lose(scene, watcher, 0).state == RunState.RUNNING
    second = FakeWorker(scene, only.store, 0, epoch=2)
    second.measure(t0 + 18, t0 + 60)
    second.beat()
    assert watcher.look().progress["requests"] == 520
    second.done(first_second=t0 + 18, last_second=t0 + 60)
    run = watcher.look()
    assert (run.state, run.end_reason, jobs()) == (RunState.COLLECTING, EndReason.COMPLETED, [("finish", (run.id,))])


def test_a_slot_is_replaced_twice_and_then_left() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    for _ in range(4):
        lose(scene, watcher)
    assert rows(watcher.run) == [(0, 1, "running"), (1, 1, "lost"), (1, 2, "lost"), (1, 3, "lost")]
    assert watcher.run.state == RunState.RUNNING


def test_a_run_that_loses_more_than_half_its_workers_is_not_filled_up_for_ever() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE, 5)
    scene.backend.status.update(dict.fromkeys(range(5), WorkerStatus.GONE))
    watcher.look()
    assert scene.backend.launched == [0, 1]


def test_near_the_end_nobody_is_replaced() -> None:
    scene, watcher, workers, _ = under_load(OnWorkerLoss.REPLACE)
    scene.clock.sleep(50 - LEAST_REST + 1)
    for worker in workers:
        worker.beat()
    assert rows(lose(scene, watcher)) == [(0, 1, "running"), (1, 1, "lost")]


def test_a_worker_that_cannot_be_started_is_lost_in_its_turn() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    scene.backend.breaks_at = {1: LaunchFailed("No capacity.")}
    run = lose(scene, watcher)
    assert Worker.objects.get(run=run, slot=1, epoch=2).message == "It could not be started: No capacity."
    scene.backend.breaks_at = {}
    watcher.look()
    assert rows(run)[-1] == (1, 3, "launched")


def test_a_replacement_whose_process_died_before_the_launch_is_started_by_the_next() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    scene.backend.before_launch = _die
    scene.backend.status[1] = WorkerStatus.GONE
    with pytest.raises(_Killed):
        watcher.look()
    scene.backend.before_launch = lambda: None
    run = Watcher(scene, watcher.run).look()
    assert (rows(run)[-1], scene.backend.launched) == ((1, 2, "launched"), [1])
    assert Worker.objects.get(run=run, epoch=2).reference == "fake:1"


def test_one_that_took_its_lease_before_its_starter_died_is_not_started_again() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    scene.backend.before_launch = _die
    scene.backend.status[1] = WorkerStatus.GONE
    with pytest.raises(_Killed):
        watcher.look()
    scene.backend.before_launch = lambda: None
    scene.store(watcher.run).take_lease(Lease(1, 2, "there:1", 0.0))
    run = Watcher(scene, watcher.run).look()
    assert (rows(run)[-1], scene.backend.launched) == ((1, 2, "launched"), [])


def test_of_two_controllers_one_replaces() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    Worker.objects.create(run=watcher.run, slot=1, epoch=2, reference="fake:other")
    scene.backend.before_launch = _die
    assert rows(watcher.look())[-1] == (1, 2, "launched")


def test_a_store_that_goes_away_in_the_middle_is_waited_for() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    scene.objects.error, scene.objects.only = StoreUnavailable("No answer."), "assign"
    run = lose(scene, watcher)
    assert (run.state, scene.backend.launched) == (RunState.RUNNING, [])
    scene.objects.error = None
    assert rows(watcher.look())[-1] == (1, 2, "launched")
    assert scene.backend.launched == [1]


def test_a_run_that_is_being_stopped_replaces_nobody() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    Run.objects.filter(pk=watcher.run.id).update(state=RunState.STOPPING, end_reason=EndReason.STOPPED_BY_USER)
    lose(scene, watcher)
    assert scene.backend.launched == []


def test_the_hole_between_loss_and_replacement_is_told_and_not_covered() -> None:
    scene, watcher, (first, second), t0 = under_load(OnWorkerLoss.REPLACE)
    run = lose(scene, watcher)
    third = FakeWorker(scene, second.store, 1, epoch=2)
    first.measure(t0 + 10, t0 + 60)
    third.measure(t0 + 16, t0 + 60)
    for worker, begin in ((first, t0), (third, t0 + 16)):
        worker.done(first_second=begin, last_second=t0 + 60, started_at=begin + 0.002)
    second.done(DoneReason.SUPERSEDED, last_second=t0 + 10)
    judged = judge_run(run, scene.store(run))
    summary = judged.summary
    assert (summary.coverage, summary.requests, summary.lost) == (0.95, 1140, ())
    assert summary.start_skew_ms == pytest.approx(2.0), "each against the second that was its own"
    assert judged.verdict.outcome is Outcome.PASSED
    assert "Worker 1 was lost at 0:10 and replaced at 0:16; 6 s of its load are missing." in judged.verdict.notes


def test_what_a_superseded_worker_still_measured_counts_and_covers_nothing_twice() -> None:
    scene, watcher, (first, second), t0 = under_load(OnWorkerLoss.REPLACE)
    run = lose(scene, watcher)
    third = FakeWorker(scene, second.store, 1, epoch=2)
    first.measure(t0 + 10, t0 + 60)
    third.measure(t0 + 20, t0 + 60)
    for worker in (first, third):
        worker.done(last_second=t0 + 60)
    before = judge_run(run, scene.store(run)).summary
    second.measure(t0 + 30, t0 + 32)
    after = judge_run(run, scene.store(run)).summary
    assert (after.requests - before.requests, after.coverage) == (20, before.coverage)


class _Killed(BaseException):
    """As kill -9 would: nothing runs after it."""


def _die() -> None:
    raise _Killed


def test_a_worker_whose_machine_will_be_taken_away_is_replaced_while_it_still_drains() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.REPLACE)
    scene.backend.status[1] = WorkerStatus.LEAVING
    run = watcher.look()
    scene.backend.status[1] = WorkerStatus.ALIVE
    assert rows(run) == [(0, 1, "running"), (1, 1, "running"), (1, 2, "launched")]
    assert (scene.backend.launched, scene.backend.stops) == ([1], [])
    watcher.look()
    assert scene.backend.launched == [1]


def test_by_default_a_worker_whose_machine_will_be_taken_away_is_let_go() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.CONTINUE)
    scene.backend.status[1] = WorkerStatus.LEAVING
    run = watcher.look()
    assert (run.state, states_of(run), scene.backend.launched) == (RunState.RUNNING, ["running", "running"], [])


def test_an_abort_for_a_machine_that_will_be_taken_away_says_so() -> None:
    scene, watcher, _, _ = under_load(OnWorkerLoss.ABORT)
    scene.backend.status[1] = WorkerStatus.LEAVING
    run = watcher.look()
    assert run.message == "Worker 1 was lost: Its machine is being taken away. The run was stopped for it at 0:10."
