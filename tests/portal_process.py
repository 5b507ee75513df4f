"""The whole portal as a user starts it: `manage.py portal` with a data folder and a port of its own, and its CLI."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: the CLI's JSON.

import psutil

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 150.0
"""Only something that hangs takes this long; slowness alone must not fail a test."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class PortalProcess:
    def __init__(self, folder: Path, targets: dict[str, str], *, database_url: str = "", python: str = sys.executable) -> None:
        """`python` is the portal's, and so that of its workers here."""
        self.python = python
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.bind = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{self.bind}"
        self.folder, self.targets = folder, targets
        self.environment = {**os.environ, "KNOPFDRUCK_DATA_DIR": str(folder), "KNOPFDRUCK_BIND": self.bind}
        for name in ("DJANGO_SETTINGS_MODULE", "KNOPFDRUCK_STORE", "KNOPFDRUCK_PUBLIC_URL", "DATABASE_URL"):
            self.environment.pop(name, None)
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Tables, sample scenarios, and an environment `shop` that points at the given targets."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("catalog")
        targets = json.dumps(self.targets)
        program = f"from portal.models import Environment as E; E.objects.create(name='shop', targets={targets})"
        self.manage("shell", "-v", "0", "-c", program)

    def start(self) -> None:
        log = (self.folder / "portal.log").open("ab")
        self.process = subprocess.Popen(
            [self.python, "manage.py", "portal"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )
        log.close()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def manage(self, *words: str, **variables: str) -> Said:
        done = subprocess.run(
            [self.python, "manage.py", *words],
            cwd=ROOT,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def loadtest(self, *words: str) -> Said:
        return self.manage("loadtest", *words)

    def ask(self, token: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Of the REST API. Raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def begin(self, scenario: str, *words: str) -> str:
        """Starts a run and returns its id without waiting."""
        said = self.loadtest("run", scenario, "--environment", "shop", *words, "--json")
        assert said.code == 0, said
        run_id: str = said.json["id"]
        return run_id

    def status(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.loadtest("status", run_id, "--json").json
        return found

    def results(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.loadtest("results", run_id, "--json").json
        return found

    def wait(
        self, run_id: str, is_so: Callable[[dict[str, Any]], bool], what: str, seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while not is_so(status := self.status(run_id)):
            assert time.monotonic() < until, f"{what} never came: {status}\n{self.log()}"
            time.sleep(0.5)
        return status

    def wait_end(self, run_id: str) -> dict[str, Any]:
        return self.wait(run_id, lambda status: status["state"] == "ended", "the end")

    def wait_load(self, run_id: str, requests: int = 1) -> dict[str, Any]:
        """Until requests have been merged."""
        return self.wait(run_id, lambda status: (status["progress"] or {}).get("requests", 0) >= requests, "load")

    def log(self) -> str:
        return (self.folder / "portal.log").read_text()[-4000:]

    def children(self, *words: str) -> list[psutil.Process]:
        """Processes below the portal whose command line has all the words."""
        assert self.process is not None
        return [child for child in psutil.Process(self.process.pid).children(recursive=True) if _matches(child, words)]

    def agents(self, run_id: str) -> list[psutil.Process]:
        """The workers of a run; they belong to nobody, so they are found by their arguments."""
        return [process for process in psutil.process_iter() if _matches(process, ("runner_images.agent", run_id))]

    def engines_of(self, agents: Iterable[psutil.Process]) -> list[psutil.Process]:
        return [child for agent in agents for child in agent.children()]


def _matches(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    return all(any(word in part for part in line) for word in words)


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=30)
    return not alive


def kill_hard(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
