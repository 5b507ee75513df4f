"""Workers as processes of this machine, for every backend name, under that backend's own limits.

They outlive whoever started them (a queue that is killed loses no run) and end by themselves: at the deadline, at
the stop flag, or when the controller's pulse is too old.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from portal.backends import LIMITS
from portal.core.errors import LaunchFailed
from portal.core.plan import LoadPlan
from portal.core.ports import EngineTools, WorkerHandle, WorkerStatus
from portal.core.secret_refs import PREFIX as SECRETS

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
             "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "SSL_CERT_FILE")  # fmt: skip
"""What the agent needs of our environment (an S3 store needs credentials); the engine gets none of it from the agent."""

DETACHED = '"$@" >>"$0" 2>&1 & echo $!'
"""In a session of its own and as nobody's child: whoever started it may die or never reap it."""


class LocalBackend:
    """A handle's reference is `pid:start time`, so that a reused pid is never mistaken for a worker."""

    def __init__(self, name: str, *, store_url: str, work_dir: Path, tools: EngineTools, root: Path, python: str) -> None:
        self.name, self.limits = name, LIMITS[name]
        self._store_url, self._work_dir, self._tools, self._root, self._python = store_url, work_dir, tools, root, python

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        if shutil.which(self._python) is None:
            raise LaunchFailed(f"A worker process could not be started: there is no {self._python}.")
        folder = self._work_dir / plan.run_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return tuple(self._start(plan, slot, epoch, folder) for slot in slots)
        except OSError as error:
            raise LaunchFailed(f"A worker process could not be started: {error.strerror or error}.") from error

    def _start(self, plan: LoadPlan, slot: int, epoch: int, folder: Path) -> WorkerHandle:
        who = (
            self._python, "-m", "runner_images.agent", "--store", self._store_url, "--run", plan.run_id, "--slot", str(slot),
            "--epoch", str(epoch), "--work-dir", str(self._work_dir),
        )  # fmt: skip
        log = folder / f"agent-{slot}-{epoch}.log"
        if log.exists() and (before := _find(who)):
            return _handle(slot, epoch, before)
        memory = psutil.virtual_memory().available // 2 // plan.workers
        argv = (*who, "--cores", str(_cores(plan)), "--memory", str(memory))
        started = subprocess.run(
            ("/bin/sh", "-c", DETACHED, str(log), *argv), cwd=self._root, env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, start_new_session=True, check=False,
        )  # fmt: skip
        if started.returncode or not started.stdout.strip().isdigit():
            raise LaunchFailed(f"Worker {slot} could not be started: the shell ended with code {started.returncode}.")
        return _handle(slot, epoch, int(started.stdout))

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(SECRETS)}
        tools = {"K6_BIN": self._tools.k6, "NODE_BIN": self._tools.node, "ARTILLERY_BIN": self._tools.artillery,
                 "KNOPFDRUCK_K6_MEASURE": self._tools.k6_measure}  # fmt: skip
        return {**kept, **tools, "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        return {handle.slot: WorkerStatus.ALIVE if _process(handle) else WorkerStatus.GONE for handle in handles}

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        for handle in handles:
            if process := _process(handle):
                with contextlib.suppress(psutil.Error):
                    _kill_tree(process) if hard else process.terminate()

    def release(self, run_id: str) -> None:
        """Nothing is kept: processes end, and their folders are small."""


def _handle(slot: int, epoch: int, pid: int) -> WorkerHandle:
    with contextlib.suppress(psutil.Error):
        return WorkerHandle(slot, epoch, f"{pid}:{psutil.Process(pid).create_time():.2f}")
    return WorkerHandle(slot, epoch, f"{pid}:0")


def _find(words: tuple[str, ...]) -> int | None:
    """Its pid, where a launch that died had started this very worker: a second one would only find the slot taken, and exit."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if tuple(process.cmdline()[: len(words)]) == words:
                return process.pid
    return None


def _cores(plan: LoadPlan) -> int:
    """k6 shares all of them. Artillery takes a process for each: all but one, which is what it does itself, over all workers."""
    cores = os.cpu_count() or 1
    return max(1, (cores - 1) // plan.workers) if plan.engine == "artillery" else cores


def _kill_tree(process: psutil.Process) -> None:
    """With the engine, which dies by itself with its agent only on Linux."""
    for victim in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()


def _process(handle: WorkerHandle) -> psutil.Process | None:
    """The living process behind a handle; a zombie is gone, it only waits to be reaped."""
    pid, _, started = handle.reference.partition(":")
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(started)) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, ValueError):
        return None
