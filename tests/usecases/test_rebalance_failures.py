"""Moves of slots that fail, cross a worker's death or the end of the run: every slot has one worker, and none is lost for it."""

from __future__ import annotations

import pytest

from portal.core.errors import LaunchFailed
from portal.core.ports import WorkerStatus
from portal.core.protocol import NEVER, DoneReason, TakeOver
from portal.core.run_state import EndReason, RunState
from portal.models import Run, Worker
from portal.usecases.judge_run import judge_run
from portal.usecases.read_run import worker_counts
from portal.usecases.rebalance import CALM, PATIENCE
from tests.usecases.elastic import Elastic
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db


def test_one_that_does_not_begin_is_called_off_and_the_slot_stays_where_it_is() -> None:
    run = Elastic()
    run.to(int(10 + PATIENCE + 1))
    run.look()
    store = run.scene.store(run.watcher.run)
    standing = store.taken_over(0, 2)
    assert standing == TakeOver(0, 2, NEVER)
    assert store.take_over(TakeOver(0, 2, run.t0 + 60)) == standing, "it reads that it is not to begin"
    assert run.rows(0) == [(1, "", "running"), (2, "off", "done")]
    assert run.pool.stops == [((0,), False)], "its call is taken back"
    assert run.events()[-1] == f"Slot 0 stays where it is. The worker that was asked did not begin within {PATIENCE:.0f} s."
    shown = run.look()
    assert (shown.progress["workers"]["running"], shown.progress["workers"]["lost"]) == (4, 0)
    assert len(run.pool.called) == 1, "not at once again"
    run.to(int(10 + PATIENCE + CALM + 2))
    run.look()
    assert run.pool.called[-1] == (0, 3, "w2")
    run.begin(0, 120)
    assert run.rows(0) == [(1, "", "done"), (2, "off", "done"), (3, "begun", "running")]


def test_one_that_ended_before_it_began_is_called_off_with_its_words() -> None:
    run = Elastic()
    FakeWorker(run.scene, run.scene.store(run.watcher.run), 0, epoch=2).done(DoneReason.ENGINE_FAILED, message="No memory.")
    run.to(12)
    run.look()
    assert run.rows(0) == [(1, "", "running"), (2, "off", "done")]
    assert run.events()[-1] == "Slot 0 stays where it is. No memory."


def test_of_a_begin_and_a_calling_off_the_first_counts() -> None:
    run = Elastic()
    run.scene.store(run.watcher.run).take_over(TakeOver(0, 2, run.t0 + 42))
    run.to(int(10 + PATIENCE + 1))
    run.look()
    assert run.rows(0)[1] == (2, "begun", "launched")
    assert len(run.events()) == 1


def test_a_worker_that_dies_while_another_was_asked_is_followed_by_that_one() -> None:
    run = Elastic()
    run.pool.status[0] = WorkerStatus.GONE
    run.to(12, 0)
    run.look()
    assert run.rows(0) == [(1, "", "lost"), (2, "asked", "launched")]
    assert run.pool.launched == [], "no third"
    run.pool.status[0] = WorkerStatus.ALIVE
    run.scene.store(run.watcher.run).take_over(TakeOver(0, 2, run.t0 + 14))
    run.look()
    assert run.rows(0)[1] == (2, "begun", "launched")


def test_a_lost_worker_is_replaced_by_the_epoch_after_one_that_was_called_off() -> None:
    run = Elastic()
    run.to(int(10 + PATIENCE + 1))
    run.look()
    run.pool.status[0] = WorkerStatus.GONE
    run.to(50, 0)
    run.look()
    assert run.rows(0) == [(1, "", "lost"), (2, "off", "done"), (3, "", "launched")]
    assert (run.pool.launched, run.pool.stops[-1]) == ([0], ((0,), True))
    assigned = run.scene.store(run.watcher.run).assignment(0, 3)
    assert assigned
    assert not assigned.relieves


def test_moves_are_no_losses_however_many_there_were() -> None:
    run = Elastic(1)
    for epoch in range(2, 9):
        Worker.objects.create(run=run.watcher.run, slot=0, epoch=epoch, relief="begun", reference="call:here")
        run.scene.store(run.watcher.run).take_over(TakeOver(0, epoch, run.t0 + epoch))
    run.workers[0] = FakeWorker(run.scene, run.scene.store(run.watcher.run), 0, epoch=8)
    run.to(20)
    run.look()
    run.pool.status[0] = WorkerStatus.GONE
    run.to(22, 0)
    run.look()
    assert run.rows(0)[-1] == (9, "", "launched")


def test_who_was_asked_when_the_load_ended_is_called_off_and_counts_for_nothing() -> None:
    run = Elastic()
    run.to(15)
    for worker in run.workers.values():
        worker.done(first_second=run.t0, last_second=run.t0 + 15, started_at=run.t0 + 0.001)
    run.look()
    ended = run.look()
    assert ended.state == RunState.COLLECTING
    assert run.rows(0) == [(1, "", "done"), (2, "off", "done")]
    assert judge_run(ended, run.scene.store(ended)).summary.lost == ()
    Run.objects.filter(pk=ended.id).update(state=RunState.ENDED)
    ended.refresh_from_db()
    assert worker_counts(ended)["done"] == 4


def test_a_result_asks_the_store_who_had_a_slot_where_nobody_noted_it() -> None:
    run = Elastic()
    for worker in run.workers.values():
        worker.done(first_second=run.t0, last_second=run.t0 + 10, started_at=run.t0 + 0.001)
    Run.objects.filter(pk=run.watcher.run.id).update(state=RunState.COLLECTING, end_reason=EndReason.COMPLETED)
    run.watcher.run.refresh_from_db()
    assert judge_run(run.watcher.run, run.scene.store(run.watcher.run)).summary.lost == ()
    run.scene.store(run.watcher.run).take_over(TakeOver(0, 2, run.t0 + 9))
    assert judge_run(run.watcher.run, run.scene.store(run.watcher.run)).summary.lost == (0,)


def test_whoever_died_before_the_call_leaves_a_row_that_is_called_off() -> None:
    run = Elastic()
    Worker.objects.filter(slot=0, epoch=2).update(reference="")
    run.to(int(10 + PATIENCE + 1))
    run.look()
    assert run.rows(0)[1] == (2, "off", "done")


def test_a_call_that_fails_is_tried_again_later() -> None:
    run = Elastic()
    run.pool.error = LaunchFailed("No.")
    run.begin(0, 18)
    assert run.rows(1) == [(1, "", "running"), (2, "asked", "launched")]
    assert run.events() == ["Slot 0 moves from worker w1 to worker w2."], "what was not asked is not told"
    run.pool.error = None
    run.to(int(18 + PATIENCE + 1))
    run.look()
    assert run.rows(1)[1] == (2, "off", "done")
    run.to(int(18 + PATIENCE + CALM + 2))
    run.look()
    assert run.pool.called[-1] == (1, 3, "w2")
