"""One small GET: bounded in time and size, no redirects, no proxies of the environment."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, NoReturn  # Any: urllib's own arguments

SECONDS = 5.0
MOST_BYTES = 256 * 1024


class FetchFailed(Exception):
    """No answer, or one that cannot be used; the text says which."""


@dataclass(frozen=True, slots=True)
class Fetched:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By small letters."""


def fetch(url: str, *, seconds: float = SECONDS) -> Fetched:
    """Raises FetchFailed for anything but 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    try:
        with opener.open(urllib.request.Request(url, headers={"User-Agent": "knopfdruck"}), timeout=seconds) as answer:
            body = answer.read(MOST_BYTES + 1)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            status = answer.status
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(f"{url} cannot be read ({error}).") from error
    if status != 200 or len(body) > MOST_BYTES:
        raise FetchFailed(f"{url} answered with status {status} and {len(body)} bytes.")
    return Fetched(body, headers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise FetchFailed("The answer is a redirect.")
