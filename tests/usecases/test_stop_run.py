"""Stopping: at every state the right next one, the first reason stands, and asking twice is fine."""

from __future__ import annotations

import pytest

from portal.core.errors import NotFound, StoreUnavailable
from portal.core.run_state import EndReason, RunState
from portal.usecases.end_run import end_run
from portal.usecases.finish_run import finish_run
from portal.usecases.stop_run import stop_run
from tests.builders import ADA, BOB
from tests.usecases.parts import Scene, jobs

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.PLANNING, RunState.AWAITING_APPROVAL])
def test_a_run_without_workers_is_collected_at_once(state: RunState) -> None:
    scene = Scene()
    run = stop_run(scene.run(state).id, scene.parts, by=ADA)
    assert (run.state, run.end_reason, run.stop_requested_by) == (RunState.COLLECTING, EndReason.STOPPED_BY_USER, "ada")
    assert run.message == "Stopped by ada."
    assert jobs() == [("finish", (run.id,))]
    assert scene.store(run).stop_asked() is None


@pytest.mark.parametrize("state", [RunState.LAUNCHING, RunState.READY, RunState.RUNNING])
@pytest.mark.parametrize("hard", [False, True])
def test_a_run_with_workers_is_told_to_stop(state: RunState, hard: bool) -> None:
    scene = Scene()
    run = stop_run(scene.run(state).id, scene.parts, hard=hard, by=ADA)
    assert (run.state, run.end_reason, run.message) == (RunState.STOPPING, EndReason.STOPPED_BY_USER, "Stopped by ada.")
    stop = scene.store(run).stop_asked()
    assert stop
    assert (stop.reason, stop.hard, stop.at) == (EndReason.STOPPED_BY_USER, hard, scene.clock.now())
    assert jobs() == []


def test_asking_twice_changes_neither_reason_nor_person() -> None:
    scene = Scene()
    run = scene.run(RunState.RUNNING)
    first = stop_run(run.id, scene.parts, by=ADA)
    second = stop_run(run.id, scene.parts, by=BOB)
    assert second.stop_requested_by == "ada"
    assert second.state_since == first.state_since


def test_a_graceful_stop_can_be_made_hard_but_not_gentle_again() -> None:
    scene = Scene()
    run = scene.run(RunState.RUNNING)
    for hard, stands in ((False, False), (True, True), (False, True)):
        stop_run(run.id, scene.parts, hard=hard, by=ADA)
        stop = scene.store(run).stop_asked()
        assert stop
        assert stop.hard == stands


def test_a_run_that_ends_for_another_reason_keeps_it() -> None:
    scene = Scene()
    run = scene.run(RunState.RUNNING)
    assert end_run(run.id, EndReason.THRESHOLD_ABORT, scene.parts, message="p(95) is too high.")
    stopped = stop_run(run.id, scene.parts, hard=True, by=ADA)
    assert (stopped.end_reason, stopped.message) == (EndReason.THRESHOLD_ABORT, "p(95) is too high.")
    assert stopped.stop_requested_by == ""
    stop = scene.store(run).stop_asked()
    assert stop
    assert (stop.reason, stop.hard) == (EndReason.THRESHOLD_ABORT, True)


@pytest.mark.parametrize("state", [RunState.COLLECTING, RunState.ENDED])
def test_a_run_that_is_over_stays_as_it_is(state: RunState) -> None:
    scene = Scene()
    run = stop_run(scene.run(state, columns={"end_reason": EndReason.COMPLETED}).id, scene.parts, hard=True, by=ADA)
    assert (run.state, run.end_reason, run.stop_requested_by) == (state, EndReason.COMPLETED, "")
    assert (jobs(), scene.objects.list("")) == ([], ())


def test_a_run_nobody_knows_is_not_found() -> None:
    with pytest.raises(NotFound, match="20990101-00000000"):
        stop_run("20990101-00000000", Scene().parts, by=ADA)


def test_a_stop_that_cannot_reach_the_workers_says_so_and_can_be_asked_again() -> None:
    scene = Scene()
    run = scene.run(RunState.RUNNING)
    scene.objects.error = StoreUnavailable("No answer.")
    with pytest.raises(StoreUnavailable):
        stop_run(run.id, scene.parts, by=ADA)
    run.refresh_from_db()
    assert (run.state, run.end_reason) == (RunState.RUNNING, ""), "a run that says stopping has told its workers"
    scene.objects.error = None
    assert stop_run(run.id, scene.parts, by=ADA).state == RunState.STOPPING


def test_a_run_stopped_in_the_queue_ends_inconclusive() -> None:
    scene = Scene()
    run = stop_run(scene.run().id, scene.parts, by=ADA)
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.ENDED, "inconclusive")
