"""What the agent does around an engine, in its smallest form: unpack, start, open the gate, gather points, wait."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from portal.core.ports import EngineCommand
from portal.core.snapshot import Kind, Point
from portal.engines.k6 import K6

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def total(points: list[Point], metric: str, **labels: str) -> float:
    """The sum of a counter, or the number of values of a trend or rate."""
    chosen = [point for point in points if point.key.metric == metric and labels.items() <= dict(point.key.labels).items()]
    return sum(point.total if point.key.kind is Kind.COUNTER else point.count for point in chosen)


def unpack(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


class _Started:
    """A running engine, its log in a file beside the bundle."""

    def __init__(self, folder: Path, bundle: Mapping[str, bytes], command: EngineCommand) -> None:
        self.folder = folder
        unpack(folder, {**bundle, **command.files})
        with (folder / "engine.log").open("wb") as log:
            self.process = subprocess.Popen(
                command.argv, cwd=folder, env=dict(command.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def log(self) -> tuple[str, ...]:
        return tuple((self.folder / "engine.log").read_text("utf-8", "replace").splitlines())

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _still_running(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError("\n".join(self.log))


class K6Worker(_Started):
    """k6 with a loopback receiver for its posts."""

    def __init__(
        self, folder: Path, bundle: Mapping[str, bytes], command: EngineCommand, *, rest_port: int, intake_port: int
    ) -> None:
        self.bodies: list[bytes] = []
        self.rest = f"http://127.0.0.1:{rest_port}/v1/status"
        self.receiver = http.server.ThreadingHTTPServer(("127.0.0.1", intake_port), _receiver(self.bodies))
        self.receiver.daemon_threads = True
        threading.Thread(target=self.receiver.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        super().__init__(folder, bundle, command)

    def wait_ready(self) -> None:
        while True:
            self._still_running()
            try:
                with urllib.request.urlopen(self.rest, timeout=2) as answer:
                    if json.load(answer)["data"]["attributes"]["status"] == 4:
                        return
            except OSError:
                pass
            time.sleep(0.02)

    def release(self) -> None:
        body = json.dumps({"data": {"type": "status", "id": "default", "attributes": {"paused": False}}}).encode()
        request = urllib.request.Request(self.rest, data=body, method="PATCH", headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).close()

    def kill(self) -> None:
        super().kill()
        self.receiver.shutdown()
        self.receiver.server_close()

    def points(self, engine: K6) -> list[Point]:
        return [point for body in self.bodies for point in engine.read(body)]


def _receiver(bodies: list[bytes]) -> type[http.server.BaseHTTPRequestHandler]:
    class Receiver(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
            body = self._chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length", 0)))
            bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Receiver
