"""One small GET: bounded in time and size, no redirects, no proxies of the environment."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SECONDS = 5.0
MOST_BYTES = 256 * 1024


class FetchFailed(Exception):
    """No answer, or one that cannot be used; the text says which."""


@dataclass(frozen=True, slots=True)
class Fetched:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By small letters."""


def fetch(url: str, *, address: str = "", seconds: float = SECONDS) -> Fetched:
    """From `address` where it is given, as if the host's name led there. Raises FetchFailed for anything but 200."""
    parts = urlsplit(url)
    try:
        connection = _open(parts.scheme, parts.hostname or "", parts.port, address, seconds)
        try:
            connection.request("GET", parts.path or "/", headers={"User-Agent": "knopfdruck"})
            answer = connection.getresponse()
            body = answer.read(MOST_BYTES + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(f"{url} cannot be read ({error}).") from error
    if answer.status != 200 or len(body) > MOST_BYTES:
        raise FetchFailed(f"{url} answered with status {answer.status} and {len(body)} bytes.")
    return Fetched(body, {name.lower(): value for name, value in answer.getheaders()})


def _open(scheme: str, host: str, port: int | None, address: str, seconds: float) -> http.client.HTTPConnection:
    """Connected. The name stays the one the certificate and the Host header are about."""
    if scheme not in ("http", "https"):
        raise ValueError("this is no web address")
    connection = http.client.HTTPConnection(host, port or (443 if scheme == "https" else 80), timeout=seconds)
    plain = socket.create_connection((address or host, connection.port), timeout=seconds)
    connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
    return connection
