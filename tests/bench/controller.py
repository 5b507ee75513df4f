"""What watching a run costs with 100 or 1,000 workers, in real time: CPU share and memory of a process that only watches.

`python -m tests.bench.controller --workers 1000`: workers are synthetic (`crowd`), everything else is the real thing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any  # Any: the fields of a plan

import psutil

if TYPE_CHECKING:
    from portal.core.run_state import RunState
    from portal.models import Run
    from portal.wiring import Parts

NAMES, PER_SECOND = 20, 100
CLEAR = Path("/proc/self/clear_refs")
WARM_UP, SECONDS = 20, 70
"""The measured time holds one keeping at least."""


def set_up(folder: Path) -> None:
    """Django over an empty database and store in `folder`; once in a process, so imports that need it come late."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings", "KNOPFDRUCK_DATA_DIR": str(folder), "KNOPFDRUCK_STORE": f"file://{folder}/store",
    }  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def watch(folder: Path, workers: int, seconds: int, names: int, per_second: int) -> dict[str, float]:
    set_up(folder)
    run, parts = _running(workers)
    from portal.usecases.watch_run import Watches, watch_run

    watches, flush = Watches(), int(run.load_plan().flush_every.total_seconds())
    with _crowd(run.id, folder, workers, flush, WARM_UP + seconds, names, per_second):
        looks, slowest, cpu = 0, 0.0, 0.0
        begin = time.time() + WARM_UP
        until, measured_from = begin + seconds, 0.0
        while time.time() < until:
            if not measured_from and time.time() >= begin:
                measured_from, cpu = time.time(), time.process_time()
            started = time.time()
            watch_run(run.id, parts, watches)
            looks, slowest = looks + 1, max(slowest, time.time() - started)
            time.sleep(max(0.0, 1 - (time.time() - started)))
        spent, passed = time.process_time() - cpu, time.time() - measured_from
    run.refresh_from_db()
    if run.state != "running":
        raise RuntimeError(f"The run did not go on: {run.state}, {run.message}")
    return {
        "workers": workers, "flush_seconds": flush, "cpu_share": round(spent / passed, 3),
        "rss_mb": round(psutil.Process().memory_info().rss / 1e6), "peak_rss_mb": round(peak_mb()),
        "slowest_look_s": round(slowest, 2), "requests_merged": run.progress["requests"],
        "seconds_behind": round(time.time() - run.started.timestamp() - run.progress["second"], 1) if run.started else 0.0,
    }  # fmt: skip


def _running(workers: int) -> tuple[Run, Parts]:
    """A run whose load begins in a few seconds."""
    from datetime import timedelta

    from portal.core.plan import flush_every
    from portal.core.run_state import RunState

    hour = timedelta(hours=1)
    return _staged(int(time.time()) + 5, workers, RunState.RUNNING, duration=hour, flush_every=flush_every(workers, hour))


def finished_by(t0: int, seconds: int) -> tuple[Run, Parts]:
    """A run of one worker whose load is over, but for its measurements."""
    from datetime import timedelta

    from portal.core.protocol import Done, DoneReason
    from portal.core.run_state import EndReason, RunState

    run, parts = _staged(t0, 1, RunState.COLLECTING, duration=timedelta(seconds=seconds))
    run.end_reason = EndReason.COMPLETED
    run.save()
    run.worker_rows.update(state="done")
    done = Done(0, 1, float(t0 + seconds), DoneReason.COMPLETED, 0, started_at=float(t0), last_second=t0 + seconds)
    parts.store(run.id).done(done)
    return run, parts


def _staged(t0: int, workers: int, state: RunState, **plan: Any) -> tuple[Run, Parts]:
    from dataclasses import replace
    from datetime import UTC, datetime

    from portal.core.protocol import Start
    from portal.models import Worker
    from portal.wiring import parts
    from tests.builders import a_plan, a_run
    from tests.usecases.parts import FakeBackend

    run = a_run(id="bench", plan=a_plan(run_id="bench", workers=workers, **plan), state=state,
                started=datetime.fromtimestamp(t0, UTC))  # fmt: skip
    Worker.objects.bulk_create(Worker(run=run, slot=slot, reference=f"fake:{slot}") for slot in range(workers))
    backend = FakeBackend(ends_when="told")
    made = replace(parts(), backend=lambda place, name: backend)
    made.store(run.id).start(Start(t0))
    return run, made


@contextmanager
def _crowd(run_id: str, folder: Path, workers: int, flush: int, seconds: int, names: int, per_second: int) -> Iterator[None]:
    t0 = int(time.time()) + 5
    words = (f"file://{folder}/store", run_id, *map(str, (workers, flush, t0, seconds + 30, names, per_second)))
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.crowd", *words])
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("The crowd ended before the watch.")
    finally:
        process.kill()
        process.wait()


def forget_peak() -> None:
    """Peaks from here on, where the system can forget (Linux); else the whole process's."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def peak_mb() -> float:
    if sys.platform == "linux":
        return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(workers: int, seconds: int = SECONDS, names: int = NAMES, per_second: int = PER_SECOND) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as folder:
        return watch(Path(folder), workers, seconds, names, per_second)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--names", type=int, default=NAMES)
    parser.add_argument("--per-second", type=int, default=PER_SECOND, help="requests of each worker")
    asked = parser.parse_args()
    found = measure(asked.workers, asked.seconds, asked.names, asked.per_second)
    for name, value in found.items():
        print(f"{name:22} {value:g}")
    print(json.dumps(found))
