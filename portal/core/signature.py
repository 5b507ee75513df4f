"""How a gateway of ours says who calls: a name, the time, and a signature over both and over what is called.

The signature binds method and path, so that one cannot be taken for another call, and the time, so that it cannot be
taken for long; within that time the portal takes each once. A nonce tells equal calls of one second apart.
"""

from __future__ import annotations

import hashlib
import hmac

WINDOW_SECONDS = 60
VERSION = "v1="
LONGEST_NONCE = 64


def sign(secret: str, *, at: int, method: str, path: str, caller: str, nonce: str = "") -> str:
    """`path` with its query, as it stands in the request line. None of the words holds a line break: headers cannot."""
    text = "\n".join((str(at), method.upper(), path, caller, *((nonce,) if nonce else ())))
    return VERSION + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_genuine(
    secret: str, signature: str, *, now: float, at: str, method: str, path: str, caller: str, nonce: str = ""
) -> bool:  # fmt: skip
    """False for anything that is not exactly what the gateway signed within the window."""
    if len(nonce) > LONGEST_NONCE or "\n" in caller + path + nonce:
        return False
    if not secret or not (at.isascii() and at.isdecimal() and len(at) < 12) or abs(now - int(at)) > WINDOW_SECONDS:
        return False
    expected = sign(secret, at=int(at), method=method, path=path, caller=caller, nonce=nonce)
    return hmac.compare_digest(expected.encode(), signature.encode())
