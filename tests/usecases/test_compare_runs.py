"""Accepting a baseline, and comparing: two runs of one's choice, or one with what is known of its kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any  # Any: columns of a summary

import pytest
from django.utils import timezone

from portal.core.baseline import Comparison
from portal.core.errors import Conflict, NotFound
from portal.core.load import ClosedLoad
from portal.core.run_state import RunState
from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Baseline, Run
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.compare_runs import compare_runs, compare_with_accepted, good_runs, subject_of
from portal.usecases.read_run import find_run
from tests.builders import ADA, BOB, a_latency, a_plan, a_run, a_scenario, a_summary, an_ended_run, an_environment

pytestmark = pytest.mark.django_db


def measured(days_ago: int = 0, *, p50: float = 43.0, outcome: Outcome = Outcome.PASSED, **columns: Any) -> Run:
    run = an_ended_run(outcome, created=timezone.now() - timedelta(days=days_ago), **columns)
    run.result.summary = to_plain(a_summary(latency=a_latency(p50)))
    run.result.save()
    return find_run(run.id, by=ADA)


def with_accepted(run: Run) -> Comparison | None:
    return compare_with_accepted(run, subject_of(run))


def test_a_run_is_accepted_as_baseline_and_replaced_by_the_next() -> None:
    first, second = measured(2), measured(1)
    assert accept_baseline(first.id, ADA).run == first
    again = accept_baseline(second.id, BOB)
    assert (again.run, again.accepted_by) == (second, "bob")
    assert Baseline.objects.count() == 1


def test_every_environment_and_backend_has_a_baseline_of_its_own() -> None:
    there = an_environment("staging")
    for run in (measured(), measured(environment=there), measured(backend="ec2"), measured(scenario=a_scenario("cart"))):
        accept_baseline(run.id, ADA)
    assert Baseline.objects.count() == 4


def test_what_carries_no_judgement_cannot_be_a_baseline() -> None:
    with pytest.raises(Conflict, match="inconclusive"):
        accept_baseline(measured(outcome=Outcome.INCONCLUSIVE).id, ADA)
    with pytest.raises(Conflict, match="no result"):
        accept_baseline(a_run(state=RunState.RUNNING).id, ADA)
    with pytest.raises(NotFound):
        accept_baseline("20200101-nothing", ADA)


def test_two_runs_are_compared_in_words_and_numbers() -> None:
    before, now = measured(1), measured(p50=60)
    found = compare_runs(now.id, before.id, by=ADA)
    assert (found["run"], found["runs"], found["comparable"]) == (now.id, [before.id], True)
    assert found["regressions"] == ["p50", "p95", "p99"]
    p95 = next(change for change in found["changes"] if change["measure"] == "p95")
    assert (p95["judgement"], p95["text"]) == ("worse", "p95 +40 %, outside the usual ±10 %")
    assert p95["change"] == pytest.approx(60 / 43 - 1)


def test_runs_of_different_loads_are_not_comparable_and_say_so() -> None:
    other = measured(plan=a_plan(load=ClosedLoad.constant(99, timedelta(seconds=10))))
    found = compare_runs(measured().id, other.id, by=ADA)
    assert (found["comparable"], found["obstacles"], found["regressions"]) == (False, ["different load"], [])


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.ENDED])
def test_a_run_without_a_result_cannot_be_compared(state: RunState) -> None:
    with pytest.raises(Conflict):
        compare_runs(measured().id, a_run(state=state).id, by=ADA)


def test_the_accepted_run_is_the_measure_and_the_last_good_ones_know_the_noise() -> None:
    baseline = measured(9, p50=45)
    for day, p50 in enumerate((43, 43.2, 42.8), start=1):
        measured(day, p50=p50)
    accept_baseline(baseline.id, ADA)
    found = with_accepted(measured(p50=60))
    assert found is not None
    assert (found.basis, found.runs) == (f"baseline {baseline.id}", (baseline.id,))
    assert found.regressions[0].text == "p50 +33 %, outside the usual ±2.2 %"


def test_without_a_baseline_the_last_good_runs_are_the_measure() -> None:
    for day, p50 in enumerate((43, 43.2, 42.8), start=1):
        measured(day, p50=p50)
    measured(1, p50=500, outcome=Outcome.FAILED)
    found = with_accepted(measured(p50=43.1))
    assert found is not None
    assert (found.basis, found.regressions) == ("the last 3 good runs", ())


def test_the_first_runs_have_nothing_to_be_compared_with() -> None:
    measured(1)
    assert with_accepted(measured()) is None


def test_the_baseline_is_not_compared_with_itself() -> None:
    run = measured()
    accept_baseline(run.id, ADA)
    assert with_accepted(run) is None


def test_a_result_of_another_version_is_passed_over() -> None:
    old = measured(1)
    old.result.summary = {"requests": 5}
    old.result.save()
    assert good_runs(measured()) == []
    accept_baseline(old.id, ADA)
    run = measured()
    assert with_accepted(run) is None
    with pytest.raises(Conflict, match="another version"):
        compare_runs(run.id, old.id, by=ADA)
