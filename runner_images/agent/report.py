"""Everything one worker tells the store: ready, beats, snapshots, done. Seconds close a little late, for late samples."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from portal.core.errors import EngineOutputBroken, StoreUnavailable
from portal.core.health import LAG
from portal.core.ports import Clock
from portal.core.protocol import Done, DoneReason, Ready, WorkerPhase
from portal.core.snapshot import IntervalSnapshot, Point
from portal.core.split import WorkerAssignment
from portal.core.window import Window
from portal.stores.run_store import RunStore
from runner_images.agent.awake import Awake
from runner_images.agent.heart import Heart
from runner_images.agent.orders import End
from runner_images.agent.process import EngineProcess
from runner_images.agent.reporter import PATIENCE, Reporter
from runner_images.agent.tally import Tally

LATE_SECONDS = 3
"""A second without numbers is closed so long after its end; what comes later still is added under its own second."""
SETTLED = 0.3
"""Engines report a second once it is over, each of their threads for itself: so long after the first of it all is there."""

FARTHEST_SECONDS = 3600.0
"""Between a sample and the clock; one second far away would stretch the run's timeline to there."""

EVER = 1 << 36


class Report:
    def __init__(
        self, store: RunStore, clock: Clock, assignment: WorkerAssignment, window: Window, *, patience: float = PATIENCE
    ) -> None:
        self._store, self._clock, self._window = store, clock, window
        self._slot, self._epoch = assignment.slot, assignment.epoch
        self._every = assignment.plan.flush_every.total_seconds()
        self._lock = threading.Lock()
        self._reporter = Reporter(store, clock, patience=patience)
        self.hide: Callable[[str], str] = str
        """Keeps secrets out of what is written for people."""
        self._seq = 0
        self._from: int | None = None
        self._t0: int | None = None
        self._released_at: float | None = None
        self._flushed_at = 0.0
        self._newest, self._newest_at = 0, 0.0
        self._over_at: int | None = None
        self._awake = Awake(clock)
        self.heart = Heart(store, clock, self._slot, self._epoch)
        self.heart.speaks_from = math.inf if assignment.part or assignment.relieves else 0.0
        self.tally = Tally()
        self.record: Done | None = None
        self.was_written = False
        self.clock_offset_ms: float | None = None
        self.cores = 0
        """This worker may use; 0: nobody said."""

    def add(self, points: Iterable[Point]) -> None:
        """All of a batch or, with EngineOutputBroken, nothing of it. Engine and agent have the same clock."""
        over = self._over_at
        batch, now = tuple(points), self._clock.now()
        if any(abs(point.second - now) > FARTHEST_SECONDS for point in batch):
            raise EngineOutputBroken("The engine reports of another time.")
        with self._lock:
            self._window.add(self._noted(batch if over is None else (point for point in batch if point.second < over)))

    def _noted(self, points: Iterable[Point]) -> Iterator[Point]:
        for point in points:
            if point.second > self._newest:
                self._newest, self._newest_at = point.second, self._clock.now()
            if point.key.metric == LAG:
                self.heart.vitals.note_lag(point.total)
            yield point

    def ready(self, version: str = "") -> bool:
        self.heart.phase = WorkerPhase.READY
        self.heart.beat()
        return self._reporter.insist(lambda: self._store.say_ready(Ready(self._slot, self._epoch, self._clock.now(), version)))

    def begin(self, t0: int, released_at: float, hands_over: float = math.inf) -> None:
        """`hands_over`: when by plan another worker makes the slot's load."""
        self.heart.speaks_from, self.heart.speaks_until = 0.0, hands_over
        self._t0 = self._from = t0
        self._released_at = self._flushed_at = released_at
        self.heart.phase = WorkerPhase.RUNNING
        self.heart.vitals.begin()

    def another_begins(self, at: int) -> None:
        """The slot's sign of life is the other's from then on."""
        self.heart.speaks_until = min(self.heart.speaks_until, at)

    def leave(self) -> None:
        """Says once, and at once, that another is wanted."""
        if self.heart.phase is WorkerPhase.RUNNING:
            self.heart.phase = WorkerPhase.LEAVING
            self.heart.hurry()

    def load_is_over(self) -> None:
        """An engine that lingers goes on counting its idle users, which is no part of the run any more."""
        self._over_at = math.ceil(self._clock.now())
        self.heart.phase = WorkerPhase.DRAINING

    def flush_if_due(self) -> None:
        now = self._clock.now() if self._over_at is None else min(self._clock.now(), self._over_at + LATE_SECONDS)
        if self._from is not None and now - self._flushed_at >= self._every:
            self._leave_out_sleep()
            until = max(math.floor(now) - LATE_SECONDS, min(self._reported(now), math.floor(now)))
            if until > self._from:
                self._flushed_at = now
                self._ship(until, final=False, broken=0)

    def _reported(self, now: float) -> int:
        """The first second the engine has not reported yet."""
        with self._lock:
            return self._newest + (now - self._newest_at >= SETTLED)

    @property
    def store_failure(self) -> str:
        return self._reporter.failure

    def done(self, end: End, process: EngineProcess | None, *, exit_code: int | None = None, broken: int = 0) -> None:
        """The rest of the numbers, then the last word; `was_written` says whether the store has both."""
        until = self._over_at or math.ceil(self._clock.now())
        if self._from is not None:
            self._leave_out_sleep()
            # Who was superseded made load that counts, but the time is the other's to account for.
            until = self._from if end.reason is DoneReason.SUPERSEDED else until
            self._ship(max(until, self._from), final=True, broken=broken)
        self._awake.stop()
        self._reporter.finish()
        if self.store_failure and end.reason is not DoneReason.STORE_FAILED:
            end = End(DoneReason.STORE_FAILED, f"Not all that was measured could be written: {self.store_failure}")
        self.heart.stop()
        self.heart.pieces.ship()
        vitals = self.heart.vitals
        record = Done(
            slot=self._slot, epoch=self._epoch, at=self._clock.now(), reason=end.reason, exit_code=exit_code,
            message=self.hide(end.message) or (process.log.first_error if process else ""),
            log_tail=process.log.told()[-40:] if process else (), script_errors=process.log.script_errors if process else 0,
            snapshots=self._seq, digests=tuple(self._reporter.digests), started_at=self._released_at, first_second=self._t0,
            last_second=until if self._from is not None else None, broken_batches=broken,
            mean_cpu_cores=round(vitals.mean_cores(), 3), peak_cpu_cores=round(vitals.peak_cores, 3),
            peak_memory_bytes=vitals.peak_memory, names_folded=self._window.names_dropped,
            strain=replace(vitals.strain(self.clock_offset_ms), cores=float(self.cores)),
            processes=len(process.pids) if process else 1, pieces=self.heart.pieces.count,
        )  # fmt: skip
        self.record = record
        if process is not None:
            log = "\n".join(process.log.told()).encode()
            with contextlib.suppress(StoreUnavailable):  # Good to have, and its tail is in the record: not worth waiting for.
                self._store.put_raw(self._slot, f"engine-{self._epoch}.log", log)
        self.was_written = self._reporter.insist(lambda: self._store.done(record))

    def _leave_out_sleep(self) -> None:
        """What was measured until it stood still is shipped; then the time goes on where it woke up."""
        for stopped, woke in self._awake.slept():
            self._ship(stopped, final=False, broken=0)
            self._from = max(self._from or 0, woke)

    def _ship(self, until: int, *, final: bool, broken: int) -> None:
        """One snapshot of all closed seconds up to `until`; late samples of earlier seconds are in it too."""
        assert self._from is not None
        if until <= self._from and not final:
            return
        with self._lock:
            block = self._window.close(EVER if final else until)
        self.tally.add(block)
        snapshot = IntervalSnapshot(
            slot=self._slot,
            epoch=self._epoch,
            seq=self._seq,
            start=self._from,
            end=until,
            final=final,
            broken=broken,
            block=block,
        )
        self._seq += 1
        self._from = until
        self.heart.snapshots = self._seq
        self._reporter.ship(snapshot)
