"""The public keys of an issuer, as it publishes them (JWKS); kept for an hour, so that it may be away for a while."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any  # Any: a key of whatever kind, as PyJWT has it

import jwt

from portal.net.fetch import FetchFailed

KEPT_SECONDS = 3600.0
ASK_EVERY = 60.0
"""A key nobody knows makes us ask again, but no flood of them more often than this."""
STALE_SECONDS = 24 * 3600.0
"""How long old keys are good for while the issuer cannot be reached."""


class KeySet:
    """`fetch` gives the body of `url`; `now` is in seconds and never goes back."""

    def __init__(self, url: str, fetch: Callable[[str], bytes], now: Callable[[], float]) -> None:
        self._url, self._fetch, self._now = url, fetch, now
        self._keys: dict[str, Any] = {}
        self._read_at = self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def key(self, key_id: str) -> Any | None:
        """None for a key the issuer does not have. Raises FetchFailed when that cannot be told."""
        with self._lock:
            now = self._now()
            is_due = now - self._read_at > KEPT_SECONDS or key_id not in self._keys
            if is_due and now - self._asked_at > ASK_EVERY:
                self._asked_at = now
                self._read(now)
            if now - self._read_at > STALE_SECONDS:
                raise FetchFailed(f"The keys of {self._url} are not known.")
            return self._keys.get(key_id)

    def _read(self, now: float) -> None:
        try:
            found = json.loads(self._fetch(self._url))
            keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256").key for key in found["keys"] if key.get("kty") == "RSA"}
        except (FetchFailed, ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError):
            return
        self._keys, self._read_at = keys, now
