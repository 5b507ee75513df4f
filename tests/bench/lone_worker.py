"""One real worker without a portal: the store is a folder, the controller is this process. Pinned to one core."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from pathlib import Path

import psutil

from portal.backends.sandbox import HostSandbox
from portal.core.load import Load, duration
from portal.core.merge import merge, select
from portal.core.plan import LoadPlan
from portal.core.ports import EngineTools
from portal.core.protocol import Pulse, Start
from portal.core.script import ScriptSource
from portal.core.snapshot import IntervalSnapshot
from portal.core.split import split
from portal.engines import open_engine
from portal.stores import open_store
from portal.stores.bundle import pack
from portal.stores.run_store import RunStore

PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of both processes of a worker; `counted` are the requests its snapshots tell of."""

    agent: float
    engine: float
    counted: int


def live(tools: EngineTools, source: ScriptSource, load: Load, targets: Mapping[str, str], *, core: int) -> Spent:
    """Runs the worker from lease to done."""
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name:
        store = RunStore(open_store(f"file://{name}/store"), "bench")
        _prepare(store, tools, source, load, targets)
        process = _start(name, tools, core)
        spent = _until_done(store, process)
        blocks = [IntervalSnapshot.decode(store.snapshot_bytes(key) or b"").block for key in store.snapshot_keys()]
        return replace(spent, counted=round(select(merge(blocks), "http_reqs").total))


def _prepare(store: RunStore, tools: EngineTools, source: ScriptSource, load: Load, targets: Mapping[str, str]) -> None:
    plan = LoadPlan(
        run_id="bench", scenario="bench", version=1, engine=source.engine, script=source.file, script_digest="",
        bundle_digest="", backend="ec2", environment="bench", load=load, duration=duration(load) or timedelta(minutes=5),
        drain=timedelta(minutes=3), workers=1, targets=dict(targets), parameters={}, thresholds=(),
    )  # fmt: skip
    bundle = pack(open_engine(source.engine, tools).bundle(source, load, plan.engine_environment(), HostSandbox()))
    plan = replace(plan, bundle_digest=hashlib.sha256(bundle).hexdigest())
    store.save_bundle(bundle)
    store.save_plan(plan)
    for assignment in split(plan):
        store.assign(assignment)
    store.pulse(Pulse(time.time()))


def _start(folder: str, tools: EngineTools, core: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "runner_images.agent", "--store", f"file://{folder}/store", "--run", "bench", "--slot", "0",
            "--work-dir", f"{folder}/work", "--cores", "1"]  # fmt: skip
    environment = {**os.environ, "K6_BIN": tools.k6, "NODE_BIN": tools.node, "ARTILLERY_BIN": tools.artillery,
                   "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
    process = subprocess.Popen(argv, env=environment, cwd=Path(__file__).parents[2])
    os.sched_setaffinity(process.pid, {core})
    return process


def _until_done(store: RunStore, process: subprocess.Popen[bytes]) -> Spent:
    until, agent, engine = time.monotonic() + PATIENCE_SECONDS, psutil.Process(process.pid), 0.0
    used = 0.0
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
            raise RuntimeError("The worker does not end.")
        if store.started() is None and store.ready_slots({0: 1}):
            store.start(Start(ceil(time.time() + 0.5)))
        try:
            used = _cpu(agent)
            engine = max(engine, sum(_cpu(child) for child in agent.children(recursive=True)))
        except psutil.Error:
            pass
        time.sleep(0.1)
    return Spent(used, engine, 0)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
