"""Everything the page and the printed report of one run show, as plain values for a template. Reads rows; changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any  # Any: template context and stored JSON

from django.utils.dateparse import parse_datetime

from portal.core.duration import format_duration
from portal.core.errors import WireInvalid
from portal.core.load import ClosedLoad, OpenLoad, level_at
from portal.core.plan import LoadPlan
from portal.core.run_state import RunState
from portal.core.timeline import TimePoint
from portal.core.wire import from_plain
from portal.core.words import TIMES, milliseconds, number, observed, per_cent
from portal.models import Run
from portal.stores.run_store import RunStore
from portal.usecases.describe_comparison import shown_comparison
from portal.usecases.describe_run import VERDICTS, key_numbers, live_numbers, plan_facts
from portal.usecases.draw_chart import clock
from portal.usecases.expire_approvals import APPROVED_WITHIN
from portal.usecases.live_timeline import read_timeline
from portal.usecases.read_events import newest_sentences
from portal.usecases.read_run import plan_of, progress_of, result_of, results_of

VERDICT_KINDS = {"passed": "success", "failed": "danger", "inconclusive": "warning"}
STATE_KINDS = {"running": "info", "queued": "warning", "awaiting approval": "warning"}
TRUST_KINDS = {"valid": "success", "suspect": "warning", "invalid": "danger"}
PARTS = ("head", "cards", "thresholds", "workers", "log", "details")
"""The templates of which the page consists, and which its script replaces while the run goes on."""
MOST_ROWS, MOST_WORKERS, MOST_LINES = 200, 50, 100


def standing(run: Run) -> str:
    """The verdict of a run that carries one, else where it stands."""
    return run.verdict or (run.get_end_reason_display() if run.is_over else run.get_state_display())


def p95_ms(run: Run) -> float | None:
    """Of the result, else of what is known so far."""
    result = result_of(run)
    return (result.summary.get("latency") or {}).get("p95") if result else progress_of(run).get("p95_total_ms")


def page_context(run: Run) -> dict[str, Any]:
    found = results_of(run)
    plan = plan_of(run)
    summary = found["summary"]
    return {
        "run": run,
        "head": _head(run, found),
        "meter": _meter(run, plan),
        "cards": _cards(run, summary, plan),
        "thresholds": [_threshold(item) for item in found["thresholds"]],
        "comparison": shown_comparison(found["comparison"]),
        "requests": [_request(row) for row in (summary or {}).get("by_name", ())[:MOST_ROWS]],
        "errors": (summary or {}).get("errors", ())[:MOST_ROWS],
        "checks": [_check(row) for row in (summary or {}).get("checks", ())[:MOST_ROWS]],
        "metrics": [_metric(row) for row in (summary or {}).get("metrics", ())[:MOST_ROWS]],
        "workers": _workers(found["workers"]),
        "log": _log(run),
        "facts": [*(plan_facts(plan) if plan else ()), *_who(run)],
        "warnings": plan.warnings if plan else (),
    }


def _cards(run: Run, summary: dict[str, Any] | None, plan: LoadPlan | None) -> tuple[tuple[str, str], ...]:
    """None before the first second was measured: a row of dashes says nothing."""
    if summary:
        return key_numbers(summary)
    progress = progress_of(run)
    return (*_load_card(progress, plan), *live_numbers(progress)) if progress.get("requests") is not None else ()


def _load_card(progress: dict[str, Any], plan: LoadPlan | None) -> tuple[tuple[str, str], ...]:
    """The load as it is, of the load as it was planned for this second."""
    load = plan.load if plan else None
    name, key = ("Arrivals/s", "iterations_per_second") if isinstance(load, OpenLoad) else ("Virtual users", "vus")
    made = number(progress.get(key))
    if not isinstance(load, (OpenLoad, ClosedLoad)):
        return ((name, made),)
    planned = level_at(load, max(0, progress.get("second", 1) - 1))
    return ((name, f"{made} of {number(round(planned, 1))}"),)


def _head(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """What stands first: the verdict with its reasons, or what is going on."""
    title = VERDICTS.get(run.verdict, "") if run.is_over else run.get_state_display().capitalize()
    waits = [_waits(run)] if run.state == RunState.AWAITING_APPROVAL else []
    reasons = waits or found["reasons"] or ([run.message] if run.message else [])
    return {
        "title": title or "Ended",
        "kind": "warning" if waits else VERDICT_KINDS.get(run.verdict, "info") if run.is_over else "info",
        "end_reason": run.get_end_reason_display() if run.end_reason else "",
        "reasons": reasons,
        "notes": [*found["notes"], *([run.message] if run.message and run.message not in reasons else [])],
    }


def _waits(run: Run) -> str:
    who = f"{run.requested_by} asked for this run" if run.requested_by else "This run was asked for"
    hours = APPROVED_WITHIN // timedelta(hours=1)
    return f"{who}. Somebody else who may approve runs has to release it within {hours} hours; until then nothing starts."


def _meter(run: Run, plan: LoadPlan | None) -> dict[str, Any] | None:
    """How far a run is that has started and goes on, by what was measured: it stands still when the numbers do."""
    if run.is_over or run.started is None or plan is None:
        return None
    measured = timedelta(seconds=float(progress_of(run).get("timeline_until") or 0))
    share = measured / max(plan.duration, timedelta(seconds=1))
    return {"share": min(100, round(100 * share, 1)), "text": f"{format_duration(measured)} of {format_duration(plan.duration)}"}


def _log(run: Run) -> dict[str, Any]:
    """What was said of the run, mostly by its engines; the newest last."""
    rows, is_cut = newest_sentences(run.id, MOST_LINES)
    return {"lines": [{"at": f"{row.at:%H:%M:%S}", "text": row.text} for row in rows], "is_cut": is_cut}


def _threshold(item: dict[str, Any]) -> dict[str, Any]:
    words = {True: ("met", "success"), False: ("not met", "danger"), None: ("no data yet", "")}
    text, kind = words[item["passed"]]
    return {"rule": item["text"], "observed": observed(item["text"], item["observed"]), "text": text, "kind": kind,
            "window": _window(item.get("window"))}  # fmt: skip


def _window(window: dict[str, float] | None) -> str:
    return "" if window is None else f"{clock(int(window['from']))} to {clock(int(window['to']))}"


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


def _workers(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All of them counted, and a table of the first; the lost before all others."""
    counts = {state: sum(row["state"] == state for row in rows) for state in dict.fromkeys(row["state"] for row in rows)}
    ordered = sorted(rows, key=lambda row: row["state"] != "lost")
    return {
        "count": len(rows),
        "words": ", ".join(f"{count} {state}" for state, count in counts.items()),
        "rows": [_worker(row) for row in ordered[:MOST_WORKERS]],
        "left": max(0, len(rows) - MOST_WORKERS),
        "lost": [row for row in rows if row["state"] == "lost"],
        "epochs": any(row["epoch"] > 1 for row in rows),
    }


