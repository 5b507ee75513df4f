"""Does memory stay flat? A real run of both engines for as long as asked: `python -m tests.bench.soak --minutes 120`.

Every 10 s the resident memory of each agent and of the portal's processes is written to a CSV file; at the end the slope over
the second half is told, in MB per hour: the first half is caches filling.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil

from tests.bench.stage import Stage, stage
from tests.bench.target import Target

EVERY_SECONDS = 10.0
K6 = """
import http from 'k6/http';
export const options = { vus: 1, duration: '1s' };
export default function () {
  for (let n = 0; n < 20; n += 1) http.get(`${__ENV.TARGET_SHOP}/page`, { tags: { name: `GET /page/${n}` } });
}
"""
ARTILLERY = """
config: { target: "{{ $env.TARGET_SHOP }}", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios: [{ flow: [{ get: { url: /page, name: one } }, { think: 1 }, { get: { url: /page, name: two } }] }]
"""


def processes(on: Stage, runs: dict[str, str]) -> dict[str, int]:
    """Resident bytes by what the process is."""
    found: dict[str, int] = defaultdict(int)
    for name, run_id in runs.items():
        for agent in on.portal.agents(run_id):
            found[f"{name} agent"] += agent.memory_info().rss
            found[f"{name} engine"] += sum(child.memory_info().rss for child in agent.children(recursive=True))
    for word in ("ticker", "qcluster", "gunicorn"):
        found[word] = sum(process.memory_info().rss for process in on.portal.children(word))
    return found


def soak(on: Stage, minutes: int, out: Path) -> dict[str, str]:
    load = {"duration": f"{minutes}m", "workers": 2}
    runs = {
        "k6": on.start("ec2", {"scenario": "soak-k6", "rate": 2, "max_vus": 10, **load}),
        "artillery": on.start("fargate", {"scenario": "soak-artillery", "rate": 4, **load}),
    }
    until = time.monotonic() + minutes * 60
    with out.open("w", newline="") as file:
        rows = csv.writer(file)
        while time.monotonic() < until:
            time.sleep(EVERY_SECONDS)
            try:
                for name, memory in processes(on, runs).items():
                    rows.writerow((round(time.time()), name, memory))
            except psutil.Error:
                continue
            file.flush()
    return runs


def slopes(out: Path) -> dict[str, tuple[float, float, float]]:
    """By process: MB at half time, MB at the end, MB per hour between them."""
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for at, name, memory in csv.reader(out.open()):
        series[name].append((float(at), float(memory) / 1e6))
    found = {}
    for name, points in series.items():
        half = np.array(points[len(points) // 2 : -2])
        slope = float(np.polyfit(half[:, 0], half[:, 1], 1)[0]) * 3600
        found[name] = (round(float(half[0, 1]), 1), round(float(half[-1, 1]), 1), round(slope, 2))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--out", type=Path, default=Path("var/bench/soak.csv"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with Target() as target, stage(target.url, {"soak-k6": K6}, {"soak-artillery": ARTILLERY}) as on:
        runs = soak(on, asked.minutes, asked.out)
        for name, run_id in runs.items():
            results = on.wait(run_id)
            measured, covered = results["summary"]["requests"], results["summary"]["coverage"]
            print(name, results["verdict"], f"{measured:,} requests, {covered:.1%} covered", *results["reasons"])
    print(f"{'process':18} {'half MB':>9} {'end MB':>9} {'MB/hour':>9}")
    for name, (half, end, slope) in slopes(asked.out).items():
        print(f"{name:18} {half:9.1f} {end:9.1f} {slope:9.2f}")


if __name__ == "__main__":
    main()
