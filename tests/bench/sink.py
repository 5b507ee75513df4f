"""The fastest target we have, as a process pinned to a core of its own: `python -m tests.bench.sink CORE`.

Answers everything with 200. `GET /__take` tells requests and the seconds between first and last since the last take.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from types import TracebackType
from typing import cast

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Sink:
    """The process, from outside."""

    def __init__(self, core: int) -> None:
        self._core = core
        self.url = ""

    def __enter__(self) -> Sink:
        argv = [sys.executable, "-m", "tests.bench.sink", str(self._core)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def take(self) -> tuple[int, float]:
        """(requests, seconds from the first to the last), and forgets them."""
        with urllib.request.urlopen(f"{self.url}/__take", timeout=10) as answer:
            found = json.load(answer)
        return int(found["requests"]), float(found["seconds"])


class _Talk(asyncio.Protocol):
    requests = 0
    first = last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is not registered as one.

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /__take"):
            self._transport.write(_taken())
            return
        number = data.count(b"\r\n\r\n")
        _Talk.last = time.monotonic()
        _Talk.first = _Talk.first or _Talk.last
        _Talk.requests += number
        self._transport.write(OK * number)


def _taken() -> bytes:
    body = json.dumps({"requests": _Talk.requests, "seconds": _Talk.last - _Talk.first}).encode()
    _Talk.requests, _Talk.first, _Talk.last = 0, 0.0, 0.0
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Talk, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    os.sched_setaffinity(0, {int(sys.argv[1])})
    uvloop.run(_serve())
