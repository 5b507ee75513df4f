"""Snapshots that come after the end raise the result's version; nothing else does."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.core.errors import StoreUnavailable
from portal.models import Result, Run
from portal.usecases.finish_run import finish_run
from portal.usecases.prune_runs import SNAPSHOTS_KEPT, prune_runs
from portal.usecases.revise_results import LATE, revise_results
from tests.usecases.parts import Scene
from tests.usecases.watching import collecting
from tests.usecases.workers import FakeWorker

pytestmark = pytest.mark.django_db


def ended_without_the_second_half() -> tuple[Scene, Run, FakeWorker, int]:
    """Ended; the second worker's store was away after 4 of 10 seconds."""
    scene, run, (first, second), t0 = collecting()
    first.measure(t0, t0 + 10)
    first.done(last_second=t0 + 10)
    second.measure(t0, t0 + 4)
    finish_run(run.id, scene.parts)
    run.refresh_from_db()
    return scene, run, second, t0


def the_result(run: Run) -> Result:
    return Result.objects.get(run=run)


def test_late_snapshots_count_and_raise_the_version() -> None:
    scene, run, late, t0 = ended_without_the_second_half()
    before = the_result(run)
    assert (before.version, run.verdict, before.summary["requests"]) == (1, "inconclusive", 140)
    assert [point["requests"] for point in before.timeline][3:5] == [20, 10]
    late.measure(t0 + 4, t0 + 10)
    late.done(last_second=t0 + 10)
    assert revise_results(scene.parts) == 1
    after = the_result(run)
    run.refresh_from_db()
    assert (after.version, run.verdict, run.state) == (2, "passed", "ended")
    assert (after.summary["requests"], after.summary["coverage"], after.summary["lost"]) == (200, 1.0, [])
    assert "Version 2: 1 snapshots that came after the end are counted." in after.verdict["notes"]
    assert [point["requests"] for point in after.timeline] == [20] * 10


def test_what_was_counted_is_not_counted_again() -> None:
    scene, run, late, t0 = ended_without_the_second_half()
    late.measure(t0 + 4, t0 + 6)
    assert [revise_results(scene.parts) for _ in range(3)] == [1, 0, 0]
    assert (the_result(run).version, the_result(run).summary["requests"]) == (2, 160)
    late.measure(t0 + 6, t0 + 10)
    assert revise_results(scene.parts) == 1
    assert (the_result(run).version, the_result(run).summary["requests"]) == (3, 200)


def test_a_snapshot_behind_a_missing_one_counts_and_so_does_the_missing_one() -> None:
    scene, run, late, t0 = ended_without_the_second_half()
    late.seq = 2
    late.measure(t0 + 6, t0 + 10)
    assert revise_results(scene.parts) == 1
    assert the_result(run).summary["coverage"] == 0.9
    assert [point["requests"] for point in the_result(run).timeline] == [20] * 4 + [10] * 2 + [20] * 4
    late.seq = 1
    late.measure(t0 + 4, t0 + 6)
    assert revise_results(scene.parts) == 1
    assert (the_result(run).summary["coverage"], the_result(run).version) == (1.0, 3)


def test_a_revision_that_died_before_it_was_kept_is_made_again() -> None:
    scene, run, late, t0 = ended_without_the_second_half()
    late.measure(t0 + 4, t0 + 10)
    scene.objects.error, scene.objects.only = StoreUnavailable("No answer."), "series/1/"
    assert revise_results(scene.parts) == 0
    scene.objects.error = None
    assert revise_results(scene.parts) == 1
    assert (the_result(run).summary["requests"], revise_results(scene.parts)) == (200, 0)


def test_whole_and_old_results_are_not_looked_at() -> None:
    scene, run, (first, second), t0 = collecting()
    for worker in (first, second):
        worker.measure(t0, t0 + 10)
        worker.done(last_second=t0 + 10)
    finish_run(run.id, scene.parts)
    second.measure(t0 + 10, t0 + 12)
    assert revise_results(scene.parts) == 0
    scene, run, late, t0 = ended_without_the_second_half()
    late.measure(t0 + 4, t0 + 10)
    Run.objects.filter(pk=run.id).update(ended=timezone.now() - 2 * LATE)
    assert (revise_results(scene.parts), the_result(run).version) == (0, 1)


def test_merged_snapshots_go_after_a_day_and_the_series_stay() -> None:
    scene, run, late, t0 = ended_without_the_second_half()
    late.measure(t0 + 4, t0 + 10)
    prune_runs(scene.parts)
    assert scene.store(run).snapshot_keys(), "it is young"
    Run.objects.filter(pk=run.id).update(ended=timezone.now() - 2 * SNAPSHOTS_KEPT)
    prune_runs(scene.parts)
    assert scene.store(run).snapshot_keys(), "one of them is not merged"
    Run.objects.filter(pk=run.id).update(ended=timezone.now())
    revise_results(scene.parts)
    Run.objects.filter(pk=run.id).update(ended=timezone.now() - 2 * SNAPSHOTS_KEPT)
    prune_runs(scene.parts)
    assert not scene.store(run).snapshot_keys()
    assert all(scene.store(run).series_keys(resolution) for resolution in (1, 10, 60))
