from __future__ import annotations

from dataclasses import replace
from typing import Any  # Any: fields of a comparison

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.baseline import Change, Comparison, Judgement
from portal.core.health import Trust, WorkerHealth
from portal.core.loss import OnWorkerLoss
from portal.core.observe import evaluate
from portal.core.run_state import EndReason
from portal.core.snapshot import Block
from portal.core.summary import ErrorCount, RunSummary, summarise
from portal.core.thresholds import ThresholdResult, parse_threshold
from portal.core.verdict import Outcome, Verdict, compared, judge
from portal.core.wire import from_plain, to_plain
from tests.core.points import request

GOOD = summarise(Block.of(request(1, times=[10, 20, 300])), t0=1, seconds=10, coverage=1, workers=4)
HEALTHY = tuple(WorkerHealth(slot, mean_cpu_cores=0.5, cores=2) for slot in range(4))


def results(*expressions: str) -> tuple[ThresholdResult, ...]:
    rules = [parse_threshold(*expression.split(" ")) for expression in expressions]
    return evaluate(rules, Block.of(request(1, times=[10, 20, 300])), seconds=10)


HOLDS, BROKEN = results("http_req_duration max<=300"), results("http_req_duration{name:home} max<200")


def verdict(
    summary: RunSummary = GOOD, found: tuple[ThresholdResult, ...] = HOLDS, *, end: EndReason = EndReason.COMPLETED,
    workers: tuple[WorkerHealth, ...] = HEALTHY, requested: float | None = None, on_loss: OnWorkerLoss = OnWorkerLoss.REPLACE,
) -> Verdict:  # fmt: skip
    return judge(summary, found, end_reason=end, workers=workers, requested=requested, on_loss=on_loss)


def test_a_healthy_run_whose_thresholds_hold_passes() -> None:
    assert verdict() == Verdict(Outcome.PASSED, ("3 requests in 10 s; the threshold holds.",))
    assert verdict(found=()).outcome is Outcome.PASSED


def test_a_broken_threshold_fails_the_run_and_says_by_how_much() -> None:
    found = verdict(found=(*HOLDS, *BROKEN))
    assert found == Verdict(Outcome.FAILED, ("http_req_duration{name:home} max<200 failed: it was 300 ms.",))


def test_a_threshold_without_data_fails_the_run() -> None:
    found = verdict(found=results("checks rate>0.9"))
    assert found == Verdict(Outcome.FAILED, ("checks rate>0.9 could not be judged: nothing was measured for it.",))


@pytest.mark.parametrize("end", sorted(set(EndReason) - {EndReason.COMPLETED, EndReason.THRESHOLD_ABORT}))
def test_a_run_that_did_not_end_by_itself_is_inconclusive_even_with_broken_thresholds(end: EndReason) -> None:
    found = verdict(found=BROKEN, end=end)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert len(found.reasons) == 1


def test_lost_workers_make_a_run_inconclusive_and_are_named() -> None:
    found = verdict(replace(GOOD, lost=(1,), coverage=0.9789), workers=(*HEALTHY[:3], WorkerHealth(3, lost=True)))
    assert found == Verdict(
        Outcome.INCONCLUSIVE,
        ("Workers 1, 3 of 4 were lost; 97.8 % of the planned measuring time is covered.",),
        trust=Trust.INVALID,
    )


@pytest.mark.parametrize("found", [HOLDS, BROKEN])
def test_a_run_that_was_to_go_on_without_lost_workers_is_judged_by_its_thresholds(found: tuple[ThresholdResult, ...]) -> None:
    summary = replace(GOOD, lost=(2,), coverage=0.9789)
    judged, whole = verdict(summary, found, on_loss=OnWorkerLoss.CONTINUE), verdict(found=found)
    assert (judged.outcome, judged.reasons) == (whole.outcome, whole.reasons)
    assert judged.notes[0] == "Worker 2 of 4 was lost; 97.8 % of the planned measuring time is covered."
    assert judged.trust is Trust.SUSPECT


@given(st.floats(0, 1), st.sampled_from(list(OnWorkerLoss)), st.sampled_from([HOLDS, BROKEN]), st.sampled_from(list(EndReason)))
def test_a_lost_worker_is_borne_by_that_policy_and_from_95_per_cent_on_only(
    coverage: float, policy: OnWorkerLoss, found: tuple[ThresholdResult, ...], end: EndReason
) -> None:
    coverage = round(coverage, 4)
    lost = verdict(replace(GOOD, lost=(2,), coverage=coverage), found, end=end, on_loss=policy)
    if policy is OnWorkerLoss.CONTINUE and coverage >= 0.95:
        assert lost.outcome is verdict(found=found, end=end).outcome
        assert lost.trust is not Trust.VALID
    else:
        assert (lost.outcome, lost.trust) == (Outcome.INCONCLUSIVE, Trust.INVALID)


