"""The life of a worker with a made-up engine: everything a real one writes and reads, at its times, and no request."""

from __future__ import annotations

import hashlib
import json
import math
import time
import zlib
from collections import deque
from collections.abc import Iterator
from functools import cached_property, lru_cache

import msgspec

from portal.core.protocol import Beat, Done, DoneReason, Lease, Ready, WorkerPhase
from portal.core.snapshot import IntervalSnapshot
from portal.core.split import WorkerAssignment
from portal.stores.pool import Call
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.orders import Orders
from runner_images.agent.reporter import MOST_DIGESTS
from tests.bench.crowd import at, seconds_of

READY_SECONDS, ASK_SECONDS, LOOK_SECONDS, BEAT_SECONDS, SETTLED = 0.5, 0.2, 1.0, 3.0, 0.8
SHAPES, NAMES, PER_SECOND = 8, 20, 100


def rate_of(slot: int) -> int:
    """Requests a second of a slot's worker: not all have the same, so that a mix-up shows."""
    return PER_SECOND + slot % SHAPES


@lru_cache(maxsize=256)
def _plain(shape: int, start: int, end: int) -> dict[str, object]:
    """The form of a snapshot of these seconds, from which those of all workers of a shape differ in a few numbers."""
    block = at(_seconds(shape, end - start), start)
    found: dict[str, object] = msgspec.msgpack.decode(zlib.decompress(IntervalSnapshot(0, 1, 0, start, end, block).encode()))
    return found


_seconds = lru_cache(maxsize=256)(lambda shape, length: seconds_of(
    0, length, names=NAMES, per_second=PER_SECOND + shape, seed=shape))  # fmt: skip


class Synthetic:
    """`live` yields the moment at which it wants to go on; `say` tells what it did once it is over."""

    def __init__(self, store: RunStore, call: Call, holder: str) -> None:
        self._store, self._slot, self._epoch, self._holder = store, call.slot, call.epoch, holder
        self._clock = SystemClock()
        self._orders = Orders(store, self._clock, slot=call.slot, epoch=call.epoch)
        self._phase, self._beat_at = WorkerPhase.STARTING, 0.0
        self._seq, self._from, self._first = 0, 0, 0
        self._digests: deque[str] = deque(maxlen=MOST_DIGESTS)

    @cached_property
    def _assignment(self) -> WorkerAssignment | None:
        return self._store.assignment(self._slot, self._epoch)

    def live(self) -> Iterator[float]:
        given = self._assignment
        if given is None or not self._store.take_lease(Lease(self._slot, self._epoch, self._holder, time.time())):
            return
        if hashlib.sha256(self._store.bundle() or b"").hexdigest() != given.plan.bundle_digest:
            raise RuntimeError(f"The bundle of {given.plan.run_id} is not the plan's.")
        _seconds(self._slot % SHAPES, int(given.plan.flush_every.total_seconds()))  # Made up now, for it takes a while.
        yield time.time() + READY_SECONDS
        self._phase = WorkerPhase.READY
        self._beat()
        self._store.say_ready(Ready(self._slot, self._epoch, time.time(), "synthetic"))
        while (t0 := self._orders.start_time()) is None:
            if end := self._orders.end(given.plan, None):
                self._done(end.reason, None, 0)
                return
            self._beat_if_due()
            yield time.time() + ASK_SECONDS
        yield t0
        yield from self._load(given, t0, time.time())

    def _load(self, given: WorkerAssignment, t0: int, released: float) -> Iterator[float]:
        over = t0 + int(given.plan.duration.total_seconds())
        every = int(given.plan.flush_every.total_seconds())
        self._phase, self._from, self._first = WorkerPhase.RUNNING, t0, t0
        while (end := self._orders.end(given.plan, t0)) is None and time.time() < over + SETTLED:
            self._beat_if_due()
            if time.time() >= self._from + every + SETTLED and self._from + every < over:
                self._ship(self._from + every)
            yield min(time.time() + LOOK_SECONDS, over + SETTLED, self._from + every + SETTLED)
        self._phase = WorkerPhase.DRAINING
        self._ship(min(math.floor(time.time()), over), final=True)
        self._done(end.reason if end else DoneReason.COMPLETED, released, t0)

    def _ship(self, until: int, *, final: bool = False) -> None:
        own = {"slot": self._slot, "epoch": self._epoch, "seq": self._seq, "final": final}
        plain = _plain(self._slot % SHAPES, self._from, until)
        data = zlib.compress(msgspec.msgpack.encode({**plain, **own}), 1)
        self._store.put_snapshot(self._slot, self._epoch, self._seq, data)
        self._digests.append(hashlib.sha256(data).hexdigest())
        self._seq, self._from = self._seq + 1, until

    def _done(self, reason: DoneReason, released: float | None, t0: int) -> None:
        self._store.done(Done(
            self._slot, self._epoch, time.time(), reason, 0, snapshots=self._seq, digests=tuple(self._digests),
            started_at=released, first_second=t0 or None, last_second=self._from or None, mean_cpu_cores=0.1, peak_cpu_cores=0.2,
        ))  # fmt: skip
        skew = None if released is None else round((released - t0) * 1000, 1)
        told = {"run": self._store.run_id, "slot": self._slot, "reason": str(reason), "first": self._first, "until": self._from,
                "requests": (self._from - self._first) * rate_of(self._slot), "skew_ms": skew}  # fmt: skip
        print(json.dumps(told), flush=True)

    def _beat_if_due(self) -> None:
        if time.time() - self._beat_at >= BEAT_SECONDS:
            self._beat()

    def _beat(self) -> None:
        self._beat_at = time.time()
        self._store.beat(Beat(self._slot, self._epoch, self._beat_at, self._phase, 0.1, 90_000_000, 20, self._seq))
