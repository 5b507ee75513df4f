"""The sample shop as real processes, for tests that need something to put under load: `with ShopProcess() as shop:`."""

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, cast
from urllib.parse import urlsplit

from loadtests.shop import SERVICES

ROOT = Path(__file__).resolve().parents[1]

# Only a shop that hangs takes this long; slowness alone must not fail a test.
_PATIENCE_SECONDS = 90


class Counters(TypedDict):
    requests: int
    by_route: dict[str, int]
    by_status: dict[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    # Any: the parsed JSON, whatever the service sent.
    body: Any


def ask(url: str, method: str = "GET", body: object = None, *, token: str | None = None) -> Answer:
    """One request, its whole response read; a body that is already bytes is sent as it is."""
    parts = urlsplit(url)
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE_SECONDS)
    try:
        connection.request(method, url[url.index(parts.netloc) + len(parts.netloc) :], content, headers)
        response = connection.getresponse()
        text = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, json.loads(text) if is_json else text)
    finally:
        connection.close()


class ShopProcess:
    """All four services on free ports, or on `base_port` and the next three; ends with the test process."""

    def __init__(self, *, base_port: int = 0) -> None:
        #: service -> base address; filled by start().
        self.targets: dict[str, str] = {}
        self._base_port = base_port
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> "ShopProcess":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("The shop has not been started.")
        return self._process

    @property
    def environment(self) -> dict[str, str]:
        """What the scenarios read: TARGET_PRODUCT and so on."""
        return {f"TARGET_{service.upper()}": address for service, address in self.targets.items()}

    def start(self) -> None:
        """Returns once all services answer; raises with the shop's own words when it does not start."""
        command = [sys.executable, "-m", "loadtests.shop", "--base-port", str(self._base_port)]
        command += ["--parent", str(os.getpid())]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()
        said = []
        while (line := self._next_line()) is not None:
            said.append(line)
            words = line.split()
            if len(words) == 2 and words[0] in SERVICES:
                self.targets[words[0]] = words[1]
            if line == "shop ready":
                return
        self.stop()
        raise RuntimeError(f"The shop did not start: {' / '.join(said)}")

    def stop(self) -> None:
        """Ends all services and waits for it; harmless when nothing runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def counters(self, service: str) -> Counters:
        return cast(Counters, ask(f"{self.targets[service]}/__counters").body)

    def requests(self) -> int:
        """The requests all services together have answered since the last reset."""
        return sum(self.counters(service)["requests"] for service in self.targets)

    def faults(self, service: str, **faults: float | str) -> None:
        """Sets exactly these faults (latency_ms, jitter_ms, error_rate, route); none named means healthy."""
        answer = ask(f"{self.targets[service]}/__faults", "POST", faults)
        if answer.status != 200:
            raise ValueError(answer.body["error"])

    def reset(self) -> None:
        """Puts every service back to how it started: no counts, no faults, nothing stored."""
        for address in self.targets.values():
            ask(f"{address}/__reset", "POST")

    def _read_lines(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        # Read to the end even after "shop ready": a full pipe would block the shop.
        for line in stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def _next_line(self) -> str | None:
        try:
            return self._lines.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            return None
