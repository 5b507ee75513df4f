"""What the controller wants: stop flag, newest epoch, pulse and start time, read from the store and remembered.

A store that cannot be read is no order: the last known pulse goes on ageing, and that alone ends the worker. One that
hangs is asked by a thread of its own: deadlines, signals and the end of the load are seen in time without it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

from portal.core.errors import StoreUnavailable, WireInvalid
from portal.core.loss import MOST_PER_SLOT, OnWorkerLoss, clock, stops_for
from portal.core.plan import LoadPlan
from portal.core.ports import Clock
from portal.core.protocol import NEVER, DoneReason, Stop
from portal.stores.run_store import RunStore
from runner_images.agent.aside import Aside

EVERY_SECONDS = 1.0
WAIT_SECONDS = 1.0
"""Enough for some reads; a store that is slower is heard in a later look."""


@dataclass(frozen=True, slots=True)
class End:
    """Why this worker has to end now; `hard` leaves the engine no time."""

    reason: DoneReason
    message: str
    hard: bool = False


class Orders:
    def __init__(self, store: RunStore, clock: Clock, *, slot: int = 0, epoch: int = 1) -> None:
        self._store, self._clock, self._slot, self._epoch = store, clock, slot, epoch
        self.part = 0
        """Which slice this worker makes: whoever follows with the next one supersedes nobody."""
        self._superseded = False
        self._relief = epoch
        """The newest epoch that is known to follow without being in a hurry."""
        self._signals = 0
        self._leaves_since: float | None = None
        self._begins: int | None = None
        self._stop: Stop | None = None
        self._pulse_at = clock.now()
        self._read_at = 0.0
        self._awaited = False
        self._reader = Aside(self._read)
        self.clock_offset_ms: float | None = None
        """Own clock minus the controller's, as the start tells: known only to who waited for it."""

    def obey_signals(self) -> None:
        """SIGTERM means: hand over where the run replaces workers, drain, flush, say done; SIGINT (Ctrl-C) and a second SIGTERM:
        without handing over. For the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1 if number == signal.SIGTERM else 2

    @property
    def leaves(self) -> bool:
        """It was told to terminate, and makes load until another begins."""
        return self._leaves_since is not None

    @property
    def begins(self) -> int | None:
        """The unix second at which another goes on with the slot; None: nobody does yet."""
        return self._begins

    def end(self, plan: LoadPlan, t0: int | None, deadline: timedelta | None = None) -> End | None:
        """The reason to end, if there is one. `deadline`: the worker's own, after `t0`, else the plan's."""
        self._refresh()
        now = self._clock.now()
        if self._signals and (parting := self._parting(plan, t0, now)):
            return parting
        if t0 is not None and (relieved := self._relieved(t0, now)):
            return relieved
        if self._superseded and not self.leaves:
            return End(DoneReason.SUPERSEDED, f"Another worker took slot {self._slot} over.", hard=True)
        if self._stop is not None:
            return End(DoneReason.STOPPED, self._stop.message or "The run was stopped.", self._stop.hard)
        if t0 is not None and now > t0 + (deadline or plan.deadline).total_seconds():
            return End(DoneReason.DEADLINE, "The deadline has passed.")
        if now - self._pulse_at > plan.pulse_older_than.total_seconds():
            return End(DoneReason.CONTROLLER_LOST, "No sign of life from the controller: no controller, no load.")
        return None

    def _relieved(self, t0: int, now: float) -> End | None:
        if self._relief == self._epoch or self._begins is None or not stops_for(self._begins, now=now, asked_at=now):
            return None
        return End(DoneReason.RELIEVED, f"Another worker of the pool went on at {clock(self._begins - t0)}.")

    def _parting(self, plan: LoadPlan, t0: int | None, now: float) -> End | None:
        """Who is told twice ends at once, and so does who makes no load yet or will not be replaced."""
        end = End(DoneReason.TERMINATED, "The worker was told to terminate by its platform.")
        if t0 is None or self._signals > 1 or self._stop is not None or plan.on_worker_loss is not OnWorkerLoss.REPLACE:
            return end
        if self._leaves_since is None:
            self._leaves_since = now
        if not stops_for(self._begins, now=now, asked_at=self._leaves_since):
            return None
        return end if self._begins is None else End(end.reason, f"{end.message} Another went on at {clock(self._begins - t0)}.")

    def _successor_begins(self) -> int | None:
        """Of whichever comes to it: the first one may have been lost before it began."""
        epochs = range(self._epoch + 1, self._relief + 1 + MOST_PER_SLOT)
        others = (self._store.taken_over(self._slot, epoch) for epoch in epochs)
        return min((other.begins for other in others if other is not None and other.begins != NEVER), default=None)

    def is_hard_stop(self) -> bool:
        self._refresh()
        return self._stop is not None and self._stop.hard

    def start_time(self) -> int | None:
        try:
            start = self._store.started()
        except (StoreUnavailable, WireInvalid):
            return None
        if start is None:
            self._awaited = True
            return None
        if self._awaited and start.at and self.clock_offset_ms is None:
            self.clock_offset_ms = round((self._clock.now() - start.at) * 1000, 1)
        return start.t0

    def _is_superseded(self) -> bool:
        """By somebody who makes the same part of the load, and not only once it begins."""
        while (following := self._store.assignment(self._slot, self._relief + 1)) is not None and following.part == self.part:
            if not following.relieves:
                return True
            self._relief += 1
        return False

    def _refresh(self) -> None:
        now = self._clock.now()
        if now - self._read_at >= EVERY_SECONDS and not self._reader.is_busy:
            self._read_at = now
            self._reader.run(WAIT_SECONDS)

    def _read(self) -> None:
        try:
            self._stop = self._store.stop_asked() or self._stop
            self._superseded = self._superseded or self._is_superseded()
            if self._begins is None and (self._relief > self._epoch or (self.leaves and self._superseded)):
                self._begins = self._successor_begins()
            pulse = self._store.last_pulse()
        except (StoreUnavailable, WireInvalid):
            return
        if pulse is not None:
            self._pulse_at = max(self._pulse_at, pulse.at)
