"""HTTP that never leaves the machine: EC2's instance metadata (IMDSv2), ECS's task metadata, and the ECS agent."""

from __future__ import annotations

import json
import time
import urllib.request
from http.client import HTTPException
from typing import Any  # Any: foreign JSON
from urllib.error import HTTPError

IMDS = "http://169.254.169.254"
SECONDS = 2.0
TOKEN_SECONDS = 21_600
MISSING, EXPIRED = 404, 401
# A proxy that the machine is configured for has no part in this.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoMetadata(Exception):
    """The platform does not say; it may a moment later."""


def ask(method: str, url: str, body: object = None, headers: dict[str, str] | None = None) -> bytes | None:
    """The answer; None when there is no such thing (404). Raises NoMetadata, whose cause is the HTTPError if it was one."""
    data = None if body is None else json.dumps(body).encode()
    sent = {**(headers or {}), **({"Content-Type": "application/json"} if data else {})}
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with _DIRECT.open(request, timeout=SECONDS) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        if error.code == MISSING:
            return None
        raise NoMetadata(f"{method} {url}: {error}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NoMetadata(f"{method} {url}: {error}") from error


def ask_json(method: str, url: str, body: object = None) -> Any:
    try:
        return json.loads(ask(method, url, body) or b"null")
    except ValueError as error:
        raise NoMetadata(f"{method} {url} answered no JSON.") from error


class Imds:
    """EC2's metadata with a session token, which is made anew before it ends."""

    def __init__(self, endpoint: str = IMDS) -> None:
        self._url = endpoint.rstrip("/")
        self._token, self._until = "", 0.0

    def get(self, path: str) -> str | None:
        """Below /latest/meta-data; None when there is no such thing (yet). Raises NoMetadata."""
        url = f"{self._url}/latest/meta-data/{path}"
        try:
            found = ask("GET", url, headers=self._header())
        except NoMetadata as error:
            if not isinstance(error.__cause__, HTTPError) or error.__cause__.code != EXPIRED:
                raise
            self._token = ""
            found = ask("GET", url, headers=self._header())
        return None if found is None else found.decode().strip()

    def _header(self) -> dict[str, str]:
        if not self._token or time.monotonic() > self._until:
            wanted = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
            token = ask("PUT", f"{self._url}/latest/api/token", headers=wanted)
            if not token:
                raise NoMetadata("The metadata service gives no token.")
            self._token, self._until = token.decode().strip(), time.monotonic() + TOKEN_SECONDS / 2
        return {"X-aws-ec2-metadata-token": self._token}
