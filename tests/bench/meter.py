"""What some processes and all their children use: CPU seconds since the beginning, and memory at its peak."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import psutil

EVERY_SECONDS = 1.0


class Meter:
    """Memory is what would be free without them (PSS): pages they share count once. Children that ended keep their CPU."""

    def __init__(self, roots: Callable[[], Sequence[psutil.Process]]) -> None:
        self._roots = roots
        self._cpu: dict[tuple[int, float], float] = {}
        self.peak_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Meter:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        self._sample()
        return sum(self._cpu.values())

    def _work(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._sample()

    def _sample(self) -> None:
        memory = 0.0
        for process in self._all():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._cpu[process.pid, process.create_time()] = times.user + times.system
                memory += process.memory_full_info().pss / 1e6
        self.peak_mb = max(self.peak_mb, memory)

    def _all(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for root in self._roots():
            with contextlib.suppress(psutil.Error):
                found += [root, *root.children(recursive=True)]
        return found


class Span:
    """The cores a meter's processes used between its beginning and `end`."""

    def __init__(self, meter: Meter) -> None:
        self._meter, self._cpu, self._at = meter, meter.cpu(), time.monotonic()

    def cores(self) -> float:
        return (self._meter.cpu() - self._cpu) / max(time.monotonic() - self._at, 0.001)
