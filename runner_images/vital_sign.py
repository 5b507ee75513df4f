"""A worker's sign of life on its own machine: a file that a thread touches. Container health checks look at its age.

It says that the process runs, not that the load goes well: an engine under full load must never get its worker killed.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

EVERY_SECONDS = 3.0
FRESH_SECONDS = 15.0


def heartbeat_file(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("KNOPFDRUCK_HEARTBEAT_FILE") or "/tmp/knopfdruck-heartbeat")


class VitalSign:
    """Beats from `with` to its end, and leaves no file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> VitalSign:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._touch()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _work(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._touch()

    def _touch(self) -> None:
        with contextlib.suppress(OSError):  # A full disk ends no worker; its health check may.
            self.path.write_text(str(os.getpid()))


def age(path: Path) -> float | None:
    """Seconds since it was touched; None when it is not there."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def is_alive(path: Path) -> bool:
    found = age(path)
    return found is not None and found < FRESH_SECONDS
