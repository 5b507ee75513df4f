"""Names to addresses, by this machine's own resolver, in bounded time."""

from __future__ import annotations

import queue
import socket
import threading

SECONDS = 5.0


def resolve(host: str) -> tuple[str, ...]:
    """All addresses of a name, sorted; none when it cannot be resolved (in time)."""
    found: queue.Queue[tuple[str, ...]] = queue.Queue()
    # getaddrinfo knows no time limit; a thread that hangs is left behind and ends by itself.
    threading.Thread(target=lambda: found.put(_ask(host)), daemon=True).start()
    try:
        return found.get(timeout=SECONDS)
    except queue.Empty:
        return ()


def _ask(host: str) -> tuple[str, ...]:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({str(row[4][0]).partition("%")[0] for row in rows}))
