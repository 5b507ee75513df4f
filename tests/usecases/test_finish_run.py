"""From collecting to ended: compute gone, result and state together, and a second finish that changes nothing."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection

from portal.core.access import SYSTEM
from portal.core.errors import StoreFull, StoreUnavailable
from portal.core.ports import WorkerStatus
from portal.core.protocol import DoneReason, Strain
from portal.core.run_state import EndReason, RunState
from portal.core.summary import RunSummary
from portal.core.wire import from_json, from_plain
from portal.models import Result, Run
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.finish_run import GONE_WITHIN, finish_run
from portal.usecases.read_run import results_of
from tests.usecases.parts import Scene
from tests.usecases.watching import collecting
from tests.usecases.workers import mark_done

pytestmark = pytest.mark.django_db


def a_finished_load() -> tuple[Scene, Run]:
    """Collecting; both workers measured ten seconds and said so."""
    scene, run, workers, t0 = collecting()
    for worker in workers:
        worker.measure(t0, t0 + 10)
        worker.done(last_second=t0 + 10)
    mark_done(run, 0, 1)
    return scene, run


def columns(run: Run) -> dict[str, object]:
    return {**Run.objects.filter(pk=run.id).values()[0], **Result.objects.filter(run=run).values()[0]}


def test_a_finished_run_is_ended_with_its_result() -> None:
    scene, run = a_finished_load()
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict, run.end_reason) == (RunState.ENDED, "passed", EndReason.COMPLETED)
    assert run.ended
    assert (run.result.summary["requests"], run.result.verdict["outcome"]) == (200, "passed")
    assert len(run.result.timeline) == 10
    stored = scene.store(run).summary()
    assert stored
    assert from_json(RunSummary, stored) == from_plain(RunSummary, run.result.summary)
    assert all(scene.store(run).series_keys(resolution) for resolution in (1, 10, 60))


def test_what_the_data_is_worth_and_how_the_generators_were_stand_beside_the_verdict() -> None:
    scene, run, (only,), t0 = collecting(1)
    only.measure(t0, t0 + 10)
    only.done(last_second=t0 + 10, strain=Strain(peak_files=900, files_limit=1000, clock_offset_ms=40.0), peak_memory_bytes=7)
    mark_done(run, 0)
    finish_run(run.id, scene.parts)
    found = results_of(Run.objects.get(pk=run.id))
    assert (found["verdict"], found["trust"]) == ("passed", "suspect")
    assert "Worker 0 had 900 of at most 1,000 files and sockets open" in found["notes"][0]
    (health,) = found["health"]
    assert (health["peak_files"], health["clock_offset_ms"], health["peak_memory_bytes"]) == (900, 40.0, 7)
    assert found["summary"]["achieved"] == 1


@pytest.mark.parametrize(("fails", "outcome"), [(False, "passed"), (True, "failed")])
def test_a_run_that_is_clearly_worse_than_its_baseline_says_so_or_fails(fails: bool, outcome: str) -> None:
    scene, before = a_finished_load()
    finish_run(before.id, scene.parts)
    accept_baseline(before.id, by=SYSTEM)
    scene, run, workers, t0 = collecting(fail_on_regression=fails)
    for worker in workers:
        worker.measure(t0, t0 + 10, ms=150.0)
        worker.done(last_second=t0 + 10)
    mark_done(run, 0, 1)
    finish_run(run.id, scene.parts)
    found = results_of(Run.objects.get(pk=run.id))
    assert found["verdict"] == outcome
    said = f"p95 +50 %, outside the usual ±10 % (baseline {before.id})."
    assert said in (found["reasons"] if fails else found["notes"])
    assert found["comparison"]["regressions"] == ["p50", "p95", "p99"]


def test_finishing_again_changes_nothing() -> None:
    scene, run = a_finished_load()
    finish_run(run.id, scene.parts)
    before, objects = columns(run), scene.objects.list("")
    scene.store(run).put_snapshot(0, 1, 9, b"late")
    finish_run(run.id, scene.parts)
    assert columns(run) == before
    assert len(scene.objects.list("")) == len(objects) + 1


def test_a_finish_that_died_before_its_end_is_repeated_with_the_same_result() -> None:
    scene, run = a_finished_load()
    finish_run(run.id, scene.parts)
    before = columns(run)
    Result.objects.all().delete()
    Run.objects.filter(pk=run.id).update(state=RunState.COLLECTING, verdict="", ended=None)
    finish_run(run.id, scene.parts)
    changed = {"id", "ended", "state_since", "created"}
    assert {name: value for name, value in columns(run).items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING, RunState.STOPPING, RunState.ENDED])
def test_only_a_collecting_run_is_finished(state: RunState) -> None:
    scene = Scene()
    run = scene.run(state)
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, Result.objects.count(), scene.backend.polls) == (state, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_without_its_result_a_run_does_not_end() -> None:
    scene, run = a_finished_load()
    with connection.schema_editor() as editor:
        editor.alter_db_table(Result, "portal_result", "portal_result_away")
    try:
        with pytest.raises(DatabaseError):
            finish_run(run.id, scene.parts)
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(Result, "portal_result_away", "portal_result")
    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.COLLECTING, "")


def test_workers_that_are_still_there_are_forced_to_end_first() -> None:
    scene, run = a_finished_load()
    scene.backend.ends_when = "forced"
    scene.backend.status = {0: WorkerStatus.GONE}
    run.worker_rows.filter(slot=1).update(state="lost")
    finish_run(run.id, scene.parts)
    assert scene.backend.stops == [((1,), True)]
    run.refresh_from_db()
    assert run.state == RunState.ENDED


def test_a_worker_that_is_done_gets_time_to_leave_by_itself() -> None:
    scene, run = a_finished_load()
    scene.backend.status = {0: WorkerStatus.ALIVE, 1: WorkerStatus.GONE}
    scene.backend.ends_when = "forced"
    began = scene.clock.now()
    finish_run(run.id, scene.parts)
    assert scene.backend.stops == [((0,), True)]
    assert GONE_WITHIN / 2 <= scene.clock.now() - began < GONE_WITHIN


def test_what_cannot_be_ended_is_named_and_does_not_keep_the_run() -> None:
    scene, run = a_finished_load()
    scene.backend.status = {1: WorkerStatus.ALIVE, 0: WorkerStatus.GONE}
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert run.state == RunState.ENDED
    assert any("fake:1" in note and "fake:0" not in note for note in run.result.verdict["notes"])


def test_workers_are_polled_together() -> None:
    scene, run = a_finished_load()
    finish_run(run.id, scene.parts)
    assert scene.backend.polls == 1


def test_a_full_store_costs_the_series_and_not_the_result() -> None:
    scene, run = a_finished_load()
    scene.objects.error, scene.objects.only = StoreFull("No room left."), "series/1/"
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.ENDED, "passed")
    assert "The merged series could not be kept: No room left." in run.result.verdict["notes"]


def test_a_store_that_is_away_leaves_the_run_for_the_next_attempt() -> None:
    scene, run = a_finished_load()
    scene.objects.error = StoreUnavailable("No answer.")
    with pytest.raises(StoreUnavailable):
        finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, Result.objects.count()) == (RunState.COLLECTING, 0)
    scene.objects.error = None
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.ENDED, "passed")


def test_a_run_that_was_stopped_in_the_queue_ends_without_numbers() -> None:
    scene = Scene()
    run = scene.run(RunState.COLLECTING, columns={"end_reason": EndReason.STOPPED_BY_USER, "message": "Stopped by ada."})
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.state, run.verdict, run.end_reason) == (RunState.ENDED, "inconclusive", EndReason.STOPPED_BY_USER)
    assert (run.message, run.result.summary["requests"], run.result.timeline) == ("Stopped by ada.", 0, [])


def test_a_script_error_found_by_the_judge_reaches_the_row() -> None:
    scene, run, workers, t0 = collecting()
    for worker in workers:
        worker.measure(t0, t0 + 10)
        worker.done(last_second=t0 + 10, script_errors=100, message="TypeError: no basket")
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.end_reason, run.verdict, run.message) == (EndReason.SCRIPT_ERROR, "inconclusive", "TypeError: no basket")


def test_a_lost_worker_is_in_the_result_with_its_coverage() -> None:
    scene, run, (first, second), t0 = collecting()
    first.measure(t0, t0 + 10)
    first.done(DoneReason.COMPLETED, last_second=t0 + 10)
    second.measure(t0, t0 + 4)
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    assert (run.verdict, run.result.summary["lost"], run.result.summary["coverage"]) == ("inconclusive", [1], 0.7)


@pytest.mark.django_db(transaction=True)
def test_of_two_finishes_at_once_one_writes() -> None:
    scene, run = a_finished_load()
    both_here = threading.Barrier(2, timeout=20)
    poll = scene.backend.poll

    def meeting(handles: object) -> object:
        both_here.wait()
        return poll(handles)  # type: ignore[arg-type]

    scene.backend.poll = meeting  # type: ignore[method-assign, assignment]
    failures = list[BaseException]()

    def finish() -> None:
        try:
            finish_run(run.id, scene.parts)
        except BaseException as error:  # A thread's failure must reach the test.
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, Result.objects.filter(run=run).count()) == ([], 1)
    assert Run.objects.get(pk=run.id).state == RunState.ENDED
