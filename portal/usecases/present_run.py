"""Everything the page and the printed report of one run show, as plain values for a template. Reads rows; changes nothing."""

from __future__ import annotations

from typing import Any  # Any: template context and stored JSON

from django.utils import timezone

from portal.core.duration import format_duration
from portal.core.load import ClosedLoad, OpenLoad, level_at
from portal.core.plan import LoadPlan
from portal.models import Run, Worker
from portal.usecases.describe_run import (
    VERDICTS,
    key_numbers,
    live_numbers,
    milliseconds,
    number,
    observed,
    per_cent,
    plan_facts,
)
from portal.usecases.draw_chart import Chart, Line, draw
from portal.usecases.read_run import plan_of, progress_of, results_of

VERDICT_KINDS = {"passed": "success", "failed": "danger", "inconclusive": "warning"}
MOST_ROWS = 200
TIMES = ("http_req_", "iteration_duration", "group_duration")


def page_context(run: Run) -> dict[str, Any]:
    found = results_of(run)
    plan = plan_of(run)
    summary = found["summary"]
    return {
        "run": run,
        "head": _head(run, found),
        "meter": _meter(run, plan),
        "cards": _cards(run, summary),
        "thresholds": [_threshold(item) for item in found["thresholds"]],
        "charts": _charts(found["timeline"], plan),
        "requests": [_request(row) for row in (summary or {}).get("by_name", ())[:MOST_ROWS]],
        "errors": (summary or {}).get("errors", ())[:MOST_ROWS],
        "checks": [_check(row) for row in (summary or {}).get("checks", ())[:MOST_ROWS]],
        "metrics": [_metric(row) for row in (summary or {}).get("metrics", ())[:MOST_ROWS]],
        "workers": [_worker(row) for row in run.worker_rows.all()[:MOST_ROWS]],
        "facts": [*(plan_facts(plan) if plan else ()), *_who(run)],
        "warnings": plan.warnings if plan else (),
    }


def _cards(run: Run, summary: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """None before the first second was measured: a row of dashes says nothing."""
    if summary:
        return key_numbers(summary)
    progress = progress_of(run)
    return live_numbers(progress) if progress.get("requests") is not None else ()


def _head(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """What stands first: the verdict with its reasons, or what is going on."""
    title = VERDICTS.get(run.verdict, "") if run.is_over else run.get_state_display().capitalize()
    reasons = found["reasons"] or ([run.message] if run.message else [])
    return {
        "title": title or "Ended",
        "kind": VERDICT_KINDS.get(run.verdict, "info") if run.is_over else "info",
        "end_reason": run.get_end_reason_display() if run.end_reason else "",
        "reasons": reasons,
        "notes": [*found["notes"], *([run.message] if run.message and run.message not in reasons else [])],
    }


def _meter(run: Run, plan: LoadPlan | None) -> dict[str, Any] | None:
    """How far a run is that has started and goes on."""
    if run.is_over or run.started is None or plan is None:
        return None
    elapsed, planned = run.elapsed_seconds(timezone.now()), max(plan.duration.total_seconds(), 1)
    return {"share": min(100, round(100 * elapsed / planned)), "text": f"{elapsed:.0f} s of {format_duration(plan.duration)}"}


def _threshold(item: dict[str, Any]) -> dict[str, Any]:
    words = {True: ("met", "success"), False: ("not met", "danger"), None: ("no data yet", "")}
    text, kind = words[item["passed"]]
    return {"rule": item["text"], "observed": observed(item["text"], item["observed"]), "text": text, "kind": kind}


def _request(row: dict[str, Any]) -> dict[str, str]:
    latency = row.get("latency") or {}
    times = {name: milliseconds(latency.get(name)) for name in ("mean", "p50", "p90", "p95", "p99", "high")}
    return {
        "name": row.get("name") or "(no name)",
        "count": number(row.get("count")),
        "rate": number(row.get("per_second")),
        "failed": per_cent(row.get("failed"), row.get("count")),
        "is_bad": row.get("failed", 0) > 0,
        **times,
    }


def _check(row: dict[str, Any]) -> dict[str, Any]:
    whole = row["passed"] + row["failed"]
    counts = {name: number(row[name]) for name in ("passed", "failed")}
    return {"name": row["name"], **counts, "share": per_cent(row["passed"], whole), "is_bad": row["failed"] > 0}


def _metric(row: dict[str, Any]) -> dict[str, str]:
    latency = row.get("latency") or {}
    is_time = row["metric"].startswith(TIMES)
    say = per_cent if row["kind"] == "rate" else milliseconds if is_time else number
    rest = milliseconds if is_time else number
    return {"name": row["metric"], "kind": row["kind"], "value": say(row["value"]), "count": number(row["count"]),
            "p95": rest(latency.get("p95")), "high": rest(latency.get("high"))}  # fmt: skip


def _worker(row: Worker) -> dict[str, Any]:
    kinds = {"done": "success", "lost": "danger", "running": "info", "ready": "info"}
    return {
        "slot": row.slot, "epoch": row.epoch, "state": row.get_state_display(), "kind": kinds.get(row.state, ""),
        "cpu": f"{row.cpu_cores:.2f}", "memory": f"{row.memory_bytes / 1e6:,.0f} MB", "reference": row.reference,
        "message": row.message,
    }  # fmt: skip


def _who(run: Run) -> tuple[tuple[str, str], ...]:
    tags = ", ".join(f"{name} = {value}" for name, value in run.tags.items())
    moments = (("Asked for", run.created), ("Started", run.started), ("Ended", run.ended))
    rows = (("Asked for by", run.requested_by), ("Note", run.note), ("Tags", tags), ("Stopped by", run.stop_requested_by))
    times = ((name, f"{moment:%d %b %Y, %H:%M:%S} UTC") for name, moment in moments if moment)
    return (*((name, value) for name, value in rows if value), *times)


def _charts(timeline: list[dict[str, Any]], plan: LoadPlan | None) -> list[dict[str, Any]]:
    if len(timeline) < 2:
        return []
    seconds = [float(point["second"]) for point in timeline]
    step = seconds[1] - seconds[0] or 1.0
    columns = {name: [point.get(name) for point in timeline] for name in ("requests", "failed", "vus", "p50", "p95", "p99")}
    per_second = {name: [None if value is None else value / step for value in columns[name]] for name in ("requests", "failed")}
    latencies = (Line(name, kind, columns[name]) for name, kind in (("p99", "red"), ("p95", "amber"), ("p50", "teal")))
    requests = Line("requests", "blue", per_second["requests"], is_area=True)
    failed = Line("failed", "red", per_second["failed"], is_area=True)
    users = Line("running", "violet", columns["vus"], is_area=True)
    charts = (
        Chart("Requests per second", seconds, (requests, *_planned(seconds, plan, OpenLoad, "planned arrivals"))),
        Chart("Response time", seconds, tuple(latencies), " ms"),
        Chart("Failed requests per second", seconds, (failed,)),
        Chart("Virtual users", seconds, (users, *_planned(seconds, plan, ClosedLoad, "planned"))),
    )
    return [{"title": chart.title, "lines": chart.lines, "svg": svg} for chart in charts if (svg := draw(chart))]


def _planned(seconds: list[float], plan: LoadPlan | None, kind: type, name: str) -> tuple[Line, ...]:
    """What the load asked for, where it is of this kind. (One arrival may be several requests.)"""
    if plan is None or not isinstance(plan.load, (ClosedLoad, OpenLoad)) or not isinstance(plan.load, kind):
        return ()
    load = plan.load
    return (Line(name, "plan", [level_at(load, second) for second in seconds]),)
