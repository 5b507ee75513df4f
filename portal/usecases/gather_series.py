"""A run's series as one process follows them: what was kept, every snapshot since, and from time to time kept again."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from portal.core.errors import WireInvalid
from portal.core.merged_run import MergedRun
from portal.core.protocol import Done
from portal.core.snapshot import IntervalSnapshot
from portal.stores.kept_series import KeptElsewhere, KeptSeries
from portal.stores.run_store import RunStore

log = logging.getLogger("portal.series")
KEEP_EVERY = 60.0
ASKED_EVERY_TIME = 20
"""Up to so many workers are asked for their next snapshot in each look; of more, only those that are due to have one."""
EARLY = 1.0


class GatheredSeries:
    """Raises StoreUnavailable wherever it reads or writes; the next call goes on where this one stopped."""

    def __init__(self, store: RunStore, flush_every: float) -> None:
        self._store, self._flush_every = store, flush_every
        self._due: dict[tuple[int, int], float] = {}
        self._kept_at: float | None = None
        self._changed: int | None = None
        self.kept = KeptSeries(store)
        self.merged: MergedRun = self.kept.restore()

    def read_new(self, workers: Iterable[tuple[int, int]], now: float) -> None:
        """Snapshots come in order of seq, so each worker (slot, epoch) is asked for its next one until it has none."""
        asked = tuple(workers)
        for worker in asked:
            is_due = len(asked) <= ASKED_EVERY_TIME or now >= self._due.get(worker, 0.0)
            if is_due and self._read_next(*worker):
                self._due[worker] = now + self._flush_every - EARLY

    def read_rest(self, workers: Iterable[tuple[int, int]], dones: dict[tuple[int, int], Done]) -> None:
        """Once nobody writes any more: also what lies behind a snapshot that never came."""
        for slot, epoch in sorted({*workers, *dones}):
            self._read_next(slot, epoch)
            done = dones.get((slot, epoch))
            if done is None or done.snapshots > self.merged.next_seq(slot, epoch):
                for seq in self._store.snapshot_seqs(slot, epoch):
                    self._read(slot, epoch, seq)

    def take_changed(self) -> int | None:
        """The first unix second of which something new was read since the last time."""
        changed, self._changed = self._changed, None
        return changed

    def keep_if_due(self, now: float) -> None:
        if self._kept_at is None:
            self._kept_at = now
        elif now - self._kept_at >= KEEP_EVERY:
            self.keep()
            self._kept_at = now

    def keep(self) -> None:
        """Everything merged is in the store afterwards, by us or, with what we have not read yet, by another process."""
        try:
            self.kept.keep(self.merged)
        except KeptElsewhere:
            log.warning("kept_elsewhere run_id=%s", self._store.run_id)
            self.kept.load()
            self.merged = self.kept.restore()
            self._due.clear()

    def keep_for_good(self) -> None:
        self.keep()
        self.kept.tidy()

    def _read_next(self, slot: int, epoch: int) -> bool:
        found = False
        while self._read(slot, epoch, self.merged.next_seq(slot, epoch)):
            found = True
        return found

    def _read(self, slot: int, epoch: int, seq: int) -> bool:
        if self.merged.has(slot, epoch, seq):
            return True
        data = self._store.snapshot(slot, epoch, seq)
        if data is None:
            return False
        try:
            snapshot = IntervalSnapshot.decode(data)
        except WireInvalid as error:
            log.warning("snapshot_unreadable run_id=%s slot=%s: %s", self._store.run_id, slot, error)
            self.merged.pass_over(slot, epoch, seq)
            return True
        self.merged.add(snapshot)
        first = min((snapshot.start, *snapshot.block.at[:1].tolist()))
        self._changed = first if self._changed is None else min(self._changed, first)
        return True


def workers_of(store: RunStore, launched: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Everyone who may have measured: who is known to have been launched, and who began all the same."""
    return tuple(sorted({*launched, *store.leased(), *store.dones()}))


def has_uncounted(store: RunStore, launched: Iterable[tuple[int, int]]) -> bool:
    """Whether there are snapshots that the kept series lack. Lists only the workers that have not said that this was all."""
    counted, dones = MergedRun(KeptSeries(store).kept.counted), store.dones()
    for slot, epoch in workers_of(store, launched):
        done = dones.get((slot, epoch))
        if done is not None and done.snapshots <= counted.next_seq(slot, epoch):
            continue
        if any(not counted.has(slot, epoch, seq) for seq in store.snapshot_seqs(slot, epoch)):
            return True
    return False
