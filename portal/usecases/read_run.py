"""What is known about a run, as plain data: the same answer for the API, the CLI and the admin. Changes nothing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any  # Any: JSON answers, and the JSON columns they are made of

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

from portal.core.access import Actor
from portal.core.aws_place import AwsPlace
from portal.core.errors import NotFound, WireInvalid
from portal.core.plan import LoadPlan
from portal.core.recheck import plan_digest
from portal.core.thresholds import Threshold, evidence
from portal.core.wire import from_plain
from portal.models import Result, Run, Worker
from portal.models.worker import HAS_SLOT, WorkerState
from portal.usecases.describe_comparison import stored_comparison
from portal.usecases.describe_run import load_in_words
from portal.usecases.log_places import log_at, plain_log

_RUN_ID = re.compile(r"[A-Za-z0-9-]{1,32}")
_HEAVY = ("result__timeline", "version__script", "version__files", "version__facts")


def find_run(run_id: str, *, by: Actor) -> Run:
    """Raises NotFound, also for a run the actor may not see."""
    rows = Run.objects.seen_by(by).select_related("version__scenario", "environment", "result").defer(*_HEAVY)
    run = rows.filter(pk=run_id).first() if _RUN_ID.fullmatch(run_id) else None
    if run is None:
        raise NotFound(
            f"There is no run {run_id[:60]!r}.", hint="Starting a run answers with its id; lists of runs have it, too."
        )
    return run


def detail_of(run: Run, *, public_url: str = "", now: datetime | None = None) -> dict[str, Any]:
    """All that is said about a run in one answer: its status, what was planned, and the headline of what was measured."""
    plan, result = plan_of(run), result_of(run)
    summary = result.summary if result else {}
    latency = summary.get("latency") or {}
    return {
        **status_of(run, public_url=public_url, now=now),
        "load": load_in_words(plan.load) if plan else "",
        "script_digest": plan.script_digest if plan else "",
        "plan_digest": plan_digest(plan) if plan else "",
        "approved_by": run.approved_by or None,
        "estimated_cost": run.cost,
        "targets": dict(plan.targets) if plan else {},
        "requests": summary.get("requests"),
        "failed": summary.get("failed"),
        "p95_ms": latency.get("p95"),
        "coverage": summary.get("coverage"),
        "reasons": list(result.verdict.get("reasons") or ()) if result else [],
    }


def status_of(run: Run, *, public_url: str = "", now: datetime | None = None) -> dict[str, Any]:
    """Where the run stands. Numbers that are not known yet are null."""
    plan = plan_of(run)
    return {
        **identity(run),
        "state": run.state,
        "end_reason": run.end_reason or None,
        "verdict": run.verdict or None,
        "trust": run.trust or None,
        "message": run.message,
        "created": moment(run.created),
        "started": moment(run.started),
        "ended": moment(run.ended),
        "elapsed_seconds": round(run.elapsed_seconds(now or timezone.now())),
        "planned_seconds": None if plan is None else plan.duration.total_seconds(),
        "workers": worker_counts(run),
        "progress": {key: value for key, value in progress_of(run).items() if key not in ("workers", "thresholds")},
        "thresholds": thresholds_of(run),
        "warnings": list(plan.warnings) if plan else [],
        "note": run.note,
        "tags": run.tags,
        "urls": links(run.id, public_url),
    }


def results_of(run: Run, *, public_url: str = "") -> dict[str, Any]:
    """What was measured and how it was judged; `partial` until the run has ended and its result is written."""
    result = result_of(run)
    verdict: dict[str, Any] = result.verdict if result else {}
    place = run.where()
    return {
        **identity(run),
        "state": run.state,
        "end_reason": run.end_reason or None,
        "partial": not (run.is_over and result is not None),
        "verdict": run.verdict or None,
        "trust": run.trust or None,
        "reasons": list(verdict.get("reasons") or ([run.message] if run.is_over and run.message else [])),
        "notes": list(verdict.get("notes") or []),
        "message": run.message,
        "started": moment(run.started),
        "ended": moment(run.ended),
        "summary": result.summary if result else None,
        "progress": progress_of(run) if result is None else None,
        "thresholds": thresholds_of(run),
        "comparison": stored_comparison(verdict),
        "health": result.health if result else [],
        "workers": [worker_row(worker, run, place) for worker in run.worker_rows.all()],
        "timeline": result.timeline if result else [],
        "urls": links(run.id, public_url),
    }


def links(run_id: str, public_url: str) -> dict[str, str]:
    """Where to go on from a run."""
    run = f"{public_url}/load-tests/{run_id}"
    return {
        "status": f"{run}/status",
        "results": f"{run}/results",
        "stop": f"{public_url}/load-tests/stop",
        "page": f"{public_url}/admin/portal/run/{run_id}/change/",
        "self": run,
        "events": f"{run}/events",
        "report": f"{run}/report.html",
    }


def plan_of(run: Run) -> LoadPlan | None:
    """The run's plan; None where none was made or an older version wrote it."""
    try:
        return run.load_plan() if run.plan else None
    except WireInvalid:
        return None


