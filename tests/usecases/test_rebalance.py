"""An elastic run's slots go to workers that join and away from those that leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.protocol import WorkerPhase
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models import Run, Worker
from portal.usecases.judge_run import judge_run
from portal.usecases.rebalance import LEAST_REST
from tests.usecases.elastic import LENGTH, Elastic, Pool
from tests.usecases.watching import running
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db


def test_slots_move_to_the_one_that_joined_one_by_one_until_both_hold_as_many() -> None:
    run = Elastic()
    assert run.pool.called == [(0, 2, "w2")]
    assert run.rows(0) == [(1, "", "running"), (2, "asked", "launched")]
    assigned = run.scene.store(run.watcher.run).assignment(0, 2)
    assert assigned
    assert (assigned.slot, assigned.relieves, assigned.plan) == (0, True, run.watcher.run.load_plan())
    run.to(13)
    shown = run.look()
    assert len(run.pool.called) == 1, "one at a time"
    assert shown.progress["workers"]["running"] == 4, "its worker goes on until then"
    run.begin(0, 18)
    assert run.rows(0) == [(1, "", "done"), (2, "begun", "running")]
    run.to(20)
    run.look()
    assert run.pool.called == [(0, 2, "w2"), (1, 2, "w2")]
    run.begin(1, 28)
    for second in (30, 40, 50):
        run.to(second)
        shown = run.look()
    assert len(run.pool.called) == 2
    assert (run.rows(2), run.rows(3)) == ([(1, "", "running")], [(1, "", "running")])
    assert (shown.state, shown.progress["workers"]["running"]) == (RunState.RUNNING, 4)
    assert run.events() == ["Slot 0 moves from worker w1 to worker w2.", "Slot 1 moves from worker w1 to worker w2."]


def test_the_result_of_a_run_whose_slots_moved_is_whole() -> None:
    run = Elastic()
    run.begin(0, 18)
    run.to(LENGTH)
    for slot, worker in run.workers.items():
        first = 18 if slot == 0 else 0
        worker.done(first_second=run.t0 + first, last_second=run.t0 + LENGTH, started_at=run.t0 + first + 0.002)
    run.look()
    ended = run.look()
    assert (ended.state, ended.end_reason) == (RunState.COLLECTING, EndReason.COMPLETED)
    judged = judge_run(ended, run.scene.store(ended))
    summary = judged.summary
    assert (summary.coverage, summary.requests, summary.lost) == (1.0, 4 * 10 * LENGTH, ())
    assert (judged.verdict.outcome, judged.verdict.notes) == (Outcome.PASSED, ())


def test_all_slots_of_a_worker_that_leaves_are_asked_for_at_once() -> None:
    run = Elastic()
    run.pool.members |= {"w2": [0], "w3": []}
    for worker in run.workers.values():
        worker.beat(WorkerPhase.LEAVING)
    run.look()
    assert sorted(run.pool.called[1:]) == [(1, 2, "w3"), (2, 2, "w2"), (3, 2, "w3")]
    run.look()
    assert len(run.pool.called) == 4, "once"
    assert run.pool.launched == [], "nor are they replaced as lost"


def test_where_there_is_no_room_the_slots_of_one_that_leaves_go_to_whoever_comes() -> None:
    run = Elastic(2)
    run.pool.members = {"w1": [0, 1]}
    for worker in run.workers.values():
        worker.beat(WorkerPhase.LEAVING)
    run.look()
    assert run.pool.called[1:] == [(1, 2, "")]


def test_nothing_moves_in_the_last_seconds_nor_while_the_run_is_stopped() -> None:
    run = Elastic(2)
    run.begin(0, 18)
    run.pool.members = {"w1": [0, 1], "w2": []}
    before = len(run.pool.called)
    run.to(int(LENGTH - LEAST_REST + 1))
    run.look()
    Run.objects.filter(pk=run.watcher.run.id).update(state=RunState.STOPPING)
    run.look()
    assert len(run.pool.called) == before


def test_the_pool_is_looked_at_only_when_somebody_may_move() -> None:
    run = Elastic()
    assert run.pool.looks == 1
    for second in range(11, 16):
        run.to(second)
        run.look()
    assert run.pool.looks == 1, "one is on its way"


def test_a_run_that_is_not_elastic_does_not_ask() -> None:
    scene, watcher, _, _ = running(2, backend="fargate", duration=timedelta(seconds=LENGTH))
    pool = scene.backend = Pool(members={"w1": [0, 1], "w2": []})
    watcher.look()
    assert pool.looks == 0


def queries_of_a_look(run: Elastic, second: int) -> int:
    run.to(second)
    with CaptureQueriesContext(connection) as found:
        run.look()
    return len(found)


def test_a_look_takes_as_many_queries_however_often_slots_moved() -> None:
    run = Elastic()
    run.begin(0, 18)
    run.to(20)
    run.look()
    run.begin(1, 28)
    run.to(30)
    run.look()
    before = queries_of_a_look(run, 33)
    for epoch in range(3, 20):
        Worker.objects.create(run=run.watcher.run, slot=0, epoch=epoch, relief="begun", state="done", reference="call:here")
    run.workers[0] = FakeWorker(run.scene, run.scene.store(run.watcher.run), 0, epoch=19)
    run.to(36)
    run.look()
    assert queries_of_a_look(run, 39) == before
