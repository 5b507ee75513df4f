"""From the POST to the first request at the target, and how far apart 20 workers begin. `python -m tests.bench.start`."""

from __future__ import annotations

import argparse
import statistics
import time

from tests.bench.stage import PAGE, Stage, stage
from tests.bench.target import Target

SKEWED = "import exec from 'k6/execution';" + PAGE.replace("__ENV.PAGE || 'page'", "exec.vu.idInTest")


def start_latencies(on: Stage, target: Target, runs: int, workers: int) -> list[float]:
    """Seconds, one per run; the first run warms up and does not count."""
    found = []
    for number in range(runs + 1):
        target.forget()
        asked = time.time()
        run_id = on.start("lambda", {"scenario": "page", "vus": workers, "duration": "2s", "workers": workers})
        on.wait(run_id)
        first = target.first()
        if number and first is not None:
            found.append(first - asked)
    return found


def start_skews(on: Stage, target: Target, workers: int) -> list[float]:
    """How many ms after the common start each worker's first request came; one path per virtual user, one user per worker."""
    target.forget()
    results = on.wait(on.start("ec2", {"scenario": "skew", "vus": workers, "duration": "5s", "workers": workers}))
    t0 = results["summary"]["t0"]
    return sorted((times[0] - t0) * 1000 for times in target.arrivals.values())


def measure(runs: int = 7, workers: int = 20) -> dict[str, float]:
    with Target() as target, stage(target.url, {"page": PAGE, "skew": SKEWED}) as on:
        latencies = start_latencies(on, target, runs, 2)
        skews = start_skews(on, target, workers)
    return {
        "start_latency_median_s": round(statistics.median(latencies), 2),
        "start_latency_worst_s": round(max(latencies), 2),
        "start_skew_workers": len(skews),
        "start_skew_p95_ms": round(skews[int(0.95 * (len(skews) - 1))], 1),
        "start_skew_worst_ms": round(max(map(abs, skews)), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--workers", type=int, default=20)
    asked = parser.parse_args()
    for name, value in measure(asked.runs, asked.workers).items():
        print(f"{name:26} {value:g}")
