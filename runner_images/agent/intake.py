"""How k6's numbers come in: batches posted on loopback, taken at once and read by another thread.

k6 posts one batch after the other and adds up in the meantime. When the reader lags by more than the queue holds, the
answer is held back, so k6 waits with its next post and nothing is lost.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Protocol

from runner_images.agent.reading import LARGEST_BATCH, MOST_WAITING, Add, Read, Reading

HOLD_SECONDS = 1.5
"""How long an answer may be held back: k6 gives a post up after 2 s. It then posts the same batch up to three times."""
REMEMBERED_KEYS = 1_000
SILENT_SECONDS = 30.0
"""A post that stands still for so long has been given up by k6 (after 2 s) and is not waited for."""
TAKEN, COME_AGAIN = 200, 503


class Intake(Protocol):
    """`port` is 0 where nothing is posted; `broken` counts the batches that are missing from the numbers."""

    port: int

    @property
    def is_ready(self) -> bool: ...

    @property
    def broken(self) -> int: ...

    def finish(self) -> None:
        """Returns when everything the ended engine sent has been read."""


class HttpIntake:
    """Answers 200 as soon as a batch is taken. A batch posted again under its key is taken once; one that was turned
    away and never came again is counted as broken.
    """

    is_ready = True  # k6 says so over its API.

    def __init__(self, read: Read, add: Add, *, most_waiting: int = MOST_WAITING, hold: float = HOLD_SECONDS) -> None:
        self.reading = Reading(read, add, most_waiting=most_waiting)
        self._hold = hold
        self._keys: deque[str] = deque(maxlen=REMEMBERED_KEYS)
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _receiver(self._take, self.reading.lose))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def broken(self) -> int:
        return self.reading.broken

    def finish(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.reading.finish()
        with self._lock:
            self.reading.lose(len(self._refused))
            self._refused.clear()

    def _take(self, key: str, batch: bytes) -> int:
        """The status to answer with."""
        with self._lock:
            if key and key in self._keys:
                return TAKEN
            self._keys.append(key)
        if self.reading.take(batch, within=self._hold):
            with self._lock:
                self._refused.discard(key)
            return TAKEN
        with self._lock:
            self._keys.remove(key)
            if key:
                self._refused.add(key)
            else:
                self.reading.lose()  # If it comes again, nobody will know it for the same.
        return COME_AGAIN


def _receiver(take: Callable[[str, bytes], int], lose: Callable[[], None]) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SILENT_SECONDS

        def do_POST(self) -> None:
            status = TAKEN
            try:
                body = read_body(self.rfile, self.headers)
            except (ValueError, OSError):
                self.close_connection = True  # Where the next request would begin is not known.
                lose()
            else:
                if self.path.startswith("/v2/metrics/"):
                    status = take(self.headers.get("K6-Idempotency-Key", ""), body)
            # Taken before it is answered: k6 may end with the answer, and the agent with k6.
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: one line per batch would fill the worker's log."""

    return Receiver


def read_body(stream: BufferedIOBase, headers: Message) -> bytes:
    """One request's body, plain or chunked; raises ValueError when it is cut off, too large or not framed by the rules."""
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        return _exactly(stream, int(headers.get("Content-Length") or 0), LARGEST_BATCH)
    parts, left = list[bytes](), LARGEST_BATCH
    while length := int(stream.readline(64).partition(b";")[0], 16):
        parts.append(_exactly(stream, length, left))
        left -= length
        stream.readline(8)
    stream.readline(8)
    return b"".join(parts)


def _exactly(stream: BufferedIOBase, length: int, most: int) -> bytes:
    if not 0 <= length <= most:
        raise ValueError(f"{length} bytes are not the length of a batch.")
    data = stream.read(length)
    if len(data) < length:
        raise ValueError("The batch is cut off.")
    return data
