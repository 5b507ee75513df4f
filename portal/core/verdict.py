"""The judgement on a run: passed, failed, or inconclusive when the data does not carry a judgement.

Invalid data comes first: a run whose generators were the bottleneck or whose data is incomplete is never `passed`.
An abort by a threshold stands on what was measured until then; only lost or sick workers make it doubtful. Lost workers of a
run that was to go on without them are a note, as long as no more is missing than a judgement bears.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from portal.core import trust
from portal.core.baseline import Comparison
from portal.core.health import LIMITS, Trust, WorkerHealth
from portal.core.loss import OnWorkerLoss
from portal.core.run_state import EndReason
from portal.core.summary import RunSummary
from portal.core.thresholds import ThresholdResult
from portal.core.trust import percent
from portal.core.window import MOST_VALUES, OTHER
from portal.core.words import proven

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
    trust: Trust = Trust.VALID
    comparison: Comparison | None = None
    """With the baseline, or with what is usual."""


def judge(
    summary: RunSummary, results: Sequence[ThresholdResult], *, end_reason: EndReason, workers: Sequence[WorkerHealth] = (),
    requested: float | None = None, achieved: float | None = None, on_loss: OnWorkerLoss = OnWorkerLoss.REPLACE,
) -> Verdict:  # fmt: skip
    """`requested` is the number of iterations (arrivals) the plan asked for, where it says so; `achieved` the part of the
    asked load that was made."""
    lost, is_abort = tuple(_lost(summary, workers)), end_reason is EndReason.THRESHOLD_ABORT
    doubtful, borne = ((), lost) if _is_borne(summary, on_loss) else (lost, ())
    load = () if is_abort else tuple(trust.of_load(summary, workers, lost=bool(lost), requested=requested, achieved=achieved))
    findings = (*load, *trust.of_workers(workers))
    invalid = tuple(finding.text for finding in findings if finding.trust is Trust.INVALID)
    milder = (finding.text for finding in findings if finding.trust is not Trust.INVALID)
    notes = (*borne, *_notes(summary, workers), *milder)
    worth = trust.worst((*findings, *(trust.Finding(Trust.INVALID, text) for text in doubtful),
                         *(trust.Finding(Trust.SUSPECT, text) for text in borne)))  # fmt: skip
    ended = (INVALIDATES[end_reason],) if end_reason in INVALIDATES else ()
    if doubts := (*doubtful, *ended, *invalid):
        return Verdict(Outcome.INCONCLUSIVE, doubts, notes, worth)
    aborted = ("A threshold stopped the run.",) if is_abort else ()
    faults = (*aborted, *(() if is_abort else _unanswered(summary)), *_broken_rules(results))
    if faults:
        return Verdict(Outcome.FAILED, faults, notes, worth)
    return Verdict(Outcome.PASSED, (_praise(summary, results),), notes, worth)


def compared(verdict: Verdict, comparison: Comparison | None, *, fails: bool) -> Verdict:
    """What got worse is a note, or with `fails` turns a run that would have passed into a failed one."""
    if comparison is None:
        return verdict
    worse = tuple(f"{change.text} ({comparison.basis})." for change in comparison.regressions)
    if worse and fails and verdict.outcome is Outcome.PASSED:
        return replace(verdict, outcome=Outcome.FAILED, reasons=worse, comparison=comparison)
    if verdict.outcome is not Outcome.INCONCLUSIVE and comparison.obstacles:
        worse = (f"Not comparable with {comparison.basis}: {', '.join(comparison.obstacles)}.",)
    return replace(verdict, notes=(*verdict.notes, *worse), comparison=comparison)


def _is_borne(summary: RunSummary, on_loss: OnWorkerLoss) -> bool:
    """Whether so little is missing that a run whose policy is to go on without lost workers still carries a judgement."""
    return on_loss is OnWorkerLoss.CONTINUE and LIMITS["missing"].rate(round(1 - summary.coverage, 6)) is not Trust.INVALID


def _lost(summary: RunSummary, workers: Sequence[WorkerHealth]) -> Iterator[str]:
    slots = sorted({*summary.lost, *(worker.slot for worker in workers if worker.lost)})
    if slots:
        what = "Worker" if len(slots) == 1 else "Workers"
        verb = "was" if len(slots) == 1 else "were"
        yield (f"{what} {_listed(slots)} of {summary.workers} {verb} lost; "
               f"{percent(summary.coverage)} of the planned measuring time is covered.")  # fmt: skip


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
            yield f"{result.threshold.text} failed: it was {proven(result.threshold.text, result.observed)}{_when(result)}."


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


def _when(result: ThresholdResult) -> str:
    return f" from second {result.since:.0f} to {result.until:.0f}" if result.threshold.is_windowed else ""


def _plural(number: int, one: str, more: str) -> str:
    return one if number == 1 else more
