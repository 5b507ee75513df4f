"""A run in numbers: totals, quantiles, requests by name, errors, checks and custom metrics, with how much was covered.

Made from merged data only. Latencies are milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from portal.core.block import Block, Kind, SeriesKey
from portal.core.merge import Sink, by_label, collapse, per_second, select

NO_ANSWER = "no answer"
_SHOWN_ELSEWHERE = frozenset({"http_reqs", "http_req_failed", "http_req_duration", "checks", "iterations", "dropped_iterations",
                              "vus", "vus_max", "data_sent", "data_received"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Latency:
    """`count` values: their exact mean, smallest and largest, and quantiles within 0.4 %."""

    count: int
    mean: float
    low: float
    high: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float


@dataclass(frozen=True, slots=True)
class RequestStats:
    name: str
    count: int
    failed: int
    per_second: float
    latency: Latency | None


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Failed requests of one kind: `status` (503), `error` (the engine's words) or `error_code`. Each is in one row only."""

    kind: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class CheckStats:
    name: str
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class MetricStats:
    """`value`: of a gauge the mean of the workers' last, of a rate its ratio, of a counter its total, of a trend its mean."""

    metric: str
    kind: str
    count: float
    total: float
    value: float
    latency: Latency | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """`coverage` is the part (0..1) of planned worker-seconds that was measured; `lost` are slots."""

    t0: int | None
    seconds: float
    requests: int
    failed: int
    requests_per_second: float
    iterations: int
    dropped_iterations: int
    vus_max: int
    data_sent: float
    data_received: float
    latency: Latency | None
    by_name: tuple[RequestStats, ...]
    errors: tuple[ErrorCount, ...]
    checks: tuple[CheckStats, ...]
    metrics: tuple[MetricStats, ...]
    coverage: float
    workers: int
    lost: tuple[int, ...] = ()
    start_skew_ms: float | None = None
    achieved: float | None = None
    """The part (0..1) of the asked load that was made, where it is known."""


def summarise(
    block: Block, *, t0: int | None, seconds: float, coverage: float, workers: int, lost: tuple[int, ...] = (),
    start_skew_ms: float | None = None, vus_max: int | None = None,
) -> RunSummary:  # fmt: skip
    """`vus_max` where `block` is the totals of a run, in which the number of users of every second is no longer."""
    # Everything but the number of users is the same over all the time, so time is folded away once.
    whole = collapse(block, lambda key: key)
    requests, users = round(select(whole, "http_reqs").total), most_users(block) if vus_max is None else vus_max
    return RunSummary(
        t0=t0, seconds=seconds, requests=requests, failed=round(select(whole, "http_req_failed").total),
        requests_per_second=_per(requests, seconds), iterations=round(select(whole, "iterations").total),
        dropped_iterations=round(select(whole, "dropped_iterations").total), vus_max=users,
        data_sent=select(whole, "data_sent").total, data_received=select(whole, "data_received").total,
        latency=latency_of(select(whole, "http_req_duration")), by_name=_requests(whole, seconds), errors=_errors(whole),
        checks=_checks(whole), metrics=_metrics(whole), coverage=coverage, workers=workers, lost=lost,
        start_skew_ms=start_skew_ms,
    )  # fmt: skip


def latency_of(sink: Sink) -> Latency | None:
    """None where nothing was measured."""
    if sink.kind is not Kind.TREND or not sink.count:
        return None
    p50, p90, p95, p99, p999 = (sink.quantile(q) or 0.0 for q in (0.5, 0.9, 0.95, 0.99, 0.999))
    return Latency(round(sink.count), sink.total / sink.count, sink.low, sink.high, p50, p90, p95, p99, p999)


def _per(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def most_users(block: Block) -> int:
    """The most virtual users that ran in one second, over all workers.

    k6 samples `vus` once a second: with short iterations of an open load all may be idle then, and the prepared ones count.
    """
    for metric in ("vus", "vus_max"):
        most = round(float(np.max(per_second(block, metric).total, initial=0.0)))
        if most:
            return most
    return 0


def _requests(whole: Block, seconds: float) -> tuple[RequestStats, ...]:
    """Most requested first."""
    counts, failed, times = (by_label(whole, metric, "name") for metric in ("http_reqs", "http_req_failed", "http_req_duration"))
    found = (
        RequestStats(name, round(sink.total), _total(failed, name), _per(sink.total, seconds),
                     latency_of(times[name]) if name in times else None)
        for name, sink in counts.items()
    )  # fmt: skip
    return tuple(sorted(found, key=lambda stats: (-stats.count, stats.name)))


def _total(sinks: Mapping[str, Sink], name: str) -> int:
    return round(sinks[name].total) if name in sinks else 0


def _errors(whole: Block) -> tuple[ErrorCount, ...]:
    """Most frequent first. Errors outside of requests come as a counter of their own."""
    found: dict[tuple[str, str], float] = {}
    for point in _failures(whole).points():
        if point.total > 0:
            found[point.key.labels[0]] = point.total
    for name, sink in by_label(whole, "errors", "error").items():
        if name and sink.total > 0:
            found.setdefault(("error", name), sink.total)
    rows = (ErrorCount(kind, name, round(total)) for (kind, name), total in found.items())
    return tuple(sorted(rows, key=lambda row: (-row.count, row.kind, row.name)))


def _failures(whole: Block) -> Block:
    """Failed requests by cause. Only k6's http_req_failed knows both what the script expects and what came; Artillery's
    has no cause, and there every status from 400 on and every error is a failure."""
    causes = {"status", "error", "error_code"}
    failed = [key for key in whole.series if key.metric == "http_req_failed"]
    if failed and all(causes & dict(key.labels).keys() for key in failed):
        return collapse(whole, lambda key: _caused(key) if key.metric == "http_req_failed" else None)
    return collapse(whole, lambda key: _caused(key) if key.metric == "http_reqs" and _is_failure(dict(key.labels)) else None)


def _is_failure(labels: Mapping[str, str]) -> bool:
    status = labels.get("status", "")
    return bool(labels.get("error") or labels.get("error_code")) or (status.isdigit() and not 0 < int(status) < 400)


def _caused(key: SeriesKey) -> SeriesKey:
    return SeriesKey("", key.kind, (_cause(dict(key.labels)),))


def _cause(labels: Mapping[str, str]) -> tuple[str, str]:
    """An answer with a status speaks for itself; without one the engine's words, then its code."""
    status = labels.get("status", "0")
    if status.isdigit() and int(status) > 0:
        return ("status", status)
    for kind in ("error", "error_code"):
        if labels.get(kind):
            return (kind, labels[kind])
    return ("error", NO_ANSWER)


def _checks(whole: Block) -> tuple[CheckStats, ...]:
    found = by_label(whole, "checks", "check").items()
    return tuple(CheckStats(name, round(sink.total), round(sink.count - sink.total)) for name, sink in sorted(found) if name)


def _metrics(whole: Block) -> tuple[MetricStats, ...]:
    def change(key: SeriesKey) -> SeriesKey | None:
        return None if key.metric in _SHOWN_ELSEWHERE else SeriesKey(key.metric, key.kind)

    names = {key.metric for key in collapse(whole, change).series}
    return tuple(_metric(name, select(whole, name)) for name in sorted(names))


def _metric(name: str, sink: Sink) -> MetricStats:
    kind = sink.kind or Kind.COUNTER
    value = sink.total if kind is Kind.COUNTER else sink.mean
    return MetricStats(name, kind.name.lower(), sink.count, sink.total, value or 0.0, latency_of(sink))
