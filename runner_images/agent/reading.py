"""The thread between an engine's output and the window: turns batches into points, off the engine's path.

What waits is bounded in bytes; a full queue makes the sender wait, and what could not be taken in the end is counted.
A broken batch is counted as one and adds nothing, never a guess and never half of it.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Point

LARGEST_BATCH = 8 << 20
MOST_WAITING = 32 << 20
"""Bytes: three quarters of an hour of what k6 posts of a usual script."""
PATIENCE = 60.0
"""Seconds for one batch, when the engine has ended; a reader that stands still longer is given up."""

Read = Callable[[bytes], Iterable[Point]]
Add = Callable[[Iterable[Point]], None]


class Reading:
    """`broken` counts the batches that are missing from the numbers, whatever became of them."""

    def __init__(self, read: Read, add: Add, *, most_waiting: int = MOST_WAITING) -> None:
        self.broken = 0
        self._read, self._add, self._most = read, add, most_waiting
        self._waiting: deque[bytes] = deque()
        self._bytes = self._taken = 0
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def take(self, batch: bytes, *, within: float | None = None) -> bool:
        """Waits for room, at most `within` seconds (None: as long as it takes). False: not taken, and not counted here."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(batch), within) or self._is_over:
                return False
            self._waiting.append(batch)
            self._bytes += len(batch)
            self._changed.notify_all()
            return True

    def lose(self, batches: int = 1) -> None:
        """For what did not even arrive whole."""
        with self._changed:
            self.broken += batches

    def finish(self, patience: float = PATIENCE) -> None:
        """Returns when all that was taken is read. Whatever a reader that hangs leaves behind is counted as broken."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self.outlast(self._thread, patience)
        if self._thread.is_alive():
            self.lose(len(self._waiting) + 1)

    def outlast(self, thread: threading.Thread, patience: float = PATIENCE) -> None:
        """Waits for the end of a thread that works with us, as long as reading gets on."""
        done = -1
        while thread.is_alive() and done != self._taken:
            done = self._taken
            thread.join(patience)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _has_room(self, batch: bytes) -> bool:
        return self._is_over or not self._waiting or self._bytes + len(batch) <= self._most

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._add(tuple(self._read(batch)))
            except EngineOutputBroken:
                self.lose()
            except Exception as error:  # A bug of ours must not end this thread: all later batches would be lost in silence.
                print(f"a batch could not be read: {error!r}", file=sys.stderr, flush=True)
                self.lose()

    def _next(self) -> bytes | None:
        """The oldest one; None when no more can come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            if not self._waiting:
                return None
            batch = self._waiting.popleft()
            self._bytes -= len(batch)
            self._taken += 1
            self._changed.notify_all()
            return batch
