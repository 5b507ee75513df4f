"""Instance metadata, one server per instance on 127.0.0.1, by IMDSv2 alone: without a token everything is 401."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_TOKEN_SECONDS = 21600
TOKEN_HEADER, TTL_HEADER = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"
CREDENTIALS = "/latest/meta-data/iam/security-credentials"


@dataclass
class Metadata:
    """What an instance can read about itself. `events` grow: a notice appears, and stays."""

    instance: str
    instance_type: str
    zone: str
    image: str
    address: str
    account: str
    lifecycle: str
    tags: Mapping[str, str]
    role: str
    credentials: Callable[[], Mapping[str, str]]
    events: dict[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        return self.zone[:-1]

    def read(self, path: str) -> str | None:
        """None is a 404, which is how "no notice yet" is told."""
        if path == "/latest/dynamic/instance-identity/document":
            return json.dumps(self._identity())
        if path == f"{CREDENTIALS}/{self.role}" and self.role:
            return json.dumps({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": _now(), **self.credentials()})
        return (self._flat() | self.events).get(path.removeprefix("/latest/meta-data/"))

    def _flat(self) -> dict[str, str]:
        flat = {
            "instance-id": self.instance,
            "instance-type": self.instance_type,
            "instance-life-cycle": self.lifecycle,
            "ami-id": self.image,
            "local-ipv4": self.address,
            "placement/availability-zone": self.zone,
            "placement/region": self.region,
            "autoscaling/target-lifecycle-state": "InService",
            "tags/instance": "\n".join(self.tags),
        }
        flat |= {f"tags/instance/{name}": value for name, value in self.tags.items()}
        return flat | ({"iam/security-credentials": self.role} if self.role else {})

    def _identity(self) -> dict[str, str]:
        return {
            "accountId": self.account,
            "availabilityZone": self.zone,
            "imageId": self.image,
            "instanceId": self.instance,
            "instanceType": self.instance_type,
            "privateIp": self.address,
            "region": self.region,
            "version": "2017-09-30",
        }


class MetadataServer:
    """Answers until `close`."""

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(metadata))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def close(self) -> None:
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(metadata: Metadata) -> type[BaseHTTPRequestHandler]:
    tokens: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            seconds = self.headers.get(TTL_HEADER, "")
            if self.path != "/latest/api/token" or not seconds.isdigit() or not 1 <= int(seconds) <= LONGEST_TOKEN_SECONDS:
                self._say(400, "Bad Request")
                return
            token = secrets.token_urlsafe(40)
            tokens[token] = time.monotonic() + int(seconds)
            self._say(200, token, {TTL_HEADER: seconds})

        def do_GET(self) -> None:
            if tokens.get(self.headers.get(TOKEN_HEADER, ""), 0.0) < time.monotonic():
                self._say(401, "Unauthorized")
                return
            text = metadata.read(self.path.rstrip("/"))
            self._say(404 if text is None else 200, text or "Not Found")

        def _say(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
            content = text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: a worker asks every few seconds."""

    return Handler


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
