"""Notices that this process stood still (stopped, or its machine paused): it does not account for such seconds.

A thread that does nothing else looks at the clock twice a second. A main loop that waits for the store stands still
alone, and nothing is missing then; only when this thread did not run either, nobody measured.
"""

from __future__ import annotations

import math
import threading
import time

from portal.core.ports import Clock

EVERY_SECONDS = 0.5
LEAP_SECONDS = 6.0
"""A machine that is merely busy lets every thread run more often than that."""


class Awake:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._slept: list[tuple[int, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def slept(self) -> tuple[tuple[int, int], ...]:
        """From which unix second to before which one it stood still, since this was last asked; also if only just now."""
        self._look()
        with self._lock:
            found, self._slept = tuple(self._slept), []
        return found

    def _work(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._lock:
            now = time.monotonic()
            leap, self._looked = now - self._looked, now
            if leap > LEAP_SECONDS:
                woke = self._clock.now()
                self._slept.append((math.floor(woke - leap), math.ceil(woke)))
