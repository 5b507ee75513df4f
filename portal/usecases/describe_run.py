"""A run in words and numbers as people read them, for the admin and the command line. Pure but for the row it reads."""

from __future__ import annotations

from fractions import Fraction
from typing import Any  # Any: the summary as it was stored

from portal.core.duration import format_duration
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.loss import OnWorkerLoss
from portal.core.plan import LoadPlan
from portal.core.words import milliseconds, number, per_cent

VERDICTS = {"passed": "Passed", "failed": "Failed", "inconclusive": "Inconclusive"}


def load_in_words(load: Load) -> str:
    """`20 virtual users for 1m`, `5 arrivals/s for 30s`, `as scripted: 1m, up to 50 virtual users`."""
    if isinstance(load, ClosedLoad):
        return _steps(load, "virtual users", "")
    if isinstance(load, OpenLoad):
        limit = f", at most {_users(load.max_vus)}" if load.max_vus else ""
        return _steps(load, "arrivals/s", "/s") + limit
    length = format_duration(load.length) if load.length else "no fixed length"
    users = f", up to {_users(load.peak_vus)}" if load.peak_vus else ""
    return f"as scripted: {length}{users}"


def _steps(load: ClosedLoad | OpenLoad, what: str, unit: str) -> str:
    if load.is_constant:
        made = _users(load.start.numerator) if isinstance(load, ClosedLoad) else f"{_exact(load.start)} {what}"
        return f"{made} for {format_duration(load.stages[0].duration)}"
    steps = [f"{_exact(stage.target)}{unit} in {format_duration(stage.duration)}" for stage in load.stages[:6]]
    more = f" and {len(load.stages) - 6} more stages" if len(load.stages) > 6 else ""
    return f"{what}, from {_exact(load.start)}: " + ", ".join(steps) + more


def _users(count: int) -> str:
    return f"{count:,} virtual user{'' if count == 1 else 's'}"


def _exact(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):g}"


def key_numbers(summary: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The figures of a finished run, most wanted first."""
    latency = summary.get("latency") or {}
    requests = summary.get("requests") or 0
    return (
        ("Requests", number(requests)),
        ("Requests/s", number(summary.get("requests_per_second"))),
        ("Failed", per_cent(summary.get("failed"), requests)),
        ("p50", milliseconds(latency.get("p50"))),
        ("p95", milliseconds(latency.get("p95"))),
        ("p99", milliseconds(latency.get("p99"))),
        ("Slowest", milliseconds(latency.get("high"))),
        ("Iterations", number(summary.get("iterations"))),
        ("Virtual users", number(summary.get("vus_max"))),
        ("Coverage", per_cent(summary.get("coverage"))),
    )


def live_numbers(progress: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The figures of a run that goes on."""
    requests, dropped = progress.get("requests"), progress.get("dropped_iterations")
    return (
        ("Requests", number(requests)),
        ("Requests/s", number(progress.get("requests_per_second"))),
        ("Failed", per_cent(progress.get("failed"), requests)),
        *((f"{name}, last 10 s", milliseconds(progress.get(f"{name}_ms"))) for name in ("p50", "p95", "p99", "max")),
        ("p95, all", milliseconds(progress.get("p95_total_ms"))),
        *((("Dropped", number(dropped)),) if dropped else ()),
    )


def plan_facts(plan: LoadPlan) -> tuple[tuple[str, str], ...]:
    """What was planned."""
    named = (("Targets", plan.targets), ("Parameters", plan.parameters))
    return (
        ("Load", load_in_words(plan.load)),
        ("Workers", number(plan.workers)),
        ("Planned length", format_duration(plan.duration)),
        *((("Slices", f"{plan.slices} of {format_duration(plan.duration / plan.slices)}"),) if plan.slices > 1 else ()),
        *((("Elastic", "its parts move to workers that join the pool"),) if plan.elastic else ()),
        ("Backend", plan.backend),
        ("Environment", plan.environment),
        ("Engine", plan.engine),
        ("Script", f"{plan.scenario} v{plan.version}, {plan.script}"),
        *((("When a worker is lost", plan.on_worker_loss),) if plan.on_worker_loss is not OnWorkerLoss.CONTINUE else ()),
        ("Digest", plan.script_digest[:16]),
        *((title, ", ".join(f"{name} = {value}" for name, value in found.items())) for title, found in named if found),
    )
