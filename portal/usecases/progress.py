"""The newest numbers of a running run, small enough for a row, a list and a progress line."""

from __future__ import annotations

from typing import Any  # Any: what is known of each threshold, as it lies in the row

from portal.core.block import Block
from portal.core.merge import select
from portal.core.merged_run import MergedRun
from portal.usecases.census import Census

RATE_SECONDS, LATENCY_SECONDS = 5, 10


def progress_of(
    series: MergedRun, census: Census, thresholds: list[dict[str, Any]], *, t0: int | None, newest: int
) -> dict[str, object]:
    """`newest` is the first second not accounted for yet; rates and latencies are of the seconds before it.

    Latencies in ms, None where nothing was measured.
    """
    known: dict[str, object] = {"workers": {**census.counts(), "planned": census.expected, "launched": len(census.rows)}}
    if t0 is None or newest <= t0:
        return known
    totals, recent = series.totals(), series.recent(newest - LATENCY_SECONDS, newest)
    seconds = min(RATE_SECONDS, newest - t0)
    lately = select(recent, "http_reqs", since=newest - seconds, until=newest)
    return {
        **known,
        "second": newest - t0,
        "vus": round(select(recent, "vus", since=newest - 1, until=newest).total),
        "requests": round(select(totals, "http_reqs").total),
        "failed": round(select(totals, "http_req_failed").total),
        "requests_per_second": round(lately.total / seconds, 1),
        "iterations_per_second": round(select(recent, "iterations", since=newest - seconds, until=newest).total / seconds, 1),
        "dropped_iterations": round(select(totals, "dropped_iterations").total),
        "iterations": round(select(totals, "iterations").total),
        **_latencies(recent),
        "p95_total_ms": select(totals, "http_req_duration").quantile(0.95),
        "thresholds": thresholds,
    }


def _latencies(recent: Block) -> dict[str, float | None]:
    sink = select(recent, "http_req_duration")
    quantiles = {f"p{q}_ms": sink.quantile(q / 100) for q in (50, 95, 99)}
    return {**quantiles, "max_ms": sink.high if sink.count else None}
