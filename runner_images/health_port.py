"""The health check's answer over HTTP (KNOPFDRUCK_HEALTH_PORT): for the load balancer in front of an elastic service."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from runner_images.vital_sign import VitalSign, heartbeat_file, is_alive


@contextmanager
def signs_of_life(environ: Mapping[str, str]) -> Iterator[None]:
    """Heartbeat and, where it is asked for, the port. Raises ValueError."""
    port, heartbeat = environ.get("KNOPFDRUCK_HEALTH_PORT", ""), heartbeat_file(environ)
    if port and not (port.isdecimal() and int(port) < 1 << 16):
        raise ValueError(f"KNOPFDRUCK_HEALTH_PORT is {port[:20]!r}; use a port such as 8080.")
    with VitalSign(heartbeat), health_port(port, heartbeat):
        yield


@contextmanager
def health_port(port: str, heartbeat: Path, address: str = "") -> Iterator[int]:
    """Answers 200 or 503 on every path while the block runs; gives the port. Empty: no port, and 0."""
    if not port:
        yield 0
        return

    class Answer(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            good = is_alive(heartbeat)
            body = b"ok\n" if good else b"no heartbeat\n"
            self.send_response(200 if good else 503)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: a load balancer asks every few seconds."""

    server = ThreadingHTTPServer((address, int(port)), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
