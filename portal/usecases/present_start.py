"""What the start page shows: runs that go on, the newest that ended, and what can be started. Reads rows; changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any  # Any: template context and stored JSON

from django.utils import timezone
from django.utils.timesince import timesince

from portal.core.access import Actor
from portal.core.run_state import RunState
from portal.core.words import NOTHING, milliseconds, number, per_cent
from portal.models import Run, Scenario
from portal.usecases.describe_run import load_in_words
from portal.usecases.list_templates import facts_of
from portal.usecases.present_run import VERDICT_KINDS, p95_ms, standing
from portal.usecases.read_run import progress_of, result_of

MOST_ALIVE, MOST_ENDED, MOST_SCENARIOS = 20, 8, 12
WAITS = RunState.AWAITING_APPROVAL


def present_start(by: Actor) -> dict[str, Any]:
    runs = Run.objects.seen_by(by).select_related("version__scenario", "environment", "result")
    light = runs.defer("plan", "version__script", "version__files", "version__facts", "result__timeline")
    return {
        "alive": [_run(run) for run in light.alive()[:MOST_ALIVE]],
        "ended": [_run(run) for run in light.filter(state=RunState.ENDED)[:MOST_ENDED]],
        "scenarios": _scenarios(),
    }


def _run(run: Run) -> dict[str, Any]:
    result = result_of(run)
    summary: dict[str, Any] = result.summary if result else progress_of(run)
    return {
        "id": run.id,
        "what": str(run.version),
        "where": f"{run.environment}, {run.backend}",
        "word": standing(run),
        "kind": VERDICT_KINDS.get(run.verdict, "") if run.is_over else "warning" if run.state == WAITS else "info",
        "requests": number(summary.get("requests")),
        "failed": per_cent(summary.get("failed"), summary.get("requests")),
        "p95": milliseconds(p95_ms(run)),
        "by": run.requested_by,
        "when": run.created,
        "ago": _ago(run.created),
    }


def _ago(moment: datetime) -> str:
    is_now = timezone.now() - moment < timedelta(minutes=1)
    return "just now" if is_now else f"{timesince(moment, depth=1)} ago"


def _scenarios() -> list[dict[str, Any]]:
    rows = Scenario.objects.filter(archived=False).prefetch_related("versions").order_by("name")[:MOST_SCENARIOS]
    return [_scenario(row) for row in rows]


def _scenario(row: Scenario) -> dict[str, Any]:
    latest = max(row.versions.all(), key=lambda version: version.number, default=None)
    facts = facts_of(latest) if latest else None
    return {
        "pk": row.pk,
        "name": row.name,
        "title": row.title,
        "engine": row.get_engine_display(),
        "load": load_in_words(facts.load).removeprefix("as scripted: ") if facts else NOTHING,
    }
