"""Something to put under load that remembers when each request came: a selector loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Target:
    """Answers every request with 200. `arrivals` are unix seconds, in order, by path."""

    def __init__(self) -> None:
        self.arrivals: dict[str, list[float]] = {}
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._up = threading.Event()

    def __enter__(self) -> Target:
        self._thread.start()
        self._up.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def forget(self) -> None:
        self.arrivals = {}

    def first(self) -> float | None:
        """When the first request of all came."""
        return min((times[0] for times in self.arrivals.values()), default=None)

    @property
    def count(self) -> int:
        return sum(map(len, self.arrivals.values()))

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._up.set()
        self._loop.run_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode("latin-1")
                self.arrivals.setdefault(path, []).append(time.time())
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
