"""From the POST to the first request at the target, on each backend of the stacks deployed in the emulator with IAM enforced.

`python -m tests.bench.start_aws`. Functions and instances are cold in the first run and warm in the others; a task is always new.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.stage import PAGE
from tests.bench.target import Target
from tests.infra.e2e.aws_stage import AwsStage, aws_stage

FLOW = """
config:
  target: "{{ $env.TARGET_SHOP }}"
  phases: [{ duration: 2, arrivalRate: 10 }]
scenarios: [{ flow: [{ get: { url: /page, name: page } }] }]
"""
SCENARIOS = {"lambda": "page", "fargate": "flow", "ec2": "page"}


def latencies(on: AwsStage, target: Target, backend: str, runs: int) -> list[float]:
    """Seconds, in the order of the runs."""
    found = []
    load = {"vus": 2, "duration": "2s"} if SCENARIOS[backend] == "page" else {}
    for _ in range(runs):
        target.forget()
        asked = time.time()
        on.wait(on.start(backend, {"scenario": SCENARIOS[backend], "workers": 2, **load}))
        first = target.first()
        if first is not None:
            found.append(first - asked)
    return found


def measure(runs: int) -> dict[str, list[float]]:
    scripts = {"page.js": PAGE, "flow.yml": FLOW}
    with (
        tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name,
        Target() as target,
        aws_stage(Path(name), {"shop": target.url}, scripts) as on,
    ):
        return {backend: latencies(on, target, backend, runs) for backend in SCENARIOS}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4)
    for name, values in measure(parser.parse_args().runs).items():
        said = " ".join(f"{value:.2f}" for value in values)
        print(f"{name:8} median {statistics.median(values):.2f} s, first {values[0]:.2f} s; all: {said}")
