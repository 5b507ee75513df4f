"""The worker's sign of life: samples its health every second and beats every third, in a thread of its own."""

from __future__ import annotations

import math
import threading

from portal.core.errors import StoreUnavailable
from portal.core.ports import Clock
from portal.core.protocol import Beat, WorkerPhase
from portal.stores.run_store import RunStore
from runner_images.agent.log_pieces import LogPieces
from runner_images.agent.vitals import Vitals

SAMPLE_SECONDS, SAMPLES_PER_BEAT = 1.0, 3


class Heart:
    """`phase`, `snapshots` and `log_stream` are set by the owner; a beat that cannot be written is simply missed."""

    def __init__(self, store: RunStore, clock: Clock, slot: int, epoch: int) -> None:
        self.vitals = Vitals(clock)
        self.phase = WorkerPhase.STARTING
        self.speaks_from, self.speaks_until = 0.0, math.inf
        """Where workers of one slot overlap, the slot's sign of life is that of whoever makes its load."""
        self.snapshots = 0
        self.log_stream = ""
        self.pieces = LogPieces(store, slot, epoch)
        self._store, self._clock, self._slot, self._epoch = store, clock, slot, epoch
        self._ended, self._hurries = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def hurry(self) -> None:
        """Lets it beat within a second; for who must not wait for the store."""
        self._hurries.set()

    def beat(self) -> None:
        self.pieces.ship()
        sample, now = self.vitals.sample(), self._clock.now()
        if not self.speaks_from <= now < self.speaks_until:
            return
        beat = Beat(self._slot, self._epoch, now, self.phase, sample.cpu_cores, sample.memory_bytes, sample.files,
                    self.snapshots, self.pieces.count, self.log_stream)  # fmt: skip
        try:
            self._store.beat(beat)
        except StoreUnavailable:
            return

    def _work(self) -> None:
        count = 0
        while not self._ended.wait(SAMPLE_SECONDS):
            count += 1
            if count % SAMPLES_PER_BEAT == 0 or self._hurries.is_set():
                self._hurries.clear()
                self.beat()
            else:
                self.vitals.sample()
