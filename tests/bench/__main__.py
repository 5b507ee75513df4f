"""`make bench`: runs every measurement, prints a table and JSON, and appends the result to var/bench/history.jsonl."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from tests.bench import apart, engines, merging, start, taurus
from tests.bench.history import tell

PARTS: Mapping[str, Callable[[], dict[str, float]]] = {
    "merging": merging.measure,
    "engines": engines.measure,
    "taurus": taurus.measure,
    "start": start.measure,
    "controller": apart.controller,
    "long_run": apart.long_run,
}
LONG = ("long_run",)
"""Only where it is asked for by name: three days take ten minutes to be made up."""
GOALS = {
    "k6_throughput_ratio": ">= 0.95",
    "k6_agent_cpu_share": "<= 0.10",
    "artillery_throughput_ratio": ">= 0.97",
    "percentile_error_worst_per_cent": "<= 1",
    "count_error": "0",
    "max_error_ms": "0",
    "start_latency_median_s": "<= 2",
    "start_skew_p95_ms": "<= 300",
    "snapshot_bytes": "<= 11000",
    "controller_1000_cpu_cores": "< 1",
    "controller_1000_peak_mb": "< 500",
    "long_run_72h_store_mb": "< 100",
    "long_run_72h_open_results_ms": "< 500",
    "long_run_72h_finish_peak_mb": "< 400",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    # No `choices`: argparse would look for the empty list among them.
    parser.add_argument("parts", nargs="*", help=f"only these: {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or [name for name in PARTS if name not in LONG]
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}.")
    found: dict[str, float] = {}
    for name in chosen:
        found |= PARTS[name]()
    tell(found, GOALS)


if __name__ == "__main__":
    main()
