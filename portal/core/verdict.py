"""The judgement on a run: passed, failed, or inconclusive when the data does not carry a judgement.

Invalid data comes first: a run whose generators were the bottleneck or whose data is incomplete is never `passed`.
An abort by a threshold stands on what was measured until then; only lost workers make it doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.core.health import WorkerHealth
from portal.core.run_state import EndReason
from portal.core.summary import RunSummary
from portal.core.thresholds import ThresholdResult
from portal.core.window import MOST_VALUES, OTHER

LEAST_COVERAGE, MOST_DROPPED = 0.95, 0.05
INVALIDATES = {
    EndReason.STOPPED_BY_USER: "The run was stopped before its end.",
    EndReason.WORKERS_LOST: "Workers were lost.",
    EndReason.LAUNCH_FAILED: "The workers could not be started.",
    EndReason.REJECTED: "The run was rejected.",
    EndReason.SCRIPT_ERROR: "The script failed.",
    EndReason.BUDGET_ABORT: "The run was stopped at its budget.",
    EndReason.DEADLINE: "The run was stopped at its deadline.",
}


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` say why, `notes` what else is worth knowing; both are sentences."""

    outcome: Outcome
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()


def judge(
    summary: RunSummary, results: Sequence[ThresholdResult], *, end_reason: EndReason, workers: Sequence[WorkerHealth] = (),
    requested: float | None = None,
) -> Verdict:  # fmt: skip
    """`requested` is the number of iterations (arrivals) the plan asked for, where it says so."""
    notes = tuple(_notes(summary, workers))
    lost = tuple(_lost(summary, workers))
    if end_reason is EndReason.THRESHOLD_ABORT and not lost:
        return Verdict(Outcome.FAILED, ("A threshold stopped the run.", *_broken_rules(results)), notes)
    doubts = (*lost, *_doubts(summary, end_reason, workers, requested))
    if doubts:
        return Verdict(Outcome.INCONCLUSIVE, doubts, notes)
    faults = (*_unanswered(summary), *_broken_rules(results))
    if faults:
        return Verdict(Outcome.FAILED, faults, notes)
    return Verdict(Outcome.PASSED, (_praise(summary, results),), notes)


def _lost(summary: RunSummary, workers: Sequence[WorkerHealth]) -> Iterator[str]:
    slots = sorted({*summary.lost, *(worker.slot for worker in workers if worker.lost)})
    if slots:
        what = "Worker" if len(slots) == 1 else "Workers"
        verb = "was" if len(slots) == 1 else "were"
        yield (f"{what} {_listed(slots)} of {summary.workers} {verb} lost; "
               f"{_percent(summary.coverage)} of the planned measuring time is covered.")  # fmt: skip


def _doubts(
    summary: RunSummary, end_reason: EndReason, workers: Sequence[WorkerHealth], requested: float | None
) -> Iterator[str]:
    if end_reason in INVALIDATES:
        yield INVALIDATES[end_reason]
    if summary.coverage < LEAST_COVERAGE:
        yield (f"Only {_percent(summary.coverage)} of the planned measuring time is covered; "
               f"at least {LEAST_COVERAGE:.0%} is needed.")  # fmt: skip
    for worker in workers:
        if worker.was_bottleneck:
            yield (f"Worker {worker.slot} used {worker.mean_cpu_cores:.2f} of its {worker.cores:g} cores on average: "
                   "the generator was the bottleneck. Use more workers.")  # fmt: skip
    planned = requested or summary.iterations + summary.dropped_iterations
    if planned and summary.dropped_iterations > MOST_DROPPED * planned:
        yield (f"{summary.dropped_iterations:,} of {planned:,.0f} planned iterations were dropped because "
               "no virtual user was free: the load asked for was not made. Allow more virtual users or workers.")  # fmt: skip
    broken = sum(worker.broken_batches for worker in workers)
    if broken:
        yield f"{broken:,} {_plural(broken, 'batch', 'batches')} of measurements could not be read."
    if not summary.requests and not summary.iterations:
        yield "Nothing was measured: no request and no iteration."


def _unanswered(summary: RunSummary) -> Iterator[str]:
    """Every request failed, and none with a status: there was nobody at the other end."""
    if summary.requests and summary.failed >= summary.requests and not any(row.kind == "status" for row in summary.errors):
        cause = f": {summary.errors[0].name}" if summary.errors else ""
        yield f"No request was answered{cause}."


def _broken_rules(results: Sequence[ThresholdResult]) -> Iterator[str]:
    for result in results:
        if result.observed is None or result.passed is None:
            yield f"{result.threshold.text} could not be judged: nothing was measured for it."
        elif not result.passed:
            yield f"{result.threshold.text} failed: it was {_number(result.observed)}."


def _notes(summary: RunSummary, workers: Sequence[WorkerHealth]) -> Iterator[str]:
    thrown = sum(worker.script_errors for worker in workers)
    if thrown:
        yield f"{thrown:,} {_plural(thrown, 'iteration', 'iterations')} threw; the workers' logs say where."
    folded = max((worker.names_folded for worker in workers), default=0)
    if folded:
        yield (f"There were more request names than the {MOST_VALUES} that are kept apart: {folded:,} more are counted together "
               f"as {OTHER}. Give requests with ids in their address a fixed name.")  # fmt: skip
    failed = sum(check.failed for check in summary.checks)
    if failed:
        yield f"{failed:,} {_plural(failed, 'check', 'checks')} failed; checks alone do not fail a run."
    if summary.dropped_iterations:
        number = summary.dropped_iterations
        yield f"{number:,} {_plural(number, 'iteration was', 'iterations were')} dropped because no virtual user was free."


def _praise(summary: RunSummary, results: Sequence[ThresholdResult]) -> str:
    made = f"{summary.requests:,} {_plural(summary.requests, 'request', 'requests')} in {summary.seconds:g} s"
    if not results:
        return f"{made}; no threshold was set."
    if len(results) == 1:
        return f"{made}; the threshold holds."
    return f"{made}; all {len(results)} thresholds hold."


def _listed(slots: Sequence[int]) -> str:
    shown = ", ".join(map(str, slots[:10]))
    return shown if len(slots) <= 10 else f"{shown} and {len(slots) - 10} more"


def _percent(part: float) -> str:
    # Rounded down, so that 99.96 % is not told as 100.0 %.
    return f"{int(part * 1000) / 10:g} %"


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _plural(number: int, one: str, more: str) -> str:
    return one if number == 1 else more
