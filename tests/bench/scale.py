"""`make bench-scale`: 1,000 workers in one run, then ten runs of 100 at once, through a real portal by the real protocol.

Real are web server, queue, ticker, database, run store and the EC2 backend; the workers are synthetic (`fleet`): they make
no request, and report some. `python -m tests.bench.scale --workers 50 --runs 3 --each 10` is a smaller one.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any  # Any: JSON answers

import psutil

from tests.bench.followed import Followed, follow, second_errors
from tests.bench.history import tell
from tests.bench.meter import Meter, Span
from tests.bench.stage import PAGE, Stage, stage

PROCESSES, SPARES, LONGEST_SECONDS, LONGEST_END = 2, 1.1, 290, 100.0
NOWHERE = "http://127.0.0.1:9"
MEMORY = Path("/dev/shm")
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.bench.scale_settings"}
GOALS = {"one_controller_peak_mb": "< 500", "one_start_skew_worst_ms": "<= 300"} | {
    f"{part}_{name}": goal
    for part in ("one", "many")
    for name, goal in {"controller_cores": "< 1", "count_error": "0", "second_error": "0", "most_behind_s": "<= 15"}.items()
}


class Crowd:
    """The processes of the fleet, and what their workers said they had done."""

    def __init__(self, folder: Path, store: str) -> None:
        self._folder, self._store = folder, store
        self.late_s = 0.0

    @contextmanager
    def at_work(self, machines: int, seconds: int) -> Iterator[None]:
        each = math.ceil(machines / PROCESSES)
        with ExitStack() as stack:
            for number in range(PROCESSES):
                file = stack.enter_context((self._folder / f"fleet-{number}.jsonl").open("w"))
                words = (self._store, str(number * each), str(each), str(seconds))
                process = subprocess.Popen([sys.executable, "-m", "tests.bench.fleet", *words], stdout=file)
                stack.callback(_end, process)
            yield
        self.late_s = max(line["late_s"] for line in self._lines() if "late_s" in line)

    def ended(self, run_id: str) -> list[dict[str, Any]]:
        """One for each worker of the run."""
        return [line for line in self._lines() if line.get("run") == run_id]

    def _lines(self) -> Iterator[dict[str, Any]]:
        for file in self._folder.glob("fleet-*.jsonl"):
            yield from map(json.loads, file.read_text().splitlines())


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has only to say how late it was."""
    process.terminate()
    process.wait(30)


@contextmanager
def store_in_memory() -> Iterator[str]:
    """Its address. A thousand machines would not share the disk of the portal, and not wait for it."""
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield f"file://{folder}"


def controller(on: Stage) -> list[psutil.Process]:
    """Queue and ticker: all that the portal's supervisor started but the web server."""
    assert on.portal.process is not None
    return [child for child in psutil.Process(on.portal.process.pid).children() if not child.name().startswith("gunicorn")]


def measure_runs(on: Stage, crowd: Crowd, runs: int, workers: int, seconds: int) -> dict[str, float]:
    """So many runs at once, each of so many workers and seconds."""
    with Meter(lambda: controller(on)) as meter:
        whole = Span(meter)
        body = {"scenario": "page", "vus": workers, "duration": f"{seconds}s", "workers": workers}
        followed = [Followed(on.start("ec2", body), time.time(), seconds) for _ in range(runs)]
        until = time.time() + seconds + LONGEST_END
        follow(on, followed, until, lambda: all(run.has_begun for run in followed))
        load = Span(meter)
        follow(on, followed, until, lambda: any(run.load_is_over for run in followed))
        under_load = load.cores()
        follow(on, followed, until, lambda: all(run.ended for run in followed))
        cores = whole.cores()
    results = {run.run_id: on.results(run.run_id) for run in followed}
    wrong = [f"{each['end_reason']}: {each['message']}" for each in results.values() if each["end_reason"] != "completed"]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {runs} runs did not complete: {wrong[0]}\n{on.portal.log()}")
    told = {run_id: crowd.ended(run_id) for run_id in results}
    return {
        "runs": runs, "workers": workers, "seconds": seconds,
        "requests": sum(result["summary"]["requests"] for result in results.values()),
        "count_error": sum(abs(results[run]["summary"]["requests"] - sum(one["requests"] for one in told[run])) for run in told),
        "second_error": sum(second_errors(results[run], told[run]) for run in told),
        "workers_missing": sum(abs(workers - len(lines)) for lines in told.values()),
        "controller_cores": round(under_load, 3), "controller_cores_start_to_end": round(cores, 3),
        "controller_peak_mb": round(meter.peak_mb),
        "post_to_start_worst_s": round(max(run.start_seconds for run in followed), 1),
        "start_skew_worst_ms": max(one["skew_ms"] or 0.0 for lines in told.values() for one in lines),
        "most_behind_s": round(max(max(run.behind, default=0.0) for run in followed), 1),
        "end_to_result_worst_s": round(max(run.finish_seconds for run in followed), 1),
    }  # fmt: skip


def measure(workers: int, seconds: int, runs: int, each: int, many_seconds: int) -> dict[str, float]:
    machines = math.ceil(max(workers, runs * each) * SPARES)
    with store_in_memory() as store, stage(NOWHERE, {"page": PAGE}, environment=SETTINGS | {"KNOPFDRUCK_STORE": store}) as on:
        crowd = Crowd(on.portal.folder, store)
        with crowd.at_work(machines, LONGEST_SECONDS):
            one = measure_runs(on, crowd, 1, workers, seconds)
            many = measure_runs(on, crowd, runs, each, many_seconds) if runs else {}
    found = {f"one_{name}": value for name, value in one.items()} | {f"many_{name}": value for name, value in many.items()}
    return {**found, "fleet_late_worst_s": crowd.late_s}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--workers", type=int, default=1000, help="of the one large run")
    parser.add_argument("--seconds", type=int, default=60, help="of its load")
    parser.add_argument("--runs", type=int, default=10, help="at the same time, after it")
    parser.add_argument("--each", type=int, default=100, help="workers of each of those")
    parser.add_argument("--many-seconds", type=int, default=40, help="of their load")
    asked = parser.parse_args()
    tell(measure(asked.workers, asked.seconds, asked.runs, asked.each, asked.many_seconds), GOALS)
