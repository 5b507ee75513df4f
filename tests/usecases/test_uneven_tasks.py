"""Two workers of which one did little and slowly: the case in which averaging their percentiles errs by up to 25 times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from portal.core.snapshot import Point
from portal.usecases.judge_run import judge_run
from tests.core.points import counter, rate, trend
from tests.usecases.watching import collecting

pytestmark = pytest.mark.django_db
SECONDS = 10


def spread(values: NDArray[np.float64], t0: int) -> list[Point]:
    """These response times, in equal parts over the seconds of the run."""
    parts: Sequence[NDArray[np.float64]] = np.array_split(values, SECONDS)
    return [
        point
        for second, part in enumerate(parts, start=t0)
        for point in (
            counter(second, "http_reqs", len(part), name="home", status="200"),
            rate(second, "http_req_failed", 0, len(part), name="home", status="200"),
            trend(second, "http_req_duration", part.tolist(), name="home", status="200"),
        )
    ]


def test_two_uneven_tasks_give_the_numbers_of_all_requests_together() -> None:
    random = np.random.default_rng(20)
    many, few = random.uniform(50, 100, 10_000), random.uniform(2000, 5000, 500)
    scene, run, (first, second), t0 = collecting(2)
    for worker, values in ((first, many), (second, few)):
        worker.measure(t0, t0 + SECONDS, spread(values, t0))
        worker.done(last_second=t0 + SECONDS)
    summary = judge_run(run, scene.store(run)).summary
    pooled = np.concatenate([many, few])
    latency = summary.latency
    assert latency is not None
    assert (summary.requests, latency.count, latency.high, latency.low) == (10_500, 10_500, pooled.max(), pooled.min())
    assert latency.mean == pytest.approx(float(pooled.mean()), rel=1e-9)
    for share, found in ((0.5, latency.p50), (0.95, latency.p95), (0.99, latency.p99), (0.999, latency.p999)):
        assert found == pytest.approx(float(np.quantile(pooled, share)), rel=0.01), share
    # What averaging over tasks says of the same data: 1.8 s, 2.5 s and 2.5 s.
    assert (round(latency.p50), round(latency.p95), round(latency.p99, -2)) == (76, 100, 4300)
