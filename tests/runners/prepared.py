"""A run in a store, ready for workers; and the entry points of the images as plain processes, which is how they are tried."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any  # Any: foreign JSON, and the fields of a plan passed through by name.

from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import Done, Pulse
from portal.core.script import ScriptSource
from portal.stores.filesystem import FilesystemStore
from portal.stores.pool import Call, PoolStore
from tests.agent.lives import ROOT, Lives
from tests.agent.test_life import K6, SECOND
from tests.engines.conftest import CountingServer
from tests.fakes import PATIENCE_SECONDS, wait_until

USERS = 2
"""A request that is under way when load is cut off reaches the target and is not measured: one for each user at most."""
SHORT, LONG = ClosedLoad.constant(USERS, 2 * SECOND), ClosedLoad.constant(USERS, 600 * SECOND)
ARRIVALS = OpenLoad.constant(Fraction(4), 2 * SECOND)
GROUP = "group1"


class Prepared(Lives):
    """`begin` starts an entry point; its output is a file of JSON lines."""

    @classmethod
    def of(
        cls, folder: Path, tools: EngineTools, target: CountingServer, *, load: Load = SHORT, script: ScriptSource = K6,
        **changes: Any,
    ) -> Prepared:  # fmt: skip
        made = cls(folder, tools, script, load, target=target.url, **changes)
        made.store.pulse(Pulse(time.time()))
        return made

    @property
    def pool(self) -> PoolStore:
        return PoolStore(FilesystemStore(self.store_folder), GROUP)

    @property
    def url(self) -> str:
        return self.store_folder.as_uri()

    def assignment(self, slot: int = 0, epoch: int = 1) -> dict[str, str]:
        return {"KNOPFDRUCK_STORE": self.url, "KNOPFDRUCK_RUN": "run1", "KNOPFDRUCK_SLOT": str(slot),
                "KNOPFDRUCK_EPOCH": str(epoch), "KNOPFDRUCK_CORES": "1"}  # fmt: skip

    def membership(self) -> dict[str, str]:
        return {"KNOPFDRUCK_STORE": self.url, "KNOPFDRUCK_GROUP": GROUP}

    def call(self, slot: int = 0, epoch: int = 1, expires: float = 600) -> Call:
        call = Call("run1", slot, epoch, 1, 1 << 30, time.time(), time.time() + expires)
        self.pool.call([call])
        return call

    def begin(
        self, command: str, environ: dict[str, str], *, name: str = "worker", before: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """A module and its arguments as a shell would take them, with this environment and nothing of ours; `before` runs it."""
        usual = {"PATH": os.environ["PATH"], "K6_BIN": self.tools.k6, "KNOPFDRUCK_WORK_DIR": str(self.folder / "work" / name),
                 "KNOPFDRUCK_HEARTBEAT_FILE": str(self.folder / f"beat-{name}")}  # fmt: skip
        with self.log(name).open("wb") as log:
            argv = (*before, sys.executable, "-m", *shlex.split(command))
            process = subprocess.Popen(argv, cwd=ROOT, env=usual | environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def log(self, name: str = "worker") -> Path:
        return self.folder / f"agent-{name}.log"

    def said(self, event: str, name: str = "worker") -> list[dict[str, Any]]:
        """The log lines of this event; all lines but those are JSON objects too, or the test fails."""
        return [line for line in self.lines(name) if line.get("event") == event]

    def lines(self, name: str = "worker") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(name).read_text().splitlines()]

    def wait_said(self, event: str, name: str = "worker") -> dict[str, Any]:
        wait_until(lambda: f'"event": "{event}"' in self.log(name).read_text(), f"{event} in {self.log(name).read_text()}")
        return self.said(event, name)[-1]

    def wait_running(self, epoch: int = 1) -> None:
        wait_until(lambda: self._phase(epoch) == "running", f"load; {self.logs()}")

    def _phase(self, epoch: int) -> str:
        beat = self.store.beats().get(0)
        return str(beat.phase) if beat is not None and beat.epoch == epoch else ""

    def done(self, slot: int = 0, epoch: int = 1) -> Done:
        wait_until(lambda: (slot, epoch) in self.store.dones(), f"done; {self.logs()}")
        return self.store.dones()[slot, epoch]


def ended(process: subprocess.Popen[bytes], number: int = 0) -> int:
    """Its exit code, after a signal where one is given."""
    if number:
        process.send_signal(signal.Signals(number))
    return process.wait(PATIENCE_SECONDS)
