"""The agent as a child of what woke it: its own environment, its output as lines, dead when its parent is."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner_images.agent.privileges import die_with_parent

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Assignment:
    """One slot of one run, for a worker of this size; 0: the agent finds out itself."""

    store: str
    run: str
    slot: int
    epoch: int
    cores: int = 0
    memory: int = 0

    def environment(self) -> dict[str, str]:
        """What the agent reads. No arguments: those are seen by every process of the machine."""
        found = {"STORE": self.store, "RUN": self.run, "SLOT": str(self.slot), "EPOCH": str(self.epoch)}
        sizes = {"CORES": self.cores, "MEMORY": self.memory}
        return {f"KNOPFDRUCK_{name}": value for name, value in (*found.items(), *((n, str(v)) for n, v in sizes.items() if v))}


class Agent:
    """Started at once; to be made in the main thread, because the agent is killed when the thread that started it ends."""

    def __init__(self, assignment: Assignment, environ: Mapping[str, str] | None = None) -> None:
        env = dict(os.environ if environ is None else environ)
        # Not KNOPFDRUCK_HEARTBEAT and the like: only what the agent itself reads differs from ours.
        env |= {**assignment.environment(), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}
        env["PYTHONPATH"] = os.pathsep.join(part for part in sys.path if part and Path(part).is_dir())
        self._lines: queue.Queue[str] = queue.Queue(MOST_LINES)
        # stdin and stdout are its own: a handler may speak with its platform over those it has.
        self._process = subprocess.Popen(
            (sys.executable, "-m", "runner_images.agent"), cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=die_with_parent,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None when it is still alive after so long."""
        try:
            return self._process.wait(timeout=max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None

    def drain(self, *, at_once: bool = False) -> None:
        """It lets its engine finish, ships what was measured, and ends; before that it waits for another to take over, unless
        that has to be `at_once`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT if at_once else signal.SIGTERM)

    def kill(self) -> None:
        """Its engine dies with it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def new_lines(self) -> Iterator[str]:
        """What it has said since this was asked last."""
        if self._process.poll() is not None:
            self._reader.join(timeout=5)
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._lines.get_nowait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(queue.Full):  # Its last word is short; who floods the log loses the flood.
                self._lines.put_nowait(line)
