"""What got worse against an accepted result. Small absolute changes are noise and are not reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.core.summary import RunSummary

NOISE_MS = 1.0
NOISE_RATE = 0.001


@dataclass(frozen=True, slots=True)
class Regression:
    """`measure` in words, before and now; `change` is relative (0.25: a quarter worse), None where before was 0."""

    measure: str
    before: float
    now: float
    change: float | None


def compare(summary: RunSummary, baseline: RunSummary, *, tolerance: float = 0.1) -> tuple[Regression, ...]:
    """Measures that are worse by more than `tolerance`. Whether the two loads can be compared is the caller's to know."""
    return tuple(_regressions(summary, baseline, tolerance))


def error_rate(summary: RunSummary) -> float:
    return summary.failed / summary.requests if summary.requests else 0.0


def _regressions(summary: RunSummary, baseline: RunSummary, tolerance: float) -> Iterator[Regression]:
    if summary.latency and baseline.latency:
        for measure, before, now in (
            ("p95 (ms)", baseline.latency.p95, summary.latency.p95),
            ("p99 (ms)", baseline.latency.p99, summary.latency.p99),
        ):
            if now - before > max(tolerance * before, NOISE_MS):
                yield _regression(measure, before, now)
    before, now = error_rate(baseline), error_rate(summary)
    if now - before > max(tolerance * before, NOISE_RATE):
        yield _regression("error rate", before, now)
    before, now = baseline.requests_per_second, summary.requests_per_second
    if before - now > tolerance * before:
        yield _regression("requests per second", before, now)


def _regression(measure: str, before: float, now: float) -> Regression:
    return Regression(measure, before, now, abs(now - before) / before if before else None)
