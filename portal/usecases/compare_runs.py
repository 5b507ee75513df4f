"""Compares runs: two of the user's choice, or a finished one with its baseline or with the last good runs like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any  # Any: plain data for answers

from portal.core.access import Actor
from portal.core.baseline import MOST_HISTORY, Comparison, Subject, compare, compare_with_usual
from portal.core.errors import Conflict, WireInvalid
from portal.core.run_state import RunState
from portal.core.summary import RunSummary
from portal.core.verdict import Outcome, compared
from portal.core.wire import from_plain
from portal.models import Baseline, Run
from portal.usecases.describe_comparison import plain_comparison
from portal.usecases.judge_run import Judged
from portal.usecases.read_run import find_run, result_of

LOOKED_AT = 3 * MOST_HISTORY
"""Good runs that are read to find enough with the same load."""


def compare_runs(run_id: str, other_id: str, *, by: Actor) -> dict[str, Any]:
    """The first run against the second, as plain data. Raises NotFound, and Conflict where one has no result."""
    run, other = find_run(run_id, by=by), find_run(other_id, by=by)
    return {"run": run.id, **plain_comparison(compare(subject_of(run), subject_of(other), good_runs(run)))}


def compare_with_accepted(run: Run, subject: Subject) -> Comparison | None:
    """Against the baseline, else against what is usual; None where neither is known."""
    history = good_runs(run)
    same = Baseline.objects.filter(scenario=run.version.scenario_id, environment=run.environment_id, backend=run.backend)
    baseline = same.exclude(run=run).select_related("run__result").first()
    if baseline is not None:
        try:
            return compare(subject, subject_of(baseline.run), history, basis=f"baseline {baseline.run_id}")
        except Conflict:
            pass  # Its result was written by a version that measured otherwise.
    return compare_with_usual(subject, history)


def with_comparison(run: Run, judged: Judged) -> Judged:
    """A fresh judgement with what it is beside its like."""
    plan, verdict = run.load_plan(), judged.verdict
    subject = Subject(run.id, plan, judged.summary, is_valid=verdict.outcome is not Outcome.INCONCLUSIVE)
    comparison = compare_with_accepted(run, subject)
    return replace(judged, verdict=compared(verdict, comparison, fails=plan.fail_on_regression))


def good_runs(run: Run) -> list[Subject]:
    """Earlier runs of the same scenario, environment and backend that passed, newest first."""
    rows = Run.objects.filter(
        version__scenario=run.version.scenario_id, environment=run.environment_id, backend=run.backend,
        state=RunState.ENDED, verdict=Outcome.PASSED, created__lt=run.created,
    )  # fmt: skip
    newest = rows.select_related("result").defer("result__timeline", "result__thresholds").order_by("-created")[:LOOKED_AT]
    found = []
    for row in newest:
        try:
            found.append(subject_of(row))
        except Conflict:
            continue
    return found


def subject_of(run: Run) -> Subject:
    """Raises Conflict when the run has no result, or one that this version cannot read."""
    result = result_of(run)
    if not run.is_over or result is None:
        raise Conflict(f"Run {run.id} has no result yet.", hint="Compare it when it has ended.")
    try:
        summary = from_plain(RunSummary, result.summary)
        return Subject(run.id, run.load_plan(), summary, is_valid=run.verdict != Outcome.INCONCLUSIVE)
    except WireInvalid as error:
        raise Conflict(f"The result of run {run.id} was written by another version and cannot be compared.") from error
