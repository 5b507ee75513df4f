"""Small real stand-ins: a clock that only moves when told, stores that fail for a while, an engine that is a Python script."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from portal.core.errors import EngineOutputBroken, StoreFull, StoreUnavailable
from portal.core.load import Load
from portal.core.ports import Ending, EngineCommand, Gate, Intake, ObjectStore, Sandbox
from portal.core.protocol import DoneReason
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.snapshot import Kind, Point, SeriesKey
from portal.core.split import WorkerAssignment
from portal.stores.memory import MemoryStore

PATIENCE_SECONDS = 60.0
"""Only something that hangs takes this long; slowness alone must not fail a test."""


def wait_until(is_so: Callable[[], object], what: str = "what was waited for") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, f"{what} never came"
        time.sleep(0.02)


class FakeClock:
    """Moves by `advance`, and by whoever sleeps; safe between threads."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
        time.sleep(0.0005)  # Lets the other threads of a test go on; no test depends on how long.

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class FailingStore:
    """A store that is away (or full: then only writes fail) while `fails` is set; `only` narrows it to keys that contain it.
    While `answers` is not set it hangs."""

    def __init__(self, inner: ObjectStore | None = None, *, full: bool = False, only: str = "") -> None:
        self.inner = inner or MemoryStore()
        self.fails = False
        self.failures = 0
        self.answers = threading.Event()
        self.answers.set()
        self.hung: list[str] = []
        """Keys that were asked for while it did not answer."""
        self.written: list[str] = []
        """Keys in the order of successful writes."""
        self._full, self._only = full, only

    def put(self, key: str, data: bytes) -> None:
        self._check(key, write=True)
        self.inner.put(key, data)
        self.written.append(key)

    def put_new(self, key: str, data: bytes) -> bool:
        self._check(key, write=True)
        is_new = self.inner.put_new(key, data)
        self.written.append(key)
        return is_new

    def get(self, key: str) -> bytes | None:
        self._check(key)
        return self.inner.get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        self._check(prefix)
        return self.inner.list(prefix)

    def delete(self, prefix: str) -> None:
        self._check(prefix)
        self.inner.delete(prefix)

    def _check(self, key: str, *, write: bool = False) -> None:
        if not self.answers.is_set():
            self.hung.append(key)
            self.answers.wait()
        if self.fails and self._only in key and (write or not self._full):
            self.failures += 1
            raise StoreFull("No room left.") if self._full else StoreUnavailable("The store is away.")


ENGINE = """
import http.server, json, os, signal, sys, threading, time, urllib.request
port, intake, plan = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
state = {"status": plan.get("first_status", 4), "released": threading.Event(), "stopped": threading.Event()}
print("engine says hello", flush=True)
for line in plan.get("prints", ()):
    print(line, flush=True)
if plan.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "dies_with" in plan:
    sys.exit(plan["dies_with"])

class Api(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = json.dumps({"data": {"attributes": {"status": state["status"]}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = answer
    def do_PATCH(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]["attributes"]
        self.answer()
        if wanted.get("paused") is False:
            state["released"].set()
        if wanted.get("stopped"):
            state["stopped"].set()
    def log_message(self, *args): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Api)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()

def post(hits):
    body = json.dumps([int(time.time()), hits]).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{intake}/v2/metrics/x", data=body, method="POST")
    urllib.request.urlopen(request, timeout=10).close()

state["released"].wait()
for hits in plan.get("posts", ()):
    post(hits)
if plan.get("until_stopped"):
    while plan.get("deaf") or not state["stopped"].wait(0.05):
        time.sleep(0.05)
    post(plan.get("last", 1))
sys.exit(plan.get("exit", 0))
"""
"""Speaks k6's REST gate; posts `[second, hits]`; its one argument says what it does."""


@dataclass
class StubEngine:
    """The Engine port over ENGINE. `does`: posts, until_stopped, last, exit, dies_with, first_status, deaf, prints."""

    does: Mapping[str, object] = field(default_factory=dict)
    program: str = ENGINE
    name = "k6"
    gate = Gate.REST
    intake = Intake.HTTP

    def inspect(self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox) -> ScriptFacts:
        raise NotImplementedError

    def bundle(
        self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox
    ) -> Mapping[str, bytes]:
        return {"engine.py": self.program.encode()}

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        argv = (sys.executable, "-I", "stub.py", str(rest_port), str(intake_port), json.dumps(self.does))
        return EngineCommand(argv, {}, {"stub.py": self.program.encode()})

    def read(self, batch: bytes) -> Iterable[Point]:
        try:
            second, hits = json.loads(batch)
        except ValueError as error:
            raise EngineOutputBroken("Not a pair.") from error
        return (Point(second, SeriesKey("http_reqs", Kind.COUNTER), total=float(hits)),)

    def is_ready(self, line: bytes) -> bool:
        return b'"ready"' in line

    def is_script_error(self, line: str) -> bool:
        return line.startswith("script error")

    def sentence(self, line: str) -> str:
        return line.removeprefix("script error: ")

    def ending(self, exit_code: int, log: tuple[str, ...]) -> Ending:
        if exit_code == 0:
            return Ending(DoneReason.COMPLETED)
        return Ending(DoneReason.SCRIPT_ERROR if exit_code == 107 else DoneReason.ENGINE_FAILED, f"exit code {exit_code}")