def test_missing_data_makes_a_run_inconclusive() -> None:
    assert verdict(replace(GOOD, coverage=0.949)).outcome is Outcome.INCONCLUSIVE
    assert verdict(replace(GOOD, coverage=0.95)).outcome is Outcome.PASSED


def test_a_generator_at_its_limit_makes_a_run_inconclusive() -> None:
    found = verdict(workers=(*HEALTHY, WorkerHealth(7, mean_cpu_cores=1.82, cores=2)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "Worker 7 used 1.82 of its 2 cores" in found.reasons[0]
    assert (
        verdict(workers=(WorkerHealth(7, mean_cpu_cores=1.7, cores=2), WorkerHealth(8, mean_cpu_cores=9))).outcome
        is Outcome.PASSED
    )


def test_load_that_was_not_made_makes_a_run_inconclusive() -> None:
    dropped = replace(GOOD, iterations=94, dropped_iterations=6)
    assert verdict(dropped).outcome is Outcome.INCONCLUSIVE
    assert "6 of 100 planned iterations" in verdict(dropped).reasons[0]
    few = verdict(dropped, requested=200)
    assert (few.outcome, len(few.notes)) == (Outcome.PASSED, 1)


def test_unreadable_batches_and_empty_runs_are_inconclusive() -> None:
    assert "2 batches" in verdict(workers=(WorkerHealth(0, broken_batches=2),)).reasons[0]
    empty = summarise(Block.empty(), t0=1, seconds=10, coverage=1, workers=4)
    assert verdict(empty).outcome is Outcome.INCONCLUSIVE
    assert verdict(replace(empty, iterations=5)).outcome is Outcome.PASSED


def test_names_counted_together_are_noted_once_for_all_workers() -> None:
    (note,) = verdict(workers=(WorkerHealth(0, names_folded=30), WorkerHealth(1, names_folded=1234), WorkerHealth(2))).notes
    assert "500" in note
    assert "1,234 more are counted together as __other__" in note


def test_an_abort_by_a_threshold_is_a_failure_unless_workers_were_lost() -> None:
    found = verdict(replace(GOOD, coverage=0.2), BROKEN, end=EndReason.THRESHOLD_ABORT)
    assert found.outcome is Outcome.FAILED
    assert found.reasons[1].startswith("http_req_duration{name:home} max<200 failed")
    assert verdict(replace(GOOD, lost=(0,)), BROKEN, end=EndReason.THRESHOLD_ABORT).outcome is Outcome.INCONCLUSIVE


def test_a_run_nobody_answered_fails_with_the_cause() -> None:
    refused = summarise(Block.of(request(1, status="0", error="connection refused")), t0=1, seconds=1, coverage=1, workers=1)
    assert verdict(refused, ()) == Verdict(Outcome.FAILED, ("No request was answered: connection refused.",))
    answered = replace(refused, errors=(ErrorCount("status", "500", 1),))
    assert verdict(answered, ()).outcome is Outcome.PASSED


def test_what_does_not_decide_is_a_note() -> None:
    found = verdict(workers=(WorkerHealth(0, script_errors=12), WorkerHealth(1, script_errors=1)))
    assert (found.outcome, found.notes) == (Outcome.PASSED, ("13 iterations threw; the workers' logs say where.",))


def with_regression(**judgement: Any) -> Comparison:
    change = Change("p95", "ms", 100.0, 109.0, 4.0, Judgement.WORSE)
    return Comparison("the last 10 good runs", ("a",), (change,), **judgement)


def test_what_got_worse_is_a_note_unless_it_is_to_fail_the_run() -> None:
    said = "p95 +9 %, outside the usual ±4 % (the last 10 good runs)."
    noted = compared(verdict(), with_regression(), fails=False)
    assert (noted.outcome, noted.notes, noted.comparison) == (Outcome.PASSED, (said,), with_regression())
    failed = compared(verdict(), with_regression(), fails=True)
    assert (failed.outcome, failed.reasons) == (Outcome.FAILED, (said,))
    assert compared(verdict(found=BROKEN), with_regression(), fails=True).reasons == verdict(found=BROKEN).reasons
    assert compared(verdict(), None, fails=True) == verdict()


def test_a_run_that_cannot_be_compared_says_why() -> None:
    found = compared(verdict(), replace(with_regression(obstacles=("different load",)), changes=()), fails=True)
    assert (found.outcome, found.notes) == (Outcome.PASSED, ("Not comparable with the last 10 good runs: different load.",))


def test_a_verdict_survives_the_wire() -> None:
    found = compared(verdict(found=BROKEN), with_regression(), fails=False)
    assert from_plain(Verdict, to_plain(found)) == found
    assert from_plain(tuple[WorkerHealth, ...], to_plain(HEALTHY)) == HEALTHY
