"""Ships snapshots in order, in a thread of its own, and again until the store takes them. Nothing measured is dropped.

A store that stays away for longer than `PATIENCE` ends the worker: load nobody can see is no test.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from portal.core.errors import StoreUnavailable
from portal.core.ports import Clock
from portal.core.snapshot import IntervalSnapshot
from portal.stores.run_store import RunStore

PATIENCE = 300.0
"""Seconds without a successful write until the worker gives up."""
PAUSE = 1.0
MOST_DIGESTS = 100
"""A worker that measures for days ships tens of thousands; a last word of megabytes would help nobody."""


class Reporter:
    def __init__(self, store: RunStore, clock: Clock, *, patience: float = PATIENCE) -> None:
        self._store, self._clock, self._patience = store, clock, patience
        self._waiting: queue.Queue[IntervalSnapshot | None] = queue.Queue()
        self._digests: deque[str] = deque(maxlen=MOST_DIGESTS)
        self.failure = ""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def digests(self) -> list[str]:
        """sha256 of the newest snapshots as they were written."""
        return list(self._digests)

    def ship(self, snapshot: IntervalSnapshot) -> None:
        self._waiting.put(snapshot)

    def finish(self) -> None:
        """Returns when all is written, or when patience is over."""
        self._waiting.put(None)
        self._thread.join(timeout=self._patience + 60)

    def _work(self) -> None:
        for snapshot in iter(self._waiting.get, None):
            if self.failure:
                continue
            try:
                self._write(snapshot)
            except Exception as error:  # A bug of ours must end the load: nobody would see what it does.
                self.failure = f"A snapshot could not be written: {error!r}"

    def _write(self, snapshot: IntervalSnapshot) -> None:
        data = snapshot.encode()
        if self.insist(partial(self._store.put_snapshot, snapshot.slot, snapshot.epoch, snapshot.seq, data)):
            self._digests.append(hashlib.sha256(data).hexdigest())

    def insist(self, write: Callable[[], object]) -> bool:
        """Repeats an idempotent write until it succeeds or patience is over; it is over once and for all writes."""
        since = self._clock.now()
        while True:
            try:
                write()
            except StoreUnavailable as error:
                if self.failure or self._clock.now() - since > self._patience:
                    self.failure = self.failure or error.message
                    return False
                self._clock.sleep(PAUSE)
            else:
                return True
