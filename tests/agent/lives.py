"""Real workers as processes of their own over a store in a folder; the test is their controller."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any  # Any: the fields of a plan, passed through by name.

import psutil

from portal.backends.sandbox import HostSandbox
from portal.core.load import Load, duration
from portal.core.merge import select
from portal.core.merged_run import MergedRun
from portal.core.ports import EngineTools
from portal.core.protocol import Done, Pulse, Start
from portal.core.script import ScriptSource
from portal.core.snapshot import IntervalSnapshot
from portal.core.split import split
from portal.engines import open_engine
from portal.stores.bundle import pack
from portal.stores.filesystem import FilesystemStore
from portal.stores.run_store import RunStore
from tests.core.plans import plan
from tests.fakes import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]


class Lives:
    """The workers of one run, from plan to done."""

    def __init__(
        self, folder: Path, tools: EngineTools, script: ScriptSource, load: Load, *, target: str, workers: int = 1,
        store: Path | None = None, patience: float = 300, cores: int = 1,
        environment: Mapping[str, str] | None = None, **changes: Any,
    ) -> None:  # fmt: skip
        self.cores, self.environment = cores, environment or {}
        self.folder, self.tools, self.patience, self.store_folder = folder, tools, patience, store or folder / "store"
        self.store = RunStore(FilesystemStore(self.store_folder), "run1")
        self.processes: list[subprocess.Popen[bytes]] = []
        made = plan(
            engine=script.engine, script=script.file, load=load, duration=duration(load) or timedelta(), workers=workers,
            drain=timedelta(seconds=5), targets={"shop": target}, flush_every=timedelta(seconds=1),
            **{"parameters": {}, **changes},
        )  # fmt: skip
        files = open_engine(script.engine, tools).bundle(script, load, made.engine_environment(), HostSandbox())
        bundle = pack(files)
        self.store.save_bundle(bundle)
        self.plan = dataclasses.replace(made, bundle_digest=hashlib.sha256(bundle).hexdigest())
        for assignment in split(self.plan):
            self.store.assign(assignment)

    def live(self) -> None:
        """All of it: launched, started, done; nothing is left running, whatever happens."""
        try:
            self.launch()
            self.start()
            self.wait()
        finally:
            self.close()

    def launch(self) -> None:
        self.store.pulse(Pulse(time.time()))
        for slot in range(self.plan.workers):
            self.launch_one(slot)

    def launch_one(self, slot: int, epoch: int = 1) -> None:
        argv = (
            sys.executable, "-m", "runner_images.agent", "--store", self.store_folder.as_uri(), "--run", "run1",
            "--slot", str(slot), "--epoch", str(epoch), "--work-dir", str(self.folder / "work"), "--cores", str(self.cores),
            "--store-patience", str(self.patience),
        )  # fmt: skip
        with (self.folder / f"agent-{slot}-{epoch}.log").open("wb") as log:
            self.processes.append(subprocess.Popen(argv, cwd=ROOT, env=self._environment(), stdout=log, stderr=log))

    def _environment(self) -> Mapping[str, str]:
        tools = {"K6_BIN": self.tools.k6, "NODE_BIN": self.tools.node, "ARTILLERY_BIN": self.tools.artillery,
                 "KNOPFDRUCK_K6_MEASURE": self.tools.k6_measure}  # fmt: skip
        return {"PATH": os.environ["PATH"], **tools, **self.environment}

    def start(self) -> int:
        """Waits until all are ready and gives the word."""
        slots = dict.fromkeys(range(self.plan.workers), 1)
        wait_until(lambda: self._all_live() and len(self.store.ready_slots(slots)) == len(slots), "ready workers")
        return self.store.start(Start(math.ceil(time.time() + 0.3))).t0

    def _all_live(self) -> bool:
        assert all(process.poll() is None for process in self.processes), self.logs()
        return True

    def wait(self) -> list[int]:
        """Exit codes."""
        return [process.wait(PATIENCE_SECONDS) for process in self.processes]

    def engines(self) -> list[psutil.Process]:
        return [child for process in self.processes for child in psutil.Process(process.pid).children(recursive=True)]

    def dones(self) -> dict[int, Done]:
        return {slot: done for (slot, _), done in self.store.dones().items()}

    def merged(self) -> MergedRun:
        run = MergedRun()
        for key in self.store.snapshot_keys():
            run.add(IntervalSnapshot.decode(self.store.snapshot_bytes(key) or b""))
        return run

    def requests(self) -> float:
        return select(self.merged().recent(), "http_reqs").total

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("agent-*.log")))

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
            process.wait()


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
