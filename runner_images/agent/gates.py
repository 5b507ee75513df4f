"""The start barrier at the engine: hold it ready, release it at T0, ask it to stop.

k6 is held and released over its own API on loopback; Artillery by our plugin, which waits for a file.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Protocol

from portal.core.ports import Clock
from runner_images.agent.k6_api import PAUSED_WITH_VUS, GateStuck, K6Api
from runner_images.agent.process import EngineProcess

_held: list[socket.socket] = []


class SaysReady(Protocol):
    @property
    def is_ready(self) -> bool: ...


class StartGate(Protocol):
    def is_ready(self) -> bool: ...

    def release(self, t0: int, clock: Clock) -> float:
        """Blocks until `t0` and releases the engine; the moment it did so. Raises GateStuck."""

    def ask_stop(self, process: EngineProcess) -> None:
        """Lets the engine end by itself; may be called again."""


class RestGate:
    """k6: status 4 is paused with its virtual users initialised."""

    def __init__(self, port: int) -> None:
        self._rest = K6Api(port)

    def is_ready(self) -> bool:
        return self._rest.status() == PAUSED_WITH_VUS

    def release(self, t0: int, clock: Clock) -> float:
        clock.sleep(t0 - clock.now())
        self._rest.order({"paused": False})
        return clock.now()

    def ask_stop(self, process: EngineProcess) -> None:
        try:
            self._rest.order({"stopped": True})
        except GateStuck:
            process.terminate()


class FileGate:
    """Artillery: the plugin says ready in its lines, then waits for the file with T0 in unix seconds."""

    def __init__(self, path: Path, intake: SaysReady) -> None:
        self._path, self._intake = path, intake

    def is_ready(self) -> bool:
        return self._intake.is_ready

    def release(self, t0: int, clock: Clock) -> float:
        draft = self._path.with_suffix(".draft")
        draft.write_text(str(t0))
        draft.rename(self._path)
        opened = clock.now()
        clock.sleep(t0 - opened)
        return max(float(t0), opened)  # The plugin waits for that moment by the same clock.

    def ask_stop(self, process: EngineProcess) -> None:
        process.terminate()


def free_port() -> int:
    """A loopback port for the engine to listen on.

    On Linux it stays bound, without listening, as long as this process lives: k6 can listen on it (Go sets SO_REUSEADDR
    as well), but no other worker is given it and no outgoing connection takes it before k6 is up.
    """
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    if sys.platform == "linux":
        _held.append(probe)
    else:
        probe.close()
    return port
