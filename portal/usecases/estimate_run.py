"""What a request would take and cost, and whether it would start at all. Starts and writes nothing."""

from __future__ import annotations

from typing import Any  # Any: JSON answers

from portal.core import cost
from portal.core.access import Actor
from portal.core.duration import format_duration
from portal.core.request import LoadTestRequest
from portal.models.environment import Place
from portal.usecases.describe_run import load_in_words
from portal.usecases.request_run import Planned, plan_run
from portal.wiring import Parts


def validate_run(request: LoadTestRequest, parts: Parts, *, by: Actor) -> dict[str, Any]:
    """What would run. Raises the very RequestRejected that a start would."""
    planned = plan_run(request, parts, by=by)
    plan = planned.plan
    return {
        "valid": True, **_identity(planned), "load": load_in_words(plan.load), "workers": plan.workers,
        "duration_seconds": plan.duration.total_seconds(), "targets": dict(plan.targets), "script_digest": plan.script_digest,
        "thresholds": [rule.text for rule in plan.thresholds], "warnings": list(plan.warnings),
    }  # fmt: skip


def estimate_run(request: LoadTestRequest, parts: Parts, *, by: Actor) -> dict[str, Any]:
    """Workers, length, VU-hours, cost with the day its prices were read, and quotas. Raises RequestRejected."""
    planned = plan_run(request, parts, by=by)
    found = cost.estimate(planned.plan)
    billed = planned.environment.place != Place.LOCAL
    return {
        **_identity(planned), "workers": found.workers, "vus": found.vus, "vu_hours": found.vu_hours,
        "duration": format_duration(found.duration), "duration_seconds": found.duration.total_seconds(),
        "cost": {
            "low": found.cost.low, "likely": found.cost.likely, "high": found.cost.high, "currency": cost.CURRENCY,
            "region": cost.REGION, "worker": found.price.size, "prices_from": found.price.read.isoformat(),
            "left_out": list(cost.LEFT_OUT), "billed": billed,
        },
        "quotas": [
            {"name": quota.name, "used": quota.used, "default": quota.default, "exceeded": quota.is_exceeded}
            for quota in found.quotas
        ],
        "warnings": list(planned.plan.warnings),
    }  # fmt: skip


def _identity(planned: Planned) -> dict[str, Any]:
    plan = planned.plan
    return {"scenario": plan.scenario, "version": plan.version, "engine": plan.engine, "environment": plan.environment,
            "backend": plan.backend}  # fmt: skip
