"""A result from the store: coverage to the second, verdicts, script errors, and chunks that add up to the totals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.core.protocol import DoneReason, Start
from portal.core.run_state import EndReason, RunState
from portal.core.thresholds import parse_thresholds
from portal.core.verdict import Outcome
from portal.usecases.judge_run import Judged, judge_run
from tests.usecases.parts import Scene
from tests.usecases.watching import collecting
from tests.usecases.workers import workers_of

pytestmark = pytest.mark.django_db


def two_workers(first: int = 10, second: int = 10, *, ms: float = 100.0, reasons: tuple[DoneReason | None, ...] = (),
                end_reason: EndReason = EndReason.COMPLETED, **plan: Any) -> Judged:  # fmt: skip
    """Judged: a run of ten seconds in which the workers measured that long and ended so (None: without a word)."""
    scene, run, workers, t0 = collecting(end_reason=end_reason, **plan)
    words = reasons or (DoneReason.COMPLETED, DoneReason.COMPLETED)
    for worker, seconds, reason in zip(workers, (first, second), words, strict=True):
        if seconds:
            worker.measure(t0, t0 + seconds, ms=ms)
        if reason:
            worker.done(reason, first_second=t0, last_second=t0 + seconds, started_at=t0 + 0.004 * (worker.slot + 1))
    return judge_run(run, scene.store(run))


def test_a_whole_run_passes_with_exact_numbers() -> None:
    judged = two_workers()
    summary = judged.summary
    assert (judged.verdict.outcome, judged.end_reason) == (Outcome.PASSED, EndReason.COMPLETED)
    assert (summary.requests, summary.iterations, summary.failed, summary.vus_max) == (200, 200, 0, 20)
    assert (summary.seconds, summary.requests_per_second, summary.coverage, summary.lost) == (10.0, 20.0, 1.0, ())
    assert summary.start_skew_ms == pytest.approx(8.0)
    assert [result.passed for result in judged.results] == [True]
    assert sum(point.requests or 0 for point in judged.timeline) == 200


def test_a_failed_threshold_fails_the_run_with_its_value() -> None:
    judged = two_workers(ms=400.0)
    assert judged.verdict.outcome == Outcome.FAILED
    assert "p(95)<300 failed: it was 400 ms" in judged.verdict.reasons[0]


@pytest.mark.parametrize(
    ("seconds", "word", "coverage", "lost"),
    [
        (4, None, 0.7, (1,)),
        (4, DoneReason.ENGINE_FAILED, 0.7, (1,)),
        (4, DoneReason.STORE_FAILED, 0.7, (1,)),
        (4, DoneReason.TERMINATED, 0.7, (1,)),
        (0, DoneReason.NOT_STARTED, 0.5, (1,)),
        (0, None, 0.5, (1,)),
        (4, DoneReason.COMPLETED, 1.0, ()),
    ],
)
def test_the_coverage_of_a_lost_worker_is_exact(
    seconds: int, word: DoneReason | None, coverage: float, lost: tuple[int, ...]
) -> None:
    judged = two_workers(10, seconds, reasons=(DoneReason.COMPLETED, word))
    assert (judged.summary.coverage, judged.summary.lost, judged.summary.seconds) == (coverage, lost, 10.0)
    assert judged.verdict.outcome == (Outcome.INCONCLUSIVE if lost else Outcome.PASSED)


@pytest.mark.parametrize(("seconds", "outcome"), [(98, Outcome.PASSED), (90, Outcome.PASSED), (89, Outcome.INCONCLUSIVE)])
def test_a_worker_lost_near_the_end_is_a_note_that_says_what_is_missing(seconds: int, outcome: Outcome) -> None:
    verdict = two_workers(100, seconds, reasons=(DoneReason.COMPLETED, None), duration=timedelta(seconds=100)).verdict
    assert verdict.outcome == outcome
    hole = f"Worker 1 was lost at {seconds // 60}:{seconds % 60:02d}; {100 - seconds} s of its load are missing."
    assert hole in verdict.notes
    assert any(text.startswith("Worker 1 of 2 was lost;") for text in (*verdict.notes, *verdict.reasons))


@pytest.mark.parametrize("word", [None, DoneReason.ENGINE_FAILED, DoneReason.CONTROLLER_LOST])
def test_when_all_workers_are_lost_the_plan_says_what_is_missing(word: DoneReason | None) -> None:
    judged = two_workers(4, 4, reasons=(word, word), end_reason=EndReason.WORKERS_LOST)
    assert (judged.summary.coverage, judged.summary.lost) == (0.4, (0, 1))
    assert (judged.summary.seconds, judged.summary.requests_per_second) == (4.0, 20.0), "rates are over the measured time"
    assert "40 % of the planned measuring time" in judged.verdict.reasons[0]


@pytest.mark.parametrize(
    ("reason", "outcome"), [(EndReason.STOPPED_BY_USER, Outcome.INCONCLUSIVE), (EndReason.THRESHOLD_ABORT, Outcome.FAILED)]
)
@pytest.mark.parametrize("word", [DoneReason.STOPPED, DoneReason.TERMINATED])
def test_a_stopped_run_lost_nobody(reason: EndReason, outcome: Outcome, word: DoneReason) -> None:
    judged = two_workers(4, 5, reasons=(word, word), end_reason=reason)
    assert (judged.summary.coverage, judged.summary.lost, judged.summary.seconds) == (1.0, (), 5.0)
    assert judged.verdict.outcome == outcome


def test_a_hole_in_the_measurements_is_not_covered() -> None:
    scene, run, (only,), t0 = collecting(1)
    only.measure(t0, t0 + 4)
    only.measure(t0 + 6, t0 + 10)
    only.done(last_second=t0 + 10)
    judged = judge_run(run, scene.store(run))
    assert (judged.summary.coverage, judged.verdict.outcome) == (0.8, Outcome.INCONCLUSIVE)
    assert [point.requests is None for point in judged.timeline] == [second in (4, 5) for second in range(10)]


def test_a_script_that_throws_in_every_iteration_is_a_script_error_in_its_own_words() -> None:
    scene, run, (only,), t0 = collecting(1)
    only.measure(t0, t0 + 10, count=3)
    only.done(last_second=t0 + 10, script_errors=30, message="TypeError: cannot read property of undefined")
    judged = judge_run(run, scene.store(run))
    assert (judged.end_reason, judged.verdict.outcome) == (EndReason.SCRIPT_ERROR, Outcome.INCONCLUSIVE)
    assert judged.message == "TypeError: cannot read property of undefined"


def test_a_script_that_throws_now_and_then_is_a_note() -> None:
    scene, run, (only,), t0 = collecting(1)
    only.measure(t0, t0 + 10)
    only.done(last_second=t0 + 10, script_errors=2)
    judged = judge_run(run, scene.store(run))
    assert (judged.end_reason, judged.verdict.outcome) == (EndReason.COMPLETED, Outcome.PASSED)
    assert any("2 iterations threw" in note for note in judged.verdict.notes)


def test_an_unreadable_snapshot_is_noted_and_not_fatal() -> None:
    scene, run, (only,), t0 = collecting(1)
    only.measure(t0, t0 + 8)
    only.store.put_snapshot(0, 1, 1, b"\x00 broken")
    only.done(last_second=t0 + 10)
    judged = judge_run(run, scene.store(run))
    assert (judged.summary.requests, judged.summary.coverage) == (80, 0.8)
    assert "Snapshots that could not be read: 1." in judged.verdict.notes


def test_a_run_that_never_started_measured_nothing_and_lost_nobody() -> None:
    scene = Scene()
    run = scene.run(RunState.COLLECTING, columns={"end_reason": EndReason.LAUNCH_FAILED, "message": "No capacity."})
    workers_of(scene, run)
    judged = judge_run(run, scene.store(run))
    assert (judged.end_reason, judged.message, judged.verdict.outcome) == (
        EndReason.LAUNCH_FAILED, "No capacity.", Outcome.INCONCLUSIVE,
    )  # fmt: skip
    summary = judged.summary
    assert (summary.t0, summary.requests, summary.coverage, summary.lost, judged.timeline) == (None, 0, 0.0, (), ())


def test_a_run_stopped_in_the_moment_of_its_start_keeps_what_was_measured() -> None:
    scene = Scene()
    run = scene.run(RunState.COLLECTING, workers=1, columns={"end_reason": EndReason.STOPPED_BY_USER, "started": None})
    (only,), t0 = workers_of(scene, run), int(scene.clock.now())
    scene.store(run).start(Start(t0))
    only.measure(t0, t0 + 2)
    only.done(DoneReason.STOPPED, last_second=t0 + 2)
    summary = judge_run(run, scene.store(run)).summary
    assert (summary.t0, summary.seconds, summary.requests, summary.coverage) == (t0, 2.0, 20, 1.0)


def test_a_threshold_without_data_cannot_be_met() -> None:
    rules = parse_thresholds({"checkout_time": "p(95)<300"}, source="request")
    scene, run, (only,), t0 = collecting(1, thresholds=rules)
    only.measure(t0, t0 + 10)
    only.done(last_second=t0 + 10)
    assert judge_run(run, scene.store(run)).verdict.outcome == Outcome.FAILED
