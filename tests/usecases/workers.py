"""What workers leave in a run's store, in the words of a test: ready, a beat, some seconds of requests, done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any  # Any: the fields of a Done, passed through by name.

from portal.core.protocol import Beat, Done, DoneReason, Ready, WorkerPhase
from portal.core.snapshot import IntervalSnapshot, Point
from portal.models import Run, Worker
from portal.models.worker import WorkerState
from portal.stores.run_store import RunStore
from tests.core.points import counter, gauge, rate, snapshot, trend
from tests.usecases.parts import Scene


@dataclass
class FakeWorker:
    scene: Scene
    store: RunStore
    slot: int
    seq: int = 0
    epoch: int = 1
    pieces: int = 0

    def replaced(self, *, reference: str = "fake:again") -> FakeWorker:
        """The next worker of this slot, with its row; the backend says of both what it says of the slot."""
        Worker.objects.create(run_id=self.store.run_id, slot=self.slot, epoch=self.epoch + 1, reference=reference)
        return FakeWorker(self.scene, self.store, self.slot, epoch=self.epoch + 1)

    def ready(self) -> None:
        self.store.say_ready(Ready(self.slot, self.epoch, self.scene.clock.now()))

    def beat(self, phase: WorkerPhase = WorkerPhase.RUNNING, **fields: Any) -> None:
        self.store.beat(Beat(self.slot, self.epoch, self.scene.clock.now(), phase, **fields))

    def says(self, *lines: str, beats: bool = True, phase: WorkerPhase = WorkerPhase.RUNNING) -> None:
        """The next piece of its engine's log; with the beat that counts it."""
        self.store.put_lines(self.slot, self.epoch, self.pieces, lines)
        self.pieces += 1
        if beats:
            self.beat(phase, pieces=self.pieces)

    def measure(self, start: int, end: int, points: Iterable[Point] | None = None, **load: Any) -> IntervalSnapshot:
        """The next snapshot, for the seconds from `start` to before `end`; `load` as `requests` takes it."""
        found = points if points is not None else [point for second in range(start, end) for point in requests(second, **load)]
        taken = snapshot(self.slot, self.seq, epoch=self.epoch, start=start, end=end, points=found)
        self.store.put_snapshot(self.slot, self.epoch, self.seq, taken.encode())
        self.seq += 1
        return taken

    def done(self, reason: DoneReason = DoneReason.COMPLETED, **fields: Any) -> None:
        self.store.done(
            Done(self.slot, self.epoch, self.scene.clock.now(), reason, **{"exit_code": 0, "snapshots": self.seq, **fields})
        )


def workers_of(scene: Scene, run: Run, count: int | None = None) -> tuple[FakeWorker, ...]:
    """Launched workers, as rows and as what writes to the store."""
    store = scene.store(run)
    count = run.workers if count is None else count
    Worker.objects.bulk_create(Worker(run=run, slot=slot, reference=f"fake:{slot}") for slot in range(count))
    return tuple(FakeWorker(scene, store, slot) for slot in range(count))


def requests(second: int, *, count: int = 10, failed: int = 0, ms: float = 100.0, users: int = 10) -> list[Point]:
    """One second of a worker: so many requests of so many ms, each an iteration, some of them failed."""
    labels = {"name": "home", "status": "200"}
    return [
        counter(second, "http_reqs", count, **labels), rate(second, "http_req_failed", failed, count, **labels),
        trend(second, "http_req_duration", [ms] * count, **labels), counter(second, "iterations", count),
        gauge(second, "vus", users),
    ]  # fmt: skip


def states_of(run: Run) -> list[str]:
    """Of the worker rows, by slot."""
    return list(Worker.objects.filter(run=run).values_list("state", flat=True))


def mark_done(run: Run, *slots: int) -> None:
    Worker.objects.filter(run=run, slot__in=slots).update(state=WorkerState.DONE)