def _worker(row: dict[str, Any]) -> dict[str, Any]:
    kinds = {"done": "success", "lost": "danger", "running": "info", "ready": "info"}
    return {
        "slot": row["slot"], "epoch": row["epoch"], "state": row["state"], "kind": kinds.get(row["state"], ""),
        "cpu": f"{row['cpu_cores']:.2f}", "memory": f"{row['memory_bytes'] / 1e6:,.0f} MB", "reference": row["reference"],
        "message": row["message"].removeprefix("completed.").strip(),  # The state says so.
        "log": row["log"],
    }  # fmt: skip


def lost_workers(run: Run, workers: dict[str, Any]) -> list[dict[str, Any]]:
    """Where the charts mark that a worker fell silent."""
    silent = ((row["slot"], parse_datetime(row["last_beat"] or "")) for row in workers["lost"])
    return [
        {"second": max(0, round((moment - run.started).total_seconds())), "text": f"worker {slot} lost"}
        for slot, moment in silent
        if moment and run.started
    ]


def points_of(run: Run, store: Callable[[str], RunStore] | None = None) -> tuple[tuple[TimePoint, ...], float | None]:
    """The whole timeline and the second where it ends: the result's, or what the watcher has left in the store so far."""
    result = result_of(run)
    if result is None:
        if store is None:
            return (), None
        until = int(progress_of(run).get("timeline_until") or 0)
        return read_timeline(store(run.id), until), until
    try:
        return from_plain(tuple[TimePoint, ...], result.timeline), result.summary.get("seconds")
    except WireInvalid:  # A result of another version: its page has no charts, and all its numbers.
        return (), None


def _who(run: Run) -> tuple[tuple[str, str], ...]:
    tags = ", ".join(f"{name} = {value}" for name, value in run.tags.items())
    moments = (("Asked for", run.created), ("Started", run.started), ("Ended", run.ended))
    rows = (("Asked for by", run.requested_by), ("Note", run.note), ("Tags", tags), ("Stopped by", run.stop_requested_by))
    times = ((name, f"{moment:%d %b %Y, %H:%M:%S} UTC") for name, moment in moments if moment)
    return (*((name, value) for name, value in rows if value), *times)