def result_of(run: Run) -> Result | None:
    try:
        return run.result
    except ObjectDoesNotExist:
        return None


def progress_of(run: Run) -> dict[str, Any]:
    return run.progress if isinstance(run.progress, dict) else {}


def thresholds_of(run: Run) -> list[dict[str, Any]]:
    """Every threshold as text with what was observed: judged, so far, or not yet (observed and passed null)."""
    result = result_of(run)
    if result is not None:
        return [_judged(item) for item in result.thresholds]
    live = progress_of(run).get("thresholds")
    if isinstance(live, list):
        return [_judged(item) for item in live if isinstance(item, dict)]
    plan = plan_of(run)
    return [_judged({"text": rule.text}) for rule in (plan.thresholds if plan else ())]


def _judged(item: dict[str, Any]) -> dict[str, Any]:
    """`window`: the seconds after the start that `observed` is of; `evidence`: the same in a sentence, where it is crossed."""
    text, observed, passed = item.get("text") or _text(item.get("threshold")), item.get("observed"), item.get("passed")
    since, until = item.get("since"), item.get("until")
    found = {"text": text, "observed": observed, "passed": passed, "window": None, "evidence": None}
    if observed is None or since is None or until is None:
        return found
    said = evidence(text, observed, since, until) if passed is False else None
    return {**found, "window": {"from": since, "to": until}, "evidence": said}


def _text(rule: object) -> str:
    """A stored threshold as it is written: `http_req_duration{name:home} p(95)<300`."""
    try:
        return from_plain(Threshold, rule).text
    except WireInvalid:
        return str(rule or "")


def worker_counts(run: Run) -> dict[str, int]:
    """How many workers are where. A slot counts once: by its newest epoch."""
    found = dict.fromkeys(("ready", "running", "done", "lost"), 0)
    live = progress_of(run).get("workers")
    if isinstance(live, dict) and not run.is_over:
        found |= {name: int(live.get(name) or 0) for name in found}
    else:
        has_slot = run.worker_rows.filter(relief__in=HAS_SLOT)
        newest = {worker.slot: worker.state for worker in has_slot.order_by("slot", "epoch")}
        for state in newest.values():
            if state != WorkerState.LAUNCHED:
                found[str(state)] += 1
    return {"planned": run.workers, **found}


def worker_row(worker: Worker, run: Run, place: AwsPlace | None) -> dict[str, Any]:
    """`place` is the run's, read once for all of its workers."""
    return {
        "slot": worker.slot, "epoch": worker.epoch, "slice": worker.part, "state": worker.state, "reference": worker.reference,
        "cpu_cores": worker.cpu_cores, "memory_bytes": worker.memory_bytes, "message": worker.message,
        "last_beat": moment(worker.last_beat), "log": plain_log(log_at(worker, place, run.backend)),
    }  # fmt: skip


def identity(run: Run) -> dict[str, Any]:
    scenario = run.version.scenario
    return {
        "id": run.id, "scenario": scenario.name, "version": run.version.number, "engine": scenario.engine,
        "environment": run.environment.name, "backend": run.backend, "requested_by": run.requested_by,
    }  # fmt: skip


def moment(at: datetime | None) -> str | None:
    """`2026-11-24T10:00:00.000Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
