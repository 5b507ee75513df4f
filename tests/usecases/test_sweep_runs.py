"""The safety net: lost jobs are asked for again, once per 20 seconds, and runs nobody watches are looked at."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from portal.core.errors import WireInvalid
from portal.core.ports import WorkerStatus
from portal.core.run_state import ALIVE, EndReason, RunState
from portal.lease_owner import own_name
from portal.models import Run
from portal.usecases.launch_run import LEASE_SECONDS
from portal.usecases.sweep_runs import STUCK, UNWATCHED_SECONDS, revive_jobs, sweep_runs
from tests.usecases.parts import Scene, jobs
from tests.usecases.watching import running
from tests.usecases.workers import workers_of

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - 2 * STUCK


def stuck(state: RunState, **columns: Any) -> Run:
    run = Scene().run(state)
    Run.objects.filter(pk=run.id).update(state_since=LONG_AGO, **columns)
    return run


@pytest.mark.parametrize(
    ("state", "job"),
    [(RunState.QUEUED, "launch"), (RunState.PLANNING, "launch"), (RunState.LAUNCHING, "launch"), (RunState.COLLECTING, "finish")],
)
def test_a_state_that_waits_for_a_lost_job_gets_it_once_per_twenty_seconds(state: RunState, job: str) -> None:
    run = stuck(state)
    for _ in range(3):
        revive_jobs()
    assert jobs() == [(job, (run.id,))]
    Run.objects.filter(pk=run.id).update(revived=timezone.now() - STUCK - timedelta(seconds=1))
    revive_jobs()
    assert jobs() == [(job, (run.id,))] * 2


@pytest.mark.django_db(transaction=True)
def test_of_two_tickers_that_find_the_same_run_one_asks() -> None:
    together = threading.Barrier(2, timeout=20)

    def revive() -> None:
        try:
            together.wait()
            revive_jobs()
        finally:
            connection.close()

    runs = [stuck(RunState.QUEUED) for _ in range(5)]
    threads = [threading.Thread(target=revive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(jobs()) == sorted(("launch", (run.id,)) for run in runs)


@pytest.mark.parametrize("state", ["awaiting_approval", "ready", "running", "stopping", "ended"])
def test_states_that_wait_for_no_job_get_none(state: str) -> None:
    stuck(RunState(state))
    revive_jobs()
    assert jobs() == []


def test_a_launch_that_started_all_its_workers_is_not_asked_for_again() -> None:
    scene = Scene()
    run = stuck(RunState.LAUNCHING)
    workers_of(scene, run, 1)
    revive_jobs()
    assert len(jobs()) == 1
    Run.objects.filter(pk=run.id).update(revived=None)
    run.worker_rows.create(slot=1)
    revive_jobs()
    assert len(jobs()) == 1


def test_who_is_just_at_work_is_left_alone() -> None:
    stuck(RunState.PLANNING, lease_owner="launch:other", lease_until=timezone.now().timestamp() + 60)
    Scene().run(RunState.COLLECTING)
    revive_jobs()
    assert jobs() == []


def leased(state: RunState, owner: str) -> Run:
    """A run that came into `state` just now and whose lease `owner` took just now."""
    run = Scene().run(state)
    until = timezone.now().timestamp() + LEASE_SECONDS
    Run.objects.filter(pk=run.id).update(state_since=timezone.now(), lease_owner=f"launch:{owner}", lease_until=until)
    return run


def a_dead_owner() -> str:
    """Once had the number that this process has."""
    return own_name().rpartition(":")[0] + ":1"


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody is known to be dead")


@needs_proc
@pytest.mark.parametrize("state", [RunState.PLANNING, RunState.LAUNCHING])
def test_what_a_dead_process_was_launching_is_taken_up_at_once_and_by_one(state: RunState) -> None:
    run = leased(state, a_dead_owner())
    for _ in range(3):
        revive_jobs()
    assert jobs() == [("launch", (run.id,))]
    now = timezone.now().timestamp()
    assert not Run.objects.due(now).exists(), "the ticker's look would be in the way of the launch"
    assert Run.objects.lease_launch(run.id, owner="launch:next", now=now, seconds=LEASE_SECONDS)
    revive_jobs()
    assert not Run.objects.lease_launch(run.id, owner="launch:third", now=now, seconds=LEASE_SECONDS)
    assert len(jobs()) == 1


@needs_proc
def test_a_launch_that_kills_its_process_again_waits_its_twenty_seconds() -> None:
    run = leased(RunState.PLANNING, a_dead_owner())
    Run.objects.filter(pk=run.id).update(revived=timezone.now())
    revive_jobs()
    assert jobs() == []


@pytest.mark.parametrize(
    "owner", [own_name(), f"elsewhere-{a_dead_owner()}", "host:1"], ids=["lives", "of another host", "of another form"]
)
def test_the_lease_of_who_lives_or_may_live_stands_in_every_state(owner: str) -> None:
    runs = [leased(state, owner) for state in RunState]
    Run.objects.update(state_since=LONG_AGO)
    revive_jobs()
    assert jobs() == []
    assert set(Run.objects.values_list("lease_owner", flat=True)) == {f"launch:{owner}"}
    assert Run.objects.filter(lease_until__gt=timezone.now().timestamp()).count() == len(runs)


@needs_proc
def test_in_every_state_a_dead_process_keeps_nobody_from_watching() -> None:
    for state in ALIVE:
        leased(state, a_dead_owner())
    revive_jobs()
    assert set(Run.objects.values_list("lease_owner", "lease_until")) == {("", 0)}


@needs_proc
def test_workers_that_a_dead_process_had_all_started_are_watched_at_once() -> None:
    run = leased(RunState.LAUNCHING, a_dead_owner())
    for slot in range(run.workers):
        run.worker_rows.create(slot=slot)
    revive_jobs()
    assert jobs() == []
    assert Run.objects.due(timezone.now().timestamp()).get() == run


def unwatched(*, seconds: float) -> tuple[Scene, Run]:
    scene, watcher, workers, t0 = running(1)
    workers[0].measure(t0, t0 + 2)
    Run.objects.filter(pk=watcher.run.id).update(next_poll=scene.clock.now() - seconds)
    return scene, watcher.run


def test_a_run_nobody_watches_is_looked_at_and_left_to_the_next() -> None:
    scene, run = unwatched(seconds=UNWATCHED_SECONDS + 1)
    sweep_runs(scene.parts)
    run.refresh_from_db()
    assert run.progress["requests"] == 20
    assert (run.lease_owner, run.lease_until) == ("", 0)


def test_a_run_a_ticker_watches_is_not_looked_at() -> None:
    scene, run = unwatched(seconds=1)
    sweep_runs(scene.parts)
    run.refresh_from_db()
    assert run.progress == {}


def test_without_any_ticker_the_sweep_brings_a_run_to_its_end() -> None:
    scene, run = unwatched(seconds=60)
    scene.backend.status[0] = WorkerStatus.GONE
    sweep_runs(scene.parts)
    run.refresh_from_db()
    assert (run.state, run.end_reason) == (RunState.COLLECTING, EndReason.WORKERS_LOST)


def test_a_run_that_cannot_be_watched_does_not_keep_the_others_from_it() -> None:
    scene = Scene()
    runs = [scene.run(RunState.RUNNING) for _ in range(3)]
    opened = list[str]()

    def poll(handles: object) -> dict[int, WorkerStatus]:
        opened.append("one more")
        raise WireInvalid("This was written in schema 9.")

    scene.backend.poll = poll  # type: ignore[method-assign, assignment]
    sweep_runs(scene.parts)
    assert len(opened) == len(runs)
    assert set(Run.objects.values_list("lease_owner", flat=True)) == {""}
