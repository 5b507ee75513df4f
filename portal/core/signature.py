"""How a gateway of ours says who calls: a name, the time, and a signature over both and over what is called.

The signature binds method and path, so that one cannot be taken for another call, and the time, so that it cannot be
taken for long.
"""

from __future__ import annotations

import hashlib
import hmac

WINDOW_SECONDS = 60
VERSION = "v1="


def sign(secret: str, *, at: int, method: str, path: str, caller: str) -> str:
    """`path` with its query, as it stands in the request line."""
    text = "\n".join((str(at), method.upper(), path, caller))
    return VERSION + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_genuine(secret: str, signature: str, *, now: float, at: str, method: str, path: str, caller: str) -> bool:
    """False for anything that is not exactly what the gateway signed within the window."""
    if not secret or not (at.isascii() and at.isdecimal() and len(at) < 12) or abs(now - int(at)) > WINDOW_SECONDS:
        return False
    expected = sign(secret, at=int(at), method=method, path=path, caller=caller)
    return hmac.compare_digest(expected.encode(), signature.encode())
