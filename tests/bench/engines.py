"""What measuring costs an engine: throughput and CPU under the agent against the bare engine, in pairs, on one core.

The engine (and the agent with it) has core 0, the target core 1. `python -m tests.bench.engines [--rounds 8]`.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from portal.core.load import ClosedLoad, OpenLoad
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.tools import find_tools
from tests.bench.lone_worker import Spent, live
from tests.bench.sink import Sink

CORE, TARGET_CORE = 0, 1
VUS, SECONDS, USERS, LOOPS = 20, 10, 20, 6000
K6 = ScriptSource("k6", "page.js", """
import http from 'k6/http';
export default function () { http.get(`${__ENV.TARGET_SHOP}/page`, { tags: { name: 'page' } }); }
""")  # fmt: skip
ARTILLERY = ScriptSource("artillery", "page.yml", f"""
config: {{target: "{{{{ $env.TARGET_SHOP }}}}", phases: [{{duration: 1, arrivalCount: {USERS}}}], http: {{pool: {USERS}}}}}
scenarios: [{{flow: [{{loop: [{{get: {{url: /page, name: page}}}}], count: {LOOPS}}}]}}]
""")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Round:
    """One run: requests per second at the target, and CPU seconds."""

    requests: int
    rate: float
    engine: float
    agent: float = 0.0


def k6_alone(tools: EngineTools, sink: Sink) -> Round:
    argv = [tools.k6, "run", "--quiet", "--no-color", "--no-usage-report", "--no-thresholds", "--no-summary", "--address", "",
            "--include-system-env-vars", "--vus", str(VUS), "--duration", f"{SECONDS}s"]  # fmt: skip
    return _alone(argv, K6, sink)


def artillery_alone(tools: EngineTools, sink: Sink) -> Round:
    return _alone([tools.node, tools.artillery, "run", "--quiet"], ARTILLERY, sink)


def k6_under_agent(tools: EngineTools, sink: Sink) -> Round:
    load = ClosedLoad.constant(VUS, timedelta(seconds=SECONDS))
    return _measured(live(tools, K6, load, {"shop": sink.url}, core=CORE), sink)


def artillery_under_agent(tools: EngineTools, sink: Sink) -> Round:
    load = OpenLoad.constant(Fraction(USERS), timedelta(seconds=1))
    return _measured(live(tools, ARTILLERY, load, {"shop": sink.url}, core=CORE), sink)


def _alone(argv: list[str], source: ScriptSource, sink: Sink) -> Round:
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name:
        (Path(name) / source.file).write_text(source.text)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "TARGET_SHOP": sink.url, "GOMAXPROCS": "1",
                       "K6_NO_USAGE_REPORT": "true", "ARTILLERY_DISABLE_TELEMETRY": "true"}  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        pinned = ["taskset", "-c", str(CORE), *argv, source.file]
        subprocess.run(pinned, cwd=name, env=environment, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    requests, seconds = sink.take()
    return Round(requests, requests / seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _measured(spent: Spent, sink: Sink) -> Round:
    requests, seconds = sink.take()
    if spent.counted != requests:
        raise RuntimeError(f"The snapshots tell of {spent.counted} requests, the target of {requests}.")
    return Round(requests, requests / seconds, spent.engine, spent.agent)


def paired(
    name: str, alone: Callable[[EngineTools, Sink], Round], measured: Callable[[EngineTools, Sink], Round], rounds: int
) -> dict[str, float]:
    """Medians over `rounds` pairs after one that does not count; who goes first changes from pair to pair. A shared machine
    gives single pairs that are 10 % off either way."""
    tools = find_tools(os.environ.get("K6_BIN", ""))
    pairs = []
    with Sink(TARGET_CORE) as sink:
        for number in range(rounds + 1):
            one, two = (alone, measured) if number % 2 else (measured, alone)
            found = {one: one(tools, sink), two: two(tools, sink)}
            print(f"  {name} {number}: alone {found[alone]}, under the agent {found[measured]}", file=sys.stderr, flush=True)
            pairs.append((found[alone], found[measured]))
    counted = pairs[1:]

    def median(read: Callable[[Round, Round], float]) -> float:
        return statistics.median(read(bare, ours) for bare, ours in counted)

    return {
        f"{name}_throughput_ratio": round(median(lambda bare, ours: ours.rate / bare.rate), 3),
        f"{name}_agent_cpu_share": round(median(lambda bare, ours: ours.agent / ours.engine), 3),
        f"{name}_cpu_s_per_100k": round(median(lambda bare, ours: (ours.agent + ours.engine) / ours.requests * 1e5), 1),
        f"{name}_alone_cpu_s_per_100k": round(median(lambda bare, ours: bare.engine / bare.requests * 1e5), 1),
        f"{name}_requests_per_second": round(median(lambda bare, ours: ours.rate)),
    }


def measure(rounds: int = 8) -> dict[str, float]:
    return {
        **paired("k6", k6_alone, k6_under_agent, rounds),
        **paired("artillery", artillery_alone, artillery_under_agent, max(2, rounds - 2)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    for key, value in measure(parser.parse_args().rounds).items():
        print(f"{key:34} {value:g}")
