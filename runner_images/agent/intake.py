"""How the engine's numbers come in: posted batches on loopback (k6), or lines appended to files (our Artillery plugin).

Batches are only taken here; another thread reads them, so that the engine never waits for us.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Protocol

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Point

LARGEST_BATCH = 32 * 1024 * 1024
WAITING_BATCHES = 10_000
REMEMBERED_KEYS = 1_000
SILENT_SECONDS = 30.0
"""A post that stands still for so long has been given up by k6 (after 2 s) and is not waited for."""


class Intake(Protocol):
    port: int
    is_ready: bool

    def finish(self) -> None:
        """Returns when everything the ended engine sent has been read."""


class _Reading:
    """The thread that turns batches into points; a broken batch is counted and dropped, never guessed."""

    def __init__(self, read: Callable[[bytes], Iterable[Point]], add: Callable[[Iterable[Point]], None]) -> None:
        self.broken = 0
        self._lock = threading.Lock()
        self._read, self._add = read, add
        self._batches: queue.Queue[bytes | None] = queue.Queue(WAITING_BATCHES)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def take(self, batch: bytes) -> None:
        try:
            self._batches.put_nowait(batch)
        except queue.Full:
            self.lose()

    def lose(self) -> None:
        """For a batch that did not even arrive whole."""
        with self._lock:
            self.broken += 1

    def finish(self) -> None:
        self._batches.put(None)
        self._thread.join(timeout=60)

    def _work(self) -> None:
        for batch in iter(self._batches.get, None):
            try:
                self._add(tuple(self._read(batch)))
            except EngineOutputBroken:
                self.lose()
            except Exception as error:  # A bug of ours must not end this thread: all later batches would be lost in silence.
                print(f"a batch could not be read: {error!r}", file=sys.stderr, flush=True)
                self.lose()


class HttpIntake:
    """Answers 200 at once to whatever is posted: a receiver that hangs would make the engine wait and distort the test.

    When an answer comes too late all the same, k6 posts the batch again under the same key; it is taken once.
    """

    is_ready = True

    def __init__(self, read: Callable[[bytes], Iterable[Point]], add: Callable[[Iterable[Point]], None]) -> None:
        self.reading = _Reading(read, add)
        self._keys: deque[str] = deque(maxlen=REMEMBERED_KEYS)
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

    def _take(self, key: str, batch: bytes) -> None:
        with self._lock:
            if key and key in self._keys:
                return
            self._keys.append(key)
        self.reading.take(batch)


def _receiver(take: Callable[[str, bytes], None], lose: Callable[[], None]) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SILENT_SECONDS

        def do_POST(self) -> None:
            try:
                body = read_body(self.rfile, self.headers)
            except (ValueError, OSError):
                self.close_connection = True  # Where the next request would begin is not known.
                lose()
            else:
                if self.path.startswith("/v2/metrics/"):
                    take(self.headers.get("K6-Idempotency-Key", ""), body)
            # Taken before it is answered: k6 may end with the answer, and the agent with k6.
            with suppress(OSError):
                self.send_response(200)
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


class LinesIntake:
    """Follows every file whose path begins with `lines` and a dot; a line counts once its end is there."""

    port = 0

    def __init__(
        self, lines: Path, read: Callable[[bytes], Iterable[Point]], add: Callable[[Iterable[Point]], None],
        says_ready: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        self.reading = _Reading(read, add)
        self.is_ready = False
        self._lines, self._says_ready = lines, says_ready
        self._offsets: dict[Path, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def broken(self) -> int:
        return self.reading.broken

    def finish(self) -> None:
        self._ended.set()
        self._thread.join(timeout=60)
        self.reading.finish()

    def _follow(self) -> None:
        while not self._ended.wait(0.1):
            self._read_new()
        self._read_new()

    def _read_new(self) -> None:
        for path in sorted(self._lines.parent.glob(f"{self._lines.name}.*")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offsets[path] = self._offsets.get(path, 0) + len(line)
                    if self._says_ready(line):
                        self.is_ready = True
                    else:
                        self.reading.take(line)
