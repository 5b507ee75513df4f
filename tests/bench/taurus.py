"""The same script under Taurus and under our agent, in pairs, on one core: CPU seconds per 100,000 requests.

Taurus lives in an environment of its own (`make bench` makes it); without it this part is left out.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from portal.tools import find_tools
from tests.bench.engines import CORE, K6, SECONDS, TARGET_CORE, VUS, Round, k6_under_agent
from tests.bench.sink import Sink

BZT = Path(__file__).parents[2] / ".venv-taurus/bin/bzt"


def k6_under_taurus(k6: str, sink: Sink) -> Round:
    config = {
        "execution": [{"executor": "k6", "concurrency": VUS, "hold-for": f"{SECONDS}s", "scenario": "page"}],
        "scenarios": {"page": {"script": K6.file}},
        "settings": {"check-updates": False, "artifacts-dir": "artifacts"},
        "modules": {"console": {"disable": True}},
    }
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name:
        (Path(name) / K6.file).write_text(K6.text)
        (Path(name) / "page.json").write_text(json.dumps(config))
        environment = {"PATH": f"{Path(k6).parent}:{os.environ['PATH']}", "HOME": name, "TARGET_SHOP": sink.url,
                       "GOMAXPROCS": "1", "K6_NO_USAGE_REPORT": "true"}  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["taskset", "-c", str(CORE), str(BZT), "-q", "page.json"], cwd=name, env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    requests, seconds = sink.take()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Round(requests, requests / seconds, spent)


def measure(rounds: int = 3) -> dict[str, float]:
    if not BZT.exists():
        return {}
    tools, pairs = find_tools(os.environ.get("K6_BIN", "")), []
    with Sink(TARGET_CORE) as sink:
        for number in range(rounds):
            theirs, ours = k6_under_taurus(tools.k6, sink), k6_under_agent(tools, sink)
            print(f"  taurus {number}: {theirs}, ours {ours}", file=sys.stderr, flush=True)
            pairs.append((theirs, ours))
    cpu = [(a.engine / a.requests * 1e5, (b.engine + b.agent) / b.requests * 1e5) for a, b in pairs]
    return {
        "taurus_cpu_s_per_100k": round(statistics.median(a for a, _ in cpu), 1),
        "taurus_cpu_ratio_to_ours": round(statistics.median(a / b for a, b in cpu), 2),
        "taurus_throughput_ratio_to_ours": round(statistics.median(a.rate / b.rate for a, b in pairs), 3),
    }


if __name__ == "__main__":
    for key, value in measure().items():
        print(f"{key:34} {value:g}")
