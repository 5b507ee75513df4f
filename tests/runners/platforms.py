"""EC2's instance metadata and the ECS agent, as far as a worker uses them, on a loopback port."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any  # Any: foreign JSON

TASK = "arn:aws:ecs:eu-central-1:123456789012:task/runners/0123456789abcdef"


class Platform:
    """`paths`: what /latest/meta-data has. `protection`: what the task asked for, in order. Old tokens are not taken."""

    def __init__(self) -> None:
        self.paths = {"instance-id": "i-0123456789abcdef0", "placement/availability-zone": "eu-central-1b"}
        self.tokens: list[str] = []
        self.protection: list[dict[str, Any]] = []
        self.url = ""

    def forget_tokens(self) -> None:
        self.tokens.append("no more")

    def take_back(self) -> None:
        self.paths["spot/instance-action"] = '{"action": "terminate", "time": "2026-11-24T20:00:00Z"}'

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        if path == "/latest/api/token":
            if method != "PUT" or not headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
                return 400, ""
            self.tokens.append(f"token-{len(self.tokens)}")
            return 200, self.tokens[-1]
        if path == "/task":
            return 200, json.dumps({"TaskARN": TASK, "AvailabilityZone": "eu-central-1c"})
        if path == "/task-protection/v1/state" and method == "PUT":
            self.protection.append(json.loads(body))
            return 200, json.dumps({"protection": {}})
        if not self.tokens or headers.get("X-aws-ec2-metadata-token") != self.tokens[-1]:
            return 401, ""
        found = self.paths.get(path.removeprefix("/latest/meta-data/"))
        return (404, "") if found is None else (200, found)


@contextmanager
def platform() -> Iterator[Platform]:
    its = Platform()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = its.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    its.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield its
    finally:
        server.shutdown()
        server.server_close()
