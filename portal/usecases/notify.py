"""Tells an environment's topic and dashboards of a run: that it started, that it is being stopped, how it ended.

A job of the queue: a run never waits for it and never fails because of it. It may be told twice; run and moment say so.
"""

from __future__ import annotations

import json
import logging
from enum import StrEnum
from typing import Any  # Any: a message as JSON

from portal import queue
from portal.core.aws_place import AwsPlace
from portal.core.errors import PortalError
from portal.core.summary import RunSummary
from portal.core.thresholds import ThresholdResult
from portal.core.wire import from_plain
from portal.models import Result, Run
from portal.models.worker import WorkerState
from portal.usecases.read_run import links
from portal.wiring import Parts

log = logging.getLogger("portal.notify")


class Moment(StrEnum):
    STARTED = "started"
    ABORTED = "aborted"
    ENDED = "ended"


def notify(run: Run, moment: Moment) -> None:
    """Enqueued with the caller's transaction; nothing for a run of this machine, which has no topic."""
    if run.aws:
        queue.enqueue("notify", run.id, moment)


def send_notice(run_id: str, moment: Moment, parts: Parts) -> None:
    """Each of the two may fail, is logged, and does not keep the other from being told."""
    run = Run.objects.select_related("version__scenario", "environment").filter(pk=run_id).first()
    place = run.where() if run else None
    if run is None or place is None:
        return
    message = _message(run, moment, parts)
    words = {"run": run.id, "moment": str(moment), "environment": run.environment.name, "backend": run.backend,
             "verdict": run.verdict}  # fmt: skip
    _try(lambda: parts.announcer(place).say(_subject(run, moment), json.dumps(message, indent=1), words), run, "message")
    if moment is Moment.ENDED:
        _try(lambda: _measure(run, message, place, parts), run, "metrics")


def _try(tell: Any, run: Run, what: str) -> None:
    try:
        tell()
    except PortalError as error:
        log.warning("notice_failed run_id=%s what=%s: %s", run.id, what, error.message)


def _subject(run: Run, moment: Moment) -> str:
    said = run.verdict or moment
    return f"Knopfdruck: {run.version.scenario.name} on {run.environment.name}: {said}"


def _message(run: Run, moment: Moment, parts: Parts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "run": run.id, "moment": str(moment), "scenario": run.version.scenario.name, "version": run.version.number,
        "environment": run.environment.name, "backend": run.backend, "state": run.state, "workers": run.workers,
        "requested_by": run.requested_by, "end_reason": run.end_reason, "verdict": run.verdict, "trust": run.trust,
        "message": run.message, "urls": links(run.id, parts.public_url),
    }  # fmt: skip
    result = Result.objects.filter(run=run).first()
    return found | (_numbers(run, result) if result is not None else {})


def _numbers(run: Run, result: Result) -> dict[str, Any]:
    summary = from_plain(RunSummary, result.summary)
    results = from_plain(tuple[ThresholdResult, ...], result.thresholds)
    failed = [one.evidence for one in results if one.passed is False]
    return {
        "numbers": {
            "requests": summary.requests, "failed": summary.failed, "requests_per_second": round(summary.requests_per_second, 2),
            "p95_ms": None if summary.latency is None else round(summary.latency.p95, 1), "seconds": summary.seconds,
            "coverage": summary.coverage, "vus_max": summary.vus_max,
        },
        "failed_thresholds": failed, "reasons": list(result.verdict.get("reasons", ())),
        "workers_lost": run.worker_rows.filter(state=WorkerState.LOST).count(),
    }  # fmt: skip


def _measure(run: Run, message: dict[str, Any], place: AwsPlace, parts: Parts) -> None:
    values: dict[str, tuple[float, str]] = {"RunsEnded": (1, "Count"), "Workers": (run.workers, "Count")}
    values |= {f"Runs{name.title()}": (float(run.verdict == name), "Count") for name in ("passed", "failed", "inconclusive")}
    if numbers := message.get("numbers"):
        values |= {"Requests": (numbers["requests"], "Count"), "FailedRequests": (numbers["failed"], "Count"),
                   "WorkersLost": (message["workers_lost"], "Count")}  # fmt: skip
        if numbers["p95_ms"] is not None:
            values["P95"] = (numbers["p95_ms"], "Milliseconds")
    parts.announcer(place).measure(values, {"Environment": run.environment.name, "Backend": run.backend})
